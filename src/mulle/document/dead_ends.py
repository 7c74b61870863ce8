"""Branches behind which a run reaches no end, so that it would succeed with nothing to show for it.

Only what is certain counts: everything else is taken to go as well as it can.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from mulle.document.links import Link
from mulle.document.problem import Problem
from mulle.document.signature import ERROR_PORT, Signature
from mulle.document.workflow import Body, NodeSpec

MOST_LOOKS = 250_000
"""Nodes looked at, over all branches; a graph for which that is not enough is not judged."""


def dead_end_problems(
    body: Body,
    links: Sequence[Link],
    signatures: Mapping[str, Signature],
    behind: Mapping[str, set[str]],
    prefix: str,
) -> Iterator[Problem]:
    """A warning for each branch that leads to no end although others do. What stands in a cycle is not judged."""
    ways = {node.id: ports for node in body.nodes if (ports := _branches(node, signatures[node.id]))}
    if not ways or sum(map(len, ways.values())) * len(body.nodes) > MOST_LOOKS:
        return
    graph = _Graph(body, links, signatures, behind)
    best = graph.running({})
    if not graph.has_end(best):
        return  # Which is another problem.
    with_way = {node: {port: graph.running({node: {port}}) for port in ports} for node, ports in ways.items()}
    for node, ports in ways.items():
        if node not in best:
            continue  # Which is another one.
        # Only with these branches of the others does the run come here at all.
        here = {other: {port for port, runs in taken.items() if node in runs} for other, taken in with_way.items()}
        for port in filter(None, ports):
            if not graph.has_end(graph.running(here | {node: {port}})):
                message = f"When '{node}' takes '{port}', the run reaches no end: it succeeds, and gives nothing."
                hint = "Draw an edge from there to an end or an answer that says so."
                yield Problem("graph.dead_end", f"{prefix}nodes.{node}", message, hint, "warning")


NONE = ""
"""What a node takes that answers without a branch."""


def _branches(node: NodeSpec, signature: Signature) -> list[str]:
    """The ways that a node may take; none for one that has no choice."""
    named = [port.name for port in signature.outputs if port.branch and port.name != ERROR_PORT.name]
    if node.on_error == "branch" and ERROR_PORT.name in signature.branches:
        return [*(named or [NONE]), ERROR_PORT.name]
    return named


class _Graph:
    """A graph of which one can ask what may run, if some nodes take certain branches."""

    def __init__(
        self,
        body: Body,
        links: Sequence[Link],
        signatures: Mapping[str, Signature],
        behind: Mapping[str, set[str]],
    ) -> None:
        self._signatures = signatures
        self._has_start = any(signature.start for signature in signatures.values())
        self._into: dict[str, list[Link]] = {node.id: [] for node in body.nodes}
        for link in links:
            self._into[link.target].append(link)
        self._before: dict[str, list[str]] = {node.id: [] for node in body.nodes}
        for node, followers in behind.items():
            for follower in followers:
                self._before[follower].append(node)
        self._order = _in_order(behind)

    def has_end(self, runs: Collection[str]) -> bool:
        return any(self._signatures[node].end for node in runs)

    def running(self, taken: Mapping[str, Collection[str]]) -> set[str]:
        """The nodes that may run when of the named ones each takes one of these branches, and all others any."""
        runs: set[str] = set()
        for node in self._order:
            if self._may_run(node, runs, taken):
                runs.add(node)
        return runs

    def _may_run(self, node: str, runs: Collection[str], taken: Mapping[str, Collection[str]]) -> bool:
        signature, into = self._signatures[node], self._into[node]
        if not into:
            before = self._before[node]
            return signature.start or (any(one in runs for one in before) if before else not self._has_start)
        alive = [link for link in into if link.source in runs and self._is_open(link, taken)]
        if not any(link.gate for link in alive) and (not alive or any(link.gate for link in into)):
            return False
        fed = {link.target_port for link in into if not link.gate}
        needed = {port.name for port in signature.inputs if port.required and port.name in fed}
        return needed <= {link.target_port for link in alive if not link.gate}

    def _is_open(self, link: Link, taken: Mapping[str, Collection[str]]) -> bool:
        """Whether a way out of a node that runs may be taken."""
        if link.source not in taken:
            return True
        signature, ports = self._signatures[link.source], taken[link.source]
        if link.source_port in signature.branches:
            return link.source_port in ports
        # Who answers by a branch alone hands nothing on as a whole.
        has_more = signature.open_outputs or any(not port.branch for port in signature.outputs)
        return NONE in ports or (has_more and any(port != ERROR_PORT.name for port in ports))


def _in_order(behind: Mapping[str, set[str]]) -> list[str]:
    """The nodes, each after all that lead to it."""
    waits = dict.fromkeys(behind, 0)
    for followers in behind.values():
        for follower in followers:
            waits[follower] += 1
    order = [node for node, count in waits.items() if not count]
    for node in order:
        for follower in behind[node]:
            waits[follower] -= 1
            if not waits[follower]:
                order.append(follower)
    return order
