"""The fields of a node type's `Config`: which are templates, which are expressions, which are left alone.

Every text in a node's `data` is a template (`{{ … }}`) unless its field says otherwise:

    when: Expression        the text itself is an expression; the node evaluates it
    by: ItemExpression      the same, over the `item`, `index` and `value` that the node gives it
    line: ItemTemplate      a template over these, which the node fills in itself, once for each item
    text: LateTemplate      a template that the node fills in itself, piece by piece; LateData: data of such
    code: Raw, RawText      nobody reads references into it
    token: SecretText       a template that may also say `{{ secret.NAME }}`; SecretData: data of such
"""

import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, to_jsonable_python

from mulle.document.expressions import Reference, Template, as_text, parse, parse_template, render
from mulle.document.ports import Port, PortType, is_array, is_object
from mulle.document.problem import Problem
from mulle.document.signature import FieldReference
from mulle.errors import ExpressionError


@dataclass(frozen=True, slots=True)
class Marker:
    kind: Literal["expression", "late", "raw", "secret"]
    names: frozenset[str] = frozenset()
    """What the node itself gives a meaning to; everything else refers to nodes and variables as usual."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, made: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say in a form what kind of text this is."""
        return made(schema) | {"x-text": self.kind}


Lookup = Callable[[str], Any]

ITEM_NAMES = frozenset({"item", "index", "value"})
ROUND_NAMES = frozenset({"state", "index"})

Expression = Annotated[str, Marker("expression")]
ItemExpression = Annotated[str, Marker("expression", ITEM_NAMES)]
RoundExpression = Annotated[str, Marker("expression", ROUND_NAMES)]
ItemTemplate = Annotated[str, Marker("late", ITEM_NAMES)]
LateTemplate = Annotated[str, Marker("late")]
LateData = Annotated[Any, Marker("late")]
Raw = Annotated[Any, Marker("raw")]
RawText = Annotated[str, Marker("raw")]
SecretText = Annotated[str, Marker("secret")]
SecretData = Annotated[Any, Marker("secret")]


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands at one place of a config: a kind of text, or more places inside."""

    kind: Literal["template", "expression", "late", "raw", "secret"] = "template"
    names: frozenset[str] = frozenset()
    models: tuple[type[BaseModel], ...] = ()
    """What an object at this place may be; its fields are looked up when they are asked for, as models may nest."""
    each: "Shape | None" = None
    text: bool = False
    """Nothing but text may stand here, so that a number or yes/no of a template is written as one."""

    def of(self, data: Any) -> "Shape":
        """The shape of this very data: of several models those whose own words (`op: filter`) stand in it."""
        if len(self.models) < 2 or not is_object(data):
            return self
        meant = tuple(model for model in self.models if _is_meant(model, data))
        return replace(self, models=meant or self.models)

    def inside(self, step: str | int) -> "Shape":
        if isinstance(step, str) and self.models:
            found = [fields[step] for fields in map(_fields, self.models) if step in fields]
            if found:
                return _either(found)
        if self.each:
            return self.each
        return self if self.kind in ("raw", "secret", "late") else TEMPLATE


TEMPLATE = Shape()
TEXT = Shape(text=True)


def shape_of(annotation: Any) -> Shape:
    """The shape of a pydantic model or of a field's annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape(models=(annotation,))
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _marked(args[1:], args[0])
    if origin in (Union, types.UnionType):
        return _either([shape_of(arg) for arg in args if arg is not types.NoneType])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _each(shape_of(args[-1]))
    if isinstance(origin, type) and issubclass(origin, Collection):
        return _each(_either([shape_of(arg) for arg in args]))
    return TEXT if annotation is str else TEMPLATE


def _marked(metadata: Iterable[Any], annotation: Any) -> Shape:
    marker = next((item for item in metadata if isinstance(item, Marker)), None)
    return Shape(marker.kind, marker.names, text=annotation is str) if marker else shape_of(annotation)


def _either(shapes: list[Shape]) -> Shape:
    """One shape for a value that may be of several: text, a list, one of some models told apart by their fields."""
    text = next((shape for shape in shapes if shape.kind != "template"), TEMPLATE)
    each = next((shape.each for shape in shapes if shape.each), None)
    models = tuple(model for shape in shapes for model in shape.models)
    plain = [shape for shape in shapes if shape.text or not (shape.each or shape.models)]
    only_text = bool(plain) and all(shape.text for shape in plain)
    return Shape(text.kind, text.names, models, each, only_text)


def _each(shape: Shape) -> Shape:
    return TEMPLATE if shape == TEMPLATE else Shape(each=shape)


@cache
def _fields(model: type[BaseModel]) -> Mapping[str, Shape]:
    """A model's fields by all the names that data may use for them."""
    found: dict[str, Shape] = {}
    for name, info in model.model_fields.items():
        found[name] = found[_alias(name, info)] = _marked(info.metadata, info.annotation)
    return found


@cache
def _words(model: type[BaseModel]) -> Mapping[str, tuple[Any, ...]]:
    """The words that tell a model from others: those of its `Literal` fields."""
    literal = {name: info for name, info in model.model_fields.items() if get_origin(info.annotation) is Literal}
    return {_alias(name, info): get_args(info.annotation) for name, info in literal.items()}


def _is_meant(model: type[BaseModel], data: Mapping[str, Any]) -> bool:
    return all(data[name] in words for name, words in _words(model).items() if name in data)


def _alias(name: str, info: FieldInfo) -> str:
    return info.alias or name


def texts(data: Any, shape: Shape, where: str = "data") -> Iterator[tuple[str, str, Shape]]:
    """Every text of a node's data with its place and its shape."""
    if isinstance(data, str):
        yield data, where, shape
    elif is_object(data):
        shape = shape.of(data)
        for key, value in data.items():
            yield from texts(value, shape.inside(key), f"{where}.{key}")
    elif is_array(data):
        for number, value in enumerate(data):
            yield from texts(value, shape.inside(number), f"{where}[{number}]")


def references(data: Any, shape: Shape) -> tuple[list[FieldReference], list[Problem]]:
    """What a node's data refers to, and what in it cannot be read."""
    found: list[FieldReference] = []
    problems: list[Problem] = []
    for text, where, field in texts(data, shape):
        try:
            named = _references(text, field, where)
            found += [FieldReference(one, where, secret_allowed=field.kind == "secret") for one in named]
        except ExpressionError as error:
            problems.append(Problem.of(error, where))
    return found, problems


def _references(text: str, shape: Shape, where: str) -> tuple[Reference, ...]:
    if shape.kind == "raw":
        return ()
    if shape.kind == "expression":
        found = parse(text, at=where).references
    else:
        found = parse_template(text).references if "{{" in text else ()
    return tuple(reference for reference in found if reference.root not in shape.names)


def is_static(data: Any, shape: Shape) -> bool:
    """Whether no text of it has to be rendered."""
    return not any("{{" in text and field.kind in ("template", "secret") for text, _, field in texts(data, shape))


Fill = Callable[[Lookup, Lookup], Any]
"""Gives data with its templates filled in: by what names mean, and by the same for fields that may name secrets.

Raises ExpressionError.
"""


def rendered(data: Any, shape: Shape, lookup: Lookup, secret_lookup: Lookup) -> Any:
    """A node's `data`, of this shape, with its templates filled in; see `filling`."""
    return filling(data, shape)(lookup, secret_lookup)


def filling(data: Any, shape: Shape) -> Fill:
    """How a node's `data`, or a part of it, is filled in again and again; its templates are read here, once.

    Expressions and raw fields stay as they are, and so does what holds no template. Raises ExpressionError.
    """
    return _filling(data, shape) or (lambda _lookup, _secret_lookup: data)


def _filling(data: Any, shape: Shape) -> Fill | None:
    """As `filling`; None when there is nothing to fill in."""
    if isinstance(data, str):
        if "{{" not in data or shape.kind in ("raw", "expression", "late"):
            return None
        template = parse_template(data)
        write = _as_text if shape.text else render
        if shape.kind == "secret":
            return lambda _lookup, secret_lookup: write(template, secret_lookup)
        return lambda lookup, _secret_lookup: write(template, lookup)
    if is_object(data):
        shape = shape.of(data)
        named = {key: fill for key, value in data.items() if (fill := _filling(value, shape.inside(key)))}
        if not named:
            return None
        return lambda lookup, secrets: data | {key: fill(lookup, secrets) for key, fill in named.items()}
    if is_array(data):
        fills = [_filling(value, shape.inside(number)) for number, value in enumerate(data)]
        if not any(fills):
            return None
        both = list(zip(data, fills, strict=True))
        return lambda lookup, secrets: [fill(lookup, secrets) if fill else value for value, fill in both]
    return None


def _as_text(template: Template, lookup: Lookup) -> Any:
    """What a template gives where only a text may stand."""
    value = render(template, lookup)
    return as_text(value) if isinstance(value, int | float) else value


@cache
def ports_of(model: type[BaseModel]) -> tuple[Port, ...]:
    """The ports that a model's fields are."""
    return tuple(
        Port(
            name=_alias(name, info),
            type=port_type(info.annotation),
            required=info.is_required(),
            default_value=_default(info),
            description=info.description or "",
            display_name=info.title or "",
            multiple=_extra(info, "multiple"),
            branch=_extra(info, "branch"),
        )
        for name, info in model.model_fields.items()
    )


def _default(info: FieldInfo) -> Any:
    if info.is_required():
        return None
    return to_jsonable_python(info.get_default(call_default_factory=True))  # pyright: ignore[reportCallIssue]  # Factories here take no argument.


def _extra(info: FieldInfo, name: str) -> bool:
    extra: Any = info.json_schema_extra
    return is_object(extra) and bool(extra.get(name))


_PORT_TYPES: Mapping[PortType, tuple[type, ...]] = {
    PortType.BOOLEAN: (bool,),
    PortType.STRING: (str, date, time),
    PortType.NUMBER: (int, float),
    PortType.OBJECT: (Mapping, BaseModel),
    PortType.ARRAY: (Collection,),
}
"""The Python types that a port type stands for; the first that fits counts."""


def port_type(annotation: Any) -> PortType:
    """The port type that a Python annotation stands for; `any` where none does."""
    origin = get_origin(annotation) or annotation
    if origin is Annotated:
        return port_type(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _common(port_type(arg) for arg in get_args(annotation) if arg is not type(None))
    if origin is Literal:
        return _common(port_type(type(value)) for value in get_args(annotation))
    if isinstance(origin, type):
        return next((port for port, kinds in _PORT_TYPES.items() if issubclass(origin, kinds)), PortType.ANY)
    return PortType.ANY


def _common(types_: Iterable[PortType]) -> PortType:
    kinds = set(types_)
    return kinds.pop() if len(kinds) == 1 else PortType.ANY
