"""The mode without any model: it summarises by choosing sentences, and says plainly what it cannot do."""

from collections.abc import Mapping
from typing import Any

from mulle.errors import SetupError
from mulle.services.llm.textrank import summary

SENTENCES = 3
"""The length of a summary when nothing is said."""


class NeedsModel(SetupError):
    """The task needs a language model, and none is set up."""

    code = "llm.needs_model"
    message = "The task '{task}' needs a language model, and this is the built-in mode."
    hint = "Set OPENAI_API_KEY, or MULLE_MODEL and MULLE_MODEL_BASE_URL for any compatible server."


class Builtin:
    """An llm service that is no model and never passes for one: its answers say `builtin`."""

    async def complete(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Summarise `request["text"]` in `request["sentences"]` sentences; raises NeedsModel for any other task."""
        task = str(request.get("task", "generate"))
        if task != "summarize":
            raise NeedsModel(task=task)
        count = int(request.get("sentences") or SENTENCES)
        text = "\n".join(summary(str(request.get("text", "")), count))
        return {"text": text, "model": "builtin", "usage": {"model": "builtin", "input_tokens": 0, "output_tokens": 0}}
