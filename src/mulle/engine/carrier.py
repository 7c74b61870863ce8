"""How word of work reaches those who drive runs. Delivery is a hint; the claim decides.

A wake-up is in the store before anybody is told of it, so a carrier may lose, repeat and delay what it carries: whoever
is told too much finds nothing to claim, and whoever is told nothing looks around by himself now and then.
"""

from collections.abc import Callable
from typing import Protocol

Drive = Callable[[str | None], None]
"""Told that a run may have something to do now; or, with None, that some run may."""


class Carrier(Protocol):
    """Carries hints from whoever wakes a run to whoever can drive it."""

    def send(self, run: str | None, not_before: float) -> None:
        """Say that a run has something to do from a time on, in seconds since 1970. Does not wait, and does not fail.

        None: look for work, whatever it is.
        """
        ...

    def serve(self, drive: Drive) -> None:
        """Pass on what is heard, on the running event loop, from now on."""
        ...

    async def close(self) -> None:
        """Pass on nothing more."""
        ...
