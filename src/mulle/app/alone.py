"""One node of a workflow alone, with what it would see in a run: given by hand, or as it was in an earlier run.

What leads to the node is put in its place as fixed answers, and the graph of these and the node runs in memory. The
outside is answered by stand-ins unless somebody wants the node to really act.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from mulle.app.forks import ORDINAL, Earlier
from mulle.app.given import as_data
from mulle.app.results import RunResult
from mulle.app.running import App
from mulle.app.taped import Offline
from mulle.author.stand_ins import StandIns
from mulle.document.links import mapped_names, outer_names
from mulle.document.ports import Port
from mulle.document.signature import Signature
from mulle.document.workflow import Body, Edge, NodeSpec, Ports, Variable, Workflow
from mulle.engine.facts import NodeStarted, Path
from mulle.engine.past import OfNode
from mulle.engine.run import Run
from mulle.engine.scope import DONE
from mulle.errors import BodyFailed, InputError
from mulle.runtime.history import History, NodeRecord
from mulle.runtime.memory_journal import MemoryJournal
from mulle.sdk.context import Context
from mulle.sdk.fields import Raw
from mulle.sdk.node import Done, Expand, Node, Settings

BY_HAND = "given"
"""The id of the node whose answers are the inputs that were given by hand."""
AROUND = "around"
"""The id of the container in which a node stands that stood in a body."""
SCOPE_NAMES = ("item", "index", "state")


class NotGiven(InputError):
    """A node cannot be tried because nobody said what it gets."""

    code = "test.not_given"
    message = "'{node}' needs {needed}."
    hint = "Give each with `-i {first}=VALUE`, or take all from an earlier run with `--from RUN`."


class NoSuchNode(InputError):
    """The workflow has no such node."""

    code = "test.unknown_node"
    message = "The workflow has no node '{node}'."
    hint = "Write its id; one inside of a body as `each/summarise`. There is: {there}."


class NoSuchInput(InputError):
    """A value was given for a port that the node does not have."""

    code = "test.unknown_input"
    message = "'{node}' has no input '{name}'."
    hint = "It has: {there}. What other nodes gave is given as `-i NODE.PORT=VALUE`."


class NeverBegan(InputError):
    """The node was not executed in the run whose inputs are wanted."""

    code = "test.never_began"
    message = "'{node}' did not begin in run '{run}'."
    hint = "`mulle runs show {run}` lists what did; a place inside of a body has its number: `each/0/summarise`."


@dataclass
class Seen:
    """What a node sees of a run."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Outputs by node, also of nodes around its body."""
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    """`item`, `index`, `state`."""
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the run was asked with, for a start."""
    ports: dict[str, Any] = field(default_factory=dict[str, Any])
    """What arrives at its own ports, given by hand."""
    conversation: dict[str, Any] = field(default_factory=dict[str, Any])


def spec_at(workflow: Workflow, place: str) -> tuple[list[Body], NodeSpec]:
    """A node by its place, numbers of scopes left out or not, and the graphs around it, outermost first.

    Raises NoSuchNode.
    """
    bodies: list[Body] = []
    body: Body = workflow
    steps = place.split("/")
    while True:
        spec = next((node for node in body.nodes if node.id == steps[0]), None)
        if spec is None:
            raise NoSuchNode(node=place, there=_there(workflow, body, steps[-1]))
        bodies.append(body)
        numbered = len(steps) > 2 and ORDINAL.fullmatch(steps[1])
        steps = steps[2 if numbered else 1 :]
        if not steps:
            return bodies, spec
        body = spec.body or Body()


def _there(workflow: Workflow, body: Body, node: str) -> str:
    """Where a node of this id stands, else what there is where it was looked for."""
    meant = [place for place in _places(workflow) if place.rpartition("/")[2] == node]
    return ", ".join(meant or (one.id for one in (body if body.nodes else workflow).nodes))


def _places(body: Body) -> Iterator[str]:
    for node in body.nodes:
        yield node.id
        yield from (f"{node.id}/{inner}" for inner in (_places(node.body) if node.body else ()))


def seen_in(before: Earlier, place: str) -> Seen:
    """What a node saw when it last began in a run; raises NeverBegan."""
    begun = [
        index
        for index, fact in enumerate(before.facts)
        if isinstance(fact, NodeStarted) and fact.turn == 1 and place in _names_of(fact.path)
    ]
    if not begun:
        raise NeverBegan(node=place, run=before.row.id)
    run = Run(before.plan, before.describe)
    for fact in before.facts[: begun[-1]]:
        run.apply(fact)
    fact = before.facts[begun[-1]]
    assert isinstance(fact, OfNode)
    seen = Seen(inputs=before.started.inputs, conversation=run.conversation)
    for scope, plan in reversed(run.scopes_around(fact.path)):
        seen.values |= scope.values
        for node, state in zip(plan.nodes, scope.nodes, strict=True):
            if state.status == DONE and state.outputs is not None:
                seen.answers[node.id] = state.outputs
    return seen


def _names_of(path: Path) -> tuple[str, str]:
    """A place as people write it, with the numbers of its scopes and without."""
    return "/".join(map(str, path)), "/".join(step for step in path if isinstance(step, str))


def take(seen: Seen, name: str, value: Any, workflow: Workflow) -> None:
    """Put in what was given by hand: `port`, `item`, `node.port`, `state.count` or `conversation.count`."""
    root, _, rest = name.partition(".")
    data = as_data(value, name)
    ids = _all_ids(workflow)
    if root in SCOPE_NAMES:
        seen.values[root] = (seen.values.get(root) or {}) | {rest: data} if rest else data
    elif root == "conversation" and rest:
        seen.conversation[rest] = data
    elif rest and root in ids:
        seen.answers.setdefault(root, {})[rest] = data
    else:
        seen.ports[name] = data


def _all_ids(body: Body) -> dict[str, NodeSpec]:
    found = {node.id: node for node in body.nodes}
    for node in body.nodes:
        found = (_all_ids(node.body) if node.body else {}) | found
    return found


def port_of(app: App, workflow: Workflow, place: str, name: str) -> Port:
    """The port whose type says how a given value is read."""
    root, _, rest = name.partition(".")
    ids, spec = _all_ids(workflow), spec_at(workflow, place)[1]
    if rest and root in ids:
        ports = app.catalogue.describe(ids[root]).outputs
    else:
        signature = app.catalogue.describe(spec)
        ports, rest = signature.outputs if signature.start else signature.inputs, name
    return next((port for port in ports if port.name == rest), Port(name=rest or name))


# ---------------------------------------------------------------------- the graph around it


class Given(Node):
    """Answer what was said beforehand."""

    type = "given"
    effect = "pure"

    class Config(Settings):
        outputs: Raw

    async def run(self, config: Config, inputs: Any, ctx: Context) -> Done:
        del inputs, ctx
        return Done(config.outputs)

    def signature(self, spec: NodeSpec) -> Signature:
        return replace(super().signature(spec), outputs=spec.ports.outputs, open_outputs=True)


class Around(Node):
    """Run a body once, with the names that it had around it."""

    type = "around"
    effect = "pure"

    class Config(Settings):
        values: Raw

    async def run(self, config: Config, inputs: Any, ctx: Context) -> Done | Expand:
        del inputs
        if ctx.memo is None:
            return Expand([config.values], memo=True)
        [ending] = ctx.endings
        if not ending.succeeded:
            raise BodyFailed(ending.error.message if ending.error else "It was stopped.")
        return Done({})

    def signature(self, spec: NodeSpec) -> Signature:
        names = frozenset(spec.data.get("values", {}))
        return replace(super().signature(spec), container=True, body_names=names)


def alone(app: App, workflow: Workflow, place: str, seen: Seen) -> Workflow:
    """The document of a node alone. Raises NoSuchNode, NoSuchInput, NotGiven."""
    bodies, spec = spec_at(workflow, place)
    describe = app.catalogue.describe
    _check_ports(place, describe(spec), seen)
    ids = {node.id: node for body in bodies for node in body.nodes}
    spec = spec.model_copy(
        update={
            "variable_mappings": {
                name: one for name, one in spec.variable_mappings.items() if (one.target_port or name) not in seen.ports
            }
        }
    )
    edges = [
        edge
        for edge in bodies[-1].edges
        if edge.target == spec.id and edge.target_port not in seen.ports and edge.source in seen.answers
    ]
    required = {port.name for port in describe(spec).inputs if port.required}
    missing = {
        f"{edge.source}.{edge.source_port or 'PORT'}"
        for edge in bodies[-1].edges
        if edge.target == spec.id and edge.target_port in required and edge not in edges
        and edge.target_port not in seen.ports
    }  # fmt: skip
    asked_for = (outer_names(spec, describe(spec), describe) | mapped_names(spec)) & ids.keys()
    missing |= {f"{name}.PORT" for name in asked_for - seen.answers.keys()}
    if missing:
        needed = ", ".join(sorted(missing))
        raise NotGiven(node=place, needed=needed, first=min(missing))
    nodes = [
        NodeSpec(id=name, type="given", data={"outputs": outputs}, ports=Ports(outputs=describe(ids[name]).outputs))
        for name, outputs in seen.answers.items()
        if name in ids and name != spec.id
    ]
    if seen.ports and not describe(spec).start:
        nodes.append(NodeSpec(id=BY_HAND, type="given", data={"outputs": seen.ports}))
        edges += [Edge(source=BY_HAND, source_port=name, target=spec.id, target_port=name) for name in seen.ports]
    graph = Body(nodes=(*nodes, spec), edges=tuple(edges))
    if seen.values:
        graph = Body(nodes=(NodeSpec(id=AROUND, type="around", data={"values": seen.values}, body=graph),))
    variables = workflow.variables.model_copy(
        update={
            "conversation": workflow.variables.conversation
            | {name: Variable(value=value) for name, value in seen.conversation.items()}
        }
    )
    return Workflow(name=workflow.name, nodes=graph.nodes, edges=graph.edges, variables=variables)


def _check_ports(place: str, signature: Signature, seen: Seen) -> None:
    """Whether a node has the ports that were given to it by hand; a start says so itself."""
    there = [port.name for port in signature.inputs]
    strange = [name for name in seen.ports if name not in there]
    if strange and not signature.open_inputs and not signature.start:
        raise NoSuchInput(at="-i", node=place, name=strange[0], there=", ".join(there) or "no input ports")


@dataclass(frozen=True)
class Tried:
    """What a node did alone."""

    result: RunResult
    records: list[NodeRecord]
    """Its own and those of what is inside of it; its place first."""
    history: History


async def tried_alone(app: App, workflow: Workflow, place: str, seen: Seen, *, live: bool) -> Tried:
    """Run one node alone; nothing of it is kept. Raises NoSuchNode, NotGiven."""
    document = alone(app, workflow, place, seen)
    types = {"given": Given(), "around": Around()}
    outside = app.outside if live else _stage(app)
    other = App(MemoryJournal(), app.catalogue.with_types(types), outside, app.workflows, clock=app.now)
    is_start = app.catalogue.describe(spec_at(workflow, place)[1]).start
    start = seen.inputs | seen.ports if is_start else {}
    result = await other.run(document, start)
    history = await other.history(result.id)
    await other.rest()
    root: Path = (AROUND, 0) if seen.values else ()
    own = (*root, spec_at(workflow, place)[1].id)
    records = [record for path, record in history.records.items() if path[: len(own)] == own]
    for record in records:
        record.path = record.path[len(root) :]
    return Tried(result, records, history)


def _stage(app: App) -> Offline:
    """A world of stand-ins; the sandbox is real, for it is on this machine."""
    return Offline(replace(StandIns({}).services(), sandbox=app.outside.services.sandbox))
