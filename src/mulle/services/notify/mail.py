"""Write mail and hand it to a server, knowing at every moment whether it may have been sent.

Only what happens between the server's "go ahead" (354) and its last word is uncertain. Before, nothing was sent; a
refusal afterwards means that the server did not take it (RFC 5321, 4.2.5).
"""

import asyncio
import contextlib
import hashlib
import re
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

import aiosmtplib

from mulle.errors import (
    CertificateRefused,
    ConnectionLost,
    DeliveryRefused,
    RequestUnusable,
    TimedOut,
    UnreachableHost,
    cause_of,
)
from mulle.sdk.acting import may_act
from mulle.services.guard import Guard, place
from mulle.services.notify.address import Address
from mulle.services.notify.message import Message
from mulle.settings import MailServer

CONNECT_TIMEOUT = 15.0
"""Seconds."""
SEND_TIMEOUT = 120.0
"""Seconds for one mail, from the look-up of the server's name to its word that it took it."""
FAREWELL_TIMEOUT = 1.0
"""Seconds."""


@dataclass(frozen=True)
class Mail:
    """A mail that is ready to go."""

    sender: Address
    recipients: tuple[Address, ...]
    """All of them, hidden ones too."""
    message_id: str
    content: bytes


def compose(
    message: Message,
    *,
    sender: Address,
    to: Sequence[Address],
    cc: Sequence[Address] = (),
    bcc: Sequence[Address] = (),
    key: str,
    now: datetime,
) -> Mail:
    """The mail as it goes over the wire; the same `key` gives the same Message-ID, so that a repetition can be noticed.

    Raises RequestUnusable when the subject or a file's name could smuggle in a header, or nobody is to get it.
    """
    if not (to or cc or bcc):
        raise RequestUnusable("The mail has no recipient.", hint="Give at least one address in `to`.")
    subject = message.subject.strip()
    for what, text in [("subject", subject), *(("attachment's name", file.name) for file in message.attachments)]:
        if re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", text):
            raise RequestUnusable(f"The {what} holds a line break or control character.", hint="Keep it to one line.")
    message_id = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender.domain}>"
    headers = {
        "From": _people([sender]),
        "To": _people(to),
        "Cc": _people(cc),
        "Subject": _encoded(subject, "Subject"),
        "Date": format_datetime(now),
        "Message-ID": message_id,
        "Auto-Submitted": "auto-generated",  # So that holiday notices do not answer a machine.
    }
    heading = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value or name == "Subject")
    mail = EmailMessage(policy=SMTP_POLICY.clone(cte_type="7bit"))
    mail.set_content(_sound(message.text))
    if message.html is not None:
        mail.add_alternative(_sound(message.html), subtype="html")
    for file in message.attachments:
        kind = re.fullmatch(r"(?!multipart|message)([\w.+-]+)/([\w.+-]+)(?:; *charset=([\w-]+))?", file.type, re.ASCII)
        main, sub, charset = kind.groups() if kind else ("application", "octet-stream", None)
        mail.add_attachment(
            file.content,
            maintype=main,
            subtype=sub,
            filename=_sound(file.name),
            params={"charset": charset} if charset else None,
        )
    return Mail(sender, (*to, *cc, *bcc), message_id, heading.encode("ascii") + mail.as_bytes())


async def deliver(
    mail: Mail, server: MailServer, guard: Guard, *, tls: ssl.SSLContext | None = None, within: float = SEND_TIMEOUT
) -> tuple[str, ...]:
    """Hand `mail` to `server`; gives the recipients it refused, each with its words. The others get it.

    `within` is in seconds. Raises DeliveryRefused, UnreachableHost, CertificateRefused, TimedOut and ConnectionLost;
    `sent` is True only where the server had begun to take the mail and did not say how it ended.
    """
    talk = _Talk(place(server.host, server.port), within)
    try:
        async with asyncio.timeout(within) as talk.limit:
            return await _hand_over(mail, server, guard, tls, talk)
    except TimeoutError as error:  # aiosmtplib's time-outs are TimeoutErrors too.
        raise TimedOut(place=talk.at, seconds=within, phase=talk.phase, sent=talk.sent) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _refused(error, talk) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        if talk.sent:
            raise ConnectionLost(place=talk.at, why=_words(str(error))) from error
        if untrusted := cause_of(error, ssl.SSLCertVerificationError):
            raise CertificateRefused(place=talk.at, why=untrusted.verify_message) from error
        why = f"the talk broke off while {talk.phase}: {_words(str(error))}"
        raise UnreachableHost(place=talk.at, why=why) from error


@dataclass
class _Talk:
    """How far the talk with the server has come."""

    at: str
    within: float
    phase: str = "connecting"
    sent: bool = False
    limit: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))


async def _hand_over(
    mail: Mail, server: MailServer, guard: Guard, tls: ssl.SSLContext | None, talk: _Talk
) -> tuple[str, ...]:
    async def connect(address: str) -> socket.socket:
        return await _connected(address, server.port)

    sock = await guard.reach(server.host, server.port, connect, within=min(CONNECT_TIMEOUT, talk.within))
    smtp = aiosmtplib.SMTP(
        hostname=server.host,
        sock=sock,
        use_tls=server.tls == "always",
        start_tls=False,  # Done below, by our own rule.
        tls_context=tls,
        timeout=talk.within,
        local_hostname=_own_name(),
    )
    with contextlib.closing(smtp):
        try:
            await smtp.connect()
        except BaseException:
            sock.close()
            raise
        await _secure(smtp, server, talk)
        if server.user:
            talk.phase = "logging in"
            await smtp.login(server.user, server.password)
        talk.phase = "naming sender and recipients"
        await smtp.mail(mail.sender.email)
        refused = [words for address in mail.recipients if (words := await _recipient(smtp, address))]
        if len(refused) == len(mail.recipients):
            hint = "Check the addresses, and whether this server takes mail for them."
            raise DeliveryRefused(place=talk.at, why="; ".join(refused), hint=hint)
        await _content(smtp, mail.content, talk)
        # The mail is taken, and nothing that follows may look like a failure.
        talk.limit.reschedule(None)
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await smtp.quit(timeout=FAREWELL_TIMEOUT)
        return tuple(refused)


async def _secure(smtp: aiosmtplib.SMTP, server: MailServer, talk: _Talk) -> None:
    """Change to TLS where offered; a password never goes out in the clear unless the owner said `?tls=off`."""
    talk.phase = "greeting"
    await smtp.ehlo()
    if server.tls != "auto":
        return
    if smtp.supports_extension("starttls"):
        await smtp.starttls()
        await smtp.ehlo()
    elif server.user:
        hint = "Use smtps://, or, if you trust the network in between, add ?tls=off to MULLE_SMTP_URL."
        why = "it offers no TLS, and the password would travel in the clear."
        raise DeliveryRefused(place=talk.at, why=why, hint=hint)


async def _recipient(smtp: aiosmtplib.SMTP, address: Address) -> str:
    """Name one recipient; gives the server's words if it does not want them, else nothing."""
    try:
        await smtp.rcpt(address.email)
    except aiosmtplib.SMTPRecipientRefused as error:
        return f"{address.email}: {error.code} {_words(error.message)}"
    return ""


async def _content(smtp: aiosmtplib.SMTP, content: bytes, talk: _Talk) -> None:
    """The DATA command in its two steps, because certainty ends between them."""
    talk.phase = "asking to send"
    reply = await smtp.execute_command(b"DATA")
    if reply.code != aiosmtplib.SMTPStatus.start_input:
        raise aiosmtplib.SMTPDataError(reply.code, reply.message)
    protocol = smtp.protocol
    if protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    await may_act()
    talk.phase = "sending the mail"
    talk.sent = True
    protocol.write(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
    reply = await protocol.read_response(timeout=talk.within)
    if reply.code != aiosmtplib.SMTPStatus.completed:
        talk.sent = False
        raise aiosmtplib.SMTPDataError(reply.code, reply.message)


async def _connected(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _refused(error: aiosmtplib.SMTPResponseException, talk: _Talk) -> DeliveryRefused:
    hint = "Try later." if 400 <= error.code < 500 else "Read the server's words; nothing was sent."
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        hint = "Check user and password in MULLE_SMTP_URL; Naver, Daum and Gmail want an app password made for this."
    elif isinstance(error, aiosmtplib.SMTPSenderRefused):
        hint = "Set MULLE_MAIL_FROM to an address that this account may send from."
    return DeliveryRefused(place=talk.at, why=f"{error.code} {_words(error.message)}", hint=hint, sent=talk.sent)


def _people(addresses: Sequence[Address]) -> str:
    return ",\r\n ".join(_person(address) for address in addresses)


def _person(address: Address) -> str:
    if not address.name:
        return address.email
    name = _encoded(address.name, "From")
    if name == address.name and not re.fullmatch(r"[A-Za-z0-9 ]+", name):
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name}\r\n <{address.email}>"


def _encoded(text: str, header: str) -> str:
    """`text` as encoded words (RFC 2047), if it needs that.

    EmailMessage would write headers itself, but its folding loses spaces of long Korean ones and turns the comma
    between two people into a part of a name (CPython 3.11).
    """
    if text.isascii() and len(text) < 60 and "=?" not in text:
        return text
    return Header(_sound(text), "utf-8", header_name=header).encode(linesep="\r\n")


def _sound(text: str) -> str:
    """`text` without halves of characters, which no encoding can write."""
    return text.encode("utf-8", "replace").decode()


def _words(text: str) -> str:
    """What a server said, on one line."""
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in readable).split())[:300] or "no reason given"


def _own_name() -> str:
    """The name for the greeting; what is no ASCII host name would be an error in the talk."""
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9.-]{1,200}", name) else "localhost"
