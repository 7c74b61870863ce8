"""Forks: a run that begins with what an earlier one has done. A retry is a fork where that one failed.

The earlier run is only read, and stays as it is. What is kept is `engine.fork`'s to say.
"""

import asyncio
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from mulle.agents.workflow import Workflow as PythonWorkflow
from mulle.app.beginning import RunOptions, beginning
from mulle.app.given import as_data
from mulle.app.graphs import Graphs, Ready
from mulle.document.ports import Port, accepts, type_of
from mulle.document.workflow import Workflow
from mulle.engine.facts import FORMAT, RULES, AnyFact, Origin, Outputs, Path, RunStarted
from mulle.engine.fork import Change, kept_facts
from mulle.engine.journal import Journal, NewRun, RunRow
from mulle.engine.plan import PlanNode, ScopePlan
from mulle.errors import InputError
from mulle.runtime.history import History
from mulle.runtime.loaded import LoadedGraph

ORDINAL = re.compile("[0-9]{1,18}")
"""The number of a scope in a path."""


class NothingToRetry(InputError):
    """Only a run that failed or was cancelled is retried."""

    code = "run.nothing_to_retry"
    message = "Run '{run}' has not failed: it is {status}."
    hint = "`mulle runs fork {run} --at NODE` does a part of it again in a new run."


class UnknownNode(InputError):
    """The run has no such node."""

    code = "run.unknown_node"
    message = "Run '{run}' has no node '{node}'."
    hint = "{hint}"


class BadOutput(InputError):
    """A value cannot be given as a node's output."""

    code = "fork.bad_output"
    message = "'{place}' cannot be set: {why}."
    hint = "Write NODE.PORT=VALUE, with a port of that node and a value of its type."


class Earlier:
    """A run that a fork comes from."""

    def __init__(self, row: RunRow, facts: list[AnyFact], loaded: LoadedGraph) -> None:
        self.row = row
        self.facts = facts
        self.plan = loaded.plan
        self.describe = loaded.executor.catalogue.describe
        self.nodes = History.of(facts, loaded.plan, self.describe).records

    @property
    def started(self) -> RunStarted:
        first = self.facts[0]
        assert isinstance(first, RunStarted)
        return first

    def path(self, text: str) -> Path:
        """A node's place as people write it: `each/3/shout`. Raises UnknownNode."""
        path = tuple(
            int(step) if number % 2 and ORDINAL.fullmatch(step) else step for number, step in enumerate(text.split("/"))
        )
        if path in self.nodes or (len(path) == 1 and path[0] in self.plan.position):
            return path
        known = ["/".join(map(str, one)) for one in self.nodes]
        close = get_close_matches(text, known, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else f"`mulle runs show {self.row.id}` lists what it has."
        raise UnknownNode(run=self.row.id, node=text, hint=hint)

    def port(self, place: str) -> tuple[Path, Port]:
        """A node's output as people write it: `each/3/shout.text`. Raises UnknownNode, BadOutput."""
        node, dot, name = place.rpartition(".")
        if not dot:
            raise BadOutput(place=place, why="it names no port")
        path = self.path(node)
        plan = node_at(self.plan, path)
        ports = {port.name: port for port in plan.signature.outputs} if plan else {}
        if name not in ports and plan and not plan.signature.open_outputs:
            there = ", ".join(ports) or "none"
            raise BadOutput(place=place, why=f"'{node}' has no such output; it has: {there}")
        return path, ports.get(name) or Port(name=name)


def node_at(plan: ScopePlan, path: Path) -> PlanNode | None:
    """A node of a graph or of the bodies in it; None for one of a graph that was made while running."""
    graph: ScopePlan | None = plan
    node: PlanNode | None = None
    for step in path[::2]:
        if graph is None or step not in graph.position:
            return None
        node = graph.nodes[graph.position[str(step)]]
        graph = node.body
    return node


async def earlier(journal: Journal, graphs: Graphs, run_id: str) -> Earlier:
    """Read a run that is to be forked. Raises UnknownRun."""
    row = await journal.row(run_id)
    return Earlier(row, await journal.read(run_id), await graphs.readable(row.graph))


async def retried(journal: Journal, graphs: Graphs, run_id: str, new_id: str, now: float) -> "Fork":
    """A fork that goes on where a run failed or was cancelled. Raises UnknownRun, NothingToRetry."""
    before = await earlier(journal, graphs, run_id)
    if before.row.status not in ("failed", "cancelled"):
        raise NothingToRetry(run=run_id, status=before.row.status)
    ready = await graphs.again(before.row.graph)
    return await _fork(before, ready, _followed(before, new_id, now), Origin("retry"), Change())


async def forked(
    journal: Journal,
    graphs: Graphs,
    run_id: str,
    new_id: str,
    *,
    now: float,
    again: str | None,
    given: Mapping[str, Any],
    on: Workflow | PythonWorkflow | None,
) -> "Fork":
    """A fork that does a part of a run again; see `App.fork`."""
    before = await earlier(journal, graphs, run_id)
    change = Change(before.path(again) if again else None, given_outputs(before, given))
    origin = Origin("fork", again or "", tuple(given))
    if on is None:
        ready = await graphs.again(before.row.graph)
        return await _fork(before, ready, _followed(before, new_id, now), origin, change)
    ready, old = graphs.ready(on), before.started
    options = RunOptions(pins=old.pins, conversation=old.conversation, user=old.user, session=old.session)
    _, first = beginning(new_id, ready, old.inputs, options, now)
    return await _fork(before, ready, first, origin, change)


def given_outputs(before: Earlier, given: Mapping[str, Any]) -> dict[Path, Outputs]:
    """Values by `node.port`, gathered by node; raises UnknownNode, BadOutput, BadRunInput."""
    outputs: dict[Path, Outputs] = {}
    for place, value in given.items():
        path, port = before.port(place)
        data = as_data(value, place)
        if not accepts(port, data):
            raise BadOutput(place=place, why=f"the port takes {port.type}, not {type_of(data)}")
        outputs.setdefault(path, {})[port.name] = data
    return outputs


def _followed(before: Earlier, new_id: str, now: float) -> RunStarted:
    """The first fact of a run that wants what an earlier one wanted."""
    old = before.started
    deadline = None if old.deadline is None else now + old.deadline - old.at
    return msgspec.structs.replace(old, at=now, run=new_id, deadline=deadline, rules=RULES, format=FORMAT, caller=None)


class Fork(msgspec.Struct, frozen=True):
    """A fork before it begins."""

    new: NewRun
    first: RunStarted
    kept: list[AnyFact]
    ready: Ready


async def _fork(before: Earlier, ready: Ready, first: RunStarted, origin: Origin, change: Change) -> Fork:
    row, plan = before.row, ready.loaded.plan
    same = ready.graph == row.graph
    describe = ready.loaded.executor.catalogue.describe
    old = plan if same else before.plan
    kept = await asyncio.to_thread(
        kept_facts, before.facts, old, plan, describe=describe, first=first, change=change
    )  # A long journal would hold up everybody else on this loop.
    origin = msgspec.structs.replace(origin, kept=len(kept))
    first = msgspec.structs.replace(first, parent=row.id, origin=origin)
    new = NewRun(
        id=first.run,
        workflow=row.workflow,
        graph=ready.graph,
        created=first.at,
        parent=row.id,
        forked=True,
        session=first.session,
    )
    return Fork(new, first, kept, ready)
