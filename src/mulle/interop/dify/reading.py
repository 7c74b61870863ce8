"""An export as it was written becomes a `DifyApp`: every part there and of its type. Knows no Mulle document."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mulle.document.ports import is_array, is_object
from mulle.document.reading import read_data
from mulle.errors import InputError
from mulle.interop.dify.plain_apps import PLAIN, graph_of
from mulle.interop.loose import a_text, an_object, objects

MOST_NODES = 2000
MOST_EDGES = 10_000

CONTAINERS = frozenset({"iteration", "loop"})
ROOTS = frozenset({"start", "trigger-webhook", "trigger-schedule", "trigger-plugin", "datasource"})
INNER_STARTS = frozenset({"iteration-start", "loop-start"})


class NotDify(InputError):
    """The file is no Dify workflow that can be read."""

    code = "import.not_dify"
    message = "This is no Dify workflow: {problem}."
    hint = "Export it in Dify as DSL (YAML), or say `--from legacy` for the JSON of an old chatbot."


@dataclass(frozen=True, slots=True)
class DifyNode:
    """One node."""

    id: str
    type: str
    title: str
    data: dict[str, Any]
    """Its settings; any key may be absent or of a wrong type."""
    parent: str | None = None
    """The iteration or loop that it stands in."""
    position: dict[str, float] | None = None

    def text(self, key: str) -> str:
        """A setting that is text; empty when it is anything else."""
        return a_text(self.data.get(key))

    def objects(self, key: str) -> list[dict[str, Any]]:
        """The objects of a setting that is a list."""
        return objects(self.data.get(key))

    def object(self, key: str) -> dict[str, Any]:
        return an_object(self.data.get(key))

    def selector(self, key: str) -> tuple[str, ...]:
        return selector(self.data.get(key))


@dataclass(frozen=True, slots=True)
class DifyEdge:
    source: str
    target: str
    handle: str


@dataclass(frozen=True, slots=True)
class DifyVariable:
    """A variable of the environment or of the conversation."""

    name: str
    type: str
    value: Any
    description: str = ""


@dataclass(frozen=True, slots=True)
class DifyApp:
    """A whole export."""

    name: str
    description: str
    mode: str
    """`workflow` or `advanced-chat`."""
    nodes: tuple[DifyNode, ...]
    edges: tuple[DifyEdge, ...]
    environment: tuple[DifyVariable, ...] = ()
    conversation: tuple[DifyVariable, ...] = ()
    features: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_chat(self) -> bool:
        return self.mode != "workflow"


def selector(value: Any) -> tuple[str, ...]:
    """A list of names such as `["llm", "text"]`; empty for anything else."""
    if not is_array(value) or not all(isinstance(step, str | int) and not isinstance(step, bool) for step in value):
        return ()
    return tuple(str(step) for step in value)


def read_dify(text: str | bytes) -> DifyApp:
    """An export's text taken apart; raises UnreadableDocument, NotDify."""
    data = read_data(text, aliases=True)
    if not is_object(data):
        raise NotDify(problem="it holds no mapping")
    app = an_object(data.get("app"))
    workflow = an_object(data.get("workflow")) or data
    graph = an_object(workflow.get("graph")) or workflow
    config = an_object(data.get("model_config"))
    if not is_array(graph.get("nodes")) and config and a_text(app.get("mode")) in PLAIN:
        graph = graph_of(config, str(app["mode"]))
    if not is_array(graph.get("nodes")):
        mode = app.get("mode")
        kind = f"an app of the mode '{mode}' has no workflow" if isinstance(mode, str) else "it has no `workflow.graph`"
        raise NotDify(problem=kind)
    nodes = tuple(_nodes(graph["nodes"]))
    if not nodes:
        raise NotDify(problem="its graph has no nodes")
    edges = tuple(_edges(graph.get("edges"), {node.id for node in nodes}))
    mode = app.get("mode")
    return DifyApp(
        name=a_text(app.get("name")),
        description=a_text(app.get("description")),
        mode=mode if isinstance(mode, str) else _mode(nodes),
        nodes=nodes,
        edges=edges,
        environment=tuple(_variables(workflow.get("environment_variables"))),
        conversation=tuple(_variables(workflow.get("conversation_variables"))),
        features=an_object(workflow.get("features")) or config,
    )


def _mode(nodes: tuple[DifyNode, ...]) -> str:
    return "advanced-chat" if any(node.type == "answer" for node in nodes) else "workflow"


def _nodes(found: list[Any]) -> Iterator[DifyNode]:
    """The nodes with a type, sticky notes left out; of two with one id the first."""
    if len(found) > MOST_NODES:
        raise NotDify(problem=f"it has more than {MOST_NODES:,} nodes")
    raw = [node for node in found if is_object(node) and is_object(node.get("data"))]
    types = {_id(node.get("id")): a_text(node["data"].get("type")) for node in raw}
    seen: set[str] = set()
    for node in raw:
        name, data = _id(node.get("id")), node["data"]
        type_ = data.get("type")
        if not name or name in seen or not isinstance(type_, str) or not type_:
            continue
        seen.add(name)
        parents = (node.get("parentId"), data.get("iteration_id"), data.get("loop_id"))
        parent = next((one for one in map(_id, parents) if one and types.get(one) in CONTAINERS and one != name), None)
        yield DifyNode(name, type_, a_text(data.get("title")), data, parent, _position(node.get("position")))


def _id(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _position(value: Any) -> dict[str, float] | None:
    if not is_object(value):
        return None
    place = {axis: value.get(axis) for axis in ("x", "y")}
    numbers = {axis: float(one) for axis, one in place.items() if isinstance(one, int | float)}
    return numbers if len(numbers) == len(place) else None


def _edges(found: Any, known: set[str]) -> Iterator[DifyEdge]:
    if not is_array(found):
        return
    if len(found) > MOST_EDGES:
        raise NotDify(problem=f"it has more than {MOST_EDGES:,} edges")
    for edge in found:
        if not is_object(edge):
            continue
        source, target = _id(edge.get("source")), _id(edge.get("target"))
        if source in known and target in known and source != target:
            yield DifyEdge(source, target, a_text(edge.get("sourceHandle")) or "source")


def _variables(found: Any) -> Iterator[DifyVariable]:
    for one in found if is_array(found) else []:
        if is_object(one) and isinstance(one.get("name"), str) and one["name"]:
            yield DifyVariable(
                one["name"], a_text(one.get("value_type")), one.get("value"), a_text(one.get("description"))
            )
