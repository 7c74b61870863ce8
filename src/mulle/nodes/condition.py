"""A fork in the road."""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mulle.document.ports import Port, PortType, is_array, is_object
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.sdk import Context, Done, Expression, Node
from mulle.sdk.checks import Checks, holds

ELSE = "else"
"""The branch that is taken when no case holds."""


class Case(BaseModel):
    """One branch and the test that opens it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    """The branch port's name."""
    when: Expression | Checks
    """An expression; or comparisons as a form asks for them, which are strict about types."""


class Condition(Node):
    """Send the run down the first branch whose test holds."""

    type = "condition"
    title = {"en": "Condition", "ko": "조건"}
    effect = "pure"

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        cases: list[Case] = Field(min_length=1)
        """Tried in order; `else` is taken when none holds."""

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        for case in config.cases:
            if holds(case.when, ctx, **inputs):
                return Done({case.name: True})
        return Done({ELSE: True})

    def signature(self, spec: NodeSpec) -> Signature:
        branches = [*case_names(spec.data.get("cases")), ELSE]
        ports = tuple(Port(name=name, type=PortType.BOOLEAN, branch=True) for name in dict.fromkeys(branches))
        return replace(super().signature(spec), outputs=ports, open_outputs=False)


def case_names(cases: Any) -> list[str]:
    """The names of a condition's cases, as far as its settings are readable."""
    named = [case.get("name") for case in cases if is_object(case)] if is_array(cases) else []
    return [name for name in named if isinstance(name, str) and name]
