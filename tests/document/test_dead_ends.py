"""Branches behind which a run reaches no end: said beforehand, and what the engine then really does."""

import itertools
from typing import Any

import pytest

import mulle
from mulle.app import App
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow

NODES = """
nodes:
  - {id: start, type: start}
  - {id: c, type: condition, data: {cases: [{name: yes, when: "true"}]}}
  - {id: a, type: transform, data: {value: 1}}
  - {id: b, type: transform, data: {value: 2}, on_error: branch}
  - {id: ask, type: approval, data: {title: ok?}}
  - {id: say, type: answer, data: {text: hm}}
  - {id: end, type: end}
edges: [{source: start, target: c}, EDGES]
"""
ANSWERS: dict[str, dict[str, dict[str, Any]]] = {
    "c": {"yes": {"outputs": {"yes": True}}, "else": {"outputs": {"else": True}}},
    "ask": {
        "approved": {"outputs": {"approved": True, "decision": "approved"}},
        "rejected": {"outputs": {"rejected": True, "decision": "rejected"}},
    },
    "b": {"": {"outputs": {"value": 2}}, "error": {"runs": [{"error": {"type": "x", "message": "x"}}]}},
}


def edge(text: str) -> str:
    """`c.yes>a` or `a.value>end.a` as an edge."""
    (source, _, source_port), (target, _, target_port) = (end.partition(".") for end in text.split(">"))
    ports = {"source_port": source_port, "target_port": target_port}
    named = "".join(f", {name}: {port}" for name, port in ports.items() if port)
    return f"{{source: {source}, target: {target}{named}}}"


async def dead_ends(app: App, workflow: Workflow) -> list[str]:
    """The branches that no run takes and reaches an end, of all answers that there can be."""
    taken, good = set[str](), set[str]()
    for ways in itertools.product(*(answers for answers in ANSWERS.values())):
        pins = {node: ANSWERS[node][way] for node, way in zip(ANSWERS, ways, strict=True)}
        run = await app.run(workflow, pins=pins)
        ran = {f"{node}.{way}" for node, way in zip(ANSWERS, ways, strict=True) if way and _ran(run, node)}
        taken |= ran
        good |= ran if run.detail != "no_end_reached" else set()
    return sorted(taken - good)


def _ran(run: Any, node: str) -> bool:
    return any(record.path == (node,) and record.attempts for record in run.nodes)


@pytest.mark.parametrize(
    ("edges", "dead"),
    [
        ("c.yes>a a.value>end.x", ["c.else"]),
        ("c.yes>b b.value>end.x c.else>say", ["b.error"]),
        ("c.yes>b b.error>end b>say c.else>end", []),
        ("c.yes>b c.else>b b.error>end b.value>a.value a>say", []),
        ("c.yes>a c>end", ["c.else", "c.yes"]),  # It answers by its branches alone, and hands nothing on as a whole.
        ("start>a c.yes>end a.value>end.x", ["c.else"]),  # An end with a gate waits for it.
        ("start>a a.value>end.x c.yes>b", []),
        ("c.yes>ask c.else>end ask.approved>end", ["ask.rejected"]),  # That `c.else` ends well does not help here.
        ("c.yes>ask c.else>end ask.decision>end.said", ["ask.approved", "ask.rejected", "c.yes"]),
        ("c.yes>ask c.else>a a>end ask.decision>say", []),
        ("c.yes>ask ask.decision>end.said", ["c.else"]),
        ("c.yes>ask ask.approved>b ask.rejected>b b.error>a a>end", ["c.else"]),
    ],
)
async def test_a_branch_is_warned_of_exactly_when_no_run_that_takes_it_reaches_an_end(edges: str, dead: list[str]):
    workflow = read_workflow(NODES.replace("EDGES", ", ".join(map(edge, edges.split()))))

    async with mulle.open(":memory:") as app:
        warned = [problem for problem in app.problems(workflow) if problem.code == "graph.dead_end"]
        said = [f"{one.where.removeprefix('nodes.')}.{one.message.split(chr(39))[3]}" for one in warned]

        assert sorted(said) == dead
        assert await dead_ends(app, workflow) == dead


async def test_a_large_graph_is_not_judged_for_ever():
    rows = [f"{{id: c{n}, type: condition, data: {{cases: [{{name: yes, when: 'true'}}]}}}}" for n in range(3000)]
    links = ", ".join(edge(f"c{n}.yes>c{n + 1}") for n in range(2999))
    text = f"nodes: [{{id: s, type: start}}, {', '.join(rows)}, {{id: e, type: end}}]\nedges: [{edge('s>c0')}, {links}]"
    async with mulle.open(":memory:") as app:
        assert not [one for one in app.problems(read_workflow(text)) if one.code == "graph.dead_end"]
