"""What a request is, and what becomes of it at a redirect: checked, decided, not yet sent. Knows no network."""

import base64
import json as json_
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import httpx2

from mulle.errors import RedirectRefused, RequestUnusable
from mulle.services.guard import place

Scalar = str | int | float | bool | None

_PORTS = {"http": 80, "https": 443}
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
"""Headers that frame the message: whoever could set them could smuggle a second request behind the first."""
_TRAVELS = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})
"""What follows a redirect to another origin; everything else may be a credential (`X-Naver-Client-Secret`)."""


@dataclass(frozen=True)
class Request:
    """A request that can be made."""

    method: str
    url: httpx2.URL
    """http or https, without user, password and fragment."""
    headers: httpx2.Headers
    body: bytes
    secret_url: bool = False
    """Whether the path is a secret too, as webhooks' are."""

    @property
    def repeatable(self) -> bool:
        """Whether to make it twice is the same as once, by its method."""
        return self.method in {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"}

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: whose request it is."""
        return self.url.scheme, self.url.host, self.url.port or _PORTS[self.url.scheme]

    @property
    def shown(self) -> str:
        """The URL as errors may show it: without its query, which often holds a key."""
        host = self.url.host if self.url.port is None else place(self.url.host, self.url.port)
        return f"{self.url.scheme}://{host}" + ("" if self.secret_url else self.url.path)

    @classmethod
    def build(
        cls,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Scalar | Sequence[Scalar]] | None = None,
        json: Any = None,
        body: bytes | str | None = None,
        idempotency_key: str | None = None,
        secret_url: bool = False,
    ) -> "Request":
        """The request as somebody wants it; `Http.request` says what each means. Raises RequestUnusable."""
        verb = method.upper()
        if not re.fullmatch(r"[A-Z]{1,20}", verb) or verb == "CONNECT":
            hint = "Use GET, POST, PUT, PATCH or DELETE."
            raise RequestUnusable(f"{method!r} is no method for a request.", hint=hint)
        if json is not None and body is not None:
            raise RequestUnusable("A request has either json or a body, not both.")
        target = _web_url(url)
        ready = httpx2.Headers({"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "Mulle"})
        if target.userinfo:
            ready["authorization"] = (
                "Basic " + base64.b64encode(f"{target.username}:{target.password}".encode()).decode()
            )
        if params:
            given = {name: value for name, value in params.items() if value is not None}
            # What stands in the URL stays as it is to the letter: it may be signed.
            added = str(httpx2.QueryParams(given)).encode()
            target = target.copy_with(query=b"&".join(part for part in (target.query, added) if part))
        content = b""
        if json is not None:
            content, ready["content-type"] = _json_bytes(json), "application/json"
        elif isinstance(body, str):
            content, ready["content-type"] = body.encode("utf-8", "replace"), "text/plain; charset=utf-8"
        elif body is not None:
            content = body
        if idempotency_key:
            # A run's path may hold Korean ids; a header is ASCII.
            ready["idempotency-key"] = quote(idempotency_key, safe="/:;,.~_-=@+ ")
        given_headers = httpx2.Headers([_header(name, value) for name, value in (headers or {}).items()])
        ready.update(given_headers)
        return cls(verb, target.copy_with(userinfo=b"", fragment=None), ready, content, secret_url)

    def redirected(self, status: int, location: str) -> "Request":
        """The request to make next when the answer is a redirect, as browsers do it, but with less trust.

        Raises RedirectRefused when it leads off the web, or when a body would go to another server.
        """
        try:
            target = self.url.join(location).copy_with(userinfo=b"", fragment=None)
        except (httpx2.InvalidURL, ValueError) as error:
            raise RedirectRefused(place=self.shown, target=repr(location[:200]), why="that is no URL") from error
        if target.scheme not in _PORTS or not target.host:
            raise RedirectRefused(place=self.shown, target=repr(location[:200]), why="it is not on the web")
        turned = replace(self, url=target)
        if (status == 303 and self.method != "HEAD") or (status in {301, 302} and self.method == "POST"):
            turned = replace(turned, method="GET", headers=_without(turned.headers, {"content-type"}), body=b"")
        _, host, port = self.origin
        secured = (self.url.scheme, port) == ("http", 80) and turned.origin == ("https", host, 443)
        if turned.origin == self.origin or secured:
            return turned
        if turned.body:
            why = "what was sent is not passed on to another server"
            raise RedirectRefused(place=self.shown, target=turned.shown, why=why)
        return replace(turned, headers=_without(turned.headers, set(turned.headers) - _TRAVELS))


def _web_url(url: str) -> httpx2.URL:
    try:
        target = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, ValueError) as error:
        raise RequestUnusable(f"The URL cannot be used: {error}.") from error
    if target.scheme not in _PORTS or not target.host:
        hint = "Write it as https://example.com/path."
        raise RequestUnusable("The URL does not begin with http:// or https:// and a host.", hint=hint)
    if target.port is not None and not 1 <= target.port <= 65535:
        raise RequestUnusable(f"The URL's port {target.port} does not exist.")
    return target


def _json_bytes(data: Any) -> bytes:
    try:
        return json_.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestUnusable(f"The data cannot be written as JSON: {error}.") from error


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise RequestUnusable(f"{name!r} is no name for a header.")
    if name.lower() in _OURS:
        raise RequestUnusable(f"The header {name} cannot be set.", hint="Leave it out; it follows from the request.")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise RequestUnusable(f"The value of the header {name} holds a line break or a control character.")
    return name.encode(), value.strip().encode("utf-8", "replace")


def _without(headers: httpx2.Headers, names: set[str]) -> httpx2.Headers:
    return httpx2.Headers([(name, value) for name, value in headers.raw if name.decode().lower() not in names])
