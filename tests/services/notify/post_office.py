"""Mail servers for tests: a real one (aiosmtpd), and one that says and does what a script wants."""

import asyncio
import socketserver
import ssl
import threading
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from mulle.settings import MailServer


class PostOffice:
    """The server aiosmtpd; knows one account, me@example.com with the password 비밀번호."""

    def __init__(self, *, starttls: ssl.SSLContext | None = None, smtps: ssl.SSLContext | None = None) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[str] = []
        self.secured: list[bool] = []
        self._starttls = starttls
        self._smtps = smtps

    async def __aenter__(self) -> Self:
        options: dict[str, Any] = {"authenticator": self._authenticate, "auth_require_tls": False}
        if self._starttls is not None:
            options |= {"tls_context": self._starttls, "auth_require_tls": True}
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, **options), "127.0.0.1", 0, ssl=self._smtps)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def server(self, user: str = "", password: str = "비밀번호", tls: str = "auto") -> MailServer:
        return MailServer("127.0.0.1", self.port, user, password if user else "", tls)

    @property
    def mails(self) -> list[EmailMessage]:
        return [read(envelope.content) for envelope in self.envelopes if isinstance(envelope.content, bytes)]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name.
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above.
        self.secured.append(session.ssl is not None or self._smtps is not None)
        self.envelopes.append(envelope)
        return "250 OK"

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        user = data.login.decode()
        self.logins.append(user)
        known = (user, data.password.decode()) == ("me@example.com", "비밀번호")
        return AuthResult(success=known, handled=False)


class ScriptedServer:
    """Answers commands by a script: a reply, or `drop` to break off, or `hang`; unscripted ones are fine.

    The commands are CONNECT, EHLO, MAIL, RCPT, DATA, END (the mail's last line) and QUIT.
    """

    def __init__(self, script: Mapping[str, str]) -> None:
        self.script = {"CONNECT": "220 hi", "EHLO": "250 hi", "DATA": "354 go on", "QUIT": "221 bye", **script}
        self.mails: list[bytes] = []
        self._over = threading.Event()
        self._server = _Threaded(("127.0.0.1", 0), _Script)
        self._server.owner = self

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def server(self) -> MailServer:
        return MailServer("127.0.0.1", int(self._server.server_address[1]))

    def reply(self, command: str) -> bytes | None:
        words = self.script.get(command, "250 fine")
        if words == "hang":
            self._over.wait(30)
        return None if words in {"drop", "hang"} else f"{words}\r\n".encode()


class _Threaded(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    owner: ScriptedServer


class _Script(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Threaded)
        owner = self.server.owner
        command = "CONNECT"
        while True:
            words = owner.reply(command)
            if words is None:
                return
            self.wfile.write(words)
            if command == "DATA" and words.startswith(b"354"):
                owner.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                command = "END"
            else:
                command = self.rfile.readline()[:4].decode().upper().strip()
            if not command:
                return


def read(content: bytes) -> EmailMessage:
    """A mail as a mail reader sees it."""
    return message_from_bytes(content, policy=policy.default)


def body(mail: EmailMessage, subtype: str = "plain") -> str:
    """The text of a mail, its lines ended by \\n."""
    part = mail.get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def people(content: bytes, header: str) -> list[tuple[str, str]]:
    """Names and addresses in a header. The older of Python's readers: the newer puts spaces into long names."""
    raw = message_from_bytes(content, policy=policy.compat32)[header].replace("\r\n", "")
    return [(str(make_header(decode_header(name))), address) for name, address in getaddresses([raw])]
