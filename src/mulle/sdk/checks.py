"""Comparisons as a form asks for them: a value, an operator from a list, something to compare with.

Unlike expressions they are strict: an operator that does not go with the value's type is an error, not false.
"""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from mulle.document.expressions import as_text, truth
from mulle.document.expressions.values import NUMBERS, inside, kind, same
from mulle.document.ports import is_array
from mulle.errors import StepError
from mulle.sdk.context import Context
from mulle.sdk.fields import ROUND_NAMES, Marker, RoundExpression
from mulle.sdk.node import Settings

Operator = Literal[
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "is",
    "is_not",
    "empty",
    "not_empty",
    "==",
    "!=",
    ">",
    "<",
    ">=",
    "<=",
    "null",
    "not_null",
    "in",
    "not_in",
    "all_of",
]


class CannotCompare(StepError):
    """A value is of a type that the chosen operator does not work with."""

    code = "check.cannot_compare"
    message = "`{left}` {operator} … cannot be said of {found}: {wanted}."
    hint = "Choose another operator, or convert the value first: number(…), string(…)."


class Check(Settings):
    """One comparison."""

    left: RoundExpression
    """What is looked at: `start.question`."""
    operator: Operator
    """Of texts and lists: contains, not_contains, in, not_in, all_of; of texts: starts_with, ends_with; of texts and
    yes/no: is, is_not; of numbers: `==`, `!=`, `>`, `<`, `>=`, `<=`; of anything: empty, not_empty, null, not_null."""
    right: Annotated[Any, Marker("late", ROUND_NAMES)] = None
    """What it is compared with; numbers and yes/no may be written as text."""
    each: Literal["", "any", "every"] = ""
    """`left` is a list, and the comparison has to hold for any, or for every, of its items."""


class Checks(Settings):
    """Several comparisons."""

    match: Literal["all", "any"] = "all"
    """Whether all have to hold or one is enough; the rest is not looked at once that is clear."""
    checks: "list[Check | Checks]"
    """Without any, `all` holds and `any` does not."""


def holds(when: "str | Check | Checks", ctx: Context, **names: Any) -> bool:
    """Whether an expression, a comparison or several of them hold; raises CannotCompare, ExpressionError.

    `names` mean something in them beside what is known here anyway.
    """
    if isinstance(when, str):
        return truth(ctx.evaluate(when, **names))
    if isinstance(when, Checks):
        results = (holds(one, ctx, **names) for one in when.checks)
        return all(results) if when.match == "all" else any(results)
    left = ctx.evaluate(when.left, **names)
    right = ctx.render(when.right, **names) if isinstance(when.right, str) else when.right
    if not when.each:
        return _compared(when, left, right)
    results = (_compared(when, item, right) for item in (left if is_array(left) else []))
    return any(results) if when.each == "any" else all(results)


def _compared(check: Check, left: Any, right: Any) -> bool:
    try:
        return _COMPARISONS[check.operator](left, right)
    except _Unfit as error:
        raise CannotCompare(left=check.left, operator=check.operator, found=kind(left), wanted=str(error)) from error


class _Unfit(Exception):
    """Says what would have been right."""


def _contains(left: Any, right: Any) -> bool:
    if not truth(left):
        return False
    if isinstance(left, str):
        return inside(as_text(right), left)
    if not is_array(left):
        raise _Unfit("a text or a list should stand there")
    return inside(_yes_or_no(right) if isinstance(left[0], bool) else right, left)


def _edge(method: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        if not truth(left):
            return False
        if not isinstance(left, str):
            raise _Unfit("a text should stand there")
        return method(left, as_text(right))

    return compare


def _is(left: Any, right: Any) -> bool | None:
    """Whether they are the same; None when there is nothing on the left."""
    if left is None:
        return None
    if isinstance(left, bool):
        return left is _yes_or_no(right)
    if not isinstance(left, str):
        raise _Unfit("a text or yes/no should stand there; numbers are compared with ==")
    return same(left, as_text(right))


def _equal(left: Any, right: Any) -> bool | None:
    if left is None:
        return None
    if isinstance(left, bool):
        return left is _yes_or_no(right)
    return _number(left) == _as_number(right)


def _ordered(method: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: left is not None and method(_number(left), _as_number(right))


def _among(left: Any, right: Any) -> bool:
    if not is_array(right):
        raise _Unfit("it can only be looked for in a list")
    return any(same(left, item) for item in right)


def _all_of(left: Any, right: Any) -> bool:
    if not is_array(right):
        raise _Unfit("only the items of a list can be looked for")
    return all(inside(item, left) for item in right)


def _number(value: Any) -> int | float:
    if type(value) not in NUMBERS:
        raise _Unfit("a number should stand there")
    return value


def _as_number(value: Any) -> int | float:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise _Unfit(f"'{value[:80]}' is no number") from None
    return _number(value)


def _yes_or_no(value: Any) -> bool:
    """A yes or no, also written as text or as a number."""
    if isinstance(value, str):
        try:
            value = json.loads(value.lower())
        except ValueError:
            value = None
    if isinstance(value, int):
        return bool(value)
    raise _Unfit("yes/no can only be compared with true or false")


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "contains": _contains,
    "not_contains": lambda left, right: not _contains(left, right),
    "starts_with": _edge(str.startswith),
    "ends_with": _edge(str.endswith),
    "is": lambda left, right: _is(left, right) is True,
    "is_not": lambda left, right: _is(left, right) is False,
    "empty": lambda left, _right: not truth(left),
    "not_empty": lambda left, _right: truth(left),
    "==": lambda left, right: _equal(left, right) is True,
    "!=": lambda left, right: _equal(left, right) is False,
    ">": _ordered(lambda left, right: left > right),
    "<": _ordered(lambda left, right: left < right),
    ">=": _ordered(lambda left, right: left >= right),
    "<=": _ordered(lambda left, right: left <= right),
    "null": lambda left, _right: left is None,
    "not_null": lambda left, _right: left is not None,
    "in": lambda left, right: truth(left) and _among(left, right),
    "not_in": lambda left, right: not truth(left) or not _among(left, right),
    "all_of": _all_of,
}
