"""See at a glance that a value is nothing but data, and small, as most are: it needs no closer look."""

from math import inf
from typing import Any

from mulle.document.plain_data import WHOLE_NUMBERS

FEW, SHORT = 8, 512
"""Items, and characters of a text or a name, that a glance takes in."""
LEAST, GREATEST = WHOLE_NUMBERS[0], WHOLE_NUMBERS[-1]


def is_small_data(value: Any, levels: int = 2) -> bool:  # noqa: C901 - the quickest of many ways to write this.
    """Whether a dictionary or list has few items, each one a short text, a number that every reader of JSON keeps
    exact, true, false, null, or such a dictionary or list again, so many levels down. False means: look closer.
    """
    kind = value.__class__
    if kind is dict and len(value) <= FEW:
        for name in value:
            if name.__class__ is not str or len(name) > SHORT or not (name.isascii() or _can_be_written(name)):
                return False
        items = value.values()
    elif kind is list and len(value) <= FEW:
        items = value
    else:
        return False
    for item in items:
        kind = item.__class__
        if kind is int:
            if not LEAST <= item <= GREATEST:
                return False
        elif kind is str:
            if len(item) > SHORT or not (item.isascii() or _can_be_written(item)):
                return False
        elif kind is float:
            if not -inf < item < inf:
                return False
        elif kind is dict or kind is list:
            if not levels or not is_small_data(item, levels - 1):
                return False
        elif kind is not bool and item is not None:
            return False
    return True


def _can_be_written(text: str) -> bool:
    """Half a character cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
