"""What shares its statements with others is written as if it had been alone, and nobody answers for his neighbour."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.journal_worlds import batch, facts, new, numbers

from mulle.engine.journal import Queue
from mulle.errors import JournalConflict
from mulle.store.owners import Owners
from mulle.store.sqlite_journal import SqliteJournal

MANY = 40


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "mulle.db", Owners(tmp_path / "owners"))
    journal.save_graph("g", b"{}")
    yield journal
    await journal.close()


async def together(*writes: Any) -> list[Any]:
    """What each of several writes gives or raises, when all of them are for one transaction."""

    async def one(write: Any) -> Any:
        return await write

    return await asyncio.gather(*(one(write) for write in writes), return_exceptions=True)


async def begun(journal: SqliteJournal, *runs: str) -> None:
    assert await together(*(journal.create(new(run), facts(0)) for run in runs)) == [True] * len(runs)


async def test_runs_that_begin_together_are_all_there_with_their_facts_and_their_graph(journal: SqliteJournal):
    runs = [f"r{number}" for number in range(MANY)]

    await begun(journal, *runs)

    assert {row.id: (row.head, row.status, row.epoch) for row in await journal.rows(limit=100)} == dict.fromkeys(
        runs, (1, "running", 1)
    )
    assert [await numbers(journal, run) for run in runs] == [[0.0]] * MANY
    assert await journal.graph("g") == b"{}"


async def test_of_two_runs_with_one_id_the_second_fails_alone(journal: SqliteJournal):
    twice = await together(*(journal.create(new(run), facts(0)) for run in ("a", "same", "same", "b")))

    assert [outcome is True for outcome in twice] == [True, True, False, True]
    assert {row.id for row in await journal.rows(limit=9)} == {"a", "same", "b"}


async def test_those_who_begin_go_on_and_end_in_one_transaction_all_do(journal: SqliteJournal):
    await begun(journal, "goes on", "ends")

    outcomes = await together(
        journal.append(batch("ends", 1, 2, status="succeeded", ended=5.0)),
        journal.create(new("begins"), facts(0)),
        journal.append(batch("goes on", 1, 3)),
        journal.append(batch("goes on", 4, status="succeeded", ended=6.0)),
    )

    assert outcomes == [None, True, None, None]
    rows = {row.id: (row.head, row.status, row.ended) for row in await journal.rows(limit=9)}
    assert rows == {
        "ends": (3, "succeeded", 5.0),
        "begins": (1, "running", None),
        "goes on": (5, "succeeded", 6.0),
    }


async def test_one_that_lost_its_run_is_refused_and_its_neighbours_are_not(journal: SqliteJournal):
    await begun(journal, "a", "b", "c")

    outcomes = await together(
        journal.append(batch("a", 1, status="succeeded", ended=1.0)),
        journal.append(batch("b", 1, status="succeeded", ended=2.0, epoch=9)),
        journal.append(batch("c", 1, status="failed", ended=3.0)),
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), JournalConflict, type(None)]
    assert {row.id: row.status for row in await journal.rows(limit=9)} == {
        "a": "succeeded",
        "b": "running",
        "c": "failed",
    }


async def test_those_who_end_together_have_their_order_and_nobody_a_place_twice(journal: SqliteJournal):
    runs = [f"r{number}" for number in range(MANY)]
    await begun(journal, *runs)
    for some in (runs[: MANY // 2], runs[MANY // 2 :]):
        await together(*(journal.append(batch(run, 1, status="succeeded", ended=1.0)) for run in some))

    ended, cursor = await journal.ended_since("", MANY // 4)
    rest, _ = await journal.ended_since(cursor, 100)

    assert [row.id for row in [*ended, *rest]] == runs


async def test_those_who_end_together_give_their_places_on(journal: SqliteJournal):
    queue = (Queue("narrow", 2),)
    for run in ("a", "b", "waits"):
        await journal.create(new(run, queues=queue), facts(0))
        await journal.claim(run)
    assert (await journal.row("waits")).status == "queued"

    await together(*(journal.append(batch(run, 1, status="succeeded", ended=1.0)) for run in ("a", "b")))

    claim = await journal.claim("waits")
    assert claim is not None
    assert claim.row.status == "running"
