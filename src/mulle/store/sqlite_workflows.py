"""The workflows of a home, in its SQLite file."""

import json
import sqlite3
import uuid
from collections.abc import Sequence
from pathlib import Path

from mulle.document.reading import read_workflow, workflow_data
from mulle.document.workflow import Workflow
from mulle.store.database import opened, storage, transaction
from mulle.store.workflows import Firing, StoredWorkflow, UnknownWorkflow, the_one, the_version


class SqliteWorkflows:
    """The documents of one home. For one thread at a time."""

    def __init__(self, path: Path | str) -> None:
        """Open them, in the home's database; raises StoreUnavailable, StoreDamaged, StoreTooNew, StoreFull."""
        self._path = Path(path)
        self._db = opened(path, "workflows")

    def close(self) -> None:
        self._db.close()

    # ------------------------------------------------------------------ documents

    def save(self, workflow: Workflow, now: float, *, workflow_id: str | None = None) -> StoredWorkflow:
        """Keep a document as the newest version of a workflow; without an id, of a new one. Raises UnknownWorkflow."""
        text = json.dumps(workflow_data(workflow), ensure_ascii=False)
        with storage(self._path), transaction(self._db):
            if workflow_id is None:
                workflow_id = uuid.uuid4().hex[:8]
                self._db.execute("INSERT INTO workflows VALUES (?, ?, 0, ?, ?, 1)", (workflow_id, "", now, now))
            changed = self._db.execute(
                "UPDATE workflows SET version = version + 1, name = ?, updated = ? WHERE id = ?",
                (workflow.name, now, workflow_id),
            )
            if not changed.rowcount:
                raise UnknownWorkflow(named=workflow_id)
            self._db.execute(
                "INSERT INTO workflow_versions SELECT id, version, ?, ? FROM workflows WHERE id = ?",
                (text, now, workflow_id),
            )
        return self.get(workflow_id)

    def get(self, named: str) -> StoredWorkflow:
        """A workflow by its id or its name; raises UnknownWorkflow, AmbiguousWorkflow."""
        with storage(self._path):
            rows = self._db.execute(
                "SELECT id, name, version, created, updated, enabled FROM workflows"
                " WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC",
                (named,),
            ).fetchall()
        return the_one(named, [_stored(row) for row in rows])

    def document(self, named: str, version: int | None = None) -> Workflow:
        """A workflow's document, by default the newest version; raises UnknownWorkflow, UnknownVersion."""
        stored = self.get(named)
        with storage(self._path):
            row = self._db.execute(
                "SELECT document FROM workflow_versions WHERE workflow = ? AND version = ?",
                (stored.id, the_version(stored, version)),
            ).fetchone()
        if row is None:  # It was removed between the two questions.
            raise UnknownWorkflow(named=named)
        return read_workflow(row[0])

    def all(self) -> list[StoredWorkflow]:
        """Every workflow, the one changed last first."""
        with storage(self._path):
            rows = self._db.execute(
                "SELECT id, name, version, created, updated, enabled FROM workflows ORDER BY updated DESC"
            ).fetchall()
        return [_stored(row) for row in rows]

    def enable(self, named: str, now: float, *, enabled: bool) -> StoredWorkflow:
        """Let a workflow's schedules fire, or not; what was due while they were off is not made up.

        Raises UnknownWorkflow.
        """
        stored = self.get(named)
        with storage(self._path), transaction(self._db):
            self._db.execute("UPDATE workflows SET enabled = ? WHERE id = ?", (enabled, stored.id))
            if enabled and not stored.enabled:
                self._db.execute("UPDATE schedules SET looked_until = ? WHERE workflow = ?", (now, stored.id))
        return self.get(stored.id)

    def remove(self, named: str) -> StoredWorkflow:
        """Forget a workflow with its versions and firings; its runs stay. Raises UnknownWorkflow."""
        stored = self.get(named)
        with storage(self._path):
            self._db.execute("DELETE FROM workflows WHERE id = ?", (stored.id,))
        return stored

    # ------------------------------------------------------------------ schedules

    def keep_schedules(self, workflow: str, triggers: Sequence[str], now: float) -> None:
        """Let exactly these schedules of a workflow count: new ones begin now, and one that is gone is forgotten."""
        with storage(self._path), transaction(self._db):
            known = {
                row[0] for row in self._db.execute("SELECT trigger_key FROM schedules WHERE workflow = ?", (workflow,))
            }
            self._db.executemany(
                "DELETE FROM schedules WHERE workflow = ? AND trigger_key = ?",
                [(workflow, key) for key in known - set(triggers)],
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO schedules VALUES (?, ?, ?)", [(workflow, key, now) for key in triggers]
            )

    def last_run(self, workflow: str, trigger: str) -> str | None:
        """The id of the run that a schedule started last."""
        with storage(self._path):
            row = self._db.execute(
                "SELECT run FROM firings WHERE workflow = ? AND trigger_key = ? AND run IS NOT NULL"
                " ORDER BY due DESC LIMIT 1",
                (workflow, trigger),
            ).fetchone()
        return row[0] if row else None

    def looked_until(self, workflow: str, trigger: str, now: float) -> float:
        """Up to when a schedule's due times were dealt with; a schedule that is new begins now."""
        with storage(self._path):
            self._db.execute("INSERT OR IGNORE INTO schedules VALUES (?, ?, ?)", (workflow, trigger, now))
            row = self._db.execute(
                "SELECT looked_until FROM schedules WHERE workflow = ? AND trigger_key = ?", (workflow, trigger)
            ).fetchone()
        return row[0]

    def note(self, firings: Sequence[Firing], workflow: str, trigger: str, until: float, now: float) -> None:
        """Write down what became of a schedule's due times up to `until`, all in one transaction.

        Of two who looked at the same due time, the one who has a run to show is right.
        """
        with storage(self._path), transaction(self._db):
            self._db.executemany(
                "INSERT INTO firings VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET outcome = excluded.outcome, run = excluded.run WHERE run IS NULL AND excluded.run IS NOT NULL",
                [(one.workflow, one.trigger, one.due, one.outcome, one.run, now) for one in firings],
            )
            self._db.execute(
                "UPDATE schedules SET looked_until = max(looked_until, ?) WHERE workflow = ? AND trigger_key = ?",
                (until, workflow, trigger),
            )

    def firings(self, workflow: str | None = None, limit: int = 50) -> list[Firing]:
        """What became of due times, the latest first."""
        with storage(self._path):
            rows = self._db.execute(
                "SELECT workflow, trigger_key, due, outcome, run FROM firings WHERE ?1 IS NULL OR workflow = ?1"
                " ORDER BY due DESC LIMIT ?2",
                (workflow, limit),
            ).fetchall()
        return [Firing(*row) for row in rows]

    def last_firings(self) -> list[Firing]:
        """What became of each schedule's last due time; of those that were skipped, the one before counts."""
        with storage(self._path):
            rows = self._db.execute(  # Beside max(), SQLite's other columns are those of the row that has it.
                "SELECT workflow, trigger_key, max(due), outcome, run FROM firings WHERE outcome != 'skipped'"
                " GROUP BY workflow, trigger_key"
            ).fetchall()
        return [Firing(*row) for row in rows]

    def forget_firings(self, before: float, most: int = 500) -> int:
        """Forget what became of due times long ago, at most so many; of each schedule the last two stay."""
        with storage(self._path):
            forgotten = self._db.execute(
                "DELETE FROM firings WHERE (workflow, trigger_key, due) IN ("
                " SELECT workflow, trigger_key, due FROM firings AS old WHERE noted < ?1 AND ("
                "  SELECT count(*) FROM (SELECT 1 FROM firings AS newer WHERE newer.workflow = old.workflow"
                "   AND newer.trigger_key = old.trigger_key AND newer.due > old.due LIMIT 2)) = 2"
                " LIMIT ?2)",
                (before, most),
            )
        return forgotten.rowcount


def _stored(row: sqlite3.Row | tuple[str, str, int, float, float, int]) -> StoredWorkflow:
    workflow, name, version, created, updated, enabled = row
    return StoredWorkflow(workflow, name, version, created, updated, bool(enabled))
