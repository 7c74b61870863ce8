"""Tell it by an HTTP request: to any webhook, and as Slack, Discord and Telegram want it."""

from dataclasses import dataclass
from typing import Any

from mulle.errors import NetworkError, RequestUnusable
from mulle.services.notify.message import Destination, Message, Receipt
from mulle.services.request import Request
from mulle.services.sending import SendsHttp

LONGEST = {"slack": 40_000, "discord": 2_000, "telegram": 4_096}
"""Characters that each takes in one message."""


@dataclass(frozen=True)
class Post:
    """One request to make."""

    url: str
    json: Any
    shortened: bool = False


def posts(message: Message, to: Destination, *, telegram: str) -> list[Post]:
    """What to send for `message`, one request a target. Raises RequestUnusable."""
    if not to.to:
        raise RequestUnusable(f"The {to.channel} message has nowhere to go.", hint="Give its address in `to`.")
    if to.channel == "webhook":
        told = {"subject": message.subject, "text": message.text} if message.data is None else message.data
        return [Post(url, told) for url in to.to]
    heading = {"slack": "*{}*\n", "discord": "**{}**\n", "telegram": "{}\n\n"}[to.channel]
    subject, text = message.subject.strip(), message.text
    if to.channel == "slack":
        # A text from elsewhere must not call everybody by <!channel>.
        subject, text = (
            part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for part in (subject, text)
        )
    whole = (heading.replace("{}", subject) if subject else "") + text
    limit = LONGEST[to.channel]
    short = whole if len(whole) <= limit else whole[: limit - 1] + "…"
    match to.channel:
        case "slack":
            return [Post(url, {"text": short}, short != whole) for url in to.to]
        case "discord":
            quiet: dict[str, list[str]] = {"parse": []}  # As above: no @everyone.
            return [Post(url, {"content": short, "allowed_mentions": quiet}, short != whole) for url in to.to]
        case _:
            if not to.token:
                raise RequestUnusable(
                    "The Telegram bot has no token.", hint="@BotFather gives one; keep it as a secret."
                )
            url = f"{telegram}/bot{to.token}/sendMessage"
            return [Post(url, {"chat_id": chat, "text": short}, short != whole) for chat in to.to]


async def post(http: SendsHttp, message: Message, to: Destination, *, key: str, telegram: str) -> Receipt:
    """Make the requests one after the other; raises what `Http.request` raises."""
    wanted = posts(message, to, telegram=telegram)
    hosts: list[str] = []
    for number, one in enumerate(wanted):
        request_key = key if len(wanted) == 1 else f"{key}/{number}"
        try:
            await http.request(
                "POST", one.url, json=one.json, headers=to.headers, idempotency_key=request_key, secret_url=True
            )
        except NetworkError as error:
            # The ones before did get it: to do it all again would tell them twice.
            error.sent = error.sent or number > 0
            raise
        hosts.append(Request.build("POST", one.url, secret_url=True).shown)
    detail = f"shortened to {LONGEST[to.channel]:,} characters" if any(one.shortened for one in wanted) else ""
    return Receipt(to.channel, ", ".join(dict.fromkeys(hosts)), delivered=True, recipients=len(wanted), detail=detail)
