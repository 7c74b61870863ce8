"""Steps of Dify that Mulle has none for: they keep what Dify knew, have its outputs, and only run pinned."""

from dataclasses import replace
from typing import Any

from pydantic import Field

from mulle.document.ports import Port, PortType, is_array
from mulle.document.problem import Problem
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import StepError
from mulle.sdk import Context, Node, Raw, SecretData, Settings
from mulle.sdk.node import Answer


class OnlyPinned(StepError):
    """The step comes from Dify, and Mulle has none of its kind."""

    code = "dify.only_pinned"
    message = "Dify's step '{kind}' cannot run here."
    hint = "Put a step of Mulle's in its place (http, code, llm), or pin its answer: `--pins`."


class Foreign(Node):
    """Stand where a step of Dify's stood that Mulle has none for; it runs only pinned."""

    type = "dify.step"
    title = {"en": "Step of Dify's", "ko": "Dify 단계"}
    effect = "once"

    class Config(Settings):
        kind: str
        """What Dify calls it: `tool`, `agent`."""
        inputs: dict[str, SecretData] = Field(default_factory=dict[str, Any])
        """What goes in."""
        settings: Raw = None
        """Everything else that Dify knew of it, secrets taken out."""
        branches: list[str] = Field(default_factory=list[str])
        """The ways that lead away from it."""

    async def run(self, config: Config, inputs: Any, ctx: Context) -> Answer:
        raise OnlyPinned(kind=config.kind)

    def signature(self, spec: NodeSpec) -> Signature:
        kind, branches = spec.data.get("kind", spec.type.removeprefix("dify.")), spec.data.get("branches")
        names = [name for name in branches if isinstance(name, str)] if is_array(branches) else []
        ports = tuple(Port(name=name, type=PortType.BOOLEAN, branch=True) for name in names)
        message = f"'{spec.id}' is Dify's step '{kind}', which Mulle has not; it runs only pinned."
        hint = "Put a step of Mulle's in its place (http, code, llm), or pin its answer."
        problem = Problem("dify.only_pinned", f"nodes.{spec.id}.type", message, hint, "warning")
        found = super().signature(spec)
        return replace(found, outputs=(*found.outputs, *ports), problems=(*found.problems, problem))


class Tool(Foreign):
    """Stand where a tool of Dify's was called; it runs only pinned."""

    type = "dify.tool"


class Agent(Foreign):
    """Stand where an agent of Dify's worked; it runs only pinned."""

    type = "dify.agent"


class Knowledge(Foreign):
    """Stand where Dify searched its knowledge; it runs only pinned."""

    type = "dify.knowledge-retrieval"


class DocumentExtractor(Foreign):
    """Stand where Dify read a file; it runs only pinned."""

    type = "dify.document-extractor"


class HumanInput(Foreign):
    """Stand where Dify asked a person; it runs only pinned."""

    type = "dify.human-input"


class JavaScript(Foreign):
    """Stand where Dify had code that a code step cannot run: JavaScript, or Python that is broken."""

    type = "dify.code"


KNOWN = frozenset(one.type for one in (Tool, Agent, Knowledge, DocumentExtractor, HumanInput, JavaScript))
