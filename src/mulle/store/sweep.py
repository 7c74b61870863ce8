"""Keep the home's SQLite file small: old runs go, ended runs are packed tight, unused room is given back.

All of it in slices of some milliseconds, each a transaction of its own with a pause behind it, so that whoever writes
waits for one slice at most. Works on a connection of its own, in a thread of its own. One at a time over all processes:
who sweeps holds a lease in the database, and renews it with each slice.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mulle.engine.codec import tight
from mulle.engine.journal import Keep, Swept
from mulle.store import blob_rows, journal_rows
from mulle.store.database import connect, storage, transaction

SLICE = 0.008
"""Seconds of work within one transaction."""
PAUSE = 0.012
"""Seconds in which others may write."""
LEASE = 60.0
"""Seconds after which a sweep that says nothing any more is taken for dead."""
FOUND = 500
"""Runs that are looked for at a time."""
ROWS = 500
"""Rows of one run that are removed at a time."""
LONG = 2000
"""Facts from which on a run is not packed: it would take longer than a slice."""
PAGES = 64
"""Pages that are given back at a time."""
SPARE = 4
"""Room is given back by itself when more than one part in so many of the file is unused."""
LITTLE = 16 << 20
"""Bytes of unused room that are not worth it."""

_GONE = (
    "{0}.ended IS NOT NULL AND NOT {0}.pinned"
    " AND {0}.ended < CASE {0}.status WHEN 'failed' THEN :failed ELSE :succeeded END"
)
# A run waits for its children to end, and a child's story is part of its parent's. A fork stands for itself.
_OLD = (
    f"FROM runs AS run WHERE run.ending > :after AND {_GONE.format('run')}"
    " AND NOT EXISTS (SELECT 1 FROM runs AS child"
    " WHERE child.parent = run.id AND NOT child.forked AND child.ended IS NULL)"
    " AND (run.parent IS NULL OR run.forked OR NOT EXISTS (SELECT 1 FROM runs AS parent"
    f" WHERE parent.id = run.parent AND NOT ({_GONE.format('parent')})))"
)
_REST = "sweep.rest/"
"""Before the id of a run that is gone, and whose facts are not all gone yet: a key in the table `meta`."""
_ENTRY = 600
"""Bytes that a run takes beside its facts: its row, and its places in the indexes."""


class Sweep:
    """One sweep of one database."""

    def __init__(self, path: Path, keep: Keep, now: float, *, stopped: threading.Event | None = None) -> None:
        self._path = path
        self._limits = {"succeeded": now - keep.succeeded, "failed": now - keep.failed}
        self._now = now
        self._stopped = stopped or threading.Event()
        self._runs = self._blobs = self._tightened = 0

    def look(self) -> Swept:
        """What a sweep would do, and about how much room that frees."""
        db = connect(self._path)
        with storage(self._path):
            try:
                db.execute("PRAGMA query_only = ON")
                limits = self._limits | {"after": 0}
                runs, facts = db.execute(
                    "SELECT count(*), ifnull(sum((SELECT sum(length(data)) FROM facts WHERE facts.run = run.id)), 0)"
                    f" {_OLD}",
                    limits,
                ).fetchone()
                blobs, size = db.execute(
                    "SELECT count(*), ifnull(sum(size), 0) FROM blobs WHERE NOT EXISTS"
                    " (SELECT 1 FROM blob_uses WHERE blob_uses.hash = blobs.hash"
                    f" AND run NOT IN (SELECT run.id {_OLD}))",
                    limits,
                ).fetchone()
                return Swept(
                    runs=runs, blobs=blobs, freed=runs * _ENTRY + facts + size, room=blob_rows.room(db, self._path)
                )
            finally:
                db.close()

    def do(self, *, give_back: bool) -> Swept:
        """Sweep; with `give_back` the file becomes as small as it can, else only if much of it is unused."""
        db = connect(self._path)
        with storage(self._path):
            try:
                if not self._begin(db):
                    return Swept(busy=True, room=blob_rows.room(db, self._path))
                before = _used(db)
                try:
                    self._delete(db)
                    self._tighten(db)
                    self._give_back(db, everything=give_back)
                finally:
                    with transaction(db):
                        db.execute("DELETE FROM meta WHERE key = 'sweep.until'")
                return Swept(
                    runs=self._runs,
                    blobs=self._blobs,
                    tightened=self._tightened,
                    freed=max(0, before - _used(db)),
                    room=blob_rows.room(db, self._path),
                )
            finally:
                db.close()

    # ------------------------------------------------------------------ one at a time

    def _begin(self, db: sqlite3.Connection) -> bool:
        with transaction(db):
            found = db.execute("SELECT value FROM meta WHERE key = 'sweep.until'").fetchone()
            if found is not None and time.time() < found[0] < time.time() + 2 * LEASE:
                return False
            self._renew(db)
        return True

    def _renew(self, db: sqlite3.Connection) -> None:
        db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('sweep.until', ?)", (time.time() + LEASE,))

    def _in_slices(self, db: sqlite3.Connection, step: Callable[[], bool]) -> None:
        """Do a step again and again, a slice of them in one transaction, until it says that nothing is left."""
        more = True
        while more and not self._stopped.is_set():
            with transaction(db):
                self._renew(db)
                until = time.perf_counter() + SLICE
                while more and time.perf_counter() < until:
                    more = step()
            time.sleep(PAUSE)

    # ------------------------------------------------------------------ what it does

    def _delete(self, db: sqlite3.Connection) -> None:
        """Remove runs that are older than they may be, the oldest first."""
        after = 0
        waiting: list[tuple[str, int]] = []

        def step() -> bool:
            nonlocal after, waiting
            if _remove_rest(db):
                return True
            if not waiting:
                waiting = db.execute(
                    f"SELECT run.id, run.ending {_OLD} ORDER BY run.ending LIMIT {FOUND}",
                    self._limits | {"after": after},
                ).fetchall()[::-1]
            if not waiting:
                return False
            run, after = waiting.pop()
            if not db.execute(f"SELECT 1 {_OLD} AND run.id = :run", self._limits | {"after": 0, "run": run}).fetchone():
                return True  # It was pinned since we looked, or somebody else was quicker.
            rest = _is_long(db, run)
            if rest:  # The facts of a run of a million take many slices. It is gone at once, and they follow.
                db.execute("INSERT OR IGNORE INTO meta (key) VALUES (?)", (f"{_REST}{run}",))
            self._blobs += journal_rows.delete(db, run, facts=not rest)
            self._runs += 1
            return True

        self._in_slices(db, step)

    def _tighten(self, db: sqlite3.Connection) -> None:
        """Pack the facts of each run that has ended into one row."""
        found = db.execute("SELECT value FROM meta WHERE key = 'sweep.tight'").fetchone()
        done: int = found[0] if found else 0
        waiting: list[tuple[str, int]] = []

        def step() -> bool:
            nonlocal done, waiting
            if not waiting:
                if found is None or done != found[0]:
                    db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('sweep.tight', ?)", (done,))
                waiting = db.execute(
                    f"SELECT id, ending FROM runs WHERE ending > ? AND head < {LONG} ORDER BY ending LIMIT {FOUND}",
                    (done,),
                ).fetchall()[::-1]
            if not waiting:
                return False
            run, done = waiting.pop()
            self._tightened += tighten(db, run)
            return True

        self._in_slices(db, step)

    def _give_back(self, db: sqlite3.Connection, *, everything: bool) -> None:
        """Make the file smaller by what is unused, if that is worth it."""
        room = blob_rows.room(db, self._path)
        if not room.free or not (everything or (room.free > LITTLE and room.free * SPARE > room.bytes)):
            return
        if not db.execute("PRAGMA auto_vacuum").fetchone()[0]:
            # The file is older than this way of giving room back. It is written anew, which keeps all others waiting
            # and needs as much room again: only when a person asks for it, and once in its life.
            if everything:
                db.execute("PRAGMA auto_vacuum = INCREMENTAL")
                db.execute("VACUUM")
        else:
            while db.execute("PRAGMA freelist_count").fetchone()[0] and not self._stopped.is_set():
                db.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
                time.sleep(PAUSE / 4)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _is_long(db: sqlite3.Connection, run: str) -> bool:
    """Whether a run has more rows of facts than are removed at a time."""
    found = db.execute(f"SELECT count(*) FROM (SELECT 1 FROM facts WHERE run = ? LIMIT {ROWS + 1})", (run,))
    return found.fetchone()[0] > ROWS


def _remove_rest(db: sqlite3.Connection) -> bool:
    """Remove some facts of a run that is gone; whether there was one."""
    found = db.execute("SELECT key FROM meta WHERE key GLOB ? LIMIT 1", (f"{_REST}*",)).fetchone()
    if found is None:
        return False
    run = found[0].removeprefix(_REST)
    some = f"DELETE FROM facts WHERE rowid IN (SELECT rowid FROM facts WHERE run = ? LIMIT {ROWS})"
    if db.execute(some, (run,)).rowcount < ROWS:
        db.execute("DELETE FROM meta WHERE key = ?", found)
    return True


def tighten(db: sqlite3.Connection, run: str) -> bool:
    """Pack the facts of an ended run into as few rows as it can be; whether there was anything to pack."""
    rows = db.execute("SELECT seq, CAST(data AS BLOB), typeof(data) FROM facts WHERE run = ? ORDER BY seq", (run,))
    batches = rows.fetchall()
    if not batches or any(kind == "blob" for _, _, kind in batches):
        return False
    packed = tight([(seq, data) for seq, data, _ in batches])
    db.execute("DELETE FROM facts WHERE run = ?", (run,))
    db.executemany("INSERT INTO facts (run, seq, data) VALUES (?, ?, ?)", [(run, seq, data) for seq, data in packed])
    return True


def _used(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
