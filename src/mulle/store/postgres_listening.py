"""Hear that runs have something to do, and tell whoever drives here. What no carrier brings is seen by looking."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from mulle.engine.carrier import Carrier, Drive
from mulle.errors import StoreError

Look = Callable[[], Awaitable[tuple[list[str], bool, float | None]]]
"""A look at the database: our own runs with signals, whether others' have work and no driver, when one is due."""


class Listening:
    """Who listens here, and through which carrier."""

    def __init__(self, carrier: Callable[[], Carrier], look: Look) -> None:
        """Listen through the carrier that is made for each event loop."""
        self._made = carrier
        self._look = look
        self._carrier: Carrier | None = None
        self._listeners: list[tuple[asyncio.AbstractEventLoop | None, Drive]] = []
        """With the loop that each belongs to: a listener ends with its loop."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking: asyncio.Task[None] | None = None
        self._next_wake: float | None = None

    def add(self, listener: Drive) -> None:
        """Tell somebody, as long as the running loop lives."""
        try:
            self._listeners.append((asyncio.get_running_loop(), listener))
            self.settle()
        except RuntimeError:  # No loop runs yet: the first run or look for work is early enough.
            self._listeners.append((None, listener))

    def settle(self) -> bool:
        """Listen on the running loop, if there is anybody to tell; True when it is another one than before."""
        loop = asyncio.get_running_loop()
        if loop is self._loop or not self._listeners:
            return False
        self._loop = loop
        self._carrier = self._made()
        self._carrier.serve(self._heard)
        return True

    def wake(self, run: str) -> None:
        """A run has something to do: tell whoever listens here, and everybody else."""
        self.tell(run)
        self.say(run)

    def say(self, run: str | None) -> None:
        """Tell everybody else."""
        if self._carrier is None:
            self._carrier = self._made()
        self._carrier.send(run, time.time())

    def tell(self, run: str | None) -> None:
        """Tell whoever listens here."""
        for loop, listener in self._listeners.copy():
            if loop is None or not loop.is_closed():
                listener(run)
            else:
                self._listeners.remove((loop, listener))

    def stop(self) -> None:
        """Tell nobody any more."""
        self._listeners.clear()

    async def close(self) -> None:
        """Let the last words go out, and hear no more."""
        if self._looking is not None:
            await asyncio.wait([self._looking])
        if self._carrier is not None:
            await self._carrier.close()

    def _heard(self, run: str | None) -> None:
        if run is not None:
            self.tell(run)
        elif self._looking is None:
            self._looking = asyncio.create_task(self._look_around(), name="mulle-look-around")

    async def _look_around(self) -> None:
        """See what nobody told us: signals to our runs, work without a driver, an earlier time to wake up at."""
        try:
            with contextlib.suppress(StoreError):  # Whoever writes or reads next will say it.
                woken, work, next_wake = await self._look()
                changed, self._next_wake = next_wake != self._next_wake, next_wake
                for run in woken:
                    self.tell(run)
                if work or changed:
                    self.tell(None)
        finally:
            self._looking = None
