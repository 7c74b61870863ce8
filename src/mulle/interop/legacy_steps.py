"""The search step of old chatbots: a query in; documents, and their texts as one context, out."""

from typing import Any

from pydantic import BaseModel, Field

from mulle.sdk import Context, Done, Node, Settings


class Knowledge(Node):
    """Search the knowledge for a query, as the old chatbots did."""

    type = "legacy.knowledge"
    title = {"en": "Knowledge (old chatbot)", "ko": "지식 검색 (이전 봇)"}

    class Config(Settings):
        top_k: int = Field(default=5, ge=1, le=1000)
        """How many passages."""
        domain: str = ""
        """Where to search; empty: everywhere."""

    class Inputs(BaseModel):
        query: str
        top_k: int | None = None

    class Outputs(BaseModel):
        documents: list[dict[str, Any]]
        context: str
        """Their texts, joined by a blank line."""

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        limit = inputs.top_k or config.top_k
        found = [
            dict(one) for one in await ctx.knowledge.search(inputs.query, domain=config.domain or None, limit=limit)
        ]
        return Done({"documents": found, "context": "\n\n".join(str(one.get("text", "")) for one in found)})
