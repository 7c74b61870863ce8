"""The React Flow JSON of old chatbots."""

import json
from typing import Any

import pytest
from tests.interop.exports import opened, pin

from mulle.interop.legacy import NotLegacy, import_legacy

PROMPT = {"prompt": "답: {user_message} / {context}", "model": "gpt-4"}
OLD: dict[str, Any] = {
    "nodes": [
        {"id": "start-1", "type": "start", "position": {"x": 0, "y": 0}, "data": {"label": "Start"}},
        {"id": "knowledge-1", "type": "knowledge", "position": {"x": 1, "y": 0}, "data": {"top_k": 3}},
        {"id": "llm-1", "type": "llm", "position": {"x": 2, "y": 0}, "data": PROMPT},
        {"id": "end-1", "type": "end", "position": {"x": 3, "y": 0}, "data": {}},
    ],
    "edges": [
        {"id": "e1", "source": "start-1", "target": "knowledge-1"},
        {"id": "e2", "source": "knowledge-1", "target": "llm-1"},
        {"id": "e3", "source": "llm-1", "target": "end-1"},
    ],
}  # fmt: skip


def text(graph: dict[str, Any]) -> bytes:
    return json.dumps(graph).encode()


async def test_the_old_chain_runs():
    made = import_legacy(text(OLD))
    pins = {"knowledge-1": pin(documents=[], context="규정"), "llm-1": pin(response="네, 됩니다")}
    async with opened() as app:
        assert [problem.message for problem in app.problems(made.workflow) if problem.severity == "error"] == []
        run = await app.run(made.workflow, {"user_message": "돼요?", "session_id": "s1"}, pins=pins)

    assert run.outputs == {"final_output": "네, 됩니다"}


def test_ports_and_mappings_are_inferred():
    _, knowledge, llm, _ = import_legacy(text(OLD)).workflow.nodes

    mapped = {
        node.id: {port: one.source.variable for port, one in node.variable_mappings.items()}
        for node in (knowledge, llm)
    }
    assert mapped == {
        "knowledge-1": {"query": "start-1.user_message"},
        "llm-1": {"user_message": "start-1.user_message", "context": "knowledge-1.context"},
    }
    assert knowledge.data == {"top_k": 3}
    assert llm.data["prompt"] == '답: {{ nodes["start-1"].user_message }} / {{ nodes["knowledge-1"].context }}'


def test_an_unknown_type_has_no_ports_and_a_note():
    graph = {"nodes": [*OLD["nodes"], {"id": "x", "type": "weather", "data": {"city": "서울"}}], "edges": OLD["edges"]}
    made = import_legacy(text(graph))

    assert made.workflow.nodes[-1].type == "weather"
    assert any("'weather' is not known" in note for note in made.notes)


@pytest.mark.parametrize("data", [b"[]", b'{"nodes": 1}', b'{"nodes": [{"type": "x"}]}'])
def test_what_is_no_graph_is_refused(data: bytes):
    with pytest.raises(NotLegacy):
        import_legacy(data)
