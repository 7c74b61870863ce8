"""A question to a language model, or to the honest built-in mode where there is none."""

import json
from typing import Any, Literal

from pydantic import BaseModel, Field

from mulle.document.expressions import as_text
from mulle.errors import StepError
from mulle.sdk import Context, Done, Node, Settings


class NotAsAsked(StepError):
    """The model's answer is not the data that the step's schema asks for."""

    code = "llm.not_as_asked"
    message = "The model did not answer with JSON: {preview}"
    hint = "Try again (`retry`), say more in the prompt, or take a stronger model."


class Llm(Node):
    """Let a model write, summarise, translate, sort into classes or draw data out of a text."""

    type = "llm"
    title = {"en": "Language model", "ko": "언어 모델"}

    class Config(Settings):
        task: Literal["generate", "summarize", "translate", "classify", "extract"] = "generate"
        """What is to be done; `generate` does what the prompt says."""
        prompt: str = ""
        """What to do, in words."""
        system: str = ""
        """Who the model is and how it answers."""
        text: Any = None
        """What to work on; a text that arrives at the port comes before it."""
        sentences: int | None = Field(default=None, ge=1, le=100)
        """summarize: how long."""
        language: str = ""
        """The language of the answer: `ko`, `en`. Empty: that of the text."""
        labels: list[str] = Field(default_factory=list[str])
        """classify: the classes to choose from."""
        json_schema: dict[str, Any] | None = Field(default=None, alias="schema")
        """A JSON Schema that the answer has to follow; it is then at the port `json`."""
        model: str = ""
        """Which model; empty: the one that is set up."""
        temperature: float | None = Field(default=None, ge=0, le=2)
        max_tokens: int | None = Field(default=None, ge=1)
        """The longest answer."""

    class Inputs(BaseModel):
        text: Any = None

    class Outputs(BaseModel):
        text: str
        model: str
        json_data: Any = Field(default=None, alias="json")

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        request = config.model_dump(by_alias=True, exclude_defaults=True) | {"task": config.task}
        text = inputs.text if "text" in inputs.model_fields_set else config.text
        if text is not None:
            request["text"] = as_text(text)
        answer = await ctx.llm.complete(request)
        found = answer.get("json")
        if found is None and config.json_schema is not None:
            found = _json(answer["text"])
        outputs = {"text": answer["text"], "model": answer.get("model", ""), "json": found}
        return Done(outputs, usage=dict(answer.get("usage") or {}) or None)


def _json(text: str) -> Any:
    """The data in a model's answer, a code fence around it taken off; raises NotAsAsked."""
    inner = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        return json.loads(inner)
    except (ValueError, RecursionError) as error:
        raise NotAsAsked(preview=text[:200]) from error
