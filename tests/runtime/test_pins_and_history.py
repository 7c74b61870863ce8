"""Answers given beforehand, and what a run is said to have done: both agree with what really happened."""

from typing import Any

import pytest
from tests.runtime.homes import Gate, Home, soon

import mulle
from mulle.document.reading import read_workflow
from mulle.errors import StoreFull
from mulle.runtime.pins import BadPins


class Counted:
    """A step that counts its calls and fails the first ones."""

    def __init__(self, failures: int = 0) -> None:
        self.calls = 0
        self._failures = failures

    async def __call__(self, value: Any) -> Any:
        self.calls += 1
        if self.calls <= self._failures:
            raise ValueError(f"{self.calls}번째")
        return value


# ---------------------------------------------------------------------- pins


async def test_a_pinned_step_is_not_executed(home: Home):
    app, _ = home.open()
    step = Counted()
    workflow = mulle.Workflow("핀").add_step("갑", step).add_step("을", Counted())

    result = await app.run(workflow, 1, pins={"갑": {"outputs": {"output": "정해진 답"}}})

    assert (result.outputs, step.calls) == ({"output": "정해진 답"}, 0)


async def test_pinned_runs_are_used_up_by_attempts_and_the_last_repeats(home: Home):
    app, _ = home.open()
    pins = {"갑": {"runs": [{"error": {"type": "timeout", "message": "느림"}}, {"outputs": {"output": 2}}]}}
    workflow = mulle.Workflow("핀").add_step("갑", Counted(), retry={"max": 1, "delay": 0, "on": ["timeout"]})

    result = await app.run(workflow, 1, pins=pins)

    assert result.outputs == {"output": 2}
    assert result.nodes[1].attempts == 2


async def test_a_pinned_error_fails_its_step(home: Home):
    app, _ = home.open()

    result = await app.run(
        mulle.Workflow("핀").add_step("갑", Counted()), 1, pins={"갑": {"error": {"type": "quota", "message": "다 씀"}}}
    )

    assert result.error == {"type": "quota", "message": "다 씀", "node": "갑"}


EACH = """
    mulle: 1
    nodes:
      - {id: start, type: start, ports: {outputs: [{name: items, type: array}]}}
      - id: each
        type: map
        data: {items: "{{ start.items }}", concurrency: 1}
        body:
          nodes: [{id: 쓰기, type: transform, data: {value: "{{ item }}"}}, {id: end, type: end}]
          edges: [{source: 쓰기, source_port: value, target: end, target_port: text}]
      - {id: end, type: end}
    edges:
      - {source: start, target: each}
      - {source: each, source_port: results, target: end, target_port: results}
"""


@pytest.mark.parametrize("key", ["each/쓰기", "쓰기"])
async def test_pins_in_bodies_are_used_up_scope_by_scope(home: Home, key: str):
    app, _ = home.open()
    pins = {key: {"runs": [{"outputs": {"value": "하나"}}, {"outputs": {"value": "둘"}}]}}

    result = await app.run(read_workflow(EACH.encode()), {"items": [1, 2, 3]}, pins=pins)

    assert [each["text"] for each in result.outputs["results"]] == ["하나", "둘", "둘"]


async def test_a_new_driver_knows_which_pinned_answers_are_used_up(home: Home):
    text = EACH.replace("{id: end, type: end}]\n          edges: [", "{id: 쉼, type: wait, data: {signal: 가자}}, END")
    text = text.replace("END", "{id: end, type: end}]\n          edges: [EDGES, ")
    text = text.replace("EDGES", "{source: 쓰기, target: 쉼}, {source: 쉼, target: end}")
    first, _ = home.open()
    pins = {"쓰기": {"runs": [{"outputs": {"value": "하나"}}, {"outputs": {"value": "둘"}}]}}
    run_id = (await first.run(read_workflow(text.encode()), {"items": [1, 2]}, pins=pins)).id
    await first.close()
    home._apps.clear()

    second, _ = home.open()
    for _ in range(2):
        await second.signal(run_id, "가자")
        await second.recover()
        await second.wait(run_id)
    result = await second.wait(run_id)

    assert [each["text"] for each in result.outputs["results"]] == ["하나", "둘"]


async def test_answers_are_used_up_that_a_failed_store_did_not_take(home: Home):
    app, journal = home.open()
    gate = Gate()
    pins = {"을": {"runs": [{"error": {"type": "timeout", "message": "느림"}}, {"outputs": {"output": 2}}]}}
    workflow = mulle.Workflow("핀").add_step("갑", gate)
    workflow.add_step("을", Counted(), retry={"max": 1, "delay": 0.05, "on": ["timeout"]})
    run_id = await app.start(workflow, 1, pins=pins)
    await gate.began.wait()
    journal.fails = StoreFull("디스크")
    gate.may_go_on.set()
    with pytest.raises(StoreFull):
        await app.wait(run_id)

    journal.fails = None

    assert (await app.wait(run_id)).outputs == {"output": 2}


async def test_a_pinned_container_does_not_run_its_body(home: Home):
    app, _ = home.open()

    result = await app.run(
        read_workflow(EACH.encode()), {"items": [1]}, pins={"each": {"outputs": {"results": ["핀"]}}}
    )

    assert result.outputs == {"results": ["핀"]}
    assert [record.path for record in result.nodes] == [("start",), ("each",), ("end",)]


@pytest.mark.parametrize(
    "pins",
    [
        {"갑": 1},
        {"갑": {}},
        {"갑": {"runs": []}},
        {"갑": {"runs": [{"outputs": 1}]}},
        {"갑": {"outputs": {"a": object()}}},
    ],
)
async def test_pins_of_another_form_are_refused(home: Home, pins: Any):
    app, _ = home.open()
    workflow = mulle.Workflow("핀").add_step("갑", Counted())

    with pytest.raises(BadPins):
        await app.run(workflow, 1, pins=pins)


# ---------------------------------------------------------------------- history


async def test_the_history_tells_what_happened(home: Home):
    app, _ = home.open()
    workflow = mulle.Workflow("역사").add_step("갑", Counted(1), retry={"max": 1, "delay": 0})
    workflow.add_step("을", Counted(9)).add_step("병", Counted())

    result = await app.run(workflow, 1)

    told = [(record.path[0], record.status, record.attempts, record.error is not None) for record in result.nodes]
    assert told == [
        ("start", "succeeded", 1, False),
        ("갑", "succeeded", 2, False),
        ("을", "failed", 1, True),
        ("병", "skipped", 0, False),
        ("end", "skipped", 0, False),
    ]
    assert all(record.reason for record in result.nodes if record.status == "skipped")
    assert (await app.history(result.id)).executions == 4


async def test_a_handled_error_stays_on_record(home: Home):
    app, _ = home.open()
    workflow = read_workflow(b"""
        mulle: 1
        nodes:
          - {id: a, type: wait, data: {until: "{{ 'never' }}"}, on_error: default, default_outputs: {received: false}}
          - {id: end, type: end}
        edges: [{source: a, source_port: received, target: end, target_port: received}]
    """)

    result = await app.run(workflow)

    assert (result.status, result.outputs) == ("succeeded", {"received": False})
    assert result.nodes[0].error


async def test_the_history_of_a_run_under_way_tells_where_it_stands(home: Home):
    app, _ = home.open()
    gate = Gate()
    running = soon(app.run(mulle.Workflow("중간").add_step("갑", gate), 1))
    await gate.began.wait()

    (run,) = await app.runs()
    history = await app.history(run.id)
    gate.may_go_on.set()
    await running

    assert [record.status for record in history.records.values()] == ["succeeded", "running"]


# ---------------------------------------------------------------------- conversation


TALK = """
    mulle: 1
    variables: {conversation: {log: {type: array, value: []}, count: {type: number, value: 0}}}
    nodes:
      - {id: start, type: start}
      - {id: a, type: assign, data: {writes: [{target: conversation.count, op: add, value: 1}]}}
      - {id: b, type: assign, data: {writes: [{target: conversation.count, op: add, value: 2}]}}
      - {id: c, type: assign, data: {writes: [{target: conversation.log, op: append, value: 끝}]}}
      - {id: end, type: end}
    edges:
      - {source: start, target: a}
      - {source: start, target: b}
      - {source: a, target: c}
      - {source: b, target: c}
      - {source: c, target: end}
"""


async def test_writes_of_parallel_steps_add_up_and_come_back_with_the_result(home: Home):
    app, _ = home.open()

    result = await app.run(read_workflow(TALK.encode()), conversation={"count": 10})
    again = await app.wait(result.id)

    assert result.conversation["count"] == 13
    assert again.conversation == result.conversation


async def test_a_write_that_is_refused_is_the_steps_failure(home: Home):
    app, _ = home.open()

    result = await app.run(read_workflow(TALK.encode()), conversation={"count": "글자"})

    assert (result.status, result.conversation["count"]) == ("failed", "글자")
    assert result.error
