"""The links of one graph: edges and variable mappings, read the same way by validation and by the engine."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mulle.document.expressions import Reference, parse
from mulle.document.ports import is_array, is_object
from mulle.document.signature import Describe, Signature
from mulle.document.workflow import Body, NodeSpec
from mulle.errors import ExpressionError, MissingReference

Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One way from a node to another. Links stand in document order: edges first, then mappings by node."""

    source: str
    target: str
    source_port: str | None = None
    """None carries the whole output."""
    target_port: str | None = None
    path: Keys = ()
    """Deeper into the port's value: `node.port.field[0]`."""
    gate: bool = False
    """Decides whether its target runs and carries nothing."""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed `variable`: unlike in expressions, the first word may be any node id (`1711067409646.text`)."""

    root: str
    keys: Keys = ()


class BadSelector(ExpressionError):
    """The variable of a mapping is not one plain reference."""

    code = "document.bad_selector"
    message = "'{text}' is not a reference."
    hint = "Write node.port, node.port.field[0], env.NAME, conversation.NAME, sys.now, item, index or state."


_STEP = re.compile(r"\.([^.\[\]]+)|\[(-?\d+)\]|\[\"([^\"]*)\"\]")
_ROOT = re.compile(r"[^.\[\]\s][^.\[\]]*")


def selector(text: str, at: str = "") -> Selector:
    """Read a mapping's `variable`; raises BadSelector."""
    text = unicodedata.normalize("NFC", text.strip())
    if text.startswith("nodes["):
        reference = _only_reference(text, at)
        return Selector(str(reference.path[0]), reference.path[1:])
    root = _ROOT.match(text)
    keys: list[str | int] = []
    place = root.end() if root else 0
    while step := _STEP.match(text, place):
        keys.append(int(step[2]) if step[2] else step[1] or step[3])
        place = step.end()
    if root is None or place != len(text):
        raise BadSelector(at=at, text=text)
    return Selector(root[0], tuple(keys))


def _only_reference(text: str, at: str) -> Reference:
    try:
        expression = parse(text)
    except ExpressionError as error:
        raise BadSelector(at=at, text=text) from error
    found = next(iter(expression.references), None)
    if found is None or not found.path or str(found) != str(expression):
        raise BadSelector(at=at, text=text)
    return found


def mapped(node: NodeSpec) -> Iterator[tuple[str, Selector, str]]:
    """The input ports of a node that a variable mapping feeds, each with its source and place; raises BadSelector."""
    for name, mapping in node.variable_mappings.items():
        where = f"nodes.{node.id}.variable_mappings.{name}.source.variable"
        yield mapping.target_port or name, selector(mapping.source.variable, where), where


def links(body: Body, signatures: Mapping[str, Signature]) -> list[Link]:
    """Every link between two nodes of this graph. Edges from or to nodes that are not here are left out.

    An edge is a gate when it names no target port or comes from a branch port.
    """
    found = [
        Link(
            source=edge.source,
            target=edge.target,
            source_port=edge.source_port,
            target_port=edge.target_port,
            gate=edge.target_port is None or edge.source_port in signatures[edge.source].branches,
            where=f"edges[{number}]",
        )
        for number, edge in enumerate(body.edges)
        if edge.source in signatures and edge.target in signatures
    ]
    for node in body.nodes:
        for target_port, source, where in mapped(node):
            if source.root in signatures:
                source_port = str(source.keys[0]) if source.keys else None
                gate = source_port in signatures[source.root].branches
                found.append(Link(source.root, node.id, source_port, target_port, source.keys[1:], gate, where))
    return found


def outer_names(spec: NodeSpec, signature: Signature, describe: Describe) -> set[str]:
    """Ids of nodes that a node's settings refer to, and what its body refers to outside itself."""
    names = {item.reference.node for item in signature.references if item.reference.node}
    if spec.body:
        inside = {node.id for node in spec.body.nodes}
        for node in spec.body.nodes:
            names |= outer_names(node, describe(node), describe) - inside
            names |= mapped_names(node) - inside
    return names


def mapped_names(spec: NodeSpec) -> set[str]:
    """Ids of nodes that feed a node's variable mappings."""
    return {source.root for _, source, _ in mapped(spec)}


def dig(value: Any, keys: Sequence[str | int], name: str = "") -> Any:
    """The value behind keys and indices. Null stays null; raises MissingReference where there is nothing."""
    for number, key in enumerate(keys):
        if value is None:
            return None
        try:
            value = _step_into(value, key)
        except (KeyError, IndexError) as error:
            path = name + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in keys[: number + 1])
            raise MissingReference(f"{path} is not there.", hint=_what_is_there(value)) from error
    return value


def _step_into(value: Any, key: str | int) -> Any:
    if is_object(value):
        return value[str(key)]
    if is_array(value) and isinstance(key, int):
        return value[key]
    raise KeyError(key)


def _what_is_there(value: Any) -> str:
    if is_object(value):
        return "There is: " + ", ".join(sorted(value)[:20]) + "."
    if is_array(value):
        return f"The list has {len(value)} item(s), counted from 0."
    return "The value has nothing inside."
