"""What takes the world's place while a draft is tried out: recorded answers; deliveries are only written down."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mulle.author.domain import Answer, Connector, connectors
from mulle.errors import NetworkError
from mulle.sdk.context import Services
from mulle.services.llm.builtin import Builtin, NeedsModel


class RecordedError(NetworkError):
    """The stand-in answered with the API's recorded error."""

    code = "standin.error"
    message = "The stand-in answered with {status}: {preview}"


@dataclass(frozen=True)
class RecordedResponse:
    """An HTTP answer out of a pack."""

    status: int
    text: str
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.text)

    def preview(self, length: int = 200) -> str:
        return self.text[:length]


@dataclass
class StandIns:
    """The services of one trial, and what was asked of them."""

    answers: Mapping[str, Answer]
    """What is answered instead of the recorded samples, by connector."""
    homes: Mapping[str, str] = field(default_factory=dict[str, str])
    """The connector by the URL that it calls, where the URL alone does not say it."""
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])
    """Channel and settings of every notification."""
    called: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Method and URL of every call."""

    def services(self) -> Services:
        """As a run takes them."""
        return Services(
            http=_Http(self),
            notify=_Notify(self),
            llm=_Llm(),
            knowledge=_Knowledge(),
            secret=lambda name: f"stand-in-{name}",
        )


class _Http:
    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins

    async def request(self, method: str, url: str, **options: Any) -> RecordedResponse:
        del options
        self._stand_ins.called.append((method, url))
        home = self._stand_ins.homes.get(url)
        connector = connectors()[home] if home else _connector_at(url)
        answer = self._stand_ins.answers.get(connector.id) or connector.sample
        text = answer.text if answer.text is not None else json.dumps(answer.json_data, ensure_ascii=False)
        kind = "text/plain" if answer.text is not None else "application/json"
        if not 200 <= answer.status < 300:
            raise RecordedError(status=answer.status, preview=text[:200], sent=True)
        return RecordedResponse(answer.status, text, {"content-type": kind})


def _connector_at(url: str) -> Connector:
    """Whose address this is; any other one is answered as an unknown page or feed would be."""
    target = urlsplit(url)
    for one in connectors().values():
        known = urlsplit(one.http.url)
        if known.netloc == target.netloc and known.path == target.path:
            return one
    generic = [one for one in connectors().values() if one.addresses]
    return next((one for one in generic if any(sign in url.lower() for sign in one.addresses)), generic[0])


class _Notify:
    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins

    async def send(self, channel: str, settings: Mapping[str, Any], *, idempotency_key: str) -> Mapping[str, Any]:
        del idempotency_key
        self._stand_ins.told.append((channel, dict(settings)))
        return {
            "channel": channel,
            "where": "stand-in",
            "delivered": True,
            "recipients": len(settings.get("to", ())) or 1,
        }


class _Llm:
    """Summaries are the built-in mode's own; what needs a model gets an answer that says it is made up."""

    async def complete(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await Builtin().complete(request)
        except NeedsModel:
            labels = request.get("labels") or ["(a model's answer)"]
            return {"text": str(labels[0]), "model": "stand-in", "json": {}, "usage": {}}


class _Knowledge:
    async def search(self, query: str, *, domain: str | None = None, limit: int = 5) -> list[Mapping[str, Any]]:
        del query, domain, limit
        return [{"document": "stand-in", "text": "(a passage)", "score": 1.0, "place": "1"}]
