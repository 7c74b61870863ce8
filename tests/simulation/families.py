"""Runs whose work is spread over child runs, in a simulated world: their documents, and the real `Children` at work.

A parent has one node that starts some children, each a run of the node's body, and waits for all of them.
"""

import json
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

from tests.engine.documents import document
from tests.engine.graphs import compiled
from tests.engine.reference import Data, Reference
from tests.simulation.workload import Workload, behave, dress

from mulle.app.children import Children
from mulle.app.graphs import Ready
from mulle.document.workflow import Workflow
from mulle.runtime.loaded import LoadedGraph
from mulle.sdk.context import Services

if TYPE_CHECKING:
    from tests.simulation.process import Process

SPREAD = "나눔"
"""The id of the node that has children."""


@lru_cache(maxsize=100)
def family(seed: int) -> tuple[Workload, Workload]:
    """A parent's document and its children's; the same for the same seed."""
    chance = Random(f"{seed}/family")
    body = document(seed, 3)
    nodes: dict[str, Data] = {}
    dress(body, Random(f"{seed}/dress"), nodes)
    for node in nodes.values():
        node["data"]["total"] = 0  # A child has no conversation.
    child = Workload(f"child-{seed}", body, compiled(body), nodes, Reference(body, behave))
    spread: Data = {
        "id": SPREAD,
        "type": "subflow",
        "ports": {"inputs": [], "outputs": []},
        "data": {"container": "spread", "count": chance.choice([1, 2, 4]), "tolerant": chance.random() < 0.5},
        "effect": "repeatable",
        "on_error": chance.choice(["fail", "default"]),
        "default_outputs": {"out": "없음"},
        "retry": {"max": chance.choice([0, 1]), "delay": 0.3},
        "body": body,
    }
    spread["data"] |= {"fails_first": chance.choice([0, 0, 1]), "stubborn": 0, "effect": "repeatable"}
    end: Data = {"id": "끝", "type": "end", "ports": {"inputs": [{"name": "x"}], "outputs": []}, "data": {}}
    edge = {"source": SPREAD, "source_port": "out", "target": "끝", "target_port": "x"}
    parent: Data = {"nodes": [spread, end], "edges": [edge]}
    kinds = {SPREAD: spread, "끝": end}
    return Workload(f"family-{seed}", parent, compiled(parent), kinds, None), child


class Families:
    """As `mulle.app.graphs.Graphs` for one process: what `Children` and forks ask of it."""

    def __init__(self, process: "Process", works: dict[str, Workload]) -> None:
        self._process = process
        self._works = works

    async def load(self, graph: str) -> LoadedGraph:
        return self._process.loaded(graph)

    async def readable(self, graph: str) -> LoadedGraph:
        return self._process.loaded(graph)

    async def again(self, graph: str) -> Ready:
        document: Any = None  # Nobody asks for it.
        return Ready(graph, await self._process.journal.graph(graph), document, self._process.loaded(graph))

    def ready(self, workflow: Workflow) -> Ready:
        """The children of all parents of a world are alike."""
        graph = "gchild"
        return Ready(graph, b"{}", workflow, self._process.loaded(graph))


def with_children(services: Services, process: "Process", works: dict[str, Workload]) -> Services:
    """Services with which a step can start child runs."""
    graphs: Any = Families(process, works)
    journal: Any = process.journal
    return replace(services, children=Children(journal, graphs, lambda: process.runtime, process.clock))


def text_of(work: Workload) -> bytes:
    """A document as the store keeps it."""
    return json.dumps(work.document, ensure_ascii=False).encode()
