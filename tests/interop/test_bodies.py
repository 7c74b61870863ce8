"""Iterations and loops of a Dify export."""

from typing import Any

import pytest
from tests.interop.exports import end, export, node, pin, ran, start

from mulle.services.sandbox import available

pytestmark = pytest.mark.skipif(not available().ok, reason="This kernel has not the locks that code steps need.")


def template(id_: str, text: str, parent: str | None = None, **variables: str) -> dict[str, Any]:
    chosen = [{"variable": name, "value_selector": one.split(".")} for name, one in variables.items()]
    return node(id_, "template-transform", parent, template=text, variables=chosen)


def iteration(id_: str, over: str, gives: str, parent: str | None = None, **more: Any) -> list[dict[str, Any]]:
    chosen = {"iterator_selector": over.split("."), "output_selector": gives.split(".")}
    return [node(id_, "iteration", parent, **chosen, **more), node(f"{id_}s", "iteration-start", id_)]


def code(id_: str, source: str, parent: str | None = None, returns: str = "string", **variables: str) -> dict[str, Any]:
    chosen = [{"variable": name, "value_selector": one.split(".")} for name, one in variables.items()]
    return node(
        id_, "code", parent, code=source, code_language="python3", variables=chosen, outputs={"r": {"type": returns}}
    )


async def test_each_item_gives_a_result_in_order():
    nodes = [
        start("items"),
        *iteration("it", "start.items", "t.output"),
        template("t", "{{ i }}:{{ x }}", "it", i="it.index", x="it.item"),
    ]
    run = await ran(
        export([*nodes, end(out="it.output", inner="t.output")], "start>it its>t it>end"), {"items": ["가", "나"]}
    )

    assert run.outputs == {"out": ["0:가", "1:나"], "inner": None}


@pytest.mark.parametrize(
    ("mode", "out"),
    [("terminated", None), ("continue-on-error", [[1], None, [3]]), ("remove-abnormal-output", [[1], [3]])],
)
async def test_a_failed_item_is_handled_as_it_was(mode: str, out: Any):
    body = code(
        "c",
        "def main(x):\n    if x == 2: raise ValueError('둘')\n    return {'r': [x]}",
        "it",
        "array[number]",
        x="it.item",
    )
    nodes = [start("items"), *iteration("it", "start.items", "c.r", error_handle_mode=mode, flatten_output=False), body]
    run = await ran(export([*nodes, end(out="it.output")], "start>it its>c it>end"), {"items": [1, 2, 3]})

    assert (run.status, run.outputs.get("out")) == (("failed", None) if out is None else ("succeeded", out))


async def test_lists_of_rounds_become_one_list_unless_dify_was_told_otherwise():
    body = code("c", "def main(x):\n    return {'r': [x, x]}", "it", "array[number]", x="it.item")
    nodes = [start("items"), *iteration("it", "start.items", "c.r"), body]
    run = await ran(export([*nodes, end(out="it.output")], "start>it its>c it>end"), {"items": [1, 2]})

    assert run.outputs == {"out": [1, 1, 2, 2]}


async def test_a_body_further_inside_sees_the_outer_item():
    nodes = [
        start("items", "more"),
        *iteration("a", "start.items", "b.output", flatten_output=False),
        *iteration("b", "start.more", "t.output", "a"),
        template("t", "{{ x }}{{ y }}", "b", x="a.item", y="b.item"),
        end(out="a.output"),
    ]
    run = await ran(export(nodes, "start>a as>b bs>t a>end"), {"items": ["가", "나"], "more": ["1", "2"]})

    assert run.outputs == {"out": [["가1", "가2"], ["나1", "나2"]]}


def loop(variables: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    return [node("lp", "loop", loop_count=5, loop_variables=variables, **more), node("lps", "loop-start", "lp")]


NUMBER = {"label": "n", "var_type": "number", "value_type": "constant", "value": "1"}


def change(operation: str, value: Any, target: str = "lp.n") -> dict[str, Any]:
    item = {"variable_selector": target.split("."), "input_type": "constant", "operation": operation, "value": value}
    return node("as", "assigner", "lp", version="2", items=[item])


async def test_a_loop_goes_on_until_its_condition_holds():
    stop = {"variable_selector": ["lp", "n"], "comparison_operator": "≥", "value": "8"}
    nodes = [start(), *loop([NUMBER], break_conditions=[stop]), change("*=", 2), end(n="lp.n", rounds="lp.loop_round")]
    run = await ran(export(nodes, "start>lp lps>as lp>end"))

    assert run.outputs == {"n": 8, "rounds": 3}


async def test_what_a_loops_last_round_left_is_seen_outside_and_by_its_condition():
    stop = {"variable_selector": ["t", "output"], "comparison_operator": "is", "value": "3"}
    nodes = [
        start(),
        *loop([NUMBER], break_conditions=[stop]),
        change("+=", 1),
        template("t", "{{ n }}", "lp", n="lp.n"),
    ]
    run = await ran(export([*nodes, end(t="t.output", n="lp.n")], "start>lp lps>as as>t lp>end"))

    assert run.outputs == {"t": "3", "n": 3}


@pytest.mark.parametrize(
    ("selector", "operator", "value"),
    [("lp.n", "=", "1"), ("start.q", "is", "halt"), ("conversation.v", "is", "halt"), ("env.E", "is", "halt")],
)
async def test_a_condition_that_holds_at_once_ends_a_loop_before_its_first_round(
    selector: str, operator: str, value: str
):
    stop = {"variable_selector": selector.split("."), "comparison_operator": operator, "value": value}
    nodes = [start("q"), *loop([NUMBER], break_conditions=[stop]), change("+=", 1), template("t", "x", "lp")]
    text = export(
        [*nodes, end(n="lp.n", rounds="lp.loop_round", inside="t.output")],
        "start>lp lps>as as>t lp>end",
        conversation_variables=[{"name": "v", "value_type": "string", "value": "halt"}],
        environment_variables=[{"name": "E", "value_type": "string", "value": "halt"}],
    )

    assert (await ran(text, {"q": "halt"})).outputs == {"n": 1, "rounds": None, "inside": None}


@pytest.mark.parametrize("selector", ["gone.x", "lost.output"])
async def test_a_loop_fails_when_its_condition_is_on_what_is_not_there(selector: str):
    stop = {"variable_selector": selector.split("."), "comparison_operator": "is", "value": "x"}
    fork = node("if", "if-else", cases=[{"case_id": "true", "conditions": []}])
    nodes = [start(), fork, template("lost", "x"), *loop([NUMBER], break_conditions=[stop]), change("+=", 1)]
    run = await ran(export([*nodes, end(n="lp.n")], "start>if if:false>lost if:true>lp lost>lp lps>as lp>end"))

    assert run.status == "failed"


@pytest.mark.parametrize(
    ("type_", "value", "begins"),
    [
        ("array[string]", "", []),
        ("array[string]", None, []),
        ("array[string]", '["a"]', ["a"]),
        ("boolean", "true", True),
        ("object", '{"a": 1}', {"a": 1}),
        ("number", "abc", None),
        ("number", None, None),
        ("object", "[]", None),
    ],
)
async def test_a_loop_variable_begins_as_its_type_or_the_loop_fails(type_: str, value: Any, begins: Any):
    variable = {"label": "v", "var_type": type_, "value_type": "constant", "value": value}
    nodes = [start(), *loop([variable]), template("t", "x", "lp"), end(v="lp.v")]
    run = await ran(export(nodes, "start>lp lps>t lp>end"))

    assert (run.status, run.outputs) == (("failed", {}) if begins is None else ("succeeded", {"v": begins}))


async def test_a_loop_may_be_left_from_inside():
    fork = node(
        "if",
        "if-else",
        "lp",
        cases=[
            {
                "case_id": "true",
                "conditions": [{"variable_selector": ["lp", "n"], "comparison_operator": ">", "value": "2"}],
            }
        ],
    )
    nodes = [start(), *loop([NUMBER]), change("+=", 1), fork, node("out", "loop-end", "lp"), end(n="lp.n")]
    run = await ran(export(nodes, "start>lp lps>as as>if if:true>out lp>end"))

    assert run.outputs == {"n": 3}


async def test_what_answers_in_bodies_say_belongs_to_the_answer():
    nodes = [
        start(), *loop([NUMBER]), change("+=", 1), node("a", "answer", "lp", answer="{{#lp.n#}}\n"),
        *iteration("it", "c.r", "c.r"), node("b", "answer", "it", answer="[{{#it.item#}}]"),
        code("c", "def main(): ...", None, "array[string]"), node("z", "answer", answer="끝"),
    ]  # fmt: skip
    nodes[1]["data"]["loop_count"] = 2
    text = export(nodes, "start>lp lps>as as>a lp>c c>it its>b it>z", mode="advanced-chat")
    run = await ran(text, {"query": ""}, pins={"c": pin(r=["x", "y"])})

    assert run.said == "2\n3\n[x][y]끝"
    assert run.outputs["answer"] == run.said


async def test_pins_of_a_body_are_used_round_by_round():
    nodes = [start("items"), *iteration("it", "start.items", "l.text"), node("l", "llm", "it", prompt_template=[])]
    run = await ran(
        export([*nodes, end(out="it.output")], "start>it its>l it>end"),
        {"items": [1, 2]},
        pins={"l": {"runs": [pin(text="하나"), pin(text="둘")]}},
    )

    assert run.outputs == {"out": ["하나", "둘"]}


async def test_old_exports_name_the_node_that_a_body_begins_with():
    nodes = [
        start("items"),
        node(
            "it", "iteration", iterator_selector=["start", "items"], output_selector=["t", "output"], start_node_id="t"
        ),
    ]
    inner = template("t", "{{ x }}!", None, x="it.item")
    inner["data"]["iteration_id"] = "it"
    run = await ran(export([*nodes, inner, end(out="it.output")], "start>it it>end"), {"items": ["가"]})

    assert run.outputs == {"out": ["가!"]}
