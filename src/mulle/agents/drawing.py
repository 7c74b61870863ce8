"""What happens while a workflow's function is called to draw it: values stand for results, `with` opens a branch."""

import inspect
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NoReturn, Self

from mulle.agents.calling import taken
from mulle.agents.graph import Graph, retry_of
from mulle.agents.steps import FUNCTION, Step
from mulle.document.expressions import data_references, parse
from mulle.document.ports import Port, PortType, is_array, is_object
from mulle.document.workflow import NodeSpec, Ports, ValueSelector, VariableMapping

OUTPUT = "output"
MODULE = "python_module"
"""Under which a node remembers where its function was found, for who writes code from it."""
START, END = "start", "end"
HELD, ELSE = "yes", "else"
"""The branches of a `when`."""

_current: "ContextVar[Tracing | None]" = ContextVar("mulle_drawing", default=None)
_PLAIN = re.compile(r"(?!(?:and|or|not|in|if|else|true|false|null)$)[^\W\d]\w*")
"""A name that expressions can say without quotes."""


def current() -> "Tracing | None":
    """The drawing that is under way here."""
    return _current.get()


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """What a node will give, while nothing runs yet. In text it is `{{ node.port }}`; `value["key"]` goes deeper."""

    tracing: "Tracing"
    root: str
    """A node's id; `item` and `index` within `each`."""
    keys: tuple[str | int, ...] = ()
    is_node: bool = True

    def __getitem__(self, key: str | int) -> "Value":
        return Value(self.tracing, self.root, (*self.keys, key), self.is_node)

    def branch(self, name: str) -> "Branch":
        """The way that a node goes by this name: `with approval.branch("approved"):`."""
        return Branch(self.tracing, self.root, name)

    @property
    def expression(self) -> str:
        """As expressions refer to it."""
        plain = not self.is_node or _PLAIN.fullmatch(self.root)
        return (self.root if plain else f"nodes[{_quoted(self.root)}]") + "".join(map(_step, self.keys))

    def __str__(self) -> str:
        return f"{{{{ {self.expression} }}}}"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:  # noqa: PLE0304 - it never returns.
        self._not_yet("asked whether it is true", "mulle.when(…)")

    def __iter__(self) -> NoReturn:
        self._not_yet("gone through", "mulle.each(…)")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._not_yet(f"asked for .{name}", f'["{name}"] for a key of it, or a step that does it')

    def _not_yet(self, done: str, instead: str) -> NoReturn:
        raise TypeError(
            f"{self.expression} has no value while the workflow is drawn, so it cannot be {done}: {instead}."
        )


@dataclass(frozen=True, slots=True)
class Either:
    """The first of these that there is."""

    values: tuple[Any, ...]


class Branch:
    """A way that a node may go; steps called in `with` are run only if it does."""

    def __init__(self, tracing: "Tracing", node: str, port: str) -> None:
        self._tracing = tracing
        self.node, self.port = node, port
        self.inside: set[str] = set()
        """The nodes that were drawn within it."""

    @property
    def otherwise(self) -> "Branch":
        """The way that is taken when this one is not."""
        return Branch(self._tracing, self.node, ELSE)

    def __enter__(self) -> Self:
        self._tracing.branches.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._tracing.branches.remove(self)


class Tracing:
    """One graph that is being drawn; the body of an `each` is another one, within it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.branches: list[Branch] = []

    # ------------------------------------------------------------------ nodes

    def call(self, step: Step, policies: Mapping[str, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Draw a call of a step; gives what stands for its result."""
        given = _by_name(step, args, kwargs)
        fallback = policies.get("fallback")
        spec = self._function(step, policies, given, on_error="branch" if fallback else "fail")
        value = Value(self, spec.id, (OUTPUT,))
        if fallback is None:
            return value
        with Branch(self, spec.id, "error"):
            other = Step.of(fallback).by_ports()
            again = self._function(other, {"id": f"{spec.id}-fallback"}, _by_name(other, args, kwargs))
        return Either((value, Value(self, again.id, (OUTPUT,))))

    def _function(self, step: Step, policies: Mapping[str, Any], given: dict[str, Any], **more: Any) -> NodeSpec:
        declared = {one.name: one.port() for one in step.taken.parameters if one.named}
        for name, value in given.items():
            if is_array(value) and any(isinstance(one, Value) for one in value):
                declared[name] = declared[name].model_copy(update={"type": PortType.ANY, "multiple": True})
            elif not isinstance(value, Value | Either):
                declared[name] = declared[name].model_copy(update={"default_value": value, "required": False})
        node_id = self.graph.free_id(policies.get("id") or step.name.rpartition(".")[2].strip("<>"))
        data: dict[str, Any] = {"name": step.name} | ({"critical": True} if policies.get("critical") else {})
        ports = Ports(inputs=tuple(declared.values()), outputs=(step.taken.output,))
        spec = NodeSpec(
            id=node_id,
            type=FUNCTION,
            name=policies.get("name", ""),
            data=data,
            ports=ports,
            variable_mappings=self._mappings(given),
            retry=retry_of(policies.get("retry", 0)),
            timeout=policies.get("timeout"),
            effect=policies.get("effect"),
            on_interrupted=policies.get("on_interrupted", "ask"),
            ui={MODULE: module} if (module := getattr(step.call, "__module__", "")) else None,
            **more,
        )
        return self._add(spec, given, step=step)

    def node(
        self,
        type_: str,
        data: Mapping[str, Any],
        node_id: str = "",
        *,
        inputs: Mapping[str, Any] = MappingProxyType({}),
        after: Sequence[Value] = (),
        **policies: Any,
    ) -> Value:
        """Draw a node of any type."""
        fixed = {
            name: value
            for name, value in inputs.items()
            if not isinstance(value, Value | Either) and not (is_array(value) and _has_value(value))
        }
        ports = Ports(inputs=tuple(Port(name=name, default_value=value) for name, value in fixed.items()))
        made: dict[str, Any] = {"ports": ports, **policies}
        if "retry" in policies:
            made["retry"] = retry_of(policies["retry"])
        spec = NodeSpec(
            id=self.graph.free_id(node_id or type_),
            type=type_,
            data=_templates(dict(data)),
            variable_mappings=self._mappings(inputs),
            **made,
        )
        return Value(self, self._add(spec, inputs, after).id)

    def when(self, test: Any, node_id: str) -> Branch:
        text = test.expression if isinstance(test, Value) else re.sub(r"\{\{ (.*?) \}\}", r"\1", str(test))
        made = self.node("condition", {"cases": [{"name": HELD, "when": text}]}, node_id or "when")
        return Branch(self, made.root, HELD)

    def each(self, items: Any, body: Callable[..., Any], data: dict[str, Any], node_id: str) -> Value:
        inner = Tracing(self.graph.inside())
        with _drawing(inner):
            arguments = (Value(inner, "item", (), False), Value(inner, "index", (), False))
            result = body(*arguments[: max(1, _listed(body))])
            if inner.finish(result):
                data = data | {"collect": OUTPUT}
        inputs = {"items": items}
        if not isinstance(items, Value | Either):
            inputs, data = {}, data | {"items": items}
        made = self.node("map", data, node_id or _name_of(body), inputs=inputs, body=inner.graph.body())
        return made["results"]

    def finish(self, result: Any) -> bool:
        """Draw the end, with what the function returned; whether that was one value rather than several by name."""
        returned: dict[str, Any] = result if is_object(result) else {} if result is None else {OUTPUT: result}
        fixed = {name: value for name, value in returned.items() if not isinstance(value, Value | Either | list)}
        ports = tuple(Port(name=name, multiple=True) for name, value in returned.items() if is_array(value))
        spec = NodeSpec(
            id=self.graph.free_id(END) if any(node.id == END for node in self.graph.nodes) else END,
            type="end",
            data={"outputs": _templates(fixed)} if fixed else {},
            ports=Ports(inputs=ports),
            variable_mappings=self._mappings(returned),
        )
        followed = {edge.source for edge in self.graph.edges}
        last = [Value(self, node.id) for node in self.graph.nodes if node.id not in followed]
        self._add(spec, returned, () if self._has_links(returned) else last)
        return not is_object(result)

    # ------------------------------------------------------------------ what leads to them

    def _add(
        self, spec: NodeSpec, given: Mapping[str, Any], after: Sequence[Value] = (), step: Step | None = None
    ) -> NodeSpec:
        self.graph.add(spec, step)
        sources: set[str] = set()
        for port, value in given.items():
            for one in _parts(value):
                if self._by_edge(one):
                    sources.add(one.root)
                    self.graph.link(one.root, str(one.keys[0]) if one.keys else None, spec.id, port)
        for one in after:
            self.graph.link(one.root, None, spec.id, None)
        if not (sources or after or self.branches or spec.variable_mappings) and not _refers(spec.data):
            self._follow_start(spec.id)
        self._gate(spec.id, sources, [one.root for one in after])
        return spec

    def _follow_start(self, node: str) -> None:
        """Let what takes nothing from anything begin with the run: only what the start leads to runs."""
        if self.graph.nodes[0].type == START and len(self.graph.nodes) > 1:
            self.graph.link(START, None, node, None)

    def _gate(self, node: str, sources: set[str], after: list[str]) -> None:
        """Draw the gate of the branch that is open here, unless what leads to the node lies behind it as a whole."""
        if not self.branches:
            return
        inner = self.branches[-1]
        if after and not inner.inside.issuperset(after):
            raise ValueError(f"'{node}' is in a branch, so what it comes `after` must be in that branch, too.")
        if not after and not (sources and inner.inside.issuperset(sources)):
            self.graph.link(inner.node, inner.port, node, None)
        for branch in self.branches:
            branch.inside.add(node)

    def _by_edge(self, value: Value) -> bool:
        """Whether an edge can carry a value: a whole port of this very graph."""
        return value.tracing is self and value.is_node and len(value.keys) <= 1

    def _has_links(self, given: Mapping[str, Any]) -> bool:
        return any(value.is_node for one in given.values() for value in _parts(one))

    def _mappings(self, given: Mapping[str, Any]) -> dict[str, VariableMapping]:
        """What an edge cannot carry: a part of a value, an item, a result from outside of a body."""
        found: dict[str, VariableMapping] = {}
        for port, value in given.items():
            for number, one in enumerate(one for one in _parts(value) if not self._by_edge(one)):
                source = ValueSelector(variable=one.expression)
                name = port if not number else f"{port}-{number + 1}"
                found[name] = VariableMapping(target_port=port if number else None, source=source)
        return found


def drawing_of(function: Callable[..., Any]) -> Graph:
    """The graph that a function draws; its parameters are the ports of the start."""
    graph = Graph()
    tracing = Tracing(graph)
    parameters = [one for one in taken(function).parameters if one.named]
    ports = tuple(one.port() for one in parameters)
    graph.add(NodeSpec(id=START, type="start", ports=Ports(outputs=ports)))
    with _drawing(tracing):
        tracing.finish(function(**{one.name: Value(tracing, START, (one.name,)) for one in parameters}))
    return graph


@contextmanager
def _drawing(tracing: Tracing) -> Generator[None]:
    token = _current.set(tracing)
    try:
        yield
    finally:
        _current.reset(token)


def _refers(data: Any) -> bool:
    """Whether settings refer to anything, in templates or as a `when`."""
    tests = [case["when"] for case in data.get("cases", ())] if is_object(data) else []
    return bool(data_references(data)) or any(parse(test).references for test in tests)


def _by_name(step: Step, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """A call's arguments by the names of parameters; raises TypeError as the call itself would."""
    parameters = [
        parameter
        for parameter in inspect.signature(step.call).parameters.values()
        if parameter.name != step.taken.context
    ]
    bound = inspect.Signature(parameters).bind(*args, **kwargs)
    return dict(bound.arguments)


def _parts(value: Any) -> list[Value]:
    if isinstance(value, Either):
        return [one for each in value.values for one in _parts(each)]
    if is_array(value):
        return [one for one in value if isinstance(one, Value)]
    return [value] if isinstance(value, Value) else []


def _has_value(values: Sequence[Any]) -> bool:
    return any(isinstance(one, Value) for one in values)


def _templates(value: Any) -> Any:
    """Settings with values written as templates."""
    if isinstance(value, Value):
        return str(value)
    if is_object(value):
        return {key: _templates(item) for key, item in value.items()}
    return [_templates(item) for item in value] if is_array(value) else value


def _listed(function: Callable[..., Any]) -> int:
    return sum(one.listed and one.required for one in taken(function).parameters)


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "")
    return f"each-{name}" if _PLAIN.fullmatch(name) else "each"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _step(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN.fullmatch(key) else f"[{_quoted(key)}]"
