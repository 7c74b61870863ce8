"""What a person fills in for a node: the JSON Schema of its `Config`, with the docstrings of its fields as help.

`x-text` says of a text that it is an `expression`, a `late` template (which the node fills in itself), `raw` (code), or
may name a `secret`; any other text is a template.
"""

import ast
import inspect
from functools import cache
from textwrap import dedent
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema


def form(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model (and of those inside it), every property described as its source does it.

    Reads source files, so it takes some milliseconds a model; made for editors and pages, not for runs.
    """
    return model.model_json_schema(schema_generator=_Described)


@cache
def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The texts below a model's fields, by the fields' names; those of the models that it is made of, too."""
    found: dict[str, str] = {}
    for part in reversed(model.__mro__):
        if issubclass(part, BaseModel) and part is not BaseModel:
            found |= _below_fields(part)
    return found


def _below_fields(model: type[BaseModel]) -> dict[str, str]:
    try:
        (definition,) = ast.parse(dedent(inspect.getsource(model))).body
    except (OSError, TypeError, SyntaxError):  # Made without a file, as in a notebook.
        return {}
    assert isinstance(definition, ast.ClassDef)
    texts: dict[str, str] = {}
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            texts[field.target.id] = _text(text)
    return {name: text for name, text in texts.items() if text}


def _text(statement: ast.stmt) -> str:
    """The text that a statement is nothing but; else empty."""
    constant = statement.value if isinstance(statement, ast.Expr) else None
    value = constant.value if isinstance(constant, ast.Constant) else None
    return inspect.cleandoc(value) if isinstance(value, str) else ""


class _Described(GenerateJsonSchema):
    """As pydantic does it, and the docstrings."""

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        texts = docstrings(model)
        for name, info in model.model_fields.items():
            if name in texts:
                made["properties"][info.alias or name].setdefault("description", texts[name])
        return made
