"""Bring a node's inputs and settings together before it runs: links, mappings, templates, defaults, types."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from mulle.document.links import Selector, dig, mapped
from mulle.document.ports import Port
from mulle.engine.facts import Path
from mulle.engine.plan import PlanNode
from mulle.engine.run import Run
from mulle.engine.scope import NodeState, inputs_of
from mulle.errors import MissingReference
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.fields import Shape, is_static, rendered, shape_of
from mulle.sdk.fit import fill_port, validated
from mulle.sdk.node import Node


@dataclass(frozen=True, slots=True)
class Prepared:
    """What can be known of a node before any run; worked out once for each node of a plan."""

    type: Node
    shape: Shape
    config: Any
    """The settings, when they hold no template; else None."""
    constants: tuple[tuple[str, Selector], ...]
    """Input ports fed from variables, items and outer nodes rather than by a link."""
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """A node ready to run."""

    type: Node
    config: Any
    inputs: Any
    lookup: Callable[[str], Any]


def bind(run: Run, path: Path, catalogue: Catalogue, secret: Callable[[str], str]) -> Bound:
    """Everything a node's turn starts with. Raises ExpressionError, WrongType, InputMissing, BadSettings."""
    scope, plan, _ = run.at(path)
    prepared: Prepared = plan.prepared or prepare(plan, catalogue, run.neighbours(scope))
    lookup = Lookup(run, path)
    values = port_values(run, path, lookup)
    config = prepared.config
    if config is None:
        open_lookup = lookup.with_secrets(prepared.secrets, secret)
        config = validated(prepared.type.Config, rendered(plan.spec.data, prepared.shape, lookup, open_lookup))
    model = prepared.type.Inputs
    return Bound(prepared.type, config, values if model is None else validated(model, values), lookup)


def prepare(plan: PlanNode, catalogue: Catalogue, neighbours: Collection[str]) -> Prepared:
    """Look a node's type up and validate its settings as far as they are fixed; kept on the plan."""
    spec, node = plan.spec, catalogue.node(plan.spec)
    shape = shape_of(node.Config)
    named = (item.reference for item in plan.signature.references if item.reference.root == "secret")
    plan.prepared = Prepared(
        type=node,
        shape=shape,
        config=validated(node.Config, spec.data) if is_static(spec.data, shape) else None,
        constants=tuple((port, source) for port, source, _ in mapped(spec) if source.root not in neighbours),
        secrets=tuple(str(reference.path[0]) for reference in named if reference.path),
    )
    return plan.prepared


def port_values(run: Run, path: Path, lookup: Callable[[str], Any]) -> dict[str, Any]:
    """What a node's input ports hold now: what arrived, what is mapped, what is the default."""
    scope, plan, _ = run.at(path)
    if plan.signature.start:
        return dict(scope.values if scope.path or run.started is None else run.started.inputs)
    values = inputs_of(plan, scope.nodes)
    prepared: Prepared = plan.prepared
    for port, source in prepared.constants:
        values.setdefault(port, dig(lookup(source.root), source.keys, source.root))
    for port in plan.signature.inputs:
        fill_port(port, values, plan.id, partial(_carrier, port, plan), prepared.type.Inputs)
    return values


def _carrier(port: Port, plan: PlanNode) -> str:
    """What carried a port's value, for an error."""
    link = next((link for link in plan.incoming if link.target_port == port.name), None)
    return f"'{link.source_port or 'output'}'" if link else "its mapping"


class Lookup:
    """What the first word of a reference means at one place of a run."""

    __slots__ = ("_environment", "_path", "_run", "_secrets")

    def __init__(self, run: Run, path: Path, secrets: Mapping[str, str] | None = None, environment: Any = None) -> None:
        self._run = run
        self._path = path
        self._secrets = secrets
        self._environment = environment

    def with_secrets(self, names: Collection[str], secret: Callable[[str], str]) -> "Lookup":
        """The same, with the named secrets' values; for fields that allow them."""
        started = self._run.started
        hidden = started.secret_environment if started else ()
        environment = (started.environment if started else {}) | {name: secret(name) for name in hidden}
        return Lookup(self._run, self._path, {name: secret(name) for name in names}, environment)

    def __call__(self, name: str) -> Any:
        for scope, plan in self._run.scopes_around(self._path):
            position = plan.position.get(name)
            if position is not None:
                return visible_outputs(plan.nodes[position], scope.nodes[position])
            if name in scope.values:
                return scope.values[name]
        return self._common(name)

    def _common(self, name: str) -> Any:
        started = self._run.started
        assert started is not None
        match name:
            case "env":
                return started.environment if self._environment is None else self._environment
            case "conversation":
                return self._run.conversation
            case "sys":
                return {
                    "run_id": started.run,
                    "user_id": started.user,
                    "session_id": started.session,
                    "now": datetime.fromtimestamp(started.at, UTC).isoformat(),
                    "files": started.inputs.get("files", []),
                }
            case "nodes":
                return self._all_nodes()
            case "secret" if self._secrets is not None:
                return self._secrets
            case _:
                raise MissingReference(f"'{name}' means nothing here.", hint="Refer to a node by its id: node.port.")

    def _all_nodes(self) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for scope, plan in self._run.scopes_around(self._path):
            for node, state in zip(plan.nodes, scope.nodes, strict=True):
                seen.setdefault(node.id, visible_outputs(node, state))
        return seen


def visible_outputs(node: PlanNode, state: NodeState) -> dict[str, Any] | None:
    """A node's outputs as references see them: null if it was skipped, and silent ports are null."""
    if state.outputs is None:
        return None
    return {port.name: None for port in node.signature.outputs} | state.outputs
