"""Text in, document out, and back: YAML and JSON, with every problem named at its place."""

import json
from typing import Any

from pydantic import ValidationError

from mulle.document.ports import is_array, is_object
from mulle.document.problem import Problem
from mulle.document.workflow import Workflow
from mulle.document.yaml_text import MAX_DEPTH, UnreadableDocument, dump_yaml, load_yaml, too_deep
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
    return parse_workflow(read_data(text))


def parse_workflow(data: Any) -> Workflow:
    """Turn plain data into a document; raises InvalidDocument."""
    if not is_object(data):
        raise UnreadableDocument("A document is a mapping with `nodes` and `edges`, not a list or a single value.")
    try:
        return Workflow.model_validate(data)
    except ValidationError as error:
        raise InvalidDocument([problem for _, problem in schema_problems(error, data)]) from error


def schema_problems(error: ValidationError, data: Any, prefix: str = "") -> list[tuple[tuple[int | str, ...], Problem]]:
    """Pydantic's findings as our own problems, with node ids instead of list positions; each with its raw place."""
    found: list[tuple[tuple[int | str, ...], Problem]] = []
    for item in error.errors(include_url=False):
        message, hint = item["msg"].removeprefix("Value error, "), ""
        if item["type"] == "extra_forbidden":
            message = f"Unknown key {str(item['loc'][-1])!r}."
            hint = "Check the spelling; what only a canvas needs goes under `ui`."
        problem = Problem("document.schema", prefix + place(item["loc"], data), message, hint)
        found.append((item["loc"], problem))
    return found


def place(steps: tuple[int | str, ...], data: Any = None) -> str:
    """A location in words: `nodes.mail.retry.max`."""
    text = ""
    for step in steps:
        inside = _inside(data, step)
        if isinstance(step, int):
            named = inside.get("id") if is_object(inside) else None
            text += f".{named}" if isinstance(named, str) else f"[{step}]"
        elif not is_object(data) or inside is not None or step not in (data.get("type"), data.get("op")):
            text += f".{step}" if text else step
        else:
            continue
        data = inside
    return text


def _inside(data: Any, step: int | str) -> Any:
    if isinstance(step, int):
        return data[step] if is_array(data) and step < len(data) else None
    return data.get(step) if is_object(data) else None


def read_data(text: str | bytes) -> Any:
    """Plain data of YAML or JSON text, hostile text included; raises UnreadableDocument."""
    if len(text) > MAX_BYTES:
        raise UnreadableDocument(f"The document is larger than {MAX_BYTES // 1024 // 1024} MB.")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UnreadableDocument(f"The document is not UTF-8 text (byte {error.start}).") from error
    try:
        if text.lstrip("\ufeff \t\r\n").startswith("{"):
            return _checked_depth(_json(text))
        return _checked_depth(load_yaml(text))
    except RecursionError as error:
        raise too_deep() from error


def _json(text: str) -> Any:
    try:
        return json.loads(text.lstrip("\ufeff"), object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as error:
        # A flow mapping is YAML too, and people leave trailing commas.
        try:
            return load_yaml(text)
        except UnreadableDocument:
            at = f"line {error.lineno}, column {error.colno}"
            raise UnreadableDocument(f"Not readable as JSON: {error.msg}.", at=at) from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableDocument(f"The key {twice!r} stands twice in one mapping.")
    return result


def _checked_depth(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise too_deep()
    for inner in value.values() if is_object(value) else value if is_array(value) else ():
        _checked_depth(inner, depth + 1)
    return value


def workflow_data(workflow: Workflow) -> dict[str, Any]:
    """The document as plain data, without what is left at its default."""
    data = workflow.model_dump(mode="json", exclude_defaults=True)
    return {"mulle": workflow.mulle} | data


def write_yaml(workflow: Workflow) -> str:
    return dump_yaml(workflow_data(workflow))


def write_json(workflow: Workflow) -> str:
    return json.dumps(workflow_data(workflow), ensure_ascii=False, indent=2)


def json_schema() -> dict[str, Any]:
    """The format's JSON Schema, as `mulle schema` prints it."""
    schema = Workflow.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Mulle workflow, format 1"} | schema
