"""A graph made ready for the fold: ids become positions, and every question the fold asks is answered beforehand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from pydantic import ValidationError

from mulle.document.links import Link, links, outer_names
from mulle.document.policies import Rate
from mulle.document.signature import Describe, Signature
from mulle.document.workflow import Body, NodeSpec
from mulle.errors import DocumentError, MulleError, StepError


@dataclass(frozen=True, slots=True)
class PlanLink:
    """A link between two positions of one scope."""

    source: int
    target: int
    source_port: str | None
    target_port: str | None
    path: tuple[str | int, ...]
    gate: bool
    branches: frozenset[str]
    """The branch ports of its source: an answer on these alone leaves a link without a source port dead."""


@dataclass(slots=True, eq=False)
class PlanNode:
    """One node with all that leads to it and away from it."""

    position: int
    id: str
    spec: NodeSpec
    signature: Signature
    incoming: tuple[PlanLink, ...] = ()
    """In document order."""
    has_gates: bool = False
    required: tuple[str, ...] = ()
    """Input ports that must get a value and have data links: a gate carries nothing into a port."""
    refers_to: tuple[int, ...] = ()
    """Nodes that its settings, or its body's, refer to. They order and decide nothing."""
    followers: tuple[int, ...] = ()
    """Positions to look at when this node ended; one entry a link or reference."""
    multiples: frozenset[str] = frozenset()
    """Input ports that collect every alive link."""
    body: "ScopePlan | None" = None
    prepared: Any = None
    """What the runtime worked out once for every run of this plan."""
    type: str = field(init=False)
    timeout: float | None = field(init=False)
    rate: Rate | None = field(init=False)
    """These are the spec's own: looked at in every turn, and a slot is looked at five times as quickly as a model."""

    def __post_init__(self) -> None:
        self.type, self.timeout, self.rate = self.spec.type, self.spec.timeout, self.spec.rate


@dataclass(slots=True, eq=False)
class ScopePlan:
    """A graph whose nodes stand in document order."""

    nodes: tuple[PlanNode, ...]
    position: Mapping[str, int]
    ends: tuple[int, ...]
    waits_for: tuple[int, ...]
    """How many links and references lead to each node, those from unreachable nodes not counted: they never settle."""
    first: tuple[int, ...]
    """Nodes that are ready when the scope opens."""
    unreachable: tuple[int, ...] = ()
    """Nodes that the start does not lead to: skipped when the scope opens."""


class UnrunnableGraph(DocumentError):
    """A run of this graph would never come to its end."""

    code = "graph.unrunnable"
    message = "This graph cannot run: {detail}."


def compile_body(body: Body, describe: Describe) -> ScopePlan:
    """Make a graph ready.

    A document was validated before; a graph that a node made while running is checked here for what would keep a run
    from ending. Raises UnrunnableGraph for ids that stand twice and for cycles, DocumentError for unknown types,
    ExpressionError for mappings that are no reference.
    """
    signatures = {node.id: describe(node) for node in body.nodes}
    if len(signatures) < len(body.nodes):
        raise UnrunnableGraph("two of its nodes have the same id")
    position = {node.id: number for number, node in enumerate(body.nodes)}
    nodes = tuple(_plan_node(number, node, signatures[node.id], describe) for number, node in enumerate(body.nodes))
    _connect(nodes, links(body, signatures), position)
    for node in nodes:
        node.refers_to = _referred(node, describe, position)
    _follow(nodes)
    unreachable = _unreachable(nodes)
    waits_for = _waits_for(nodes, unreachable)
    first = tuple(node.position for node in nodes if not waits_for[node.position] and node.position not in unreachable)
    _assert_it_ends(nodes, waits_for, [*first], unreachable)
    return ScopePlan(
        nodes=nodes,
        position=position,
        ends=tuple(node.position for node in nodes if node.signature.end),
        waits_for=waits_for,
        first=first,
        unreachable=tuple(sorted(unreachable)),
    )


def _plan_node(number: int, spec: NodeSpec, signature: Signature, describe: Describe) -> PlanNode:
    return PlanNode(
        position=number,
        id=spec.id,
        spec=spec,
        signature=signature,
        multiples=frozenset(port.name for port in signature.inputs if port.multiple),
        body=None if spec.body is None else compile_body(spec.body, describe),
    )


def _connect(nodes: tuple[PlanNode, ...], found: Iterable[Link], position: Mapping[str, int]) -> None:
    incoming: list[list[PlanLink]] = [[] for _ in nodes]
    for link in found:
        source, target = nodes[position[link.source]], position[link.target]
        branches = source.signature.branches
        planned = PlanLink(source.position, target, link.source_port, link.target_port, link.path, link.gate, branches)
        incoming[target].append(planned)
    for node, into in zip(nodes, incoming, strict=True):
        node.incoming = tuple(into)
        node.has_gates = any(link.gate for link in into)
        fed = {link.target_port for link in into if not link.gate}
        node.required = tuple(port.name for port in node.signature.inputs if port.required and port.name in fed)


def _referred(node: PlanNode, describe: Describe, position: Mapping[str, int]) -> tuple[int, ...]:
    names = outer_names(node.spec, node.signature, describe)
    return tuple(sorted({position[name] for name in names if name in position and position[name] != node.position}))


def _follow(nodes: tuple[PlanNode, ...]) -> None:
    followers: list[list[int]] = [[] for _ in nodes]
    for node in nodes:
        for source in (*(link.source for link in node.incoming), *node.refers_to):
            followers[source].append(node.position)
    for node, behind in zip(nodes, followers, strict=True):
        node.followers = tuple(behind)


def _unreachable(nodes: tuple[PlanNode, ...]) -> set[int]:
    """What a start node does not reach; nothing is out of reach where there is none."""
    reached = [node.position for node in nodes if node.signature.start]
    if not reached:
        return set()
    unseen = {node.position for node in nodes}.difference(reached)
    while reached:
        behind = unseen.intersection(nodes[reached.pop()].followers)
        unseen -= behind
        reached += behind
    return unseen


def _waits_for(nodes: tuple[PlanNode, ...], unreachable: set[int]) -> tuple[int, ...]:
    waits_for = [0] * len(nodes)
    for node in nodes:
        if node.position not in unreachable:
            for follower in node.followers:
                waits_for[follower] += 1
    return tuple(waits_for)


def _assert_it_ends(nodes: tuple[PlanNode, ...], waits_for: tuple[int, ...], ready: list[int], out: set[int]) -> None:
    """Settle everything as a run would; what is left stands in a cycle or behind one."""
    left = list(waits_for)
    settled = len(out)
    while ready:
        settled += 1
        for follower in nodes[ready.pop()].followers:
            left[follower] -= 1
            if not left[follower]:
                ready.append(follower)
    if settled < len(nodes):
        stuck = next(node.id for node in nodes if left[node.position])
        raise UnrunnableGraph(f"'{stuck}' waits for itself", at=stuck)


class MadeGraphs:
    """Graphs that nodes made while running, each compiled once. A body that a thousand scopes share is one graph."""

    def __init__(self, describe: Describe) -> None:
        self._describe = describe
        self._made: dict[bytes, ScopePlan] = {}

    def ready(self, body: dict[str, Any]) -> ScopePlan:
        """A graph as data (`{"nodes": …, "edges": …}`) made ready; raises UnrunnableStepGraph."""
        key = msgspec.json.encode(body)
        if key not in self._made:
            if len(self._made) >= MADE_KEPT:
                del self._made[next(iter(self._made))]
            self._made[key] = self._compiled(body)
        return self._made[key]

    def _compiled(self, body: dict[str, Any]) -> ScopePlan:
        try:
            return compile_body(Body.model_validate(body), self._describe)
        except ValidationError as error:
            raise UnrunnableStepGraph(problem=error.errors(include_url=False, include_input=False)[0]["msg"]) from error
        except MulleError as error:
            raise UnrunnableStepGraph(problem=error.text, at=error.at) from error


MADE_KEPT = 32
"""How many made graphs a run remembers ready."""


class UnrunnableStepGraph(StepError):
    """A step asked for a graph to be run that cannot run."""

    code = "step.unrunnable_graph"
    message = "The step asked for a graph that cannot run: {problem}"
    hint = "What a step makes must be a graph as in a document: `nodes` with known types and `edges` without cycles."
