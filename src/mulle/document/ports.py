"""Ports: what flows in and out of a node, by name and type. Knows nothing of nodes or graphs."""

import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeGuard

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Name = Annotated[
    str, Field(min_length=1, max_length=200), AfterValidator(lambda name: unicodedata.normalize("NFC", name))
]
"""The name of a node, a port or a variable, in NFC."""


class PortType(StrEnum):
    """The seven things that can flow."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    FILE = "file"
    ANY = "any"


class Port(BaseModel):
    """One named and typed opening of a node."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    name: Name
    """Unique among the node's inputs, or among its outputs."""
    type: PortType = PortType.ANY
    """What may flow through."""
    required: bool = False
    """Whether it must get a value."""
    default_value: Any = None
    """What an input has when nothing alive leads to it."""
    description: str = ""
    """What it is for."""
    display_name: str = ""
    """What people read in place of the name."""
    multiple: bool = False
    """An input that collects every alive edge, in document order, instead of the first."""
    branch: bool = False
    """An output that says which way to go; edges from it are gates and carry no data."""
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    """A JSON Schema for what is inside an object or an array."""


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a piece of JSON-like data is an object. Its keys are text, because all data came through a parser."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Whether a piece of JSON-like data is an array."""
    return isinstance(value, list)


def flows(source: PortType, target: PortType) -> bool:
    """Whether an edge may lead from one type to the other: into itself, from `any` and into `any`."""
    return source is target or PortType.ANY in (source, target)


CONVERTERS: Mapping[tuple[PortType, PortType], str] = {
    (PortType.STRING, PortType.NUMBER): "number({0})",
    (PortType.STRING, PortType.BOOLEAN): "boolean({0})",
    (PortType.STRING, PortType.ARRAY): 'split({0}, ",")',
    (PortType.NUMBER, PortType.STRING): "string({0})",
    (PortType.BOOLEAN, PortType.STRING): "string({0})",
    (PortType.ARRAY, PortType.STRING): 'join({0}, ", ")',
    (PortType.ARRAY, PortType.NUMBER): "length({0})",
    (PortType.OBJECT, PortType.STRING): "json({0})",
    (PortType.OBJECT, PortType.ARRAY): "values({0})",
}
"""The expression that turns one type into another, for hints."""


def conversion_hint(source: PortType, target: PortType, reference: str) -> str:
    """What a person can do about an edge whose types do not fit."""
    converter = CONVERTERS.get((source, target))
    if converter is None:
        return f"Put a transform node between them that turns {source} into {target}."
    return f"Put a transform node between them with the expression {converter.format(reference)}."


def is_file(value: Any) -> bool:
    """A file is an object that says where its content is."""
    return is_object(value) and not value.keys().isdisjoint(("path", "blob", "url"))


_CHECKS: Mapping[PortType, Callable[[Any], bool]] = {
    PortType.STRING: lambda value: isinstance(value, str),
    PortType.NUMBER: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    PortType.BOOLEAN: lambda value: isinstance(value, bool),
    PortType.ARRAY: is_array,
    PortType.OBJECT: is_object,
    PortType.FILE: is_file,
    PortType.ANY: lambda _value: True,
}


def accepts(port: Port, value: Any) -> bool:
    """Whether a value may pass this port. Null passes every port that is not required: it is data."""
    return entrance(port)(value)


def entrance(port: Port) -> Callable[[Any], bool]:
    """What says whether a value may pass this port."""
    check = _CHECKS[port.type]
    if port.required or port.type is PortType.ANY:
        return check
    return lambda value: value is None or check(value)


def type_of(value: Any) -> str:
    """A value's port type in words, for error messages."""
    if value is None:
        return "null"
    found = next((port_type for port_type, check in _CHECKS.items() if check(value)), PortType.ANY)
    return type(value).__name__ if found is PortType.ANY else found.value
