"""How SQLite is kept small: a sweep at a time, in slices, and the file shrinks while others write."""

import asyncio
import contextlib
import sqlite3
import time
from pathlib import Path

import pytest
from tests.contracts.journal_worlds import batch, facts, new, numbers

from mulle.engine.journal import Keep
from mulle.errors import UnknownRun
from mulle.store import sweep
from mulle.store.owners import Owners
from mulle.store.sqlite_journal import SqliteJournal
from mulle.store.sweep import LEASE, Sweep

KEEP = Keep(succeeded=30.0, failed=90.0)


@pytest.fixture
async def journal(tmp_path: Path):
    journal = SqliteJournal(tmp_path / "mulle.db", Owners(tmp_path / "owners"))
    yield journal
    await journal.close()


async def many(journal: SqliteJournal, count: int, *, ended: float = 1.0) -> None:
    async def one(number: int) -> None:
        await journal.create(new(f"r{number}"), facts(*range(20)))
        for after in (20, 40, 60):
            await journal.append(batch(f"r{number}", after, 20))
        await journal.append(batch(f"r{number}", 80, status="succeeded", ended=ended))

    await asyncio.gather(*map(one, range(count)))


def rows(folder: Path, statement: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(folder / "mulle.db")
    try:
        return db.execute(statement).fetchall()
    finally:
        db.close()


async def test_the_file_shrinks_when_runs_go(journal: SqliteJournal, tmp_path: Path):
    await many(journal, 300)
    before = (await journal.room()).bytes

    swept = await journal.sweep(KEEP, 100.0, give_back=True)

    assert swept.runs == 300
    assert swept.room.free == 0
    assert swept.room.bytes < before / 4
    assert (tmp_path / "mulle.db").stat().st_size < before / 4


async def test_little_unused_room_is_kept_for_the_next_runs(journal: SqliteJournal):
    await many(journal, 100)

    swept = await journal.sweep(KEEP, 100.0)

    assert swept.room.free > 0


async def test_ended_runs_are_packed_once_and_read_the_same(journal: SqliteJournal, tmp_path: Path):
    await many(journal, 20, ended=99.0)
    size = rows(tmp_path, "SELECT sum(length(data)) FROM facts")[0][0]

    first = await journal.sweep(KEEP, 100.0)
    again = await journal.sweep(KEEP, 100.0)

    assert (first.tightened, again.tightened) == (20, 0)
    assert rows(tmp_path, f"SELECT count(*), sum(length(data)) * 4 < {size} FROM facts") == [(20, 1)]
    assert await numbers(journal, "r7") == list(range(81))
    assert await numbers(journal, "r7", 50) == list(range(50, 81))


async def test_nobody_sweeps_while_another_does_until_that_one_is_dead(journal: SqliteJournal, tmp_path: Path):
    await many(journal, 3)
    db = sqlite3.connect(tmp_path / "mulle.db", isolation_level=None)
    db.execute("INSERT INTO meta VALUES ('sweep.until', ?)", (time.time() + LEASE / 2,))

    assert (await journal.sweep(KEEP, 100.0)).busy
    db.execute("UPDATE meta SET value = ? WHERE key = 'sweep.until'", (time.time() - 1,))

    assert (await journal.sweep(KEEP, 100.0)).runs == 3
    db.close()


async def test_a_sweep_that_is_stopped_leaves_the_rest_for_the_next(journal: SqliteJournal, tmp_path: Path):
    await many(journal, 30)
    sweep = Sweep(tmp_path / "mulle.db", KEEP, 100.0)
    sweep._stopped.set()

    assert sweep.do(give_back=True).runs == 0
    assert (await journal.sweep(KEEP, 100.0)).runs == 30


async def test_a_run_of_many_rows_goes_piece_by_piece(journal: SqliteJournal, tmp_path: Path):
    await journal.create(new("long"), facts(0))
    await asyncio.gather(*(journal.append(batch("long", after)) for after in range(1, 1300)))
    await journal.append(batch("long", 1300, status="succeeded", ended=1.0))

    assert (await journal.sweep(KEEP, 100.0)).runs == 1
    assert rows(tmp_path, "SELECT count(*) FROM facts") == [(0,)]


async def test_a_run_of_many_rows_is_whole_or_not_there(journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweep, "SLICE", 1e-5)
    await journal.create(new("long"), facts(0))
    await asyncio.gather(*(journal.append(batch("long", after)) for after in range(1, 1300)))
    await journal.append(batch("long", 1300, status="succeeded", ended=1.0))

    sweeping = asyncio.ensure_future(journal.sweep(KEEP, 100.0))
    read: list[int] = []
    with contextlib.suppress(UnknownRun):
        while not sweeping.done():
            read.append(len(await journal.read("long")))
            await asyncio.sleep(0)

    assert set(read) == {1301}
    assert (await sweeping).runs == 1


async def test_a_sweep_goes_on_with_a_run_of_many_rows_where_one_was_stopped(
    journal: SqliteJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sweep, "SLICE", 1e-5)
    await journal.create(new("long"), facts(0))
    await asyncio.gather(*(journal.append(batch("long", after)) for after in range(1, 1300)))
    await journal.append(batch("long", 1300, status="succeeded", ended=1.0))
    sweeping = asyncio.ensure_future(journal.sweep(KEEP, 100.0))
    while await journal.rows():  # noqa: ASYNC110 - it happens in another thread.
        await asyncio.sleep(0)
    sweeping.cancel()
    await asyncio.wait([sweeping])
    rest = rows(tmp_path, "SELECT count(*) FROM facts")

    while (await journal.sweep(KEEP, 100.0)).busy:  # noqa: ASYNC110 - as well.
        await asyncio.sleep(0.01)

    assert (rest, rows(tmp_path, "SELECT count(*) FROM facts")) == ([(1301,)], [(0,)])


async def test_a_run_that_is_pinned_before_its_slice_stays(journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweep, "SLICE", 1e-5)
    await many(journal, 20)
    (last,), _ = await journal.ended_since("19", 1)
    sweeping = asyncio.ensure_future(journal.sweep(KEEP, 100.0))

    await journal.pin(last.id, pinned=True)
    await sweeping

    assert [row.id for row in await journal.rows()] == [last.id]


async def test_writers_never_wait_longer_than_a_slice(journal: SqliteJournal):
    await many(journal, 400)
    await journal.create(new("busy"), [])
    sweeping = asyncio.ensure_future(journal.sweep(KEEP, 100.0, give_back=True))
    written = 0
    while not sweeping.done():
        await journal.append(batch("busy", written))
        written += 1

    assert sweeping.result().runs == 400
    assert written > 20


async def test_a_file_of_an_older_release_is_written_anew_when_asked(tmp_path: Path):
    path = tmp_path / "mulle.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE t (x)")
    db.executemany("INSERT INTO t VALUES (?)", [("x" * 4000,)] * 500)
    db.execute("DELETE FROM t")
    db.close()
    journal = SqliteJournal(path, Owners(tmp_path / "owners"))
    try:
        assert (await journal.sweep(KEEP, 100.0)).room.free > 1_000_000
        assert (await journal.sweep(KEEP, 100.0, give_back=True)).room.free == 0
    finally:
        await journal.close()
    assert rows(tmp_path, "PRAGMA auto_vacuum") == [(2,)]
