import sqlite3
from pathlib import Path

import pytest

from mulle.store.database import connect
from mulle.store.wal import ENOUGH, LOOK_EVERY, STEP, LogRoom


def commit(db: sqlite3.Connection, room: LogRoom, text: str = "물레" * 500) -> None:
    db.execute("BEGIN IMMEDIATE")
    room.before_commit()
    db.execute("INSERT INTO t VALUES (?)", (text,))
    db.execute("COMMIT")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture
def db(path: Path) -> sqlite3.Connection:
    db = connect(path)
    db.execute("CREATE TABLE t (a)")
    return db


def test_a_log_that_grows_grows_in_large_steps(path: Path, db: sqlite3.Connection):
    room = LogRoom(path)
    log = Path(f"{path}-wal")

    sizes: list[int] = []
    for _ in range(LOOK_EVERY * 4):
        commit(db, room)
        sizes.append(log.stat().st_size)

    assert sizes[-1] > STEP
    assert len(set(sizes[LOOK_EVERY * 2 :])) == 1


def test_the_room_made_is_bounded(path: Path, db: sqlite3.Connection):
    room = LogRoom(path)

    for _ in range(600):
        commit(db, room, "x" * 20_000)

    assert Path(f"{path}-wal").stat().st_size < ENOUGH + 2 * STEP


def test_zeros_behind_the_log_s_end_mean_nothing(path: Path, db: sqlite3.Connection):
    room = LogRoom(path)
    for _ in range(LOOK_EVERY * 3):
        commit(db, room)

    for name in (path, Path(f"{path}-wal")):  # As after a crash: what is on disk, without the shared memory.
        (path.parent / f"copy-{name.name}").write_bytes(name.read_bytes())

    copy = connect(path.parent / "copy-x.db")
    assert copy.execute("SELECT count(*) FROM t").fetchone() == (LOOK_EVERY * 3,)
    assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    copy.close()


def test_without_a_log_there_is_nothing_to_do(tmp_path: Path):
    room = LogRoom(tmp_path / "missing.db")

    for _ in range(LOOK_EVERY * 3):
        room.before_commit()

    assert not list(tmp_path.iterdir())
