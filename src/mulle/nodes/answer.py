"""Text for whoever asked, shown while it comes about."""

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, Field

from mulle.document.expressions import as_text, parse_template
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.sdk import Context, Done, Expression, LateTemplate, Node, Settings
from mulle.sdk.markdown import markdown


class Answer(Node):
    """Say a text with references, piece by piece and in order. It is a result of the run, as an End's values are."""

    type = "answer"
    title = {"en": "Answer", "ko": "답변"}

    class Config(Settings):
        text: LateTemplate
        """`안녕하세요, {{ start.name }}님! {{ ask.text }}`."""
        style: Literal["plain", "markdown"] = "plain"
        """How values stand in the text. plain: lists and objects as compact JSON. markdown: lists as bullets, objects
        as indented JSON."""
        absent: Literal["nothing", "name"] = "nothing"
        """What the answer has in the place of a value whose step was skipped, or failed and left by its error branch:
        nothing, or the name, so that the gap is seen (`[ask.text]`). It is never shown while the answer comes about."""
        after: list[Expression] = Field(default_factory=list[str])
        """Said after these other answers, if they are said at all: `[greeting.answer]`."""

    class Inputs(BaseModel):
        pass

    class Outputs(BaseModel):
        answer: str

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        written = markdown if config.style == "markdown" else as_text
        said: list[str] = []
        for piece in parse_template(config.text).pieces:
            text = piece if isinstance(piece, str) else written(ctx.evaluate(piece.text))
            if text:
                await ctx.stream(text)
                said.append(text)
            elif config.absent == "name" and not isinstance(piece, str):
                said += [str(reference) for reference in piece.references[:1] if not ctx.answered(reference)]
        return Done({"answer": "".join(said)})

    def signature(self, spec: NodeSpec) -> Signature:
        return replace(super().signature(spec), end=True)
