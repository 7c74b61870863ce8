"""Who drives which run, statement by statement. Sync, and within the caller's transaction."""

import sqlite3
from collections.abc import Callable, Sequence

from mulle.engine.journal import Claim
from mulle.errors import JournalConflict
from mulle.store import queue_rows
from mulle.store.journal_rows import ids, row


def claim(db: sqlite3.Connection, run: str, me: str, is_alive: Callable[[str], bool]) -> Claim | None:
    """Take a run over, unless it has ended, its owner lives or it has no place in a queue. Raises UnknownRun."""
    before = row(db, run)
    if before.ended is not None or (before.owner is not None and is_alive(before.owner)):
        return None
    if before.owner is None and not queue_rows.may_begin(db, run):
        return None
    db.execute(
        "UPDATE runs SET status = 'running', owner = ?, epoch = epoch + 1, wake_at = NULL, debounce = NULL"
        " WHERE id = ?",
        (me, run),
    )
    return Claim(row=row(db, run), unclean=before.owner is not None)


def owned(db: sqlite3.Connection, me: str) -> list[str]:
    """All runs of an owner."""
    return list(ids(db, "owner = ?", (me,)))


def claim_again(db: sqlite3.Connection, runs: Sequence[str], me: str) -> list[Claim]:
    """Claim those of some runs that are ours once more."""
    again = "UPDATE runs SET epoch = epoch + 1 WHERE id = ? AND owner = ?"
    return [Claim(row=row(db, run), unclean=False) for run in runs if db.execute(again, (run, me)).rowcount]


def release(db: sqlite3.Connection, run: str, epoch: int, wake_at: float | None, me: str) -> bool:
    """Let go of a run; False: signals are waiting. Raises JournalConflict when it is not ours."""
    released = db.execute(
        "UPDATE runs SET status = 'waiting', owner = NULL, wake_at = ?"
        " WHERE id = ? AND epoch = ? AND owner = ? AND woken = 0",
        (wake_at, run, epoch, me),
    )
    if released.rowcount:
        queue_rows.leave(db, run, for_good=False)
        return True
    found = db.execute("SELECT epoch, owner, ended FROM runs WHERE id = ?", (run,)).fetchone()
    if found is None or found[0] != epoch or (found[1] != me and found[2] is None):
        raise JournalConflict(run=run)
    return found[2] is not None


def let_go(db: sqlite3.Connection, me: str) -> None:
    """Release all runs of an owner that ends in peace: whoever comes next goes on with them at once."""
    db.execute("UPDATE runs SET status = 'waiting', owner = NULL, wake_at = 0 WHERE owner = ?", (me,))


def count_death(db: sqlite3.Connection, run: str, epoch: int, known: int, me: str) -> int:
    """One death more than is known. Raises JournalConflict when the run is not ours."""
    count = "UPDATE runs SET deaths = ? WHERE id = ? AND epoch = ? AND owner = ?"
    if not db.execute(count, (known + 1, run, epoch, me)).rowcount:
        raise JournalConflict(run=run)
    return known + 1
