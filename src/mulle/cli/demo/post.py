"""A post office for the demo: a real SMTP server on this machine that keeps what it gets."""

import asyncio
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that arrived."""

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    message_id: str


class PostOffice:
    """Takes mail on a port of its own, from when it is opened."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self._server: asyncio.Server | None = None

    async def open(self) -> str:
        """Begin to take mail; gives the server's URL."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, enable_SMTPUTF8=True), "127.0.0.1", 0)
        return f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the name aiosmtpd calls.
        """Keep a mail."""
        del server, session
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain", "html"))
        self.mails.append(
            Mail(
                sender=str(message["from"]),
                to=tuple(envelope.rcpt_tos),
                subject=str(message["subject"]),
                text=body.get_content() if body else "",
                message_id=str(message["message-id"]),
            )
        )
        return "250 OK"

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
