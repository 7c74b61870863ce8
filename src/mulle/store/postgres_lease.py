"""Keep the lease of one worker, and know at every instant whether it still holds.

The heartbeat beats in a thread of its own: an event loop that is busy for a second must not lose its runs. A loop that
has not turned for `STUCK` seconds shall lose them, so the thread stops beating then.

Two clocks decide, and neither is compared with the other. The server's says when others may take over. Ours, which
goes on while a process or a machine is stopped, says until when we may act: everything is counted from the moment
*before* a heartbeat was sent, and is shorter than what the server counts from when it got it.

The server grants two things. For `SILENCE` after a heartbeat nobody at all is declared dead: that long we know that
what we hold is ours, even if every connection broke. For a whole lease nobody is declared dead whose session lives, and
ours may have ended without our having heard of it: that long what we hold may be ours, and another heartbeat tells.
Where heartbeats take long we are never sure in this way, so we name no session then: the lease alone counts.
"""

import math
import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from mulle.store.postgres_claims import BEAT
from mulle.store.postgres_database import Address, psycopg_library

if TYPE_CHECKING:
    import psycopg

LEASE = 4.0
"""Seconds after its last heartbeat at which a worker may be declared dead."""
HEARTBEAT = 0.4
"""Seconds between two heartbeats."""
SURE = 0.6
"""Seconds after a heartbeat was sent for which nobody can have declared us dead, whatever became of our session: less
than `SILENCE`, by the time that may pass between a look at the clock and what is done then.
"""
SLOW = 0.5
"""Seconds that a heartbeat may take before the next one names no session."""
MARGIN = 0.25
"""Part of a lease by which we stop earlier than others may begin: clocks may go at different paces, and a server that
crashes may forget heartbeats of half a second."""
PARTING = 2.0
"""Seconds that a heartbeat under way has for its end when we end: its answer may never come."""
STUCK = 30.0
"""Seconds without a turn of the event loop after which its runs are left to others."""


def boot_clock() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """One worker's lease, from its entry on. Made when the worker's row was written."""

    def __init__(
        self, owner: str, address: Address, begun: float, *, length: float = LEASE, back: bool = False
    ) -> None:
        """Begin to beat for `owner`, whose lease of `length` seconds was asked for at `begun`, by `boot_clock`.

        `back`: we were somebody else before, and out of touch.
        """
        self.owner = owner
        self.length = length
        self.dead = False
        """Somebody declared us dead: nothing of what we held is ours."""
        self._sent = begun
        """When the last heartbeat that was answered was sent."""
        self._until = begun + self._whole
        """When others may begin to take over."""
        self._quick = True
        self._back = begun if back else -math.inf
        """When we were in touch again after we had not been; never otherwise."""
        self._turned = begun
        self._address = address
        self._asked: deque[Future[None]] = deque()
        self._due = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._beat_on, name="mulle-lease", daemon=True)
        self._thread.start()

    @property
    def holds(self) -> bool:
        """Whether nobody else can have taken over anything of ours. If not, the next heartbeat may tell."""
        return not self.dead and boot_clock() < self._until

    @property
    def lost(self) -> bool:
        """Whether it is of no use to wait for another heartbeat."""
        return self.dead or self.left <= 0

    @property
    def judges(self) -> bool:
        """Whether another one whose lease has run out is dead: not if the server was away for him as it was for us."""
        return boot_clock() - self._back >= self.length

    @property
    def left(self) -> float:
        """Seconds for which it may be ours without another heartbeat."""
        return self._sent + self._whole - boot_clock()

    @property
    def _whole(self) -> float:
        return self.length * (1 - MARGIN)

    def turned(self) -> None:
        """The event loop lives."""
        self._turned = boot_clock()

    def beaten(self) -> "Future[None]":
        """Beat at once; done when a heartbeat after this was answered, or when there will be no more."""
        asked: Future[None] = Future()
        self._asked.append(asked)
        self._due.set()
        return asked

    def end(self) -> None:
        """Beat no more; what is left of the lease runs out."""
        self._ended = True
        self._due.set()
        self._thread.join(PARTING)

    def _beat_on(self) -> None:
        library = psycopg_library()
        connection: psycopg.Connection[Any] | None = None
        session: int | None = None
        while not (self._ended or self.dead):
            pause = HEARTBEAT
            try:
                if connection is None or connection.closed:
                    connection = self._address.connect_blocking()
                    connection.execute("SET synchronous_commit = off")  # A heartbeat need not survive the server.
                    session = connection.info.backend_pid
                if boot_clock() - self._turned < STUCK:
                    asked = len(self._asked)
                    session = self._beat(connection, session)
                    self._tell(asked)
            except library.Error:
                if connection is not None:
                    connection.close()
                connection = None
                pause = HEARTBEAT / 8
            self._due.wait(pause)
            self._due.clear()
        if connection is not None:
            connection.close()
        self._tell(len(self._asked))

    def _beat(self, connection: "psycopg.Connection[Any]", session: int | None) -> int | None:
        """Renew the lease; gives the server's process that stands for ours, if one does."""
        sent, named = boot_clock(), session if self._quick else None
        if named is not None:  # It may arrive, and we never hear of it.
            self._until = min(self._until, sent + SURE)
        served_by = connection.execute(BEAT, (self.length, named, named, self.owner)).fetchone()
        if served_by is None:
            self.dead = True
            return session
        if self.left <= 0:
            self._back = boot_clock()
        self._sent = sent
        self._until = sent + (self._whole if named is None else min(self._whole, SURE))
        self._quick = boot_clock() - sent < SLOW
        # Behind a pooler that hands connections around, no process of the server stands for us: the lease alone counts.
        return session if session == served_by[0] else None

    def _tell(self, so_many: int) -> None:
        for _ in range(so_many):
            asked = self._asked.popleft()
            if asked.set_running_or_notify_cancel():
                asked.set_result(None)
