"""A map whose items are the work of child runs."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.journal_worlds import WORLDS, World
from tests.nodes.whole import Outside

from mulle.app import App
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.engine.facts import AnyFact, NodeDone, RunStarted
from mulle.engine.journal import NewRun
from mulle.runtime.loaded import LoadedGraph
from mulle.runtime.local import LocalRuntime
from mulle.sdk.catalogue import Catalogue
from mulle.store.database import MEMORY
from mulle.store.sqlite_workflows import SqliteWorkflows

EACH = """
name: each
nodes:
  - {{id: start, type: start, ports: {{outputs: [{{name: items, type: any}}]}}}}
  - id: each
    type: map
    data: {{items: "{{{{ start.items }}}}"{more}}}
    body:
      nodes:
{body}
        - {{id: done, type: end}}
      edges: [{{source: work, source_port: {port}, target: done, target_port: {port}}}]
  - {{id: end, type: end}}
edges:
  - {{source: start, target: each}}
  - {{source: each, source_port: results, target: end, target_port: results}}
  - {{source: each, source_port: errors, target: end, target_port: errors}}
"""
HALF = '        - {id: work, type: transform, data: {value: "{{ 100 / item + index }}"}}'
ASK = "        - {id: work, type: wait, data: {signal: go}}"
MIXED = ASK + '\n        - {id: bad, type: transform, data: {value: "{{ 1 / item }}"}}'
NESTED = """
        - id: work
          type: map
          data: {items: "{{ item }}", spread: true, chunk: 1}
          body:
            nodes: [{id: ask, type: wait, data: {signal: go}}, {id: over, type: end}]
            edges: [{source: ask, target: over}]
"""
SPREAD = ", spread: true, chunk: 3"
Open = Callable[[str], App]


def each(more: str = SPREAD, body: str = HALF, port: str = "value") -> Workflow:
    return read_workflow(EACH.format(more=more, body=body, port=port))


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[World]:
    world = WORLDS[request.param](tmp_path)
    yield world
    await world.close()


@pytest.fixture
async def opened(world: World) -> AsyncGenerator[Open]:
    """Opens apps that share one journal, each as a driver of its own."""
    apps: list[App] = []

    def open_app(name: str) -> App:
        catalogue, workflows = Catalogue.installed(), SqliteWorkflows(MEMORY)
        apps.append(App(world.driver(name), catalogue, Outside(), workflows, by_itself=True))
        return apps[-1]

    yield open_app
    for app in apps:
        await app.rest()
        app.workflows.close()


async def results(app: App, workflow: Workflow, items: list[Any]) -> tuple[str, Any, Any]:
    run = await asyncio.wait_for(app.run(workflow, {"items": items}), 30)
    return run.status, run.outputs, run.error and run.error["message"]


async def children(app: App, run: str) -> list[str]:
    return sorted(row.id for row in await app.runs(limit=1000) if row.parent == run)


async def until(app: App, count: int, status: str) -> None:
    """Wait until so many runs have a status."""
    async with asyncio.timeout(20):
        while len(await app.runs(status=status, limit=1000)) < count:  # noqa: ASYNC110  # Another process may do it.
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "more",
    ["", ", on_item_error: 'null'", ", on_item_error: drop, collect: value", ", on_item_error: 'null', collect: value"],
)
@pytest.mark.parametrize("items", [[], [4], list(range(1, 11)), [1, 2, 3, 4, 0, 6, 0]])
async def test_spread_items_give_what_a_plain_map_gives(opened: Open, more: str, items: list[int]):
    app = opened("one")

    spread, plain = await results(app, each(more + SPREAD), items), await results(app, each(more), items)

    if plain[0] == "succeeded":
        assert spread == plain
    else:  # Which of several failures comes first is chance.
        assert spread[0] == plain[0]
        assert spread[2] in (plain[2], str(plain[2]).replace("Item 4", "Item 6"))


async def test_each_chunk_is_one_run(opened: Open):
    app = opened("one")
    run = await app.run(each(), {"items": [1] * 7})

    assert len(await children(app, run.id)) == 3


async def test_what_spread_cannot_reach_stays_within_the_run(opened: Open):
    app = opened("one")
    run = await app.run(each(), {"items": [1, 2]}, pins={"work": {"outputs": {"value": 7}}})

    assert run.outputs["results"] == [{"value": 7}, {"value": 7}]
    assert await children(app, run.id) == []


async def test_a_failure_cancels_the_other_children(opened: Open):
    app = opened("one")
    run = await asyncio.wait_for(app.run(each(", spread: true, chunk: 1", MIXED, "received"), {"items": [1, 0, 2]}), 30)

    assert (run.status, run.error and run.error["type"]) == ("failed", "body.failed")
    failed = [one for one in (await app.history(run.id)).records.values() if one.status == "failed"]
    told = {one.error.hint.split("`")[1].split()[-1] for one in failed if one.error}
    assert told <= {row.id for row in await app.runs(status="failed")} - {run.id}
    await until(app, 2, "cancelled")


async def test_a_map_over_its_time_cancels_its_children(opened: Open):
    app = opened("one")
    document = EACH.replace("type: map", "type: map\n    timeout: 500ms", 1)
    workflow = read_workflow(document.format(more=", spread: true, chunk: 1", body=ASK, port="received"))
    run = await asyncio.wait_for(app.run(workflow, {"items": [1, 2]}), 30)

    assert (run.status, run.error and run.error["type"]) == ("failed", "step.timed_out")
    await until(app, 2, "cancelled")


async def test_a_cancel_reaches_the_children_of_children(opened: Open):
    app = opened("one")
    run = await app.start(each(", spread: true, chunk: 1", NESTED, "results"), {"items": [[1, 2], [3]]})
    await until(app, 3, "waiting")  # The innermost; those around stay with their driver.

    await app.cancel(run)
    await until(app, 6, "cancelled")


async def test_who_goes_on_after_a_kill_repeats_no_item(world: World, opened: Open):
    first = opened("one")
    run = await first.start(each(", spread: true, chunk: 2", ASK, "received"), {"items": list(range(6))})
    await until(first, 3, "waiting")
    before = await children(first, run)
    world.kill("one")
    second = opened("two")
    await second.serve()
    for child in before:
        await second.signal(child, "go")

    result = await asyncio.wait_for(second.wait(run), 30)

    assert (result.status, len(result.outputs["results"])) == ("succeeded", 6)
    assert await children(second, run) == before
    for child in before:
        done = [fact.path for fact in await second.journal.read(child) if isinstance(fact, NodeDone)]
        assert len(done) == len(set(done))


async def test_who_was_killed_among_its_children_starts_none_twice(
    world: World, opened: Open, monkeypatch: pytest.MonkeyPatch
):
    first, second = opened("one"), opened("two")
    start, stuck = LocalRuntime.start, asyncio.Event()

    async def start_one(
        runtime: LocalRuntime, new: NewRun, started: RunStarted, graph: LoadedGraph, kept: Sequence[AnyFact] = ()
    ) -> bool:
        if new.id.endswith("-1") and not stuck.is_set():
            stuck.set()
            await asyncio.Event().wait()
        return await start(runtime, new, started, graph, kept)

    monkeypatch.setattr(LocalRuntime, "start", start_one)
    run = await first.start(each(), {"items": list(range(1, 8))})
    await asyncio.wait_for(stuck.wait(), 20)
    world.kill("one")
    await second.serve()

    result = await asyncio.wait_for(second.wait(run), 30)

    assert result.outputs["results"] == [{"value": 100 / n + n - 1} for n in range(1, 8)]
    assert len(await children(second, run)) == 3


async def test_a_child_that_is_cancelled_fails_its_items_alone(opened: Open):
    app = opened("one")
    run = await app.start(
        each(", spread: true, chunk: 2, on_item_error: 'null'", ASK, "received"), {"items": [1, 2, 3]}
    )
    await until(app, 2, "waiting")
    lost, kept = await children(app, run)
    await app.cancel(lost)
    await app.signal(kept, "go")

    result = await asyncio.wait_for(app.wait(run), 30)

    assert result.outputs["results"][:2] == [None, None]
    assert [error["index"] for error in result.outputs["errors"]] == [0, 1]


async def test_two_workers_share_one_run(opened: Open):
    one, two = opened("one"), opened("two")
    await two.serve()
    items = list(range(1, 61))

    spread = await results(one, each(", spread: true, chunk: 2"), items)

    assert spread == await results(one, each(""), items)


SUBFLOW = """
nodes:
  - {id: start, type: start, ports: {outputs: [{name: n, type: number}]}}
  - id: inner
    type: subflow
    data: {spread: true, inputs: {n: "{{ start.n }}"}}
    body:
      nodes:
        - {id: begin, type: start, ports: {outputs: [{name: n, type: number}]}}
        - {id: work, type: transform, data: {value: "{{ 100 / begin.n }}"}}
        - {id: done, type: end}
      edges: [{source: begin, target: work}, {source: work, source_port: value, target: done, target_port: part}]
  - {id: end, type: end}
edges:
  - {source: start, target: inner}
  - {source: inner, source_port: part, target: end, target_port: part}
"""


async def test_a_subflow_is_one_child(opened: Open):
    app = opened("one")
    good, bad = [await asyncio.wait_for(app.run(read_workflow(SUBFLOW), {"n": number}), 30) for number in (4, 0)]

    assert (good.outputs, len(await children(app, good.id))) == ({"part": 25.0}, 1)
    assert (bad.status, bad.error and bad.error["type"]) == ("failed", "body.failed")
