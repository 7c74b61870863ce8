"""Which node stands in which iteration or loop, what can ever be reached, and what surely ran before what.

A scope is the id of its container, or None for the run's own graph.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property

from mulle.interop.dify.reading import CONTAINERS, INNER_STARTS, ROOTS, DifyApp, DifyEdge, DifyNode

BRANCHING = frozenset({"if-else", "question-classifier", "human-input"})
FAILED = "fail-branch"
ALWAYS = "source"
TIMED_OUT = "__timeout"
OTHERWISE = "false"
"""Dify's handle for the case that none of an if-else holds."""


class Scopes:
    """The graph's structure."""

    def __init__(self, app: DifyApp) -> None:
        self._all = {node.id: node for node in app.nodes}
        self._parents = {node.id: self._sound_parent(node) for node in app.nodes}
        edges = [edge for edge in app.edges if self._parents[edge.source] == self._parents[edge.target]]
        reached = self._reached([edge for edge in edges if self.leads(edge)])
        self.skipped = self._reached(edges) - reached
        """The nodes that only handles lead to which no step answers with: Dify skips them in every run."""
        self.nodes: Mapping[str, DifyNode] = {id_: node for id_, node in self._all.items() if id_ in reached}
        """The nodes that Dify could ever run."""
        self.left_out = [node for node in app.nodes if node.id not in reached and node.id in self._all]
        self.edges = [edge for edge in edges if edge.source in reached and edge.target in reached and self.leads(edge)]
        self._certain: dict[str, set[str]] = {}
        self._behind: dict[str, set[str]] = {}
        self._out: dict[str, list[DifyEdge]] = {}
        self._into: dict[str, list[DifyEdge]] = {}
        for edge in self.edges:
            self._out.setdefault(edge.source, []).append(edge)
            self._into.setdefault(edge.target, []).append(edge)

    def _sound_parent(self, node: DifyNode) -> str | None:
        """The container around, unless that stands inside of itself."""
        seen, at = {node.id}, node.parent
        while at is not None:
            if at in seen or at not in self._all:
                return None
            seen.add(at)
            at = self._all[at].parent
        return node.parent

    def scope(self, node: str) -> str | None:
        return self._parents[node]

    def around(self, node: str) -> list[str]:
        """The containers around a node, the innermost first."""
        found: list[str] = []
        at = self._parents[node]
        while at is not None:
            found.append(at)
            at = self._parents[at]
        return found

    def inside(self, scope: str | None) -> list[DifyNode]:
        """The nodes of one scope, in the order of the export."""
        return [node for node in self.nodes.values() if self._parents[node.id] == scope]

    def edges_into(self, node: str) -> list[DifyEdge]:
        return self._into.get(node, [])

    def behind(self, node: str) -> set[str]:
        """Everything that a node leads to."""
        if node not in self._behind:
            found: set[str] = set()
            todo = [node]
            while todo:
                at = todo.pop()
                new = {edge.target for edge in self._out.get(at, ())} - found
                found |= new
                todo += new
            self._behind[node] = found
        return self._behind[node]

    def leads(self, edge: DifyEdge) -> bool:
        """Whether Dify ever follows an edge: a fork follows the handles that it answers with, all others follow any."""
        node = self._all[edge.source]
        taken = handles(node)
        if node.text("error_strategy") == FAILED:
            return edge.handle == FAILED or edge.handle in (taken or (ALWAYS,))
        return taken is None or edge.handle in taken

    def _reached(self, edges: Iterable[DifyEdge]) -> set[str]:
        """What edges lead to from where the run and the bodies begin."""
        behind: dict[str, list[str]] = {}
        for edge in edges:
            behind.setdefault(edge.source, []).append(edge.target)
        starts = self._starts()
        reached, todo = set(starts), list(starts)
        while todo:
            at = todo.pop()
            nexts = list(behind.get(at, ()))
            if self._all[at].type in CONTAINERS:
                nexts += self._inner_starts(at)
            new = [one for one in nexts if one not in reached]
            reached.update(new)
            todo += new
        return reached

    def _starts(self) -> list[str]:
        roots = [node.id for node in self._all.values() if node.type in ROOTS and self._parents[node.id] is None]
        return roots[:1] or [next(iter(self._all))]

    def _inner_starts(self, container: str) -> list[str]:
        """Where a body begins: the start inside; in old exports the node that the container names."""
        inside = [node for node in self._all.values() if self._parents[node.id] == container]
        starts = [node.id for node in inside if node.type in INNER_STARTS]
        named = self._all[container].text("start_node_id")
        return starts or [node.id for node in inside if node.id == named] or [node.id for node in inside[:1]]

    def begins(self, container: str) -> list[str]:
        """The nodes that a body begins with."""
        return [one for one in self._inner_starts(container) if one in self.nodes]

    # ------------------------------------------------------------------ certainty

    def surely_ran(self, source: str, at: str) -> bool:
        """Whether a node, or what stands around it, has surely run when another one runs."""
        chain = [at, *self.around(at)]
        scope = self._parents[source]
        here = next((node for node in chain if self._parents[node] == scope), None)
        return here is not None and source in self._before(here)

    def _before(self, node: str) -> set[str]:
        """What every way to a node leads through."""
        if node not in self._certain:
            self._certain |= self._dominators(self._parents[node])
        return self._certain.get(node, set())

    def _dominators(self, scope: str | None) -> dict[str, set[str]]:
        """For each node of a scope what surely ran before it (Cooper, Harvey and Kennedy's sets, in one order)."""
        order = self.order(scope)
        into: dict[str, list[str]] = {node: [] for node in order}
        for edge in self.edges:
            if edge.target in into and edge.source in into:
                into[edge.target].append(edge.source)
        found: dict[str, set[str]] = {}
        for node in order:
            before = [found[source] | {source} for source in into[node] if source in found]
            found[node] = before[0].intersection(*before[1:]) if before else set[str]()
        return found

    def order(self, scope: str | None) -> list[str]:
        """The nodes of a scope so that each stands behind all that lead to it; those of a cycle stand last."""
        return sorted((node.id for node in self.inside(scope)), key=lambda id_: self.depth.get(id_, len(self._all)))

    @cached_property
    def depth(self) -> dict[str, int]:
        """How many steps the longest way to each node has."""
        into = dict.fromkeys(self.nodes, 0)
        behind: dict[str, list[str]] = {}
        for edge in self.edges:
            into[edge.target] += 1
            behind.setdefault(edge.source, []).append(edge.target)
        depth = {node: 0 for node, count in into.items() if not count}
        todo = list(depth)
        for node in todo:
            for after in behind.get(node, ()):
                into[after] -= 1
                depth[after] = max(depth.get(after, 0), depth[node] + 1)
                if not into[after]:
                    todo.append(after)
        return depth


def handles(node: DifyNode) -> tuple[str, ...] | None:
    """The handles that a fork answers with, each once; None for a node that is none."""
    match node.type:
        case "if-else":
            cases = node.objects("cases")
            named = [str(case.get("case_id") or case.get("id") or "true") for case in cases] or ["true"]
            return tuple(dict.fromkeys([*named, OTHERWISE]))
        case "question-classifier":
            return tuple(str(one["id"]) for one in node.objects("classes") if isinstance(one.get("id"), str | int))
        case "human-input":
            return (*(str(one["id"]) for one in node.objects("user_actions") if one.get("id")), TIMED_OUT)
        case _:
            return None
