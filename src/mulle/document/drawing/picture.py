"""What is to be drawn: boxes and arrows. Says nothing of where they stand and how they look."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mulle.document.expressions import data_references, parse
from mulle.document.links import BadSelector, mapped
from mulle.document.ports import is_array, is_object
from mulle.document.workflow import Body, Edge, NodeSpec, Workflow
from mulle.errors import ExpressionError


@dataclass(frozen=True, slots=True)
class Arrow:
    """A way from one box to another. One from or to a box that is not there is left out."""

    source: str
    target: str
    label: str = ""
    gate: bool = False
    """Decides and carries nothing: a thin, dashed line."""


@dataclass(frozen=True, slots=True)
class Box:
    """One thing, with what people call it."""

    id: str
    """Unique in its picture; of two with one id the first is drawn."""
    label: str = ""
    """What people read; the id if it is empty."""
    kind: str = ""
    """A second, smaller line: the node's type."""
    status: str = ""
    """Gives it its colour: succeeded, failed, running, waiting, skipped, or a word that means the same."""
    inside: "Picture | None" = None
    """What is drawn within it."""

    @property
    def name(self) -> str:
        return self.label or self.id


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes in their order, and the arrows between them."""

    boxes: tuple[Box, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    title: str = ""

    def drawable(self) -> "Picture":
        """The same without second boxes of one id and without arrows that lead nowhere or to themselves."""
        boxes = {box.id: box for box in reversed(self.boxes)}
        first = tuple(box for box in self.boxes if boxes[box.id] is box)
        arrows = dict.fromkeys(
            arrow
            for arrow in self.arrows
            if arrow.source in boxes and arrow.target in boxes and arrow.source != arrow.target
        )
        return Picture(first, tuple(arrows), self.title)


def picture_of(graph: Body, statuses: Mapping[str, str] | None = None) -> Picture:
    """A document's picture.

    Args:
        graph: A workflow, or the body of a node.
        statuses: How nodes fared, by id; within bodies by the ids on the way: `each/shout`.
    """
    return _picture(graph, statuses or {}, "")


def _picture(graph: Body, statuses: Mapping[str, str], prefix: str) -> Picture:
    boxes = tuple(
        Box(
            id=node.id,
            label=node.name,
            kind="" if node.type == (node.name or node.id) else node.type,
            status=statuses.get(prefix + node.id, ""),
            inside=_picture(node.body, statuses, f"{prefix}{node.id}/") if node.body and node.body.nodes else None,
        )
        for node in graph.nodes
    )
    drawn = [_arrow(edge) for edge in graph.edges]
    joined = {(arrow.source, arrow.target) for arrow in drawn}
    ids = {node.id for node in graph.nodes}
    for node in graph.nodes:
        sources = dict.fromkeys(name for name in _named(node) if name in ids and (name, node.id) not in joined)
        drawn += [Arrow(source, node.id) for source in sources]
    title = graph.name if isinstance(graph, Workflow) else ""
    return Picture(boxes, tuple(drawn), title)


def _arrow(edge: Edge) -> Arrow:
    """With the branch that it follows, if it does; the names of data ports would only crowd the picture."""
    branch = edge.source_port or "" if edge.target_port is None else ""
    return Arrow(edge.source, edge.target, branch, gate=bool(branch))


def _tests(data: Any) -> Iterator[str]:
    """The expressions in a node's settings, by the names that the built-in types have for them."""
    if is_object(data):
        for key, value in data.items():
            if key in _TESTS and isinstance(value, str):
                yield value
            else:
                yield from _tests(value)
    elif is_array(data):
        for item in data:
            yield from _tests(item)


_TESTS = frozenset({"when", "while", "until"})


def _named(node: NodeSpec) -> Iterator[str]:
    """Nodes that a node's mappings and templates, and those of its body, refer to. What is unreadable names nobody."""
    try:
        yield from (source.root for _, source, _ in mapped(node))
        yield from (reference.node for reference in data_references(node.data) if reference.node)
        yield from (
            reference.node for test in _tests(node.data) for reference in parse(test).references if reference.node
        )
    except (BadSelector, ExpressionError):
        return
    if node.body:
        within = {inner.id for inner in node.body.nodes}
        for inner in node.body.nodes:
            yield from (name for name in _named(inner) if name not in within)
