"""A graph's hash ignores names, triggers and places, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.document.reading import parse_workflow, read_workflow, workflow_data, write_json, write_yaml
from mulle.document.versions import graph_hash, graph_text
from mulle.document.workflow import Workflow

TEXT = """
variables: {environment: {A: {value: 1}}}
timeout: 1h
nodes:
  - id: each
    type: map
    data: {items: [1, 2]}
    variable_mappings: {x: {source: {variable: start.a}}, y: {target_port: x, source: {variable: start.b}}}
    body: {nodes: [{id: inner, type: free, data: {a: 1}}], edges: [{source: inner, target: inner}]}
  - {id: end, type: end}
edges: [{source: each, source_port: results, target: end, target_port: texts}]
"""


def named(workflow: Workflow) -> str:
    return graph_hash(graph_text(workflow))


def changed(*changes: tuple[tuple[str | int, ...], Any]) -> Workflow:
    data = workflow_data(read_workflow(TEXT))
    for (*path, last), value in changes:
        place: Any = data
        for step in path:
            place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # Plain data.
        place[last] = value
    return parse_workflow(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("name",), "요약"),
        (("description",), "x"),
        (("tags",), ["x"]),
        (("triggers",), [{"type": "cron", "cron": "0 9 * * *"}]),
        (("ui",), {"zoom": 2}),
        (("nodes", 0, "position"), {"x": 1, "y": 2}),
        (("nodes", 0, "ui"), {"color": "red"}),
        (("nodes", 0, "body", "nodes", 0, "position"), {"x": 1}),
        (("nodes", 0, "body", "edges", 0, "id"), "e1"),
        (("edges", 0, "id"), "e1"),
        (("nodes", 0, "on_error"), "fail"),
        (("nodes", 1, "retry"), {"max": 0}),
    ],
)
def test_what_only_eyes_see_and_what_is_the_default_does_not_change_it(path: tuple[str | int, ...], value: Any):
    assert named(changed((path, value))) == named(read_workflow(TEXT))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("timeout",), "2h"),
        (("variables", "environment", "A", "value"), 2),
        (("variables", "conversation"), {"B": {}}),
        (("nodes", 0, "id"), "every"),
        (("nodes", 0, "type"), "loop"),
        (("nodes", 0, "data", "items"), [2, 1]),
        (("nodes", 0, "retry"), {"max": 1}),
        (("nodes", 0, "effect"), "once"),
        (("nodes", 0, "on_interrupted"), "fail"),
        (("nodes", 0, "body", "nodes", 0, "data", "a"), 2),
        (("nodes", 0, "body", "edges"), []),
        (("nodes", 1, "ports"), {"inputs": [{"name": "x"}]}),
        (("edges", 0, "target_port"), "text"),
        (("edges",), []),
    ],
)
def test_whatever_a_run_follows_changes_it(path: tuple[str | int, ...], value: Any):
    assert named(changed((path, value))) != named(read_workflow(TEXT))


def test_the_order_of_mappings_is_part_of_it_because_the_first_wins():
    mappings = {"y": {"target_port": "x", "source": {"variable": "start.b"}}, "x": {"source": {"variable": "start.a"}}}

    turned = changed((("nodes", 0, "variable_mappings"), mappings))

    assert named(turned) != named(read_workflow(TEXT))
    assert [*read_workflow(graph_text(turned)).nodes[0].variable_mappings] == ["y", "x"]


@given(st.sampled_from([write_yaml, write_json]))
def test_it_survives_writing_and_reading(write: Any):
    workflow = read_workflow(TEXT)

    assert named(read_workflow(write(workflow))) == named(workflow)
    assert named(read_workflow(graph_text(workflow))) == named(workflow)


def test_it_is_a_short_name():
    assert len(named(Workflow())) == 32
    assert graph_text(Workflow(name="x")) == b'{"mulle":1,"nodes":[],"edges":[]}'
