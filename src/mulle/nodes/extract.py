"""Data out of a text."""

import json
import re
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, Field

from mulle.document.expressions import as_text
from mulle.document.ports import Port, PortType, is_array, is_object
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import StepError
from mulle.sdk import Context, Done, Node, Settings

LONGEST = 200_000
"""Characters that are looked through."""

PATTERNS = {
    "email": r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
    "url": r"https?://[^\s<>\"'）)\]]{1,2000}",
    "phone": r"(?<!\d)(?:\+?82[- ]?|0)(?:2|1\d|[3-8]\d)[- ]?\d{3,4}[- ]?\d{4}(?!\d)",
    "date": r"(?<!\d)\d{4}(?:-\d{1,2}-\d{1,2}|\.\s?\d{1,2}\.\s?\d{1,2}\.?|년\s?\d{1,2}월\s?\d{1,2}일)",
    "number": r"(?<![\d.,])-?(?:\d{1,3}(?:,\d{3}){1,10}|\d{1,30})(?:\.\d{1,20})?",
    "amount": r"(?:[₩$€]\s?)?(?:\d{1,3}(?:,\d{3}){1,10}|\d{1,30})\s?(?:억\s?|만\s?|천\s?)?(?:원|달러|유로|USD|KRW)|"
    r"[₩$€]\s?(?:\d{1,3}(?:,\d{3}){1,10}|\d{1,30})(?:\.\d{1,2})?",
}
"""What can be found without a model; each takes time in proportion to the text."""


class NotFound(StepError):
    """A field that must be there is not in the text."""

    code = "extract.not_found"
    message = "The text has no '{field}'."
    hint = "Make the field optional (`required: false`) if texts without it are fine."


class NoData(StepError):
    """A model did not answer with the fields it was asked for."""

    code = "extract.no_data"
    message = "The model did not answer with data: {preview}"
    hint = "Try again (`retry`), describe the fields better, or take a stronger model."


class FieldWanted(Settings):
    """One thing to find."""

    name: str = Field(min_length=1)
    type: Literal["string", "number", "boolean", "array", "object"] = "string"
    description: str = ""
    """What it is, for the model."""
    like: Literal["", "email", "url", "phone", "date", "number", "amount"] = ""
    """Found by its form, without a model; with type array all of them, else the first."""
    required: bool = False
    """The step fails when it is not there; else it is null."""


class Extract(Node):
    """Find the named fields in a text: by their form where they have one, else by a model. Each is at its own port."""

    type = "extract"
    title = {"en": "Extract", "ko": "추출"}

    class Config(Settings):
        text: Any = None
        """What to look through; a text at the port comes before it."""
        fields: list[FieldWanted] = Field(min_length=1)
        instructions: str = ""
        """What the model should know besides."""
        model: str = ""

    class Inputs(BaseModel):
        text: Any = None

    class Outputs(BaseModel):
        values: dict[str, Any]
        """All fields by name."""

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        text = as_text(inputs.text if "text" in inputs.model_fields_set else config.text)
        values: dict[str, Any] = {one.name: by_form(text, one) for one in config.fields if one.like}
        unknown = [one for one in config.fields if not one.like]
        usage = None
        if unknown:
            request = {"task": "extract", "text": text, "prompt": config.instructions, "schema": schema_of(unknown)}
            answer = await ctx.llm.complete(request | ({"model": config.model} if config.model else {}))
            found = _data(answer.get("json"), answer["text"])
            values |= {one.name: found.get(one.name) for one in unknown}
            usage = dict(answer.get("usage") or {}) or None
        for one in config.fields:
            if one.required and values[one.name] in (None, []):
                raise NotFound(field=one.name)
        return Done(values | {"values": values}, usage=usage)

    def signature(self, spec: NodeSpec) -> Signature:
        fields = spec.data.get("fields")
        wanted = [one for one in fields if is_object(one)] if is_array(fields) else []
        names = [one.get("name") for one in wanted]
        ports = tuple(Port(name=name, type=PortType.ANY) for name in names if isinstance(name, str) and name)
        signature = super().signature(spec)
        return replace(signature, outputs=(*(port for port in ports if port.name != "values"), *signature.outputs))


def by_form(text: str, field: FieldWanted) -> Any:
    """What of a field's form is in the text: the first, or all for an array."""
    found = [one.group().strip() for one in re.finditer(PATTERNS[field.like], text[:LONGEST])]
    made = [_number(one) for one in found] if field.type == "number" else found
    return made if field.type == "array" else next(iter(made), None)


def _number(text: str) -> float | int | None:
    """The number that a piece of text is written as; separators are left out."""
    digits = re.sub(r"[^0-9.]", "", text).strip(".")
    if digits.count(".") > 1:
        digits = digits.replace(".", "")
    if not digits:
        return None
    number = float(digits) if "." in digits else int(digits)
    return -number if text.startswith("-") else number


def schema_of(fields: list[FieldWanted]) -> dict[str, Any]:
    """The JSON Schema that a model's answer has to follow."""
    return {
        "type": "object",
        "properties": {
            one.name: {"type": [one.type, "null"]} | ({"description": one.description} if one.description else {})
            for one in fields
        },
        "required": [one.name for one in fields],
    }


def _data(found: Any, text: str) -> dict[str, Any]:
    """The object in a model's answer; raises NoData."""
    if found is None:
        try:
            found = json.loads(text.strip().removeprefix("```json").removeprefix("```").removesuffix("```"))
        except (ValueError, RecursionError):
            found = None
    if not is_object(found):
        raise NoData(preview=text[:200])
    return found
