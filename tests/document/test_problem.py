"""A problem is what the editor, the API and the command line all show."""

import pytest

from mulle.document.problem import Problem, errors, nearest
from mulle.errors import DocumentError


def test_an_error_becomes_a_problem_at_its_own_place_or_a_given_one():
    error = DocumentError(at="nodes.a", hint="Mend it.")

    assert Problem.of(error) == Problem("document.invalid", "nodes.a", "", "Mend it.")
    assert Problem.of(error, "nodes.b").where == "nodes.b"


def test_a_problem_is_plain_data():
    assert Problem("a.b", "nodes.요약", "What.", "How.", "warning").to_dict() == {
        "code": "a.b",
        "where": "nodes.요약",
        "message": "What.",
        "hint": "How.",
        "severity": "warning",
    }


def test_only_errors_forbid_a_run():
    wrong, odd = Problem("a", "", ""), Problem("b", "", "", severity="warning")

    assert errors([wrong, odd]) == [wrong]


@pytest.mark.parametrize(
    ("name", "there", "hint"),
    [
        ("sumary", ["summary", "end"], "Did you mean 'summary'?"),
        ("요액", ["요약", "끝"], "Did you mean '요약'?"),
        ("x", ["b", "a"], "There is: a, b."),
        ("x", [], ""),
        (
            "x",
            [f"n{number:03}" for number in range(1000)],
            "There is: " + ", ".join(f"n{n:03}" for n in range(20)) + " ….",
        ),
    ],
)
def test_a_hint_names_what_was_probably_meant_or_what_there_is(name: str, there: list[str], hint: str):
    assert nearest(name, there) == hint
