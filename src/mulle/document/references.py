"""What the settings of a node may refer to, and what of it they refer to in vain."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from mulle.document.expressions import RESERVED_ROOTS
from mulle.document.links import Keys, Selector, mapped
from mulle.document.ports import PortType
from mulle.document.problem import Problem, nearest
from mulle.document.signature import ERROR_PORT, FieldReference, Signature
from mulle.document.workflow import NodeSpec, Variables

WITHOUT_PARTS = (PortType.STRING, PortType.NUMBER, PortType.BOOLEAN)
"""Values in which there is nothing further to refer to."""
SYSTEM_NAMES = frozenset({"run_id", "user_id", "session_id", "now", "files"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What can be seen from one graph."""

    variables: Variables
    names: frozenset[str] = frozenset()
    """`item`, `index`, `state`, as far as a container around gives them."""
    nodes: Mapping[str, Signature] = field(default_factory=dict[str, Signature])
    """Its nodes and those of the graphs around."""
    hidden: frozenset[str] = frozenset()
    """The containers around: they have no value before their body is done."""

    def within(self, signatures: Mapping[str, Signature]) -> "Surroundings":
        """The same, with the nodes of the graph itself, which come before those outside with the same ids."""
        return replace(self, nodes={**self.nodes, **signatures}, hidden=self.hidden - signatures.keys())

    def inside_of(self, container: str, names: frozenset[str]) -> "Surroundings":
        """What the body of a container sees."""
        return replace(self, names=self.names | names, hidden=self.hidden | {container})


def reference_problems(node: NodeSpec, signature: Signature, seen: Surroundings, prefix: str) -> Iterator[Problem]:
    """Problems of all that a node refers to, in templates and expressions first, then in mappings."""
    for item in signature.references:
        yield from _reference(item, node, seen, prefix + item.where)
    for _, source, where in mapped(node):
        yield from _selector(source, prefix + where, node, seen)


def _reference(item: FieldReference, node: NodeSpec, seen: Surroundings, where: str) -> Iterator[Problem]:
    reference = item.reference
    first = str(reference.path[0]) if reference.path else None
    if reference.root == "secret" and not item.secret_allowed:
        message = "A secret may not be used here, because this text is kept and shown."
        yield Problem(
            "reference.secret_not_allowed", where, message, "Use it in a field made for it, such as a header."
        )
    elif reference.root == "secret":
        if first is None:
            message = "A secret is called by its name, written out: secret.NAME."
            yield Problem("reference.unnamed_secret", where, message, "`mulle secrets list` shows the names.")
    elif reference.node:
        keys = reference.path[1:] if reference.root == "nodes" else reference.path
        yield from _known_port(reference.node, keys if reference.port else (), where, node, seen)
    else:
        yield from _known_name(reference.root, first, where, seen, secret_allowed=item.secret_allowed)


def _selector(source: Selector, where: str, node: NodeSpec, seen: Surroundings) -> Iterator[Problem]:
    first = str(source.keys[0]) if source.keys else None
    if source.root == "secret":
        message = "A secret cannot be mapped to a port, because what arrives at a port is kept and shown."
        yield Problem("reference.secret_not_allowed", where, message, "Name it in the setting that needs it.")
    elif source.root in RESERVED_ROOTS:
        yield from _known_name(source.root, first, where, seen, secret_allowed=False)
    else:
        yield from _known_port(source.root, source.keys, where, node, seen)


def _known_port(name: str, keys: Keys, where: str, node: NodeSpec, seen: Surroundings) -> Iterator[Problem]:
    """Whether a node can be seen, has this output, and what is looked for in it can be there."""
    port, deeper = (str(keys[0]), keys[1:]) if keys else (None, ())
    signature = seen.nodes.get(name)
    if signature is None or name in seen.hidden:
        message = f"There is no node '{name}' that '{node.id}' can see."
        hint = (
            "A body cannot use the result of the node that it belongs to." if signature else nearest(name, seen.nodes)
        )
        yield Problem("reference.unknown_node", where, message, hint)
    elif port and signature.output(port) is None and not signature.open_outputs and port != ERROR_PORT.name:
        hint = nearest(port, [one.name for one in signature.outputs])
        yield Problem("reference.unknown_port", where, f"'{name}' has no output '{port}'.", hint)
    elif port and deeper and (found := signature.output(port)) and found.type in WITHOUT_PARTS:
        message = f"'{name}.{port}' is a {found.type}, which has no '{deeper[0]}' in it."
        others = [one.name for one in signature.outputs if one.type not in WITHOUT_PARTS and not one.branch]
        hint = f"There is in '{name}': {', '.join(others)}." if others else "parse_json(…) reads a text that is JSON."
        yield Problem("reference.no_parts", where, message, hint, "warning")


def _known_name(
    root: str, name: str | None, where: str, seen: Surroundings, *, secret_allowed: bool
) -> Iterator[Problem]:
    """Whether `root.name` means something: `env.REGION`, `sys.now`, `item`."""
    environment = seen.variables.environment
    match root:
        case "env":
            yield from _declared(root, name, where, frozenset(environment), "environment")
            if name in environment and environment[name].secret and not secret_allowed:
                message = f"The secret 'env.{name}' may not be used here, because this text is kept and shown."
                hint = "Use it in a field made for it, such as a header."
                yield Problem("reference.secret_not_allowed", where, message, hint)
        case "conversation":
            yield from _declared(root, name, where, frozenset(seen.variables.conversation), "conversation")
        case "sys":
            yield from _declared(root, name, where, SYSTEM_NAMES, "")
        case "nodes":
            return  # Computed, so that only the run can tell.
        case _:
            if root not in seen.names:
                message = f"'{root}' means something only inside of a {'loop' if root == 'state' else 'map'}."
                yield Problem("reference.out_of_place", where, message, "Move the node into its body.")


def _declared(root: str, name: str | None, where: str, there: frozenset[str], group: str) -> Iterator[Problem]:
    if name is not None and name not in there:
        hint = nearest(name, sorted(there)) or f"Declare it under `variables.{group}`."
        yield Problem("reference.unknown_variable", where, f"There is no '{root}.{name}'.", hint)
