"""See at a glance that a value is nothing but data, and small, as most are: it needs no closer look."""

from math import isfinite
from typing import Any

from mulle.document.plain_data import WHOLE_NUMBERS

FEW, SHORT = 8, 512
"""Items, and characters of a text or a name, that a glance takes in."""


def is_small_data(value: Any, levels: int = 2) -> bool:
    """Whether a dictionary or list has few items, each one a short text, a number that every reader of JSON keeps
    exact, true, false, null, or such a dictionary or list again, so many levels down. False means: look closer.
    """
    kind = value.__class__
    if (kind is not dict and kind is not list) or len(value) > FEW:
        return False
    items = value
    if kind is dict:
        for name in value:
            if name.__class__ is not str or len(name) > SHORT or not (name.isascii() or _can_be_written(name)):
                return False
        items = value.values()
    for item in items:
        kind = item.__class__
        if kind is str:
            fits = len(item) <= SHORT and (item.isascii() or _can_be_written(item))
        elif kind is int:
            fits = item in WHOLE_NUMBERS
        elif kind is bool or item is None:
            continue
        elif kind is float:
            fits = isfinite(item)
        else:
            fits = levels > 0 and is_small_data(item, levels - 1)
        if not fits:
            return False
    return True


def _can_be_written(text: str) -> bool:
    """Half a character cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
