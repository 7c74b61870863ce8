"""Code of a Dify export: what it takes and returns, and what of it cannot run here."""

from typing import Any

import pytest
from tests.interop.exports import end, export, node, pin, problems, ran, start

from mulle.services.sandbox import available

pytestmark = pytest.mark.skipif(not available().ok, reason="This kernel has not the locks that code steps need.")


def code(source: str, outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return node("c", "code", code=source, code_language="python3", variables=[], outputs=outputs, **more)


@pytest.mark.parametrize(
    ("returned", "type_", "fits"),
    [
        ("'a'", "string", True),
        ("1", "string", False),
        ("None", "array[string]", True),
        ("[{}] * 31", "array[object]", False),
        ("2**63", "number", False),
        ("[1, 2.5]", "array[number]", True),
        ("True", "boolean", True),
    ],
)
async def test_code_has_to_return_what_it_declares(returned: str, type_: str, fits: bool):
    code = node(
        "c",
        "code",
        code=f"def main():\n    return {{'r': {returned}}}",
        code_language="python3",
        variables=[],
        outputs={"r": {"type": type_}},
    )

    assert (await ran(export([start(), code, end(r="c.r")], "start>c c>end"))).status == (
        "succeeded" if fits else "failed"
    )


async def test_javascript_runs_only_pinned():
    code = node(
        "c",
        "code",
        code="function main() {}",
        code_language="javascript",
        variables=[],
        outputs={"r": {"type": "string"}},
    )
    run = await ran(export([start(), code, end(r="c.r")], "start>c c>end"), pins={"c": pin(r="가")})

    assert run.outputs == {"r": "가"}
    assert any("JavaScript" in note for note in run.imported.notes)


@pytest.mark.parametrize(
    ("outputs", "returned"),
    [
        ({"r": {"type": "object", "children": {"a": {"type": "string"}}}}, "{'r': {'a': 'x', 'b': 1}}"),
        ({"r": {"type": "array[object]", "children": {"a": {"type": "string"}}}}, "{'r': [{'a': 'x', 'b': 1}]}"),
        ({}, "{'r': 1}"),
    ],
)
async def test_code_returns_nothing_that_it_does_not_declare(outputs: dict[str, Any], returned: str):
    text = export([start("x"), code(f"def main():\n    return {returned}", outputs), end(x="start.x")], "start>c c>end")

    assert (await ran(text, {"x": 1})).status == "failed"


async def test_what_code_raised_is_told_as_dify_tells_it():
    raising = code("def main():\n    raise KeyError('k')", {"r": {"type": "string"}}, error_strategy="fail-branch")
    nodes = [start(), raising, end(r="c.r"), node("bad", "answer", answer="{{#c.error_message#}}")]
    run = await ran(export(nodes, "start>c c>end c:fail-branch>bad"))

    assert run.said == "KeyError: 'k'"


@pytest.mark.parametrize(
    ("source", "name"),
    [("raise KeyError('k')", "CodeExecutionError"), ("return {'r': 1}", "OutputValidationError")],
)
async def test_the_errors_of_code_have_the_names_that_they_had(source: str, name: str):
    failing = code(f"def main():\n    {source}", {"r": {"type": "string"}}, error_strategy="fail-branch")
    nodes = [start(), failing, end(r="c.r"), end(t="c.error_type") | {"id": "bad"}]

    assert (await ran(export(nodes, "start>c c>end c:fail-branch>bad"))).outputs["t"] == name


async def test_an_error_type_is_nothing_where_nothing_failed():
    fine = code("def main():\n    return {'r': 'x'}", {"r": {"type": "string"}}, error_strategy="fail-branch")

    assert (await ran(export([start(), fine, end(t="c.error_type")], "start>c c>end"))).outputs == {"t": None}


async def test_what_was_raised_inside_of_a_body_is_told_without_its_place():
    nodes = [
        start("l"),
        node(
            "it",
            "iteration",
            iterator_selector=["start", "l"],
            output_selector=["c", "r"],
            error_strategy="fail-branch",
        ),
        node("its", "iteration-start", "it"),
        code("def main():\n    raise ValueError('boom')", {"r": {"type": "string"}}) | {"parentId": "it"},
        end(r="it.output"),
        node("bad", "answer", answer="{{#it.error_message#}}"),
    ]
    run = await ran(export(nodes, "start>it its>c it>end it:fail-branch>bad"), {"l": [1]})

    assert run.said == "ValueError: boom"


BROKEN = {
    "no function": "x = 1",
    "no Python": "def main(:\n    return",
    "more arguments than are given": "def main(nobody):\n    return {'r': nobody}",
    "nothing": "",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
async def test_code_that_cannot_run_is_kept_noted_and_fails_when_it_is_reached(source: str):
    default = [{"key": "r", "type": "string", "value": "기본"}]
    broken = code(source, {"r": {"type": "string"}}, error_strategy="default-value", default_value=default)
    text = export([start(), broken, end(r="c.r")], "start>c c>end")

    assert [problem.severity for problem in await problems(text)] == ["warning"]
    run = await ran(text)
    assert (run.status, run.outputs) == ("succeeded", {"r": "기본"})
    assert any("code 'c'" in note and "only pinned" in note for note in run.imported.notes)


async def test_what_a_pinned_step_does_not_give_is_nothing():
    tool = node("t", "tool", provider_name="p", tool_name="t", tool_parameters={})
    text = export([start(), tool, end(text="t.text", json="t.json")], "start>t t>end")

    assert (await ran(text, pins={"t": pin(text="가")})).outputs == {"text": "가", "json": None}


async def test_an_output_that_code_does_not_declare_is_nothing_and_noted():
    step = node("c", "code", code="def main(): return {'r': 'a'}", outputs={"r": {"type": "string"}}, variables=[])
    run = await ran(export([start(), step, end(r="c.r", gone="c.gone")], "start>c c>end"))

    assert run.outputs == {"r": "a", "gone": None}
    assert any("'gone'" in note for note in run.imported.notes)
