"""Plain data: what JSON can say, within bounds and in one normal form. Knows nothing of workflows.

All text comes out in NFC, keys and values alike, so that a Korean name means the same however it was typed.
"""

import unicodedata
from math import isfinite
from typing import Any

from mulle.document.places import place
from mulle.document.ports import is_array, is_object
from mulle.errors import DocumentError

MAX_DEPTH = 100
"""Lists and mappings inside each other."""

WHOLE_NUMBERS = range(-(2**63), 2**64)
"""Beyond these, readers of JSON take a number for an inexact one."""


class UnreadableDocument(DocumentError):
    """The text is neither YAML nor JSON that we can take."""

    code = "document.unreadable"
    hint = "A document is YAML or JSON as `mulle schema` describes it."


def too_deep() -> UnreadableDocument:
    return UnreadableDocument(f"The document is nested more than {MAX_DEPTH} levels deep.")


def plain_data(value: Any) -> Any:
    """A copy in NFC; raises UnreadableDocument where something is no data, too deep, too large or not finite."""
    return _plain(value, (), 0)


def _plain(value: Any, where: tuple[int | str, ...], depth: int) -> Any:
    if isinstance(value, str):
        return _text(value, where)
    if is_object(value):
        return _mapping(value, where, _deeper(depth))
    if is_array(value):
        depth = _deeper(depth)
        return [_plain(item, (*where, number), depth) for number, item in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, where)
    raise UnreadableDocument(f"A {type(value).__name__} is no data that JSON can hold.", at=place(where))


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise too_deep()
    return depth + 1


def _mapping(value: dict[Any, Any], where: tuple[int | str, ...], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise UnreadableDocument(f"The key {key!r} is not text.", at=place(where))
        name = _text(key, where)
        if name in found:
            raise UnreadableDocument(f"The key {name[:80]!r} stands twice in one mapping.", at=place(where))
        found[name] = _plain(item, (*where, name), depth)
    return found


def _text(text: str, where: tuple[int | str, ...]) -> str:
    if text.isascii():
        normal = text
    else:
        normal = unicodedata.normalize("NFC", text)
        try:
            normal.encode()
        except UnicodeEncodeError as error:
            raise UnreadableDocument("A text holds half a character (a lone surrogate).", at=place(where)) from error
    if "\0" in normal:
        raise UnreadableDocument("A text holds the character U+0000.", at=place(where))
    return normal


def _number(value: float, where: tuple[int | str, ...]) -> float:
    hint = "Put it in quotes to keep it as text."
    if isinstance(value, float):
        if not isfinite(value):
            raise UnreadableDocument("A number is not finite, and JSON cannot hold it.", at=place(where), hint=hint)
    elif not WHOLE_NUMBERS.start <= value < WHOLE_NUMBERS.stop:
        raise UnreadableDocument("A whole number has more than 64 bits.", at=place(where), hint=hint)
    return value
