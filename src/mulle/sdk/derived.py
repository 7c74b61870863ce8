"""Outputs that a document adds to a node's own: `derived_outputs: {first: "value[0]"}`. Sees only the node's own."""

from collections.abc import Mapping
from typing import Any

from mulle.document.expressions import evaluate, parse
from mulle.document.ports import Port
from mulle.document.problem import Problem
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import ExpressionError


def with_derived(outputs: Mapping[str, Any], spec: NodeSpec, signature: Signature) -> dict[str, Any]:
    """A node's outputs and those derived from them; raises ExpressionError. A silent port is null to an expression."""
    names = {port.name: None for port in signature.outputs} | dict(outputs)
    made = {name: evaluate(parse(text), names, at=_place(name)) for name, text in spec.derived_outputs.items()}
    return dict(outputs) | made


def derived_ports(spec: NodeSpec) -> tuple[Port, ...]:
    return tuple(Port(name=name) for name in spec.derived_outputs)


def derived_problems(spec: NodeSpec) -> list[Problem]:
    """What in the expressions cannot be read."""
    found: list[Problem] = []
    for name, text in spec.derived_outputs.items():
        try:
            parse(text)
        except ExpressionError as error:
            found.append(Problem.of(error, _place(name)))
    return found


def _place(name: str) -> str:
    return f"derived_outputs.{name}"
