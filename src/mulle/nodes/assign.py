"""Change variables: those of a conversation, which outlive the run, and those of a loop."""

import re
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator

from mulle.document.ports import type_of
from mulle.document.variables import written
from mulle.sdk import Context, Done, Expression, LateData, Node, Settings, Write
from mulle.sdk.fit import WrongType
from mulle.sdk.returns import Kind, fits, item_kind


class Change(Settings):
    """One change of one variable."""

    target: Expression
    """`conversation.NAME`, or `state.NAME` inside of a loop."""
    op: Literal["set", "add", "append", "extend", "remove", "clear"] = "set"
    """add: to a number, text, list or object. append: one item. extend: all items of a list."""
    value: LateData = None
    """It sees what the changes before it wrote."""
    type: Kind | None = None
    """What the variable is, so that nothing else is written: `number`, `array[string]`."""

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
        seen = {root: ctx.lookup(root) for root in {one.target.partition(".")[0] for one in config.writes}}
        writes: list[Write] = []
        for one in config.writes:
            value = ctx.render_data(one.value, **seen) if "value" in one.model_fields_set else inputs.value
            write = Write(one.op, one.target, _checked(one, value))
            root, _, name = one.target.partition(".")
            seen[root] = seen[root] | {name: written(seen[root].get(name), write)}
            writes.append(write)
        return Done(writes=writes)


def _checked(change: Change, value: Any) -> Any:
    """The value, if it goes with the type of the variable; raises WrongType."""
    if change.type is None or change.op == "clear":
        return value
    wanted = item_kind(change.type) if change.op in ("append", "remove") else change.type
    if not fits(value, wanted):
        raise WrongType(port=change.target, wanted=wanted, source="the change", got=type_of(value))
    return value
