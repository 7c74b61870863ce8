"""The identity of a graph: what a run follows is named by the hash of its content."""

import hashlib
import json
from typing import Any

from mulle.document.reading import workflow_data
from mulle.document.workflow import Workflow

_NOT_GRAPH = ("name", "description", "triggers", "budget", "queue", "tags", "ui")
_ONLY_FOR_EYES = ("position", "ui")


def graph_data(workflow: Workflow) -> dict[str, Any]:
    """What a run needs of a document: without names, triggers, ids of edges and places on a canvas."""
    return _bare_body({key: value for key, value in workflow_data(workflow).items() if key not in _NOT_GRAPH})


def _bare_body(body: dict[str, Any]) -> dict[str, Any]:
    nodes, edges = body.get("nodes", []), body.get("edges", [])
    return body | {
        "nodes": [_bare_node(node) for node in nodes],
        "edges": [{key: value for key, value in edge.items() if key != "id"} for edge in edges],
    }


def _bare_node(node: dict[str, Any]) -> dict[str, Any]:
    bare = {key: value for key, value in node.items() if key not in _ONLY_FOR_EYES}
    return bare | {"body": _bare_body(bare["body"])} if "body" in bare else bare


def graph_text(workflow: Workflow) -> bytes:
    """The graph as JSON: the same content gives the same bytes.

    What a person named keeps its order, because order has a meaning: of two mappings into one port the first wins.
    """
    return json.dumps(graph_data(workflow), ensure_ascii=False, separators=(",", ":")).encode()


def graph_hash(text: bytes) -> str:
    """The name of a graph: 32 hexadecimal digits of SHA-256 over its canonical text."""
    return hashlib.sha256(text).hexdigest()[:32]
