"""The node types that are installed, and what a document's nodes look like through them."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

from pydantic import ValidationError

from mulle.document.places import schema_problems
from mulle.document.problem import Problem, nearest
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import DocumentError
from mulle.sdk.derived import derived_ports, derived_problems
from mulle.sdk.fields import references, shape_of
from mulle.sdk.node import Node

ENTRY_POINTS = "mulle.nodes"
"""The group under which built-in and foreign node types alike are announced."""


class UnknownNodeType(DocumentError):
    """The document uses a node type that nobody installed provides."""

    code = "document.unknown_node_type"
    message = "Node '{at}': unknown type '{type}'."
    hint = "Install the plugin that provides it, or choose another type. {nearest}"


class BrokenPlugin(DocumentError):
    """The document uses a node type whose plugin is installed and cannot be loaded."""

    code = "document.broken_plugin"
    message = "Node '{at}': the type '{type}' cannot be loaded: {problem}."
    hint = "Update or reinstall the package that provides it."


class Catalogue:
    """Node types by name."""

    def __init__(self, types: Mapping[str, Node], broken: Mapping[str, str] | None = None) -> None:
        self.types = dict(types)
        self.broken = dict(broken or {})
        """Types whose plugin cannot be loaded, and why. They trouble nobody who does not use them."""

    @classmethod
    def installed(cls) -> "Catalogue":
        """Every node type that an installed package announces; the built-in ones come through the same door."""
        types: dict[str, Node] = {}
        broken: dict[str, str] = {}
        for entry in entry_points(group=ENTRY_POINTS):
            try:
                types[entry.name] = entry.load()()
            except Exception as error:  # noqa: BLE001 - a plugin's code may raise anything.
                broken[entry.name] = f"{type(error).__name__}: {error}"
        return cls(types, broken)

    def with_types(self, types: Mapping[str, Node]) -> "Catalogue":
        return Catalogue(self.types | dict(types), self.broken)

    def node(self, spec: NodeSpec) -> Node:
        """The type of a node; raises UnknownNodeType, BrokenPlugin."""
        try:
            return self.types[spec.type]
        except KeyError as error:
            if spec.type in self.broken:
                raise BrokenPlugin(at=spec.id, type=spec.type, problem=self.broken[spec.type]) from error
            raise UnknownNodeType(at=spec.id, type=spec.type, nearest=nearest(spec.type, self.types)) from error

    def describe(self, spec: NodeSpec) -> Signature:
        """A node's openings, what its settings refer to, and what is wrong with them; raises UnknownNodeType."""
        node = self.node(spec)
        found, problems = references(spec.data, shape_of(node.Config))
        signature = node.signature(spec)
        problems += [*_config_problems(node, spec), *derived_problems(spec)]
        place = f"nodes.{spec.id}."
        return replace(
            signature,
            outputs=(*signature.outputs, *derived_ports(spec)),
            references=tuple(replace(item, where=place + item.where) for item in found),
            problems=(*signature.problems, *(replace(problem, where=place + problem.where) for problem in problems)),
        )


def _config_problems(node: Node, spec: NodeSpec) -> list[Problem]:
    """What is wrong with a node's settings, as far as that can be known before templates are filled in."""
    try:
        node.Config.model_validate(spec.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # A value can only be judged when it is filled in; a misspelt setting is one whatever its value.
        unknown = {one["loc"] for one in found if _is_template(one["input"]) and one["type"] != "extra_forbidden"}
        return [
            problem
            for steps, problem in schema_problems(error, spec.data, "data.", node.Config)
            if steps not in unknown
        ]
    return []


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value
