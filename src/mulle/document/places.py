"""Say in a person's words what a pydantic model did not take, and where it stands."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import zip_longest
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails

from mulle.document.ports import is_array, is_object
from mulle.document.problem import Problem, nearest

Steps = tuple[int | str, ...]

MOST_PROBLEMS = 1000
"""Nobody mends more at once, and a hostile document could have millions."""

_LONGEST = 80
"""Characters of a person's own text that a message repeats."""


def schema_problems(
    error: ValidationError, data: Any, prefix: str = "", model: type[BaseModel] | None = None
) -> list[tuple[Steps, Problem]]:
    """Pydantic's findings as our own problems, with node ids instead of list positions; each with its raw place.

    Args:
        error: What was found.
        data: What was read.
        prefix: Stands before each place: `data.`.
        model: What it was read with; from it comes the right spelling of a misspelt key.
    """
    found: list[tuple[Steps, Problem]] = []
    for item in error.errors(include_url=False)[:MOST_PROBLEMS]:
        message, hint = _said(item, data, model)
        where = (prefix + place(item["loc"], data)).removesuffix(".")
        found.append((item["loc"], Problem("document.schema", where, message, hint)))
    return found


def place(steps: Steps, data: Any = None) -> str:
    """A location in words: `nodes.mail.retry.max`. With the data, what is only a union's tag is left out."""
    text = ""
    for step in steps if data is None else _keys(steps, data):
        data = _inside(data, step)
        if isinstance(step, int):
            named = data.get("id") if is_object(data) else None
            text += f".{named}" if isinstance(named, str) and 0 < len(named) <= _LONGEST else f"[{step}]"
        else:
            text += f".{step[:_LONGEST]}" if text else step[:_LONGEST]
    return text


def _keys(steps: Steps, data: Any) -> Iterator[int | str]:
    """The steps that lead through the data. Pydantic also names the alternative of a union that it tried."""
    for step, following in zip_longest(steps, steps[1:]):
        inside = _inside(data, step)
        if isinstance(step, int) or (is_object(data) and not _is_tag(step, following, data)):
            yield step
            data = inside


def _is_tag(step: str, following: int | str | None, data: dict[str, Any]) -> bool:
    """Whether a step names an alternative (`cron` of a trigger) and no key. A tag is the value of some key."""
    if following is None:
        return False
    inside = data.get(step)
    leads_on = is_array(inside) or (is_object(inside) and following in inside)
    return step not in data or (step in data.values() and not leads_on)


def _inside(data: Any, step: int | str) -> Any:
    if isinstance(step, int):
        return data[step] if is_array(data) and step < len(data) else None
    return data.get(step) if is_object(data) else None


_TYPES = {
    "string": "text",
    "tuple": "a list",
    "list": "a list",
    "dict": "a mapping of keys to values",
    "model": "a mapping of keys to values",
    "model_attributes": "a mapping of keys to values",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
}


def _said(item: ErrorDetails, data: Any, model: type[BaseModel] | None) -> tuple[str, str]:
    """The message and the hint of one finding."""
    steps, given = item["loc"], item["input"]
    key, expected = str(steps[-1])[:_LONGEST] if steps else "", _expected(item)
    wanted = _TYPES.get(item["type"].removesuffix("_type").removesuffix("_parsing"))
    if item["type"] == "extra_forbidden":
        keys = _known_keys(model, tuple(_keys(steps, data))[:-1]) if model else []
        return f"Unknown key '{key}'.", nearest(key, keys) or "Check the spelling."
    if item["type"] == "missing":
        return f"The key '{key}' is missing.", ""
    if steps == ("mulle",):
        return item["msg"] + ".", "This program reads format 1; a newer one may read this document."
    if wanted:
        in_quotes = wanted == "text" and isinstance(given, int | float)
        return f"This must be {wanted}.", "Put it in quotes." if in_quotes else ""
    if expected:
        tag = str(item.get("ctx", {}).get("discriminator", "type")).strip("'")
        word = given.get(tag) if is_object(given) else given
        return item["msg"] + ".", nearest(word, expected) if isinstance(word, str) else ""
    return item["msg"].removeprefix("Value error, ").removesuffix(".") + ".", ""


def _expected(item: ErrorDetails) -> list[str]:
    """The words that would have been right, where there is a list of them."""
    context = item.get("ctx", {})
    return re.findall(r"'([^']*)'", str(context.get("expected_tags") or context.get("expected") or ""))


def _known_keys(model: type[BaseModel], steps: Steps) -> list[str]:
    """The keys that may stand at a place of a model's data."""
    schema = _schema(model)
    here: list[Mapping[str, Any]] = [schema]
    for step in steps:
        here = [inner for part in here for inner in _within(part, step, schema)]
    return sorted({name for part in here for choice in _choices(part, schema) for name in choice.get("properties", ())})


@cache
def _schema(model: type[BaseModel]) -> Mapping[str, Any]:
    try:
        return model.model_json_schema()
    except PydanticUserError:  # Something in it has no JSON Schema; then there is nothing to compare with.
        return {}


def _within(part: Mapping[str, Any], step: int | str, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for choice in _choices(part, schema):
        inner = choice.get("items") if isinstance(step, int) else choice.get("properties", {}).get(step)
        yield from filter(is_object, (inner or choice.get("additionalProperties"),))


def _choices(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A schema with its references followed and its alternatives taken apart."""
    if "$ref" in part:
        part = schema["$defs"][str(part["$ref"]).rpartition("/")[2]]
    yield part
    for inner in (*part.get("anyOf", ()), *part.get("oneOf", ()), *part.get("allOf", ())):
        yield from _choices(inner, schema)
