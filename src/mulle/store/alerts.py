"""The alert rules of a home, and which of them fire. One process alone changes a state, and then tells of it."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from mulle.errors import InputError
from mulle.store.database import opened, storage


class UnknownAlert(InputError):
    """There is no alert with this id."""

    code = "alert.unknown"
    message = "There is no alert '{named}'."
    hint = "`mulle alerts list` shows them."


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """A rule that the operator set."""

    id: str
    rule: str
    workflow: str | None
    told_to: str | None
    """`channel:address`; None: where alerts go by default."""
    again: float
    """Seconds after which it is told once more while it fires."""
    created: float


@dataclass(frozen=True, slots=True)
class AlertState:
    """A rule that fires."""

    key: str
    name: str
    since: float
    detail: str


class AlertRules:
    """The rules and states of one home. For one thread at a time; several processes may share the file."""

    def __init__(self, path: Path | str) -> None:
        """Open them, in the home's database; raises StoreUnavailable, StoreDamaged, StoreTooNew, StoreFull."""
        self._path = Path(path)
        self._db = opened(path, "alerts")

    def close(self) -> None:
        self._db.close()

    # ------------------------------------------------------------------ rules

    def add(self, rule: str, now: float, *, workflow: str | None, told_to: str | None, again: float) -> StoredAlert:
        """Keep a rule; the same one for the same workflow is kept once."""
        with storage(self._path):
            self._db.execute("DELETE FROM alerts WHERE rule = ? AND workflow IS ?", (rule, workflow))
            alert = StoredAlert(uuid.uuid4().hex[:8], rule, workflow, told_to, again, now)
            values = (alert.id, rule, workflow, told_to, again, now)
            self._db.execute("INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?)", values)
        return alert

    def all(self) -> list[StoredAlert]:
        """Every rule, the oldest first."""
        with storage(self._path):
            rows = self._db.execute(
                "SELECT id, rule, workflow, told_to, again, created FROM alerts ORDER BY created"
            ).fetchall()
        return [StoredAlert(*row) for row in rows]

    def remove(self, alert: str) -> None:
        """Forget a rule, and whether it fired. Raises UnknownAlert."""
        with storage(self._path):
            if not self._db.execute("DELETE FROM alerts WHERE id = ?", (alert,)).rowcount:
                raise UnknownAlert(named=alert)
            self._db.execute("DELETE FROM alert_states WHERE key = ? OR key GLOB ?", (alert, f"{alert}/*"))

    # ------------------------------------------------------------------ states

    def fire(self, key: str, name: str, now: float, detail: str, again: float) -> bool:
        """Note that a rule fires; True: it is for us to tell, because it is new or was told long ago."""
        with storage(self._path):
            new = self._db.execute(
                "INSERT INTO alert_states VALUES (?1, ?2, 1, ?3, ?3, ?4) ON CONFLICT (key) DO UPDATE"
                " SET firing = 1, since = ?3, told = ?3, detail = ?4, name = ?2 WHERE firing = 0",
                (key, name, now, detail),
            )
            if new.rowcount:
                return True
            long_ago = self._db.execute(
                "UPDATE alert_states SET told = ?, detail = ? WHERE key = ? AND firing = 1 AND told <= ?",
                (now, detail, key, now - again),
            )
            return bool(long_ago.rowcount)

    def untold(self, key: str) -> None:
        """What was to be told could not be: whoever looks next tries again."""
        with storage(self._path):
            self._db.execute("UPDATE alert_states SET told = 0 WHERE key = ?", (key,))

    def recover(self, key: str, now: float) -> bool:
        """Note that a rule does not fire; True: it did, and it is for us to tell."""
        with storage(self._path):
            changed = self._db.execute(
                "UPDATE alert_states SET firing = 0, since = ? WHERE key = ? AND firing = 1", (now, key)
            )
            return bool(changed.rowcount)

    def firing(self) -> list[AlertState]:
        """What fires, the latest first."""
        with storage(self._path):
            rows = self._db.execute(
                "SELECT key, name, since, detail FROM alert_states WHERE firing = 1 ORDER BY since DESC"
            ).fetchall()
        return [AlertState(*row) for row in rows]
