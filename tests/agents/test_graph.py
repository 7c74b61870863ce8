"""Graphs put together node by node, documents with functions, and what is refused of them."""

from typing import Any

import pytest

import mulle
from mulle.agents.steps import UnboundFunction, UnknownBranch


def way(value: int) -> Any:
    return {1: "low", 2: "high", 3: True}.get(value, "elsewhere")


def low(value: int) -> str:
    return f"낮음 {value}"


def high(value: int) -> str:
    return f"높음 {value}"


def forked(branches: list[str]) -> mulle.Workflow:
    workflow = mulle.Workflow("갈래")
    workflow.node("start", "start", ports={"outputs": [{"name": "value", "type": "number"}]})
    workflow.node("way", way, {"sources": ["start"], "branches": branches})
    workflow.node("low", low, {"sources": ["start"]})
    workflow.node("high", high, {"sources": ["start"]})
    workflow.node("end", "end")
    workflow.edge("start.value", "way.start")
    for name in ("low", "high"):
        workflow.edge(f"way.{name}", name)
        workflow.edge("start.value", f"{name}.start")
        workflow.edge(f"{name}.output", "end.output")
    return workflow


@pytest.mark.parametrize(("value", "output"), [(1, "낮음 1"), (2, "높음 2"), (3, "낮음 3")])
def test_a_function_chooses_a_way_by_name_or_with_true_and_false(value: int, output: str):
    assert forked(["low", "high"]).execute(value).output == output


def test_a_way_that_is_not_there_fails_the_step():
    result = forked(["low", "high", "none"]).execute(3)

    assert result.status == "failed"
    assert result.context.error_type == UnknownBranch.code


def test_bodies_are_filled_from_the_inside():
    workflow = mulle.Workflow("안")
    workflow.node("start", "start", ports={"outputs": [{"name": "items", "type": "array"}]})
    inside = workflow.node("each", "map", {"items": "{{ start.items }}"})
    inside.node("low", low, {}, variable_mappings={"value": {"source": {"variable": "item"}}})
    inside.node("end", "end")
    inside.edge("low.output", "end.text")
    workflow.node("end", "end")
    workflow.edge("start", "each")
    workflow.edge("each.results", "end.texts")

    assert workflow.execute([1, 2]).outputs == {"texts": [{"text": "낮음 1"}, {"text": "낮음 2"}]}
    again = mulle.Workflow.of(workflow.document, {"low": high})
    assert again.execute([1]).outputs == {"texts": [{"text": "높음 1"}]}


def test_a_workflow_is_made_in_one_of_two_ways():
    steps = mulle.Workflow("걸음").add_step("갑", low)
    nodes = forked(["low", "high"])

    with pytest.raises(ValueError, match="not of both"):
        steps.node("end", "end")
    with pytest.raises(ValueError, match="not of both"):
        nodes.add_step("갑", low)
    with pytest.raises(ValueError, match="'low'"):
        nodes.node("low", "end")


def test_two_functions_of_one_id_are_refused():
    body = {"nodes": [{"id": "low", "type": "function", "data": {"name": "high"}}]}
    workflow = mulle.Workflow("둘")
    workflow.node("low", low)
    workflow.node("안", "subflow", body=body)

    with pytest.raises(ValueError, match="'low'"):
        mulle.Workflow.of(workflow.document, [low, high])


async def test_a_document_whose_functions_are_elsewhere_is_valid_and_refused_before_it_begins():
    document = forked(["low", "high"]).document
    async with mulle.open(":memory:") as app:
        assert [problem for problem in app.problems(document) if problem.severity == "error"] == []
        with pytest.raises(UnboundFunction, match="'way'") as raised:
            await app.run(document, {"value": 1})
        assert "Workflow.of" in raised.value.advice
        assert await app.runs() == []


async def test_an_app_is_not_closed_by_blocking_its_own_loop():
    async with mulle.open(":memory:") as app:
        await app.run(forked(["low", "high"]), 1)
        with pytest.raises(RuntimeError, match=r"await app\.close"):
            app.close_sync()
