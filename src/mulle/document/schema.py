"""A model's JSON Schema in which the sentence under each field is its description, as forms and editors show it."""

import ast
import inspect
import sys
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema


def described_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what a model reads, with its fields' docstrings as descriptions."""
    return model.model_json_schema(by_alias=True, schema_generator=_Described)


class _Described(GenerateJsonSchema):
    """Pydantic's own option for this reads every module's source at import; this one reads it when somebody asks."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        sentences = field_docs(model)
        for name, info in model.model_fields.items():
            described = found.get("properties", {}).get(info.alias or name)
            if described is not None and name in sentences:
                described.setdefault("description", sentences[name])
        return found


@cache
def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The sentences under a model's fields, its parents' included; empty where there is no source to read."""
    found: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        if issubclass(parent, BaseModel) and parent is not BaseModel:
            found |= _class_docs(parent.__module__).get(parent.__qualname__, {})
    return found


@cache
def _class_docs(module: str) -> dict[str, dict[str, str]]:
    """For every class of a module the sentences under its fields."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, KeyError):
        return {}
    found: dict[str, dict[str, str]] = {}
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, scope = waiting.pop()
        for node in ast.iter_child_nodes(scope):
            match node:
                case ast.ClassDef(name=name):
                    found[prefix + name] = _attribute_docs(node)
                    waiting.append((f"{prefix}{name}.", node))
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    waiting.append((f"{prefix}{name}.<locals>.", node))
                case _:
                    continue
    return found


def _attribute_docs(scope: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, below in zip(scope.body, scope.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
            case _:
                continue
    return found
