"""What a model is told before it drafts: the sentence, what is understood of it, node types, connectors. Pure data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mulle.author.compose import Result
from mulle.author.domain import Connector, installed_packs
from mulle.author.request import Request
from mulle.document.ports import Port, is_array, is_object
from mulle.document.workflow import NodeSpec
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.form import form
from mulle.sdk.node import Node

UNTRIED = frozenset({"code"})
"""Types that the trial cannot run, and that are not offered therefore."""


def briefing(
    request: Request, answers: Mapping[str, str], known: Result, catalogue: Catalogue, *, now: datetime
) -> dict[str, Any]:
    """Everything as JSON data; `answers` must be free of secrets."""
    named = {source.connector for source in request.sources}
    return {
        "sentence": request.sentence,
        "answers": dict(answers),
        "language": request.language,
        "now": now.isoformat(),
        "understood": {
            "status": known.status,
            "questions": [question.to_dict() for question in known.questions],
            "report": known.report.to_dict(),
            "triggers": list(known.triggers),
            "workflow": known.workflow,
        },
        "connectors": [
            _connector(one, pack.knowledge)
            for pack in installed_packs().values()
            for one in pack.connectors
            if one.id in named
        ],
        "node_types": [_type(name, node) for name, node in catalogue.types.items() if name not in UNTRIED],
    }


def _connector(one: Connector, knowledge: list[str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title.en,
        "request": one.http.model_dump(),
        "items": one.items,
        "fields": one.fields,
        "knowledge": knowledge,
    }


def _type(name: str, node: Node) -> dict[str, Any]:
    signature = node.signature(NodeSpec(id="x", type=name))
    return {
        "type": name,
        "about": (type(node).__doc__ or "").partition("\n")[0],
        "form": _compact(form(node.Config)),
        "inputs": [_port(port) for port in signature.inputs],
        "outputs": [_port(port) for port in signature.outputs],
    }


def _port(port: Port) -> str:
    return f"{port.name}: {port.type.value}{' (branch)' if port.branch else ''}"


def _compact(value: Any) -> Any:
    """A schema without titles and empty defaults, which tell a model nothing."""
    if is_object(value):
        kept = {
            key: one
            for key, one in value.items()
            if not (key == "title" and isinstance(one, str)) and not (key == "default" and one in (None, "", [], {}))
        }
        return {key: _compact(one) for key, one in kept.items()}
    return [_compact(one) for one in value] if is_array(value) else value
