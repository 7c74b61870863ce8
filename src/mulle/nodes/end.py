"""Where a run, or one round of a body, leaves its results."""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.sdk import Context, Done, Node


class End(Node):
    """Take whatever arrives as results. Reaching an End does not stop what else is running."""

    type = "end"
    title = {"en": "End", "ko": "끝"}
    effect = "pure"

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        outputs: dict[str, Any] = Field(default_factory=dict[str, Any])
        """Results written as templates, beside what the edges bring: `{"text": "{{ ask.response }}"}`."""

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        return Done(config.outputs | inputs)

    def signature(self, spec: NodeSpec) -> Signature:
        return replace(super().signature(spec), end=True, open_outputs=True)
