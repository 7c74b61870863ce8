"""A run begins with what another one has done."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import mulle
from mulle.agents.workflow import Workflow as PythonWorkflow
from mulle.app import App
from mulle.app.forks import BadOutput, NothingToRetry, UnknownNode
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.engine.fork import WouldNotRun
from mulle.errors import UnknownRun
from mulle.sdk import Context, Done, Node, Settings


class Flaky(Node):
    """Fail for what is broken."""

    type = "flaky"
    effect = "repeatable"

    class Config(Settings):
        value: Any = None

    def __init__(self) -> None:
        self.broken: set[Any] = set()
        self.seen: Counter[str] = Counter()

    async def run(self, config: Config, inputs: Any, ctx: Context) -> Done:
        del inputs
        self.seen["/".join(map(str, ctx.path))] += 1
        if config.value in self.broken:
            raise ValueError(f"{config.value} is broken")
        return Done({"value": config.value}, usage={"input_tokens": 5})


CHAIN = """
name: 차례로
nodes:
  - {id: start, type: start, ports: {outputs: [{name: x, type: number, required: true}]}}
  - {id: one, type: flaky, data: {value: "{{ start.x }}"}, ports: {outputs: [{name: value, type: number}]}}
  - {id: two, type: flaky, data: {value: "{{ one.value + 1 }}"}, ports: {outputs: [{name: value, type: number}]}}
  - {id: beside, type: flaky, data: {value: "{{ start.x }}"}}
  - {id: end, type: end}
edges:
  - {source: start, target: one}
  - {source: one, target: two}
  - {source: start, target: beside}
  - {source: two, source_port: value, target: end, target_port: two}
  - {source: beside, source_port: value, target: end, target_port: beside}
"""

EACH = """
nodes:
  - {id: start, type: start, ports: {outputs: [{name: items, type: array}]}}
  - id: each
    type: map
    data: {items: "{{ start.items }}", concurrency: 1, collect: value}
    body:
      nodes:
        - {id: look, type: flaky, data: {value: "{{ item }}"}}
        - {id: end, type: end}
      edges:
        - {source: look, source_port: value, target: end, target_port: value}
  - {id: end, type: end}
edges:
  - {source: start, target: each}
  - {source: each, source_port: results, target: end, target_port: results}
"""


def chain(change: str = "", to: str = "") -> Workflow:
    return read_workflow(CHAIN.replace(change, to) if change else CHAIN)


@pytest.fixture
def flaky() -> Flaky:
    return Flaky()


@pytest.fixture(params=["memory", "sqlite"])
async def app(request: pytest.FixtureRequest, tmp_path: Path, flaky: Flaky) -> AsyncIterator[App]:
    app = mulle.open(":memory:" if request.param == "memory" else tmp_path)
    app.catalogue = app.catalogue.with_types({"flaky": flaky})
    yield app
    await app.close()


async def test_a_retry_goes_on_from_the_failed_step_in_a_new_run(app: App, flaky: Flaky):
    flaky.broken = {2}
    failed = await app.run(chain(), {"x": 1})
    flaky.broken.clear()

    result = await app.retry(failed.id)

    assert (failed.status, result.status, result.outputs) == ("failed", "succeeded", {"two": 2, "beside": 1})
    assert flaky.seen == {"one": 1, "two": 2, "beside": 1}
    row = await app.journal.row(result.id)
    assert (row.parent, row.forked, row.workflow) == (failed.id, True, "차례로")
    assert (await app.journal.row(failed.id)).status == "failed"


async def test_what_was_kept_is_shown_with_its_outputs_and_has_cost_nothing(app: App, flaky: Flaky):
    flaky.broken = {2}
    failed = await app.run(chain(), {"x": 1})
    flaky.broken.clear()

    history = await app.history((await app.retry(failed.id)).id)

    one, two = history.records["one",], history.records["two",]
    assert (one.kept, one.outputs, one.usage, one.attempts, one.elapsed_ms) == (True, {"value": 1}, None, 0, 0.0)
    assert (two.kept, two.usage, two.attempts) == (False, {"input_tokens": 5}, 1)
    assert history.executions == 2  # `two` and the End.
    assert history.run.spent.steps == 2


async def test_only_the_failed_item_of_a_map_runs_again(app: App, flaky: Flaky):
    flaky.broken = {"나"}
    failed = await app.run(read_workflow(EACH), {"items": ["가", "나", "다"]})
    flaky.broken.clear()

    result = await app.retry(failed.id)

    assert result.outputs == {"results": ["가", "나", "다"]}
    assert flaky.seen == {"each/0/look": 1, "each/1/look": 2, "each/2/look": 1}


async def test_a_retry_of_a_retry_is_another_run(app: App, flaky: Flaky):
    flaky.broken = {2}
    first = await app.run(chain(), {"x": 1})
    second = await app.retry(first.id)
    flaky.broken.clear()

    third = await app.retry(second.id)

    assert (second.status, third.status) == ("failed", "succeeded")
    assert flaky.seen["one"] == 1
    assert (await app.history(third.id)).records["one",].kept


async def test_a_cancelled_run_is_retried(app: App):
    waiting = await app.run(read_workflow("nodes: [{id: ask, type: wait, data: {signal: go}}]"))
    await app.cancel(waiting.id)
    await app.go_on(waiting.id)

    again = await app.retry(waiting.id)
    await app.signal(again.id, "go")

    assert again.status == "waiting"
    assert (await app.go_on(again.id)).status == "succeeded"


async def test_a_run_that_timed_out_gets_a_new_deadline(app: App):
    late = await app.run(read_workflow("{timeout: 0.05, nodes: [{id: ask, type: wait, data: {signal: go}}]}"))

    again = await app.retry(late.id)

    assert (late.detail, again.detail) == ("timeout", "timeout")
    old, new = [(await app.history(run.id)).run.started for run in (late, again)]
    assert old
    assert new
    assert new.deadline
    assert old.deadline
    assert new.deadline - new.at == pytest.approx(old.deadline - old.at, abs=0.001)


async def test_only_what_failed_is_retried(app: App):
    done = await app.run(chain(), {"x": 1})
    waiting = await app.run(read_workflow("nodes: [{id: ask, type: wait, data: {signal: go}}]"))

    for run, status in ((done, "succeeded"), (waiting, "waiting")):
        with pytest.raises(NothingToRetry, match=status) as refused:
            await app.retry(run.id)
        assert f"mulle runs fork {run.id}" in refused.value.advice
    with pytest.raises(UnknownRun):
        await app.retry("nobody")


async def test_a_fork_at_a_node_does_it_and_what_is_behind_again(app: App, flaky: Flaky):
    done = await app.run(chain(), {"x": 1})

    fork = await app.fork(done.id, at="two")

    assert fork.outputs == done.outputs
    assert flaky.seen == {"one": 1, "two": 2, "beside": 1}


async def test_a_fork_with_other_outputs_does_what_is_behind_again(app: App, flaky: Flaky):
    done = await app.run(chain(), {"x": 1})

    fork = await app.fork(done.id, set={"one.value": 10})

    assert fork.outputs == {"two": 11, "beside": 1}
    assert flaky.seen == {"one": 1, "two": 2, "beside": 1}
    started = (await app.history(fork.id)).run.started
    assert started
    assert started.origin
    assert (started.origin.how, started.origin.given) == ("fork", ("one.value",))


async def test_a_fork_inside_of_a_body_keeps_the_other_items(app: App, flaky: Flaky):
    done = await app.run(read_workflow(EACH), {"items": ["가", "나", "다"]})

    fork = await app.fork(done.id, set={"each/0/look.value": "손으로"})

    assert fork.outputs == {"results": ["손으로", "나", "다"]}
    assert sum(flaky.seen.values()) == 3


async def test_a_fork_on_a_changed_workflow_keeps_what_is_the_same(app: App, flaky: Flaky):
    done = await app.run(chain(), {"x": 1})

    fork = await app.fork(done.id, on=chain("one.value + 1", "one.value * 100"))

    assert fork.outputs == {"two": 100, "beside": 1}
    assert flaky.seen == {"one": 1, "two": 2, "beside": 1}


async def test_a_run_that_waits_is_forked_from_where_it_stands(app: App):
    asks = read_workflow(
        "{nodes: [{id: one, type: transform, data: {value: 1}}, {id: ask, type: wait, data: {signal: go}},"
        " {id: end, type: end}], edges: [{source: one, target: ask}, {source: ask, target: end}]}"
    )
    waiting = await app.run(asks)

    fork = await app.fork(waiting.id, at="end")

    assert (fork.status, (await app.journal.row(waiting.id)).status) == ("waiting", "waiting")
    await app.signal(fork.id, "go")
    assert (await app.go_on(fork.id)).status == "succeeded"


@pytest.mark.parametrize("place", ["one/²/x", "one/" + "9" * 5000 + "/x", "//", ""])
async def test_a_place_that_cannot_be_is_no_node(app: App, place: str):
    done = await app.run(chain(), {"x": 1})

    with pytest.raises(UnknownNode):
        await app.fork(done.id, set={f"{place}.value": 1})


async def test_what_is_not_there_is_refused_before_anything_begins(app: App):
    done = await app.run(chain(), {"x": 1})

    with pytest.raises(UnknownNode) as unknown:
        await app.fork(done.id, at="tow")
    with pytest.raises(BadOutput, match="has no such output"):
        await app.fork(done.id, set={"start.y": 1})
    with pytest.raises(BadOutput, match="takes number, not string"):
        await app.fork(done.id, set={"one.value": "eins"})
    with pytest.raises(BadOutput, match="names no port"):
        await app.fork(done.id, set={"one": 1})

    assert unknown.value.advice == "Did you mean 'two'?"
    assert len(await app.runs()) == 1


async def test_a_fork_at_what_never_ran_says_why_it_would_not(app: App):
    branches = read_workflow(
        "{nodes: [{id: is, type: condition, data: {cases: [{name: yes_, when: 'false'}]}},"
        " {id: sent, type: transform, data: {value: 1}}], edges: [{source: is, source_port: yes_, target: sent}]}"
    )
    done = await app.run(branches)

    with pytest.raises(WouldNotRun, match="no way to it was taken"):
        await app.fork(done.id, at="sent")


async def test_pins_that_were_used_count_in_the_fork(app: App, flaky: Flaky):
    flaky.broken = {4}
    answers = {"runs": [{"outputs": {"value": 3}}, {"outputs": {"value": 99}}]}
    failed = await app.run(chain(), {"x": 1}, pins={"one": answers})
    flaky.broken.clear()

    retried, forked = await app.retry(failed.id), await app.fork(failed.id, at="one")

    assert (failed.status, retried.outputs["two"], forked.outputs["two"]) == ("failed", 4, 4)


async def test_a_workflow_of_python_functions_is_retried_by_the_program_that_has_them(app: App):
    calls: Counter[str] = Counter()

    async def fetch(value: int) -> int:
        calls["fetch"] += 1
        return value + 1

    async def shaky(value: int) -> int:
        calls["shaky"] += 1
        if calls["shaky"] == 1:
            raise RuntimeError("not yet")
        return value * 2

    workflow = PythonWorkflow("python")
    workflow.add_step("fetch", fetch)
    workflow.add_step("shaky", shaky)
    failed = await app.run(workflow, 1)

    result = await app.retry(failed.id)

    assert result.status == "succeeded"
    assert calls == {"fetch": 1, "shaky": 2}


async def test_a_pinned_run_is_marked(app: App):
    done = await app.run(chain(), {"x": 1})

    await app.pin(done.id)
    assert (await app.journal.row(done.id)).pinned
    await app.pin(done.id, pinned=False)
    assert not (await app.journal.row(done.id)).pinned


class Mail(Node):
    """Send something, and never hear that it arrived."""

    type = "mail"
    effect = "once"

    def __init__(self) -> None:
        self.sent = 0
        self.began = asyncio.Event()

    async def run(self, config: Any, inputs: Any, ctx: Context) -> Done:
        del config, inputs, ctx
        self.sent += 1
        self.began.set()
        await asyncio.sleep(60.0)
        return Done({})


MAIL = """
nodes:
  - {id: start, type: start}
  - {id: send, type: mail}
  - {id: end, type: end}
edges: [{source: start, target: send}, {source: send, target: end}]
"""


async def test_a_once_step_that_was_cut_off_is_asked_about_before_a_retry_repeats_it(app: App):
    mail = Mail()
    app.catalogue = app.catalogue.with_types({"mail": mail})
    run = await app.start(read_workflow(MAIL))
    await mail.began.wait()
    await app.cancel(run)
    assert (await app.wait(run)).status == "cancelled"

    result = await app.retry(run)

    assert (result.status, mail.sent) == ("waiting", 1)
