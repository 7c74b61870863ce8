"""The node types that are installed, and what a document's nodes look like through them."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any

from pydantic import ValidationError

from mulle.document.places import schema_problems
from mulle.document.problem import Problem
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import DocumentError
from mulle.sdk.fields import references, shape_of
from mulle.sdk.node import Node

ENTRY_POINTS = "mulle.nodes"
"""The group under which built-in and foreign node types alike are announced."""


class UnknownNodeType(DocumentError):
    """The document uses a node type that nobody installed provides."""

    code = "document.unknown_node_type"
    message = "Node '{at}': unknown type '{type}'."
    hint = "Install the plugin that provides it, or choose another type.{nearest}"


class Catalogue:
    """Node types by name."""

    def __init__(self, types: Mapping[str, Node]) -> None:
        self.types = dict(types)

    @classmethod
    def installed(cls) -> "Catalogue":
        """Every node type that an installed package announces; the built-in ones come through the same door."""
        return cls({entry.name: entry.load()() for entry in entry_points(group=ENTRY_POINTS)})

    def with_types(self, types: Mapping[str, Node]) -> "Catalogue":
        return Catalogue(self.types | dict(types))

    def node(self, spec: NodeSpec) -> Node:
        """The type of a node; raises UnknownNodeType."""
        try:
            return self.types[spec.type]
        except KeyError as error:
            close = get_close_matches(spec.type, self.types, n=1)
            nearest = f" Did you mean '{close[0]}'?" if close else ""
            raise UnknownNodeType(at=spec.id, type=spec.type, nearest=nearest) from error

    def describe(self, spec: NodeSpec) -> Signature:
        """A node's openings, what its settings refer to, and what is wrong with them; raises UnknownNodeType."""
        node = self.node(spec)
        found, problems = references(spec.data, shape_of(node.Config))
        signature = node.signature(spec)
        problems += _config_problems(node, spec)
        place = f"nodes.{spec.id}."
        return replace(
            signature,
            references=tuple(replace(item, where=place + item.where) for item in found),
            problems=(*signature.problems, *(replace(problem, where=place + problem.where) for problem in problems)),
        )


def _config_problems(node: Node, spec: NodeSpec) -> list[Problem]:
    """What is wrong with a node's settings, as far as that can be known before templates are filled in."""
    try:
        node.Config.model_validate(spec.data)
    except ValidationError as error:
        unknown = {item["loc"] for item in error.errors(include_url=False) if _is_template(item["input"])}
        return [
            problem
            for steps, problem in schema_problems(error, spec.data, "data.", node.Config)
            if steps not in unknown
        ]
    return []


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value
