"""Where a run begins: its inputs become this node's outputs."""

from dataclasses import replace
from typing import Any

from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.sdk import Context, Done, Node, Settings


class Start(Node):
    """Hand the run's inputs on. The output ports that the document declares are what a caller may give."""

    type = "start"
    title = {"en": "Start", "ko": "시작"}
    effect = "pure"

    class Config(Settings):
        open: bool = False
        """Take inputs beside those that are declared, too. A start that declares none takes anything."""

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        return Done(inputs)

    def signature(self, spec: NodeSpec) -> Signature:
        is_open = not spec.ports.outputs or spec.data.get("open") is True
        return replace(super().signature(spec), start=True, open_inputs=False, open_outputs=is_open)
