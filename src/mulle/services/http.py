"""Speak HTTP with the world: the only way out for steps.

A request ends: by a time-out over everything, by a cap on what is read, by a count of redirects and retries. It goes
only where the guard lets it, at every redirect anew. It never takes along what belongs to another origin or to another
request: no cookies kept, no proxies or passwords found in the environment. Knows nothing of nodes or runs.
"""

import asyncio
import random
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from mulle.errors import (
    CertificateRefused,
    ConnectionLost,
    HttpStatusError,
    NetworkError,
    RedirectRefused,
    TimedOut,
    UnknownHost,
    UnreachableHost,
)
from mulle.services.guard import Guard
from mulle.services.response import Response

if TYPE_CHECKING:
    from mulle.services.request import Request, Scalar
    from mulle.services.wire import Journey, Wire

TRY_LATER = frozenset({429, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 10


class Http:
    """The client; `aclose` it in the end, in the event loop that used it."""

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
        self._means = (proxy, tls)
        self._wire: Wire | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections that are kept open."""
        if self._wire:
            await self._wire.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, "Scalar | Sequence[Scalar]"] | None = None,
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
        # Imported when first used: httpx takes 130 ms, and most runs of most workflows never get here.
        from mulle.services.request import Request  # noqa: PLC0415 - as said.
        from mulle.services.wire import Journey, Wire  # noqa: PLC0415 - as said.

        if self._wire is None:
            proxy, tls = self._means
            self._wire = Wire(self._guard, proxy=proxy, tls=tls)
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
        journey = Journey(request.shown)
        try:
            async with asyncio.timeout_at(limits.deadline):
                response = await self._persist(self._wire, request, limits, journey)
        except TimeoutError as error:
            raise TimedOut(place=journey.at, seconds=timeout, phase=journey.phase, sent=journey.sent) from error
        except NetworkError as error:
            error.sent = journey.sent
            raise
        if raise_for_status and not response.ok:
            raise _status_error(response, journey.at, _retry_after(response, self._now()))
        return replace(response, elapsed=clock() - started)

    async def _persist(self, wire: "Wire", request: "Request", limits: "_Limits", journey: "Journey") -> Response:
        """Try until there is an answer worth having, or nothing more may be tried."""
        for attempt in range(limits.retries):
            pause = self._backoff * 2**attempt * (0.5 + self._chance())
            try:
                response = await _follow(wire, request, limits, journey)
            except NetworkError as error:
                if not _worth_another_try(error, request, journey) or pause >= limits.left():
                    raise
            else:
                if response.status not in TRY_LATER or not request.repeatable:
                    return response
                pause = max(pause, _retry_after(response, self._now()) or 0.0)
                if pause >= limits.left():
                    return response
            journey.phase = "waiting to try again"
            await asyncio.sleep(pause)
        return await _follow(wire, request, limits, journey)


async def _follow(wire: "Wire", request: "Request", limits: "_Limits", journey: "Journey") -> Response:
    """Go on from redirect to redirect."""
    for _ in range(MAX_REDIRECTS + 1):
        journey.at = request.shown
        response = await wire.exchange(request, journey, max_bytes=limits.max_bytes)
        target = response.headers.get("location")
        if not limits.follow_redirects or response.status not in REDIRECTS or target is None:
            return response
        request = request.redirected(response.status, target)
    raise RedirectRefused(place=journey.at, target="one place after the other", why="there is no end to it")


@dataclass(frozen=True)
class _Limits:
    """How far a call may go; the deadline is in the loop's time."""

    deadline: float
    max_bytes: int
    retries: int
    follow_redirects: bool

    def left(self) -> float:
        return max(0.0, self.deadline - asyncio.get_running_loop().time())


def _worth_another_try(error: NetworkError, request: "Request", journey: "Journey") -> bool:
    if isinstance(error, UnknownHost | CertificateRefused):
        return False
    if isinstance(error, UnreachableHost):
        return request.repeatable or not journey.sent
    return isinstance(error, ConnectionLost) and request.repeatable


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
        reason=HTTPStatus(response.status).phrase if response.status in set(HTTPStatus) else "",
        preview=response.preview() or "(nothing more)",
        hint=hints.get(response.status, "Try later." if response.status >= 500 else "Look at what the server says."),
    )
    error.status = response.status
    error.retry_after = retry_after
    return error
