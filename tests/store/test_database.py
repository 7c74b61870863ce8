import errno
import json
import os
import resource
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.processes import Processes

from mulle.errors import StoreDamaged, StoreFull, StoreTooNew, StoreUnavailable
from mulle.store.database import MIGRATIONS, connect, migrate, storage, storage_error, transaction


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach; pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def tables(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_new_database_is_durable_and_at_the_newest_schema(tmp_path: Path):
    path = tmp_path / "새 폴더" / "mulle.db"
    db = connect(path)

    migrate(db, path, "journal")
    migrate(db, path, "journal")

    settings = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert settings == ["wal", 2, 1]
    assert tables(db) >= {"runs", "facts", "graphs", "inbox", "meta"}
    newest = len(list((MIGRATIONS / "journal").glob("*.sql")))
    assert db.execute("SELECT value FROM meta WHERE key = 'schema.journal'").fetchone() == (newest,)
    assert path.parent.stat().st_mode & 0o077 == 0
    db.close()


def test_the_ends_of_an_older_release_s_runs_are_numbered_by_their_times(tmp_path: Path):
    path = tmp_path / "mulle.db"
    db = connect(path)
    for step in sorted((MIGRATIONS / "journal").glob("*.sql"))[:2]:
        db.executescript(step.read_text("utf-8"))
    db.executescript("CREATE TABLE meta (key TEXT PRIMARY KEY, value); INSERT INTO meta VALUES ('schema.journal', 2)")
    for run, end in (("late", 9.0), ("open", None), ("early", 4.0)):
        row = (run, "w", "g", "succeeded" if end else "running", 1.0, end, 0, 1)
        db.execute(
            "INSERT INTO runs (id, workflow, graph, status, created, ended, head, epoch) VALUES (?,?,?,?,?,?,?,?)", row
        )

    migrate(db, path, "journal")

    numbered = db.execute("SELECT id FROM runs WHERE ending IS NOT NULL ORDER BY ending").fetchall()
    assert numbered == [("early",), ("late",)]
    assert db.execute("SELECT last FROM endings").fetchall() == [(2,)]
    db.close()


def test_a_newer_release_s_database_is_left_alone(tmp_path: Path):
    path = tmp_path / "mulle.db"
    db = connect(path)
    migrate(db, path, "journal")
    db.execute("UPDATE meta SET value = 99 WHERE key = 'schema.journal'")

    with pytest.raises(StoreTooNew, match="schema 99") as error:
        migrate(db, path, "journal")

    assert "newer release" in error.value.advice
    db.close()


def test_a_migration_happens_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    steps = tmp_path / "migrations" / "part"
    steps.mkdir(parents=True)
    (steps / "0001.sql").write_text("CREATE TABLE one (a TEXT DEFAULT ';');\nINSERT INTO one VALUES ('--;');\n")
    monkeypatch.setattr("mulle.store.database.MIGRATIONS", tmp_path / "migrations")
    path = tmp_path / "x.db"
    db = connect(path)
    migrate(db, path, "part")

    (steps / "0002.sql").write_text("CREATE TABLE two (a TEXT);\nCREATE TABLE one (a TEXT);\n")
    with pytest.raises(StoreUnavailable):
        migrate(db, path, "part")
    broken = tables(db)
    (steps / "0002.sql").write_text("CREATE TABLE two (a TEXT);\n")
    migrate(db, path, "part")

    assert broken == {"one", "meta"}
    assert tables(db) == {"one", "two", "meta"}
    assert db.execute("SELECT * FROM one").fetchall() == [("--;",)]
    db.close()


def test_a_transaction_is_undone_when_its_block_fails(tmp_path: Path):
    db = connect(tmp_path / "x.db")
    db.execute("CREATE TABLE t (a)")

    def fail() -> None:
        with transaction(db):
            db.execute("INSERT INTO t VALUES (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert db.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert not db.in_transaction
    db.close()


def test_a_file_that_is_no_database_is_called_so(tmp_path: Path):
    path = tmp_path / "mulle.db"
    path.write_text("물레" * 5000)

    with pytest.raises(StoreDamaged, match="not a database") as error:
        connect(path)

    assert "backup" in error.value.advice
    assert error.value.at == str(path)


def test_a_folder_in_place_of_the_file_is_a_clear_error(tmp_path: Path):
    (tmp_path / "mulle.db").mkdir()

    with pytest.raises(StoreUnavailable, match="unable to open"):
        connect(tmp_path / "mulle.db")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_home_that_an_ordinary_user_may_not_write_is_a_clear_error(open_folder: Path, processes: Processes):
    existing = open_folder / "existing"
    db = connect(existing / "mulle.db")
    migrate(db, existing / "mulle.db", "journal")
    db.close()
    existing.chmod(0o755)

    said = [processes.start("open_as_nobody", home).communicate()[0] for home in (existing, open_folder / "new")]

    for each in map(json.loads, said):
        assert each["code"] == "store.unavailable"
        assert "MULLE_HOME" in each["hint"]
        assert str(open_folder) in each["where"] + each["message"]


def test_a_place_without_write_ahead_logging_is_refused():
    with pytest.raises(StoreUnavailable, match="write-ahead") as error:
        connect(Path(":memory:"))

    assert "local disk" in error.value.advice


def test_opening_waits_for_whoever_makes_the_database_just_now(tmp_path: Path):
    path = tmp_path / "x.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("CREATE TABLE t (a)")

    with pytest.raises(StoreUnavailable, match="locked"):
        connect(path, patience=0.0)
    threading.Timer(0.1, lambda: other.execute("COMMIT")).start()
    db = connect(path)

    assert tables(db) == {"t"}
    db.close()
    other.close()


def test_an_i_o_error_at_a_limit_means_no_room(tmp_path: Path):
    (tmp_path / "x.db").write_bytes(bytes(100_000))
    broken = sqlite3.OperationalError("disk I/O error")
    broken.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    with_room = storage_error(broken, tmp_path / "x.db")
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, before[1]))
    at_the_limit = storage_error(broken, tmp_path / "x.db")
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    (tmp_path / "x.db").unlink()
    probed = storage_error(broken, tmp_path / "x.db")
    resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert type(with_room) is StoreUnavailable
    assert type(at_the_limit) is StoreFull
    assert type(probed) is StoreFull


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_told_apart_from_other_failures_of_the_disk(tmp_path: Path, code: int):
    with pytest.raises(StoreFull, match=r"gc|room"), storage(tmp_path / "x"):
        raise OSError(code, os.strerror(code))

    assert type(storage_error(OSError(errno.EIO, "broken"), tmp_path / "x")) is StoreUnavailable
    assert type(storage_error(sqlite3.OperationalError("anything"), tmp_path / "x")) is StoreUnavailable


def test_many_processes_may_open_a_new_home_at_once(tmp_path: Path, processes: Processes):
    begin = time.time() + 1.0
    children = [processes.start("open_at_once", tmp_path / "home", begin) for _ in range(4)]

    outcomes = [(child.communicate()[1], child.returncode) for child in children]

    assert outcomes == [("", 0)] * 4
    db = connect(tmp_path / "home" / "mulle.db")
    assert db.execute("SELECT count(*) FROM runs").fetchone() == (4,)
    db.close()
