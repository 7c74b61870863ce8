"""Write what gathers in one transaction a group, and tell everyone what became of his part.

Knows connections, event loops and the writer thread; what an item means is the business of the function that writes it.

A commit costs one flush of the disk, however many items are in it. Where it happens is decided group by group:

    on the event loop      while the disk is quick: a hand-off to a thread costs as much as a quick commit itself
    in the writer thread   when the disk is slow (tried again on the loop once a second), the group is large, or
                           another program holds the write lock

The thread is not the default for a second reason: a busy event loop gives up the interpreter lock only for
microseconds at a time, and a thread that waits for it has been seen to starve for 28 seconds (CPython 3.11, 2 cores).
While the thread writes, the loop therefore pauses now and then to let it in.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from mulle.errors import StoreUnavailable
from mulle.store.database import primary_code, roll_back, storage_error
from mulle.store.wal import LogRoom

Item = TypeVar("Item")

SLOW = 0.001
"""Seconds: commits that take longer on average leave the loop."""
WEIGHT = 0.1
"""How much one commit moves the average."""
LONGEST = 5 * SLOW
"""Seconds that one commit counts at most: tidying the log up, or others having the processor, is no slow disk."""
TRY_AGAIN = 1.0
"""Seconds that commits stay in the thread before the loop tries one again."""
LOOP_ITEMS, LOOP_BYTES = 256, 1 << 18
"""At most so much is written on the loop at a time, about a millisecond's worth; the rest has its turn after others."""
THREAD_ITEMS, THREAD_BYTES = 8192, 1 << 25
"""At most so much is written in the thread at a time."""
GIVE_WAY, PAUSE = 0.001, 0.000_05
"""Seconds between two pauses of the loop while the thread writes, and of each pause."""

OF_THE_STORE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
}
"""Error codes that tell of the store, not of the item being written."""


class Pending(msgspec.Struct, Generic[Item], eq=False, gc=False):
    """Something to be written, and who waits for it."""

    item: Item
    size: int
    future: asyncio.Future[Any]


class GroupCommit(Generic[Item]):
    """The one writer of a database in this process."""

    def __init__(
        self,
        path: Path,
        db: sqlite3.Connection,
        together: Callable[[sqlite3.Connection, Sequence[Item]], list[Any]],
        alone: Callable[[sqlite3.Connection, Item], Any],
        patience: float,
    ) -> None:
        """Write to `db`, which nobody else may write to.

        Args:
            path: The database's file, for errors.
            db: A connection that may move between threads.
            together: Writes a group within a transaction and gives a result an item. Whatever it raises, the group is
                undone and each item is written by `alone`.
            alone: Writes one item; what it raises is that item's outcome, and nothing of it stays.
            patience: Seconds to wait for another program's lock.
        """
        self._path = path
        self._db = db
        self._together = together
        self._alone = alone
        self._patience = patience
        self._log = LogRoom(path)
        self._pending: deque[Pending[Item]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flush_is_due = False
        self._last_sender: str | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._in_thread = False
        self._average = 0.0
        self._slow_until = 0.0
        self._closed = False
        self._writing = threading.Lock()  # Two event loops in two threads may meet when one follows the other.
        self._pause: asyncio.TimerHandle | None = None
        self._idle: asyncio.Future[None] | None = None
        db.execute("PRAGMA busy_timeout = 0")

    @property
    def free(self) -> bool:
        """Whether the loop may use the connection now."""
        return not self._in_thread and not self._closed

    def submit(self, item: Item, size: int, sender: str | None = None) -> asyncio.Future[Any]:
        """Write an item with the next group; items are written in the order of their submission.

        Args:
            item: What to write.
            size: Bytes of it.
            sender: Who sends it. One who sends all alone has nobody to wait for: his item is written at once.

        Returns:
            A future that gives the item's result or raises what its writing raised, StoreFull or StoreUnavailable.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        future = loop.create_future()
        if self._closed:
            future.set_exception(StoreUnavailable("it was closed", at=str(self._path)))
            return future
        alone = sender is not None and sender == self._last_sender and not self._pending
        self._last_sender = sender
        self._pending.append(Pending(item, size, future))
        if alone:
            self._flush()
        elif not self._flush_is_due:
            self._flush_is_due = True
            loop.call_soon(self._flush)
        return future

    async def close(self) -> None:
        """Write what is pending; what comes later is refused."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        while self._pending or self._in_thread:
            self._idle = self._idle or loop.create_future()
            await self._idle
        self._closed = True
        if self._thread is not None:
            self._thread.shutdown()

    # ------------------------------------------------------------------ on the loop

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve another event loop than before. Whoever waited in the old one is gone."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
        self._pending.clear()
        self._idle = self._pause = None
        self._in_thread = self._flush_is_due = False
        self._loop = loop

    def _flush(self) -> None:
        self._flush_is_due = False
        if self._in_thread or not self._pending:
            return
        now = time.perf_counter()
        if now < self._slow_until or self._pending[0].size > LOOP_BYTES:
            self._hand_over(self._taken(THREAD_ITEMS, THREAD_BYTES))
            return
        group = self._taken(LOOP_ITEMS, LOOP_BYTES)
        try:
            outcomes = self._written(group)
        except LockedError:
            self._hand_over(group)
            return
        _tell(group, outcomes)
        self._go_on()

    def _taken(self, items: int, size: int) -> list[Pending[Item]]:
        """The next group: the oldest, and as many after it as fit."""
        pending = self._pending
        group = [pending.popleft()]
        room = size - group[0].size
        while pending and len(group) < items and pending[0].size <= room:
            room -= pending[0].size
            group.append(pending.popleft())
        return group

    def _go_on(self) -> None:
        if self._pending:
            if not self._flush_is_due and self._loop is not None:
                self._flush_is_due = True
                self._loop.call_soon(self._flush)
        elif self._idle is not None:
            idle, self._idle = self._idle, None
            if not idle.done():
                idle.set_result(None)

    # ------------------------------------------------------------------ in the thread

    def _hand_over(self, group: list[Pending[Item]]) -> None:
        assert self._loop is not None
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "mulle-journal")
        self._in_thread = True
        self._thread.submit(self._write_in_thread, self._loop, group)
        if self._pause is None:
            self._pause = self._loop.call_later(GIVE_WAY, self._give_way)

    def _write_in_thread(self, loop: asyncio.AbstractEventLoop, group: list[Pending[Item]]) -> None:
        outcomes: list[Any]
        try:
            self._db.execute(f"PRAGMA busy_timeout = {int(self._patience * 1000)}")
            outcomes = self._written(group)
        except LockedError as locked:
            outcomes = [storage_error(locked.reason, self._path) for _ in group]
        except BaseException as error:  # noqa: BLE001  # A future without an answer would wait for ever.
            outcomes = [error for _ in group]
        finally:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("PRAGMA busy_timeout = 0")
        with contextlib.suppress(RuntimeError):  # The loop was closed meanwhile: nobody waits any more.
            loop.call_soon_threadsafe(self._returned, loop, group, outcomes)

    def _returned(self, loop: asyncio.AbstractEventLoop, group: list[Pending[Item]], outcomes: list[Any]) -> None:
        if loop is self._loop:
            self._in_thread = False
            _tell(group, outcomes)
            self._go_on()

    def _give_way(self) -> None:
        self._pause = None
        if self._in_thread and self._loop is not None:
            time.sleep(PAUSE)
            self._pause = self._loop.call_later(GIVE_WAY, self._give_way)

    # ------------------------------------------------------------------ writing

    def _written(self, group: list[Pending[Item]]) -> list[Any]:
        """Write a group; gives a result or an exception an item. Raises LockedError, having written nothing."""
        items = [pending.item for pending in group]
        with self._writing:
            try:
                try:
                    return self._committed(lambda: self._together(self._db, items))
                except Exception as error:
                    if isinstance(error, LockedError) or _is_of_the_store(error):
                        raise
                    return self._committed(lambda: [self._alone_or_not(item) for item in items])
            except (sqlite3.Error, OSError) as error:
                return [storage_error(error, self._path) for _ in items]

    def _committed(self, write: Callable[[], list[Any]]) -> list[Any]:
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL}:
                raise LockedError(error) from error
            raise
        try:
            self._log.before_commit()
            outcomes = write()
            begun = time.perf_counter()
            db.execute("COMMIT")
        except BaseException:
            roll_back(db)
            raise
        if not self._in_thread:
            self._learn(time.perf_counter() - begun)
        return outcomes

    def _alone_or_not(self, item: Item) -> Any:
        db = self._db
        db.execute("SAVEPOINT item")
        try:
            outcome = self._alone(db, item)
        except Exception as error:
            if _is_of_the_store(error):
                raise
            db.execute("ROLLBACK TO item")
            outcome = storage_error(error, self._path) if isinstance(error, sqlite3.Error) else error
        db.execute("RELEASE item")
        return outcome

    def _learn(self, seconds: float) -> None:
        """How quick the disk is. Only commits on the loop tell: in the thread, waiting for the interpreter blurs it."""
        self._average += WEIGHT * (min(seconds, LONGEST) - self._average)
        if self._average > SLOW:
            self._slow_until = time.perf_counter() + TRY_AGAIN
            self._average = SLOW


class LockedError(Exception):
    """Another program holds the write lock."""

    def __init__(self, reason: sqlite3.OperationalError) -> None:
        self.reason = reason


def _tell(group: Sequence[Pending[Any]], outcomes: Sequence[Any]) -> None:
    for pending, outcome in zip(group, outcomes, strict=True):
        if pending.future.done():
            continue
        if isinstance(outcome, BaseException):
            pending.future.set_exception(outcome)
        else:
            pending.future.set_result(outcome)


def _is_of_the_store(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) and primary_code(error) in OF_THE_STORE
