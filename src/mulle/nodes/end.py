"""Where a run, or one round of a body, leaves its results."""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.sdk import Context, Done, Node
from mulle.sdk.markdown import markdown
from mulle.sdk.node import Effect


class End(Node):
    """Take whatever arrives as results. Reaching an End does not stop what else is running."""

    type = "end"
    title = {"en": "End", "ko": "끝"}
    effect = "pure"

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        outputs: dict[str, Any] = Field(default_factory=dict[str, Any])
        """Results written as templates, beside what the edges bring: `{"text": "{{ ask.response }}"}`."""

        stream: bool | list[str] = False
        """Show the results to whoever watches the run, a line each, as an answer in the style `markdown` would. A list
        names the ones that are shown."""

    def effect_of(self, config: Config) -> Effect:
        return "repeatable" if config.stream else "pure"

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        outputs = config.outputs | inputs
        if config.stream:
            shown = outputs.values() if config.stream is True else [outputs.get(name) for name in config.stream]
            if text := "\n".join(map(markdown, shown)):
                await ctx.stream(text)
        return Done(outputs)

    def signature(self, spec: NodeSpec) -> Signature:
        return replace(super().signature(spec), end=True, open_outputs=True)
