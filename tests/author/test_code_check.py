import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.author.code_check import CodeValidator, code_problems
from mulle.document.reading import read_workflow


def codes(source: str, ports: frozenset[str] | None = None) -> list[str]:
    return [problem.code for problem in CodeValidator().problems(source, ports)]


def test_good_code_has_no_problems():
    assert (
        codes("import json\ndef main(text: str) -> dict:\n    return {'text': json.dumps(text)}", frozenset({"text"}))
        == []
    )


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("def main(:", "code.syntax"),
        ("x = 1", "code.no_main"),
        ("import os\ndef main(): return {}", "code.forbidden"),
        ("from subprocess import run\ndef main(): return {}", "code.forbidden"),
        ("def main(): return eval('1')", "code.forbidden"),
        ("def main(): return ().__class__.__bases__", "code.forbidden"),
        ("def main(a, b): return {}", "code.unfed_parameter"),
        ("def main(): return {}", "code.unknown_port"),
        ("\0", "code.syntax"),
    ],
)
def test_what_may_not_be_saved_is_named(source: str, code: str):
    assert code in codes(source, frozenset({"a"}))


def test_a_parameter_with_a_default_needs_no_port():
    assert codes("def main(a, b=1, *, c=2): return {}", frozenset({"a"})) == []


def test_code_inside_of_bodies_is_found_at_its_place():
    workflow = read_workflow("""
nodes:
  - id: each
    type: map
    body: {nodes: [{id: inner, type: code, data: {code: "def main(:"}}]}
""")

    assert [problem.where for problem in code_problems(workflow)] == ["nodes.each.body.nodes.inner.data.code:1"]


@given(st.text(max_size=200))
def test_any_text_is_judged(source: str):
    codes(source)
