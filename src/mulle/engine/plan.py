"""A graph made ready for the fold: ids become positions, and every question the fold asks is answered beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mulle.document.links import Link, links, outer_names
from mulle.document.signature import Describe, Signature
from mulle.document.workflow import Body, NodeSpec


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
    spec: NodeSpec
    signature: Signature
    incoming: tuple[PlanLink, ...] = ()
    """In document order."""
    has_gates: bool = False
    required: tuple[str, ...] = ()
    """Input ports that must get a value and have links."""
    refers_to: tuple[int, ...] = ()
    """Nodes that its settings, or its body's, refer to. They order and decide nothing."""
    followers: tuple[int, ...] = ()
    """Positions to look at when this node ended; one entry a link or reference."""
    multiples: frozenset[str] = frozenset()
    """Input ports that collect every alive link."""
    body: "ScopePlan | None" = None
    reachable: bool = True
    prepared: Any = None
    """What the runtime worked out once for every run of this plan."""

    @property
    def id(self) -> str:
        return self.spec.id


@dataclass(slots=True, eq=False)
class ScopePlan:
    """A graph whose nodes stand in document order."""

    nodes: tuple[PlanNode, ...]
    position: Mapping[str, int]
    ends: tuple[int, ...]
    waits_for: tuple[int, ...]
    """How many links and references lead to each node."""
    first: tuple[int, ...]
    """Nodes that are ready when the scope opens."""
    unreachable: tuple[int, ...] = ()
    by_id: Mapping[str, PlanNode] = field(default_factory=dict[str, PlanNode])


def compile_body(body: Body, describe: Describe) -> ScopePlan:
    """Make a graph ready. It must be free of errors (`document.validate`); raises DocumentError for unknown types."""
    signatures = {node.id: describe(node) for node in body.nodes}
    position = {node.id: number for number, node in enumerate(body.nodes)}
    nodes = [_plan_node(number, node, signatures[node.id], describe) for number, node in enumerate(body.nodes)]
    by_id = {node.id: node for node in nodes}
    followers: list[list[int]] = [[] for _ in nodes]
    waits_for = [0] * len(nodes)
    incoming: list[list[PlanLink]] = [[] for _ in nodes]
    for link in links(body, signatures):
        planned = _plan_link(link, by_id)
        incoming[planned.target].append(planned)
        followers[planned.source].append(planned.target)
        waits_for[planned.target] += 1
    for node in nodes:
        node.refers_to = _referred(node, describe, position)
        for source in node.refers_to:
            followers[source].append(node.position)
        waits_for[node.position] += len(node.refers_to)
    for node, into, behind in zip(nodes, incoming, followers, strict=True):
        node.incoming, node.followers = tuple(into), tuple(behind)
        node.has_gates = any(link.gate for link in into)
        linked = {link.target_port for link in into}
        node.required = tuple(port.name for port in node.signature.inputs if port.required and port.name in linked)
    unreachable = _unreachable(nodes)
    for number in unreachable:
        nodes[number].reachable = False
    return ScopePlan(
        nodes=tuple(nodes),
        position=position,
        ends=tuple(node.position for node in nodes if node.signature.end),
        waits_for=tuple(waits_for),
        first=tuple(node.position for node in nodes if not waits_for[node.position] and node.reachable),
        unreachable=unreachable,
        by_id=by_id,
    )


def _plan_node(number: int, spec: NodeSpec, signature: Signature, describe: Describe) -> PlanNode:
    return PlanNode(
        position=number,
        spec=spec,
        signature=signature,
        multiples=frozenset(port.name for port in signature.inputs if port.multiple),
        body=compile_body(spec.body, describe) if spec.body else None,
    )


def _plan_link(link: Link, nodes: Mapping[str, PlanNode]) -> PlanLink:
    source, target = nodes[link.source], nodes[link.target]
    branches = source.signature.branches
    return PlanLink(
        source.position, target.position, link.source_port, link.target_port, link.path, link.gate, branches
    )


def _referred(node: PlanNode, describe: Describe, position: Mapping[str, int]) -> tuple[int, ...]:
    names = outer_names(node.spec, node.signature, describe)
    return tuple(sorted({position[name] for name in names if name in position and position[name] != node.position}))


def _unreachable(nodes: list[PlanNode]) -> tuple[int, ...]:
    """What a start node does not reach; nothing is out of reach where there is none."""
    reached = [node.position for node in nodes if node.signature.start]
    if not reached:
        return ()
    seen = set(reached)
    while reached:
        for follower in nodes[reached.pop()].followers:
            if follower not in seen:
                seen.add(follower)
                reached.append(follower)
    return tuple(node.position for node in nodes if node.position not in seen)
