"""The React Flow JSON of old chatbots."""

import json
import time
from typing import Any

import pytest
from tests.interop.exports import opened, pin

from mulle.document.expressions import parse_template, render
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


def changed(node: str, **settings: Any) -> dict[str, Any]:
    """The old chain with other settings of one node."""
    nodes = [{**one, "data": one["data"] | settings} if one["id"] == node else one for one in OLD["nodes"]]
    return {**OLD, "nodes": nodes}


def notes(graph: dict[str, Any]) -> list[str]:
    return list(import_legacy(text(graph)).notes)


def test_what_is_left_out_is_noted():
    nodes = [*OLD["nodes"], 5, {"type": "llm"}, {"id": "llm-1", "type": "end"}, {"id": True, "type": "end"}]
    edges = [*OLD["edges"], {"source": "llm-1", "target": "gone"}, None]

    said = notes({"nodes": nodes, "edges": edges})

    assert said[:6] == [
        "nodes[4] has no `id` and is left out.",
        "nodes[5] has no `id` and is left out.",
        "nodes[6] is left out: its id 'llm-1' stands there already.",
        "nodes[7] has no `id` and is left out.",
        "edges[3] is left out: it leads from 'llm-1' to 'gone'.",
        "edges[4] is left out: it leads from 'None' to 'None'.",
    ]


@pytest.mark.parametrize("edges", [None, "none", {}])
def test_a_graph_without_edges_says_so(edges: Any):
    assert "It has no list of `edges`, so its steps are not joined." in notes({**OLD, "edges": edges})


def test_settings_without_effect_are_kept_and_named():
    made = import_legacy(text(changed("llm-1", temperature=9, stream=True, maxTokens=300, prompt={"a": 1}, topP="")))

    llm = made.workflow.nodes[2]
    assert llm.data["max_tokens"] == 300
    assert llm.ui == {"data": {"prompt": {"a": 1}, "temperature": 9, "stream": True}}
    assert "'llm-1': kept under `ui`, without effect: prompt, temperature, stream." in made.notes


@pytest.mark.parametrize("top_k", [0, 5.5, "many", True, 10**6])
def test_a_number_of_passages_that_cannot_be_is_named(top_k: Any):
    made = import_legacy(text(changed("knowledge-1", top_k=top_k)))

    assert made.workflow.nodes[1].data == {"top_k": 5}
    assert f"'knowledge-1': its top_k {top_k!r} is no whole number from 1 to 1000; 5 is taken." in made.notes


def test_that_there_is_no_knowledge_here_is_said():
    assert "'knowledge-1': the bot's knowledge is not here; it runs only pinned." in notes(OLD)


def test_a_system_prompt_beside_a_prompt_is_not_lost():
    both = import_legacy(text(changed("llm-1", prompt="{question}", systemPrompt="존댓말로"))).workflow.nodes[2]

    assert both.data["system"] == "존댓말로"
    assert both.data["prompt"].startswith('{{ nodes["start-1"].user_message }}')


async def test_braces_in_a_prompt_are_kept_as_they_are():
    prompt = "{{{context}}} { {x} {{other}} {% raw %} }} {"
    made = import_legacy(text(changed("llm-1", prompt=prompt)))

    async with opened() as app:
        assert [one.message for one in app.problems(made.workflow) if one.severity == "error"] == []
    context = {"nodes": {"knowledge-1": {"context": "규정"}}}
    filled = render(parse_template(made.workflow.nodes[2].data["prompt"]), context.__getitem__)
    assert filled == "{규정} { {x} {{other}} {% raw %} }} {"


@pytest.mark.parametrize("id_", ['a"b', "null", "물음", "a.b", "item", "not"])
async def test_any_id_can_be_referred_to(id_: str):
    graph = json.loads(json.dumps(OLD).replace('"llm-1"', json.dumps(id_)))
    made = import_legacy(text(graph))

    async with opened() as app:
        assert [one.message for one in app.problems(made.workflow) if one.severity == "error"] == []


@pytest.mark.parametrize(("type_", "ours"), [("input", "start"), ("output", "end"), (None, ""), (5, "")])
def test_react_flows_own_types_are_understood(type_: Any, ours: str):
    made = import_legacy(text({"nodes": [{"id": "a", "type": type_, "data": {}}], "edges": []}))

    assert made.workflow.nodes[0].type == (ours or "unknown")
    assert made.notes == (() if ours else ("'a': it says no type, so it has no ports; give it some, or another type.",))


def test_a_long_chain_is_read_at_once():
    steps = [{"id": str(number), "type": "llm"} for number in range(1999)]
    edges = [{"source": "s", "target": "0"}] + [{"source": str(n), "target": str(n + 1)} for n in range(1998)]
    began = time.perf_counter()

    made = import_legacy(text({"nodes": [{"id": "s", "type": "start"}, *steps], "edges": edges}))

    assert time.perf_counter() - began < 20  # It took longer than anybody waited when every step looked at all edges.
    assert made.workflow.nodes[-1].variable_mappings["user_message"].source.variable == "s.user_message"
