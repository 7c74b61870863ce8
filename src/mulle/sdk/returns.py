"""What a code step must return: declared outputs, their types and sizes, checked value by value."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from mulle.document.expressions.values import kind
from mulle.document.ports import PortType, is_array, is_object
from mulle.errors import StepError
from mulle.sdk.node import Settings

Kind = Literal[
    "string",
    "number",
    "boolean",
    "object",
    "array",
    "array[string]",
    "array[number]",
    "array[object]",
    "array[boolean]",
    "any",
]


class Returned(Settings):
    """One output that the code has to return."""

    type: Kind = "any"
    """Null passes everywhere."""
    most: int | None = Field(default=None, ge=1)
    """The most characters of a text, or items of a list."""
    least_number: int | None = None
    """No number may be smaller."""
    greatest_number: int | None = None
    """No number may be greater."""
    deepest: int | None = Field(default=None, ge=1)
    """How many objects may stand in each other."""
    fields: "dict[str, Returned] | None" = None
    """What an object, or each object of a list, has to have, nothing more and nothing less."""

    @property
    def port_type(self) -> PortType:
        return PortType(self.type.partition("[")[0])


class NotAsDeclared(StepError):
    """The code returned something else than the step declares."""

    code = "code.not_as_declared"
    message = "The output '{name}' {problem}."
    hint = "Change what `main` returns, or what `returns` asks for."


def checked(found: Mapping[str, Any], wanted: Mapping[str, Returned], place: str = "") -> dict[str, Any]:
    """The declared outputs; raises NotAsDeclared for what is missing, of another type, too large, or not declared."""
    made: dict[str, Any] = {}
    for name, one in wanted.items():
        if name not in found:
            raise NotAsDeclared(name=place + name, problem="is missing")
        made[name] = _value(found[name], one, place + name)
    if more := found.keys() - wanted.keys():
        raise NotAsDeclared(name=place + min(more), problem="is returned and not declared")
    return made


def _value(value: Any, wanted: Returned, name: str) -> Any:
    if value is None or wanted.type == "any":
        return value
    outer, _, inner = wanted.type.removesuffix("]").partition("[")
    if outer != "array":
        return _single(value, outer, wanted, name)
    if not is_array(value):
        raise NotAsDeclared(name=name, problem=f"must be a list, not {kind(value)}")
    _measured(len(value), wanted.most, "items", name)
    each = wanted.model_copy(update={"most": None})
    return [
        item if item is None or not inner else _single(item, inner, each, f"{name}[{number}]")
        for number, item in enumerate(value)
    ]


def _single(value: Any, type_: str, wanted: Returned, name: str) -> Any:
    if type_ == "number" and isinstance(value, bool):
        value = int(value)
    if kind(value) != type_:
        raise NotAsDeclared(name=name, problem=f"must be {_WORDS[type_]}, not {kind(value)}")
    if type_ == "string":
        _measured(len(value), wanted.most, "characters", name)
        return value.replace("\0", "")
    if type_ == "number":
        least, greatest = wanted.least_number, wanted.greatest_number
        if (least is not None and value < least) or (greatest is not None and value > greatest):
            raise NotAsDeclared(name=name, problem=f"must be a number between {least} and {greatest}")
    if is_object(value) and wanted.deepest is not None and _depth(value) > wanted.deepest:
        raise NotAsDeclared(name=name, problem=f"has more than {wanted.deepest} objects in each other")
    if is_object(value) and wanted.fields is not None:
        return checked(value, wanted.fields, f"{name}.")
    return value


_WORDS = {"string": "a text", "number": "a number", "boolean": "true or false", "object": "an object"}


def _measured(size: int, most: int | None, what: str, name: str) -> None:
    if most is not None and size > most:
        raise NotAsDeclared(name=name, problem=f"has {size:,} {what}, and {most:,} is the most")


def _depth(value: Any) -> int:
    """How many objects stand in each other; lists in between do not count."""
    if is_object(value):
        return 1 + max(map(_depth, value.values()), default=0)
    return max(map(_depth, value), default=0) if is_array(value) else 0


def fits(value: Any, type_: Kind) -> bool:
    """Whether a value is of a type; null is of none but `any`."""
    if type_ == "any":
        return True
    outer, _, inner = type_.removesuffix("]").partition("[")
    return kind(value) == outer and (not inner or all(kind(item) == inner for item in value))


def item_kind(type_: Kind) -> Kind:
    """The type of the items of a list."""
    return _ITEMS.get(type_, "any")


_ITEMS: Mapping[str, Kind] = {
    "array[string]": "string",
    "array[number]": "number",
    "array[object]": "object",
    "array[boolean]": "boolean",
}
