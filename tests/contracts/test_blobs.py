"""What every journal promises about big values: each is there as long as any run refers to it, and kept once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.journal_worlds import WORLDS, World, batch, new

from mulle.engine.blobs import BlobLost
from mulle.engine.facts import AnyFact, NodeDone, RunStarted, Signalled
from mulle.engine.journal import Batch, Journal
from mulle.engine.packing import Blobs, packed
from mulle.errors import JournalConflict, StoreError, UnknownRun

BIG = "경제 기사\n" * 20_000
ROWS = [{"number": number, "글": "물레"} for number in range(4_000)]


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    world: World = WORLDS[request.param](tmp_path)
    yield world
    await world.close()


@pytest.fixture
async def journal(world: World) -> Journal:
    return world.driver("a")


def done(**outputs: Any) -> NodeDone:
    return NodeDone(at=1.0, path=("요약",), outputs=outputs)


def written(run: str, after: int, *facts: AnyFact, without: bool = False, **more: Any) -> Batch:
    written = list(map(packed, facts))
    data = [each.data for each in written]
    blobs: Blobs = {name: parts for each in written for name, parts in each.blobs.items()}
    return Batch(run=run, epoch=1, after=after, facts=data, blobs={} if without else blobs, **more)


async def create(journal: Journal, run: str, **inputs: Any) -> RunStarted:
    first = RunStarted(at=1.0, run=run, graph="g", inputs=inputs)
    data, blobs = packed(first)
    assert await journal.create(new(run), [data], blobs)
    return first


async def kept(journal: Journal) -> int:
    return (await journal.room()).blobs


async def test_big_values_come_back_whole_wherever_they_stood(journal: Journal):
    first = await create(journal, "r", text=BIG, rows=ROWS)
    facts = [done(text=BIG, page={"rows": ROWS}), Signalled(at=2.0, id="1", name="n", payload=[BIG])]

    await journal.append(written("r", 1, *facts))

    assert await journal.read("r") == [first, *facts]
    assert await journal.read("r", 2) == facts[1:]


async def test_a_value_is_kept_once_over_facts_and_runs(journal: Journal):
    for run in ("1", "2", "3"):
        await create(journal, run, text=BIG)
        await journal.append(written(run, 1, *[done(text=BIG) for _ in range(10)]))

    room = await journal.room()

    assert (room.blobs, room.runs) == (1, 3)
    assert len(BIG.encode()) < room.blob_bytes < len(BIG.encode()) * 1.2


async def test_a_refused_batch_keeps_nothing_and_leaves_the_others_theirs(journal: Journal):
    for run in ("1", "2", "3"):
        await create(journal, run)
    batches = [written("1", 1, done(text=f"1{BIG}")), written("2", 5, done(text=BIG)), written("3", 1, done(text=BIG))]

    outcomes = await asyncio.gather(*map(journal.append, batches), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [type(None), JournalConflict, type(None)]
    assert await journal.read("1", 1) == [done(text=f"1{BIG}")]
    assert (await journal.row("2")).head == 1
    assert await journal.read("3", 1) == [done(text=BIG)]
    assert await kept(journal) == 2


async def test_what_a_run_wrote_before_need_not_be_sent_again(journal: Journal):
    await create(journal, "r", text=BIG)

    await journal.append(written("r", 1, done(text=BIG), without=True))

    assert (await journal.read("r"))[1] == done(text=BIG)


async def test_previews_say_what_is_shortened(journal: Journal):
    await create(journal, "r", text=BIG)
    await journal.append(written("r", 1, done(text=BIG, n=1)))

    _, shown = await journal.read("r", previews=True)

    assert isinstance(shown, NodeDone)
    assert shown.outputs["n"] == 1
    assert len(shown.outputs["text"]) < 1000
    assert [ref.at for ref in shown.blobs] == [("outputs", "text")]


async def test_values_go_with_the_last_run_that_refers_to_them(journal: Journal):
    for run in ("1", "2"):
        await create(journal, run, text=BIG, own=[run, *ROWS])
        await journal.append(batch(run, 1, status="succeeded", ended=9.0))
    assert await kept(journal) == 3

    await journal.delete("1")

    assert await kept(journal) == 2
    assert (await journal.read("2"))[0] == RunStarted(
        at=1.0, run="2", graph="g", inputs={"text": BIG, "own": ["2", *ROWS]}
    )
    await journal.delete("2")
    assert await kept(journal) == 0


async def test_a_refused_batch_leaves_no_value_behind(journal: Journal):
    await create(journal, "r")

    with pytest.raises(JournalConflict):
        await journal.append(written("r", 7, done(text=BIG)))
    with pytest.raises(JournalConflict):
        await journal.append(written("?", 0, done(text=BIG)))
    data, blobs = packed(done(text=BIG))
    with pytest.raises(StoreError):
        await journal.create(new("r"), [data], blobs)

    assert await kept(journal) == 0
    assert len(await journal.read("r")) == 1


async def test_a_run_that_exists_by_its_key_brings_no_values(journal: Journal):
    data, blobs = packed(done(text=BIG))
    assert await journal.create(new("1", dedup="9시"), [])

    assert not await journal.create(new("2", dedup="9시"), [data], blobs)

    assert await kept(journal) == 0


async def test_a_value_is_never_gone_while_a_run_refers_to_it(world: World):
    """Runs with one and the same value come and go side by side; every one that is there has it."""
    a, b = world.driver("a"), world.driver("b")

    async def live(journal: Journal, run: str) -> None:
        await create(journal, run, text=BIG)
        await journal.append(written(run, 1, done(text=BIG), without=True))
        assert (await journal.read(run))[1] == done(text=BIG)
        await journal.append(written(run, 2, done(rows=ROWS), status="succeeded", ended=1.0))
        assert (await journal.read(run))[2] == done(rows=ROWS)
        await journal.delete(run)

    await asyncio.gather(
        *(live(journal, f"{number}-{name}") for number in range(12) for name, journal in (("a", a), ("b", b)))
    )

    assert await kept(a) == 0


async def test_a_missing_value_is_said_and_harms_no_other_reading(journal: Journal):
    await create(journal, "r", n=1)
    await journal.append(written("r", 1, done(text=BIG), without=True))

    with pytest.raises(BlobLost, match="not there"):
        await journal.read("r")

    assert len(await journal.read("r", previews=True)) == 2
    assert (await journal.row("r")).head == 2


async def test_who_reads_a_run_that_is_deleted_meanwhile_is_told_that(journal: Journal):
    await create(journal, "r", text=BIG)
    await journal.append(batch("r", 1, status="succeeded", ended=9.0))

    reading = asyncio.ensure_future(journal.read("r"))
    await journal.delete("r")

    outcome = (await asyncio.gather(reading, return_exceptions=True))[0]
    assert isinstance(outcome, UnknownRun | list)
