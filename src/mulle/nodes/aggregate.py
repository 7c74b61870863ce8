"""Many values become one."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, Field

from mulle.document.expressions import as_text, parse
from mulle.document.ports import Port, PortType, is_array, is_object
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import MissingReference
from mulle.sdk import Context, Done, Expression, Node, Settings

COLLECTING = "values"
"""The port that any number of edges may lead to."""


class Aggregate(Node):
    """Bring what arrives together: where branches meet again, or where parallel steps join."""

    type = "aggregate"
    title = {"en": "Aggregate", "ko": "모으기"}
    effect = "pure"

    class Config(Settings):
        mode: Literal["list", "object", "first", "concat", "text"] = "list"
        """list: all values. object: those at named ports, by name. first: the first that is not null.
        concat: lists become one list. text: all as text, with the separator between them."""
        separator: str = "\n"
        first_of: list[Expression] = Field(default_factory=list[str])
        """`[a.text, b.text]`: the first whose step answered, null included; instead of what arrives. One that was
        skipped, or left by its error branch, did not."""
        groups: dict[str, list[Expression]] = Field(default_factory=dict[str, list[str]])
        """The same several times over, each at a port of its own name: `{title: [a.title, b.title]}`."""

    class Outputs(BaseModel):
        value: Any

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        if config.first_of or config.groups:
            wanted = {"value": config.first_of} | config.groups
            found = {port: first_there(texts, ctx) for port, texts in wanted.items() if texts}
            return Done({port: values[0] for port, values in found.items() if values})
        collected = inputs.get(COLLECTING, [])
        named = {name: value for name, value in inputs.items() if name != COLLECTING}
        every = [*(collected if is_array(collected) else [collected]), *named.values()]
        match config.mode:
            case "list":
                value: Any = every
            case "object":
                value = named | ({COLLECTING: collected} if collected else {})
            case "first":
                value = next((one for one in every if one is not None), None)
            case "concat":
                value = [item for one in every if one is not None for item in (one if is_array(one) else [one])]
            case "text":
                value = config.separator.join(as_text(one) for one in every if one is not None)
        return Done({"value": value})

    def signature(self, spec: NodeSpec) -> Signature:
        signature = super().signature(spec)
        collecting = Port(name=COLLECTING, type=PortType.ANY, multiple=True)
        others = tuple(port for port in signature.inputs if port.name != COLLECTING)
        groups = spec.data.get("groups")
        named = tuple(Port(name=name) for name in groups if name != "value") if is_object(groups) else ()
        return replace(signature, inputs=(collecting, *others), outputs=(*signature.outputs, *named))


def first_there(expressions: list[str], ctx: Context) -> list[Any]:
    """The value of the first expression all of whose steps answered, as a list of one; empty when there is none."""
    for text in expressions:
        if not all(map(ctx.answered, parse(text).references)):
            continue
        try:
            return [ctx.evaluate(text)]
        except MissingReference:
            continue
    return []
