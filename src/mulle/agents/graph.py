"""A document while it is put together in Python: nodes, edges and the functions behind them. Runs nothing."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mulle.agents.steps import FUNCTION, Step
from mulle.document.workflow import Body, Edge, NodeSpec, Retry


class Shared:
    """What all graphs of one workflow have in common."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        """Of nodes in all bodies, because functions are found by them."""
        self.steps: dict[str, Step] = {}
        self.changes = 0


class Graph:
    """One graph: a workflow's own, or the body of a node."""

    def __init__(self, shared: Shared | None = None) -> None:
        self.shared = shared or Shared()
        self.nodes: list[NodeSpec] = []
        self.edges: list[Edge] = []
        self._bodies: dict[str, Graph] = {}

    # ------------------------------------------------------------------ node by node, as a document says it

    def node(self, node_id: str, kind: Any, data: Mapping[str, Any] | None = None, **spec: Any) -> "Graph":
        """Add a node with all that a document may say of it.

        Args:
            node_id: Its id.
            kind: A node type, or a function.
            data: Its settings.
            **spec: `ports`, `retry`, `timeout`, `on_error` and the rest of a document's node, but for its body.

        Returns:
            The graph inside of the node, which has `node` and `edge` too.
        """
        settings, step = dict(data or {}), None
        if not isinstance(kind, str):
            sources: list[str] | None = settings.get("sources")
            step = Step.of(kind).by_ports() if sources is None else Step.after(kind, sources)
            settings = {"name": step.name} | settings
        if "retry" in spec:
            spec["retry"] = retry_of(spec["retry"])
        made = NodeSpec.model_validate({"id": node_id, "type": FUNCTION if step else kind, "data": settings, **spec})
        self.add(made, step)
        self._bodies[made.id] = Graph(self.shared)
        return self._bodies[made.id]

    def edge(self, source: str, target: str, **more: Any) -> None:
        """Draw an edge from "node.port" to "node.port"; a side without a port means the node as a whole."""
        (source, _, source_port), (target, _, target_port) = source.partition("."), target.partition(".")
        self.link(source, source_port or None, target, target_port or None, **more)

    # ------------------------------------------------------------------ piece by piece

    def free_id(self, wanted: str) -> str:
        """An id that no node has yet: the wanted one, or with a number behind it."""
        clean = "".join(sign if sign.isprintable() and sign not in "./" else "-" for sign in wanted).strip() or "step"
        number, found = 2, clean
        while found in self.shared.ids:
            found = f"{clean}-{number}"
            number += 1
        return found

    def add(self, spec: NodeSpec, step: Step | None = None) -> NodeSpec:
        """Add a node; raises ValueError when there is one with this id in this graph, or a function under it."""
        if any(node.id == spec.id for node in self.nodes) or (step is not None and spec.id in self.shared.steps):
            raise ValueError(f"There is a step '{spec.id}' already.")
        self.shared.ids.add(spec.id)
        self.shared.changes += 1
        self.nodes.append(spec)
        if step is not None:
            self.shared.steps[spec.id] = step
        return spec

    def link(self, source: str, source_port: str | None, target: str, target_port: str | None, **more: Any) -> None:
        """Draw an edge; without a target port it is a gate."""
        self.shared.changes += 1
        edge = {"source": source, "source_port": source_port, "target": target, "target_port": target_port, **more}
        self.edges.append(Edge.model_validate(edge))

    def inside(self) -> "Graph":
        """An empty graph for the body of one of its nodes."""
        return Graph(self.shared)

    def body(self) -> Body:
        """Nodes and edges as they are now."""
        nodes = [
            node.model_copy(update={"body": inside.body()})
            if (inside := self._bodies.get(node.id)) and inside.nodes
            else node
            for node in self.nodes
        ]
        return Body(nodes=tuple(nodes), edges=tuple(self.edges))


def retry_of(retry: int | Mapping[str, Any] | Retry) -> Retry:
    """A number of tries after the first, or a whole policy."""
    return Retry(max=retry) if isinstance(retry, int) else Retry.model_validate(retry)


def functions_by_name(functions: Iterable[Callable[..., Any]] | Mapping[str, Any]) -> dict[str, Any]:
    """Functions by the names under which documents know them."""
    if isinstance(functions, Mapping):
        named: Mapping[str, Any] = functions  # pyright: ignore[reportUnknownVariableType, reportAssignmentType]  # The other kind is no mapping.
        return dict(named)
    return {Step.of(function).name: function for function in functions}


def bound_steps(graph: Body, functions: Mapping[str, Any]) -> dict[str, Step]:
    """The functions of a document's `function` nodes, by node.

    Raises:
        LookupError: A function is not among the given ones.
        ValueError: Two nodes of one id, in different bodies, are different functions.
    """
    found: dict[str, Step] = {}
    for node in graph.nodes:
        steps = bound_steps(node.body, functions) if node.body else {}
        if node.type == FUNCTION:
            steps[node.id] = _bound(node, functions)
        for name, step in steps.items():
            if name in found and found[name].call != step.call:
                raise ValueError(f"Two steps '{name}' are different functions; give one of them another id.")
            found[name] = step
    return found


def _bound(node: NodeSpec, functions: Mapping[str, Any]) -> Step:
    name = str(node.data.get("name", ""))
    if name not in functions:
        raise LookupError(f"The step '{node.id}' is the function {name!r}, which is not among those given.")
    sources = node.data.get("sources")
    return Step.of(functions[name]).by_ports() if sources is None else Step.after(functions[name], sources)
