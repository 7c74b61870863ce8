"""What the signs between two values do: arithmetic that stays bounded, comparisons that null does not break."""

import operator
from collections.abc import Callable
from typing import Any

from mulle.errors import ResultTooLarge, WrongValue

from .values import MAX_SIZE, NUMBERS, bounded, fit, inside, kind, ordered, same, shape_of


def _plus(left: Any, right: Any) -> Any:
    shapes = (shape_of(left), shape_of(right))
    if shapes[0] in NUMBERS and shapes[1] in NUMBERS:
        return bounded(bounded(left) + bounded(right))
    if shapes == (str, str):
        if len(left) + len(right) > MAX_SIZE:
            raise ResultTooLarge("the text is larger than 1 MB.")
        return fit(left + right)
    if shapes == (list, list):
        if (len(left) + len(right)) * 2 > MAX_SIZE:
            raise ResultTooLarge("the list is larger than 1 MB.")
        return left + right
    hint = None
    if left is None or right is None:
        hint = "default(…, 0) or default(…, '') replaces null."
    elif str in shapes:
        hint = "string(…) makes a text of anything, number(…) a number of a text."
    raise WrongValue(f"`+` joins two numbers, two texts or two lists, not {kind(left)} and {kind(right)}.", hint=hint)


def _of_numbers(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: bounded(compute(bounded(left), bounded(right)))


def _of_parts(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(left: Any, right: Any) -> Any:
        if bounded(right) == 0:
            hint = "Say what counts then: `a / b if b != 0 else null`."
            raise WrongValue("a number cannot be divided by zero.", hint=hint)
        return bounded(compute(bounded(left), right))

    return run


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": _plus,
    "-": _of_numbers(lambda left, right: left - right),
    "*": _of_numbers(lambda left, right: left * right),
    "/": _of_parts(lambda left, right: left / right),
    "//": _of_parts(lambda left, right: left // right),
    "%": _of_parts(lambda left, right: left % right),
}

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": same,
    "!=": lambda left, right: not same(left, right),
    "<": lambda left, right: ordered(left, right, operator.lt),
    ">": lambda left, right: ordered(left, right, operator.gt),
    "<=": lambda left, right: ordered(left, right, operator.le),
    ">=": lambda left, right: ordered(left, right, operator.ge),
    "in": inside,
    "not in": lambda left, right: not inside(left, right),
}
