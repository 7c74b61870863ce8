"""What a connector becomes: the settings of its `http` node, and the operations that make items of the answer."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mulle.author.domain import Connector, pack_of
from mulle.author.request import Request, Source, Step, Test

TIMEOUT = "30s"
SPARE = 5
"""With a filter behind it, a source is asked for so many times the wanted items."""
WHOLE_FIELDS = {
    "title": 'string(default(item.title, default(item.name, ""))) if type(item) == "object" else string(item)',
    "text": (
        'string(default(item.text, default(item.description, json(item)))) if type(item) == "object" else string(item)'
    ),
    "link": 'string(default(item.link, default(item.url, ""))) if type(item) == "object" else ""',
}
"""What is made of the items of a JSON that no pack describes."""


def call_data(connector: Connector, source: Source, request: Request) -> dict[str, Any]:
    """The settings of the `http` node for one call of a connector."""
    values: dict[str, Any] = {}
    for name, parameter in connector.parameters.items():
        values[name] = source.parameters.get(name, parameter.default)
        if parameter.find == "count":
            values[name] = _wanted(int(values[name] or 10), parameter.max, request)
        elif parameter.find == "region":
            region = pack_of(connector.id).regions.get(str(values[name]))
            values |= region.values if region else {}
    call = connector.http
    data: dict[str, Any] = {"method": call.method, "url": _filled(call.url, values)}
    if call.params:
        data["params"] = {name: _filled(value, values) for name, value in call.params.items()}
    if call.headers:
        data["headers"] = dict(call.headers)
    return data | {"parse": call.parse, "timeout": TIMEOUT}


def _wanted(count: int, most: int | None, request: Request) -> int:
    count = limit_of(request) or count
    if any(step.kind in {"filter", "sort"} for step in request.steps) or contains_tests(request):
        count *= SPARE
    return min(count, most or count)


def item_operations(connector: Connector, request: Request) -> list[dict[str, Any]]:
    """The operations of the `transform` node that makes items of an answer."""
    operations: list[dict[str, Any]] = []
    if connector.items:
        operations.append({"op": "value", "expression": f"value.{connector.items}"})
    elif connector.whole:
        operations.append({"op": "value", "expression": 'value if type(value) == "array" else values(value)'})
        operations.append({"op": "filter", "when": 'type(item) in ["array", "object", "string"]'})
        operations.append({"op": "flatten"})
    operations.append({"op": "pick", "fields": dict(connector.fields or WHOLE_FIELDS)})
    if connector.clean:
        operations.append({"op": "strip_html", "fields": list(connector.clean)})
    operations += [_by_words(step) for step in request.steps if step.kind == "filter"]
    operations += [{"op": "filter", "when": containing(test)} for test in contains_tests(request)]
    limit = limit_of(request)
    if limit is not None:
        operations.append({"op": "take", "count": limit})
    return operations


def limit_of(request: Request) -> int | None:
    """How many items the sentence wants."""
    taken = [step.settings["count"] for step in request.steps if step.kind == "take" and step.settings.get("count")]
    counted = [source.parameters["display"] for source in request.sources if source.parameters.get("display")]
    return int((taken or counted)[0]) if taken or counted else None


def contains_tests(request: Request) -> Sequence[Test]:
    """Tests that choose among items by their words."""
    if not request.sources:
        return ()
    return [branch.test for branch in request.branches if branch.test.kind == "contains"]


def containing(test: Test) -> str:
    """An expression over one item: it holds one of the words."""
    return _either(test.words)


def _by_words(step: Step) -> dict[str, Any]:
    """The operation of a filter by words that must, or must not, be there."""
    wanted, unwanted = step.settings.get("with", ()), step.settings.get("without", ())
    parts = [f"({_either(wanted)})"] if wanted else []
    return {"op": "filter", "when": " and ".join([*parts, *(f"not ({_either([word])})" for word in unwanted)])}


def _either(words: Sequence[str]) -> str:
    return " or ".join(f'{quoted(word)} in (item.title + " " + item.text)' for word in words)


def quoted(text: str) -> str:
    """A text as a literal of the expression language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    """A parameter in its place; alone it keeps its type."""
    if not isinstance(template, str):
        return template
    whole = re.fullmatch(r"\{(\w+)\}", template)
    if whole and whole[1] in values:
        return values[whole[1]]
    return re.sub(r"(?<!\{)\{(\w+)\}(?!\})", lambda gap: str(values.get(gap[1], gap[0])), template)
