"""Random documents: branches, gates, data, references, mappings, bodies in bodies, policies, and what steps do."""

from random import Random
from typing import Any

Data = dict[str, Any]

DEPTH = 3
CONTAINERS = ("map", "loop", "race")


def document(seed: int, size: int) -> Data:
    """The same for the same seed; `size` is how many steps stand in a graph at most."""
    return Author(Random(seed), size).document()


class Author:
    """Writes one random document. Ids are unique in all of it."""

    def __init__(self, chance: Random, size: int) -> None:
        self._chance = chance
        self._size = size
        self._count = 0

    def document(self) -> Data:
        return self._body(0, [])

    def _often(self, share: float) -> bool:
        return self._chance.random() < share

    def _body(self, depth: int, outer: list[str]) -> Data:
        """Nodes are made in an order in which they can run and written down in any other."""
        nodes: list[Data] = []
        edges: list[Data] = []
        if self._often(0.5):
            nodes.append(self._plain("start"))
        for _ in range(self._chance.randint(0 if depth else 1, max(1, self._size - depth))):
            node = self._node(depth, [*outer, *(one["id"] for one in nodes)])
            edges += self._edges(nodes, node)
            self._map(nodes, node, outer)
            nodes.append(node)
        for _ in range(self._chance.choice([0, 1, 1, 2]) if nodes else 0):
            end = self._plain("end")
            edges += self._edges(nodes, end) or [self._edge(nodes[-1], end)]
            nodes.append(end)
        self._chance.shuffle(nodes)
        self._chance.shuffle(edges)
        return {"nodes": nodes, "edges": edges}

    def _plain(self, kind: str) -> Data:
        self._count += 1
        return {"id": f"{kind}{self._count}", "type": kind, "ports": {"inputs": [], "outputs": []}, "data": {}}

    def _node(self, depth: int, before: list[str]) -> Data:
        node = self._plain(self._chance.choice(["step", "단계"]))
        ports: list[Data] = [
            {"name": "x", "required": self._often(0.4)},
            {"name": "y"},
            {"name": "xs", "multiple": True, "required": self._often(0.2)},
        ]
        node["ports"]["inputs"] = ports
        if self._often(0.3):
            node["ports"]["outputs"] = [{"name": name, "branch": True} for name in ("yes", "no")]
        data: Data = {
            "ends": self._chance.choice(["done"] * 20 + ["fail", "sometimes", "sometimes"]),
            "fails_first": self._chance.choice([0, 0, 0, 1, 2]),
            "waits": self._chance.choice([None, None, None, "time", "signal", "both"]),
            "effect": self._chance.choice(["pure", "repeatable", "once"]),
            "total": self._chance.choice([0, 0, 1, 5]),
            "n": self._chance.choice([0, 0, 1, 3]),
        }
        if before and self._often(0.3):
            data["refers"] = [f"{name}.out" for name in self._chance.sample(before, min(len(before), 2))]
        node["data"] = data
        policy = self._chance.choice(["fail", "fail", "default", "branch"])
        node["on_error"] = policy
        if policy == "default":
            node["default_outputs"] = self._chance.choice([{}, {"out": "없음"}])
        if self._count % 3 == 0:
            node["timeout"] = 5 + self._count
        if depth < DEPTH and self._often(0.4):
            self._fill(node, depth, before)
        return node

    def _fill(self, node: Data, depth: int, before: list[str]) -> None:
        """Make a container of a node: with a body, or with a graph that it makes while running."""
        count = self._chance.randint(0, 3)
        container = self._chance.choice(CONTAINERS)
        node["data"] |= {"container": container, "count": count, "waits": None, "tolerant": self._often(0.5)}
        node["data"] |= {"limit": self._chance.choice([None, 1, 2]), "effect": "pure"}
        if self._often(0.7):
            node["body"] = self._body(depth + 1, before)
        else:
            node["data"]["plan"] = self._body(depth + 1, [])

    def _edges(self, nodes: list[Data], target: Data) -> list[Data]:
        sources = [node for node in nodes if self._often(0.5)]
        return [self._edge(source, target) for source in sources for _ in range(self._chance.choice([1, 1, 2]))]

    def _edge(self, source: Data, target: Data) -> Data:
        ways = [port["name"] for port in source["ports"]["outputs"]]
        return {
            "source": source["id"],
            "target": target["id"],
            "source_port": self._chance.choice(
                [None, None, "out", "out", "out", "silent", "error", *ways, *ways, *ways]
            ),
            "target_port": self._chance.choice([None, None, "x", "x", "y", "xs"]),
        }

    def _map(self, nodes: list[Data], node: Data, outer: list[str]) -> None:
        """Feed a port from a node beside this one, or from one outside."""
        sources = [one["id"] for one in nodes] + outer
        if sources and self._often(0.3):
            variable = self._chance.choice(sources) + self._chance.choice(["", ".out", ".yes"])
            port = self._chance.choice(["x", "y", "xs"])
            node["variable_mappings"] = {port: {"source": {"variable": variable}}}
