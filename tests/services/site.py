"""A real web server for tests, in a thread, that behaves as it is told, also badly."""

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from mulle.services.guard import Guard

Behaviour = Callable[["Visit"], None]


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    client: tuple[str, int]


class Site:
    """Serves on a free port of this machine; what it does not know is a 404."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.behaviours: dict[str, list[Behaviour]] = {}
        self._server = _Server(self)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.scheme = "http" if tls is None else "https"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def on(self, path: str, *behaviours: Behaviour) -> str:
        """Behave so at `path`, one after the other, the last for ever; gives the URL."""
        self.behaviours[path] = list(behaviours)
        return self.url(path)

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def guard(self, *names: str) -> Guard:
        """A guard that lets through to this site, and knows `names` as names of it."""
        places = [f"{host}:{self.port}" for host in ("127.0.0.1", *names)]
        return Guard(places, resolve=resolver({name: ["127.0.0.1"] for name in names}))

    def behaviour(self, path: str) -> Behaviour:
        queue = self.behaviours.get(path) or [reply(status=404)]
        return queue.pop(0) if len(queue) > 1 else queue[0]


class Visit(BaseHTTPRequestHandler):
    """One connection to the site."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def site(self) -> Site:
        assert isinstance(self.server, _Server)
        return self.server.site

    def do_any(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        client = (str(self.client_address[0]), int(self.client_address[1]))
        self.site.received.append(Received(self.command, self.path, headers, body, client))
        try:
            self.site.behaviour(unquote(urlsplit(self.path).path))(self)
        except OSError:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_any  # noqa: N815 - names that http.server asks for.

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's signature.
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.site = site

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


def reply(body: bytes | str = b"", *, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    """Answer properly."""
    content = body.encode() if isinstance(body, str) else body
    given = {"content-length": str(len(content)), **{name.lower(): value for name, value in (headers or {}).items()}}

    def behave(visit: Visit) -> None:
        visit.send_response(status)
        for name, value in given.items():
            visit.send_header(name, value)
        visit.end_headers()
        if visit.command != "HEAD":
            visit.wfile.write(content)

    return behave


def redirect(target: str, status: int = 302, headers: Mapping[str, str] | None = None) -> Behaviour:
    return reply(status=status, headers={"location": target, **(headers or {})})


def hang_up(visit: Visit) -> None:
    """Take the request and close without a word."""
    visit.close_connection = True


def drip(visit: Visit) -> None:
    """Send one byte after the other, always in time for any pause between reads."""
    visit.send_response(200)
    visit.send_header("content-length", "100000")
    visit.end_headers()
    pause = threading.Event()
    for _ in range(100_000):
        visit.wfile.write(b".")
        visit.wfile.flush()
        pause.wait(0.02)


def stop_halfway(visit: Visit) -> None:
    visit.send_response(200)
    visit.send_header("content-length", "1000")
    visit.end_headers()
    visit.wfile.write(b"only this")
    visit.close_connection = True


def resolver(names: Mapping[str, list[str]]) -> Callable[[str, int], Any]:
    """A name server that knows exactly these names."""

    async def resolve(name: str, _port: int) -> list[str]:
        return names.get(name, [])

    return resolve


def rebinding(*answers: list[str]) -> Callable[[str, int], Any]:
    """A name server that answers differently each time, the last for ever."""
    queue = list(answers)

    async def resolve(_name: str, _port: int) -> list[str]:
        return queue.pop(0) if len(queue) > 1 else queue[0]

    return resolve
