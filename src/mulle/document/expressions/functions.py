"""The functions that an expression may call: pure, bounded, and every refusal is a WrongValue or ResultTooLarge.

A function whose first argument is null answers null, unless the table says otherwise.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from typing import Any
from urllib.parse import quote

from mulle.errors import ResultTooLarge, WrongValue

from . import dates
from .values import (
    MAX_SIZE,
    NUMBERS,
    as_text,
    bounded,
    canonical,
    fit,
    inside,
    joined,
    key_in,
    kind,
    nfc,
    ordered,
    shape_of,
    to_json,
    truth,
    weigh,
)


@dataclass(frozen=True, slots=True)
class Function:
    """One listed function: how it is called and what it does."""

    usage: str
    run: Callable[..., Any]
    least: int
    """How many arguments it needs."""
    most: int
    of_null: Any = None
    """What it answers when its first argument is null."""
    takes_null: bool = False
    """Whether it wants to see that null itself."""

    def __call__(self, *arguments: Any) -> Any:
        if arguments[0] is None and not self.takes_null:
            return self.of_null
        return self.run(*arguments)


def _text(value: Any, what: str = "a text") -> str:
    if type(value) is not str:
        raise WrongValue(f"{what} should stand here, not {kind(value)}.", hint="string(…) makes a text of anything.")
    return value


def _list(value: Any) -> list[Any]:
    if shape_of(value) is not list:
        raise WrongValue(f"a list should stand here, not {kind(value)}.")
    return value


def _object(value: Any) -> dict[str, Any]:
    if shape_of(value) is not dict:
        raise WrongValue(f"an object should stand here, not {kind(value)}.")
    return value


def _whole(value: Any, least: int, most: int) -> int:
    number = bounded(value)
    if number != int(number) or not least <= number <= most:
        raise WrongValue(f"a whole number from {least} to {most} should stand here.")
    return int(number)


def _length(value: Any) -> int:
    if type(value) not in {str, list, dict}:
        raise WrongValue(f"{kind(value)} has no length; a text, a list or an object has.")
    return len(value)


def _lower(text: Any) -> str:
    return fit(_text(text).lower())


def _upper(text: Any) -> str:
    return fit(_text(text).upper())


def _trim(text: Any) -> str:
    return fit(_text(text).strip())


def _contains(whole: Any, part: Any) -> bool:
    return inside(part, whole)


def _starts_with(text: Any, start: Any) -> bool:
    return nfc(_text(text)).startswith(nfc(_text(start)))


def _ends_with(text: Any, end: Any) -> bool:
    return nfc(_text(text)).endswith(nfc(_text(end)))


def _split(text: Any, separator: Any = None) -> list[str]:
    if separator is not None and not _text(separator, "a separator"):
        raise WrongValue("a text cannot be split at nothing.", hint="Leave the separator out to split at spaces.")
    # A piece more than may be answered is enough to be refused.
    parts = nfc(_text(text)).split(separator and nfc(separator), MAX_SIZE // 4)
    weigh(parts)
    return parts


def _join(items: Any, separator: Any) -> str:
    return joined(map(as_text, _list(items)), _text(separator, "a separator"))


def _replace(text: Any, old: Any, new: Any) -> str:
    whole, part, other = nfc(_text(text)), nfc(_text(old)), _text(new)
    if not part:
        raise WrongValue("nothing cannot be replaced; the second argument is empty.")
    if len(whole) + whole.count(part) * (len(other) - len(part)) > MAX_SIZE:
        raise ResultTooLarge("the text is larger than 1 MB.")
    return fit(whole.replace(part, other))


_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _number(value: Any) -> int | float:
    if type(value) in NUMBERS:
        return bounded(value)
    digits = _text(value, "a text or a number").strip()
    if len(digits) > 400 or not _NUMBER.fullmatch(digits):
        raise WrongValue("this text is not a number.", hint='Digits only; replace(…, ",", "") takes the commas out.')
    return bounded(float(digits) if digits.strip("+-0123456789") else int(digits))


def _fail(text: Any) -> Any:
    raise WrongValue(as_text(text)[:1000])


_YES = frozenset({"true", "yes", "on", "1", "y", "예", "네"})
_NO = frozenset({"false", "no", "off", "0", "n", "", "아니오", "아니요"})


def _boolean(value: Any) -> bool:
    if type(value) is not str:
        return truth(value)
    word = nfc(value.strip().lower()) if len(value) < 64 else value
    if word not in _YES | _NO:
        raise WrongValue("this text says neither yes nor no.", hint="Compare it instead: x == 'approved'.")
    return word in _YES


def _round(value: Any, digits: Any = 0) -> int | float:
    """Half away from zero, as people round; whole numbers when no digits are asked for."""
    number, places = bounded(value), _whole(digits, 0, 10)
    if type(number) is int:
        return number
    if abs(number) < 1e15:
        number = float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
    return number if places else int(number)


def _format_number(value: Any, digits: Any = None) -> str:
    if digits is None:
        number = bounded(value)
        return f"{int(number) if number == int(number) and abs(number) < 1e16 else number:,}"
    places = _whole(digits, 0, 10)
    return f"{Decimal(repr(_round(value, places))):,.{places}f}"


def _absolute(value: Any) -> int | float:
    return abs(bounded(value))


def _least(*values: Any) -> Any:
    return _extreme(list(values), lambda new, best: new < best)


def _greatest(*values: Any) -> Any:
    return _extreme(list(values), lambda new, best: new > best)


def _extreme(values: list[Any], holds: Callable[[Any, Any], bool]) -> Any:
    """The one that `holds` against all others, of one list or of the arguments; nulls do not count."""
    best = None
    if len(values) == 1:
        values = [] if values[0] is None else _list(values[0])
    for value in values:
        if value is not None and (best is None or ordered(value, best, holds)):
            best = value
    return best


def _sum(items: Any) -> int | float:
    start: int | float = 0
    return reduce(lambda total, item: bounded(total + bounded(item)), (i for i in _list(items) if i is not None), start)


def _first(items: Any) -> Any:
    return _list(items)[0] if _list(items) else None


def _last(items: Any) -> Any:
    return _list(items)[-1] if _list(items) else None


def _take(value: Any, count: Any) -> Any:
    if type(value) not in {str, list}:
        raise WrongValue(f"a list or a text should stand here, not {kind(value)}.")
    number, whole = _whole(count, -MAX_SIZE, MAX_SIZE), nfc(value) if type(value) is str else value
    return whole[:number] if number >= 0 else whole[number:]


def _pluck(items: Any, key: Any) -> list[Any]:
    name = nfc(_text(key, "a key"))
    return [_value_at(item, name) for item in _list(items)]


def _value_at(item: Any, key: str) -> Any:
    """`item[key]`, null where the item or the key is absent."""
    if item is None:
        return None
    found = key_in(_object(item), key)
    return None if found is None else item[found]


def _sort(items: Any, key: Any = None) -> list[Any]:
    """Numbers or texts in rising order, nulls last; objects by one of their keys."""
    data = _list(items)
    ranks = data if key is None else _pluck(data, key)
    kinds = {kind(rank) for rank in ranks} - {"null"}
    if len(kinds) > 1 or not kinds <= {"number", "string"}:
        raise WrongValue(
            f"{' and '.join(sorted(kinds))} cannot be sorted; numbers can, and texts.",
            hint='Objects are sorted by one of their keys: sort(list, "key").' if "object" in kinds else None,
        )
    known = [place for place, rank in enumerate(ranks) if rank is not None]
    known.sort(key=lambda place: nfc(ranks[place]) if kinds == {"string"} else ranks[place])
    return [data[place] for place in known] + [data[place] for place, rank in enumerate(ranks) if rank is None]


def _reverse(items: Any) -> list[Any]:
    return _list(items)[::-1]


def _unique(items: Any) -> list[Any]:
    seen: dict[Any, Any] = {}
    for item in _list(items):
        seen.setdefault(canonical(item), item)
    return list(seen.values())


def _keys(data: Any) -> list[Any]:
    return list(_object(data))


def _values(data: Any) -> list[Any]:
    return list(_object(data).values())


def _is_null(value: Any) -> bool:
    return value is None


def _default(value: Any, other: Any) -> Any:
    return other if value is None else value


def _parse_json(text: Any) -> Any:
    def refused(constant: str) -> Any:
        raise ValueError(constant)

    try:
        value = json.loads(fit(_text(text)), parse_constant=refused, parse_float=_json_float)
    except (ValueError, RecursionError):
        raise WrongValue("this text is not JSON.") from None
    weigh(value)
    return value


def _json_float(digits: str) -> float:
    return float(bounded(float(digits)))


def _url_encode(value: Any) -> str:
    return fit(quote(fit(as_text(value)), safe="", errors="replace"))


FUNCTIONS: dict[str, Function] = {
    "length": Function("length(text, list or object)", _length, 1, 1, of_null=0),
    "lower": Function("lower(text)", _lower, 1, 1),
    "upper": Function("upper(text)", _upper, 1, 1),
    "trim": Function("trim(text)", _trim, 1, 1),
    "contains": Function("contains(list, text or object, part)", _contains, 2, 2, of_null=False),
    "starts_with": Function("starts_with(text, start)", _starts_with, 2, 2, of_null=False),
    "ends_with": Function("ends_with(text, end)", _ends_with, 2, 2, of_null=False),
    "split": Function("split(text) or split(text, separator)", _split, 1, 2),
    "join": Function("join(list, separator)", _join, 2, 2),
    "replace": Function("replace(text, old, new)", _replace, 3, 3),
    "url_encode": Function("url_encode(text)", _url_encode, 1, 1),
    "string": Function("string(value)", as_text, 1, 1, of_null=""),
    "number": Function("number(text)", _number, 1, 1),
    "boolean": Function("boolean(value)", _boolean, 1, 1, of_null=False),
    "json": Function("json(value)", to_json, 1, 1, takes_null=True),
    "parse_json": Function("parse_json(text)", _parse_json, 1, 1),
    "type": Function("type(value)", kind, 1, 1, takes_null=True),
    "is_null": Function("is_null(value)", _is_null, 1, 1, takes_null=True),
    "fail": Function("fail(text)", _fail, 1, 1),
    "default": Function("default(value, other)", _default, 2, 2, takes_null=True),
    "round": Function("round(number) or round(number, digits)", _round, 1, 2),
    "format_number": Function("format_number(number) or format_number(number, digits)", _format_number, 1, 2),
    "abs": Function("abs(number)", _absolute, 1, 1),
    "min": Function("min(list) or min(a, b, …)", _least, 1, 500, takes_null=True),
    "max": Function("max(list) or max(a, b, …)", _greatest, 1, 500, takes_null=True),
    "sum": Function("sum(list)", _sum, 1, 1),
    "first": Function("first(list)", _first, 1, 1),
    "last": Function("last(list)", _last, 1, 1),
    "take": Function("take(list or text, count)", _take, 2, 2),
    "sort": Function('sort(list) or sort(list, "key")', _sort, 1, 2),
    "reverse": Function("reverse(list)", _reverse, 1, 1),
    "unique": Function("unique(list)", _unique, 1, 1),
    "pluck": Function('pluck(list, "key")', _pluck, 2, 2),
    "keys": Function("keys(object)", _keys, 1, 1),
    "values": Function("values(object)", _values, 1, 1),
    "format_date": Function('format_date(date, "%Y-%m-%d")', dates.format_date, 2, 3),
    "add_time": Function('add_time(date, amount, "days")', dates.add_time, 3, 3),
    "seconds_between": Function("seconds_between(start, end)", dates.seconds_between, 2, 2),
}
