"""The queues of runs, statement by statement: who is at work, who waits for a place, who is next.

Sync, and within the caller's transaction, so that a place is given on in the same instant in which it is given up.
"""

import sqlite3
from collections.abc import Sequence

from mulle.engine.journal import CANCEL, InboxSignal, NewRun, superseded

AWAY, AT_WORK, QUEUED = 0, 1, 2

_FULL = (
    "SELECT 1 FROM queues AS mine WHERE mine.run = {run}"
    " AND (SELECT count(*) FROM queues AS theirs WHERE theirs.queue = mine.queue AND theirs.state = 1) >= mine.most"
)
_NEXT = (
    "SELECT -priority, number, run FROM queues AS first WHERE queue = ? AND state = 2"
    f" AND NOT EXISTS ({_FULL.format(run='first.run')}) ORDER BY priority DESC, number LIMIT 1"
)


def enter(db: sqlite3.Connection, run: NewRun) -> None:
    """Let a new run stand in its queues, and say when it may begin: now, when others make room, or after a pause."""
    db.executemany(
        "INSERT INTO queues (run, queue, most, state, priority, number)"
        " SELECT id, ?, ?, 0, ?, rowid FROM runs WHERE id = ?",
        [(queue.name, queue.most, run.priority, run.id) for queue in run.queues],
    )
    if run.debounce is None:
        wake_at = run.created if take(db, run.id) else None
        db.execute("UPDATE runs SET wake_at = ? WHERE id = ?", (wake_at, run.id))


def take(db: sqlite3.Connection, run: str) -> bool:
    """A place in every queue of a run, if there is one in all of them; else it is queued. True without queues."""
    found = db.execute("SELECT state FROM queues WHERE run = ? LIMIT 1", (run,)).fetchone()
    if found is None or found[0] == AT_WORK:
        return True
    full = db.execute(f"{_FULL.format(run='?')} LIMIT 1", (run,)).fetchone() is not None
    db.execute("UPDATE queues SET state = ? WHERE run = ?", (QUEUED if full else AT_WORK, run))
    return not full


def may_begin(db: sqlite3.Connection, run: str) -> bool:
    """Whether a run that nobody drives may be driven; one that may not is `queued`, and nothing is due for it."""
    if take(db, run) or _is_to_be_cancelled(db, run):
        return True
    db.execute("UPDATE runs SET status = 'queued', wake_at = NULL WHERE id = ?", (run,))
    return False


def leave(db: sqlite3.Connection, run: str, *, for_good: bool) -> None:
    """Give a run's places to whoever is next: that one is due at once."""
    freed = db.execute("SELECT queue FROM queues WHERE run = ? AND state = 1", (run,)).fetchall()
    if for_good:
        db.execute("DELETE FROM queues WHERE run = ?", (run,))
    else:
        db.execute("UPDATE queues SET state = 0 WHERE run = ?", (run,))
    # Who is first in one queue may stand behind somebody else in another one: the first of all goes first.
    while first := [row for queue in freed if (row := db.execute(_NEXT, queue).fetchone())]:
        following: str = min(first)[-1]
        db.execute("UPDATE queues SET state = 1 WHERE run = ?", (following,))
        db.execute("UPDATE runs SET wake_at = 0 WHERE id = ? AND owner IS NULL", (following,))


def debounced(db: sqlite3.Connection, run: NewRun) -> Sequence[tuple[str, InboxSignal]]:
    """Let a new run take the place of queued ones with the same key; gives what these are to be sent."""
    if run.debounce is None:
        return ()
    pending = db.execute(
        "SELECT id, debounced_since FROM runs WHERE debounce = ? AND id <> ?", (run.debounce.key, run.id)
    ).fetchall()
    since = min((since for _, since in pending), default=run.created)
    begins = run.created + run.debounce.wait
    if run.debounce.at_most is not None:
        begins = min(begins, since + run.debounce.at_most)
    db.execute(
        "UPDATE runs SET debounce = ?, debounced_since = ?, wake_at = ? WHERE id = ?",
        (run.debounce.key, since, begins, run.id),
    )
    db.executemany("UPDATE runs SET debounce = NULL WHERE id = ?", [(older,) for older, _ in pending])
    return [(older, superseded(older, run.id)) for older, _ in pending]


def _is_to_be_cancelled(db: sqlite3.Connection, run: str) -> bool:
    found = db.execute("SELECT 1 FROM inbox WHERE run = ? AND consumed = 0 AND name = ? LIMIT 1", (run, CANCEL))
    return found.fetchone() is not None


def reserve(db: sqlite3.Connection, name: str, holder: str, *, most: int, per: float, now: float) -> float:
    """When a holder may use an allowance: not before `per` seconds after the use that came `most` uses earlier."""
    known = db.execute("SELECT at FROM allowances WHERE name = ? AND holder = ?", (name, holder)).fetchone()
    if known is not None:
        return known[0]
    last = db.execute("SELECT max(number) FROM allowances WHERE name = ?", (name,)).fetchone()[0] or 0
    earlier = db.execute("SELECT at FROM allowances WHERE name = ? AND number = ?", (name, last + 1 - most)).fetchone()
    begins = now if earlier is None else max(now, earlier[0] + per)
    db.execute(
        "INSERT INTO allowances (name, number, holder, at) VALUES (?, ?, ?, ?)", (name, last + 1, holder, begins)
    )
    # Only the last `most` count; what lies in the future is still its holder's.
    db.execute("DELETE FROM allowances WHERE name = ? AND number <= ? AND at < ?", (name, last + 1 - most, now - per))
    return begins
