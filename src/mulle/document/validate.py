"""Everything that can be known to be wrong with a document before it runs, each at its place and with a hint."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from mulle.document.expressions import RESERVED_ROOTS
from mulle.document.links import Link, Selector, links, mapped, outer_names
from mulle.document.ports import conversion_hint, flows
from mulle.document.problem import Problem
from mulle.document.signature import ERROR_PORT, Describe, FieldReference, Signature
from mulle.document.triggers import trigger_problems
from mulle.document.workflow import Body, NodeSpec, Variables, Workflow
from mulle.errors import MulleError

SYSTEM_NAMES = frozenset({"run_id", "user_id", "session_id", "now", "files"})


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What a graph may refer to beside its own nodes."""

    variables: Variables
    names: frozenset[str] = frozenset()
    """`item`, `index`, `state`, as far as a container around gives them."""
    nodes: Mapping[str, Signature] | None = None
    """Nodes of the graphs around."""


def validate(workflow: Workflow, describe: Describe) -> list[Problem]:
    """All problems of a document, errors and warnings, in document order. Never raises for a parsed document."""
    return [
        *_graph_problems(workflow, describe, _Surroundings(workflow.variables), "", is_root=True),
        *trigger_problems(workflow.triggers),
    ]


def _graph_problems(
    body: Body, describe: Describe, around: _Surroundings, prefix: str, *, is_root: bool = False
) -> Iterator[Problem]:
    """Problems of one graph and of all inside it. `prefix` is the place of the graph: `nodes.each.body.`."""
    signatures: dict[str, Signature] = {}
    outer = dict(around.nodes or {})
    for number, node in enumerate(body.nodes):
        where = f"{prefix}nodes.{node.id}"
        if node.id in signatures:
            yield _error("graph.duplicate_id", f"{prefix}nodes[{number}].id", f"Two nodes have the id '{node.id}'.")
        elif node.id in outer:
            message = f"The id '{node.id}' is also used outside of this body."
            yield _error("graph.duplicate_id", where, message, "Ids are unique in a whole document.")
        try:
            signatures[node.id] = describe(node)
        except MulleError as error:
            yield Problem.of(error, f"{where}.type")
            signatures[node.id] = _UNKNOWN
    yield from _edge_problems(body, signatures, prefix)
    try:
        found = links(body, signatures)
    except MulleError as error:
        yield Problem.of(error, prefix + error.at)
        return
    for node in body.nodes:
        signature = signatures[node.id]
        yield from (_placed(problem, prefix) for problem in signature.problems)
        yield from _input_problems(node, signature, found, prefix)
        yield from _policy_problems(node, signature, f"{prefix}nodes.{node.id}")
        seen = _Surroundings(around.variables, around.names, outer | signatures)
        yield from _reference_problems(node, signature, seen, prefix)
        yield from _body_problems(node, signature, describe, seen, f"{prefix}nodes.{node.id}")
    yield from _link_problems(found, signatures, prefix)
    yield from _cycle_problems(body, found, signatures, describe, prefix)
    yield from _shape_problems(body, found, signatures, prefix, is_root=is_root)


_UNKNOWN = Signature(open_inputs=True, open_outputs=True)


def _error(code: str, where: str, message: str, hint: str = "") -> Problem:
    return Problem(code, where, message, hint)


def _warning(code: str, where: str, message: str, hint: str = "") -> Problem:
    return Problem(code, where, message, hint, "warning")


def _placed(problem: Problem, prefix: str) -> Problem:
    return Problem(problem.code, prefix + problem.where, problem.message, problem.hint, problem.severity)


def _nearest(name: str, there: Mapping[str, object] | frozenset[str]) -> str:
    close = get_close_matches(name, list(there), n=1)
    return f"Did you mean '{close[0]}'?" if close else ("There is: " + ", ".join(sorted(there)) + "." if there else "")


# ---------------------------------------------------------------------- edges and ports


def _edge_problems(body: Body, signatures: Mapping[str, Signature], prefix: str) -> Iterator[Problem]:
    for number, edge in enumerate(body.edges):
        for end, node_id in (("source", edge.source), ("target", edge.target)):
            if node_id not in signatures:
                message = f"The edge's {end} '{node_id}' is no node of this graph."
                yield _error(
                    "graph.dangling_edge", f"{prefix}edges[{number}].{end}", message, _nearest(node_id, signatures)
                )


def _link_problems(found: list[Link], signatures: Mapping[str, Signature], prefix: str) -> Iterator[Problem]:
    for link in found:
        where = prefix + link.where
        source, target = signatures[link.source], signatures[link.target]
        out = source.output(link.source_port) if link.source_port else None
        if link.source_port and out is None and link.source_port != ERROR_PORT.name and not source.open_outputs:
            there = {port.name: port for port in source.outputs}
            message = f"'{link.source}' has no output port '{link.source_port}'."
            yield _error("graph.unknown_port", where, message, _nearest(link.source_port, there))
        if link.target_port is None or link.gate:
            continue
        into = target.input(link.target_port)
        if into is None:
            if not target.open_inputs:
                there = {port.name: port for port in target.inputs}
                message = f"'{link.target}' has no input port '{link.target_port}'."
                yield _error("graph.unknown_port", where, message, _nearest(link.target_port, there))
        elif out and not link.path and not into.multiple and not flows(out.type, into.type):
            message = f"'{link.source}.{out.name}' gives {out.type}, but '{link.target}.{into.name}' takes {into.type}."
            yield _error(
                "graph.type_mismatch", where, message, conversion_hint(out.type, into.type, f"{link.source}.{out.name}")
            )


def _input_problems(node: NodeSpec, signature: Signature, found: list[Link], prefix: str) -> Iterator[Problem]:
    fed = {link.target_port for link in found if link.target == node.id}
    fed |= {port for port, _, _ in mapped(node)}
    for port in () if signature.start else signature.inputs:
        if port.required and port.default_value is None and port.name not in fed:
            message = f"The input '{port.name}' of '{node.id}' must have a value, and nothing leads to it."
            hint = "Draw an edge to it, or map a variable to it."
            yield _error("graph.required_input", f"{prefix}nodes.{node.id}.ports.{port.name}", message, hint)


def _policy_problems(node: NodeSpec, signature: Signature, where: str) -> Iterator[Problem]:
    if node.on_error == "default" and node.default_outputs is None:
        message = "`on_error: default` needs `default_outputs`."
        yield _error("node.default_missing", f"{where}.on_error", message, "Write the outputs that a failure gives.")
    if node.body and not signature.container:
        yield _error("graph.unexpected_body", f"{where}.body", f"A node of type '{node.type}' has no body.")


def _body_problems(
    node: NodeSpec, signature: Signature, describe: Describe, seen: _Surroundings, where: str
) -> Iterator[Problem]:
    if node.body is None:
        if signature.container:
            yield _error("graph.body_missing", f"{where}.body", f"'{node.id}' has nothing inside.", "Give it a `body`.")
        return
    others = {name: one for name, one in (seen.nodes or {}).items() if name != node.id}
    inside = _Surroundings(seen.variables, seen.names | signature.body_names, others)
    yield from _graph_problems(node.body, describe, inside, f"{where}.body.")


# ---------------------------------------------------------------------- references


def _reference_problems(node: NodeSpec, signature: Signature, seen: _Surroundings, prefix: str) -> Iterator[Problem]:
    for item in signature.references:
        yield from _reference(item, node, seen, prefix)
    for _, source, where in mapped(node):
        yield from _selector(source, where, node, seen, prefix)


def _reference(item: FieldReference, node: NodeSpec, seen: _Surroundings, prefix: str) -> Iterator[Problem]:
    reference, where = item.reference, prefix + item.where
    if reference.root == "secret":
        if not item.secret_allowed:
            message = "A secret may not be used here, because this text is kept and shown."
            yield _error(
                "reference.secret_not_allowed", where, message, "Use it in a field made for it, such as a header."
            )
        return
    if reference.node:
        yield from _known_port(reference.node, reference.port, where, node, seen)
    else:
        first = str(reference.path[0]) if reference.path else None
        yield from _known_name(reference.root, first, where, seen, secret_allowed=item.secret_allowed)


def _selector(source: Selector, where: str, node: NodeSpec, seen: _Surroundings, prefix: str) -> Iterator[Problem]:
    first = str(source.keys[0]) if source.keys else None
    if source.root in RESERVED_ROOTS:
        yield from _known_name(source.root, first, prefix + where, seen, secret_allowed=False)
    else:
        yield from _known_port(source.root, first, prefix + where, node, seen)


def _known_port(name: str, port: str | None, where: str, node: NodeSpec, seen: _Surroundings) -> Iterator[Problem]:
    there = seen.nodes or {}
    if name not in there:
        message = f"There is no node '{name}' that '{node.id}' can see."
        yield _error("reference.unknown_node", where, message, _nearest(name, there))
        return
    signature = there[name]
    if port and signature.output(port) is None and not signature.open_outputs and port != ERROR_PORT.name:
        ports = {one.name: one for one in signature.outputs}
        yield _error("reference.unknown_port", where, f"'{name}' has no output '{port}'.", _nearest(port, ports))


def _known_name(
    root: str, name: str | None, where: str, seen: _Surroundings, *, secret_allowed: bool
) -> Iterator[Problem]:
    if root in ("item", "index", "state"):
        if root not in seen.names:
            message = f"'{root}' means something only inside of a {'loop' if root == 'state' else 'map'}."
            yield _error("reference.out_of_place", where, message)
        return
    if root == "secret":
        message = "A secret cannot be mapped to a port, because what arrives at a port is kept and shown."
        yield _error("reference.secret_not_allowed", where, message)
        return
    known = {"env": seen.variables.environment, "conversation": seen.variables.conversation}.get(root)
    there = frozenset(known) if known is not None else SYSTEM_NAMES
    if name is not None and name not in there and root != "nodes":
        message = f"There is no '{root}.{name}'."
        hint = _nearest(name, there) or f"Declare it under `variables.{'environment' if root == 'env' else root}`."
        yield _error("reference.unknown_variable", where, message, hint)
    elif root == "env" and name and seen.variables.environment[name].secret and not secret_allowed:
        message = f"The secret 'env.{name}' may not be used here, because this text is kept and shown."
        yield _error("reference.secret_not_allowed", where, message)


# ---------------------------------------------------------------------- the shape of the graph


def _cycle_problems(
    body: Body, found: list[Link], signatures: Mapping[str, Signature], describe: Describe, prefix: str
) -> Iterator[Problem]:
    behind = {node.id: set[str]() for node in body.nodes}
    for link in found:
        behind[link.source].add(link.target)
    for node in body.nodes:
        try:
            named = outer_names(node, signatures[node.id], describe)
        except MulleError:
            continue  # Reported where it stands.
        for name in named & behind.keys():
            behind[name].add(node.id)
    cycle = _find_cycle(behind)
    if cycle:
        message = "These nodes wait for each other: " + " → ".join(cycle) + "."
        hint = "Take one of the edges or references away; for repeating, use a loop node."
        yield _error("graph.cycle", f"{prefix}nodes.{cycle[0]}", message, hint)


def _find_cycle(behind: Mapping[str, set[str]]) -> list[str]:
    """One cycle as a list of ids that begins and ends with the same; empty if there is none."""
    done: set[str] = set()
    for first in behind:
        trail, on_trail = [(first, iter(sorted(behind[first])))], {first}
        while trail and first not in done:
            node, followers = trail[-1]
            follower = next(followers, None)
            if follower is None:
                done.add(node)
                on_trail.discard(node)
                trail.pop()
            elif follower in on_trail:
                ids = [step for step, _ in trail]
                return [*ids[ids.index(follower) :], follower]
            elif follower not in done:
                trail.append((follower, iter(sorted(behind[follower]))))
                on_trail.add(follower)
    return []


def _shape_problems(
    body: Body, found: list[Link], signatures: Mapping[str, Signature], prefix: str, *, is_root: bool
) -> Iterator[Problem]:
    if not body.nodes:
        yield _error("graph.empty", f"{prefix}nodes", "There are no nodes.", "A workflow begins with a start node.")
        return
    starts = [node.id for node in body.nodes if signatures[node.id].start]
    if len(starts) > 1:
        message = "There is more than one start: " + ", ".join(starts) + "."
        yield _error("graph.many_starts", f"{prefix}nodes.{starts[1]}", message, "Keep one; its ports take all inputs.")
    if any(link.target in starts for link in found):
        yield _error("graph.edge_into_start", f"{prefix}nodes.{starts[0]}", "An edge leads into the start.")
    ends = [node.id for node in body.nodes if signatures[node.id].end]
    if not ends and is_root:
        message = "There is no end, so a run has no outputs and succeeds with the detail 'no_end_reached'."
        yield _warning("graph.no_end", f"{prefix}nodes", message, "Add a node of type end or answer.")
    if starts:
        reached = _reached(starts, body, found, signatures)
        for node in body.nodes:
            if node.id not in reached:
                message = f"The start does not lead to '{node.id}'; it will be skipped."
                yield _warning(
                    "graph.unreachable", f"{prefix}nodes.{node.id}", message, "Draw an edge to it or remove it."
                )


def _reached(starts: list[str], body: Body, found: list[Link], signatures: Mapping[str, Signature]) -> set[str]:
    behind = {node.id: [link.target for link in found if link.source == node.id] for node in body.nodes}
    for node in body.nodes:
        for item in signatures[node.id].references:
            if item.reference.node in behind:
                behind[item.reference.node].append(node.id)
    seen, todo = set(starts), list(starts)
    while todo:
        for follower in behind[todo.pop()]:
            if follower not in seen:
                seen.add(follower)
                todo.append(follower)
    return seen
