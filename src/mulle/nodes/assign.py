"""Change variables: those of a conversation, which outlive the run, and those of a loop."""

import re
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

from mulle.sdk import Context, Done, Expression, Node, Settings, Write


class Change(Settings):
    """One change of one variable."""

    target: Expression
    """`conversation.NAME`, or `state.NAME` inside of a loop."""
    op: Literal["set", "add", "append", "extend", "remove", "clear"] = "set"
    """add: to a number, text, list or object. append: one item. extend: all items of a list."""
    value: Any = None

    @field_validator("target")
    @classmethod
    def _is_a_variable(cls, target: str) -> str:
        if not re.fullmatch(r"(conversation|state)\.[^\s.\[\]]+", target):
            raise ValueError("a target is conversation.NAME or state.NAME")
        return target


class Assign(Node):
    """Write to variables. Changes made side by side add up; none is lost."""

    type = "assign"
    title = {"en": "Assign variables", "ko": "변수 지정"}
    effect = "pure"

    class Config(Settings):
        writes: list[Change] = Field(min_length=1)
        """Made in this order."""

    class Inputs(BaseModel):
        value: Any = None
        """What changes without a value of their own write."""

    class Outputs(BaseModel):
        pass

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        return Done(
            writes=[
                Write(one.op, one.target, one.value if "value" in one.model_fields_set else inputs.value)
                for one in config.writes
            ]
        )
