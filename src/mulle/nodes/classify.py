"""A fork in the road that looks at what a text is about."""

from dataclasses import replace
from typing import Any

import msgspec
from pydantic import BaseModel, Field

from mulle.document.expressions import as_text
from mulle.document.expressions.values import nfc
from mulle.document.ports import Port, PortType, is_array, is_object
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.sdk import Context, Done, Node, Settings

ELSE = "else"
"""The branch for a text that belongs to no class."""


class Class(Settings):
    """One class of texts, and the branch for it."""

    name: str = Field(min_length=1)
    port: str = ""
    """The branch's name, where it is not the class's own."""
    description: str = ""
    """What belongs here, for the model."""
    keywords: list[str] = Field(default_factory=list[str])
    """A text with one of these words belongs here; no model is asked."""


class Classify(Node):
    """Send the run down the branch of the class that a text belongs to: by its words, else by a model's judgement."""

    type = "classify"
    title = {"en": "Classify", "ko": "분류"}

    class Config(Settings):
        text: Any = None
        """What to look at; a text at the port comes before it."""
        classes: list[Class] = Field(min_length=1)
        """The one with most of its words in the text wins; among equals the first."""
        instructions: str = ""
        """What the model should know besides."""
        model: str = ""

    class Inputs(BaseModel):
        text: Any = None

    class Outputs(BaseModel):
        class_name: str
        decided_by: str
        """`keywords` or `model`."""

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        text = as_text(inputs.text if "text" in inputs.model_fields_set else config.text)
        name = by_keywords(text, config.classes)
        if name or all(one.keywords for one in config.classes):
            return _branch(name or ELSE, config.classes, "keywords")
        request = {
            "task": "classify",
            "text": text,
            "labels": [one.name for one in config.classes],
            "prompt": "\n".join([config.instructions, *(f"{one.name}: {one.description}" for one in config.classes)]),
        }
        answer = await ctx.llm.complete(request | ({"model": config.model} if config.model else {}))
        said = nfc(answer["text"].strip())
        known = next((one.name for one in config.classes if nfc(one.name) == said), ELSE)
        return msgspec.structs.replace(
            _branch(known, config.classes, "model"), usage=dict(answer.get("usage") or {}) or None
        )

    def signature(self, spec: NodeSpec) -> Signature:
        classes = spec.data.get("classes")
        named = [one.get("port") or one.get("name") for one in classes if is_object(one)] if is_array(classes) else []
        names = [name for name in named if isinstance(name, str) and name]
        branches = tuple(Port(name=name, type=PortType.BOOLEAN, branch=True) for name in dict.fromkeys([*names, ELSE]))
        signature = super().signature(spec)
        return replace(signature, outputs=(*branches, *signature.outputs))


def by_keywords(text: str, classes: list[Class]) -> str | None:
    """The class with most of its words in the text; None if no word is there. Case and Unicode form do not count."""
    looked_at = nfc(text).casefold()
    counted = [(sum(nfc(word).casefold() in looked_at for word in one.keywords if word), one.name) for one in classes]
    most, name = max(counted, key=lambda entry: entry[0])
    return name if most else None


def _branch(name: str, classes: list[Class], by: str) -> Done:
    port = next((one.port or one.name for one in classes if one.name == name), ELSE)
    return Done({port: True, "class_name": name, "decided_by": by})
