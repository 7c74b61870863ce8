"""What a workflow tells people, and where: subjects, texts and addresses of its notifications."""

from typing import Any

from mulle.author.domain import connectors
from mulle.author.lexicon import actions, channels, events
from mulle.author.request import Delivery, Request, Test
from mulle.author.sayings import say


def subject_of(request: Request) -> str:
    """A short name for a workflow: what is got and what is done with it."""
    parts: list[str] = []
    for source in request.sources[:2]:
        connector = connectors().get(source.connector or "")
        about = source.parameters.get("query") or source.parameters.get("region")
        name = source.name
        if connector:
            name = (connector.title if connector.facts else connector.thing).of(request.language)
        parts.append(f"{about} {name}" if about else name)
    text = " · ".join(parts)
    if not text and request.event:
        text = events()[request.event].title.of(request.language)
    if any(step.kind == "summarise" for step in request.steps):
        text = f"{text} {actions()['summarise'].title.of(request.language)}".strip()
    return (text or request.sentence)[:80]


def usable(delivery: Delivery) -> bool:
    """Whether there is a node for this way of telling."""
    return bool(delivery.channel and channels()[delivery.channel].channel)


def address_of(delivery: Delivery) -> dict[str, Any]:
    """The settings of a notification that say where it goes; addresses that are secrets stay in the store."""
    piece = channels()[delivery.channel or ""]
    data: dict[str, Any] = {"channel": piece.channel}
    if piece.address == "secret":
        data["to"] = [f"{{{{ secret.{piece.secret} }}}}"]
    elif piece.address != "none":
        data["to"] = list(delivery.to)
    if piece.address == "chat":
        data["token"] = f"{{{{ secret.{piece.secret} }}}}"
    return data


def body_of(request: Request, *, text: str, listing: str, summarised: bool, test: Test | None) -> str:
    """The text of a notification: why it comes, the summary, and where it is from."""
    language = request.language
    parts = [say("alert", language, test=test.text)] if test else []
    if summarised and listing:
        parts.append(f"[{say('heading.summary', language)}]\n{text}")
        parts.append(f"[{say('heading.items', language)}]\n{listing}")
    elif listing or text:
        parts.append(listing or text)
    return "\n\n".join(parts) or request.sentence


def nothing_text(request: Request) -> str:
    """What is told when nothing was found."""
    for source in request.sources:
        connector = connectors().get(source.connector or "")
        query = source.parameters.get("query")
        if connector and query:
            return say("nothing_found", request.language, query=query, thing=connector.thing.of(request.language))
    return say("nothing_found_plain", request.language)
