"""Steps that belong together, as one."""

from dataclasses import replace
from typing import Any

from pydantic import Field

from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import BodyFailed
from mulle.nodes.spreading import Spread, spreading
from mulle.sdk import Context, Done, Expand, Node, Settings, Wait
from mulle.sdk.node import Effect


class Subflow(Node):
    """Run my body, or another workflow, once, with retry and error policy of its own.

    What arrives here its start hands on inside.
    """

    type = "subflow"
    title = {"en": "Subflow", "ko": "하위 흐름"}
    effect = "pure"

    class Config(Settings):
        workflow: str = ""
        """Instead of a body: the id or name of a workflow of this home, as it is when the run begins."""
        version: int | None = Field(default=None, ge=1)
        """Which version of it; by default the newest."""
        inputs: dict[str, Any] = Field(default_factory=dict[str, Any])
        """Values for the start inside, beside what arrives at ports of any name."""
        spread: bool = False
        """Make it a child run, which any worker may drive. Inside, only `env` and `sys` are known of what is
        outside."""

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done | Expand | Wait:
        if config.spread and ctx.memo is not True and (runs := await spreading(ctx)):
            endings = await Spread(runs, ctx, [config.inputs | inputs], {}).go_on(tolerant=False)
            return endings if isinstance(endings, Wait) else Done(endings[0].outputs)
        if ctx.memo is None:
            return Expand([config.inputs | inputs], memo=True)
        (ending,) = ctx.endings
        if not ending.succeeded:
            message = ending.error.message if ending.error else "it was stopped"
            node = ending.error.node if ending.error else ""
            cause = ending.error.cause or message if ending.error else ""
            raise BodyFailed(f"The steps inside failed at '{node}': {message}", cause=cause)
        return Done(ending.outputs)

    def effect_of(self, config: Config) -> Effect:
        return "repeatable" if config.spread else self.effect

    def signature(self, spec: NodeSpec) -> Signature:
        return replace(super().signature(spec), container=True)
