"""Everything that can be known to be wrong with a document before it runs, each at its place and with a hint."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mulle.document.dead_ends import dead_end_problems
from mulle.document.links import BadSelector, Link, links, mapped, selector
from mulle.document.places import MOST_PROBLEMS
from mulle.document.ports import Port, PortType, accepts, conversion_hint, flows, type_of
from mulle.document.problem import Problem, nearest
from mulle.document.queue_keys import queue_problems
from mulle.document.references import Surroundings, reference_problems
from mulle.document.shape import cycle_problems, followers, shape_problems
from mulle.document.signature import ERROR_PORT, Describe, Signature
from mulle.document.spreading import spread_problems
from mulle.document.triggers import trigger_problems
from mulle.document.workflow import Body, NodeSpec, Variables, Workflow
from mulle.errors import MulleError


def validate(workflow: Workflow, describe: Describe) -> list[Problem]:
    """All problems of a document, errors and warnings, in document order. Never raises for a parsed document."""
    found: list[Problem] = []
    wrong = 0
    for problem in _problems(workflow, describe):
        found.append(problem)
        wrong += problem.severity == "error"
        if wrong == MOST_PROBLEMS:
            break
    return found


def _problems(workflow: Workflow, describe: Describe) -> Iterator[Problem]:
    yield from _variable_problems(workflow.variables)
    signatures = yield from _graph_problems(workflow, describe, Surroundings(workflow.variables), "", is_root=True)
    start = next((signature for signature in signatures.values() if signature.start), None)
    yield from trigger_problems(workflow.triggers, start)
    yield from queue_problems(workflow.queue, signatures, workflow.variables)


def _graph_problems(
    body: Body, describe: Describe, around: Surroundings, prefix: str, *, is_root: bool = False
) -> Generator[Problem, None, dict[str, Signature]]:
    """Problems of one graph and of all inside it; gives what its nodes are to their types.

    `prefix` is the place of the graph: `nodes.each.body.`.
    """
    signatures = yield from _signatures(body, describe, prefix)
    body = yield from _readable(body, prefix)
    yield from _edge_problems(body, signatures, prefix)
    graph = _Graph(body, signatures, links(body, signatures), prefix)
    inside = around.within(signatures)
    fed = {(link.target, link.target_port) for link in graph.links}
    fed |= {(node.id, port) for node in body.nodes for port, _, _ in mapped(node)}
    for node in body.nodes:
        signature, where = signatures[node.id], f"{prefix}nodes.{node.id}"
        yield from (_placed(problem, prefix) for problem in signature.problems)
        yield from _port_problems(node, where)
        if not signature.start:
            yield from _input_problems(node, signature, fed, where)
        yield from _policy_problems(node, signature, where)
        yield from reference_problems(node, signature, inside, prefix)
        yield from _body_problems(node, signature, describe, inside, where)
        yield from spread_problems(node, signature, describe, prefix)
    yield from _link_problems(graph)
    behind = followers(body, graph.links, signatures, describe)
    yield from cycle_problems(behind, prefix)
    yield from shape_problems(body, graph.links, signatures, behind, prefix, is_root=is_root)
    if is_root:
        yield from dead_end_problems(body, graph.links, signatures, behind, prefix)
    return signatures


@dataclass(frozen=True, slots=True)
class _Graph:
    body: Body
    signatures: Mapping[str, Signature]
    links: Sequence[Link]
    prefix: str


_UNKNOWN = Signature(open_inputs=True, open_outputs=True)


def _signatures(body: Body, describe: Describe, prefix: str) -> Generator[Problem, None, dict[str, Signature]]:
    """What the nodes are to their types, with the problems of ids and types on the way."""
    signatures: dict[str, Signature] = {}
    for number, node in enumerate(body.nodes):
        if node.id in signatures:
            message = f"Two nodes have the id '{node.id}'."
            yield Problem("graph.duplicate_id", f"{prefix}nodes[{number}].id", message, "Give one of them another id.")
        try:
            signatures[node.id] = describe(node)
        except MulleError as error:
            yield Problem.of(error, f"{prefix}nodes.{node.id}.type")
            signatures[node.id] = _UNKNOWN
    return signatures


def _readable(body: Body, prefix: str) -> Generator[Problem, None, Body]:
    """The graph without the mappings that cannot be read, which are problems."""
    nodes: list[NodeSpec] = []
    for node in body.nodes:
        good = dict(node.variable_mappings)
        for name, mapping in node.variable_mappings.items():
            where = f"{prefix}nodes.{node.id}.variable_mappings.{name}.source.variable"
            try:
                selector(mapping.source.variable, where)
            except BadSelector as error:
                del good[name]
                yield Problem.of(error)
        unchanged = len(good) == len(node.variable_mappings)
        nodes.append(node if unchanged else node.model_copy(update={"variable_mappings": good}))
    return Body(nodes=tuple(nodes), edges=body.edges)


def _placed(problem: Problem, prefix: str) -> Problem:
    return Problem(problem.code, prefix + problem.where, problem.message, problem.hint, problem.severity)


def _variable_problems(variables: Variables) -> Iterator[Problem]:
    groups = (("environment", variables.environment), ("conversation", variables.conversation))
    for group, named in groups:
        for name, variable in named.items():
            where = f"variables.{group}.{name}"
            if variable.secret and group == "conversation":
                hint = "Declare it under `variables.environment`."
                yield Problem("variable.secret_kept", f"{where}.secret", "What a chat keeps cannot be secret.", hint)
            elif variable.secret and variable.value is not None:
                message = f"The value of the secret '{name}' stands in the document."
                hint = f"Take it out, and keep it with `mulle secrets set {name}`."
                yield Problem("variable.secret_shown", f"{where}.value", message, hint)
            elif not accepts(Port(name=name, type=variable.type), variable.value):
                message = f"'{name}' is a {variable.type}, but its value is a {type_of(variable.value)}."
                hint = "Change its type or its value."
                yield Problem("variable.wrong_type", f"{where}.value", message, hint)


# ---------------------------------------------------------------------- edges and ports


def _edge_problems(body: Body, signatures: Mapping[str, Signature], prefix: str) -> Iterator[Problem]:
    for number, edge in enumerate(body.edges):
        for end, node_id in (("source", edge.source), ("target", edge.target)):
            if node_id not in signatures:
                message = f"The edge's {end} '{node_id}' is no node of this graph."
                where = f"{prefix}edges[{number}].{end}"
                yield Problem("graph.dangling_edge", where, message, nearest(node_id, signatures))


def _port_problems(node: NodeSpec, where: str) -> Iterator[Problem]:
    for side, ports in (("inputs", node.ports.inputs), ("outputs", node.ports.outputs)):
        seen: set[str] = set()
        for port in ports:
            if port.name in seen:
                message = f"'{node.id}' declares two {side} with the name '{port.name}'."
                yield Problem("graph.duplicate_port", f"{where}.ports.{side}", message, "Give one another name.")
            seen.add(port.name)
            if port.default_value is not None and not accepts(port, port.default_value):
                message = f"'{port.name}' takes {port.type}, but its default is {type_of(port.default_value)}."
                yield Problem(
                    "graph.wrong_default", f"{where}.ports.{side}.{port.name}", message, "Change its type or default."
                )


def _input_problems(
    node: NodeSpec, signature: Signature, fed: set[tuple[str, str | None]], where: str
) -> Iterator[Problem]:
    for port in signature.inputs:
        if port.required and port.default_value is None and (node.id, port.name) not in fed:
            message = f"The input '{port.name}' of '{node.id}' must have a value, and nothing leads to it."
            hint = "Draw an edge to it, or map a variable to it."
            yield Problem("graph.required_input", f"{where}.ports.{port.name}", message, hint)


def _policy_problems(node: NodeSpec, signature: Signature, where: str) -> Iterator[Problem]:
    if node.on_error == "default" and node.default_outputs is None:
        message, hint = "`on_error: default` needs `default_outputs`.", "Write the outputs that a failure gives."
        yield Problem("node.default_missing", f"{where}.on_error", message, hint)
    for name, value in (node.default_outputs or {}).items():
        yield from _default_problems(node.id, name, value, signature, f"{where}.default_outputs.{name}")
    if node.body and not signature.container:
        message, hint = f"A node of type '{node.type}' has no body.", "Loops, maps and subflows have one."
        yield Problem("graph.unexpected_body", f"{where}.body", message, hint)


def _default_problems(node: str, name: str, value: object, signature: Signature, where: str) -> Iterator[Problem]:
    """Problems of what stands in for one output of a node that failed."""
    port = signature.output(name)
    if port is None and not signature.open_outputs:
        hint = _nearest_port(name, signature.outputs)
        yield Problem("node.unknown_default", where, f"'{node}' has no output '{name}'.", hint)
    elif port is not None and not accepts(port, value):
        message = f"'{name}' is a {port.type}, but what stands in for it is {type_of(value)}."
        yield Problem("node.wrong_default", where, message, "Write a value of the output's type.")


def _body_problems(
    node: NodeSpec, signature: Signature, describe: Describe, seen: Surroundings, where: str
) -> Iterator[Problem]:
    if node.body is not None:
        inside = seen.inside_of(node.id, signature.body_names)
        yield from _graph_problems(node.body, describe, inside, f"{where}.body.")
    elif signature.container:
        yield Problem("graph.body_missing", f"{where}.body", f"'{node.id}' has nothing inside.", "Give it a `body`.")


def _link_problems(graph: _Graph) -> Iterator[Problem]:
    catching = {node.id for node in graph.body.nodes if node.on_error == "branch"}
    for link in graph.links:
        where = graph.prefix + link.where
        source, target = graph.signatures[link.source], graph.signatures[link.target]
        out = source.output(link.source_port) if link.source_port else None
        if link.source_port == ERROR_PORT.name and out is None:
            if link.source not in catching:
                message = f"'{link.source}' never leaves by 'error', because its `on_error` is not `branch`."
                yield Problem("graph.dead_branch", where, message, "Set `on_error: branch` on it.", "warning")
        elif link.source_port and out is None and not source.open_outputs:
            message = f"'{link.source}' has no output port '{link.source_port}'."
            yield Problem("graph.unknown_port", where, message, _nearest_port(link.source_port, source.outputs))
        if link.target_port is None or link.gate:
            continue
        into = target.input(link.target_port)
        if into is None:
            if not target.open_inputs:
                message = f"'{link.target}' has no input port '{link.target_port}'."
                yield Problem("graph.unknown_port", where, message, _nearest_port(link.target_port, target.inputs))
        elif not link.path and not into.multiple:
            yield from _type_problems(link, source, into, where)


def _type_problems(link: Link, source: Signature, into: Port, where: str) -> Iterator[Problem]:
    if link.source_port is None:
        carried, name = PortType.OBJECT, link.source  # The whole output, by port.
        hint = "Say by `source_port` which of its outputs. " + nearest("", [port.name for port in source.outputs])
    else:
        out = source.output(link.source_port)
        carried, name = out.type if out else PortType.ANY, f"{link.source}.{link.source_port}"
        hint = conversion_hint(carried, into.type, name)
    if not flows(carried, into.type):
        message = f"'{name}' gives {carried}, but '{link.target}.{into.name}' takes {into.type}."
        yield Problem("graph.type_mismatch", where, message, hint)


def _nearest_port(name: str, ports: Sequence[Port]) -> str:
    return nearest(name, [port.name for port in ports])
