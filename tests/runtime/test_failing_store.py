"""A store that fails says so clearly, loses nothing, and goes on when it works again."""

import asyncio
from typing import Any

import pytest
from tests.runtime.homes import Gate, Home, until

import mulle
from mulle.document.reading import read_workflow
from mulle.engine.facts import NodeDone, NodeFailed
from mulle.engine.journal import Claim, InboxSignal, NewRun
from mulle.errors import LeaseLost, StoreError, StoreFull, StoreUnavailable
from mulle.runtime import local
from mulle.runtime.ledger import Unwritten


async def plus_one(value: int) -> int:
    return value + 1


@pytest.mark.parametrize("error", [StoreFull("디스크"), StoreUnavailable("잠김")])
async def test_what_was_learnt_is_written_when_there_is_room_again(home: Home, error: StoreError):
    app, journal = home.open()
    gate = Gate()
    run_id = await app.start(mulle.Workflow("둘").add_step("메일", gate, effect="once").add_step("뒤", plus_one), 1)
    await gate.began.wait()
    journal.fails = error
    gate.may_go_on.set()

    with pytest.raises(type(error)):
        await app.wait(run_id)
    journal.fails = None
    assert await app.recover() == [run_id]
    result = await app.wait(run_id)

    assert (result.status, result.outputs, gate.calls) == ("succeeded", {"output": 2}, 1)


async def test_waiting_for_it_is_enough_to_go_on(home: Home):
    app, journal = home.open()
    gate = Gate()
    run_id = await app.start(mulle.Workflow("하나").add_step("갑", gate), 1)
    await gate.began.wait()
    journal.fails = StoreFull("디스크")
    gate.may_go_on.set()
    with pytest.raises(StoreFull):
        await app.wait(run_id)
    with pytest.raises(StoreFull):
        await app.wait(run_id)

    journal.fails = None

    assert (await app.wait(run_id)).status == "succeeded"


async def test_it_goes_on_by_itself(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local, "LOOK_AROUND", 0.05)
    app, journal = home.open(by_itself=True)
    gate = Gate()
    run_id = await app.start(mulle.Workflow("하나").add_step("갑", gate), 1)
    await gate.began.wait()
    journal.fails = StoreFull("디스크")
    gate.may_go_on.set()
    with pytest.raises(StoreFull):
        await app.wait(run_id)

    journal.fails = None
    await until(lambda: journal.on_disk(NodeDone, ("end",)))

    assert (await app.wait(run_id)).status == "succeeded"


async def test_a_signal_that_could_not_be_written_is_taken_once(home: Home):
    app, journal = home.open()
    workflow = read_workflow(b"""
        mulle: 1
        nodes:
          - {id: start, type: start}
          - {id: pause, type: wait, data: {signal: go}}
          - {id: end, type: end}
        edges:
          - {source: start, target: pause}
          - {source: pause, source_port: payload, target: end, target_port: payload}
    """)
    run_id = (await app.run(workflow)).id
    await app.signal(run_id, "go", "한 번")
    journal.fails = StoreFull("디스크")
    await app.recover()
    with pytest.raises(StoreFull):
        await app.wait(run_id)

    journal.fails = None
    await app.recover()

    assert (await app.wait(run_id)).outputs == {"payload": "한 번"}
    assert await journal.inbox(run_id) == []


async def test_steps_at_work_are_stopped_and_run_again(home: Home):
    app, journal = home.open()
    quick, slow = Gate(), Gate()
    workflow = mulle.Workflow("둘").add_step("먼저", plus_one)
    workflow.add_step("빠름", quick, after="먼저").add_step("느림", slow, after="먼저")
    run_id = await app.start(workflow, 1)
    await slow.began.wait()
    await quick.began.wait()
    journal.fails = StoreFull("디스크")
    quick.may_go_on.set()
    with pytest.raises(StoreFull):
        await app.wait(run_id)

    journal.fails = None
    slow.may_go_on.set()
    result = await app.wait(run_id)

    assert (result.status, quick.calls, slow.calls) == ("succeeded", 1, 2)
    assert not any(isinstance(fact, NodeFailed) for fact in journal.written)


async def test_a_run_that_was_claimed_from_a_store_that_then_failed_is_not_forgotten(home: Home):
    gate = Gate()
    workflow = mulle.Workflow("하나").add_step("갑", gate)
    first, _ = home.open()
    run_id = await first.start(workflow, 1)
    await gate.began.wait()
    await home.kill(first)
    app, journal = home.open()
    journal.goes_after_claim = True
    assert await app.recover([workflow]) == []
    assert journal.gone

    journal.gone = journal.goes_after_claim = False
    gate.may_go_on.set()

    assert await app.recover() == [run_id]
    assert (await app.wait(run_id)).status == "succeeded"


async def test_a_run_whose_store_failed_while_it_was_taken_up_goes_on_by_itself(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(local, "LOOK_AROUND", 0.05)
    gate = Gate()
    workflow = mulle.Workflow("하나").add_step("갑", gate)
    first, _ = home.open()
    run_id = await first.start(workflow, 1)
    await gate.began.wait()
    await home.kill(first)
    gate.may_go_on.set()
    app, journal = home.open(by_itself=True)
    journal.goes_after_claim = True
    await app.recover([workflow])

    journal.gone = journal.goes_after_claim = False
    await until(lambda: journal.on_disk(NodeDone, ("end",)))

    assert (await app.wait(run_id)).status == "succeeded"


async def test_a_cancel_wins_over_an_end_that_could_not_be_written(home: Home):
    app, journal = home.open()
    gate = Gate()
    run_id = await app.start(mulle.Workflow("하나").add_step("갑", gate), 1)
    await gate.began.wait()
    journal.fails = StoreFull("디스크")
    gate.may_go_on.set()
    with pytest.raises(StoreFull):
        await app.wait(run_id)
    await app.cancel(run_id)

    journal.fails = None
    await app.recover()

    assert (await app.wait(run_id)).status == "cancelled"


async def test_a_run_whose_beginning_was_written_though_the_answer_was_lost_is_not_forgotten(home: Home):
    app, journal = home.open()
    workflow = mulle.Workflow("하나").add_step("갑", plus_one)
    journal.loses_answer = True
    with pytest.raises(StoreUnavailable):
        await app.start(workflow, 1, dedup="아침")

    result = await app.run(workflow, 1, dedup="아침")

    assert (result.status, result.outputs) == ("succeeded", {"output": 2})


async def test_a_run_that_never_came_to_be_is_not_looked_for_again(home: Home):
    app, journal = home.open()
    runtime = app._running()
    runtime._undriven.stalled["없음"] = Unwritten(1, 1, ())

    assert await app.recover() == []
    assert not runtime._undriven.stalled
    assert not runtime.problems
    del journal


async def left_by_the_dead(home: Home, gate: Gate, workflow: mulle.Workflow) -> str:
    app, _ = home.open()
    run_id = await app.start(workflow, 1)
    await gate.began.wait()
    await home.kill(app)
    gate.may_go_on.set()
    return run_id


async def test_a_run_whose_claim_was_done_though_the_answer_was_lost_is_not_forgotten(home: Home):
    gate = Gate()
    workflow = mulle.Workflow("하나").add_step("갑", gate)
    run_id = await left_by_the_dead(home, gate, workflow)
    app, journal = home.open()
    journal.loses_answer = True
    with pytest.raises(StoreUnavailable):
        await app.recover([workflow])

    assert await app.recover() == [run_id]
    assert (await app.wait(run_id)).status == "succeeded"


async def test_waiting_is_enough_when_the_answer_to_its_claim_was_lost(home: Home):
    gate = Gate()
    workflow = mulle.Workflow("하나").add_step("갑", gate)
    run_id = await left_by_the_dead(home, gate, workflow)
    app, journal = home.open()
    app.graphs.ready(workflow)
    journal.loses_answer = True
    with pytest.raises(StoreUnavailable):
        await app.wait(run_id)

    assert (await app.wait(run_id)).status == "succeeded"


async def test_a_run_that_was_being_taken_up_by_somebody_who_gave_up_waiting_is_not_forgotten(home: Home):
    gate = Gate()
    workflow = mulle.Workflow("하나").add_step("갑", gate)
    run_id = await left_by_the_dead(home, gate, workflow)
    app, journal = home.open()
    app.graphs.ready(workflow)
    reading, never = asyncio.Event(), asyncio.Event()

    async def forever() -> None:
        reading.set()
        await never.wait()

    journal.reading = forever
    waiting = asyncio.create_task(app.wait(run_id))
    await reading.wait()
    waiting.cancel()
    await asyncio.wait([waiting])
    journal.reading = None

    assert await app.recover() == [run_id]
    assert (await app.wait(run_id)).status == "succeeded"


async def test_what_was_lost_while_it_was_taken_up_is_begun_only_when_it_is_ours_again(home: Home):
    """The lease runs out between a claim and its driver's beginning, and another lease holds by then."""
    gate = Gate()
    workflow = mulle.Workflow("하나").add_step("갑", gate, effect="repeatable")
    run_id = await left_by_the_dead(home, gate, workflow)
    app, journal = home.open()

    async def lose() -> None:
        journal.reading = None
        journal.lose()

    journal.reading = lose
    assert await app.recover([workflow]) == []
    assert isinstance(app._running().problems[run_id], LeaseLost)
    assert gate.calls == 1

    assert await app.recover() == [run_id]
    assert (await app.wait(run_id)).status == "succeeded"
    assert gate.calls == 2


async def test_a_run_whose_claim_was_lost_while_somebody_had_it_in_hand_is_not_forgotten(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    gate = Gate()
    workflow = mulle.Workflow("하나").add_step("갑", gate)
    run_id = await left_by_the_dead(home, gate, workflow)
    app, journal = home.open()
    app.graphs.ready(workflow)
    claim, claiming, may_go_on = journal.claim, asyncio.Event(), asyncio.Event()

    async def slow(run: str) -> Claim | None:
        claiming.set()
        await may_go_on.wait()
        return await claim(run)

    monkeypatch.setattr(journal, "claim", slow)
    waiting = asyncio.create_task(app.wait(run_id))
    await claiming.wait()
    journal.loses_answer = True
    with pytest.raises(StoreUnavailable):
        await app.recover()
    assert await app.recover() == []  # Whoever has it in hand may be told that it is his.
    may_go_on.set()

    assert (await waiting).status == "succeeded"


async def test_a_driver_that_is_lost_while_it_reads_its_inbox_begins_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    """The next lease holds by then, which the run is none of."""
    gate = Gate()
    workflow = mulle.Workflow("하나").add_step("갑", gate, effect="repeatable")
    run_id = await left_by_the_dead(home, gate, workflow)
    app, journal = home.open()
    inbox = journal.real.inbox

    async def lose(run: str) -> list[InboxSignal]:
        monkeypatch.setattr(journal.real, "inbox", inbox)
        journal.lose()
        return await inbox(run)

    monkeypatch.setattr(journal.real, "inbox", lose)
    await app.recover([workflow])
    with pytest.raises(LeaseLost):
        await app.wait(run_id)

    assert gate.calls == 1
    assert (await app.wait(run_id)).status == "succeeded"


async def test_a_run_that_is_lost_while_it_begins_is_not_forgotten_though_a_signal_waits(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    app, journal = home.open(by_itself=True)
    create = journal.real.create

    async def lose(new: NewRun, *rest: Any) -> bool:
        created: bool = await create(new, *rest)
        await journal.real.send(new.id, InboxSignal("1", "승인"))
        journal.lose()
        return created

    monkeypatch.setattr(journal.real, "create", lose)
    run_id = await app.start(mulle.Workflow("하나").add_step("갑", plus_one), 1)

    await until(lambda: journal.on_disk(NodeDone, ("end",)))
    assert (await app.wait(run_id)).status == "succeeded"
