"""What a driver promises: effects only behind the barrier, an ending for everything, one writer a run."""

import asyncio
import threading
from typing import Any

import pytest
from tests.runtime.homes import Gate, Home, soon, until

import mulle
from mulle.document.reading import read_workflow
from mulle.engine.facts import NodeDone, NodeFailed, NodeStarted, RunCancelled, RunEnded, RunStarted
from mulle.errors import JournalConflict, StoreFull


async def plus_one(value: int) -> int:
    return value + 1


# ---------------------------------------------------------------------- the barrier


async def test_a_step_starts_only_when_its_licence_is_on_disk(home: Home):
    app, journal = home.open()
    seen: list[bool] = []

    async def step(value: int) -> int:
        seen.append(journal.on_disk(NodeStarted, ("갑",)))
        return value

    await app.run(mulle.Workflow("둘").add_step("갑", step), 1)

    assert seen == [True]


async def test_a_step_never_starts_while_the_disk_keeps_it_waiting(home: Home):
    app, journal = home.open()
    step = Gate()
    journal.open.clear()

    running = soon(app.run(mulle.Workflow("하나").add_step("갑", step), 1))
    await asyncio.sleep(0.05)
    assert step.calls == 0
    journal.open.set()
    await step.began.wait()
    step.may_go_on.set()

    assert (await running).status == "succeeded"


async def test_a_refused_licence_starts_nothing(home: Home):
    app, journal = home.open()
    step = Gate()
    journal.fails = StoreFull("자리 없음")

    with pytest.raises(StoreFull):
        await app.run(mulle.Workflow("하나").add_step("갑", step), 1)

    assert step.calls == 0


@pytest.mark.parametrize(("effect", "licensed"), [("repeatable", True), ("once", False)])
async def test_a_run_is_written_together_with_its_first_licences_but_for_what_may_not_happen_twice(
    home: Home, effect: Any, *, licensed: bool
):
    app, journal = home.open()

    result = await app.run(mulle.Workflow("하나").add_step("갑", plus_one, effect=effect), 1)

    assert result.outputs == {"output": 2}
    assert isinstance(journal.born_with[0], RunStarted)
    assert any(isinstance(fact, NodeStarted) and fact.path == ("갑",) for fact in journal.born_with) is licensed


async def test_pure_steps_do_not_wait_for_the_disk(home: Home):
    app, journal = home.open()
    done: list[int] = []

    async def pure(value: int) -> int:
        done.append(value)
        return value + 1

    journal.open.clear()
    workflow = mulle.Workflow("셋")
    for name in ("갑", "을", "병"):
        workflow.add_step(name, pure, effect="pure")
    running = soon(app.run(workflow, 1))
    await until(lambda: done == [1, 2, 3])
    journal.open.set()

    assert (await running).outputs == {"output": 4}


async def test_a_pure_function_in_a_thread_is_called_once(home: Home):
    app, _ = home.open()
    calls: list[int] = []

    def pure(value: int) -> int:
        calls.append(value)
        return value + 1

    result = await app.run(mulle.Workflow("하나").add_step("갑", pure, effect="pure"), 1)

    assert (result.outputs, calls) == ({"output": 2}, [1])


async def test_watchers_are_told_only_what_is_on_disk(home: Home):
    app, journal = home.open()
    told: list[Any] = []
    app.listen(lambda published: told.extend(published.facts))
    journal.open.clear()

    running = soon(app.run(mulle.Workflow("하나").add_step("갑", plus_one), 1))
    await asyncio.sleep(0.05)
    assert told == []
    journal.open.set()
    await running

    assert [type(fact) for fact in told[:1]] == [RunStarted]
    assert told == journal.written


async def test_a_streamed_text_is_shown_after_what_led_to_it_is_on_disk(home: Home):
    app, journal = home.open()
    shown: list[bool] = []
    app.listen(lambda published: shown.append(journal.on_disk(NodeStarted, ("말",))) if published.text else None)
    workflow = read_workflow(
        """
        mulle: 1
        nodes:
          - {id: start, type: start}
          - {id: 말, type: answer, effect: pure, data: {text: "안녕하세요"}}
        edges: [{source: start, target: 말}]
    """.encode()
    )

    result = await app.run(workflow)

    assert result.outputs == {"answer": "안녕하세요"}
    assert shown
    assert all(shown)


async def test_a_watcher_that_fails_does_not_stop_the_run(home: Home):
    app, _ = home.open()
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))

    def watch(_: Any) -> None:
        raise BrokenPipeError

    app.listen(watch)

    assert (await app.run(mulle.Workflow("하나").add_step("갑", plus_one), 1)).status == "succeeded"
    assert len(complaints) == 1


# ---------------------------------------------------------------------- time


async def test_a_failed_step_is_tried_again_after_its_delay_with_jitter(home: Home):
    app, journal = home.open(chance=lambda: 1.0)
    calls: list[int] = []

    async def flaky(value: int) -> int:
        calls.append(value)
        if len(calls) < 3:
            raise ValueError("아직")
        return value

    retry = {"max": 2, "delay": 0.01, "factor": 2, "jitter": 0.5}
    result = await app.run(mulle.Workflow("다시").add_step("갑", flaky, retry=retry), 7)

    waits = [fact.retry_at - fact.at for fact in journal.written if isinstance(fact, NodeFailed) and fact.retry_at]
    assert result.outputs == {"output": 7}
    assert waits == pytest.approx([0.015, 0.03], abs=1e-6)
    assert [fact.attempt for fact in journal.written if isinstance(fact, NodeStarted) and fact.path == ("갑",)] == [
        1,
        2,
        3,
    ]


async def test_a_step_over_its_time_fails_as_timeout(home: Home):
    app, journal = home.open()
    workflow = mulle.Workflow("느림").add_step("갑", Gate(), timeout=0.02)

    result = await app.run(workflow, 1)

    assert (result.status, result.error and result.error["type"]) == ("failed", "step.timed_out")
    assert [fact.kind for fact in journal.written if isinstance(fact, NodeFailed)] == ["timeout"]


@pytest.mark.parametrize("limit", [0.02, None])
async def test_a_step_that_ignores_being_stopped_is_abandoned(home: Home, limit: float | None):
    app, _ = home.open()
    began, freed = asyncio.Event(), asyncio.Event()

    async def stubborn(_: int) -> None:
        began.set()
        while not freed.is_set():
            try:
                await freed.wait()
            except asyncio.CancelledError:
                continue

    run_id = await app.start(mulle.Workflow("고집").add_step("갑", stubborn, timeout=limit), 1)
    await began.wait()
    if limit is None:
        await app.cancel(run_id)
    result = await app.wait(run_id)
    freed.set()

    assert result.status == ("cancelled" if limit is None else "failed")


async def test_a_thread_that_never_returns_cannot_keep_a_run_from_ending(home: Home):
    app, _ = home.open()
    began, freed = threading.Event(), threading.Event()

    def stuck(_: int) -> None:
        began.set()
        freed.wait()

    run_id = await app.start(mulle.Workflow("막힘").add_step("갑", stuck), 1)
    await until(began.is_set)
    await app.cancel(run_id, "그만")
    result = await app.wait(run_id)
    freed.set()

    assert (result.status, result.detail) == ("cancelled", "cancelled")


async def test_a_run_over_its_time_is_cut_off(home: Home):
    app, journal = home.open()
    workflow = read_workflow(b"""
        mulle: 1
        timeout: 50ms
        nodes: [{id: start, type: start}, {id: pause, type: wait, data: {signal: never}}]
        edges: [{source: start, target: pause}]
    """)

    result = await app.run(workflow)

    assert (result.status, result.detail) == ("failed", "timeout")
    assert any(isinstance(fact, RunCancelled) and fact.detail == "timeout" for fact in journal.written)


async def test_a_run_found_over_its_time_starts_nothing_any_more(home: Home):
    now = [1000.0]
    first, _ = home.open(clock=lambda: now[0])
    gate = Gate()
    workflow = mulle.Workflow("늦음").add_step("갑", gate)
    workflow.document  # noqa: B018 - makes the document that is given a deadline below.
    workflow._document = workflow.document.model_copy(update={"timeout": 10.0})
    run_id = await first.start(workflow, 1)
    await gate.began.wait()
    await home.kill(first)
    now[0] += 60

    second, _ = home.open(clock=lambda: now[0])
    again = Gate()
    workflow._steps["갑"] = mulle.Workflow("x").add_step("갑", again)._steps["갑"]
    await second.recover([workflow])
    result = await second.wait(run_id)

    assert (result.detail, again.calls) == ("timeout", 0)


# ---------------------------------------------------------------------- whatever a step does


@pytest.mark.parametrize("error", [SystemExit(3), StopIteration("끝"), asyncio.CancelledError(), RecursionError()])
@pytest.mark.parametrize("effect", ["pure", "repeatable"])
@pytest.mark.parametrize("sync", [True, False])
async def test_whatever_a_step_raises_is_its_failure(home: Home, error: BaseException, effect: Any, *, sync: bool):
    app, _ = home.open()

    def raises(_: int) -> None:
        raise error

    async def raises_later(_: int) -> None:
        raise error

    step = raises if sync else raises_later
    result = await app.run(mulle.Workflow("터짐").add_step("갑", step, effect=effect), 1)

    assert result.status == "failed"
    assert result.error
    assert result.error["node"] == "갑"


async def test_an_error_that_cannot_say_what_it_is_is_told_by_its_name(home: Home):
    app, _ = home.open()

    class MuteError(Exception):
        def __str__(self) -> str:
            raise ValueError

    async def raises(_: int) -> None:
        raise MuteError

    result = await app.run(mulle.Workflow("벙어리").add_step("갑", raises), 1)

    assert result.error == {"type": "MuteError", "message": "MuteError", "node": "갑"}


async def test_an_error_text_with_half_characters_is_kept_readable(home: Home):
    app, _ = home.open()

    async def raises(_: int) -> None:
        raise ValueError("파일 \udcff 없음")

    result = await app.run(mulle.Workflow("깨진 글자").add_step("갑", raises), 1)

    assert result.error
    assert result.error["message"] == "파일 ? 없음"


async def test_steps_at_work_are_stopped_when_one_fails(home: Home):
    app, journal = home.open()
    gate = Gate()

    async def fails(_: int) -> None:
        await gate.began.wait()
        raise ValueError("이런")

    workflow = mulle.Workflow("둘").add_step("먼저", plus_one).add_step("긴", gate, after="먼저")
    result = await app.run(workflow.add_step("터짐", fails, after="먼저"), 1)

    endings = {fact.path[0]: fact.kind for fact in journal.written if isinstance(fact, NodeFailed)}
    assert (result.status, endings) == ("failed", {"터짐": "error", "긴": "stopped"})


# ---------------------------------------------------------------------- one writer


async def test_who_lost_the_run_stops_at_once(home: Home):
    app, journal = home.open()
    gate = Gate()
    run_id = await app.start(mulle.Workflow("하나").add_step("갑", gate).add_step("을", plus_one), 1)
    await gate.began.wait()
    journal.dead = True

    gate.may_go_on.set()
    with pytest.raises(JournalConflict):
        await app.wait(run_id)

    assert not journal.on_disk(NodeDone, ("갑",))
    assert run_id not in app._running().problems


async def test_facts_end_with_the_runs_ending(home: Home):
    app, journal = home.open()

    await app.run(mulle.Workflow("하나").add_step("갑", plus_one), 1)

    assert [index for index, fact in enumerate(journal.written) if isinstance(fact, RunEnded)] == [
        len(journal.written) - 1
    ]


async def test_a_run_all_alone_lets_others_on_the_loop_have_their_turn(home: Home):
    app, _ = home.open()
    workflow = mulle.Workflow("긴 것")
    for number in range(1000):
        workflow.add_step(f"걸음{number}", plus_one)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = soon(others())
    assert (await app.run(workflow, 0)).status == "succeeded"
    beside.cancel()

    assert turns > 3


async def test_a_step_has_its_time_whatever_happens_to_the_clock_on_the_wall(home: Home):
    now = [1000.0]
    app, _ = home.open(clock=lambda: now[0])
    gate = Gate()
    run_id = await app.start(mulle.Workflow("하나").add_step("갑", gate, timeout=30.0), 1)
    await gate.began.wait()

    now[0] += 3600.0
    app._running()._drivers[run_id].look_into_inbox()
    await asyncio.sleep(0.01)
    gate.may_go_on.set()

    assert (await app.wait(run_id)).status == "succeeded"
