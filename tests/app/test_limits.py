"""Steps that are held back: by an API's allowance, and by how many of their type may be at work."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.homes import Home, until

from mulle.app import App
from mulle.document.policies import Rate
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.runtime.limits import Limits
from mulle.sdk import Context, Done, Node

EACH = """
nodes:
  - {{id: start, type: start, ports: {{outputs: [{{name: items, type: array}}]}}}}
  - id: each
    type: map
    data: {{items: "{{{{ start.items }}}}", concurrency: 100}}
    body:
      nodes: [{{id: call, type: call{rate}}}, {{id: end, type: end}}]
      edges: [{{source: call, source_port: at, target: end, target_port: at}}]
  - {{id: end, type: end}}
edges: [{{source: start, target: each}}, {{source: each, source_port: results, target: end, target_port: results}}]
"""


class Call(Node):
    """Notes when it began."""

    type = "call"
    effect = "once"

    def __init__(self) -> None:
        self.began: list[float] = []
        self.inside = 0
        self.most = 0
        self.door = asyncio.Event()
        self.door.set()

    async def run(self, config: Any, inputs: dict[str, Any], ctx: Context) -> Done:
        del config, inputs, ctx
        self.began.append(time.time())
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0.002)
        await self.door.wait()
        self.inside -= 1
        return Done({"at": self.began[-1]})


def each(rate: str = "") -> Workflow:
    return read_workflow(EACH.format(rate=rate))


@pytest.fixture
def call() -> Call:
    return Call()


@pytest.fixture(params=["memory", "sqlite"])
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Home]:
    home = Home(request.param, tmp_path)
    yield home
    await home.close()


def opened(home: Home, call: Call, **limits: Any) -> App:
    app, _ = home.open(by_itself=True, limits=Limits(**limits))
    app.catalogue = app.catalogue.with_types({"call": call})
    return app


def closest(times: list[float], most: int) -> float:
    """The shortest time in which one more than `most` began."""
    return min(later - earlier for earlier, later in zip(times, times[most:], strict=False))


async def test_no_more_steps_begin_in_a_time_than_a_node_allows(home: Home, call: Call):
    app = opened(home, call)

    run = await app.run(each(", rate: {most: 5, per: 0.2}"), {"items": [0] * 14})

    assert run.status == "succeeded"
    assert len(call.began) == 14
    assert closest(sorted(call.began), 5) > 0.15


async def test_an_allowance_of_a_type_is_shared_by_all_runs(home: Home, call: Call):
    app = opened(home, call, rates={"call": Rate(most=4, per=0.5)})

    await asyncio.gather(*(app.run(each(), {"items": [0] * 3}) for _ in range(4)))

    assert len(call.began) == 12
    assert closest(sorted(call.began), 4) > 0.25  # On a busy machine some begin later than they may.


async def test_only_so_many_steps_of_a_type_are_at_work(home: Home, call: Call):
    app = opened(home, call, at_once={"call": 3})

    runs = await asyncio.gather(*(app.run(each(), {"items": [0] * 8}) for _ in range(3)))

    assert [run.status for run in runs] == ["succeeded"] * 3
    assert (call.most, len(call.began)) == (3, 24)


async def test_steps_of_a_type_are_counted_over_all_processes_of_a_home(home: Home, call: Call):
    apps = [opened(home, call, at_once={"call": 2}) for _ in range(3)]

    runs = await asyncio.gather(*(app.run(each(), {"items": [0] * 4}) for app in apps))

    assert [run.status for run in runs] == ["succeeded"] * 3
    assert (call.most, len(call.began)) == (2, 12)


async def test_who_dies_at_work_stands_in_nobodys_way(home: Home, call: Call):
    first, second = (opened(home, call, at_once={"call": 1}) for _ in range(2))
    call.door.clear()
    await first.start(each(), {"items": [0]})
    await until(lambda: call.inside == 1)
    run = await second.start(each(), {"items": [0]})
    await home.kill(first)
    call.door.set()

    assert (await asyncio.wait_for(second.wait(run), 10)).status == "succeeded"


async def test_a_cancelled_run_makes_room_for_the_others(home: Home, call: Call):
    app = opened(home, call, at_once={"call": 2})
    call.door.clear()
    first = await app.start(each(), {"items": [0] * 6})
    await until(lambda: call.inside == 2)
    second = await app.start(each(), {"items": [0] * 2})

    await app.cancel(first)
    assert (await app.wait(first)).status == "cancelled"
    call.door.set()

    assert (await app.wait(second)).status == "succeeded"
    assert len(call.began) == 4


async def test_a_held_step_is_nobodys_question_after_a_crash(home: Home, call: Call):
    app = opened(home, call, at_once={"call": 1})
    call.door.clear()
    run = await app.start(each(), {"items": [0] * 5})
    await until(lambda: call.inside == 1)
    await home.kill(app)
    call.door.set()

    again = opened(home, call)
    await again.recover()
    await again.wait(run)
    history = await again.history(run)

    assert sorted(record.status for record in history.records.values() if record.type == "call") == [
        "asking",
        *["succeeded"] * 4,
    ]


async def test_a_far_allowance_lets_the_run_leave_memory_and_keeps_its_time(home: Home, call: Call):
    app = opened(home, call)
    workflow = each(", rate: {most: 1, per: 1h}")

    first = await app.run(workflow, {"items": [0] * 2})
    row = await app.journal.row(first.id)
    again = await app.go_on(first.id)
    row_again = await app.journal.row(first.id)

    assert (first.status, again.status, len(call.began)) == ("waiting", "waiting", 1)
    assert row.wake_at is not None
    assert row.wake_at == row_again.wake_at


class Repeatable(Call):
    effect = "repeatable"


async def test_what_begins_again_after_a_crash_needs_a_place_too(home: Home):
    call = Repeatable()
    apps = [opened(home, call) for _ in range(3)]
    call.door.clear()
    runs = [await app.start(each(), {"items": [0]}) for app in apps]
    await until(lambda: call.inside == 3)
    for app in apps:
        await home.kill(app)
    call.door.set()
    call.inside = call.most = 0

    again = opened(home, call, at_once={"call": 1})
    await again.recover()
    results = [await again.wait(run) for run in runs]

    assert [result.status for result in results] == ["succeeded"] * 3
    assert (call.most, len(call.began)) == (1, 6)
