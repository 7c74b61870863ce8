"""What a Python function takes and gives: its annotations as ports, and what arrives as the values it asks for."""

import dataclasses
import functools
import inspect
import types
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError

from mulle.document.places import place
from mulle.document.ports import Port, PortType
from mulle.errors import StepError
from mulle.sdk.context import Context
from mulle.sdk.fields import port_type
from mulle.sdk.fit import NOT_DATA, plain

LISTED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_ANYTHING: Any = inspect.Parameter.empty
AS_THEY_ARE: tuple[Any, ...] = (_ANYTHING, Any, object, str, bool, float, list, dict)
"""Annotations that a port's type has checked already, or that ask for nothing."""


class WrongArgument(StepError):
    """A value does not fit what a function's annotation asks for."""

    code = "step.wrong_argument"
    message = "'{name}' of {function} takes {wanted}{where}: {problem}."
    hint = "Change the annotation, or put a step in between that gives what it asks for."


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that a function takes."""

    name: str
    annotation: Any
    required: bool
    default: Any
    listed: bool
    """It can be given by its place."""
    named: bool
    """It can be given by its name."""
    adapter: TypeAdapter[Any] | None = None
    """Makes what the annotation asks for; None where a port's type has checked all there is to check."""

    def port(self, name: str = "") -> Port:
        """The input port that this parameter is."""
        kind = type_of_port(self.annotation)
        default = None if self.required else _data(self.default)
        required = self.required and kind is not PortType.ANY and not may_be_null(self.annotation)
        return Port(name=name or self.name, type=kind, required=required, default_value=default)

    def fitted(self, value: Any, function: str) -> Any:
        """A value of plain data as the annotation asks for it: a date, a dataclass. Raises WrongArgument."""
        if self.adapter is None:
            return value
        try:
            return self.adapter.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise WrongArgument(
                name=self.name,
                function=function,
                wanted=written(self.annotation),
                where=f" (at {place(first['loc'])})" if first["loc"] else "",
                problem=first["msg"].removeprefix("Value error, "),
            ) from error


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What a callable takes and gives."""

    parameters: tuple[Parameter, ...]
    gives: Any
    """The return annotation."""
    context: str | None
    """The parameter that wants the step's `Context`."""

    @property
    def output(self) -> Port:
        """The port of what it gives."""
        return Port(name="output", type=type_of_port(self.gives))


def taken(call: Callable[..., Any]) -> Taken:
    """What a callable takes and gives, by its signature and annotations."""
    hints = _hints(call)
    try:
        signature = inspect.signature(call)
    except ValueError:  # `int`, `max`: built in without one. They take what they get.
        return Taken((Parameter("value", _ANYTHING, True, None, True, False),), _ANYTHING, None)
    parameters: list[Parameter] = []
    context = None
    for name, one in signature.parameters.items():
        annotation = hints.get(name, _ANYTHING)
        if annotation is Context:
            context = name
        elif one.kind in {*LISTED, *NAMED}:
            required = one.default is inspect.Parameter.empty
            ways = one.kind in LISTED, one.kind in NAMED
            parameters.append(Parameter(name, annotation, required, one.default, *ways, _adapter(annotation)))
    return Taken(tuple(parameters), hints.get("return", inspect.Parameter.empty), context)


def _hints(call: Callable[..., Any]) -> Mapping[str, Any]:
    """Annotations, those written as text too; nothing where they name what cannot be found."""
    inner: Any = call
    while isinstance(inner, functools.partial):
        inner = inner.func
    if not (inspect.isfunction(inner) or inspect.ismethod(inner) or inspect.isclass(inner)):
        inner = getattr(inner, "__wrapped__", None) or type(inner).__call__
    try:
        return get_type_hints(inner, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}


def type_of_port(annotation: Any) -> PortType:
    """The port type that a Python annotation stands for."""
    kind = get_origin(annotation) or annotation
    if kind in (inspect.Parameter.empty, bytes, bytearray, type(None)):
        return PortType.ANY
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return PortType.OBJECT
    return port_type(annotation)


def may_be_null(annotation: Any) -> bool:
    """Whether an annotation allows None."""
    return get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)


def written(annotation: Any) -> str:
    """An annotation as a person writes it."""
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)


def _data(value: Any) -> Any:
    """A default as data; None for one that cannot be written down, so that the function itself fills it in."""
    try:
        return plain(value)
    except NOT_DATA:
        return None


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    if annotation in AS_THEY_ARE:
        return None
    try:
        return _kept_adapter(annotation)
    except TypeError:  # It cannot be hashed.
        return _made_adapter(annotation)


def _made_adapter(annotation: Any) -> TypeAdapter[Any] | None:
    """Something that makes values of this type; None for types that only their own makers know."""
    try:
        return TypeAdapter(annotation)
    except (PydanticSchemaGenerationError, PydanticUserError):
        return None


_kept_adapter = lru_cache(maxsize=512)(_made_adapter)
