"""What every journal promises, whatever it is kept in."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contracts.journal_worlds import WORLDS, World, batch, fact, facts, new, numbers

from mulle.engine.codec import encode_one
from mulle.engine.journal import Backlog, InboxSignal, Journal, Queue
from mulle.errors import JournalConflict, RunUnfinished, StoreError, UnknownGraph, UnknownRun


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    world: World = WORLDS[request.param](tmp_path)
    yield world
    await world.close()


@pytest.fixture
async def journal(world: World) -> Journal:
    return world.driver("a")


async def ended(journal: Journal, run: str, **more: object) -> None:
    await journal.create(new(run, **more), facts(0))
    await journal.append(batch(run, 1, status="succeeded", ended=9.0))


# ---------------------------------------------------------------------- facts


async def test_facts_come_back_as_they_were_written(journal: Journal):
    written = [fact(0, 글="안녕"), fact(1, nothing=None), fact(2, deep={"목록": [1, 2.5, True]})]
    await journal.create(new("r"), [encode_one(written[0])])
    await journal.append(batch("r", 1, 0, status="running"))
    later = batch("r", 1, 0)
    later.facts = [encode_one(each) for each in written[1:]]

    await journal.append(later)

    assert await journal.read("r") == written
    assert (await journal.row("r")).head == 3


async def test_reading_from_the_middle_of_a_batch_gives_the_rest_of_it(journal: Journal):
    await journal.create(new("r"), facts(0, 1, 2))
    await journal.append(batch("r", 3, 4))

    tails = [await numbers(journal, "r", after) for after in (1, 3, 5, 7, 9)]

    assert tails == [[1, 2, 3, 4, 5, 6], [3, 4, 5, 6], [5, 6], [], []]


async def test_a_long_journal_can_be_read_piece_by_piece(journal: Journal):
    await journal.create(new("r"), facts(0, 1, 2))
    await journal.append(batch("r", 3, 4))

    pieces = [[one.at for one in await journal.read("r", after, limit=2)] for after in (0, 2, 4, 6, 8)]

    assert pieces == [[0, 1], [2, 3], [4, 5], [6], []]


async def test_batches_sent_without_waiting_keep_their_order(journal: Journal):
    await journal.create(new("r"), [])

    await asyncio.gather(*(journal.append(batch("r", after)) for after in range(500)))

    assert await numbers(journal, "r") == list(range(500))


async def test_hundreds_of_runs_write_at_once_and_each_gets_its_own(journal: Journal):
    async def drive(run: str) -> None:
        await journal.create(new(run), [])
        for after in range(0, 10, 2):
            await journal.append(batch(run, after, 2, alive=True))
        await journal.append(batch(run, 10, status="succeeded", ended=1.0))

    runs = [f"실행-{number}" for number in range(300)]
    await asyncio.gather(*map(drive, runs))

    assert [await numbers(journal, run) for run in runs] == [list(range(11))] * 300


async def test_a_long_journal_is_read_whole(journal: Journal):
    text = "물레" * 2000
    await journal.create(new("r"), [])
    for after in range(0, 100, 10):
        long = batch("r", after, 0)
        long.facts = [encode_one(fact(number, text=text)) for number in range(after, after + 10)]
        await journal.append(long)

    assert await numbers(journal, "r") == list(range(100))
    assert await numbers(journal, "r", 95) == [95, 96, 97, 98, 99]


@pytest.mark.parametrize(
    "text", ["", "한글 ㅎㅏㄴ", "nul\0in it", "'; DROP TABLE runs; --", "😀" * 300_000, "\\u0000\n\r\t"]
)
async def test_any_text_is_kept_as_it_is(journal: Journal, text: str):
    run = f"run {text[:100]}"
    await journal.create(new(run, workflow=text, session=text, dedup=text), [encode_one(fact(0, **{text: text}))])
    await journal.send(run, InboxSignal(text, text, {text: [text]}))
    await journal.append(batch(run, 1, status="waiting", detail=text))

    row = await journal.row(run)
    assert (row.workflow, row.session, row.detail) == (text, text, text)
    assert await journal.read(run) == [fact(0, **{text: text}), fact(1)]
    assert await journal.inbox(run) == [InboxSignal(text, text, {text: [text]})]


async def test_what_cannot_be_text_harms_nobody_else(journal: Journal):
    await journal.create(new("good"), [])
    bad = journal.send("good", InboxSignal("\ud800", "broken", None))

    outcomes = await asyncio.gather(journal.append(batch("good", 0)), bad, return_exceptions=True)

    assert outcomes[0] is None
    assert await numbers(journal, "good") == [0]


async def test_who_asks_for_an_unknown_run_is_told(journal: Journal):
    for ask in (journal.read("?"), journal.row("?"), journal.claim("?"), journal.delete("?")):
        with pytest.raises(UnknownRun):
            await ask
    with pytest.raises(UnknownRun):
        await journal.send("?", InboxSignal("1", "approve"))
    with pytest.raises(JournalConflict):
        await journal.append(batch("?", 0))


# ---------------------------------------------------------------------- runs


async def test_a_run_is_created_as_ours_at_epoch_one(journal: Journal):
    assert await journal.create(new("r", parent="p", session="s", created=5.0), facts(0, 1))

    row = await journal.row("r")

    assert (row.status, row.head, row.epoch, row.created) == ("running", 2, 1, 5.0)
    assert (row.parent, row.session, row.deaths, row.ended) == ("p", "s", 0, None)
    assert row.owner is not None
    assert await journal.claim("r") is None


async def test_one_run_a_dedup_key(journal: Journal, world: World):
    tries = [journal.create(new("1", dedup="9시"), facts(0)), journal.create(new("2", dedup="9시"), facts(0))]

    outcomes = await asyncio.gather(*tries)

    assert outcomes == [True, False]
    assert not await world.driver("b").create(new("3", dedup="9시"), [])
    assert await journal.create(new("4", dedup="10시"), [])
    assert await journal.run_with("9시") == "1"
    for missing in (journal.row("2"), journal.run_with("11시")):
        with pytest.raises(UnknownRun):
            await missing


async def test_an_id_is_never_taken_twice(journal: Journal):
    await journal.create(new("r"), facts(0))

    with pytest.raises(StoreError):
        await journal.create(new("r"), facts(0, 1))

    assert (await journal.row("r")).head == 1


async def test_rows_come_newest_first_and_filtered(journal: Journal):
    for number in range(6):
        await journal.create(new(str(number), created=float(number), workflow="짝홀"[number % 2]), [])
    await journal.append(batch("2", 0, status="failed", detail="왜", ended=3.0))

    assert [row.id for row in await journal.rows()] == ["5", "4", "3", "2", "1", "0"]
    assert [row.id for row in await journal.rows(limit=2, before=4.0)] == ["3", "2"]
    assert [row.id for row in await journal.rows(workflow="짝", status="running")] == ["4", "0"]
    assert [(row.id, row.detail, row.ended) for row in await journal.rows(status="failed")] == [("2", "왜", 3.0)]
    assert await journal.rows(workflow="none") == []


async def test_pages_follow_each_other_without_a_gap_even_where_runs_began_at_the_same_instant(journal: Journal):
    for number in range(10):
        await journal.create(new(str(number), created=float(number // 4), workflow="짝홀"[number % 2]), [])

    async def pages(limit: int, workflow: str | None = None, status: str | None = None) -> list[str]:
        seen: list[str] = []
        while page := await journal.rows(
            limit=limit, behind=seen[-1] if seen else None, workflow=workflow, status=status
        ):
            seen += [row.id for row in page]
        return seen

    assert [await pages(limit) for limit in (1, 3, 10)] == [list("9876543210")] * 3
    assert await pages(2, workflow="짝") == list("86420")
    assert await pages(2, workflow="짝", status="failed") == []
    with pytest.raises(UnknownRun):
        await journal.rows(behind="nobody")


async def test_graphs_are_kept_by_their_hash(journal: Journal, world: World):
    journal.save_graph("h", "그래프".encode())
    journal.save_graph("h", "그래프".encode())
    await journal.create(new("r", graph="h"), facts(0))

    assert await world.driver("b").graph("h") == "그래프".encode()
    with pytest.raises(UnknownGraph):
        await journal.graph("?")


async def test_an_ended_run_is_deleted_with_all_that_is_its_own(journal: Journal):
    journal.save_graph("shared", b"1")
    journal.save_graph("own", b"2")
    await ended(journal, "other", graph="shared")
    for run, graph in (("r", "shared"), ("s", "own")):
        await ended(journal, run, graph=graph, dedup=run)
        await journal.send(run, InboxSignal("1", "late"))

    await journal.delete("r")
    await journal.delete("s")

    for run in ("r", "s"):
        with pytest.raises(UnknownRun):
            await journal.read(run)
        assert await journal.inbox(run) == []
        assert await journal.create(new(run, dedup=run, graph="shared"), [])
    assert await journal.graph("shared") == b"1"


async def test_a_run_without_an_end_is_never_deleted(journal: Journal):
    await journal.create(new("r"), facts(0))

    with pytest.raises(RunUnfinished):
        await journal.delete("r")

    assert await numbers(journal, "r") == [0]


# ---------------------------------------------------------------------- one writer


async def test_a_batch_decided_on_an_older_head_is_refused(journal: Journal):
    await journal.create(new("r"), facts(0))
    await journal.append(batch("r", 1))

    for stale in (batch("r", 1), batch("r", 0), batch("r", 5), batch("r", 1, status="failed", ended=2.0)):
        with pytest.raises(JournalConflict):
            await journal.append(stale)

    assert await numbers(journal, "r") == [0, 1]
    assert (await journal.row("r")).status == "running"


async def test_a_former_owner_is_fenced_out(world: World):
    a, b = world.driver("a"), world.driver("b")
    await a.create(new("r"), facts(0))
    world.kill("a")
    claim = await b.claim("r")

    with pytest.raises(JournalConflict):
        await a.append(batch("r", 1, epoch=1))
    assert claim is not None
    await b.append(batch("r", 1, epoch=claim.row.epoch))

    assert claim.row.epoch == 2
    assert claim.unclean
    assert await numbers(b, "r") == [0, 1]


async def test_knowing_the_epoch_is_not_enough(world: World):
    a, b = world.driver("a"), world.driver("b")
    await a.create(new("r"), facts(0))

    with pytest.raises(JournalConflict):
        await b.append(batch("r", 1))
    with pytest.raises(JournalConflict):
        await b.release("r", 1, None)
    with pytest.raises(JournalConflict):
        await b.count_death("r", 1, 0)

    await a.append(batch("r", 1))


async def test_what_is_ours_without_our_knowing_is_claimed_again(world: World):
    a, b = world.driver("a"), world.driver("b")
    assert await a.claim_again(()) == []
    for run in ("unknown", "known", "released", "over", "b"):
        await (b if run == "b" else a).create(new(run), facts(0))
    await a.release("released", 1, None)
    await a.append(batch("over", 1, status="succeeded", ended=1.0))

    claims = await a.claim_again({"known"})

    assert [(claim.row.id, claim.row.epoch, claim.row.head, claim.unclean) for claim in claims] == [
        ("unknown", 2, 1, False)
    ]
    with pytest.raises(JournalConflict):
        await a.append(batch("unknown", 1, epoch=1))
    await a.append(batch("unknown", 1, epoch=2))
    await a.append(batch("known", 1, epoch=1))


@pytest.mark.parametrize("queues", [(), (Queue("children", 5),)])
async def test_a_run_that_has_ended_gets_no_more_children(journal: Journal, queues: tuple[Queue, ...]):
    await journal.create(new("parent"), facts(0))
    before = await journal.create(new("early", parent="parent", queues=queues), facts(0))
    await journal.append(batch("parent", 1, status="cancelled", ended=1.0))

    assert before
    assert not await journal.create(new("late", parent="parent", queues=queues), facts(0))
    assert await journal.create(new("fork", parent="parent", forked=True), facts(0))
    assert await journal.create(new("orphan", parent="gone", queues=queues), facts(0))
    with pytest.raises(UnknownRun):
        await journal.row("late")


async def test_a_death_that_is_said_twice_is_one(journal: Journal):
    await journal.create(new("r"), facts(0))

    assert [await journal.count_death("r", 1, known) for known in (0, 0, 1, 1)] == [1, 1, 2, 2]
    assert (await journal.row("r")).deaths == 2


async def test_one_conflict_in_a_group_harms_no_neighbour(journal: Journal):
    for run in "abc":
        await journal.create(new(run), facts(0))
    group = [batch("a", 1), batch("b", 7), batch("a", 2), batch("c", 1), batch("b", 1), batch("?", 0)]

    outcomes = await asyncio.gather(*map(journal.append, group), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        JournalConflict,
        type(None),
        type(None),
        type(None),
        JournalConflict,
    ]
    assert [await numbers(journal, run) for run in "abc"] == [[0, 1, 2], [0, 1], [0, 1]]


async def test_after_the_end_nothing_is_written_and_nobody_claims(world: World):
    a, b = world.driver("a"), world.driver("b")
    await ended(a, "r")

    with pytest.raises(JournalConflict):
        await a.append(batch("r", 2))
    assert await b.claim("r") is None
    assert await a.release("r", 1, None)

    row = await a.row("r")
    assert (row.status, row.ended, row.owner) == ("succeeded", 9.0, None)
    assert await a.claimable(1e12) == []


async def test_only_one_of_many_claims_a_run(world: World):
    await world.driver("a").create(new("r"), [])
    await world.driver("a").release("r", 1, 0.0)

    claims = await asyncio.gather(*(world.driver(name).claim("r") for name in "bcdef"))

    assert len([claim for claim in claims if claim]) == 1
    assert (await world.driver("a").row("r")).epoch == 2


async def test_many_are_claimed_at_once_and_none_of_them_twice(world: World):
    a, b, c = (world.driver(name) for name in "abc")
    for number in range(9):
        await a.create(new(f"due{number}"), facts(0))
        await a.release(f"due{number}", 1, float(number))
    await a.create(new("driven"), facts(0))
    await a.create(new("ended"), facts(0))
    await a.append(batch("ended", 1, status="succeeded", ended=2.0))

    first = await b.claim_due(6.0, limit=3, besides=["due1"])
    rest = await asyncio.gather(b.claim_due(6.0), c.claim_due(6.0))

    assert sorted(claim.row.id for claim in first) == ["due0", "due2", "due3"]
    assert sorted(claim.row.id for claims in rest for claim in claims) == ["due1", "due4", "due5", "due6"]
    assert all((claim.row.epoch, claim.unclean, claim.row.status) == (2, False, "running") for claim in first)
    await b.append(batch("due0", 1, epoch=2))
    with pytest.raises(JournalConflict):
        await a.append(batch("due0", 1))


async def test_who_claims_in_bulk_gets_what_the_dead_left_and_what_was_woken(world: World):
    a, b = world.driver("a"), world.driver("b")
    for run in ("left", "woken", "asleep"):
        await a.create(new(run), facts(0))
    for run in ("woken", "asleep"):
        await a.release(run, 1, None)
    await b.send("woken", InboxSignal("1", "approve"))
    world.kill("a")

    claims = await b.claim_due(0.0)

    assert {claim.row.id: claim.unclean for claim in claims} == {"left": True, "woken": False}
    assert await b.claim_due(0.0) == []


async def test_who_lives_holds_what_he_claimed(world: World):
    journal = world.driver("a")
    await journal.create(new("r"), facts(0))

    assert journal.holds()


# ---------------------------------------------------------------------- letting go and coming back


async def test_a_released_run_is_claimable_when_it_is_due(world: World):
    a, b = world.driver("a"), world.driver("b")
    for run, wake_at in (("late", 300.0), ("soon", 100.0), ("never", None)):
        await a.create(new(run), facts(0))
        assert await a.release(run, 1, wake_at)

    assert await b.claimable(99.9) == []
    assert await b.claimable(100.0) == ["soon"]
    assert await b.claimable(400.0) == ["soon", "late"]
    assert await b.claimable(400.0, limit=1) == ["soon"]
    assert await b.next_wake() == 100.0
    assert [await b.next_wake(after) for after in (99.9, 100.0, 300.0)] == [100.0, 300.0, None]
    assert (await b.row("soon")).status == "waiting"
    assert await b.claim("soon")
    assert (await b.row("soon")).status == "running"
    assert await b.next_wake() == 300.0
    assert await b.claimable(400.0) == ["late"]


async def test_a_clean_release_is_no_death(world: World):
    a, b = world.driver("a"), world.driver("b")
    await a.create(new("r"), facts(0))
    await a.release("r", 1, 0.0)

    claim = await b.claim("r")

    assert claim is not None
    assert not claim.unclean
    assert claim.row.deaths == 0


async def test_who_closes_leaves_runs_that_are_due_and_no_death(world: World):
    a, b = world.driver("a"), world.driver("b")
    await a.create(new("r"), facts(0))
    await ended(a, "ended")

    await a.close()

    assert await b.claimable(0.0) == ["r"]
    assert (await b.row("r")).status == "waiting"
    claim = await b.claim("r")
    assert claim is not None
    assert not claim.unclean


async def test_what_the_dead_left_is_claimable_by_the_living(world: World):
    a, b = world.driver("a"), world.driver("b")
    await a.create(new("left"), facts(0))
    await b.create(new("mine"), facts(0))
    await ended(a, "ended")
    assert await b.claimable(0.0) == []

    world.kill("a")

    assert await b.claimable(0.0) == ["left"]
    assert await b.claim("left")
    assert await b.claimable(0.0) == []


async def test_deaths_are_counted_until_a_node_ends(world: World):
    a, b = world.driver("a"), world.driver("b")
    await a.create(new("r"), facts(0))
    world.kill("a")
    await b.claim("r")

    counts = [await b.count_death("r", 2, known) for known in (0, 1)]
    await b.append(batch("r", 1, epoch=2))
    still = (await b.row("r")).deaths
    await b.append(batch("r", 2, epoch=2, alive=True))

    assert counts == [1, 2]
    assert still == 2
    assert (await b.row("r")).deaths == 0


# ---------------------------------------------------------------------- signals


async def test_signals_wait_in_order_until_a_fact_takes_them_in(journal: Journal):
    await journal.create(new("r"), facts(0))
    for number in range(3):
        assert await journal.send("r", InboxSignal(str(number), "승인", {"by": "김"}))

    await journal.append(batch("r", 1, consumed=["1"]))

    assert [signal.id for signal in await journal.inbox("r")] == ["0", "2"]
    assert (await journal.inbox("r"))[0] == InboxSignal("0", "승인", {"by": "김"})


async def test_a_signal_counts_once_before_and_after_it_was_taken_in(journal: Journal):
    await journal.create(new("r"), facts(0))
    signal = InboxSignal("1", "approve", None)

    before = await asyncio.gather(journal.send("r", signal), journal.send("r", signal))
    await journal.append(batch("r", 1, consumed=["1"]))
    after = await journal.send("r", InboxSignal("1", "approve", "again"))

    assert before == [True, False]
    assert after is False
    assert await journal.inbox("r") == []


async def test_a_refused_batch_takes_no_signal_in(journal: Journal):
    await journal.create(new("r"), facts(0))
    await journal.send("r", InboxSignal("1", "approve"))

    with pytest.raises(JournalConflict):
        await journal.append(batch("r", 7, consumed=["1"]))

    assert [signal.id for signal in await journal.inbox("r")] == ["1"]


async def test_a_signal_before_the_release_keeps_the_run(journal: Journal):
    await journal.create(new("r"), facts(0))
    await journal.send("r", InboxSignal("1", "approve"))

    assert not await journal.release("r", 1, None)
    await journal.append(batch("r", 1, consumed=["1"]))
    assert await journal.release("r", 1, None)


async def test_a_signal_after_the_release_makes_the_run_claimable(world: World):
    a, b = world.driver("a"), world.driver("b")
    await a.create(new("r"), facts(0))
    await a.release("r", 1, None)

    await b.send("r", InboxSignal("1", "approve"))

    assert await a.claimable(0.0) == ["r"]
    claim = await b.claim("r")
    assert claim is not None
    assert not claim.unclean


async def test_no_signal_is_lost_between_sending_and_letting_go(world: World):
    a, b = world.driver("a"), world.driver("b")
    runs = [f"r{number}" for number in range(50)]
    for run in runs:
        await a.create(new(run), [])

    releases = asyncio.gather(*(a.release(run, 1, None) for run in runs))
    sends = asyncio.gather(*(b.send(run, InboxSignal("1", "approve")) for run in reversed(runs)))
    released, _ = await asyncio.gather(releases, sends)

    claimable = await b.claimable(0.0, limit=100)
    assert sorted(claimable) == sorted(run for run, gone in zip(runs, released, strict=True) if gone)


async def test_a_signal_to_an_ended_run_wakes_nobody(journal: Journal):
    await journal.create(new("r"), facts(0))
    await journal.send("r", InboxSignal("1", "never taken in"))
    await journal.append(batch("r", 1, status="succeeded", ended=9.0))

    assert await journal.send("r", InboxSignal("2", "late"))

    assert await journal.claimable(1e12) == []


async def test_signals_to_other_runs_are_part_of_the_batch(world: World):
    a = world.driver("a")
    for run in ("parent", "child"):
        await a.create(new(run), facts(0))
    await a.release("parent", 1, None)
    signals = [("parent", InboxSignal("child/end", "child", {"상태": "done"})), ("gone", InboxSignal("1", "x"))]

    with pytest.raises(JournalConflict):
        await a.append(batch("child", 5, signals=signals))
    refused = await a.inbox("parent")
    await a.append(batch("child", 1, status="succeeded", ended=2.0, signals=signals))

    assert refused == []
    assert await a.inbox("parent") == [signals[0][1]]
    assert await a.claimable(0.0) == ["parent"]


async def test_who_listens_hears_of_signals_to_its_runs(world: World):
    a, b = world.driver("a"), world.driver("b")
    await a.create(new("r"), facts(0))
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    a.on_signal(heard.put_nowait)

    await a.send("r", InboxSignal("1", "approve"))
    own = await asyncio.wait_for(heard.get(), 5)
    await a.append(batch("r", 1, consumed=["1"]))
    await b.send("r", InboxSignal("2", "approve"))
    async with asyncio.timeout(5):
        while await heard.get() != "r":
            pass

    assert own == "r"


async def test_who_listens_hears_that_others_left_work(world: World):
    a, b = world.driver("a"), world.driver("b")
    await b.create(new("r"), facts(0))
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    a.on_signal(heard.put_nowait)

    await b.release("r", 1, 50.0)

    async with asyncio.timeout(5):
        while await heard.get() is not None:
            pass
    assert await a.next_wake() == 50.0


async def test_a_snapshot_is_the_last_one_and_goes_with_its_run(world: World):
    journal = world.driver("a")
    await journal.create(new("r"), facts(0))
    assert await journal.snapshot("r") is None

    journal.save_snapshot("r", b"first")
    journal.save_snapshot("r", b"second")
    journal.save_snapshot("nobody", b"lost")
    await journal.append(batch("r", 1, status="succeeded", ended=2.0))

    assert await journal.snapshot("r") == b"second"
    assert await journal.snapshot("nobody") is None
    await journal.delete("r")
    assert await journal.snapshot("r") is None


# ---------------------------------------------------------------------- reading everything once


async def test_ended_runs_are_read_once_each_in_the_order_of_their_ends(journal: Journal):
    for run in ("a", "b", "c"):
        await journal.create(new(run), [])
    for run in ("b", "c"):
        await journal.append(batch(run, 0, status="failed", ended=5.0))

    first, behind = await journal.ended_since("", 1)
    await journal.append(batch("a", 0, status="succeeded", ended=1.0))  # By a clock that is behind.
    rest, end = await journal.ended_since(behind, 10)

    assert [row.id for row in first] == ["b"]
    assert [row.id for row in rest] == ["c", "a"]
    assert await journal.ended_since(end, 10) == ([], end)


async def test_a_deleted_run_leaves_its_place_among_the_ends_to_nobody(journal: Journal):
    await ended(journal, "first")
    _, behind = await journal.ended_since("", 10)
    await journal.delete("first")

    await ended(journal, "second")

    found, _ = await journal.ended_since(behind, 10)
    assert [row.id for row in found] == ["second"]


async def test_an_end_that_was_refused_is_none(journal: Journal):
    await journal.create(new("r"), [])

    with pytest.raises(JournalConflict):
        await journal.append(batch("r", 7, status="succeeded", ended=1.0))

    assert await journal.ended_since("", 10) == ([], "")


async def test_unfinished_runs_are_counted(journal: Journal):
    await ended(journal, "over")
    for number, (run, wake_at) in enumerate({"driven": None, "asleep": 99.0, "due": 3.0, "woken": None}.items()):
        await journal.create(new(run, created=10.0 + number), [])
        if run != "driven":
            await journal.release(run, 1, wake_at)
    await journal.send("woken", InboxSignal("s", "go"))

    counted = await journal.backlog(5.0)

    assert counted == Backlog(running=1, waiting=3, due=2, oldest=10.0)
    assert await journal.backlog(200.0) == Backlog(running=1, waiting=3, due=3, oldest=10.0)


async def test_a_store_without_runs_has_no_backlog(journal: Journal):
    assert await journal.backlog(1.0) == Backlog()


# ---------------------------------------------------------------------- kept for ever, and forked


@pytest.mark.parametrize("over", [False, True])
async def test_a_run_is_pinned_and_let_go_again_whether_it_has_ended_or_not(journal: Journal, *, over: bool):
    await journal.create(new("r"), [])
    if over:
        await journal.append(batch("r", 0, status="succeeded", ended=1.0))
    before = await journal.row("r")

    await journal.pin("r", pinned=True)
    pinned = await journal.row("r")
    await journal.pin("r", pinned=False)

    assert (before.pinned, pinned.pinned) == (False, True)
    assert await journal.row("r") == before


async def test_nobody_can_pin_a_run_that_is_not_there(journal: Journal):
    with pytest.raises(UnknownRun):
        await journal.pin("nobody", pinned=True)


async def test_a_fork_is_told_from_a_child(journal: Journal):
    await journal.create(new("child", parent="r"), [])
    await journal.create(new("fork", parent="r", forked=True), [])

    rows = {row.id: (row.parent, row.forked) for row in await journal.rows()}

    assert rows == {"child": ("r", False), "fork": ("r", True)}


async def test_a_run_may_begin_with_very_many_facts(journal: Journal):
    await journal.create(new("r"), facts(*range(4500)))

    assert await numbers(journal, "r") == list(range(4500))
    assert await numbers(journal, "r", 3999) == list(range(3999, 4500))
    assert (await journal.row("r")).head == 4500
