"""What can be told, to whom, and what came of it. Plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Channel = Literal["mail", "webhook", "slack", "discord", "telegram", "apprise", "console", "file"]


@dataclass(frozen=True)
class Attachment:
    """A file that goes along with a mail."""

    name: str
    content: bytes
    type: str = "application/octet-stream"
    """MIME type."""


@dataclass(frozen=True)
class Message:
    """Something to tell."""

    text: str
    subject: str = ""
    """A single line; of use to mail, and the heading elsewhere."""
    html: str | None = None
    """The same as `text`, for mail readers that show it."""
    attachments: tuple[Attachment, ...] = ()
    """Mail only."""
    data: Any = None
    """What a webhook gets instead of `{subject, text}`: any JSON data."""


@dataclass(frozen=True)
class Destination:
    """Where to tell it."""

    channel: Channel
    to: tuple[str, ...] = ()
    """mail: addresses. webhook, slack, discord: URLs. telegram: chat ids. apprise: its URLs. file: one relative name.
    console: nothing."""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    token: str = ""
    """telegram: the bot's token."""
    headers: Mapping[str, str] | None = None
    """webhook: added to the request."""
    mode: Literal["append", "write"] = "append"
    """file: add at the end, or replace."""


@dataclass(frozen=True)
class Receipt:
    """What really happened."""

    channel: Channel
    to: str
    """The server, host or file, without anything secret."""
    delivered: bool
    """Whether it left for its recipients; False for mail laid in the outbox."""
    recipients: int = 1
    """How many it went to."""
    refused: tuple[str, ...] = ()
    """Recipients whom the mail server did not want, each with its words; the others got it."""
    reference: str = ""
    """What it can be found by: the Message-ID, which is the same for the same idempotency key."""
    detail: str = ""
    """What a person should know: laid in the outbox and why, shortened."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {**asdict(self), "refused": list(self.refused)}
