"""Node types to draw graphs with: small ones of every kind, and the real ones where they are installed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from pydantic import BaseModel, ConfigDict, Field

from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.nodes.condition import Condition
from mulle.nodes.end import End
from mulle.nodes.start import Start
from mulle.sdk import Context, Done, Expression, Node, Raw, SecretText
from mulle.sdk.catalogue import Catalogue

settings.register_profile("mulle", deadline=None)  # How long an example takes says more of the machine than of us.
settings.load_profile("mulle")


class Ask(Node):
    """A question that is a template, an optional number, an answer that is text."""

    type = "ask"

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        question: str = "?"
        """What is asked."""
        temperature: float = 0.0
        header: SecretText = ""
        after: Expression = "true"
        code: Raw = None

    class Inputs(BaseModel):
        text: str | None = None
        count: int = 3
        parts: list[str] = Field(default=[], json_schema_extra={"multiple": True})

    class Outputs(BaseModel):
        answer: str
        usage: dict[str, Any]

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        return Done({"answer": config.question, "usage": {}})


class Mail(Node):
    """What it sends must be given."""

    type = "mail"
    effect = "once"

    class Inputs(BaseModel):
        text: str

    class Outputs(BaseModel):
        receipt: dict[str, Any]

    async def run(self, config: Any, inputs: Inputs, ctx: Context) -> Done:
        return Done({"receipt": {"to": "kim@example.com"}})


class Free(Node):
    """Takes and gives whatever it likes."""

    type = "free"

    class Config(BaseModel):
        model_config = ConfigDict(extra="allow")

    async def run(self, config: Any, inputs: dict[str, Any], ctx: Context) -> Done:
        return Done(inputs)


class Each(Node):
    """A container over items."""

    type = "each"
    names = frozenset({"item", "index"})

    class Config(BaseModel):
        model_config = ConfigDict(extra="allow")

        items: Any = None

    class Outputs(BaseModel):
        results: list[Any]

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        return Done({"results": []})

    def signature(self, spec: NodeSpec) -> Signature:
        return replace(super().signature(spec), container=True, body_names=self.names)


class Rounds(Each):
    """A container with a state."""

    type = "rounds"
    names = frozenset({"state", "index"})


SMALL: tuple[Node, ...] = (Start(), End(), Condition(), Ask(), Mail(), Free(), Each(), Rounds())


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """All of these; where a page or an example says `map`, `loop` or `code`, it gets one of them."""
    types = {node.type: node for node in SMALL}
    return Catalogue(types | {"map": Each(), "loop": Rounds(), "code": Free()})
