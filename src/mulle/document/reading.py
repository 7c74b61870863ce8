"""Text in, document out, and back: YAML and JSON, with every problem named at its place."""

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from typing import Any, NoReturn

from pydantic import ValidationError

from mulle.document.places import schema_problems
from mulle.document.plain_data import UnreadableDocument, plain_data, too_deep
from mulle.document.ports import is_object
from mulle.document.problem import Problem
from mulle.document.schema import described_schema
from mulle.document.workflow import Workflow
from mulle.document.yaml_text import dump_yaml, load_yaml
from mulle.errors import DocumentError

MAX_BYTES = 5 * 1024 * 1024


class InvalidDocument(DocumentError):
    """The text can be read, but it is not a workflow."""

    code = "document.schema"
    message = "The document has {count} problem(s); the first: {where}: {first}"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        first = problems[0]
        super().__init__(at=first.where, count=len(problems), where=first.where, first=first.message)


def read_workflow(text: str | bytes) -> Workflow:
    """Parse a document.

    Raises:
        UnreadableDocument: No YAML or JSON, too large (5 MB), too deep, duplicate keys, aliases.
        InvalidDocument: With one `Problem` for everything that does not fit the format.
    """
    return _workflow(read_data(text))


def parse_workflow(data: Any) -> Workflow:
    """Turn plain data into a document; raises UnreadableDocument for what is no data, InvalidDocument."""
    return _workflow(plain_data(data))


def _workflow(data: Any) -> Workflow:
    if not is_object(data):
        raise UnreadableDocument("A document is a mapping with `nodes` and `edges`, not a list or a single value.")
    try:
        return Workflow.model_validate(data)
    except ValidationError as error:
        raise InvalidDocument([problem for _, problem in schema_problems(error, data, model=Workflow)]) from error


def read_data(text: str | bytes, *, aliases: bool = False) -> Any:
    """Plain data of YAML or JSON text, hostile text included; raises UnreadableDocument.

    Args:
        text: The text, or the bytes of its file.
        aliases: Take YAML's aliases, written out, as other people's programs make them.
    """
    if len(text) > MAX_BYTES:
        raise UnreadableDocument(f"The document is larger than {MAX_BYTES // 1024 // 1024} MB.")
    text = (_decoded(text) if isinstance(text, bytes) else text).removeprefix("\ufeff")
    try:
        return plain_data(_json(text) if text.lstrip().startswith("{") else load_yaml(text, aliases=aliases))
    except RecursionError as error:
        raise too_deep() from error


def _decoded(text: bytes) -> str:
    encoding = "utf-16" if text.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8"
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        message = f"The document is not {encoding.upper()} text (byte {error.start})."
        raise UnreadableDocument(message, hint="Save it as UTF-8.") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_int=_whole)
    except json.JSONDecodeError as error:
        # A flow mapping is YAML too, and people leave trailing commas.
        try:
            return load_yaml(text)
        except UnreadableDocument:
            at = f"line {error.lineno}, column {error.colno}"
            raise UnreadableDocument(f"Not readable as JSON: {error.msg}.", at=at) from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise UnreadableDocument(f"The key {name[:80]!r} stands twice in one mapping.")
        result[name] = value
    return result


def _no_constant(name: str) -> NoReturn:
    raise UnreadableDocument(f"{name} is no number that a document can hold.")


def _whole(digits: str) -> int | float:
    """A whole number; what is far too long becomes infinite, which plain data refuses at its place."""
    return int(digits) if len(digits) <= 400 else float("inf")


_ORDER = (
    "mulle",
    "name",
    "description",
    "tags",
    "variables",
    "nodes",
    "edges",
    "triggers",
    "timeout",
    "budget",
    "queue",
    "ui",
)


def workflow_data(workflow: Workflow) -> dict[str, Any]:
    """The document as plain data, without what is left at its default."""
    data = workflow.model_dump(mode="json", exclude_defaults=True) | {"mulle": workflow.mulle}
    return {key: data[key] for key in _ORDER if key in data}


def write_yaml(workflow: Workflow) -> str:
    return dump_yaml(workflow_data(workflow))


def write_json(workflow: Workflow) -> str:
    return json.dumps(workflow_data(workflow), ensure_ascii=False, indent=2)


def json_schema() -> dict[str, Any]:
    """The format's JSON Schema, as `mulle schema` prints it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **described_schema(Workflow),
        "title": "Mulle workflow, format 1",
    }
