"""What a function takes and gives, read from its text."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.errors import CodeFunctionMissing, CodeSyntax, MulleError
from mulle.sdk.code_signature import Output, Parameter, signature


def outputs(body: str, returns: str = "") -> list[str] | None:
    found = signature(f"def main(x){returns}:\n    " + body.replace("\n", "\n    ")).outputs
    return None if found is None else [output.name for output in found]


def test_parameters_have_names_annotations_and_defaults():
    found = signature("def main(이름: str, n: int = 3, *, tags: list[str] = ['a'], at=now(), **rest) -> dict: ...")

    assert found.parameters == (
        Parameter("이름", "str", required=True),
        Parameter("n", "int", required=False, default=3),
        Parameter("tags", "list[str]", required=False, default=["a"]),
        Parameter("at", None, required=False, default=None),
    )
    assert (found.takes_any, found.returns) == (True, "dict")


def test_names_are_in_the_form_in_which_python_reads_them():
    (parameter,) = signature("def main(이름): ...").parameters

    assert parameter.name == "이름"


def test_code_that_can_be_read_and_not_be_written_out_again_is_refused():
    with pytest.raises(CodeSyntax, match="nested too deeply"):
        signature("def main(a: x" + ".x" * 700 + "): ...")


def test_a_quoted_annotation_is_its_text():
    assert signature("def main(a: 'list[int]') -> 'dict': ...").parameters[0].annotation == "list[int]"


def test_async_functions_and_other_names_count_and_the_last_definition_wins():
    assert signature("def go(): ...\nasync def go(a): ...", "go").parameters[0].name == "a"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return {'a': 1, '나': 2}", ["a", "나"]),
        ("if x:\n    return {'a': 1}\nreturn {'b': 1, 'a': 2}", ["a", "b"]),
        ("return dict(a=1, b=2)", ["a", "b"]),
        ("result = {'a': 1}\nresult['b'] = result['a']\nreturn result", ["a", "b"]),
        ("result: dict = {}\nfor y in x:\n    result['b'] = y\nreturn result", ["b"]),
        ("print(x)", []),
        ("return", []),
        ("return None", []),
        ("if x:\n    return None\nreturn {'a': 1}", ["a"]),
        ("return x", None),
        ("return {**x}", None),
        ("return {x: 1}", None),
        ("return dict(**x)", None),
        ("return dict(x)", None),
        ("return {'a': 1} if x else {'b': 1}", None),
        ("result = {'a': 1}\nresult.update(x)\nreturn result", None),
        ("result = {'a': 1}\nresult[x] = 2\nreturn result", None),
        ("result = {'a': 1}\ndel result['a']\nreturn result", None),
        ("result = {'a': 1}\nother = result\nreturn result", None),
        ("result = x\nreturn result", None),
        ("yield {'a': 1}", None),
        ("def inner():\n    return {'inner': 1}\nreturn {'a': inner()}", ["a"]),
        ("f = lambda: {'inner': 1}\nreturn {'a': f}", ["a"]),
    ],
)
def test_outputs_are_the_keys_that_the_text_shows(body: str, expected: list[str] | None):
    assert outputs(body) == expected


def test_a_typed_dict_names_the_outputs_and_their_types():
    source = """
import typing as t
class Out(t.TypedDict):
    'Doc.'
    title: str
    score: float
def main() -> Out:
    return make()
"""

    assert signature(source).outputs == (Output("title", "str"), Output("score", "float"))
    assert signature(source.replace("-> Out", "-> 'Out'")).outputs == signature(source).outputs


def test_a_missing_function_is_named_with_what_there_is():
    with pytest.raises(CodeFunctionMissing) as error:
        signature("def mian(): ...")

    assert "mian" in error.value.advice


def test_parameters_that_cannot_be_given_by_name_are_refused():
    with pytest.raises(CodeSyntax, match="before the / cannot be given by name"):
        signature("def main(a, /): ...")


def test_a_mistake_is_named_with_its_line():
    with pytest.raises(CodeSyntax) as error:
        signature("def main():\n    return (")

    assert error.value.facts["line"] == 2


@pytest.mark.parametrize(
    "source",
    [
        "",
        "\0",
        "x = '\ud800'",
        "-" * 99_999 + "1",
        "(" * 9_999,
        "a" + ".b" * 50_000,
        "x = " + "1+" * 50_000 + "1",
        "f'{" * 9_999,
        "x\n" * 200_000,
        "def main(a: " + "x[" * 150 + "]" * 150 + "): ...",
        "def main(a=" + "-" * 400 + "1): ...",
        "def main():\n return " + "{'a':" * 150 + "1" + "}" * 150,
    ],
)
def test_hostile_sources_are_read_or_refused(source: str):
    with contextlib.suppress(CodeSyntax, CodeFunctionMissing):
        signature(source)


@given(
    st.text(max_size=200) | st.text("def main(a=1):\n return{}'\"[]*/,.", max_size=80).map("def main():\n {}".format)
)
def test_any_text_is_read_or_refused(source: str):
    with contextlib.suppress(MulleError):
        signature(source)


def test_nothing_of_the_source_is_run():
    assert (
        signature("raise SystemExit\ndef main(a=exit(), b=__import__('os').abort()): ...").parameters[0].default is None
    )
