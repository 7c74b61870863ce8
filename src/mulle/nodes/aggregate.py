"""Many values become one."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel

from mulle.document.expressions import as_text
from mulle.document.ports import Port, PortType, is_array
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.sdk import Context, Done, Node, Settings

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

    class Outputs(BaseModel):
        value: Any

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
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
        return replace(signature, inputs=(collecting, *others))
