"""Graphs for the engine's tests: node types are what their declared ports say, and edges are written as text.

graph([step("ask", branches=("yes", "no")), step("mail", needs=("text",))], "ask.yes -> mail", "ask.a -> mail.text")
"""

from typing import Any

from mulle.document.expressions import parse
from mulle.document.signature import FieldReference, Signature
from mulle.document.workflow import Body, NodeSpec
from mulle.engine.plan import ScopePlan, compile_body

START: dict[str, Any] = {"id": "start", "type": "start"}
END: dict[str, Any] = {"id": "end", "type": "end"}


def step(
    node: str,
    *,
    needs: tuple[str, ...] = (),
    takes: tuple[str, ...] = (),
    collects: tuple[str, ...] = (),
    branches: tuple[str, ...] = (),
    gives: tuple[str, ...] = (),
    refers: tuple[str, ...] = (),
    maps: dict[str, str] | None = None,
    body: dict[str, Any] | None = None,
    kind: str = "step",
    **policies: Any,
) -> dict[str, Any]:
    """A node as data.

    Args:
        node: Its id.
        needs: Required input ports.
        takes: Optional ones.
        collects: Ports that take every alive link.
        branches: Output ports that say which way to go.
        gives: Other output ports that are declared.
        refers: What its settings refer to: `other.port`.
        maps: Variable mappings: port to variable.
        body: Its inside.
        kind: `start`, `end` or anything else.
        **policies: `on_error` and the like.
    """
    inputs = [{"name": name, "required": True} for name in needs]
    inputs += [{"name": name} for name in takes] + [{"name": name, "multiple": True} for name in collects]
    outputs: list[dict[str, Any]] = [{"name": name, "branch": True} for name in branches]
    outputs += [{"name": name} for name in gives]
    mappings = {
        port: {"target_port": port, "source": {"variable": variable}} for port, variable in (maps or {}).items()
    }
    spec: dict[str, Any] = {"id": node, "type": kind, "ports": {"inputs": inputs, "outputs": outputs}, **policies}
    spec |= {"data": {"refers": list(refers)}, "variable_mappings": mappings}
    return spec if body is None else spec | {"body": body}


def end(node: str = "end", **more: Any) -> dict[str, Any]:
    return step(node, kind="end", **more)


def body(nodes: list[dict[str, Any]], *edges: str) -> dict[str, Any]:
    """A graph as data; edges as `a -> b`, `a.out -> b`, `a.out -> b.in`."""
    return {"nodes": nodes, "edges": [_edge(text) for text in edges]}


def _edge(text: str) -> dict[str, Any]:
    (source, _, source_port), (target, _, target_port) = (side.strip().partition(".") for side in text.split("->"))
    return {
        "source": source,
        "target": target,
        "source_port": source_port or None,
        "target_port": target_port or None,
    }


def graph(nodes: list[dict[str, Any]], *edges: str) -> ScopePlan:
    """A graph made ready."""
    return compiled(body(nodes, *edges))


def compiled(data: dict[str, Any]) -> ScopePlan:
    return compile_body(Body.model_validate(data), describe)


def describe(spec: NodeSpec) -> Signature:
    """What a node's ports and settings say, and nothing more."""
    texts: list[str] = spec.data.get("refers", [])
    found = [reference for text in texts for reference in parse(text).references]
    return Signature(
        inputs=spec.ports.inputs,
        outputs=spec.ports.outputs,
        open_inputs=True,
        open_outputs=True,
        start=spec.type == "start",
        end=spec.type == "end",
        container=spec.body is not None,
        body_names=frozenset({"item", "index", "state"}),
        references=tuple(FieldReference(reference, "data.refers") for reference in found),
    )
