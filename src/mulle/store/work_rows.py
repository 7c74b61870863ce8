"""Which steps of a type are at work, statement by statement, where only so many may be at a time.

Sync, and within the caller's transaction. Who is alive is the caller's to know.
"""

import sqlite3
from collections.abc import Callable


def enter(
    db: sqlite3.Connection, kind: str, holder: str, *, most: int, me: str, is_alive: Callable[[str], bool]
) -> bool:
    """Whether a step may be at work: fewer than `most` living ones asked before it."""
    db.execute("INSERT OR IGNORE INTO at_work (kind, owner, holder) VALUES (?, ?, ?)", (kind, me, holder))
    before = db.execute(
        "SELECT owner, count(*) FROM at_work WHERE kind = ? AND number <"
        " (SELECT number FROM at_work WHERE owner = ? AND holder = ?) GROUP BY owner",
        (kind, me, holder),
    ).fetchall()
    dead = [owner for owner, _ in before if owner != me and not is_alive(owner)]
    db.executemany("DELETE FROM at_work WHERE owner = ?", [(owner,) for owner in dead])
    return sum(count for owner, count in before if owner not in dead) < most


def leave(db: sqlite3.Connection, holder: str, *, me: str) -> None:
    """Give a place back."""
    db.execute("DELETE FROM at_work WHERE owner = ? AND holder = ?", (me, holder))
