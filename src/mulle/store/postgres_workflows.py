"""The workflows of a cluster, in its Postgres database: as `sqlite_workflows`, shared by every machine."""

import contextlib
import json
import threading
import uuid
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, LiteralString

from mulle.document.reading import read_workflow, workflow_data
from mulle.document.workflow import Workflow
from mulle.store.postgres_database import Address, is_lost, migrate, psycopg_library, storage_error
from mulle.store.postgres_rows import kept, told
from mulle.store.workflows import Firing, StoredWorkflow, UnknownWorkflow, the_one, the_version

if TYPE_CHECKING:
    import psycopg

    Blocking = psycopg.Connection[tuple[Any, ...]]

_STORED: LiteralString = "SELECT id, name, version, created, updated, enabled FROM workflows"


class PostgresWorkflows:
    """The documents of one cluster. Connected when first used, and again after the connection broke."""

    def __init__(self, url: str) -> None:
        """Use the database at a `postgresql://` address; raises PostgresMissing, StoreUnavailable."""
        self._address = Address(url)
        self._db: Blocking | None = None
        self._migrated = False
        self._turn = threading.RLock()

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            if self._db is not None:
                self._db.close()
                self._db = None

    # ------------------------------------------------------------------ documents

    def save(self, workflow: Workflow, now: float, *, workflow_id: str | None = None) -> StoredWorkflow:
        """Keep a document as the newest version of a workflow; without an id, of a new one. Raises UnknownWorkflow."""
        text = json.dumps(workflow_data(workflow), ensure_ascii=False)
        with self._transaction() as db:
            if workflow_id is None:
                workflow_id = uuid.uuid4().hex[:8]
                db.execute("INSERT INTO workflows VALUES (%s, '', 0, %s, %s, true)", (workflow_id, now, now))
            changed = db.execute(
                "UPDATE workflows SET version = version + 1, name = %s, updated = %s WHERE id = %s",
                (kept(workflow.name), now, kept(workflow_id)),
            )
            if not changed.rowcount:
                raise UnknownWorkflow(named=workflow_id)
            db.execute(
                "INSERT INTO workflow_versions SELECT id, version, %s, %s FROM workflows WHERE id = %s",
                (kept(text), now, kept(workflow_id)),
            )
        return self.get(workflow_id)

    def get(self, named: str) -> StoredWorkflow:
        """A workflow by its id or its name; raises UnknownWorkflow, AmbiguousWorkflow."""
        rows = self._rows(f"{_STORED} WHERE id = %s OR name = %s", (kept(named), kept(named)))
        return the_one(named, [_stored(row) for row in rows])

    def document(self, named: str, version: int | None = None) -> Workflow:
        """A workflow's document, by default the newest version; raises UnknownWorkflow, UnknownVersion."""
        stored = self.get(named)
        rows = self._rows(
            "SELECT document FROM workflow_versions WHERE workflow = %s AND version = %s",
            (stored.id, the_version(stored, version)),
        )
        if not rows:  # It was removed between the two questions.
            raise UnknownWorkflow(named=named)
        return read_workflow(told(rows[0][0]))

    def all(self) -> list[StoredWorkflow]:
        """Every workflow, the one changed last first."""
        return [_stored(row) for row in self._rows(f"{_STORED} ORDER BY updated DESC")]

    def enable(self, named: str, now: float, *, enabled: bool) -> StoredWorkflow:
        """Let a workflow's schedules fire, or not; what was due while they were off is not made up."""
        stored = self.get(named)
        with self._transaction() as db:
            db.execute("UPDATE workflows SET enabled = %s WHERE id = %s", (enabled, stored.id))
            if enabled and not stored.enabled:
                db.execute("UPDATE schedules SET looked_until = %s WHERE workflow = %s", (now, stored.id))
        return self.get(stored.id)

    def remove(self, named: str) -> StoredWorkflow:
        """Forget a workflow with its versions and firings; its runs stay. Raises UnknownWorkflow."""
        stored = self.get(named)
        with self._transaction() as db:
            db.execute("DELETE FROM workflows WHERE id = %s", (stored.id,))
        return stored

    # ------------------------------------------------------------------ schedules

    def keep_schedules(self, workflow: str, triggers: Sequence[str], now: float) -> None:
        """Let exactly these schedules of a workflow count: new ones begin now, and one that is gone is forgotten."""
        keys = [kept(key) for key in triggers]
        with self._transaction() as db:
            db.execute("DELETE FROM schedules WHERE workflow = %s AND trigger_key <> ALL(%s)", (workflow, keys))
            db.execute(
                "INSERT INTO schedules SELECT %s, key, %s FROM unnest(%s::text[]) AS key ON CONFLICT DO NOTHING",
                (workflow, now, keys),
            )

    def last_run(self, workflow: str, trigger: str) -> str | None:
        """The id of the run that a schedule started last."""
        rows = self._rows(
            "SELECT run FROM firings WHERE workflow = %s AND trigger_key = %s AND run IS NOT NULL"
            " ORDER BY due DESC LIMIT 1",
            (workflow, kept(trigger)),
        )
        return told(rows[0][0]) if rows else None

    def looked_until(self, workflow: str, trigger: str, now: float) -> float:
        """Up to when a schedule's due times were dealt with; a schedule that is new begins now."""
        self._rows(
            "INSERT INTO schedules VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING 1",
            (workflow, kept(trigger), now),
        )
        rows = self._rows(
            "SELECT looked_until FROM schedules WHERE workflow = %s AND trigger_key = %s", (workflow, kept(trigger))
        )
        return rows[0][0]

    def note(self, firings: Sequence[Firing], workflow: str, trigger: str, until: float, now: float) -> None:
        """Write down what became of a schedule's due times up to `until`, all in one transaction.

        Of two who looked at the same due time, the one who has a run to show is right.
        """
        with self._transaction() as db:
            for one in firings:
                run = None if one.run is None else kept(one.run)
                db.execute(
                    "INSERT INTO firings VALUES (%s, %s, %s, %s, %s, %s)"
                    " ON CONFLICT (workflow, trigger_key, due) DO UPDATE"
                    " SET outcome = excluded.outcome, run = excluded.run"
                    " WHERE firings.run IS NULL AND excluded.run IS NOT NULL",
                    (one.workflow, kept(one.trigger), one.due, one.outcome, run, now),
                )
            db.execute(
                "UPDATE schedules SET looked_until = greatest(looked_until, %s)"
                " WHERE workflow = %s AND trigger_key = %s",
                (until, workflow, kept(trigger)),
            )

    def firings(self, workflow: str | None = None, limit: int = 50) -> list[Firing]:
        """What became of due times, the latest first."""
        rows = self._rows(
            "SELECT workflow, trigger_key, due, outcome, run FROM firings"
            " WHERE %s::text IS NULL OR workflow = %s ORDER BY due DESC LIMIT %s",
            (workflow, workflow, limit),
        )
        return [Firing(one, told(trigger), due, outcome, run and told(run)) for one, trigger, due, outcome, run in rows]

    def last_firings(self) -> list[Firing]:
        """What became of each schedule's last due time; of those that were skipped, the one before counts."""
        rows = self._rows(
            "SELECT DISTINCT ON (workflow, trigger_key) workflow, trigger_key, due, outcome, run FROM firings"
            " WHERE outcome <> 'skipped' ORDER BY workflow, trigger_key, due DESC"
        )
        return [Firing(one, told(trigger), due, outcome, run and told(run)) for one, trigger, due, outcome, run in rows]

    def forget_firings(self, before: float, most: int = 500) -> int:
        """Forget what became of due times long ago, at most so many; of each schedule the last two stay."""
        return len(
            self._rows(
                "DELETE FROM firings WHERE (workflow, trigger_key, due) IN ("
                " SELECT workflow, trigger_key, due FROM firings AS old WHERE noted < %s AND ("
                "  SELECT count(*) FROM (SELECT FROM firings AS newer WHERE newer.workflow = old.workflow"
                "   AND newer.trigger_key = old.trigger_key AND newer.due > old.due LIMIT 2) some) = 2"
                " LIMIT %s) RETURNING 1",
                (before, most),
            )
        )

    # ------------------------------------------------------------------ inside

    def _rows(self, query: LiteralString, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What one statement gives; once more if the connection turns out to be broken: each may be said twice."""
        try:
            return self._asked(query, values)
        except psycopg_library().Error as error:
            if not is_lost(error):
                raise storage_error(error, self._address.place) from error
        with self._saying_why():
            return self._asked(query, values)

    def _asked(self, query: LiteralString, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._turn:
            return self._connected().execute(query, values).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Generator["Blocking"]:
        """All or nothing."""
        self._rows("SELECT 1")  # So that a connection that broke meanwhile is noticed before anything depends on it.
        with self._turn, self._saying_why():
            db = self._connected()
            with db.transaction():
                yield db

    @contextlib.contextmanager
    def _saying_why(self) -> Generator[None]:
        try:
            yield
        except psycopg_library().Error as error:
            raise storage_error(error, self._address.place) from error

    def _connected(self) -> "Blocking":
        if self._db is None or self._db.closed:
            if not self._migrated:
                migrate(self._address, "workflows")
                self._migrated = True
            self._db = self._address.connect_blocking()
        return self._db


def _stored(row: tuple[Any, ...]) -> StoredWorkflow:
    workflow, name, version, created, updated, enabled = row
    return StoredWorkflow(workflow, told(name), version, created, updated, enabled)
