"""Child runs: a chunk of a map's items, or a subflow, as a run of its own, which whoever is free drives."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from mulle.app.graphs import Graphs, Ready
from mulle.document.composed import SUBFLOW
from mulle.document.reading import read_workflow
from mulle.document.workflow import Body, NodeSpec, Variables, Workflow
from mulle.engine.facts import Caller, Path, RunEnded, RunStarted
from mulle.engine.journal import Journal, NewRun, Queue
from mulle.engine.scope import Ending
from mulle.runtime.local import LocalRuntime
from mulle.sdk.context import Services

MOST = 1_000_000
"""Children at work at a time: as many as workers take."""


def with_children(
    services: Services,
    journal: Journal,
    graphs: Graphs,
    runtime: Callable[[], LocalRuntime],
    clock: Callable[[], float],
) -> Services:
    """Services with which nodes can give their work to child runs."""
    return replace(services, children=Children(journal, graphs, runtime, clock))


class Children:
    """Starts the child runs of runs in one journal, and knows how they ended."""

    def __init__(
        self, journal: Journal, graphs: Graphs, runtime: Callable[[], LocalRuntime], clock: Callable[[], float]
    ) -> None:
        self._journal = journal
        self._graphs = graphs
        self._runtime = runtime
        self._clock = clock
        self._made: tuple[tuple[str, Path, dict[str, Any]], Ready] | None = None
        """What was started last: many children follow the same graph."""

    async def possible(self, run: str, path: Path) -> bool:
        """Whether a node's work can be given away: not what pins, a budget or Python functions bind to the run."""
        row, first = await self._journal.row(run), await self._first(run)
        loaded = await self._graphs.load(row.graph)
        bound = first.pins or first.budget is not None or not loaded.portable
        return not bound and _node_at(await self._document(row.graph), path) is not None

    async def start(
        self, run: str, path: Path, child: str, *, settings: Mapping[str, Any], inputs: Mapping[str, Any], signal: str
    ) -> None:
        """Start a child, unless it was started before."""
        row, before = await self._journal.row(run), await self._first(run)
        ready = await self._child_graph(row.graph, path, settings)
        now = self._clock()
        first = msgspec.structs.replace(
            before,
            at=now,
            run=child,
            graph=ready.graph,
            conversation={},
            inputs={name: value for name, value in before.inputs.items() if name == "files"} | dict(inputs),
            parent=run,
            origin=None,
            caller=Caller(run, signal),
        )
        new = NewRun(
            id=child,
            workflow=row.workflow,
            graph=ready.graph,
            created=now,
            parent=run,
            dedup=f"child/{child}",
            queues=(Queue(f"children/{run}", MOST),),
        )
        self._journal.save_graph(ready.graph, ready.text)
        # Whole or not at all: whoever is stopped here cancels the children that there are by then.
        beginning = asyncio.ensure_future(self._runtime().start(new, first, ready.loaded))
        try:
            await asyncio.shield(beginning)
        except asyncio.CancelledError:
            await asyncio.wait([beginning])
            raise

    async def ending(self, child: str) -> Ending | None:
        """How a child ended; None: it has not."""
        row = await self._journal.row(child)
        if row.ended is None:
            return None
        (last,) = await self._journal.read(child, row.head - 1)
        assert isinstance(last, RunEnded)
        return Ending(last.status == "succeeded", last.outputs, error=last.error, stopped=last.status == "cancelled")

    async def _child_graph(self, graph: str, path: Path, settings: Mapping[str, Any]) -> Ready:
        """The graph that the children of a node follow; raises InvalidDocument for a body that cannot be spread."""
        key = (graph, path, dict(settings))
        if self._made is None or self._made[0] != key:
            document = await self._document(graph)
            node = _node_at(document, path)
            assert node is not None, "It was there when the node asked whether it could be spread."
            self._made = key, self._graphs.ready(_child_workflow(document, node, settings))
        return self._made[1]

    async def _first(self, run: str) -> RunStarted:
        (first,) = await self._journal.read(run, 0, 1)
        assert isinstance(first, RunStarted)
        return first

    async def _document(self, graph: str) -> Workflow:
        return read_workflow(await self._journal.graph(graph))


def _node_at(body: Body, path: Path) -> NodeSpec | None:
    """The node of a document at a path; None for one in a graph that a step made."""
    node = next((node for node in body.nodes if node.id == path[0]), None)
    if node is None or len(path) == 1:
        return node
    return _node_at(node.body, path[2:]) if node.body else None


def _child_workflow(document: Workflow, node: NodeSpec, settings: Mapping[str, Any]) -> Workflow:
    """What a child follows: a subflow's body, or the same map over the items that it is given. One for all chunks."""
    assert node.body is not None, "Validation wants one."
    body = node.body if node.type == SUBFLOW else _map_over_inputs(node, settings)
    environment = document.variables.environment
    return Workflow(nodes=body.nodes, edges=body.edges, variables=Variables(environment=environment))


def _map_over_inputs(node: NodeSpec, settings: Mapping[str, Any]) -> Body:
    ports = [{"name": "items", "type": "array"}, {"name": "first", "type": "number"}, {"name": "files", "type": "any"}]
    start = NodeSpec.model_validate({"id": "start", "type": "start", "ports": {"outputs": ports}})
    each = NodeSpec(id="each", type=node.type, data=dict(settings), body=node.body)
    ways = [
        ("start", "items", "each"),
        ("start", "first", "each"),
        ("each", "results", "end"),
        ("each", "errors", "end"),
    ]
    edges = [{"source": a, "source_port": port, "target": b, "target_port": port} for a, port, b in ways]
    end = NodeSpec(id="end", type="end")
    return Body.model_validate({"nodes": (start, each, end), "edges": edges})
