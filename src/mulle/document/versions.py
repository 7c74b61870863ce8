"""The identity of a graph: what a run follows is named by the hash of its content."""

import hashlib
import json
from typing import Any

from mulle.document.reading import workflow_data
from mulle.document.workflow import Workflow

_NOT_GRAPH = ("name", "description", "triggers", "tags", "ui")
_ONLY_FOR_EYES = ("position", "ui")


def graph_data(workflow: Workflow) -> dict[str, Any]:
    """What a run needs of a document: without names, triggers and places on a canvas."""
    data = {key: value for key, value in workflow_data(workflow).items() if key not in _NOT_GRAPH}
    data["nodes"] = [_bare(node) for node in data.get("nodes", [])]
    return data


def _bare(node: dict[str, Any]) -> dict[str, Any]:
    bare = {key: value for key, value in node.items() if key not in _ONLY_FOR_EYES}
    if body := bare.get("body"):
        bare["body"] = body | {"nodes": [_bare(inner) for inner in body.get("nodes", [])]}
    return bare


def graph_text(workflow: Workflow) -> bytes:
    """The graph as canonical JSON: the same content gives the same bytes."""
    return json.dumps(graph_data(workflow), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def graph_hash(text: bytes) -> str:
    """The name of a graph: 32 hexadecimal digits of SHA-256 over its canonical text."""
    return hashlib.sha256(text).hexdigest()[:32]
