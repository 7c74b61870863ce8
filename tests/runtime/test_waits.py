"""Runs that wait hold no memory, and are woken by time and by signals from wherever these come."""

import asyncio
import time
from typing import Any

import pytest
from tests.runtime.homes import Gate, Home, soon, until

import mulle
from mulle.document.reading import read_workflow
from mulle.engine.facts import NodeWaiting
from mulle.engine.journal import InboxSignal
from mulle.errors import UnknownRun
from mulle.runtime import local


def waiting_for(**data: Any) -> Any:
    return read_workflow(
        f"""
        mulle: 1
        nodes:
          - {{id: start, type: start}}
          - {{id: 쉼, type: wait, data: {data}}}
          - {{id: end, type: end}}
        edges:
          - {{source: start, target: 쉼}}
          - {{source: 쉼, source_port: payload, target: end, target_port: payload}}
          - {{source: 쉼, source_port: received, target: end, target_port: received}}
        """.encode()
    )


async def test_a_waiting_run_leaves_memory(home: Home):
    app, journal = home.open()

    result = await app.run(waiting_for(signal="가자"))

    row = await journal.row(result.id)
    assert (result.status, row.status, row.owner, row.wake_at) == ("waiting", "waiting", None, None)
    assert not app._running().driven


async def test_a_signal_from_another_app_wakes_it(home: Home):
    first, _ = home.open(by_itself=True)
    run_id = (await first.run(waiting_for(signal="가자"))).id

    second, _ = home.open()
    assert await second.signal(run_id, "가자", {"누가": "둘째"}, signal_id="s1")
    await until(lambda: any(fact.path == ("end",) for fact in _done(first)))

    result = await first.wait(run_id)
    assert result.outputs == {"payload": {"누가": "둘째"}, "received": True}


def _done(app: Any) -> list[Any]:
    return [fact for fact in app.journal.written if getattr(fact, "path", None) and hasattr(fact, "outputs")]


async def test_time_wakes_it(home: Home):
    now = [1000.0]
    app, journal = home.open(clock=lambda: now[0])
    run_id = (await app.run(waiting_for(**{"for": "1h"}))).id
    assert (await journal.row(run_id)).wake_at == 4600.0

    assert await app.recover() == []
    now[0] = 4600.0
    assert await app.recover() == [run_id]

    assert (await app.wait(run_id)).outputs == {"payload": None, "received": False}


async def test_a_short_wait_is_waited_for_in_place(home: Home):
    app, _ = home.open()

    result = await app.run(waiting_for(**{"for": "30ms"}))

    assert result.status == "succeeded"


async def test_time_wakes_it_without_anybody_asking(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mulle.runtime.driver.PATIENCE", 0.0)
    app, _ = home.open(by_itself=True)
    run_id = (await app.run(waiting_for(**{"for": "100ms"}))).id

    await until(lambda: any(fact.path == ("end",) for fact in _done(app)))

    assert (await app.wait(run_id)).status == "succeeded"


async def test_who_waits_after_a_signal_sees_what_it_did(home: Home):
    """However soon: nobody has to have looked into the inbox."""
    app, _ = home.open(by_itself=True)
    told, cancelled = [(await app.run(waiting_for(signal="가자"))).id for _ in range(2)]

    await app.signal(told, "가자")
    await app.cancel(cancelled)

    assert [(await app.wait(run)).status for run in (told, cancelled)] == ["succeeded", "cancelled"]


async def test_a_signal_that_came_before_its_wait_is_kept(home: Home):
    app, _ = home.open()
    gate = Gate()
    workflow = waiting_for(signal="가자")
    run_id = await app.start(workflow)
    await app.wait(run_id)
    other = await app.start(mulle.Workflow("먼저").add_step("갑", gate), 1)
    await gate.began.wait()

    await app.signal(other, "가자", 1)
    gate.may_go_on.set()

    assert (await app.wait(other)).status == "succeeded"


async def test_an_early_signal_is_heard_by_the_wait_that_follows(home: Home):
    app, _ = home.open()
    workflow = read_workflow(b"""
        mulle: 1
        nodes:
          - {id: start, type: start}
          - {id: first, type: wait, data: {signal: one}}
          - {id: second, type: wait, data: {signal: two}}
          - {id: end, type: end}
        edges:
          - {source: start, target: first}
          - {source: first, target: second}
          - {source: second, source_port: payload, target: end, target_port: payload}
    """)
    run_id = (await app.run(workflow)).id

    await app.signal(run_id, "two", "일찍")
    await app.recover()
    assert (await app.wait(run_id)).status == "waiting"
    await app.signal(run_id, "one")
    await app.recover()

    assert (await app.wait(run_id)).outputs == {"payload": "일찍"}


async def test_the_same_signal_twice_is_one(home: Home):
    app, _ = home.open()
    run_id = (await app.run(waiting_for(signal="가자"))).id

    assert await app.signal(run_id, "가자", 1, signal_id="하나")
    assert not await app.signal(run_id, "가자", 2, signal_id="하나")
    await app.recover()

    assert (await app.wait(run_id)).outputs["payload"] == 1


async def test_a_signal_to_nobody_says_so(home: Home):
    app, _ = home.open()
    with pytest.raises(UnknownRun):
        await app.signal("없음", "가자")


async def test_a_waiting_run_can_be_cancelled(home: Home):
    app, _ = home.open()
    run_id = (await app.run(waiting_for(signal="가자"))).id

    await app.cancel(run_id, "그만두자")
    await app.recover()

    assert (await app.wait(run_id)).status == "cancelled"


async def test_a_cancel_from_another_app_stops_a_step_at_work(home: Home):
    first, _ = home.open()
    gate = Gate()
    running = soon(first.run(mulle.Workflow("하나").add_step("갑", gate), 1))
    await gate.began.wait()
    second, _ = home.open()

    (run,) = await second.runs()
    await second.cancel(run.id)

    assert (await running).status == "cancelled"


async def test_who_waits_for_a_run_of_another_app_gets_its_end(home: Home):
    first, _ = home.open()
    gate = Gate()
    run_id = await first.start(mulle.Workflow("하나").add_step("갑", gate), "값")
    await gate.began.wait()
    second, _ = home.open()

    waiting = soon(second.wait(run_id))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    gate.may_go_on.set()

    assert (await waiting).outputs == {"output": "값"}


async def test_one_key_makes_one_run(home: Home):
    first, _ = home.open()
    second, _ = home.open()
    gate = Gate()
    workflow = mulle.Workflow("하나").add_step("갑", gate)
    gate.may_go_on.set()

    results = await asyncio.gather(*(app.run(workflow, 1, dedup="아침 9시") for app in (first, second, first)))

    assert len({result.id for result in results}) == 1
    assert {result.status for result in results} == {"succeeded"}
    assert gate.calls == 1


async def test_two_apps_on_one_home_share_the_work(home: Home):
    apps = [home.open(by_itself=True)[0] for _ in range(2)]
    workflow = waiting_for(signal="가자")
    runs = [(await apps[number % 2].run(workflow)).id for number in range(6)]

    for run_id in runs:
        await apps[0].signal(run_id, "가자", run_id)
    results = [await apps[1].wait(run_id) for run_id in runs]
    while any(result.status == "waiting" for result in results):
        await asyncio.sleep(0.01)
        results = [await apps[1].wait(run_id) for run_id in runs]

    assert [result.outputs["payload"] for result in results] == runs


async def test_a_signal_between_the_last_look_and_the_rest_is_not_lost(home: Home):
    app, journal = home.open()
    run_id = await app.start(waiting_for(signal="가자"))
    real = journal.real.release

    async def release(run: str, epoch: int, wake_at: float | None) -> bool:
        journal.real.release = real
        await journal.send(run, InboxSignal("s", "가자", "겨우"))
        return await real(run, epoch, wake_at)

    journal.real.release = release

    assert (await app.wait(run_id)).outputs["payload"] == "겨우"


async def test_the_watch_survives_a_store_that_fails(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local, "LOOK_AROUND", 0.02)
    app, journal = home.open(by_itself=True)
    run_id = (await app.run(waiting_for(signal="가자"))).id
    working = journal.real.claimable

    async def failing(*_: Any) -> list[str]:
        raise UnknownRun(run="x") if False else local.StoreError("잠깐 안 됨")

    journal.real.claimable = failing
    await asyncio.sleep(0.05)
    journal.real.claimable = working
    await app.signal(run_id, "가자")
    await until(lambda: any(fact.path == ("end",) for fact in _done(app)))

    assert (await app.wait(run_id)).status == "succeeded"


async def test_a_run_that_nobody_here_can_drive_keeps_nobody_busy_and_hides_no_other(home: Home):
    gate = Gate()
    first, _ = home.open()
    strange = await first.start(mulle.Workflow("남").add_step("갑", gate), 1)
    await gate.began.wait()
    await home.kill(first)
    app, journal = home.open(by_itself=True)
    looks: list[float] = []
    claimable = journal.real.claimable

    async def counted(now: float, limit: int = 40) -> list[str]:
        looks.append(now)
        return await claimable(now, limit)

    journal.claimable = counted  # pyright: ignore[reportAttributeAccessIssue]  # Shadows what is handed on.
    run_id = (await app.run(waiting_for(**{"for": "2.3s"}))).id
    await until(lambda: any(fact.path == ("end",) for fact in _done(app)))

    assert (await app.wait(run_id)).status == "succeeded"
    assert strange in app._running().problems
    assert len(looks) < 20


async def test_a_signal_and_the_time_that_come_at_once_wake_it_once(home: Home):
    app, journal = home.open()
    workflow = read_workflow(b"""
        mulle: 1
        nodes:
          - {id: start, type: start}
          - {id: pause, type: wait, data: {signal: go, for: 50ms}, timeout: 30s}
          - {id: end, type: end}
        edges:
          - {source: start, target: pause}
          - {source: pause, source_port: received, target: end, target_port: received}
    """)
    run_id = await app.start(workflow)
    await until(lambda: any(isinstance(fact, NodeWaiting) for fact in journal.written))

    await app.signal(run_id, "go")
    time.sleep(0.06)  # noqa: ASYNC251 - the loop is to see both at once.

    assert (await app.wait(run_id)).status == "succeeded"
