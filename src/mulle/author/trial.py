"""Run a draft for real, on the engine and in memory, with stand-ins for everything outside."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mulle.author.stand_ins import StandIns
from mulle.document.policies import Retry
from mulle.document.versions import graph_hash, graph_text
from mulle.document.workflow import Body, NodeSpec, Workflow
from mulle.engine.facts import RunStarted
from mulle.engine.journal import NewRun
from mulle.engine.plan import compile_body
from mulle.runtime.endings import RunEnding
from mulle.runtime.executor import Executor
from mulle.runtime.history import History
from mulle.runtime.loaded import LoadedGraph
from mulle.runtime.local import LocalRuntime
from mulle.runtime.memory_journal import MemoryJournal
from mulle.sdk.catalogue import Catalogue

LONGEST = 20.0
"""Seconds that a trial may take."""
_RUN = "trial"


@dataclass(frozen=True)
class Trial:
    """What a run on stand-ins did."""

    ending: RunEnding
    history: History
    stand_ins: StandIns

    def outputs(self, node: str) -> dict[str, Any] | None:
        """What a node answered; None when it did not run to its end."""
        record = self.history.records.get((node,))
        return record.outputs if record else None

    def status(self, node: str) -> str:
        """succeeded, failed, skipped …; empty for a node that never began."""
        record = self.history.records.get((node,))
        return record.status if record else ""


async def tried(
    workflow: Workflow,
    catalogue: Catalogue,
    stand_ins: StandIns,
    *,
    now: float,
    inputs: Mapping[str, Any] | None = None,
) -> Trial:
    """Run a workflow once, without waiting for retries; approvals are given.

    Raises TimeoutError when it does not come to an end, and MulleError for what the engine refuses.
    """
    hasty = workflow.model_copy(update={"nodes": tuple(_hasty(node) for node in workflow.nodes)})
    executor = Executor(catalogue, stand_ins.services(), clock=lambda: now, chance=lambda: 0.5)
    plan = compile_body(hasty, catalogue.describe)
    loaded = LoadedGraph(plan, executor)
    text = graph_text(hasty)
    graph = graph_hash(text)
    journal = MemoryJournal()
    journal.save_graph(graph, text)

    async def load(_: str) -> LoadedGraph:
        return loaded

    runtime = LocalRuntime(journal, load)
    first = RunStarted(at=now, run=_RUN, graph=graph, inputs=dict(inputs or _inputs(hasty)), pins=_approvals(hasty))
    try:
        async with asyncio.timeout(LONGEST):
            await runtime.start(NewRun(id=_RUN, workflow=hasty.name, graph=graph, created=now), first, loaded)
            ending = await runtime.wait(_RUN)
        facts = await journal.read(_RUN)
    finally:
        await runtime.close()
        await journal.close()
    history = History.of(facts, plan, catalogue.describe)
    history.still_open()
    return Trial(ending, history, stand_ins)


def _hasty(node: NodeSpec) -> NodeSpec:
    body = node.body
    inside = Body(nodes=tuple(_hasty(one) for one in body.nodes), edges=body.edges) if body else None
    return node.model_copy(update={"retry": Retry(), "body": inside})


def _inputs(workflow: Workflow) -> dict[str, Any]:
    """Something of each type for the inputs that an event would bring."""
    start = next((node for node in workflow.nodes if node.type == "start"), None)
    ports = start.ports.outputs if start else ()
    made: dict[str, Any] = {
        "string": "stand-in",
        "number": 1,
        "boolean": True,
        "array": [],
        "object": {},
        "any": "stand-in",
    }
    return {port.name: made[port.type.value] for port in ports if port.type.value in made}


def _approvals(workflow: Workflow) -> dict[str, Any]:
    return {node.id: {"outputs": {"approved": True}} for node in workflow.nodes if node.type == "approval"}
