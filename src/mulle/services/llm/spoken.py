"""Speak OpenAI's protocol through pydantic-ai, and name what goes wrong on the way.

Importing this takes seconds, so `model` does it when the first question is put. Retries are not made here: they are the
step's own, in its document and its journal.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from openai import AsyncOpenAI
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    ModelRequestTimeout,
    ModelTimeoutError,
)
from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, UserPromptPart
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

from mulle.document.ports import is_object
from mulle.errors import NetworkError, SetupError
from mulle.services.llm.asked import Asked
from mulle.services.llm.failures import (
    ModelBusy,
    ModelFailed,
    ModelGarbled,
    ModelKeyRefused,
    ModelTimedOut,
    ModelUnknown,
    ModelUnreachable,
)
from mulle.services.redact import Redactor

_PREVIEW = 200

# A library's advice to programmers is no word to whoever runs a workflow.
warnings.filterwarnings("ignore", category=UserWarning, module=r"pydantic_ai\.")


@dataclass(frozen=True)
class Endpoint:
    """Where one model is, and how to get there."""

    model: str
    place: str
    """The host, for errors."""
    base_url: str
    key: str = field(repr=False)
    proxy: str | None = field(repr=False)
    timeout: float
    """Seconds for a whole answer."""

    async def answer(self, words: Asked, options: Mapping[str, Any]) -> ModelResponse:
        """Put one question; `options` may hold `temperature` and `max_tokens`.

        Raises ModelKeyRefused, ModelUnknown, and ModelFailed with its kinds.
        """
        settings = ModelSettings(timeout=self.timeout, request_timeout=self.timeout)
        if options.get("temperature") is not None:
            settings["temperature"] = float(options["temperature"])
        if options.get("max_tokens") is not None:
            settings["max_tokens"] = int(options["max_tokens"])
        messages = [ModelRequest(parts=[SystemPromptPart(words.system), UserPromptPart(words.user)])]
        # A redirect would carry the key to where nobody sent it; the environment's proxies are not ours.
        way = httpx2.AsyncClient(proxy=self.proxy, trust_env=False, follow_redirects=False, timeout=self.timeout)
        async with AsyncOpenAI(api_key=self.key, base_url=self.base_url, max_retries=0, http_client=way) as client:
            model = OpenAIChatModel(self.model, provider=OpenAIProvider(openai_client=client))
            try:
                return await model_request(model, list(messages), model_settings=settings)
            except ModelAPIError as error:
                # Not `from error`: what a library keeps of an answer may hold the key, if the endpoint said it back.
                raise self._failure(error) from None
            except AgentRunError as error:
                raise ModelGarbled(place=self.place, problem=self._clean(error.message)) from None

    def _failure(self, error: ModelAPIError) -> NetworkError | SetupError:
        facts: dict[str, Any] = {"model": self.model, "place": self.place}
        if isinstance(error, ModelTimeoutError | ModelRequestTimeout):
            return ModelTimedOut(**facts, seconds=self.timeout)
        if isinstance(error, ModelConnectionError):
            return ModelUnreachable(**facts, sent=error.phase not in {"pool", "connect"})
        status = error.status_code if isinstance(error, ModelHTTPError) else 0
        said = error.body.get("message") if is_object(error.body) else error.body
        text = self._clean(str(said or error.message))
        problem = f"status {status}: {text}" if status else text
        match status:
            case 401 | 403:
                return ModelKeyRefused(**facts, status=status)
            case 404:
                return ModelUnknown(**facts)
            case 429:
                busy = ModelBusy(**facts, problem=problem)
                busy.retry_after = error.retry_after
                return busy
            case _:
                return ModelFailed(**facts, problem=problem)

    def _clean(self, text: str) -> str:
        """What an endpoint gave as its reason: short, on one line, without the key."""
        return " ".join(Redactor({"OPENAI_API_KEY": self.key}).text(text).split())[:_PREVIEW]
