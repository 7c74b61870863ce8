from typing import Any

import pytest

from mulle.errors import MissingReference
from mulle.sdk.checks import CannotCompare, Check, Checks, holds
from mulle.sdk.context import Context


def check(left: Any, operator: Any, right: Any = None, **more: Any) -> bool:
    return holds(Check(left="x", operator=operator, right=right, **more), Context(lookup={"x": left}.__getitem__))


@pytest.mark.parametrize(
    ("left", "operator", "right", "answer"),
    [
        ("hello", "contains", "ell", True),
        ("hello", "contains", "x", False),
        ("a5", "contains", 5, True),
        ("", "contains", "", False),
        (None, "contains", "x", False),
        (["a", "b"], "contains", "b", True),
        ([1], "contains", "1", False),
        ([True], "contains", "true", True),
        ("hello", "not_contains", "x", True),
        (None, "not_contains", "x", True),
        ("hello", "starts_with", "he", True),
        ("hello", "ends_with", "lo", True),
        ("", "starts_with", "", False),
        ("a", "is", "a", True),
        ("5", "is", 5, True),
        (None, "is", "a", False),
        (None, "is_not", "a", False),
        ("a", "is_not", "b", True),
        (False, "is", "false", True),
        (True, "is", 1, True),
        (True, "is_not", "False", True),
        ("", "empty", None, True),
        (0, "empty", None, True),
        ([1], "not_empty", None, True),
        (5, "==", "5.0", True),
        (5.5, "==", 5.5, True),
        (True, "==", "true", True),
        (None, "==", "1", False),
        (None, "!=", "1", False),
        (5, "!=", "6", True),
        (5, ">", "4.9", True),
        (5, "<", 5.1, True),
        (5.0, ">=", "5", True),
        (5, "<=", "5", True),
        (None, ">", "1", False),
        (None, "null", None, True),
        ("", "not_null", None, True),
        ("a", "in", ["a"], True),
        ("", "in", ["a"], False),
        ("a", "not_in", ["b"], True),
        (None, "not_in", "no list", True),
        (["a", "b"], "all_of", ["b"], True),
        (["a"], "all_of", ["a", "b"], False),
    ],
)
def test_a_comparison_answers_as_a_form_means_it(left: Any, operator: str, right: Any, answer: bool):
    assert check(left, operator, right) is answer


@pytest.mark.parametrize(
    ("left", "operator", "right", "said"),
    [
        (5, "contains", "5", "a text or a list should stand there"),
        (5, "starts_with", "5", "a text should stand there"),
        (5, "is", "5", "numbers are compared with =="),
        ("5", "==", "5", "a number should stand there"),
        (5, ">", "abc", "'abc' is no number"),
        (5, "<", None, "a number should stand there"),
        (True, "is", "perhaps", "true or false"),
        (True, "is", None, "true or false"),
        ("a", "in", "abc", "only be looked for in a list"),
        (["a"], "all_of", "a", "only the items of a list"),
    ],
)
def test_an_operator_that_does_not_go_with_the_value_is_an_error(left: Any, operator: str, right: Any, said: str):
    with pytest.raises(CannotCompare, match=said):
        check(left, operator, right)


@pytest.mark.parametrize(("each", "answer"), [("any", True), ("every", False)])
def test_a_comparison_may_be_made_with_the_items_of_a_list(each: str, answer: bool):
    assert check(["image", "text"], "is", "image", each=each) is answer
    assert check(None, "is", "image", each=each) is (each == "every")


def test_what_is_compared_with_may_be_a_template():
    assert check(5, "==", "{{ x }}")
    assert check("5원", "is", "{{ 2 + 3 }}원")


@pytest.mark.parametrize(
    ("match", "checks", "answer"),
    [
        ("all", [("a", True), ("a", False)], False),
        ("any", [("a", False), ("a", True)], True),
        ("all", [], True),
        ("any", [], False),
        ("any", [("a", True), ("missing", True)], True),
        ("all", [("a", False), ("missing", True)], False),
    ],
)
def test_several_hold_together_and_no_more_is_looked_at_than_needed(match: Any, checks: list[Any], answer: bool):
    wanted: list[Check | Checks] = [Check(left=left, operator="is", right=right) for left, right in checks]
    inner: list[Check | Checks] = [Checks(match=match, checks=wanted)]
    group = Checks(match=match, checks=inner)

    assert holds(group, Context(lookup={"a": True}.__getitem__)) is answer


def test_an_expression_holds_as_it_is():
    assert holds("n > least", Context(lookup={"n": 3}.__getitem__), least=2)
    with pytest.raises(MissingReference):
        holds("nothing", Context())
