"""Addresses that stand in for others: a demo or a trial talks to a server of its own as if it were the real one."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from mulle.services.sending import SendsHttp


class StandInHttp:
    """Sends requests for some hosts elsewhere, and all others where they were meant to go."""

    def __init__(self, http: SendsHttp, stand_ins: Mapping[str, str]) -> None:
        """Redirect hosts.

        Args:
            http: Sends the requests.
            stand_ins: For a host the origin that takes its place: `{"openapi.naver.com": "http://127.0.0.1:8099"}`.
        """
        self._http = http
        self._stand_ins = stand_ins

    async def request(self, method: str, url: str, **options: Any) -> Any:
        """As `Http.request`."""
        return await self._http.request(method, self._elsewhere(url), **options)

    def _elsewhere(self, url: str) -> str:
        parts = urlsplit(url)
        origin = self._stand_ins.get(parts.hostname or "")
        if origin is None:
            return url
        there = urlsplit(origin)
        return urlunsplit((there.scheme, there.netloc, parts.path, parts.query, parts.fragment))
