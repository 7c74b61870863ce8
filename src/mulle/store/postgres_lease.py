"""Keep the lease of one worker, and know at every instant whether it still holds.

The heartbeat beats in a thread of its own: an event loop that is busy for a second must not lose its runs. A loop that
has not turned for `STUCK` seconds shall lose them, so the thread stops beating then.

Two clocks decide, and neither is compared with the other. The server's says when others may take over. Ours, which
goes on while a process or a machine is stopped, says until when we may act: a lease is counted from the moment *before*
it was asked for, and a margin is taken off.
"""

import threading
import time
from typing import TYPE_CHECKING, Any

from mulle.store.postgres_claims import BEAT
from mulle.store.postgres_database import Address, psycopg_library

if TYPE_CHECKING:
    import psycopg

LEASE = 4.0
"""Seconds after its last heartbeat at which a worker may be declared dead."""
HEARTBEAT = 0.4
"""Seconds between two heartbeats."""
MARGIN = 0.25
"""Part of a lease by which we stop earlier than others may begin: clocks may go at different paces, and a server that
crashes may forget heartbeats of half a second."""
STUCK = 30.0
"""Seconds without a turn of the event loop after which its runs are left to others."""


def boot_clock() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """One worker's lease, from its entry on. Made when the worker's row was written."""

    def __init__(self, owner: str, address: Address, begun: float, *, length: float = LEASE) -> None:
        """Begin to beat for `owner`, whose lease of `length` seconds was asked for at `begun`, by `boot_clock`."""
        self.owner = owner
        self.length = length
        self.dead = False
        """Somebody declared us dead: nothing of what we held is ours."""
        self._until = begun + length * (1 - MARGIN)
        self._turned = begun
        self._address = address
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="mulle-lease", daemon=True)
        self._thread.start()

    @property
    def holds(self) -> bool:
        """Whether nobody else can have taken over anything of ours."""
        return not self.dead and boot_clock() < self._until

    @property
    def left(self) -> float:
        """Seconds for which it holds without another heartbeat."""
        return self._until - boot_clock()

    def turned(self) -> None:
        """The event loop lives."""
        self._turned = boot_clock()

    def end(self) -> None:
        """Beat no more; what is left of the lease runs out."""
        self._ended.set()
        self._thread.join()

    def _beat_on(self) -> None:
        library = psycopg_library()
        connection: psycopg.Connection[Any] | None = None
        session: int | None = None
        while not (self._ended.is_set() or self.dead):
            pause = HEARTBEAT
            try:
                if connection is None or connection.closed:
                    connection = self._address.connect_blocking()
                    connection.execute("SET synchronous_commit = off")  # A heartbeat need not survive the server.
                    session = connection.info.backend_pid
                if boot_clock() - self._turned < STUCK:
                    session = self._beat(connection, session)
            except library.Error:
                if connection is not None:
                    connection.close()
                connection = None
                pause = HEARTBEAT / 8
            self._ended.wait(pause)
        if connection is not None:
            connection.close()

    def _beat(self, connection: "psycopg.Connection[Any]", session: int | None) -> int | None:
        """Renew the lease; gives the server's process that stands for ours, if one does."""
        begun = boot_clock()
        served_by = connection.execute(BEAT, (self.length, session, session, self.owner)).fetchone()
        if served_by is None:
            self.dead = True
            return session
        self._until = begun + self.length * (1 - MARGIN)
        # Behind a pooler that hands connections around, no process of the server stands for us: the lease alone counts.
        return session if session == served_by[0] else None
