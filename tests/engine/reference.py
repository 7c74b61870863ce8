"""What a document must give, computed the obvious way: node after node, scope inside scope, nothing at the same time.

Written from the design's rules of readiness, not from the engine. It knows plain documents as data and asks `behave`
what a step answers; everything else, it decides itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Data = dict[str, Any]
Outputs = dict[str, Any]


@dataclass
class Outcome:
    """How a node ended: done, failed or skipped."""

    status: str
    outputs: Outputs = field(default_factory=dict[str, Any])


@dataclass
class Around:
    """What a scope's nodes see of the outside."""

    path: tuple[str | int, ...] = ()
    names: Data = field(default_factory=dict[str, Any])
    outer: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    state: Data | None = None
    exact: bool = True
    """Whether every node in here must end as told: not where the rest of a scope is stopped midway."""


Behave = Callable[[Data, Data, Data], tuple[str, Outputs]]
"""A step, its inputs and the names it sees: `done` with outputs, or `failed`."""


class Reference:
    """One document, interpreted."""

    def __init__(self, document: Data, behave: Behave) -> None:
        self._behave = behave
        self.nodes: dict[tuple[str | int, ...], Outcome] = {}
        """Every node by its path, where its ending does not hang on the order in which things happen."""
        self.total = 0
        """What the steps added to `conversation.total`."""
        self.states: dict[tuple[str | int, ...], int] = {}
        """What the steps inside each loop added to `state.n`, round upon round."""
        self.exact = True
        """Nothing was stopped midway, so `total` and `states` are certain."""
        self.failed, self.reached, self.outputs = self._scope(document, Around())

    def _scope(self, body: Data, around: Around) -> tuple[bool, bool, Outputs]:
        """Whether it failed, whether it reached an end, and its outputs."""
        nodes = {node["id"]: node for node in body["nodes"]}
        links = all_links(body)
        needs = {
            name: {link["source"] for link in links if link["target"] == name}
            | {one for one in mentioned(node) if one in nodes and one != name}
            for name, node in nodes.items()
        }
        ended: dict[str, Outcome] = {name: Outcome("skipped") for name in nodes if name not in _reached(nodes, needs)}
        while len(ended) < len(nodes):
            for name, node in nodes.items():
                if name not in ended and needs[name] <= ended.keys():
                    into = [link for link in links if link["target"] == name]
                    ended[name] = self._node(node, into, needs[name], ended, around)
        failed = any(one.status == "failed" for one in ended.values())
        if failed:
            self.exact = False
        if around.exact and not failed:
            self.nodes |= {(*around.path, name): one for name, one in ended.items()}
        else:
            self._forget_all_in(around.path)
        ends = [ended[name] for name, node in nodes.items() if node["type"] == "end" and ended[name].status == "done"]
        outputs: Outputs = {}
        for one in ends:
            for port, value in one.outputs.items():
                outputs.setdefault(port, value)
        return failed, bool(ends), outputs

    def _forget_all_in(self, path: tuple[str | int, ...]) -> None:
        """Whatever went on in a scope that failed may have been stopped at any point."""
        self.nodes = {inner: one for inner, one in self.nodes.items() if inner[: len(path)] != path}

    def _node(
        self, node: Data, into: list[Data], needs: set[str], ended: dict[str, Outcome], around: Around
    ) -> Outcome:
        if not _runs(node, into, needs, ended):
            return Outcome("skipped")
        inputs = _inputs(node, into, ended)
        visible = around.outer | ended
        seen = {name: visible[name].outputs for name in sorted(mentioned(node)) if name in visible}
        names = around.names | {"seen": seen}
        kind = node["data"].get("container")
        if kind:
            status, outputs = self._container(kind, node, names, around, visible)
        else:
            status, outputs = self._behave(node, inputs, names)
        if status == "done":
            self._write(node, around)
            return Outcome("done", outputs)
        match node.get("on_error", "fail"):
            case "default":
                return Outcome("done", node.get("default_outputs") or {})
            case "branch":
                return Outcome("done", {"error": {"type": "boom", "message": "", "node": node["id"]}})
            case _:
                return Outcome("failed")

    def _write(self, node: Data, around: Around) -> None:
        self.total += node["data"].get("total", 0)
        if around.state is not None:
            around.state["n"] = around.state.get("n", 0) + node["data"].get("n", 0)

    def _container(
        self, kind: str, node: Data, names: Data, around: Around, visible: dict[str, Outcome]
    ) -> tuple[str, Outputs]:
        body, data = node.get("body") or node["data"]["plan"], node["data"]
        if data.get("ends") == "fail":
            return "failed", {}
        base = {name: value for name, value in names.items() if name != "seen"}
        results: list[Outputs | None] = []
        state: Data = {"n": 0}
        for number in range(data["count"]):
            inside = Around(
                path=(*around.path, node["id"], number),
                names=base | {"item": number, "index": number} | ({"carry": carried(state)} if kind == "loop" else {}),
                outer=visible,
                state=dict(state) if kind == "loop" else around.state,
                exact=around.exact and kind != "race",
            )
            failed, _, outputs = self._scope(body, inside)
            results.append(None if failed else outputs)
            if kind == "loop":
                if failed:
                    return "failed", {}
                assert inside.state is not None
                state = inside.state | outputs
        if kind == "loop":
            self.states[*around.path, node["id"]] = state["n"]
        if None in results and kind == "map" and not data["tolerant"]:
            self._forget_all_in((*around.path, node["id"]))
        return self._gathered(kind, data, results, state)

    def _gathered(self, kind: str, data: Data, results: list[Outputs | None], state: Data) -> tuple[str, Outputs]:
        if kind == "race":
            self.exact = False
            return ("done", {"out": "raced"}) if any(one is not None for one in results) else ("failed", {})
        if kind == "loop":
            return "done", {"out": carried(state)}
        if None in results and not data["tolerant"]:
            return "failed", {}
        return "done", {"out": results}


def carried(state: Data) -> Data:
    """A loop's state without the sum that parallel writes make: that one is compared at the end."""
    return {name: value for name, value in state.items() if name != "n"}


def all_links(body: Data) -> list[Data]:
    """Edges in document order, then mappings node by node."""
    kinds = {node["id"]: node for node in body["nodes"]}
    found: list[Data] = [
        {
            "source": edge["source"],
            "target": edge["target"],
            "from": edge["source_port"],
            "to": edge["target_port"],
            "gate": edge["target_port"] is None or edge["source_port"] in branches(kinds[edge["source"]]),
            "branches": branches(kinds[edge["source"]]),
        }
        for edge in body["edges"]
    ]
    for node in body["nodes"]:
        for port, mapping in node.get("variable_mappings", {}).items():
            source, _, source_port = mapping["source"]["variable"].partition(".")
            if source in kinds:
                ways = branches(kinds[source])
                link = {"source": source, "target": node["id"], "from": source_port or None, "to": port}
                found.append(link | {"gate": source_port in ways, "branches": ways})
    return found


def branches(node: Data) -> set[str]:
    """The ports that say which way to go."""
    return {port["name"] for port in node["ports"]["outputs"] if port.get("branch")} | {"error"}


def mentioned(node: Data) -> set[str]:
    """What a node's settings refer to, and what its body refers to or maps."""
    names = {text.partition(".")[0] for text in node["data"].get("refers", [])}
    inside: list[Data] = node["body"]["nodes"] if node.get("body") else []
    for inner in inside:
        names |= mentioned(inner)
        names |= {one["source"]["variable"].partition(".")[0] for one in inner.get("variable_mappings", {}).values()}
    return names - {inner["id"] for inner in inside}


def _reached(nodes: dict[str, Data], needs: dict[str, set[str]]) -> set[str]:
    """What a start leads to; all, where there is none."""
    seen = {name for name, node in nodes.items() if node["type"] == "start"}
    if not seen:
        return set(nodes)
    while more := {name for name in nodes if name not in seen and needs[name] & seen}:
        seen |= more
    return seen


def _alive(link: Data, ended: dict[str, Outcome]) -> bool:
    source = ended[link["source"]]
    if source.status != "done":
        return False
    if link["from"] is not None:
        return link["from"] in source.outputs
    return not source.outputs or any(port not in link["branches"] for port in source.outputs)


def _runs(node: Data, into: list[Data], needs: set[str], ended: dict[str, Outcome]) -> bool:
    if not into:
        mentioned_only = [ended[name] for name in needs]
        return not mentioned_only or any(one.status != "skipped" for one in mentioned_only)
    gates = [link for link in into if link["gate"]]
    data = [link for link in into if not link["gate"]]
    if not any(_alive(link, ended) for link in gates or data):
        return False
    required = [port["name"] for port in node["ports"]["inputs"] if port.get("required")]
    return all(
        any(_alive(link, ended) for link in data if link["to"] == port)
        for port in required
        if any(link["to"] == port for link in data)
    )


def _inputs(node: Data, into: list[Data], ended: dict[str, Outcome]) -> Data:
    multiple = {port["name"] for port in node["ports"]["inputs"] if port.get("multiple")}
    inputs: Data = {}
    for link in into:
        if link["gate"] or not _alive(link, ended):
            continue
        outputs = ended[link["source"]].outputs
        value = outputs if link["from"] is None else outputs[link["from"]]
        if link["to"] in multiple:
            inputs.setdefault(link["to"], []).append(value)
        else:
            inputs.setdefault(link["to"], value)
    return inputs
