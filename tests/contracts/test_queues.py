"""What every journal promises of runs that wait their turn."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.journal_worlds import WORLDS, World, batch, facts, new

from mulle.engine.journal import CANCEL, Claim, Debounce, InboxSignal, Journal, Queue
from mulle.errors import JournalConflict

ONE = (Queue("하나씩", 1),)


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    world: World = WORLDS[request.param](tmp_path)
    yield world
    await world.close()


@pytest.fixture
async def journal(world: World) -> Journal:
    return world.driver("a")


async def queued(journal: Journal, run: str, **more: Any) -> None:
    assert await journal.create(new(run, **({"queues": ONE} | more)), facts(0))


async def claimed(journal: Journal, run: str) -> Claim:
    claim = await journal.claim(run)
    assert claim is not None
    return claim


async def end(journal: Journal, run: str, epoch: int = 1) -> None:
    await journal.append(batch(run, 1, epoch=epoch, status="succeeded", ended=9.0))


async def test_a_run_that_waits_its_turn_is_nobodys_until_it_is_claimed(journal: Journal):
    await queued(journal, "r")

    row = await journal.row("r")
    claim = await claimed(journal, "r")

    assert (row.status, row.owner, row.head) == ("queued", None, 1)
    assert (claim.row.status, claim.row.epoch, claim.unclean) == ("running", 1, False)


async def test_only_so_many_runs_of_a_queue_are_at_work(journal: Journal):
    two = (Queue("둘씩", 2),)
    for run in ("a", "b", "c"):
        await queued(journal, run, queues=two)

    claims = [await journal.claim(run) for run in ("a", "b", "c")]

    assert [claim is not None for claim in claims] == [True, True, False]
    assert (await journal.row("c")).status == "queued"
    assert await journal.claimable(1e9) == []


async def test_the_end_of_one_makes_the_next_one_due(journal: Journal):
    for run in ("a", "b", "c"):
        await queued(journal, run)
    await claimed(journal, "a")

    await end(journal, "a")

    assert await journal.claimable(2.0) == ["b"]
    assert await journal.next_wake() == 0.0
    assert await journal.claim("c") is None
    await claimed(journal, "b")


async def test_the_highest_priority_goes_first_and_then_the_oldest(journal: Journal):
    await queued(journal, "working")
    for run, priority in (("old", 0), ("low", -1), ("high", 5), ("young", 0)):
        await queued(journal, run, priority=priority)
    order: list[str] = []
    at_work = "working"

    for _ in range(4):
        await claimed(journal, at_work)
        await end(journal, at_work)
        (at_work,) = await journal.claimable(2.0)
        order.append(at_work)

    assert order == ["high", "old", "young", "low"]


async def test_a_run_needs_a_place_in_every_queue_it_stands_in(journal: Journal):
    both = (Queue("고객 1", 1), Queue("모두", 2))
    await queued(journal, "a", queues=both)
    await queued(journal, "b", queues=both)
    await queued(journal, "c", queues=(Queue("고객 2", 1), Queue("모두", 2)))
    await queued(journal, "d", queues=(Queue("고객 3", 1), Queue("모두", 2)))

    assert sorted(await journal.claimable(2.0)) == ["a", "c"]
    await claimed(journal, "c")
    await end(journal, "c")
    assert sorted(await journal.claimable(2.0)) == ["a", "d"]


async def test_who_is_next_is_decided_over_all_places_that_become_free(journal: Journal):
    both = (Queue("고객 1", 1), Queue("모두", 1))
    await queued(journal, "working", queues=both)
    await queued(journal, "high", queues=(Queue("모두", 1),), priority=5)
    await queued(journal, "low", queues=both)
    await queued(journal, "other", queues=(Queue("고객 1", 1),))
    await claimed(journal, "working")

    await end(journal, "working")

    assert sorted(await journal.claimable(2.0)) == ["high", "other"]


async def test_a_run_that_waits_for_something_holds_no_place_and_queues_again(journal: Journal):
    for run in ("a", "b"):
        await queued(journal, run)
    await claimed(journal, "a")

    assert await journal.release("a", 1, None)
    await claimed(journal, "b")
    await journal.send("a", InboxSignal("s", "go"))

    assert await journal.claimable(2.0) == ["a"]
    assert await journal.claim("a") is None
    assert (await journal.row("a")).status == "queued"
    assert await journal.claimable(2.0) == []
    await end(journal, "b")
    assert await journal.claimable(2.0) == ["a"]
    assert (await claimed(journal, "a")).row.epoch == 2
    assert [signal.id for signal in await journal.inbox("a")] == ["s"]


async def test_a_dead_drivers_run_keeps_its_place(world: World):
    a, b = world.driver("a"), world.driver("b")
    for run in ("r", "s"):
        await queued(a, run)
    await claimed(a, "r")
    world.kill("a")

    assert await b.claim("s") is None
    assert await b.claimable(2.0) == ["r"]
    assert (await claimed(b, "r")).unclean


async def test_a_driver_that_closes_leaves_its_run_its_place(world: World):
    a, b = world.driver("a"), world.driver("b")
    for run in ("r", "s"):
        await queued(a, run)
    await claimed(a, "r")
    await b.row("r")

    await a.close()

    assert await b.claimable(2.0) == ["r"]
    await claimed(b, "r")


async def test_a_queued_run_can_be_cancelled_at_once(journal: Journal):
    for run in ("a", "b", "c"):
        await queued(journal, run)
    await claimed(journal, "a")

    await journal.send("b", InboxSignal("cancel", CANCEL, {}))
    await journal.send("c", InboxSignal("hello", "hello", {}))

    assert await journal.claimable(2.0) == ["b"]
    await claimed(journal, "b")
    await end(journal, "b")
    assert await journal.claimable(2.0) == []


async def test_deleting_a_run_takes_it_out_of_its_queues(journal: Journal):
    await queued(journal, "a")
    await claimed(journal, "a")
    await end(journal, "a")
    await journal.delete("a")
    await queued(journal, "a")

    await claimed(journal, "a")


async def test_queued_runs_are_counted_apart(journal: Journal):
    for run in ("a", "b", "c"):
        await queued(journal, run)
    await claimed(journal, "a")

    backlog = await journal.backlog(2.0)

    assert (backlog.queued, backlog.running, backlog.waiting) == (2, 1, 0)


# ---------------------------------------------------------------------- calls that become one


async def call(journal: Journal, run: str, at: float, wait: float = 10.0, at_most: float | None = None) -> None:
    debounce = Debounce("저장", wait, at_most)
    assert await journal.create(new(run, created=at, debounce=debounce), facts(0))


async def test_a_later_call_takes_the_earlier_ones_place(journal: Journal):
    await call(journal, "first", 100.0)
    await call(journal, "second", 105.0)

    sent = await journal.inbox("first")

    assert [(signal.name, signal.payload["detail"]) for signal in sent] == [(CANCEL, "superseded")]
    assert await journal.claimable(114.0) == ["first"]
    await claimed(journal, "first")
    await end(journal, "first")
    assert await journal.claimable(114.0) == []
    assert await journal.claimable(115.0) == ["second"]


async def test_it_begins_in_the_end_however_many_calls_follow(journal: Journal):
    for number in range(4):
        await call(journal, f"r{number}", 100.0 + 8 * number, at_most=20.0)

    assert (await journal.row("r3")).wake_at == 120.0


async def test_a_call_after_the_beginning_is_a_run_of_its_own(journal: Journal):
    await call(journal, "first", 100.0)
    await claimed(journal, "first")
    await call(journal, "second", 111.0)

    assert await journal.inbox("first") == []
    assert (await journal.row("second")).wake_at == 121.0


async def test_a_quiet_moment_does_not_replace_a_place(journal: Journal):
    await queued(journal, "at work")
    await claimed(journal, "at work")
    assert await journal.create(new("r", created=100.0, queues=ONE, debounce=Debounce("k", 10.0)), facts(0))

    assert await journal.claimable(110.0) == ["r"]
    assert await journal.claim("r") is None
    await end(journal, "at work")
    assert await journal.claimable(110.0) == ["r"]


# ---------------------------------------------------------------------- allowances


async def test_in_no_span_of_time_more_begin_than_may(journal: Journal):
    times = [await journal.reserve("api", f"step {n}", 3, 10.0, 100.0 + n) for n in range(8)]

    assert times == [100.0, 101.0, 102.0, 110.0, 111.0, 112.0, 120.0, 121.0]


async def test_who_asks_again_is_given_the_same_time(journal: Journal):
    for number in range(5):
        await journal.reserve("api", f"step {number}", 2, 60.0, 0.0)

    assert await journal.reserve("api", "step 4", 2, 60.0, 100.0) == 120.0


async def test_allowances_are_shared_by_name_and_by_all_drivers(world: World):
    a, b = world.driver("a"), world.driver("b")
    await a.reserve("api", "one", 1, 60.0, 0.0)

    assert await b.reserve("api", "two", 1, 60.0, 1.0) == 60.0
    assert await b.reserve("other", "three", 1, 60.0, 1.0) == 1.0


async def test_what_was_used_long_ago_counts_no_more(journal: Journal):
    for number in range(50):
        assert await journal.reserve("api", f"step {number}", 3, 1.0, 10.0 * number) == 10.0 * number


# ---------------------------------------------------------------------- steps at work


async def test_the_first_in_the_line_are_at_work_and_make_room_for_the_next(journal: Journal):
    asked = [await journal.enter("llm", f"step {number}", 2) for number in range(4)]
    again = [await journal.enter("llm", f"step {number}", 2) for number in range(4)]
    journal.leave("llm", "step 0")
    journal.leave("llm", "step 9")

    assert asked == again == [True, True, False, False]
    assert [await journal.enter("llm", f"step {number}", 2) for number in (1, 2, 3)] == [True, True, False]
    assert await journal.enter("http", "step 5", 2)


async def test_who_stops_waiting_leaves_the_line(journal: Journal):
    for number in range(3):
        await journal.enter("llm", f"step {number}", 1)
    journal.leave("llm", "step 1")
    journal.leave("llm", "step 0")

    assert await journal.enter("llm", "step 2", 1)


async def test_the_line_is_shared_by_all_and_the_dead_stand_in_nobodys_way(world: World):
    a, b, c = (world.driver(name) for name in "abc")
    assert await a.enter("llm", "of a", 1)
    assert not await b.enter("llm", "of b", 1)
    assert not await c.enter("llm", "of c", 1)

    world.kill("a")
    assert await b.enter("llm", "of b", 1)
    assert not await c.enter("llm", "of c", 1)
    b.leave("llm", "of b")
    async with asyncio.timeout(20):
        while not await c.enter("llm", "of c", 1):  # Nobody waits for what b writes.
            pass


async def test_ends_that_are_written_together_pass_their_places_on_each_for_itself(journal: Journal):
    for run in ("a", "b", "c", "d"):
        await queued(journal, run, queues=(Queue(f"of {run}", 1),))
        await queued(journal, f"{run} next", queues=(Queue(f"of {run}", 1),))
        await claimed(journal, run)
        assert await journal.claim(f"{run} next") is None
    ends = [end(journal, "a"), end(journal, "b", epoch=9), end(journal, "c")]

    outcomes = await asyncio.gather(*ends, journal.release("d", 1, None), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [type(None), JournalConflict, type(None), bool]
    assert sorted(await journal.claimable(1e9)) == ["a next", "c next", "d next"]
    assert [(await journal.row(run)).status for run in ("a", "b", "c")] == ["succeeded", "running", "succeeded"]
