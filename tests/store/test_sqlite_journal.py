"""What the SQLite journal promises beyond the contract: against crashes, full disks, locks and neighbours."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.children import batch
from tests.store.processes import Processes

from mulle.engine.journal import InboxSignal, NewRun
from mulle.errors import StoreDamaged, StoreError, StoreFull, StoreTooNew, StoreUnavailable, UnknownRun
from mulle.store.database import connect
from mulle.store.owners import Owners
from mulle.store.sqlite_journal import GRAPHS_AT_HAND, SqliteJournal


def new(run: str) -> NewRun:
    return NewRun(id=run, workflow="w", graph="g", created=1.0)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "mulle.db", Owners(tmp_path / "owners"), patience=0.5)
    yield journal
    await journal.close()


# ---------------------------------------------------------------------- crashes


@pytest.mark.parametrize("mode", ["loop", "thread"])
async def test_after_kill_9_every_acknowledged_fact_is_there_and_none_half(
    tmp_path: Path, processes: Processes, mode: str
):
    acknowledged: dict[str, int] = {}
    for _ in range(3):
        child = processes.start("write_for_ever", tmp_path, mode)
        assert child.stdout is not None
        for line in range(500):
            run, head = child.stdout.readline().split()
            acknowledged[run] = int(head)
            if line == 499:
                child.kill()
        for line in child.stdout.read().splitlines(keepends=True):
            if line.endswith("\n"):  # The last one may have been cut.
                run, head = line.split()
                acknowledged[run] = int(head)

    owners = Owners(tmp_path / "owners")
    journal = SqliteJournal(tmp_path / "mulle.db", owners)
    rows = {row.id: row for row in await journal.rows(limit=100)}
    left = await journal.claimable(0.0, limit=100)

    assert len(acknowledged) >= 25
    for run, head in acknowledged.items():
        assert rows[run].head >= head
        assert [fact.at for fact in await journal.read(run)] == list(range(rows[run].head))
    assert sorted(left) == sorted(rows)
    assert journal._db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    await journal.close()


async def test_a_process_that_slept_through_its_takeover_cannot_write(tmp_path: Path, processes: Processes):
    journal = SqliteJournal(tmp_path / "mulle.db", Owners(tmp_path / "owners"))
    await journal.create(new("r"), [])
    await journal.release("r", 1, 0.0)
    child = processes.start("lose_a_race", tmp_path)
    assert child.stdout is not None
    assert child.stdout.readline() == "claimed\n"

    journal._db.execute("UPDATE runs SET owner = 'a lease that ran out'")
    claim = await journal.claim("r")
    assert claim is not None
    await journal.append(batch("r", claim.row.epoch, 0))

    assert child.communicate("go on\n") == ("conflict\n", "")
    assert len(await journal.read("r")) == 1
    await journal.close()


# ---------------------------------------------------------------------- neighbours


async def test_two_processes_share_runs_and_no_fact_is_lost_or_doubled(tmp_path: Path, processes: Processes):
    owners = Owners(tmp_path / "owners")
    journal = SqliteJournal(tmp_path / "mulle.db", owners)
    for number in range(6):
        await journal.create(new(f"run-{number}"), [])
        await journal.release(f"run-{number}", 1, 0.0)

    children = [processes.start("take_turns", tmp_path, 6, 15) for _ in range(2)]
    outcomes = [await asyncio.to_thread(child.communicate, None, 60) for child in children]

    assert [err for _, err in outcomes] == ["", ""]
    taken = [int(out) for out, _ in outcomes]
    assert sum(taken) == 90
    for number in range(6):
        assert [fact.at for fact in await journal.read(f"run-{number}")] == list(range(15))
    await journal.close()


async def test_another_process_may_look_while_this_one_writes(tmp_path: Path, journal: SqliteJournal):
    await journal.create(new("r"), [])
    looking = SqliteJournal(tmp_path / "mulle.db", Owners(tmp_path / "owners"))

    seen: list[int] = []
    for after in range(30):
        await journal.append(batch("r", 1, after))
        seen.append((await looking.row("r")).head)

    assert seen == list(range(1, 31))
    assert len(list((tmp_path / "owners").iterdir())) == 1
    await looking.close()


async def test_a_locked_database_is_waited_for_while_others_go_on(tmp_path: Path, journal: SqliteJournal):
    await journal.create(new("r"), [])
    other = sqlite3.connect(tmp_path / "mulle.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    turns = 0

    writing = asyncio.ensure_future(journal.append(batch("r", 1, 0)))
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
    while not writing.done():
        await asyncio.sleep(0.005)
        assert (await journal.row("r")).epoch == 1
        turns += 1

    assert writing.result() is None
    assert turns > 10
    other.close()


async def test_a_database_that_stays_locked_is_a_clear_error(tmp_path: Path, journal: SqliteJournal):
    await journal.create(new("r"), [])
    other = sqlite3.connect(tmp_path / "mulle.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="locked") as error:
        await journal.append(batch("r", 1, 0))
    other.execute("ROLLBACK")
    await journal.append(batch("r", 1, 0))

    assert "close it" in error.value.advice
    other.close()


# ---------------------------------------------------------------------- no room, no file


async def test_a_limit_on_file_sizes_refuses_whole_commits_and_later_ones_work(tmp_path: Path, processes: Processes):
    out, err = processes.start("fill_up", tmp_path, 600_000).communicate()

    assert err == ""
    said = json.loads(out)
    assert said["code"] == "store.full"
    assert said["acknowledged"] == said["kept"] > 0
    assert said["after"] == said["acknowledged"] + 1


async def test_a_full_database_fails_the_whole_group_and_recovers(journal: SqliteJournal):
    await asyncio.gather(*(journal.create(new(str(number)), []) for number in range(5)))
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages + 3}")

    group = [journal.append(batch(str(number), 1, 0, size=5000)) for number in range(5)]
    outcomes = await asyncio.gather(*group, return_exceptions=True)
    heads = [(await journal.row(str(number))).head for number in range(5)]
    journal._db.execute("PRAGMA max_page_count = 1000000")
    await asyncio.gather(*(journal.append(batch(str(number), 1, 0, size=5000)) for number in range(5)))

    assert [type(outcome) for outcome in outcomes] == [StoreFull] * 5
    assert len({id(outcome) for outcome in outcomes}) == 5
    assert heads == [0] * 5
    assert [len(await journal.read(str(number))) for number in range(5)] == [1] * 5


async def test_a_batch_too_large_for_the_database_fails_alone(journal: SqliteJournal):
    journal._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 50_000)
    await asyncio.gather(journal.create(new("a"), []), journal.create(new("b"), []))

    large, small = await asyncio.gather(
        journal.append(batch("a", 1, 0, size=60_000)), journal.append(batch("b", 1, 0)), return_exceptions=True
    )

    assert isinstance(large, StoreError)
    assert small is None
    assert ((await journal.row("a")).head, (await journal.row("b")).head) == (0, 1)


async def test_a_graph_that_could_not_be_written_is_written_with_its_run(journal: SqliteJournal):
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    journal.save_graph("g", b"x" * 50_000)
    with pytest.raises(StoreFull):
        await journal.create(new("r"), [])
    journal._db.execute("PRAGMA max_page_count = 1000000")

    await journal.create(new("r"), [])

    journal._graphs.clear()
    assert await journal.graph("g") == b"x" * 50_000


async def test_a_damaged_file_is_noticed_when_it_is_read(tmp_path: Path):
    journal = SqliteJournal(tmp_path / "mulle.db", Owners(tmp_path / "owners"))
    await journal.create(new("r"), [])
    for after in range(50):
        await journal.append(batch("r", 1, after, size=3000))
    await journal.close()
    pages = (tmp_path / "mulle.db").stat().st_size // 4096
    with (tmp_path / "mulle.db").open("r+b") as file:
        for page in range(pages - 20, pages):  # The facts; what the file is made of stands before them.
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)

    journal = SqliteJournal(tmp_path / "mulle.db", Owners(tmp_path / "owners"))

    with pytest.raises(StoreDamaged):
        await journal.read("r")
    await journal.close()


async def test_a_run_deleted_while_it_is_read_is_gone_rather_than_half(journal: SqliteJournal):
    await journal.create(new("r"), [])
    for after in range(20):
        await journal.append(batch("r", 1, after, size=30_000))

    reading = asyncio.ensure_future(journal.read("r"))
    await asyncio.sleep(0)
    journal._db.execute("DELETE FROM facts")

    with pytest.raises(UnknownRun):
        await reading


async def test_only_the_latest_graphs_are_kept_at_hand(journal: SqliteJournal):
    for number in range(GRAPHS_AT_HAND + 10):
        journal.save_graph(f"g{number}", b"%d" % number)
    await journal.create(new("r"), [])

    assert len(journal._graphs) == GRAPHS_AT_HAND
    assert await journal.graph("g0") == b"0"


async def test_a_newer_release_s_journal_is_left_alone(tmp_path: Path):
    db = connect(tmp_path / "mulle.db")
    db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value)")
    db.execute("INSERT INTO meta VALUES ('schema.journal', 99)")
    db.close()

    with pytest.raises(StoreTooNew):
        SqliteJournal(tmp_path / "mulle.db", Owners(tmp_path / "owners"))


# ---------------------------------------------------------------------- the log, the loop, the end


async def test_the_write_ahead_log_stays_small(tmp_path: Path, journal: SqliteJournal):
    runs = [str(number) for number in range(20)]
    await asyncio.gather(*(journal.create(new(run), []) for run in runs))

    for after in range(100):
        await asyncio.gather(*(journal.append(batch(run, 1, after, size=8000)) for run in runs))

    written = sum(page[0] for page in journal._db.execute("SELECT length(CAST(data AS BLOB)) FROM facts"))
    assert written > 40_000_000
    assert (tmp_path / "mulle.db-wal").stat().st_size < 17_000_000


async def test_runs_are_found_by_index_however_many_there_are(journal: SqliteJournal):
    await journal.create(new("r"), [])
    asked: list[str] = []
    journal._reader.set_trace_callback(asked.append)
    await journal.rows()
    await journal.rows(status="failed", before=5.0)
    await journal.rows(workflow="w")
    await journal.rows(behind="r")
    await journal.rows(status="failed", workflow="w", behind="r")
    await journal.claimable(5.0)
    await journal.next_wake()
    await journal.read("r")
    await journal.inbox("r")
    journal._reader.set_trace_callback(None)

    plans = [row[3] for query in asked for row in journal._reader.execute(f"EXPLAIN QUERY PLAN {query}")]
    plans = [plan for plan in plans if "SCALAR SUBQUERY" not in plan]  # Its own steps follow it.

    assert plans
    assert [plan for plan in plans if "INDEX" not in plan or "TEMP B-TREE" in plan] == []


async def test_a_journal_outlives_the_event_loop_that_began_with_it(tmp_path: Path):
    journal = SqliteJournal(tmp_path / "mulle.db", Owners(tmp_path / "owners"))
    heard: list[str | None] = []
    heard_by_the_first: list[str | None] = []
    journal.on_signal(heard.append)

    async def signal(number: int) -> None:
        if number == 0:
            await journal.create(new("r"), [])
            journal.on_signal(heard_by_the_first.append)
        await journal.send("r", InboxSignal(str(number), "approve"))
        journal.append(batch("r", 1, 0))  # Nobody waits for this one.

    def two_loops() -> None:
        asyncio.run(signal(0))
        asyncio.run(signal(1))
        asyncio.run(journal.close())

    await asyncio.to_thread(two_loops)

    assert heard == ["r", "r"]
    assert heard_by_the_first == ["r"]


async def test_what_is_pending_at_the_end_is_written(tmp_path: Path):
    journal = SqliteJournal(tmp_path / "mulle.db", Owners(tmp_path / "owners"))
    await journal.create(new("r"), [])
    pending = [asyncio.ensure_future(journal.append(batch("r", 1, after))) for after in range(1000)]

    await journal.close()

    assert {each.result() for each in pending} == {None}
    with pytest.raises(StoreUnavailable, match="closed"):
        await journal.append(batch("r", 1, 1000))
    db = connect(tmp_path / "mulle.db")
    assert db.execute("SELECT head, (SELECT count(*) FROM facts) FROM runs").fetchall() == [(1000, 1000)]
    db.close()
