"""Broken and hostile exports are refused with a reason, or imported with notes; nothing crashes."""

# ruff: noqa: E501  # One node a line.
import contextlib
import copy
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.interop.exports import end, export, node, start

from mulle.document.ports import is_array, is_object
from mulle.document.reading import UnreadableDocument
from mulle.errors import MulleError
from mulle.interop.dify.assemble import import_dify
from mulle.interop.dify.reading import NotDify

RICH: dict[str, Any] = yaml.safe_load(
    export(
        [
            start("q"),
            node("if", "if-else", cases=[{"case_id": "true", "logical_operator": "or", "conditions": [{"variable_selector": ["start", "q"], "comparison_operator": "contains", "value": "a"}]}]),
            node("l", "llm", prompt_template=[{"role": "user", "text": "{{#start.q#}}"}], model={"provider": "openai", "name": "m", "completion_params": {"temperature": 1}}),
            node("h", "http-request", method="post", url="https://example.com/{{#start.q#}}", headers="A: b", params="c: d", authorization={"type": "api-key", "config": {"type": "bearer", "api_key": "k"}}, body={"type": "json", "data": [{"value": "{}"}]}, retry_config={"retry_enabled": True, "max_retries": 2, "retry_interval": 100}),
            node("it", "iteration", iterator_selector=["start", "q"], output_selector=["t", "output"], parallel_nums=3),
            node("its", "iteration-start", "it"),
            node("t", "template-transform", "it", template="{{ x }}", variables=[{"variable": "x", "value_selector": ["it", "item"]}]),
            node("lp", "loop", loop_count=3, loop_variables=[{"label": "n", "var_type": "number", "value_type": "constant", "value": "1"}], break_conditions=[{"variable_selector": ["lp", "n"], "comparison_operator": ">", "value": "1"}]),
            node("lps", "loop-start", "lp"),
            node("as", "assigner", "lp", items=[{"variable_selector": ["lp", "n"], "operation": "+=", "input_type": "constant", "value": 1}]),
            node("c", "code", code="def main(): return {}", outputs={"r": {"type": "string", "children": None}}, variables=[]),
            node("g", "variable-aggregator", variables=[["l", "text"]], advanced_settings={"group_enabled": True, "groups": [{"group_name": "a", "variables": [["l", "text"]]}]}),
            node("lo", "list-operator", variable=["start", "q"], filter_by={"enabled": True, "conditions": [{"key": "", "comparison_operator": "is", "value": "x"}]}, order_by={"enabled": True, "key": "", "value": "asc"}, limit={"enabled": True, "size": 3}, extract_by={"enabled": True, "serial": "1"}),
            node("qc", "question-classifier", classes=[{"id": "1", "name": "x"}], query_variable_selector=["start", "q"]),
            node("pe", "parameter-extractor", parameters=[{"name": "p", "type": "string", "required": True}], query=["start", "q"]),
            node("tool", "tool", tool_parameters={"a": {"type": "mixed", "value": "{{#l.text#}}"}}, tool_configurations={"token": "x"}),
            node("a", "answer", answer="{{#l.text#}} {{#sys.query#}}"),
            end(o="l.text"),
        ],
        "start>if if:true>l if:false>h l>it its>t it>lp lps>as lp>c c>g g>lo lo>qc qc:1>pe pe>tool tool>a a>end",
        mode="advanced-chat",
        environment_variables=[{"name": "K", "value_type": "secret", "value": "v"}],
        conversation_variables=[{"name": "v", "value_type": "array[string]", "value": []}],
        features={"opening_statement": "안녕"},
    )
)  # fmt: skip

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**20), st.floats(allow_nan=False), st.text(max_size=8),
    st.sampled_from(["{{#", "{{#a#}}", "{{#.#}}", "{{#start.q.x.y#}}", "{{", "conversation", "it", "lp", "start", "a\0b", "../x", "item", "if"]),
    st.just([]), st.just({}), st.just([[]]), st.just([{}]), st.just({"": None}), st.just(["start"]), st.just(["start", "q", "deep"]),
)  # fmt: skip


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if is_object(data):
        for key, value in data.items():
            found += places(value, (*path, key))
    elif is_array(data):
        for number, value in enumerate(data):
            found += places(value, (*path, number))
    return found


PLACES = places(RICH)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), ODD, st.booleans()), min_size=1, max_size=4))
def test_no_broken_export_crashes_the_importer(changes: list[tuple[tuple[Any, ...], Any, bool]]):
    data = copy.deepcopy(RICH)
    for path, value, removes in changes:
        at: Any = data
        try:
            for step in path[:-1]:
                at = at[step]
            if removes:
                del at[path[-1]]
            else:
                at[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    with contextlib.suppress(MulleError):
        import_dify(yaml.safe_dump(data, allow_unicode=True).encode())


def test_the_unbroken_one_is_imported():
    made = import_dify(yaml.safe_dump(RICH).encode())

    assert len(made.workflow.nodes) >= 13


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[]", "no mapping"),
        (b"a: 1", "no `workflow.graph`"),
        (b"app: {mode: agent-chat}\nworkflow: {}", "an app of the mode 'agent-chat'"),
        (b"app: {mode: [chat]}\nmodel_config: {model: {}}", "no `workflow.graph`"),
        (b"workflow: {graph: {nodes: []}}", "no nodes"),
        (b"workflow: {graph: {nodes: [1, {id: 3}]}}", "no nodes"),
    ],
)
def test_what_is_no_workflow_is_refused_with_a_reason(text: bytes, said: str):
    with pytest.raises(NotDify, match=said):
        import_dify(text)


def test_aliases_are_written_out():
    nodes = [start("v"), end(v="start.v")]
    plain = yaml.safe_load(export(nodes, "start>end"))
    shared: list[str] = ["image"]
    plain["workflow"]["graph"]["nodes"][1]["data"] |= {"a": shared, "b": shared}
    text = yaml.safe_dump(plain)

    assert "*id001" in text
    assert import_dify(text).workflow == import_dify(export(nodes, "start>end")).workflow


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 1]\n" + "\n".join(f"{b}: &{b} [*{a}, *{a}]" for a, b in pairwise("abcdefghijklmnopqrstuvwxyz")),
        "app: {}\nworkflow: &w {graph: *w}",
        "app: *nothing",
    ],
    ids=["bomb", "cycle", "unknown"],
)
def test_aliases_that_cannot_be_written_out_are_refused(text: str):
    with pytest.raises(UnreadableDocument):
        import_dify(text)


def test_a_thousand_nodes_are_imported_in_linear_time():
    nodes = [
        start("q"),
        *(
            node(
                f"t{n}",
                "template-transform",
                template="x",
                variables=[{"variable": "x", "value_selector": [f"t{n - 1}" if n else "start", "output"]}],
            )
            for n in range(1000)
        ),
    ]
    edges = "start>t0 " + " ".join(f"t{n}>t{n + 1}" for n in range(999))

    assert len(import_dify(export(nodes, edges)).workflow.nodes) == 1001
