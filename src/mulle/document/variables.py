"""Changes of variables: operations that add up, so that parallel writers do not overwrite each other."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from mulle.document.ports import is_array, is_object
from mulle.errors import StepError


class Write(msgspec.Struct, frozen=True, array_like=True):
    """One change of a variable, `conversation.NAME` or `state.NAME`. Writes add up in journal order."""

    op: Literal["set", "add", "append", "extend", "remove", "clear"]
    target: str
    value: Any = None


class WriteRefused(StepError):
    """A variable cannot take this change."""

    code = "variable.write_refused"
    message = "Cannot {op} {value!r} to {target}: it holds {held}."
    hint = "Use `set` to replace the value, or give the variable the right type at its start."


def written(old: Any, write: Write) -> Any:
    """A variable's value after a write. The old value is not touched; null counts as empty. Raises WriteRefused."""
    try:
        return _OPERATIONS[write.op](old, write.value)
    except (TypeError, KeyError) as error:
        held = "nothing" if old is None else type(old).__name__
        raise WriteRefused(op=write.op, value=write.value, target=write.target, held=held) from error


def _add(old: Any, value: Any) -> Any:
    if is_object(old) and is_object(value):
        return old | value
    return value if old is None else old + value


def _append(old: Any, value: Any) -> Any:
    return [*_list(old), value]


def _extend(old: Any, value: Any) -> Any:
    return [*_list(old), *_list(value)]


def _remove(old: Any, value: Any) -> Any:
    if is_object(old):
        return {key: kept for key, kept in old.items() if key != value}
    return [kept for kept in _list(old) if kept != value]


def _clear(old: Any, _value: Any) -> Any:
    return [] if is_array(old) else {} if is_object(old) else "" if isinstance(old, str) else None


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not is_array(value):
        raise TypeError
    return value


_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "set": lambda _old, value: value,
    "add": _add,
    "append": _append,
    "extend": _extend,
    "remove": _remove,
    "clear": _clear,
}
