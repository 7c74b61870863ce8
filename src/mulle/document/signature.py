"""What a graph needs to know of a node type: its openings, what its settings refer to, and how it ends.

The catalogue (a floor above) knows the types; `document` and `engine` ask it through `Describe`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mulle.document.expressions import Reference
from mulle.document.ports import Port
from mulle.document.problem import Problem
from mulle.document.workflow import NodeSpec


@dataclass(frozen=True, slots=True)
class FieldReference:
    """A reference that a setting makes, and where it stands."""

    reference: Reference
    where: str
    """`data.to`, `data.cases[0].when`."""
    secret_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """One node of one document, as its type sees it."""

    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    open_inputs: bool = False
    """Takes any port that an edge names (`end`)."""
    open_outputs: bool = False
    """Its outputs are known only when it ran (`code` without annotations)."""
    start: bool = False
    end: bool = False
    container: bool = False
    """Has a body."""
    body_names: frozenset[str] = frozenset()
    """What its body may refer to: `item`, `index`, `state`."""
    references: tuple[FieldReference, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What is wrong with its settings."""

    @property
    def branches(self) -> frozenset[str]:
        """Its outputs that say which way to go, `error` among them unless the type uses that name for data."""
        named = frozenset(port.name for port in self.outputs if port.branch)
        return named if self.output("error") else named | {"error"}

    def output(self, name: str) -> Port | None:
        return next((port for port in self.outputs if port.name == name), None)

    def input(self, name: str) -> Port | None:
        return next((port for port in self.inputs if port.name == name), None)


ERROR_PORT = Port(name="error", branch=True, description="Taken when the node failed: {type, message, node}.")
"""The branch that `on_error: branch` gives to any node."""

Describe = Callable[[NodeSpec], Signature]
"""Signature of a node; raises DocumentError when its type is unknown."""
