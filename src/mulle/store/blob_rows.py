"""Big values in SQLite, each once by the hash of its content, and how much room all takes.

Sync, and within the caller's transaction. A value is there as soon as its row in `blobs` is; its parts may have come
before. Which run refers to it stands in `blob_uses`, and a value that no run refers to goes together with the last one
that did. Both happen within the write lock, so a reference never finds its value gone.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from mulle.engine.journal import Room


def keep(db: sqlite3.Connection, run: str, blobs: Mapping[str, Sequence[bytes]]) -> None:
    """Store what is not there, and note that a run refers to all of it."""
    for name, data in blobs.items():
        db.execute("INSERT OR IGNORE INTO blob_uses (run, hash) VALUES (?, ?)", (run, name))
        if parts(db, name):
            continue
        (there,) = db.execute("SELECT count(*) FROM blob_parts WHERE hash = ?", (name,)).fetchone()
        if there != len(data):
            keep_parts(db, name, 0, data)
        db.execute("INSERT INTO blobs (hash, size, parts) VALUES (?, ?, ?)", (name, sum(map(len, data)), len(data)))


def keep_parts(db: sqlite3.Connection, name: str, first: int, data: Sequence[bytes]) -> None:
    """Store parts, from the number `first` on, unless they are there."""
    db.executemany(
        "INSERT OR IGNORE INTO blob_parts (hash, part, data) VALUES (?, ?, ?)",
        [(name, first + number, part) for number, part in enumerate(data)],
    )


def forget(db: sqlite3.Connection, run: str) -> int:
    """Take away a run's references, and every value that nobody refers to then; how many values that were."""
    names = [(name,) for (name,) in db.execute("SELECT hash FROM blob_uses WHERE run = ?", (run,))]
    if not names:
        return 0
    db.execute("DELETE FROM blob_uses WHERE run = ?", (run,))
    unused = "hash = ?1 AND NOT EXISTS (SELECT 1 FROM blob_uses WHERE hash = ?1)"
    db.executemany(f"DELETE FROM blob_parts WHERE {unused}", names)
    return db.executemany(f"DELETE FROM blobs WHERE {unused}", names).rowcount


def parts(db: sqlite3.Connection, name: str) -> int:
    """How many parts a value has; 0: it is not there."""
    found = db.execute("SELECT parts FROM blobs WHERE hash = ?", (name,)).fetchone()
    return found[0] if found else 0


def part(db: sqlite3.Connection, name: str, number: int) -> bytes | None:
    """One part of a value."""
    found = db.execute("SELECT data FROM blob_parts WHERE hash = ? AND part = ?", (name, number)).fetchone()
    return found[0] if found else None


def room(db: sqlite3.Connection, path: Path) -> Room:
    """How much room the database takes."""
    count, size = db.execute("SELECT count(*), ifnull(sum(size), 0) FROM blobs").fetchone()
    page, free = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "freelist_count"))
    files = (path, path.with_name(f"{path.name}-wal"))
    return Room(
        bytes=sum(file.stat().st_size for file in files if file.exists()),
        free=page * free,
        runs=db.execute("SELECT count(*) FROM runs").fetchone()[0],
        blobs=count,
        blob_bytes=size,
    )
