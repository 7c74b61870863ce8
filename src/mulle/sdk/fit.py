"""Whether values fit a node: settings into their model, what arrives into ports, an answer into a journal."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
from pydantic import BaseModel, ValidationError

from mulle.document.glance import is_small_data
from mulle.document.places import place
from mulle.document.plain_data import WHOLE_NUMBERS
from mulle.document.ports import Port, accepts, is_array, is_object, type_of
from mulle.errors import StepError

DEEPEST = 200
"""How deep lists and dictionaries may stand in each other; every reader of a journal has to get through them."""

NOT_DATA = (TypeError, ValueError, OverflowError, RecursionError)
"""What `plain` raises for what is no data."""

_MANY_DIGITS = re.compile(rb"\d{19}")


class BadSettings(StepError):
    """A node's settings, with their templates filled in, are not what its type takes."""

    code = "node.bad_settings"
    message = "The setting {where} does not fit: {problem}."
    hint = "Look at what its template gave; `mulle runs show RUN` has the values."


class InputMissing(StepError):
    """A port that must have a value got none."""

    code = "port.missing"
    message = "'{port}' needs a value and got none."
    hint = "Draw an edge to it, map a variable to it, or give the port a default."


class WrongType(StepError):
    """A value reached a port that cannot take it."""

    code = "port.wrong_type"
    message = "'{port}' takes {wanted}, but {source} carried {got}."
    hint = "Put a transform node in between, or change the port's type."


class NoData(StepError):
    """A step answered something that cannot be kept as data."""

    code = "step.no_data"
    message = "The step's answer cannot be kept: {problem}."
    hint = "Answer with text, numbers, true/false, null, lists and dictionaries with text keys."


def validated(model: type[BaseModel], data: Any) -> Any:
    """A model made of data; raises BadSettings naming the first place that does not fit."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        # Of what was given only the kind is told: it may be a secret.
        got = f", not {type_of(first['input'])}" if first["type"].endswith("_type") else ""
        problem = first["msg"].removeprefix("Value error, ") + got
        raise BadSettings(where=place(first["loc"]), problem=problem) from error


def fill_port(
    port: Port, values: dict[str, Any], at: str, source: Callable[[], str], model: type[BaseModel] | None = None
) -> None:
    """Put a port's default among the values if it has none; raises InputMissing, WrongType.

    A default that the type's own model states is left to the model, so that a node can tell "nothing arrived" and take
    its setting instead.

    Args:
        port: An input port.
        values: What the node's ports hold, by name.
        at: The node's id.
        source: Says, for the error, what carried the value.
        model: The type's inputs.
    """
    if port.name not in values:
        if port.default_value is not None:
            own = model.model_fields.get(port.name) if model else None
            if own is not None and own.default == port.default_value:
                return
            values[port.name] = port.default_value
        elif port.required:
            raise InputMissing(at=at, port=port.name)
        return
    value = values[port.name]
    for item in value if port.multiple and is_array(value) else (value,):
        if not accepts(port, item):
            raise WrongType(at=at, port=port.name, wanted=port.type.value, source=source(), got=type_of(item))


def plain(value: Any) -> Any:
    """Data as the journal will give it back: tuples and sets become lists, dataclasses dictionaries, dates text.

    Always a copy: whoever gave the value may go on changing his own. Raises one of `NOT_DATA`.
    """
    if value is None or value is True or value is False:
        return value
    if is_small_data(value):
        return msgspec.to_builtins(value)
    encoded = _encoder.encode(value)
    # Numbers that are none are written as null, so only what has a null in it can hold one.
    if (
        b"null" in encoded
        or encoded.count(b"{") + encoded.count(b"[") > DEEPEST
        or (len(encoded) > 18 and _MANY_DIGITS.search(encoded))
    ):
        _examine(msgspec.to_builtins(value, str_keys=True, enc_hook=_unknown))
    return msgspec.json.decode(encoded)


def copied(value: Any) -> Any:
    """A copy of plain data."""
    return msgspec.to_builtins(value)


def _unknown(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    raise TypeError(f"a {type(value).__name__} is no data")


_encoder = msgspec.json.Encoder(enc_hook=_unknown)


def _examine(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} deep")
        inner: list[Any] = []
        for each in level:
            if is_object(each):
                inner += each.values()
            elif is_array(each) or isinstance(each, tuple):
                inner += each
            elif isinstance(each, float) and not math.isfinite(each):
                raise ValueError(f"{each} is no number that can be written down")
            elif isinstance(each, int) and each not in WHOLE_NUMBERS:
                raise OverflowError("a whole number has more than 64 bits")
        level = inner
