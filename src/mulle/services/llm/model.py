"""Answer `llm` steps by a language model: OpenAI's, or any endpoint that speaks its protocol.

What a model is told stands in `asked`, how it is reached in `spoken`. The endpoint is the owner's own setting, so the
guard, which is there for addresses that workflows name, is not asked about it; it may well be on this machine.
"""

import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from mulle.errors import SetupError
from mulle.services.llm.asked import asked
from mulle.services.llm.builtin import Builtin
from mulle.services.llm.failures import ModelGarbled, ModelKeyMissing, ModelsMissing
from mulle.services.llm.prices import Prices
from mulle.settings import Settings

DEFAULT = "gpt-5-mini"
"""The model when OPENAI_API_KEY is all that is set."""
OPENAI = "https://api.openai.com/v1"
NO_KEY = "no-key"
"""What an endpoint of one's own is sent when no key is set: the protocol has no request without one."""
TIMEOUT = 120.0
"""Seconds for a whole answer."""


def language_model(settings: Settings, *, name: str | None = None) -> "Builtin | Model":
    """The model that the settings name; the built-in mode when they name none, or `builtin`.

    Args:
        settings: OPENAI_API_KEY alone is enough, and so is an endpoint.
        name: Instead of MULLE_MODEL.
    """
    chosen = name or settings.model
    if chosen == "builtin" or not (chosen or settings.model_base_url or settings.openai_api_key):
        return Builtin()
    return Model(
        chosen or DEFAULT,
        base_url=settings.model_base_url,
        key=settings.openai_api_key,
        proxy=settings.proxy,
        price=Prices.configured(settings.prices).of,
    )


def problem_of(model: "Builtin | Model") -> SetupError | None:
    """What is missing before a model can be asked, as far as that is known without asking it."""
    if isinstance(model, Builtin):
        return None
    if find_spec("pydantic_ai") is None or find_spec("openai") is None:
        return ModelsMissing(model=model.name)
    return None if model.key or model.base_url != OPENAI else ModelKeyMissing(model=model.name)


class Model:
    """An llm service by a model."""

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        key: str | None = None,
        proxy: str | None = None,
        timeout: float = TIMEOUT,
        price: Callable[[str, int, int], float | None] | None = None,
    ) -> None:
        """Remember how to reach a model; nothing is sent yet.

        Args:
            name: As the endpoint calls it; `openai:` in front is understood.
            base_url: An endpoint of OpenAI's protocol; None: OpenAI's own.
            key: Its key; None where none is needed.
            proxy: An HTTP proxy on the way there.
            timeout: Seconds for a whole answer.
            price: US dollars for a model's tokens of input and of output; None where no price is known.
        """
        self.name = name.removeprefix("openai:")
        self.base_url = base_url or OPENAI
        self.key = key
        self._proxy = proxy
        self._timeout = timeout
        self._price = price or Prices({}).of
        self.place = urlsplit(self.base_url).netloc.rpartition("@")[2]
        """The endpoint in errors: its host, without what may be secret in its address."""

    async def complete(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a request as `LlmService` describes it.

        `json` is there when the request has a `schema` and the answer is JSON. Raises ModelsMissing, ModelKeyMissing,
        ModelKeyRefused, ModelUnknown, and ModelFailed with its kinds.
        """
        name = str(request.get("model") or self.name).removeprefix("openai:")
        if name == "builtin":
            return await Builtin().complete(request)
        missing = problem_of(self)
        if missing:
            raise missing
        from mulle.services.llm.spoken import Endpoint  # noqa: PLC0415 - heavy: seconds that most runs need not wait.

        endpoint = Endpoint(name, self.place, self.base_url, self.key or NO_KEY, self._proxy, self._timeout)
        response = await endpoint.answer(asked(request), request)
        text = response.text or ""
        if not text.strip():
            raise ModelGarbled(place=self.place, problem=f"it said nothing ({response.finish_reason or 'no reason'})")
        used = response.model_name or name
        usage: dict[str, Any] = {
            "model": used,
            "input_tokens": response.usage.input_tokens,
            "output_tokens": response.usage.output_tokens,
        }
        cost = self._price(used, response.usage.input_tokens, response.usage.output_tokens)
        if cost is not None:
            usage["cost"] = cost
        found = _json(text) if request.get("schema") else None
        return {"text": text, "model": used, "usage": usage} | ({} if found is None else {"json": found})


def _json(text: str) -> Any:
    """The data in an answer, a code fence around it taken off; None when it is none."""
    try:
        return json.loads(text.strip().removeprefix("```json").removeprefix("```").removesuffix("```"))
    except (ValueError, RecursionError):
        return None
