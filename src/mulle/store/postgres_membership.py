"""This process's place among the workers of a database: entered when it first claims something, lost with its lease.

Knows who we are and which runs we know to be ours; what drives them is told when they are lost.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from mulle.store import postgres_claims as claims
from mulle.store.postgres_lease import HEARTBEAT, Lease, boot_clock
from mulle.store.postgres_writes import let_go

if TYPE_CHECKING:
    from mulle.store.postgres_database import Address, Connection

PATIENCE = 15.0
"""Seconds for which a lost server is tried again when there is no lease to lose."""


class Membership:
    """Who we are among the workers, life after life."""

    def __init__(self, address: "Address", name: str, length: float, regained: Callable[[], None]) -> None:
        """Be nobody yet.

        Args:
            address: The database.
            name: What people know this process by.
            length: Seconds that a lease lasts without a heartbeat.
            regained: Told when a lease that had run out holds again: nobody had noticed.
        """
        self._address = address
        self._name = name
        self._length = length
        self._regained = regained
        self._lease: Lease | None = None
        self.held: set[str] = set()
        """Runs that somebody here knows to be ours."""
        self._losers: list[tuple[asyncio.AbstractEventLoop, Callable[[], None]]] = []
        self._watching: asyncio.TimerHandle | None = None
        self._lost = self._leaving = False

    @property
    def me(self) -> str | None:
        """Our id; None as long as we have claimed nothing."""
        return self._lease.owner if self._lease else None

    @property
    def holds(self) -> bool:
        """Whether what we claimed is ours for sure, if there is anything."""
        return self._lease is None or self._lease.holds

    @property
    def judges(self) -> bool:
        """Whether we take those for dead whose leases have run out."""
        return self._lease is None or self._lease.judges

    async def confirmed(self) -> bool:
        """Whether what we claimed is ours for sure, after another heartbeat if it takes one."""
        lease = self._lease
        while lease is not None and not (lease.holds or lease.lost):
            lease.turned()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(lease.left):
                    await asyncio.wrap_future(lease.beaten())
        return lease is self._lease and self.holds

    async def entered(self, db: "Connection") -> str:
        """Who we are; somebody new when we never were, or when the one before was declared dead."""
        if self._lease is not None and not (self._lease.holds or self._leaving):
            # The heartbeat may not know yet. Whoever claims as one of the dead claims what is the next one's at once.
            self._lease.dead = self._lease.dead or not await claims.lives(db, self._lease.owner)
        if self._lease is None or (self._lease.dead and not self._leaving):
            begun, owner = boot_clock(), uuid.uuid4().hex
            await claims.enter(db, owner, self._name, self._length)
            if self._lease is not None:
                self._lost = False  # What was claimed since the loss is lost as well.
                self._lose()
                self.held.clear()
            self._lease = Lease(owner, self._address, begun, length=self._length, back=self._lease is not None)
            self._lost = False
            self.watch()
        return self._lease.owner

    async def mended(self, db: "Connection", creating: Collection[str]) -> None:
        """Let go of what we may own without knowing it: the connection broke before we heard that we had claimed it."""
        if self._lease is not None:
            await let_go(db, self._lease.owner, {*self.held, *creating})

    def patience(self) -> float:
        """Seconds for which a lost server is tried again: while our lease holds, if there is one to lose."""
        return PATIENCE if self._lease is None else max(0.5, self._lease.left)

    def on_loss(self, listener: Callable[[], None]) -> None:
        """Call back when everything we held may be taken over. A listener ends with its event loop."""
        self._losers.append((asyncio.get_running_loop(), listener))

    def watch(self) -> None:
        """Look at our lease, and again in a while, on the running loop. Whoever listens is told once if it ran out."""
        self.stop_watching()
        if self._lease is None:
            return
        self._lease.turned()
        if self._lease.lost:
            self._lose()
        elif self._lost:
            self._lost = False
            self._regained()
        self._watching = asyncio.get_running_loop().call_later(HEARTBEAT, self.watch)

    def stop_watching(self) -> None:
        """Look no more."""
        if self._watching is not None:
            self._watching.cancel()

    def begin_to_leave(self) -> str | None:
        """Our id, if we are somebody; from now on we become nobody else."""
        self.stop_watching()
        self._leaving = True
        return self.me

    async def end(self) -> None:
        """Let our heart stop; what is left of our lease runs out."""
        self.stop_watching()
        if self._lease is not None:
            await asyncio.to_thread(self._lease.end)

    def die(self) -> None:
        """Let our heart stop at once, and say nothing."""
        if self._lease is not None:
            self._lease.end()

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            self._losers = [(loop, loser) for loop, loser in self._losers if not loop.is_closed()]
            for _, loser in self._losers:
                loser()


async def leave(db: "Connection", owner: str) -> None:
    """Let go of everything, and be nobody."""
    await let_go(db, owner)
    await claims.leave(db, owner)
