"""What every journal promises about cleaning up: what is old goes, what anybody needs stays."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contracts.journal_worlds import WORLDS, World, batch, facts, new, numbers
from tests.contracts.test_blobs import BIG, create, done, written

from mulle.engine.journal import Journal, Keep
from mulle.errors import UnknownRun

KEEP = Keep(succeeded=30.0, failed=90.0)


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    world: World = WORLDS[request.param](tmp_path)
    yield world
    await world.close()


@pytest.fixture
async def journal(world: World) -> Journal:
    return world.driver("a")


async def run(journal: Journal, name: str, *, ended: float | None, status: str = "succeeded", **more: object) -> None:
    await journal.create(new(name, **more), facts(0))
    await journal.append(batch(name, 1, 2))
    if ended is not None:
        await end(journal, name, ended, status)


async def end(journal: Journal, name: str, ended: float, status: str = "succeeded") -> None:
    await journal.append(batch(name, 3, status=status, ended=ended))


async def left(journal: Journal) -> set[str]:
    return {row.id for row in await journal.rows(limit=1000)}


async def test_runs_go_when_their_time_is_over_and_failed_ones_later(journal: Journal):
    await run(journal, "old", ended=69.0)
    await run(journal, "young", ended=71.0)
    await run(journal, "cancelled", ended=69.0, status="cancelled")
    await run(journal, "failed", ended=20.0, status="failed")
    await run(journal, "failed long ago", ended=9.0, status="failed")

    swept = await journal.sweep(KEEP, 100.0)

    assert await left(journal) == {"young", "failed"}
    assert (swept.runs, swept.busy, swept.room.runs) == (3, False, 2)
    with pytest.raises(UnknownRun):
        await journal.read("old")


async def test_pinned_and_unfinished_runs_stay_for_ever(journal: Journal):
    await run(journal, "pinned", ended=1.0)
    await journal.pin("pinned", pinned=True)
    await run(journal, "unfinished", ended=None)

    assert (await journal.sweep(KEEP, 1e12)).runs == 0
    await journal.pin("pinned", pinned=False)
    assert (await journal.sweep(KEEP, 1e12)).runs == 1

    assert await left(journal) == {"unfinished"}


async def test_what_is_pinned_while_others_sweep_stays(world: World):
    journal, sweeper = world.driver("a"), world.driver("b")
    for number in range(40):
        await run(journal, f"r{number}", ended=1.0)
    await journal.pin("r0", pinned=True)

    kept = {"r0"}
    sweeping = asyncio.ensure_future(sweeper.sweep(KEEP, 1e12))
    for number in range(39, 0, -1):
        with contextlib.suppress(UnknownRun):
            await journal.pin(f"r{number}", pinned=True)
            kept.add(f"r{number}")
    await sweeping

    assert await left(journal) == kept


async def test_nothing_goes_where_everything_is_kept(journal: Journal):
    await run(journal, "old", ended=1.0)

    swept = await journal.sweep(Keep(succeeded=math.inf, failed=math.inf), 1e12)

    assert swept.runs == 0


async def test_a_parent_waits_for_its_children_and_a_child_stays_as_long_as_its_parent(journal: Journal):
    await run(journal, "parent", ended=None)
    await run(journal, "child at work", ended=None, parent="parent")
    await end(journal, "parent", 1.0)
    await run(journal, "young parent", ended=None)
    await run(journal, "old child", ended=1.0, parent="young parent")
    await end(journal, "young parent", 99.0)
    await run(journal, "orphan", ended=1.0, parent="nobody")

    await journal.sweep(KEEP, 100.0)

    assert await left(journal) == {"parent", "child at work", "young parent", "old child"}
    await journal.sweep(KEEP, 1000.0)
    assert await left(journal) == {"parent", "child at work"}


async def test_a_fork_stands_for_itself(journal: Journal):
    await run(journal, "origin", ended=1.0)
    await run(journal, "fork at work", ended=None, parent="origin", forked=True)
    await run(journal, "young origin", ended=99.0)
    await run(journal, "old fork", ended=1.0, parent="young origin", forked=True)

    await journal.sweep(KEEP, 100.0)

    assert await left(journal) == {"fork at work", "young origin"}


async def test_a_look_changes_nothing_and_says_what_would_go(journal: Journal):
    for name in ("old", "young"):
        await create(journal, name, text=BIG, own=[name, *range(30_000)])
        await journal.append(batch(name, 1, status="succeeded", ended={"old": 1.0, "young": 99.0}[name]))

    looked = await journal.sweep(KEEP, 100.0, dry=True)
    assert await left(journal) == {"old", "young"}
    swept = await journal.sweep(KEEP, 100.0)

    assert (looked.runs, looked.tightened) == (1, 0)
    if type(journal).__name__ != "MemoryJournal":
        assert looked.blobs == 1
        assert 100_000 < looked.freed < 400_000
    assert (swept.runs, swept.blobs) == (1, 1)
    assert swept.freed > 100_000


async def test_what_stays_is_read_as_before_from_any_position(journal: Journal):
    await journal.create(new("r"), facts(0))
    for after in range(1, 40, 3):
        await journal.append(batch("r", after, 3))
    await journal.append(batch("r", 40, status="succeeded", ended=99.0))
    await run(journal, "unfinished", ended=None)
    before = [await numbers(journal, "r", after) for after in range(42)]
    limited = [await journal.read("r", after, 5) for after in range(0, 40, 7)]

    await journal.sweep(KEEP, 100.0)
    await journal.sweep(KEEP, 100.0)

    assert [await numbers(journal, "r", after) for after in range(42)] == before
    assert [await journal.read("r", after, 5) for after in range(0, 40, 7)] == limited
    await journal.append(batch("unfinished", 3))
    assert await numbers(journal, "unfinished") == [0, 1, 2, 3]


async def test_writers_go_on_while_others_sweep_and_no_value_is_lost(world: World):
    a, b = world.driver("a"), world.driver("b")
    for number in range(40):
        await create(a, f"old {number}", text=BIG)
        await a.append(batch(f"old {number}", 1, status="succeeded", ended=1.0))

    async def write(number: int) -> None:
        name = f"new {number}"
        await create(a, name, text=BIG)
        await a.append(written(name, 1, done(text=BIG), without=True))
        assert (await a.read(name))[1] == done(text=BIG)

    outcomes = await asyncio.gather(b.sweep(KEEP, 100.0), a.sweep(KEEP, 100.0), *map(write, range(20)))

    assert sum(swept.runs for swept in outcomes[:2] if swept is not None) == 40
    assert [(await a.read(f"new {number}"))[1] for number in range(20)] == [done(text=BIG)] * 20
    assert (await a.room()).blobs == 1


async def test_graphs_that_nobody_follows_any_more_go_too(journal: Journal):
    journal.save_graph("own", b"1")
    await run(journal, "old", ended=1.0, graph="own")
    await run(journal, "old too", ended=1.0, graph="own")

    await journal.sweep(KEEP, 100.0)

    assert await left(journal) == set()
