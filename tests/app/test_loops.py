"""One app in scripts, in notebooks, and on several event loops, one after the other."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mulle
from mulle.app import App
from mulle.document.reading import read_workflow


@pytest.fixture(params=["memory", "disk"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    app = mulle.open(":memory:" if request.param == "memory" else tmp_path)
    yield app
    app.close_sync()


def double(value: int) -> int:
    return value * 2


async def increase(value: int) -> int:
    return value + 1


@pytest.fixture
def workflow() -> mulle.Workflow:
    return mulle.Workflow("둘").add_step("갑", double).add_step("을", increase)


def test_a_script_needs_no_loop(app: App, workflow: mulle.Workflow):
    assert [app.run_sync(workflow, number).outputs["output"] for number in range(3)] == [1, 3, 5]


def test_results_of_a_script_show_their_nodes(app: App, workflow: mulle.Workflow):
    result = app.run_sync(workflow, 1)

    assert [record.path[0] for record in result.nodes] == ["start", "갑", "을", "end"]


def test_within_a_running_loop_it_blocks_only_its_caller(app: App, workflow: mulle.Workflow):
    async def cell() -> Any:
        return app.run_sync(workflow, 4).outputs

    assert asyncio.run(cell()) == {"output": 9}


def test_within_the_loop_the_app_lives_on_it_works_beside_it(app: App, workflow: mulle.Workflow):
    async def cells() -> list[Any]:
        first = await app.run(workflow, 1)
        second = app.run_sync(workflow, 2)
        third = await app.run(workflow, 3)
        return [first.outputs, second.outputs, third.outputs, app.run_sync(workflow, 4).outputs, len(await app.runs())]

    assert asyncio.run(cells()) == [{"output": 3}, {"output": 5}, {"output": 7}, {"output": 9}, 4]


def test_loops_may_follow_each_other(app: App, workflow: mulle.Workflow):
    results = [asyncio.run(app.run(workflow, number)) for number in range(3)]

    assert [result.outputs["output"] for result in results] == [1, 3, 5]


def test_a_script_may_follow_a_loop_and_a_loop_a_script(app: App, workflow: mulle.Workflow):
    outputs = [
        asyncio.run(app.run(workflow, 1)).outputs,
        app.run_sync(workflow, 2).outputs,
        asyncio.run(app.run(workflow, 3)).outputs,
        app.run_sync(workflow, 4).outputs,
    ]

    assert outputs == [{"output": 3}, {"output": 5}, {"output": 7}, {"output": 9}]


def test_a_run_goes_on_although_its_loop_was_closed_under_it(app: App):
    calls: list[int] = []
    began: list[asyncio.Event] = []

    async def slow(value: int) -> int:
        calls.append(value)
        began[0].set()
        if len(calls) == 1:
            await asyncio.Event().wait()
        return value

    workflow = mulle.Workflow("느림").add_step("갑", slow)

    async def begin() -> str:
        began.append(asyncio.Event())
        run_id = await app.start(workflow, 5)
        await began[0].wait()
        return run_id

    run_id = asyncio.run(begin())
    result = asyncio.run(app.wait(run_id))

    assert (result.outputs, calls) == ({"output": 5}, [5, 5])


def test_threads_may_share_an_app(app: App, workflow: mulle.Workflow):
    results: list[Any] = []

    def use(number: int) -> None:
        results.append(app.run_sync(workflow, number).outputs["output"])

    threads = [threading.Thread(target=use, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [1, 3, 5, 7, 9]


def test_another_loop_may_signal_a_run(app: App):
    workflow = read_workflow(b"mulle: 1\nnodes: [{id: a, type: wait, data: {signal: go}}, {id: b, type: end}]")
    run_id = app.run_sync(workflow).id

    async def elsewhere() -> str:
        await app.signal(run_id, "go")
        await app.recover()
        return (await app.wait(run_id)).status

    assert asyncio.run(elsewhere()) == "succeeded"
