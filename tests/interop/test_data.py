"""Variables, lists, code and forms of a Dify export."""

import json
from typing import Any

import pytest
from tests.interop.exports import end, export, node, problems, ran, start

from mulle.interop.dify.assemble import import_dify
from mulle.services.sandbox import available

pytestmark = pytest.mark.skipif(not available().ok, reason="This kernel has not the locks that code steps need.")


def conversation(name: str, type_: str, value: Any) -> dict[str, Any]:
    return {"conversation_variables": [{"name": name, "value_type": type_, "value": value}]}


@pytest.mark.parametrize(
    ("type_", "held", "operation", "value", "left"),
    [
        ("string", "a", "set", "b", "b"),
        ("string", "a", "clear", None, ""),
        ("number", 5, "clear", None, 0),
        ("number", 5, "+=", 2, 7),
        ("number", 5, "-=", 2, 3),
        ("object", {}, "set", '{"a": 1}', {"a": 1}),
        ("number", 6, "/=", 4, 1.5),
        ("array[string]", ["a"], "append", "b", ["a", "b"]),
        ("array[number]", [1, 2, 3], "remove-first", None, [2, 3]),
        ("array[number]", [1, 2, 3], "remove-last", None, [1, 2]),
        ("array[number]", [], "remove-first", None, []),
        ("object", {"a": 1}, "clear", None, {}),
    ],
)
async def test_a_variable_is_changed_as_it_was(type_: str, held: Any, operation: str, value: Any, left: Any):
    constant = not type_.startswith("array") and operation != "clear"
    item = {
        "variable_selector": ["conversation", "v"],
        "input_type": "constant" if constant else "variable",
        "operation": operation,
        "value": value if constant else ["start", "x"],
    }
    nodes = [start("x"), node("as", "assigner", version="2", items=[item]), end(v="conversation.v")]
    run = await ran(export(nodes, "start>as as>end", **conversation("v", type_, held)), {"x": value})

    assert run.outputs == {"v": left}
    assert run.conversation == {"v": left}


@pytest.mark.parametrize(
    ("type_", "operation", "input_type", "value"),
    [
        ("array[string]", "append", "constant", "a"),
        ("array[string]", "over-write", "constant", ["a"]),
        ("string", "set", "variable", ["start", "x"]),
        ("number", "+=", "variable", ["start", "x"]),
        ("string", "clear", "constant", None),
        ("object", "over-write", "constant", '{"a": 1}'),
    ],
)
async def test_an_operation_takes_the_kind_of_input_that_it_took(
    type_: str, operation: str, input_type: str, value: Any
):
    item = {
        "variable_selector": ["conversation", "v"],
        "input_type": input_type,
        "operation": operation,
        "value": value,
    }
    begun: dict[str, Any] = {"string": "a", "number": 1, "object": {}}
    held = begun.get(type_, [])
    nodes = [start("x"), node("as", "assigner", version="2", items=[item]), end(v="conversation.v")]
    run = await ran(export(nodes, "start>as as>end", **conversation("v", type_, held)), {"x": 1})

    assert run.status == "failed"


@pytest.mark.parametrize(
    ("type_", "operation", "value"),
    [
        ("string", "+=", 1),
        ("string", "append", "a"),
        ("string", "remove-first", None),
        ("string", "over-write", 5),
        ("array[string]", "append", 5),
        ("array[string]", "over-write", [5]),
        ("array[string]", "set", ["a"]),
        ("array[any]", "over-write", "a"),
    ],
)
async def test_a_value_of_another_type_fails_the_step(type_: str, operation: str, value: Any):
    item = {
        "variable_selector": ["conversation", "v"],
        "input_type": "variable",
        "operation": operation,
        "value": ["start", "x"],
    }
    nodes = [start("x"), node("as", "assigner", version="2", items=[item]), end(v="conversation.v")]
    held: Any = [] if type_.startswith("array") else "a"

    assert (
        await ran(export(nodes, "start>as as>end", **conversation("v", type_, held)), {"x": value})
    ).status == "failed"


@pytest.mark.parametrize("operation", ["over-write", "append", "extend"])
async def test_null_from_a_variable_changes_nothing(operation: str):
    item = {
        "variable_selector": ["conversation", "v"],
        "input_type": "variable",
        "operation": operation,
        "value": ["start", "x"],
    }
    nodes = [start("x"), node("as", "assigner", version="2", items=[item]), end(v="conversation.v")]
    run = await ran(export(nodes, "start>as as>end", **conversation("v", "array[string]", ["a"])), {"x": None})

    assert (run.status, run.outputs) == ("succeeded", {"v": ["a"]})


@pytest.mark.parametrize("held", [[], None])
async def test_a_list_that_is_empty_stays_so_whatever_is_asked_of_it(held: Any):
    second = {"enabled": True, "serial": "2"}
    upwards = {"enabled": True, "key": "", "value": "asc"}
    operator = node("lo", "list-operator", None, variable=["start", "l"], extract_by=second, order_by=upwards)
    nodes = [start("l"), operator, end(r="lo.result")]
    run = await ran(export(nodes, "start>lo lo>end"), {"l": held})

    assert (run.status, run.outputs) == ("succeeded", {"r": []})


async def test_the_first_assigner_is_understood_too():
    old = node(
        "as",
        "assigner",
        assigned_variable_selector=["conversation", "v"],
        input_variable_selector=["start", "x"],
        write_mode="append",
    )
    run = await ran(
        export(
            [start("x"), old, end(v="conversation.v")], "start>as as>end", **conversation("v", "array[string]", ["a"])
        ),
        {"x": "b"},
    )

    assert run.outputs == {"v": ["a", "b"]}


@pytest.mark.parametrize(
    ("settings", "result", "first", "last"),
    [
        ({}, ["b", "a", "c"], "b", "c"),
        ({"order_by": {"enabled": True, "value": "desc"}}, ["c", "b", "a"], "c", "a"),
        ({"extract_by": {"enabled": True, "serial": "2"}}, ["a"], "a", "a"),
        ({"limit": {"enabled": True, "size": 2}}, ["b", "a"], "b", "a"),
        ({"limit": {"enabled": True, "size": "1"}}, ["b"], "b", "b"),
        (
            {"filter_by": {"enabled": True, "conditions": [{"comparison_operator": "is not", "value": "a"}]}},
            ["b", "c"],
            "b",
            "c",
        ),
        (
            {"filter_by": {"enabled": True, "conditions": [{"comparison_operator": "contains", "value": "z"}]}},
            [],
            None,
            None,
        ),
    ],
)
async def test_a_list_is_worked_on_as_it_was(settings: dict[str, Any], result: list[str], first: Any, last: Any):
    nodes = [start("l"), node("lo", "list-operator", variable=["start", "l"], **settings)]
    text = export([*nodes, end(r="lo.result", f="lo.first_record", l="lo.last_record")], "start>lo lo>end")

    assert (await ran(text, {"l": ["b", "a", "c"]})).outputs == {"r": result, "f": first, "l": last}


@pytest.mark.parametrize("serial", ["4", "0", "two"])
async def test_a_number_that_no_item_has_fails_the_step(serial: str):
    nodes = [
        start("l"),
        node("lo", "list-operator", variable=["start", "l"], extract_by={"enabled": True, "serial": serial}),
    ]

    assert (await ran(export([*nodes, end(r="lo.result")], "start>lo lo>end"), {"l": ["a"]})).status == "failed"


async def test_groups_of_an_aggregator_are_outputs_of_their_own():
    groups: list[dict[str, Any]] = [
        {"group_name": "G1", "output_type": "string", "variables": [["l", "text"], ["start", "x"]]},
        {"group_name": "G2", "variables": [["start", "y"]]},
        {"group_name": "G3", "variables": []},
    ]
    nodes = [
        start("x", "y"),
        node("l", "llm"),
        node("g", "variable-aggregator", advanced_settings={"group_enabled": True, "groups": groups}),
    ]
    text = export([*nodes, end(a="g.G1.output", b="g.G2.output", c="g.G3.output")], "start>g g>end")

    assert (await ran(text, {"x": "가", "y": None})).outputs == {"a": "가", "b": None, "c": None}


# ---------------------------------------------------------------------- secrets and requests


def http(**data: Any) -> dict[str, Any]:
    return node(
        "h", "http-request", method="post", url="https://api.example.com/v1?key=k-12345678&q={{#start.q#}}", **data
    )


def settings(text: bytes) -> dict[str, Any]:
    return next(one.data for one in import_dify(text).workflow.nodes if one.id == "h")


async def test_secrets_are_named_and_never_told():
    request = http(
        headers="Authorization: Bearer abcdefgh12345\nX-Plain: 1",
        authorization={"type": "api-key", "config": {"type": "custom", "header": "X-Key", "api_key": "very-secret"}},
        body={
            "type": "json",
            "data": [{"type": "text", "value": '{"token": "tok-987654", "q": "{{#start.q#}}", "n": {{#start.n#}}}'}],
        },
    )
    environment = [{"name": "TOKEN", "value_type": "secret", "value": "from-the-env"}]
    text = export(
        [start("q", "n"), request, end(s="h.status_code")], "start>h h>end", environment_variables=environment
    )
    made = import_dify(text)
    shown = json.dumps([made.workflow.model_dump(mode="json"), made.notes])

    assert not [
        one for one in ("k-12345678", "abcdefgh12345", "very-secret", "tok-987654", "from-the-env") if one in shown
    ]
    data = settings(text)
    assert data["url"] == "https://api.example.com/v1?key={{ secret.H_KEY }}&q={{ start.q }}"
    assert data["headers"] == {
        "Authorization": "Bearer {{ secret.H_AUTHORIZATION }}",
        "X-Plain": "1",
        "X-Key": "{{ secret.H_API_KEY }}",
    }
    assert data["json"]["n"] == "{{ start.n }}"
    assert made.workflow.variables.environment["TOKEN"].secret
    assert [problem.severity for problem in await problems(text)] == []


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ({"type": "none", "data": []}, {}),
        ({"type": "raw-text", "data": [{"value": "글 {{#start.q#}}"}]}, {"body": "글 {{ start.q }}"}),
        ({"type": "x-www-form-urlencoded", "data": [{"key": "a", "value": "1"}]}, {"form": {"a": "1"}}),
        (
            {"type": "form-data", "data": "a:1\nb:{{#start.q#}}"},
            {"form": {"a": "1", "b": "{{ string(start.q) }}"}, "multipart": True},
        ),
        ({"type": "json", "data": '{"a": [{{#start.q#}}]}'}, {"json": {"a": ["{{ start.q }}"]}}),
        (
            {"type": "json", "data": '{"{{#start.q#}}": 1}'},
            {"body": '{"{{ start.q }}": 1}'},
        ),
        ({"type": "form-data", "data": [{"key": "{{#start.q#}}", "value": "1"}]}, {}),
    ],
)
def test_a_body_is_sent_as_it_was(body: dict[str, Any], made: dict[str, Any]):
    data = settings(export([start("q"), http(body=body), end(s="h.status_code")], "start>h h>end"))

    assert {key: data[key] for key in ("body", "form", "multipart", "json") if key in data} == made


def test_a_model_is_asked_with_what_it_was_asked():
    prompt = [{"role": "system", "text": "너는 {{#start.q#}}"}, {"role": "user", "text": "{{#context#}}"}]
    model = {
        "provider": "langgenius/openai/openai",
        "name": "gpt-4o",
        "completion_params": {"temperature": 0.5, "top_p": 1},
    }
    llm = node(
        "h", "llm", prompt_template=prompt, model=model, context={"enabled": True, "variable_selector": ["start", "q"]}
    )
    text = export([start("q"), llm, end(s="h.text")], "start>h h>end")

    assert settings(text) == {
        "system": "너는 {{ start.q }}",
        "prompt": "{{ string(start.q) }}",
        "model": "openai:gpt-4o",
        "temperature": 0.5,
    }
    assert any("top_p" in note for note in import_dify(text).notes)


@pytest.mark.parametrize(
    "settings",
    [
        {"items": [{"variable_selector": ["conversation", "gone"], "operation": "clear", "input_type": "variable"}]},
        {"items": [{"variable_selector": ["start", "x"], "operation": "over-write", "value": ["start", "x"]}]},
        {"assigned_variable_selector": ["conversation", "gone"], "input_variable_selector": ["start", "x"]},
        {"assigned_variable_selector": [], "input_variable_selector": ["start", "x"]},
    ],
)
async def test_what_cannot_be_written_is_noted_and_fails_the_step_alone(settings: dict[str, Any]):
    text = export([start("x"), node("as", "assigner", **settings), end(x="start.x")], "start>as as>end")
    run = await ran(text, {"x": 1})

    assert await problems(text) == []
    assert run.status == "failed"
    assert any("cannot be written" in note for note in run.imported.notes)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('API_KEY = "a1b2c3d4e5f6g7"', 'API_KEY = "REMOVED-SECRET"'),
        ("{'password': 'hunter2hunter2'}", "{'password': 'REMOVED-SECRET'}"),
        ('connect("postgres://me:geheim1@db:5432/x")', 'connect("postgres://REMOVED-SECRET@db:5432/x")'),
        ('max_tokens = "4096"', 'max_tokens = "4096"'),
        ('get("http://localhost:8080/@me")', 'get("http://localhost:8080/@me")'),
    ],
)
def test_what_is_named_a_secret_in_code_is_taken_out(text: str, kept: str):
    code = node("c", "code", code=f"def main():\n    {text}\n    return {{}}", outputs={})

    assert f"    {kept}\n" in import_dify(export([start(), code], "start>c")).workflow.nodes[1].data["code"]


def test_secrets_inside_of_a_tools_settings_are_named_or_taken_out():
    settings = {
        "api_key": {"type": "constant", "value": "tvly-12345678"},
        "depth": {"type": "constant", "value": "basic"},
    }
    server = {"value": '{"url": "https://x.example/sse?token=abcdef123456"}', "type": "constant"}
    step = node("t", "tool", tool_name="t", tool_configurations=settings, tool_parameters={"server": server})
    made = import_dify(export([start(), step, end(o="t.text")], "start>t t>end"))

    kept = made.workflow.nodes[1].data
    assert kept["settings"]["tool_configurations"] == {
        "api_key": {"type": "constant", "value": "{{ secret.TOOL_T__API_KEY }}"},
        "depth": {"type": "constant", "value": "basic"},
    }
    assert "abcdef123456" not in str(kept)
