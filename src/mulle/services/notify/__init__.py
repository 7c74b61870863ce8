"""Tell somebody something: by mail, webhook or messenger, on the console, into a file.

Every channel answers with a Receipt of what really happened. Without a mail server, mail is laid in the outbox folder
as an .eml file, and the receipt says that it was not sent.
"""

import asyncio
import hashlib
import re
import ssl
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mulle.errors import RequestUnusable, StoreError
from mulle.services.files import append, inside, write_whole
from mulle.services.guard import Guard, place
from mulle.services.notify.address import Address, mail_address, mail_addresses
from mulle.services.notify.message import Attachment, Channel, Destination, Message, Receipt
from mulle.services.sending import SendsHttp
from mulle.settings import MailServer, Settings

if TYPE_CHECKING:
    from mulle.services.notify.mail import Mail

__all__ = ["Attachment", "Channel", "Destination", "Message", "Notify", "Receipt"]


class Notify:
    """Tells messages, with what the owner configured.

    The means of a channel are imported when it is first used: HTTP takes 200 ms to import, apprise as long, and most
    workflows need one of them or none.
    """

    def __init__(
        self,
        http: SendsHttp,
        guard: Guard,
        *,
        outbox: Path,
        files: Path,
        mail_server: MailServer | None = None,
        mail_from: str | None = None,
        tls: ssl.SSLContext | None = None,
        console: Callable[[str], object] = sys.stderr.write,
        telegram: str = "https://api.telegram.org",
        now: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone(),
    ) -> None:
        """Tell by these means.

        Args:
            http: For webhooks; with its own guard.
            guard: For mail and apprise; the configured mail server counts as allowed.
            outbox: The folder for mail while there is no `mail_server`.
            files: The folder in which the channel `file` may write.
            mail_server: Takes our mail.
            mail_from: Its sender; by default the server's user.
            tls: Whom to believe when mail is handed over; by default the system's authorities.
            console: Gets the text of the channel `console`; stderr, since stdout belongs to results.
            telegram: Where Telegram's bots live.
            now: For the date of mails.
        """
        self._http = http
        self._mail_guard = guard.allowing(place(mail_server.host, mail_server.port)) if mail_server else guard
        self._guard = guard
        self._outbox = outbox
        self._files = files
        self._mail_server = mail_server
        self._mail_from = mail_from
        self._tls = tls
        self._console = console
        self._telegram = telegram
        self._now = now

    @classmethod
    def configured(cls, settings: Settings, http: SendsHttp, guard: Guard) -> Self:
        """By what the owner's settings say."""
        return cls(
            http,
            guard,
            outbox=settings.outbox_folder,
            files=settings.home / "files",
            mail_server=settings.mail_server,
            mail_from=settings.mail_from,
        )

    async def send(self, channel: str, settings: Mapping[str, Any], *, idempotency_key: str) -> dict[str, Any]:
        """Tell what a step asks for in plain data, as `wanted` describes it; gives the Receipt as data."""
        from mulle.services.notify.wanted import wanted  # noqa: PLC0415 - see the class; here it is pydantic.

        message, to = wanted(channel, settings)
        return (await self.tell(message, to, idempotency_key=idempotency_key)).to_dict()

    async def tell(self, message: Message, to: Destination, *, idempotency_key: str) -> Receipt:
        """Tell `message` at `to`.

        The same `idempotency_key` gives the same Message-ID, the same `Idempotency-Key` and the same file in the
        outbox, so that whoever gets it twice can notice.

        Raises:
            NetworkError: One of its subclasses; its `sent` says whether somebody may have got the message.
            PathRefused: The file would lie outside its folder.
            StoreError: The outbox or the file cannot be written.
        """
        match to.channel:
            case "mail":
                return await self._mail(message, to, idempotency_key)
            case "webhook" | "slack" | "discord" | "telegram":
                from mulle.services.notify.webhook import post  # noqa: PLC0415 - see the class.

                return await post(self._http, message, to, key=idempotency_key, telegram=self._telegram)
            case "apprise":
                from mulle.services.notify.messenger import tell  # noqa: PLC0415 - see the class.

                return await tell(message, to, self._guard)
            case "console":
                self._console(_readable(_plain(message)))
                return Receipt("console", "console", delivered=True)
            case "file":
                return await self._file(message, to)
            case _:  # pyright: ignore[reportUnnecessaryComparison]  # a document may hold anything
                raise RequestUnusable(f"There is no channel {to.channel!r}.")

    async def _mail(self, message: Message, to: Destination, key: str) -> Receipt:
        from mulle.services.notify.mail import compose, deliver  # noqa: PLC0415 - see the class.

        mail = compose(
            message,
            sender=self._sender(),
            to=mail_addresses(to.to),
            cc=mail_addresses(to.cc),
            bcc=mail_addresses(to.bcc),
            key=key,
            now=self._now(),
        )
        if self._mail_server is None:
            return await self._lay_in_outbox(mail, key)
        refused = await deliver(mail, self._mail_server, self._mail_guard, tls=self._tls)
        return Receipt(
            "mail",
            place(self._mail_server.host, self._mail_server.port),
            delivered=True,
            recipients=len(mail.recipients) - len(refused),
            refused=refused,
            reference=mail.message_id,
        )

    async def _lay_in_outbox(self, mail: "Mail", key: str) -> Receipt:
        # The digest keeps apart what the readable part makes alike.
        readable = re.sub(r"[^\w.-]+", "-", key)[:40].strip("-.")
        path = self._outbox / f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.eml"
        try:
            await asyncio.to_thread(write_whole, path, mail.content)
        except OSError as error:
            raise StoreError(f"The outbox {self._outbox} cannot be written: {error.strerror}.") from error
        return Receipt(
            "mail",
            str(path),
            delivered=False,
            recipients=len(mail.recipients),
            reference=mail.message_id,
            detail="Laid in the outbox and not sent: no mail server is configured (MULLE_SMTP_URL).",
        )

    async def _file(self, message: Message, to: Destination) -> Receipt:
        if len(to.to) != 1:
            raise RequestUnusable("The channel `file` needs one file name in `to`.")
        path = inside(self._files, to.to[0])
        content = _plain(message).encode("utf-8", "replace")
        try:
            await asyncio.to_thread(append if to.mode == "append" else write_whole, path, content)
        except OSError as error:
            raise StoreError(f"The file {path} cannot be written: {error.strerror}.") from error
        return Receipt("file", str(path), delivered=True)

    def _sender(self) -> Address:
        if self._mail_from:
            return mail_address(self._mail_from)
        user = self._mail_server.user if self._mail_server else ""
        return mail_address(user if "@" in user else "mulle@localhost")


def _plain(message: Message) -> str:
    """Subject and text, with an end of line."""
    heading = f"{message.subject.strip()}\n\n" if message.subject.strip() else ""
    return f"{heading}{message.text.rstrip()}\n"


def _readable(text: str) -> str:
    """`text` without what would steer a terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
