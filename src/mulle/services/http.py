"""Speak HTTP with the world: the only way out for steps.

A request ends: by a time-out over everything, by a cap on what is read, by a count of redirects and retries. It goes
only where the guard lets it, at every redirect anew. It never takes along what belongs to another origin or to another
request: no cookies kept, no proxies or passwords found in the environment. Knows nothing of nodes or runs.
"""

import asyncio
import contextlib
import random
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, Self, cast

import httpcore2
import httpx2

from mulle.errors import (
    AnswerTooLarge,
    AnswerUnreadable,
    CertificateRefused,
    ConnectionLost,
    HttpStatusError,
    NetworkError,
    RedirectRefused,
    RequestUnusable,
    TimedOut,
    UnknownHost,
    UnreachableHost,
    cause_of,
)
from mulle.services.guard import Guard, place
from mulle.services.request import Request, Scalar
from mulle.services.response import Response

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
TRY_LATER = frozenset({429, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 10
CONNECT_TIMEOUT = 10.0
"""Seconds."""


class Http:
    """A client for one event loop; `aclose` it in the end."""

    def __init__(
        self,
        guard: Guard | None = None,
        *,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
        backoff: float = 0.5,
        chance: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Requests go where `guard` lets them.

        Args:
            guard: Decides about addresses; by default only public ones are open.
            proxy: `http://host:port` for all requests; the proxy then looks names up, and only what is written as a
                number or as localhost can be judged here.
            tls: Whom to believe; by default the system's authorities and SSL_CERT_FILE.
            backoff: Seconds before the first retry; doubled for each further one.
            chance: A number in [0, 1), for jitter.
            now: The wall clock in seconds, for `Retry-After` dates.
        """
        self._guard = guard or Guard()
        self._backoff = backoff
        self._chance = chance
        self._now = now
        self._proxy = _Proxy(proxy) if proxy else None
        open_for_us = self._guard.allowing(self._proxy.place) if self._proxy else self._guard
        self._network = _GuardedNetwork(open_for_us)
        self._tls = tls
        self._pools: dict[bool, httpcore2.AsyncConnectionPool] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections that are kept open."""
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Scalar | Sequence[Scalar]] | None = None,
        json: Any = None,
        body: bytes | str | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109 - what the caller asks for, told in the error.
        max_bytes: int = 10 * 1024 * 1024,
        idempotency_key: str | None = None,
        retries: int = 2,
        follow_redirects: bool = True,
        raise_for_status: bool = True,
        secret_url: bool = False,
    ) -> Response:
        """Make one request and give the answer, read whole.

        Args:
            method: Any but CONNECT.
            url: http or https. A user and password in it become an Authorization header.
            headers: Added to ours; the framing of the message (`Host`, `Content-Length`, …) cannot be set.
            params: Joined to the URL's query; a list gives the parameter several times, None leaves it out.
            json: Sent as JSON, unless None.
            body: Sent as it is; text as UTF-8.
            timeout: Seconds for everything: retries, redirects and the last byte. Connecting gets at most 10 of them.
            max_bytes: The largest answer to take, after decompression.
            idempotency_key: Sent as `Idempotency-Key`, so that the server can notice a repetition.
            retries: How often to try again when the server cannot be reached or answers 429, 502, 503 or 504;
                `Retry-After` is kept. Methods that are not idempotent are repeated only if nothing was sent.
            follow_redirects: Otherwise the redirect is the answer.
            raise_for_status: Raise HttpStatusError for a status of 400 or above instead of returning it.
            secret_url: The URL is a secret, as webhooks' are: errors name its host only.

        Raises:
            NetworkError: One of its subclasses; its `sent` says whether the other side may have got the request.
        """
        clock = asyncio.get_running_loop().time
        started = clock()
        request = Request.build(
            method,
            url,
            headers=headers,
            params=params,
            json=json,
            body=body,
            idempotency_key=idempotency_key,
            secret_url=secret_url,
        )
        limits = _Limits(started + timeout, max_bytes, retries, follow_redirects)
        journey = _Journey(request.shown)
        try:
            async with asyncio.timeout_at(limits.deadline):
                response = await self._persist(request, limits, journey)
        except TimeoutError as error:
            raise TimedOut(place=journey.at, seconds=timeout, phase=journey.phase, sent=journey.sent) from error
        except NetworkError as error:
            error.sent = journey.sent
            raise
        if raise_for_status and not response.ok:
            raise _status_error(response, journey.at, _retry_after(response, self._now()))
        return replace(response, elapsed=clock() - started)

    async def _persist(self, request: Request, limits: "_Limits", journey: "_Journey") -> Response:
        """Try until there is an answer worth having, or nothing more may be tried."""
        for attempt in range(limits.retries):
            pause = self._backoff * 2**attempt * (0.5 + self._chance())
            try:
                response = await self._follow(request, limits, journey)
            except NetworkError as error:
                if not _worth_another_try(error, request.method, journey) or pause >= limits.left():
                    raise
            else:
                if response.status not in TRY_LATER or request.method not in IDEMPOTENT:
                    return response
                pause = max(pause, _retry_after(response, self._now()) or 0.0)
                if pause >= limits.left():
                    return response
            journey.phase = "waiting to try again"
            await asyncio.sleep(pause)
        return await self._follow(request, limits, journey)

    async def _follow(self, request: Request, limits: "_Limits", journey: "_Journey") -> Response:
        """Go on from redirect to redirect; cookies live as long as that."""
        cookies = httpx2.Cookies()
        for _ in range(MAX_REDIRECTS + 1):
            journey.at = request.shown
            response = await self._exchange(request, limits, journey, cookies)
            target = response.headers.get("location")
            if not limits.follow_redirects or response.status not in REDIRECTS or target is None:
                return response
            request = request.redirected(response.status, target)
        raise RedirectRefused(place=journey.at, target="one place after the other", why="there is no end to it")

    async def _exchange(
        self, request: Request, limits: "_Limits", journey: "_Journey", cookies: httpx2.Cookies
    ) -> Response:
        """One request on the wire and its answer."""
        if self._proxy:
            _, host, port = request.origin
            self._guard.check_literal(host, port)
        ready = httpx2.Request(request.method, request.url, headers=request.headers, content=request.body)
        cookies.set_cookie_header(ready)
        url = ready.url
        wire = httpcore2.Request(
            request.method,
            httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=ready.headers.raw,
            content=request.body,
            extensions={"timeout": {"connect": min(CONNECT_TIMEOUT, limits.left())}, "trace": journey.trace},
        )
        try:
            # The pool gets its connection back only when the answer is closed, also when we are cancelled.
            pool = self._pool(keep_alive=request.method in IDEMPOTENT)
            async with contextlib.aclosing(await pool.handle_async_request(wire)) as raw:
                answer = httpx2.Response(raw.status, headers=raw.headers, stream=_Stream(raw), request=ready)
                cookies.extract_cookies(answer)
                journey.phase = "reading its answer"
                content = await _content(answer, request.method, limits.max_bytes, journey.at)
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
        if keep_alive not in self._pools:
            # Made once and late: reading the system's authorities takes 20 ms.
            self._tls = self._tls or httpcore2.default_ssl_context()
            self._pools[keep_alive] = httpcore2.AsyncConnectionPool(
                ssl_context=self._tls,
                proxy=self._proxy.means if self._proxy else None,
                max_connections=100,
                max_keepalive_connections=20 if keep_alive else 0,
                keepalive_expiry=5.0,
                network_backend=self._network,
            )
        return self._pools[keep_alive]


@dataclass(frozen=True)
class _Limits:
    """How far a call may go; the deadline is in the loop's time."""

    deadline: float
    max_bytes: int
    retries: int
    follow_redirects: bool

    def left(self) -> float:
        return max(0.0, self.deadline - asyncio.get_running_loop().time())


@dataclass
class _Journey:
    """Where a call is, for its errors: what was sent stays sent over retries and redirects."""

    at: str
    phase: str = "connecting"
    sent: bool = False

    async def trace(self, event: str, _facts: Mapping[str, Any]) -> None:
        """What httpcore tells about its steps: from the first byte of the headers on, the server may know."""
        if event.endswith(".connect_tcp.started"):
            self.phase = "connecting"
        elif event.endswith(".send_request_headers.started"):
            self.sent = True
            self.phase = "sending the request"
        elif event.endswith(".receive_response_headers.started"):
            self.phase = "waiting for its answer"


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

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


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


def _worth_another_try(error: NetworkError, method: str, journey: _Journey) -> bool:
    if isinstance(error, UnknownHost | CertificateRefused):
        return False
    if isinstance(error, UnreachableHost):
        return method in IDEMPOTENT or not journey.sent
    return isinstance(error, ConnectionLost) and method in IDEMPOTENT


def _named(error: Exception, at: str) -> NetworkError:
    """What httpcore raised, as ours."""
    if isinstance(error, httpcore2.LocalProtocolError):
        return RequestUnusable(f"The request cannot be written as HTTP: {error}.")
    if isinstance(error, httpcore2.ConnectError | httpcore2.ConnectTimeout | httpcore2.ProxyError):
        refused = cause_of(error, ssl.SSLCertVerificationError)
        if refused:
            return CertificateRefused(place=at, why=refused.verify_message)
        return UnreachableHost(place=at, why=str(error) or "the connection broke while it was made")
    return ConnectionLost(place=at, why=str(error) or "the connection was closed")


def _retry_after(response: Response, now: float) -> float | None:
    """Seconds that the server asks to wait, from `Retry-After` in either form."""
    value = response.headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _status_error(response: Response, at: str, retry_after: float | None) -> HttpStatusError:
    hints = {
        401: "Check the key or the password that the step sends.",
        403: "Check whether the key may do this.",
        404: "Check the path of the URL.",
        407: "Check MULLE_PROXY: the proxy wants a user and password.",
        429: "Too many requests: try later, or run it less often.",
    }
    error = HttpStatusError(
        place=at,
        status=response.status,
        reason=httpx2.codes.get_reason_phrase(response.status),
        preview=response.preview() or "(nothing more)",
        hint=hints.get(response.status, "Try later." if response.status >= 500 else "Look at what the server says."),
    )
    error.status = response.status
    error.retry_after = retry_after
    return error
