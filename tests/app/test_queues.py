"""Runs that wait their turn, through real drivers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.program import mulle_said
from tests.runtime.homes import Home, until

from mulle.app import App
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.sdk import Context, Done, Node

HELD = """
name: 주문
queue: {queue}
nodes:
  - {{id: start, type: start, ports: {{outputs: [{{name: n, type: any}}, {{name: customer}}]}}}}
  - {{id: hold, type: hold}}
  - {{id: end, type: end}}
edges:
  - {{source: start, source_port: n, target: hold, target_port: n}}
  - {{source: hold, source_port: n, target: end, target_port: n}}
"""


class Hold(Node):
    """Says that it began, and goes on when it may."""

    type = "hold"

    def __init__(self) -> None:
        self.working: list[Any] = []
        self.most = 0
        self.order: list[Any] = []
        self.doors: dict[Any, asyncio.Event] = {}

    async def run(self, config: Any, inputs: dict[str, Any], ctx: Context) -> Done:
        del config, ctx
        n = inputs["n"]
        self.order.append(n)
        self.working.append(n)
        self.most = max(self.most, len(self.working))
        if n in self.doors:
            await self.doors[n].wait()
        else:
            await asyncio.sleep(0.001)
        self.working.remove(n)
        return Done({"n": n})


def held(queue: str) -> Workflow:
    return read_workflow(HELD.format(queue=queue))


@pytest.fixture
def hold() -> Hold:
    return Hold()


@pytest.fixture(params=["memory", "sqlite"])
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Home]:
    home = Home(request.param, tmp_path)
    yield home
    await home.close()


@pytest.fixture
def app(home: Home, hold: Hold) -> App:
    return opened(home, hold)


def opened(home: Home, hold: Hold) -> App:
    app, _ = home.open(by_itself=True)
    app.catalogue = app.catalogue.with_types({"hold": hold})
    return app


async def test_of_many_runs_only_so_many_are_at_work_and_all_end(app: App, hold: Hold):
    workflow = held("{concurrency: 3}")

    runs = await asyncio.gather(*(app.run(workflow, {"n": n}) for n in range(40)))

    assert [run.outputs["n"] for run in runs] == list(range(40))
    assert hold.most == 3


async def test_each_key_has_a_queue_of_its_own(app: App, hold: Hold):
    workflow, hold.doors = held('{key: "{{ start.customer }}"}'), {"가0": asyncio.Event(), "나0": asyncio.Event()}
    runs = [
        await app.start(workflow, {"n": f"{customer}{number}", "customer": customer})
        for number in range(2)
        for customer in "가나"
    ]

    await until(lambda: hold.working == ["가0", "나0"])
    hold.doors["나0"].set()
    await app.wait(runs[3])
    before = list(hold.order)
    hold.doors["가0"].set()
    await app.wait(runs[2])

    assert before == ["가0", "나0", "나1"]
    assert hold.order == [*before, "가1"]


async def test_the_most_urgent_queued_run_goes_first(app: App, hold: Hold):
    workflow, hold.doors = held("{concurrency: 1}"), {"first": asyncio.Event()}
    first = asyncio.create_task(app.run(workflow, {"n": "first"}))
    await until(lambda: hold.working == ["first"])
    others = [await app.start(workflow, {"n": n}, priority=n) for n in (1, 3, 2)]

    hold.doors["first"].set()
    await asyncio.gather(first, *map(app.wait, others))

    assert hold.order == ["first", 3, 2, 1]


async def test_a_queued_run_survives_the_death_of_the_one_at_work(home: Home, hold: Hold):
    app, workflow, hold.doors = opened(home, hold), held("{concurrency: 1}"), {"stuck": asyncio.Event()}
    await app.start(workflow, {"n": "stuck"})
    await until(lambda: hold.working == ["stuck"])
    queued = await app.start(workflow, {"n": "next"})
    await home.kill(app)
    hold.doors["stuck"].set()

    again = opened(home, hold)
    await again.recover()
    result = await again.wait(queued)

    assert result.outputs == {"n": "next"}


async def test_calls_in_quick_succession_are_one_run_with_the_last_inputs(app: App, hold: Hold):
    workflow = held("{debounce: {wait: 0.2}}")

    results = await asyncio.gather(*(app.run(workflow, {"n": n}) for n in range(5)))

    assert hold.order == [4]
    assert [(run.status, run.detail) for run in results] == [("cancelled", "superseded")] * 4 + [("succeeded", "")]


async def test_the_same_dedup_key_is_the_same_run(app: App, hold: Hold):
    workflow = held('{dedup: "{{ start.n.order }}"}')

    one = await app.run(workflow, {"n": {"order": 7, "by": "a"}})
    two = await app.run(workflow, {"n": {"order": 7, "by": "b"}})

    assert one.id == two.id
    assert len(hold.order) == 1


@pytest.mark.parametrize("order", [None, ""])
async def test_calls_without_a_dedup_key_are_all_run(app: App, hold: Hold, order: str | None):
    workflow = held('{dedup: "{{ start.n.order }}"}')

    runs = [await app.run(workflow, {"n": {"order": order, "by": by}}) for by in "ab"]

    assert runs[0].id != runs[1].id
    assert len(hold.order) == 2


@pytest.mark.usefixtures("hold")
async def test_a_dedup_key_means_something_for_its_workflow_only(app: App):
    orders, bills = (read_workflow(HELD.format(queue="{}").replace("주문", name)) for name in ("주문", "계산서"))

    first = await app.run(orders, {"n": 1}, dedup="7")
    other = await app.run(bills, {"n": 2}, dedup="7")

    assert first.outputs == {"n": 1}
    assert other.outputs == {"n": 2}
    assert (await app.run(orders, {"n": 3}, dedup="7")).id == first.id


async def test_a_callers_dedup_key_is_the_one_that_the_document_makes(app: App, hold: Hold):
    workflow = held('{dedup: "{{ start.n.order }}"}')

    one = await app.run(workflow, {"n": {"order": 7}})
    two = await app.run(workflow, {"n": {"order": 8}}, dedup="7")

    assert one.id == two.id
    assert len(hold.order) == 1


async def test_runs_of_one_chat_go_one_after_the_other(app: App, hold: Hold):
    workflow = held("{}")

    await asyncio.gather(*(app.run(workflow, {"n": n}, session="chat") for n in range(6)))

    assert (hold.most, len(hold.order)) == (1, 6)


async def test_a_cancelled_run_need_not_wait_for_its_turn(app: App, hold: Hold):
    workflow, hold.doors = held("{concurrency: 1}"), {"first": asyncio.Event()}
    await app.start(workflow, {"n": "first"})
    await until(lambda: hold.working == ["first"])
    queued = await app.start(workflow, {"n": "second"})

    await app.cancel(queued, "no longer needed")
    result = await app.wait(queued)

    assert (result.status, hold.order) == ("cancelled", ["first"])
    hold.doors["first"].set()


def test_the_command_line_takes_a_key_and_a_priority(tmp_path: Path):
    file = tmp_path / "w.yaml"
    file.write_text("nodes: [{id: start, type: start}, {id: end, type: end}]\nedges: [{source: start, target: end}]\n")
    command = ("run", str(file), "--dedup", "주문 7", "--priority", "5", "--json")

    runs = [mulle_said(tmp_path / "home", *command).data["run_id"] for _ in range(2)]

    assert runs[0] == runs[1]
