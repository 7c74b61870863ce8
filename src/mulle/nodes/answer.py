"""Text for whoever asked, shown while it comes about."""

from dataclasses import replace

from pydantic import BaseModel

from mulle.document.expressions import as_text, parse_template
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.sdk import Context, Done, LateTemplate, Node, Settings


class Answer(Node):
    """Say a text with references, piece by piece and in order. It is a result of the run, as an End's values are."""

    type = "answer"
    title = {"en": "Answer", "ko": "답변"}

    class Config(Settings):
        text: LateTemplate
        """`안녕하세요, {{ start.name }}님! {{ ask.text }}`."""

    class Inputs(BaseModel):
        pass

    class Outputs(BaseModel):
        answer: str

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        said: list[str] = []
        for piece in parse_template(config.text).pieces:
            text = piece if isinstance(piece, str) else as_text(ctx.evaluate(piece.text))
            if text:
                await ctx.stream(text)
                said.append(text)
        return Done({"answer": "".join(said)})

    def signature(self, spec: NodeSpec) -> Signature:
        return replace(super().signature(spec), end=True)
