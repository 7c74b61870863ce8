"""The built-in carrier: NOTIFY for those who listen, and a look around every half second for what was not heard.

A hint is sent after its cause is committed, in a statement of its own: within the transaction, NOTIFY would make all
committing workers queue behind one another. What is lost on the way costs half a second.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mulle.engine.carrier import Drive
from mulle.errors import StoreError
from mulle.store.postgres_database import psycopg_library

if TYPE_CHECKING:
    from mulle.store.postgres_database import Connection

LOOK_AROUND = 0.5
"""Seconds between two looks for work that nobody told of."""
LONGEST = 2000
"""Characters of a run's id that NOTIFY carries; of a longer one it only says that there is work."""


class NotifyCarrier:
    """Hints over Postgres itself."""

    def __init__(self, connected: Callable[[], Awaitable["Connection"]]) -> None:
        self._connected = connected
        self._db: Connection | None = None
        self._channel = ""
        self._drive: Drive | None = None
        self._to_send: dict[str, None] = {}
        self._stirred = asyncio.Event()
        self._sent = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reading: int | None = None

    def send(self, run: str | None, not_before: float) -> None:
        """Tell all workers, if it is for now: what is due later they find by looking around."""
        del not_before
        self._to_send["" if run is None or len(run) > LONGEST or "\0" in run else run] = None
        self._sent.clear()
        self._start()
        self._stirred.set()

    def serve(self, drive: Drive) -> None:
        """Listen, and look around, from now on."""
        self._drive = drive
        self._start()

    async def close(self) -> None:
        """Send what is to be sent, if that is quick, and stop."""
        if self._task is None:
            return
        if self._to_send:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AROUND):
                    await self._sent.wait()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._carry(), name="mulle-carrier")

    async def _carry(self) -> None:
        loop, library = asyncio.get_running_loop(), psycopg_library()
        next_look = loop.time() + LOOK_AROUND
        try:
            while True:
                with contextlib.suppress(library.Error, StoreError):  # The next look around comes over a new one.
                    db = await self._listening()
                    if self._to_send:
                        await self._send_all(db)
                if self._drive is not None and loop.time() >= next_look:
                    self._drive(None)
                    next_look = loop.time() + LOOK_AROUND
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(max(next_look, loop.time() + 0.01)):
                        await self._stirred.wait()
                self._stirred.clear()
        finally:
            self._stop_reading()
            if self._db is not None:
                self._db.pgconn.finish()
                self._db = None

    async def _listening(self) -> "Connection":
        if self._db is None or self._db.closed:
            self._stop_reading()
            self._db = None
            self._db = db = await self._connected()
            schema = await (await db.execute("SELECT md5(current_schema())")).fetchone()
            assert schema is not None
            self._channel = f"mulle_{schema[0]}"
            db.add_notify_handler(lambda notify: self._heard(notify.payload))
            await db.execute(
                psycopg_library().sql.SQL("LISTEN {}").format(psycopg_library().sql.Identifier(self._channel))
            )
            self._read(db)
        return self._db

    async def _send_all(self, db: "Connection") -> None:
        runs = list(self._to_send)
        self._to_send.clear()
        self._stop_reading()
        try:
            await db.execute(
                "SELECT pg_notify(%s, run) FROM unnest(%s::text[]) run", (self._channel, runs), prepare=True
            )
        finally:
            self._sent.set()
            if not db.closed:
                self._read(db)

    # ------------------------------------------------------------------ between two statements

    def _read(self, db: "Connection") -> None:
        self._reading = db.pgconn.socket
        asyncio.get_running_loop().add_reader(self._reading, self._take_in, db)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            asyncio.get_running_loop().remove_reader(self._reading)
            self._reading = None

    def _take_in(self, db: "Connection") -> None:
        """Notifications have come in while nothing was asked; or the connection is gone."""
        try:
            db.pgconn.consume_input()
        except psycopg_library().Error:
            self._stop_reading()
            db.pgconn.finish()
            return
        while (notify := db.pgconn.notifies()) is not None:
            self._heard(notify.extra.decode())

    def _heard(self, run: str) -> None:
        if self._drive is not None:
            self._drive(run or None)
