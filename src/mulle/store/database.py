"""Open the home's SQLite file: durable, at this release's schema, and with errors a person can act on.

Knows pragmas, schema versions and what SQLite's error codes mean; knows nothing of runs.

Never open this file, or its `-shm`, by any other means in a process that uses it: closing such a descriptor drops the
POSIX locks that SQLite holds for the whole process.
"""

import contextlib
import errno
import resource
import sqlite3
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from mulle.errors import StoreDamaged, StoreError, StoreFull, StoreTooNew, StoreUnavailable

MEMORY = ":memory:"
"""A path that keeps nothing."""
MIGRATIONS = Path(__file__).parent / "migrations"
"""One folder a part of the schema, in it one numbered SQL file a version."""

PRAGMAS = (
    "synchronous = FULL",
    "foreign_keys = ON",
    "cache_size = -16384",  # 16 MiB
    "temp_store = MEMORY",
    "wal_autocheckpoint = 1000",
    # After a burst the log is cut back to this size, in bytes; below it, commits overwrite it, which is twice as quick.
    "journal_size_limit = 16777216",
)


def connect(path: Path, patience: float = 15.0) -> sqlite3.Connection:
    """A connection in autocommit mode, for one thread at a time; makes the file and its folder if need be.

    Args:
        path: The database's file.
        patience: How long to wait, in seconds, for a lock that another program holds.

    Raises:
        StoreUnavailable: It cannot be opened, or stays locked.
        StoreDamaged: It is no database, or a broken one.
        StoreFull: There is no room to create it.
    """
    with storage(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        db = sqlite3.connect(
            path, timeout=patience, isolation_level=None, check_same_thread=False, cached_statements=256
        )
    try:
        with storage(path):
            # Only a new file takes this on: unused room can then be given back page by page, while others write.
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            _use_write_ahead_log(db, patience)
            for pragma in PRAGMAS:
                db.execute(f"PRAGMA {pragma}")
    except BaseException:
        db.close()
        raise
    return db


def opened(path: Path | str, part: str, *, synchronous: str = "FULL") -> sqlite3.Connection:
    """A connection to one part of a home's database, brought up to this release; `MEMORY` keeps nothing.

    Raises StoreUnavailable, StoreDamaged, StoreTooNew, StoreFull.
    """
    file = Path(path)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False) if path == MEMORY else connect(file)
    try:
        with storage(file):
            db.execute(f"PRAGMA synchronous = {synchronous}")
        migrate(db, file, part)
    except BaseException:
        db.close()
        raise
    return db


def migrate(db: sqlite3.Connection, path: Path, part: str) -> None:
    """Bring one part of the schema up to this release.

    Several processes may try at once: the first one does it. Raises StoreTooNew for a newer release's schema.
    """
    steps = sorted((MIGRATIONS / part).glob("*.sql"))
    with storage(path):
        found = _version(db, part)
        if found < len(steps):
            with transaction(db):
                found = _version(db, part)
                for step in steps[found:]:
                    for statement in _statements(step.read_text("utf-8")):
                        db.execute(statement)
                if found < len(steps):
                    db.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT NOT NULL PRIMARY KEY, value)")
                    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"schema.{part}", len(steps)))
    if found > len(steps):
        raise StoreTooNew(found=found, known=len(steps), part=part, at=str(path))


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Generator[None]:
    """All or nothing, with the write lock from its beginning."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        roll_back(db)
        raise


def roll_back(db: sqlite3.Connection) -> None:
    """Undo what is not committed. SQLite may have done so already when the disk failed."""
    if db.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")


@contextlib.contextmanager
def storage(path: Path) -> Generator[None]:
    """Say what the disk or SQLite complains about in our own errors."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise storage_error(error, path) from error


def storage_error(error: sqlite3.Error | OSError, path: Path) -> StoreError:
    """What an error of the disk or of SQLite means to a person."""
    where = str(path)
    if isinstance(error, OSError):
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            return StoreFull(f"{error.strerror} ({path.parent})", at=where)
        return StoreUnavailable(f"{error.strerror or error} ({error.filename or path})", at=where)
    code = primary_code(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _out_of_room(path)):
        return StoreFull(f"the disk, a quota or the database's own limit is reached ({path})", at=where)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        hint = "Another program keeps the database locked; close it, or wait until it has finished, and try again."
        return StoreUnavailable(f"{path} is locked by another program", at=where, hint=hint)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StoreDamaged(str(error), at=where)
    return StoreUnavailable(f"{error} ({path})", at=where)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's error code without its refinement; 0 for errors that Python's own binding raises."""
    code = getattr(error, "sqlite_errorcode", None)
    return 0 if code is None else code & 0xFF


def _use_write_ahead_log(db: sqlite3.Connection, patience: float) -> None:
    """Switch the file to write-ahead logging. While another process does the same, SQLite refuses without waiting."""
    give_up = time.monotonic() + patience
    while True:
        try:
            mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
    if mode != "wal":
        hint = "Put MULLE_HOME on a local disk: this file system cannot share memory between programs."
        raise StoreUnavailable("write-ahead logging is not possible there", hint=hint)


def _version(db: sqlite3.Connection, part: str) -> int:
    if not db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'").fetchone():
        return 0
    row = db.execute("SELECT value FROM meta WHERE key = ?", (f"schema.{part}",)).fetchone()
    return row[0] if row else 0


def _statements(script: str) -> Iterator[str]:
    """The script's statements one by one: `executescript` would commit the transaction around it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), "a migration ends with a semicolon"


def _out_of_room(path: Path) -> bool:
    """Whether an I/O error means that there is no room. SQLite tells only a full disk apart, not limits and quotas."""
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit != resource.RLIM_INFINITY:
        sizes = [file.stat().st_size for file in path.parent.glob(f"{path.name}*") if file.is_file()]
        if max(sizes, default=0) + 65_536 > limit:
            return True
    try:
        with tempfile.TemporaryFile(dir=path.parent) as probe:
            probe.write(bytes(65_536))
            probe.flush()
    except OSError as error:
        return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return False
