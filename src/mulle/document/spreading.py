"""What a body that runs in child runs cannot use: all that belongs to the run around it."""

from collections.abc import Iterator
from typing import Any

from mulle.document.links import mapped
from mulle.document.ports import is_array, is_object
from mulle.document.problem import Problem
from mulle.document.signature import Describe, Signature
from mulle.document.workflow import Body, NodeSpec
from mulle.errors import MulleError

_EVERYWHERE = frozenset({"env", "sys", "secret"})
"""What every run knows by itself."""


def spread_problems(node: NodeSpec, signature: Signature, describe: Describe, prefix: str) -> Iterator[Problem]:
    """What the body of a node with `spread: true` uses of the run around it, each at its place."""
    if node.body is not None and node.data.get("spread") is True:
        where = f"{prefix}nodes.{node.id}.body."
        yield from _problems(node.body, signature.body_names | _EVERYWHERE, describe, where)


def _problems(body: Body, names: frozenset[str], describe: Describe, prefix: str) -> Iterator[Problem]:
    known = names | {node.id for node in body.nodes}
    for node in body.nodes:
        try:
            signature = describe(node)
        except MulleError:
            continue  # Reported where it stands.
        for item in signature.references:
            if (item.reference.node or item.reference.root) not in known:
                yield _problem(str(item.reference), prefix + item.where)
        for _, source, where in mapped(node):
            if source.root not in known:
                yield _problem(source.root, prefix + where)
        if any(text.startswith("conversation.") for text in _texts(node.data)):
            yield _problem("conversation", f"{prefix}nodes.{node.id}.data")
        if node.body is not None:
            inside = known | signature.body_names
            yield from _problems(node.body, inside, describe, f"{prefix}nodes.{node.id}.body.")


def _problem(name: str, where: str) -> Problem:
    message = f"'{name}' belongs to the run around, and this body runs in child runs."
    hint = "Put what the body needs into each item, and collect what it gives by its end; or take `spread` away."
    return Problem("spread.outside", where, message, hint)


def _texts(data: Any) -> Iterator[str]:
    """Every text in a node's settings."""
    if isinstance(data, str):
        yield data
    for item in data.values() if is_object(data) else data if is_array(data) else ():
        yield from _texts(item)
