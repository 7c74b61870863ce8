"""What data is to an expression: its kinds, keys, equality, order, text and size. Knows no tree and no host methods.

Data is what JSON can say: None, bool, int, float, str, list and dict (keys are str), as a tree. Anything else that a
lookup hands over can be passed on, but not looked into.
"""

import json
import unicodedata
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from mulle.errors import MissingReference, ResultTooLarge, WrongValue

from .tokens import LARGEST_NUMBER

MAX_SIZE = 1_000_000
"""Bytes of text, or the weight of a list or object, that an expression may make."""

MAX_LEVELS = 100
"""How deep data may be nested that is compared."""

NUMBERS = frozenset({int, float})
"""The types of numbers; a boolean is none."""


shape_of: Callable[[Any], type[object]] = type
"""The exact type of a value. (By this name, a type checker goes on to see data in it, not a `list[Unknown]`.)"""


def kind(value: Any) -> str:
    """The port type of `value`: string, number, boolean, array, object or null; else the name of its Python type."""
    shape = shape_of(value)
    return _KINDS.get(shape) or shape.__name__


_KINDS: dict[type, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
}


def truth(value: Any) -> bool:
    """False for null, false, 0, and empty text, lists and objects; true for everything else."""
    shape = shape_of(value)
    return bool(value) if shape in _KINDS else True


def nfc(text: str) -> str:
    """`text` in NFC; as it is where a run of over 30 accents (never a language) would make that slow."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    if len(text) > 100:
        # Sorting one run of n accents takes n² steps: a megabyte of them would stand still for an hour.
        run = 0
        for character in text:
            run = run + 1 if unicodedata.combining(character) else 0
            if run > 30:
                return text
    return unicodedata.normalize("NFC", text)


def key_in(data: dict[str, Any], key: str) -> str | None:
    """The key of `data` that equals `key` (in NFC) however it was typed; None where there is none."""
    if key in data:
        return key
    return next((other for other in data if type(other) is str and not other.isascii() and nfc(other) == key), None)


def reach(value: Any, key: Any) -> Any:
    """`value[key]` of an object or a list; null has null everywhere.

    Raises MissingReference where nothing is there, WrongValue where `value` has no keys or `key` is none.
    """
    if value is None:
        return None
    shape = shape_of(value)
    if shape is dict:
        data: dict[str, Any] = value
        if type(key) is not str:
            raise WrongValue(f"the keys of an object are text, not {kind(key)}.")
        found = key_in(data, nfc(key))
        if found is None:
            raise missing(key, data)
        return data[found]
    if shape is list:
        items: list[Any] = value
        place = int(key) if type(key) is float and key.is_integer() else key
        if type(place) is not int:
            raise WrongValue(f"the places of a list are whole numbers, not {kind(key)}.", hint=_PLACES)
        if not -len(items) <= place < len(items):
            raise MissingReference(f"the list has no place {place}; its length is {len(items)}.", hint=_OPTIONAL)
        return items[place]
    raise WrongValue(f"{kind(value)} has no keys; only objects and lists have.", hint=_KEYLESS)


_PLACES = 'The first item is list[0], the last list[-1]; length(list) counts them, pluck(list, "key") looks into each.'
_KEYLESS = "parse_json(…) reads JSON text; length(…) counts characters."
_OPTIONAL = "Where it may be absent, write default(…, null)."


def missing(name: str, there: Iterable[Any]) -> MissingReference:
    """The error for a name that is not among those that are `there`."""
    names = [other for other, _ in zip(there, range(500), strict=False) if type(other) is str and len(other) <= 64]
    listed = ", ".join(f"'{other}'" for other in names[:8]) + (", …" if len(names) > 8 else "")
    # Decomposed, two Korean words that differ in one jamo are as alike as two English ones that differ in a letter.
    spelt = {unicodedata.normalize("NFD", other): other for other in names}
    close = get_close_matches(unicodedata.normalize("NFD", name[:64]), spelt, 1)
    return MissingReference(
        f"there is no '{name[:64]}', only {listed}." if listed else f"there is no '{name[:64]}'.",
        hint=f"Did you mean '{spelt[close[0]]}'?" if close else _OPTIONAL,
    )


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal as data: texts in NFC, objects in any order, a boolean never equals a number."""
    shape = shape_of(left)
    other = shape_of(right)
    if shape in NUMBERS and other in NUMBERS:
        return left == right
    if shape is not other:
        return False
    if shape is str:
        return left == right or (not (left.isascii() and right.isascii()) and nfc(left) == nfc(right))
    if shape is list or shape is dict:
        return len(left) == len(right) and canonical(left) == canonical(right)
    return left is right


def canonical(value: Any, levels: int = MAX_LEVELS) -> Any:
    """A hashable value that is equal for values that are the same. Raises WrongValue for data nested too deeply."""
    shape = shape_of(value)
    if shape is str:
        return nfc(value)
    if shape in NUMBERS:
        return ("number", value)
    if shape is not list and shape is not dict:
        return ("other", id(value))
    if not levels:
        raise WrongValue(f"data nested more than {MAX_LEVELS} levels deep cannot be compared.")
    if shape is list:
        items: list[Any] = value
        return ("array", tuple([canonical(item, levels - 1) for item in items]))
    data: dict[str, Any] = value
    return ("object", frozenset([(canonical(key), canonical(item, levels - 1)) for key, item in data.items()]))


def ordered(left: Any, right: Any, holds: Callable[[Any, Any], bool]) -> bool:
    """`left < right`, or what `holds` says, of two numbers or two texts; false with null. Else raises WrongValue."""
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return holds(left, right)
    if left is None or right is None:
        return False
    if type(left) is str and type(right) is str:
        return holds(nfc(left), nfc(right))
    hint = "number(…) makes a number of a text." if {kind(left), kind(right)} == {"number", "string"} else None
    raise WrongValue(f"{kind(left)} and {kind(right)} have no order.", hint=hint)


def inside(needle: Any, haystack: Any) -> bool:
    """Whether a list has an item, a text a part, an object a key; false with null. Else raises WrongValue."""
    if needle is None or haystack is None:
        return False
    shape = shape_of(haystack)
    if shape is list:
        items: list[Any] = haystack
        return any(same(needle, item) for item in items)
    if shape is not str and shape is not dict:
        raise WrongValue(f"`in` looks into a list, a text or an object, not into {kind(haystack)}.")
    if type(needle) is not str:
        raise WrongValue(f"in {kind(haystack)} only text can be looked for, not {kind(needle)}.")
    if shape is dict:
        data: dict[str, Any] = haystack
        return key_in(data, nfc(needle)) is not None
    return needle in haystack or nfc(needle) in nfc(haystack)


def bounded(number: Any) -> int | float:
    """The number itself. Raises WrongValue for anything else, ResultTooLarge beyond 1e300."""
    if type(number) not in NUMBERS:
        raise WrongValue(
            f"a number should stand here, not {kind(number)}.",
            hint="default(…, 0) replaces null." if number is None else "number(…) makes a number of a text.",
        )
    if -LARGEST_NUMBER <= number <= LARGEST_NUMBER:
        return number
    raise ResultTooLarge("a number beyond 1e300 cannot be computed with.")


def as_text(value: Any) -> str:
    """`value` as it stands in a text: null is empty, 3.0 is 3, lists and objects are compact JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if type(value) is int and abs(value) <= LARGEST_NUMBER:
        return str(value)
    if type(value) is float:
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    return to_json(value)


def to_json(value: Any) -> str:
    """Compact JSON, Korean as it is. Raises WrongValue for what JSON cannot say, ResultTooLarge over `MAX_SIZE`."""
    weigh(value)
    try:
        return fit(_JSON.encode(value))
    except (TypeError, ValueError, RecursionError):
        raise WrongValue(f"this {kind(value)} cannot be written as JSON.") from None


_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def fit(text: str) -> str:
    """The text itself. Raises ResultTooLarge over `MAX_SIZE` bytes."""
    if len(text) * 4 > MAX_SIZE and len(text.encode("utf-8", "surrogatepass")) > MAX_SIZE:
        raise ResultTooLarge("the text is larger than 1 MB.")
    return text


def joined(parts: Iterable[str], separator: str = "") -> str:
    """The parts as one text, never holding more than what may be a result. Raises ResultTooLarge."""
    whole: list[str] = []
    size = 0
    for part in parts:
        whole.append(part)
        size += len(part) + len(separator)
        if size - len(separator) > MAX_SIZE:
            raise ResultTooLarge("the text is larger than 1 MB.")
    return fit(separator.join(whole))


def weigh(value: Any, most: int = MAX_SIZE) -> int:
    """What the value weighs, all it holds included: about its length as JSON. Raises ResultTooLarge over `most`."""
    weight = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        shape = shape_of(item)
        if shape is str:
            weight += len(item) + 2
        elif shape is list or shape is dict:
            weight += 2 + 2 * len(item)
            if weight <= most:
                waiting.extend(item)
                if shape is dict:
                    waiting.extend(item.values())
        else:
            weight += 4
        if weight > most:
            raise ResultTooLarge(f"the value is larger than {most // 1_000_000} MB.")
    return weight
