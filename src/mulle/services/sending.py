"""Whatever sends HTTP requests: the client itself, one that is made on demand, one that redirects to stand-ins."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol


class SendsHttp(Protocol):
    """Sends requests as `services.http.Http` does, which says what the options mean and what is raised."""

    @property
    def request(self) -> Callable[..., Awaitable[Any]]: ...
