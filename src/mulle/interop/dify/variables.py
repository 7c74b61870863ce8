"""The variables of an export: those of the environment, and those that a chat keeps."""

from typing import Any

from mulle.document.ports import Port, PortType, accepts
from mulle.interop.dify import memory
from mulle.interop.dify.reading import DifyVariable
from mulle.interop.dify.references import References
from mulle.interop.dify.telling import is_secret

TYPES = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "float": "number",
    "object": "object",
    "boolean": "boolean",
    "file": "file",
}


def variables(refs: References) -> dict[str, Any]:
    """A document's `variables`."""
    environment = {one.name: _environment(one, refs) for one in refs.app.environment}
    conversation = {one.name: _conversation(one, refs) for one in refs.app.conversation}
    conversation |= memory.variable(refs) if memory.is_kept(refs) else {}
    return {group: found for group, found in (("environment", environment), ("conversation", conversation)) if found}


def _environment(variable: DifyVariable, refs: References) -> dict[str, Any]:
    if is_secret(variable):
        refs.note(f"env.{variable.name} is secret; keep its value with `mulle secrets set {variable.name}`.")
        if isinstance(variable.value, str) and variable.value:
            refs.named_secrets.setdefault(variable.value, variable.name)
        return {"secret": True} | _described(variable)
    return _typed(variable, refs, f"env.{variable.name}")


def _conversation(variable: DifyVariable, refs: References) -> dict[str, Any]:
    return _typed(variable, refs, f"conversation.{variable.name}")


def _typed(variable: DifyVariable, refs: References, what: str) -> dict[str, Any]:
    type_ = "array" if variable.type.startswith("array") else TYPES.get(variable.type, "any")
    if not accepts(Port(name="value", type=PortType(type_)), variable.value):
        refs.note(f"{what}: its value is no {type_}; any value may stand there now.")
        type_ = "any"
    return {"type": type_, "value": variable.value} | _described(variable)


def _described(variable: DifyVariable) -> dict[str, str]:
    return {"description": variable.description} if variable.description else {}
