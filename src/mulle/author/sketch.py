"""A graph as it grows: nodes tied on one behind the other. Knows no request."""

from collections.abc import Iterable, Mapping
from typing import Any

Way = tuple[str, str | None]
"""A node, and the branch port that leads on from it."""


class Sketch:
    """Nodes and edges as plain data, and the places where the next node is tied on."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []
        self.tail: list[Way] = []

    def add(self, wanted: str, kind: str, data: Mapping[str, Any] | None = None, **policies: Any) -> str:
        """A node behind the tail, which it becomes itself; gives its id, made unique by a number."""
        name = self.free_id(wanted)
        self.nodes.append({"id": name, "type": kind, **({"data": dict(data)} if data else {}), **policies})
        for source, port in self.tail:
            self.gate(source, port, name)
        self.tail = [(name, None)]
        return name

    def gate(self, source: str, port: str | None, target: str) -> None:
        """An edge that carries nothing and decides whether its target runs."""
        self.edges.append({"source": source, **({"source_port": port} if port else {}), "target": target})

    def carry(self, source: str, port: str, target: str, target_port: str) -> None:
        """An edge that carries a value."""
        self.edges.append({"source": source, "source_port": port, "target": target, "target_port": target_port})

    def free_id(self, wanted: str) -> str:
        """The wanted id, or the first with a number that nobody has."""
        number, name = 1, wanted
        while self.has(name):
            number += 1
            name = f"{wanted}_{number}"
        return name

    def has(self, name: str) -> bool:
        return any(node["id"] == name for node in self.nodes)

    def has_type(self, kind: str) -> bool:
        return any(node["type"] == kind for node in self.nodes)

    def at(self, ways: Iterable[Way]) -> None:
        """Go on from here."""
        self.tail = list(ways)
