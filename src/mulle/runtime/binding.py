"""Bring a node's inputs and settings together before it runs: links, mappings, templates, defaults, types."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from mulle.document.links import Selector, dig, mapped
from mulle.document.ports import Port, accepts, entrance, is_array
from mulle.document.signature import ERROR_PORT
from mulle.engine.facts import Effect, Path
from mulle.engine.plan import PlanNode
from mulle.engine.run import Run
from mulle.engine.scope import NodeState, Scope, inputs_of, is_alive
from mulle.engine.tree import Place
from mulle.errors import MissingReference
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.fields import Fill, filling, is_static, shape_of
from mulle.sdk.fit import fill_port, validated
from mulle.sdk.node import Node


@dataclass(slots=True)
class Prepared:
    """What can be known of a node before any run; worked out once for each node of a plan."""

    type: Node
    config: Any
    """The settings, when they hold no template; else None."""
    fill: Fill
    """Gives the settings' data with its templates filled in."""
    ports: tuple[tuple[str, Callable[[Any], bool], Port], ...]
    """Input ports with their names, and whether a value may pass as it is: one that collects several never does."""
    constants: tuple[tuple[str, Selector], ...]
    """Input ports fed from variables, items and outer nodes rather than by a link."""
    secrets: tuple[str, ...]
    """Names that the settings refer to as `secret.NAME`."""
    environment: tuple[str, ...]
    """And as `env.NAME`: some of these may be secret."""
    effect: Effect | None
    """None: its settings decide, and they hold templates."""
    derives: bool
    """Some of its outputs are derived from others."""
    waits: bool = False
    """It says that it waits, or was seen to, although it is pure: it gets a task at once."""


class Bound(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A node ready to run."""

    type: Node
    config: Any
    inputs: Any
    lookup: Callable[[str], Any]
    prepared: Prepared
    knows_secrets: bool = False
    """Secrets were put into its settings."""


def bind(run: Run, path: Path, place: Place, catalogue: Catalogue, secret: Callable[[str], str]) -> Bound:
    """Everything a node's turn starts with. Raises ExpressionError, WrongType, InputMissing, BadSettings."""
    scope, plan, _ = place
    prepared: Prepared = plan.prepared or prepare(plan, catalogue, run.neighbours(scope))
    lookup = Lookup(run, path)
    values = port_values(run, scope, plan, lookup)
    config, open_lookup = prepared.config, lookup
    if config is None:
        if prepared.secrets or prepared.environment:
            open_lookup = lookup.with_secrets(prepared, secret)
        config = validated(prepared.type.Config, prepared.fill(lookup, open_lookup))
    model = prepared.type.Inputs
    inputs = values if model is None else validated(model, values)
    return Bound(prepared.type, config, inputs, lookup, prepared, open_lookup is not lookup)


def prepare(plan: PlanNode, catalogue: Catalogue, neighbours: Collection[str]) -> Prepared:
    """Look a node's type up and validate its settings as far as they are fixed; kept on the plan."""
    spec, node = plan.spec, catalogue.node(plan.spec)
    shape = shape_of(node.Config)
    config = validated(node.Config, spec.data) if is_static(spec.data, shape) else None
    plan.prepared = Prepared(
        type=node,
        fill=filling(spec.data, shape),
        config=config,
        ports=tuple((port.name, _none if port.multiple else entrance(port), port) for port in plan.signature.inputs),
        constants=tuple((port, source) for port, source, _ in mapped(spec) if source.root not in neighbours),
        secrets=_named(plan, "secret"),
        environment=_named(plan, "env"),
        effect=spec.effect or (None if config is None else node.effect_of(config)),
        derives=bool(spec.derived_outputs),
        waits=node.waits(spec),
    )
    return plan.prepared


def _none(_value: Any) -> bool:
    return False


def _named(plan: PlanNode, root: str) -> tuple[str, ...]:
    """What a node's settings refer to under `secret` or `env`."""
    references = (item.reference for item in plan.signature.references if item.reference.root == root)
    return tuple({str(reference.path[0]): None for reference in references if reference.path})


def port_values(run: Run, scope: Scope, plan: PlanNode, lookup: Callable[[str], Any]) -> dict[str, Any]:
    """What a node's input ports hold now: what arrived, what is mapped, what is the default."""
    if plan.signature.start:
        return _given(plan, scope) if scope.path or run.started is None else dict(run.started.inputs)
    values = inputs_of(plan, scope.nodes)
    prepared: Prepared = plan.prepared
    for port, source in prepared.constants:
        values.setdefault(port, dig(lookup(source.root), source.keys, source.root))
    for name, passes, port in prepared.ports:
        if name in values and passes(values[name]):
            continue
        fill_port(port, values, plan.id, partial(_carrier, port, values, plan, scope), prepared.type.Inputs)
    return values


def _given(plan: PlanNode, scope: Scope) -> dict[str, Any]:
    """What the start of a body hands on: what its container gives, and the defaults of its ports."""
    values = dict(scope.values)
    for port in plan.signature.outputs:
        fill_port(port, values, plan.id, lambda: "the step around")
    return values


def _carrier(port: Port, values: dict[str, Any], plan: PlanNode, scope: Scope) -> str:
    """What brought a port the value that it cannot take, in words."""
    into = [link for link in plan.incoming if link.target_port == port.name and not link.gate]
    alive = [link for link in into if is_alive(link, scope.nodes[link.source])]
    value = values[port.name]
    items = value if port.multiple and is_array(value) else [value]
    wrong = next((number for number, item in enumerate(items) if not accepts(port, item)), 0)
    if wrong >= len(alive):
        return "its mapping or default"
    link = alive[wrong]
    return f"the edge from '{'.'.join(filter(None, (scope.plan.nodes[link.source].id, link.source_port)))}'"


class Lookup(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What the first word of a reference means at one place of a run."""

    _run: Run
    _path: Path
    _secrets: Mapping[str, str] | None = None
    _environment: Any = None

    def with_secrets(self, prepared: Prepared, secret: Callable[[str], str]) -> "Lookup":
        """The same, with the values of the secrets that a node names; itself if there are none."""
        started = self._run.started
        assert started is not None
        hidden = [name for name in prepared.environment if name in started.secret_environment]
        if not hidden and not prepared.secrets:
            return self
        environment = started.environment | {name: secret(name) for name in hidden}
        return Lookup(self._run, self._path, {name: secret(name) for name in prepared.secrets}, environment)

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
    seen = {port.name: None for port in node.signature.outputs} | state.outputs
    if node.spec.on_error == "default":  # What stood in for the outputs says nothing of why.
        why = state.error if state.outputs == node.spec.default_outputs else None
        seen.setdefault(ERROR_PORT.name, why and why.to_dict())
    return seen
