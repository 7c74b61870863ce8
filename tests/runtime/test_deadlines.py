"""A node's `timeout` bounds its body and its wait, whoever drives the run and however often that one dies."""

from typing import Any

import pytest
from tests.runtime.homes import Home

from mulle.document.policies import Budget
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.engine.facts import NodeDone, NodeFailed, NodeStarted
from mulle.sdk import Context, Done, Node

ASK = "{id: ask, type: wait, data: {signal: go}}"


def workflow(node: str, *inside: str, port: str = "") -> Workflow:
    """One node, with a body if there is something inside, and behind it an end."""
    body = f"\n            body: {{nodes: [{', '.join(inside)}], edges: []}}" if inside else ""
    edge = f"source_port: {port}, target_port: {port}, " if port else ""
    return read_workflow(
        f"""
        mulle: 1
        nodes:
          - {{id: start, type: start}}
          - id: it
            {node}{body}
          - {{id: end, type: end}}
        edges:
          - {{source: start, target: it}}
          - {{source: it, {edge}target: end}}
        """.encode()
    )


def each(policies: str = "timeout: 10s", *inside: str, port: str = "") -> Workflow:
    return workflow(
        f"""type: map
            data: {{items: [1, 2, 3], concurrency: 2}}
            {policies}""",
        *(inside or (ASK,)),
        port=port,
    )


def waiting(policies: str = "timeout: 10s", data: str = "signal: go", port: str = "") -> Workflow:
    return workflow(
        f"""type: wait
            data: {{{data}}}
            {policies}""",
        port=port,
    )


def failures(journal: Any) -> list[tuple[str, str]]:
    return [("/".join(map(str, fact.path)), fact.kind) for fact in journal.written if isinstance(fact, NodeFailed)]


@pytest.mark.parametrize("document", [each(), waiting(), waiting(data="signal: go, for: 1h")])
async def test_a_released_run_wakes_when_its_nodes_time_is_up(home: Home, document: Workflow):
    now = [1000.0]
    app, journal = home.open(clock=lambda: now[0])
    run_id = (await app.run(document)).id
    assert (await journal.row(run_id)).wake_at == 1010.0

    now[0] = 1009.9
    assert await app.recover() == []
    now[0] = 1010.0
    assert await app.recover() == [run_id]
    result = await app.wait(run_id)

    assert result.status == "failed"
    assert result.error == {"type": "step.timed_out", "message": "The step did not finish within 10 s.", "node": "it"}
    assert failures(journal)[0] == ("it", "timeout")


async def test_whatever_is_inside_is_stopped_and_nothing_more_begins(home: Home):
    now = [1000.0]
    app, journal = home.open(clock=lambda: now[0])
    run_id = (await app.run(each())).id
    now[0] = 1010.0
    await app.recover()
    await app.wait(run_id)

    assert failures(journal) == [("it", "timeout"), ("it/0/ask", "stopped"), ("it/1/ask", "stopped")]
    assert not journal.on_disk(NodeStarted, ("it", 2, "ask"))


@pytest.mark.parametrize("document", [each(), waiting()])
async def test_the_deadline_stays_what_it_was_when_the_driver_dies(home: Home, document: Workflow):
    now = [1000.0]
    app, _ = home.open(clock=lambda: now[0])
    run_id = (await app.run(document)).id
    await home.kill(app)

    now[0] = 1007.0
    app, journal = home.open(clock=lambda: now[0])
    await app.recover()
    await app.signal(run_id, "nobody listens to this")
    await app.recover()
    assert (await app.wait(run_id)).status == "waiting"
    assert (await journal.row(run_id)).wake_at == 1010.0
    await home.kill(app)

    now[0] = 5000.0
    app, _ = home.open(clock=lambda: now[0])
    await app.recover()
    assert (await app.wait(run_id)).status == "failed"


async def test_a_body_under_way_is_stopped_in_place(home: Home):
    app, journal = home.open()

    result = await app.run(each("timeout: 50ms", "{id: slow, type: wait, data: {for: 1500ms}}"))

    assert result.status == "failed"
    assert failures(journal) == [("it", "timeout"), ("it/0/slow", "stopped"), ("it/1/slow", "stopped")]


async def test_a_loop_has_one_time_for_all_its_rounds(home: Home):
    app, journal = home.open()
    loop = workflow(
        """type: loop
            data: {state: {n: 1}, max_iterations: 1000}
            timeout: 100ms""",
        "{id: slow, type: wait, data: {for: 20ms}}",
    )

    result = await app.run(loop)

    assert result.status == "failed"
    assert ("it", "timeout") in failures(journal)
    assert journal.on_disk(NodeDone, ("it", 0, "slow"))


class Long(Node):
    """Takes an hour by the clock, and no time at all."""

    type = "long"
    effect = "pure"

    def __init__(self, now: list[float]) -> None:
        self._now = now

    async def run(self, config: Any, inputs: Any, ctx: Context) -> Done:
        del config, inputs, ctx
        self._now[0] += 3600.0
        return Done({})


async def test_no_further_round_begins_when_the_time_of_a_loop_is_up(home: Home):
    now = [1000.0]
    app, journal = home.open(clock=lambda: now[0])
    app.catalogue = app.catalogue.with_types({"long": Long(now)})
    loop = """type: loop
            data: {state: {n: 1}, max_iterations: 3}
            timeout: 10s"""

    result = await app.run(workflow(loop, "{id: slow, type: long}"))

    assert (result.status, failures(journal)) == ("failed", [("it", "timeout")])
    assert not journal.on_disk(NodeStarted, ("it", 1, "slow"))


class Sent(Node):
    """Counts how often it was done."""

    type = "sent"
    effect = "once"

    def __init__(self) -> None:
        self.times = 0

    async def run(self, config: Any, inputs: Any, ctx: Context) -> Done:
        del config, inputs, ctx
        self.times += 1
        return Done({})


async def test_what_was_held_back_does_not_begin_when_the_time_of_its_body_is_up(home: Home):
    now, sent = [1000.0], Sent()
    app, journal = home.open(clock=lambda: now[0])
    app.catalogue = app.catalogue.with_types({"sent": sent})

    async def reserve(*_: Any) -> float:
        now[0] += 3600.0
        return now[0]

    journal.real.reserve = reserve
    document = each("timeout: 10s", "{id: send, type: sent, rate: {most: 1, per: 1s}}")

    result = await app.run(document)

    assert (result.status, sent.times) == ("failed", 0)


async def test_a_run_whose_time_is_up_before_anything_is_on_disk_is_cut_off(home: Home):
    now = [1000.0]
    app, _ = home.open(clock=lambda: now[0])
    app.catalogue = app.catalogue.with_types({"long": Long(now)})
    document = workflow("type: long").model_copy(update={"budget": Budget(seconds=10.0)})

    result = await app.run(document)

    assert (result.status, result.error and result.error["type"]) == ("failed", "run.timed_out")


async def test_what_is_done_in_time_is_not_touched(home: Home):
    app, journal = home.open()

    result = await app.run(each("timeout: 5s", "{id: quick, type: wait, data: {for: 5ms}}"))

    assert result.status == "succeeded"
    assert failures(journal) == []


async def test_a_waits_own_time_comes_before_the_limit(home: Home):
    now = [1000.0]
    app, journal = home.open(clock=lambda: now[0])
    run_id = (await app.run(waiting(data="signal: go, for: 10s", port="received"))).id
    now[0] = 5000.0
    await app.recover()

    assert (await app.wait(run_id)).outputs == {"received": False}
    assert failures(journal) == []


@pytest.mark.parametrize("make", [each, waiting])
async def test_a_branch_takes_the_error(home: Home, make: Any):
    now = [1000.0]
    app, _ = home.open(clock=lambda: now[0])
    run_id = (await app.run(make("timeout: 10s\n            on_error: branch", port="error"))).id
    now[0] = 1010.0
    await app.recover()

    assert (await app.wait(run_id)).status == "succeeded"
    records = (await app.history(run_id)).records
    assert (records["it",].outputs or {})["error"]["type"] == "step.timed_out"
    assert records["end",].status == "succeeded"


@pytest.mark.parametrize("make", [each, waiting])
async def test_a_retry_has_the_whole_time_again(home: Home, make: Any):
    now = [1000.0]
    app, journal = home.open(clock=lambda: now[0])
    run_id = (await app.run(make("retry: {max: 1, delay: 5s, jitter: 0, on: [timeout]}\n            timeout: 10s"))).id

    for time, wakes in ((1010.0, 1015.0), (1015.0, 1025.0)):
        now[0] = time
        await app.recover()
        assert (await app.wait(run_id)).status == "waiting"
        assert (await journal.row(run_id)).wake_at == wakes
    await app.signal(run_id, "go")
    if make is each:
        for _ in range(2):
            await app.recover()
            await app.wait(run_id)
            await app.signal(run_id, "go")
    await app.recover()

    assert (await app.wait(run_id)).status == "succeeded"
    assert [fact.attempt for fact in journal.written if isinstance(fact, NodeStarted) and fact.path == ("it",)][-1] == 2


async def test_a_failed_run_that_is_tried_again_keeps_what_its_body_had_done(home: Home):
    now = [1000.0]
    app, journal = home.open(clock=lambda: now[0])
    run_id = (await app.run(each())).id
    await app.signal(run_id, "go")
    await app.recover()
    await app.wait(run_id)
    now[0] = 1010.0
    await app.recover()
    assert (await app.wait(run_id)).status == "failed"

    again = await app.retry(run_id)

    assert (again.status, (await journal.row(again.id)).wake_at) == ("waiting", 1020.0)
    await app.signal(again.id, "go")
    await app.recover()
    assert (await app.wait(again.id)).status == "succeeded"
    assert [node.path for node in (await app.history(again.id)).records.values() if node.kept]
