"""Put one request on the wire and read its answer: connections, TLS, proxy, decompression.

Connections go only to addresses the guard has judged. Knows nothing of retries, redirects or what a status means.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import httpcore2
import httpx2

from mulle.errors import (
    AnswerTooLarge,
    AnswerUnreadable,
    CertificateRefused,
    ConnectionLost,
    NetworkError,
    RequestUnusable,
    UnreachableHost,
    cause_of,
)
from mulle.sdk.acting import may_act
from mulle.services.guard import Guard, place
from mulle.services.request import Request
from mulle.services.response import Response

CONNECT_TIMEOUT = 10.0
"""Seconds."""


@dataclass
class Journey:
    """Where a call is, for its errors: what was sent stays sent over retries and redirects."""

    at: str
    phase: str = "connecting"
    sent: bool = False
    cookies: httpx2.Cookies = field(default_factory=httpx2.Cookies)
    """Those that servers set on the way; they end with the call."""

    async def trace(self, event: str, _facts: Mapping[str, Any]) -> None:
        """What httpcore tells about its steps: from the first byte of the headers on, the server may know."""
        if event.endswith(".connect_tcp.started"):
            self.phase = "connecting"
        elif event.endswith(".send_request_headers.started"):
            await may_act()
            self.sent = True
            self.phase = "sending the request"
        elif event.endswith(".receive_response_headers.started"):
            self.phase = "waiting for its answer"


class Wire:
    """Connections, kept by event loop."""

    def __init__(self, guard: Guard, *, proxy: str | None, tls: ssl.SSLContext | None) -> None:
        self._guard = guard
        self._proxy = _Proxy(proxy) if proxy else None
        self._network = _GuardedNetwork(guard.allowing(self._proxy.place) if self._proxy else guard)
        # Reading the system's authorities takes 20 ms: once for all connections.
        self._tls = tls or httpcore2.default_ssl_context()
        self._pools: dict[tuple[asyncio.AbstractEventLoop, bool], httpcore2.AsyncConnectionPool] = {}

    async def aclose(self) -> None:
        """Close the connections that this event loop keeps open."""
        loop = asyncio.get_running_loop()
        for key in [key for key in self._pools if key[0] is loop]:
            await self._pools.pop(key).aclose()

    async def exchange(self, request: Request, journey: Journey, *, max_bytes: int) -> Response:
        """One request and its answer. Raises NetworkError, whose `sent` is not to be trusted; `journey.sent` is."""
        if self._proxy:
            _, host, port = request.origin
            self._guard.check_literal(host, port)
        ready = httpx2.Request(request.method, request.url, headers=request.headers, content=request.body)
        journey.cookies.set_cookie_header(ready)
        url = ready.url
        wire = httpcore2.Request(
            request.method,
            httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=ready.headers.raw,
            content=request.body,
            extensions={"timeout": {"connect": CONNECT_TIMEOUT}, "trace": journey.trace},
        )
        pool = self._pool(keep_alive=request.repeatable)
        try:
            # The pool gets its connection back only when the answer is closed, also when we are cancelled.
            async with contextlib.aclosing(await pool.handle_async_request(wire)) as raw:
                answer = httpx2.Response(raw.status, headers=raw.headers, stream=_Stream(raw), request=ready)
                journey.cookies.extract_cookies(answer)
                journey.phase = "reading its answer"
                content = await _content(answer, request.method, max_bytes, journey.at)
        except httpx2.DecodingError as error:
            raise AnswerUnreadable(place=journey.at, why=str(error)) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            raise _named(error, journey.at) from error
        return Response(raw.status, dict(answer.headers.items()), content, str(url), 0.0)

    def _pool(self, *, keep_alive: bool) -> httpcore2.AsyncConnectionPool:
        """Connections to take for a request.

        A server may close a kept connection at the very moment it is used again. Then nobody knows whether the request
        arrived, so one that must not be repeated gets a connection of its own.
        """
        key = (asyncio.get_running_loop(), keep_alive)
        if key not in self._pools:
            self._pools = {(loop, kept): pool for (loop, kept), pool in self._pools.items() if not loop.is_closed()}
            self._pools[key] = httpcore2.AsyncConnectionPool(
                ssl_context=self._tls,
                proxy=self._proxy.means if self._proxy else None,
                max_connections=100,
                max_keepalive_connections=20 if keep_alive else 0,
                keepalive_expiry=5.0,
                network_backend=self._network,
            )
        return self._pools[key]


class _GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """TCP that connects only to addresses the guard has judged; TLS and Host keep the name."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        # For type checkers AnyIOBackend is what stands in for it where anyio is missing.
        self._tcp = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature.
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore2.AsyncNetworkStream:
        async def connect(address: str) -> httpcore2.AsyncNetworkStream:
            try:
                return await self._tcp.connect_tcp(address, port, None, local_address, socket_options)
            except httpcore2.ConnectError as error:
                raise OSError(str(error)) from error

        return await self._guard.reach(host, port, connect, within=timeout or CONNECT_TIMEOUT)


class _Stream(httpx2.AsyncByteStream):
    """An answer of httpcore as httpx wants it."""

    def __init__(self, raw: httpcore2.Response) -> None:
        self._raw = raw

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._raw.aiter_stream():
            yield part


class _Proxy:
    """The owner's proxy, from its URL."""

    def __init__(self, url: str) -> None:
        parsed = httpx2.URL(url)
        auth = (parsed.username, parsed.password) if parsed.userinfo else None
        self.place = place(parsed.host, parsed.port or {"http": 80, "https": 443}[parsed.scheme])
        self.means = httpcore2.Proxy(str(parsed.copy_with(userinfo=b"")), auth=auth)


async def _content(answer: httpx2.Response, method: str, max_bytes: int, at: str) -> bytes:
    """The body, decompressed; that of an error is cut at `max_bytes`, any other larger one raises AnswerTooLarge."""
    announced = answer.headers.get("content-length", "")
    if method != "HEAD" and announced.isdecimal() and int(announced) > max_bytes and answer.status_code < 400:
        raise AnswerTooLarge(place=at, limit=max_bytes)
    content = bytearray()
    async with contextlib.aclosing(answer.aiter_bytes()) as pieces:
        async for piece in pieces:
            content += piece
            if len(content) > max_bytes and answer.status_code < 400:
                raise AnswerTooLarge(place=at, limit=max_bytes)
            if len(content) > max_bytes:
                break
    return bytes(content[:max_bytes])


def _named(error: Exception, at: str) -> NetworkError:
    """What httpcore raised, as ours."""
    if isinstance(error, httpcore2.LocalProtocolError):
        return RequestUnusable(f"The request cannot be written as HTTP: {error}.")
    if isinstance(error, httpcore2.ConnectError | httpcore2.ConnectTimeout | httpcore2.ProxyError):
        untrusted = cause_of(error, ssl.SSLCertVerificationError)
        if untrusted:
            return CertificateRefused(place=at, why=untrusted.verify_message)
        if "WRONG_VERSION_NUMBER" in str(error):
            return UnreachableHost(place=at, why="it speaks no TLS there", hint="Is it http:// rather than https://?")
        return UnreachableHost(place=at, why=str(error) or "the connection broke while it was made")
    return ConnectionLost(place=at, why=str(error) or "the connection was closed")
