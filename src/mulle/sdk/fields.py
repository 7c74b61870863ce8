"""The fields of a node type's `Config`: which are templates, which are expressions, which are left alone.

Every text in a node's `data` is a template (`{{ … }}`) unless its field says otherwise:

    when: Expression        the text itself is an expression; the node evaluates it
    by: ItemExpression      the same, over the `item`, `index` and `value` that the node gives it
    line: ItemTemplate      a template over these, which the node fills in itself, once for each item
    text: LateTemplate      a template that the node fills in itself, piece by piece
    code: Raw, RawText      nobody reads references into it
    token: SecretText       a template that may also say `{{ secret.NAME }}`; SecretData: data of such
"""

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mulle.document.expressions import Reference, parse, parse_template, render
from mulle.document.ports import Port, PortType, is_array, is_object
from mulle.document.problem import Problem
from mulle.document.signature import FieldReference
from mulle.errors import ExpressionError


@dataclass(frozen=True, slots=True)
class Marker:
    kind: Literal["expression", "late", "raw", "secret"]
    names: frozenset[str] = frozenset()
    """What the node itself gives a meaning to; everything else refers to nodes and variables as usual."""


Lookup = Callable[[str], Any]
Model = type[BaseModel]

ITEM_NAMES = frozenset({"item", "index", "value"})
ROUND_NAMES = frozenset({"state", "index"})

Expression = Annotated[str, Marker("expression")]
ItemExpression = Annotated[str, Marker("expression", ITEM_NAMES)]
RoundExpression = Annotated[str, Marker("expression", ROUND_NAMES)]
ItemTemplate = Annotated[str, Marker("late", ITEM_NAMES)]
LateTemplate = Annotated[str, Marker("late")]
Raw = Annotated[Any, Marker("raw")]
RawText = Annotated[str, Marker("raw")]
SecretText = Annotated[str, Marker("secret")]
SecretData = Annotated[Any, Marker("secret")]


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands at one place of a config: a kind of text, or more places inside."""

    kind: Literal["template", "expression", "late", "raw", "secret"] = "template"
    names: frozenset[str] = frozenset()
    fields: Mapping[str, "Shape"] | None = None
    each: "Shape | None" = None
    tag: str = ""
    choices: Mapping[str, "Shape"] | None = None
    """Of several models the one that the word in the field `tag` means."""

    def of(self, data: Any) -> "Shape":
        """The shape of this very data."""
        if self.choices is None:
            return self
        return self.choices.get(str(data.get(self.tag)), TEMPLATE) if is_object(data) else TEMPLATE

    def inside(self, step: str | int) -> "Shape":
        if isinstance(step, str) and self.fields and step in self.fields:
            return self.fields[step]
        if self.each:
            return self.each
        return self if self.kind != "expression" else TEMPLATE


TEMPLATE = Shape()


@cache
def shape_of(annotation: Any) -> Shape:
    """The shape of a pydantic model or of a field's annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape(fields={_alias(name, info): _field(info) for name, info in annotation.model_fields.items()})
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        markers = [item for item in args[1:] if isinstance(item, Marker)]
        return Shape(markers[0].kind, markers[0].names) if markers else shape_of(args[0])
    if origin in (Union, types.UnionType):
        return _either([arg for arg in args if arg is not type(None)])
    if origin in (list, tuple, set, frozenset) and args:
        return _each(shape_of(args[0]))
    if origin in (dict, Mapping) and len(args) == 2:
        return _each(shape_of(args[1]))
    return TEMPLATE


def _either(kinds: Sequence[Any]) -> Shape:
    """One shape for a value that may be of several: text, a list, one of some models that a field tells apart."""
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    if len(models) > 1:
        tag, named = _told_apart(models)
        return Shape(tag=tag, choices={word: shape_of(model) for word, model in named.items()})
    shapes = [shape_of(kind) for kind in kinds]
    text = next((shape for shape in shapes if shape.kind != "template"), TEMPLATE)
    fields = next((shape.fields for shape in shapes if shape.fields), None)
    each = next((shape.each for shape in shapes if shape.each), None)
    return Shape(text.kind, text.names, fields, each)


def _told_apart(models: Sequence[Model]) -> tuple[str, dict[str, Model]]:
    """The field by which models are told apart, and the word in it that means each."""
    for name, info in models[0].model_fields.items():
        words = [get_args(model.model_fields[name].annotation) for model in models if name in model.model_fields]
        if get_origin(info.annotation) is Literal and len(words) == len(models):
            return name, {word: model for model, own in zip(models, words, strict=True) for word in own}
    raise TypeError(f"{models[0].__name__} and its alternatives need a field that tells them apart")


def _each(shape: Shape) -> Shape:
    return TEMPLATE if shape == TEMPLATE else Shape(each=shape)


def _field(info: FieldInfo) -> Shape:
    markers = [item for item in info.metadata if isinstance(item, Marker)]
    return Shape(markers[0].kind, markers[0].names) if markers else shape_of(info.annotation)


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


def rendered(data: Any, shape: Shape, lookup: Lookup, secret_lookup: Lookup) -> Any:
    """The data with its templates filled in; expressions and raw fields stay as they are. Raises ExpressionError.

    Args:
        data: A node's `data`, or a part of it.
        shape: Of the same part.
        lookup: What names mean.
        secret_lookup: The same, for fields that may name secrets.
    """
    if isinstance(data, str):
        if "{{" not in data or shape.kind in ("raw", "expression", "late"):
            return data
        return render(parse_template(data), secret_lookup if shape.kind == "secret" else lookup)
    if is_object(data):
        shape = shape.of(data)
        return {key: rendered(value, shape.inside(key), lookup, secret_lookup) for key, value in data.items()}
    if is_array(data):
        return [rendered(value, shape.inside(number), lookup, secret_lookup) for number, value in enumerate(data)]
    return data


@cache
def ports_of(model: type[BaseModel]) -> tuple[Port, ...]:
    """The ports that a model's fields are."""
    return tuple(
        Port(
            name=_alias(name, info),
            type=port_type(info.annotation),
            required=info.is_required(),
            default_value=None if info.is_required() else info.get_default(call_default_factory=True),  # pyright: ignore[reportCallIssue]  # Factories here take no argument.
            description=info.description or "",
            display_name=info.title or "",
            multiple=_extra(info, "multiple"),
            branch=_extra(info, "branch"),
        )
        for name, info in model.model_fields.items()
    )


def _extra(info: FieldInfo, name: str) -> bool:
    extra: Any = info.json_schema_extra
    return is_object(extra) and bool(extra.get(name))


_PORT_TYPES: Mapping[Any, PortType] = {
    str: PortType.STRING,
    int: PortType.NUMBER,
    float: PortType.NUMBER,
    bool: PortType.BOOLEAN,
    list: PortType.ARRAY,
    tuple: PortType.ARRAY,
    dict: PortType.OBJECT,
}


def port_type(annotation: Any) -> PortType:
    """The port type that a Python annotation stands for; `any` where none does."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return port_type(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        kinds = {port_type(arg) for arg in get_args(annotation) if arg is not type(None)}
        return kinds.pop() if len(kinds) == 1 else PortType.ANY
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return PortType.OBJECT
    return _PORT_TYPES.get(origin or annotation, PortType.ANY)
