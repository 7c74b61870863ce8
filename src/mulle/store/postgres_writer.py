"""Write what gathers as one group a round trip, and tell everyone what became of his part.

Knows one connection, and that it may break; what an item means is said by `postgres_writes`.

While one group is on its way the next one gathers: however many runs write, the server flushes its disk once a group.
When the connection breaks, nobody knows whether the group was committed. Then it is written again over a new one, and
an item that does not fit any more is looked up: if what stands there is ours, it was written the first time.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mulle.engine.journal import Batch
from mulle.errors import JournalConflict, StoreUnavailable
from mulle.store import postgres_blobs
from mulle.store import postgres_queues as queues
from mulle.store import postgres_writes as sql
from mulle.store.postgres_database import is_lost, storage_error
from mulle.store.postgres_items import Creation, InQueues, Release, Sending, size_of

if TYPE_CHECKING:
    from mulle.store.postgres_database import Connection

Other = Callable[["Connection"], Awaitable[Any]]
"""Something else to be done to the database, in a transaction of its own."""
Write = Creation | Batch | Sending | Release | InQueues | Other

GROUP_ITEMS, GROUP_BYTES = 2048, 1 << 23
"""At most so much is sent at a time."""
QUEUE_ITEMS = 100
"""At most so much of what changes queues: other workers stand in line meanwhile."""
TRY_AGAIN = 0.05
"""Seconds between two tries to reach the server again."""
DEADLOCK = "40P01"
TRIES = 3
"""How often a group is tried that got into a deadlock with another worker's."""


@dataclass(slots=True)
class Pending:
    """Something to be written, and who waits for it."""

    item: Write
    size: int
    future: asyncio.Future[Any]


class PostgresWriter:
    """The one connection of a journal that changes anything."""

    def __init__(
        self,
        place: str,
        connected: Callable[[], Awaitable["Connection"]],
        owner: Callable[["Connection"], Awaitable[str]],
        mended: Callable[["Connection", Collection[str]], Awaitable[None]],
        patience: Callable[[], float],
    ) -> None:
        """Write over one connection at a time.

        Args:
            place: Where the database is, for errors.
            connected: A new connection, ready for use; raises StoreError.
            owner: Who we are as a worker, in the database too; asked before each group.
            mended: Told of each connection that follows a broken one, and of the runs that were being created then.
            patience: Seconds for which a lost server is tried again before everyone who waits is told.
        """
        self._place = place
        self._connected = connected
        self._owner = owner
        self._mended = mended
        self._patience = patience
        self._db: Connection | None = None
        self._was_connected = False
        self._pending: deque[Pending] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def submit(self, item: Write) -> asyncio.Future[Any]:
        """Write an item with the next group. Items of one run are written in the order of submission.

        The future gives the item's result or raises what became of it, StoreFull or StoreUnavailable.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        future = loop.create_future()
        if self._closed:
            future.set_exception(StoreUnavailable("it was closed", at=self._place))
            return future
        self._pending.append(Pending(item, size_of(item), future))
        if self._task is None:
            self._task = loop.create_task(self._write_all(), name="mulle-postgres-writer")
        return future

    async def close(self) -> None:
        """Write what is pending; what comes later is refused."""
        if self._loop is asyncio.get_running_loop():
            while self._task is not None:
                await asyncio.wait([self._task])
        self._closed = True
        if self._db is not None:
            await self._db.close()

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve another event loop than before. Whoever waited in the old one is gone, and what it was saying too."""
        self._pending.clear()
        self._task = None
        self._loop = loop
        if self._db is not None:
            self._db.pgconn.finish()
            self._db = None

    # ------------------------------------------------------------------ group by group

    async def _write_all(self) -> None:
        try:
            await asyncio.sleep(0)  # Whatever else is submitted in this turn of the loop goes along.
            while self._pending:
                group = self._taken()
                tell(group, await self._outcomes([pending.item for pending in group]))
        finally:
            self._task = None
            for pending in self._pending:  # We were cancelled, with the loop.
                pending.future.cancel()
            self._pending.clear()

    def _taken(self) -> list[Pending]:
        """The next group: the oldest, and those after it that fit. One item a run, but for signals: they add up.

        What changes queues makes groups of its own.
        """
        group = [self._pending.popleft()]
        if callable(group[0].item):
            return group
        queues = isinstance(group[0].item, InQueues)
        most = QUEUE_ITEMS if queues else GROUP_ITEMS
        room = GROUP_BYTES - group[0].size
        kinds: dict[str, type] = {group[0].item.run: type(group[0].item)}
        left: deque[Pending] = deque()
        while self._pending and len(group) < most and room > 0:
            each = self._pending.popleft()
            if callable(each.item):
                left.append(each)
                break
            run, kind = each.item.run, type(each.item)
            fits = each.size <= room and (kind is InQueues) is queues
            if fits and kinds.get(run, kind) is kind and (run not in kinds or kind is Sending):
                kinds[run] = kind
                room -= each.size
                group.append(each)
            else:
                kinds[run] = Pending  # What comes after it has to wait as well.
                left.append(each)
        left.extend(self._pending)
        self._pending = left
        return group

    async def _outcomes(self, items: Sequence[Write]) -> list[Any]:
        """Write a group, over as many connections as it takes; gives a result or an exception an item."""
        again = False
        give_up = math.inf
        while True:
            try:
                return await self._written(items, again=again)
            except Exception as error:  # noqa: BLE001 - a future without an answer would wait for ever.
                await self._drop()
                now = asyncio.get_running_loop().time()
                give_up = min(give_up, now + (self._patience() if self._was_connected else 0.0))
                if now >= give_up or not (is_lost(error) or isinstance(error, StoreUnavailable)):
                    return [self._told(error) for _ in items]
                again = True
                await asyncio.sleep(TRY_AGAIN)

    async def _written(self, items: Sequence[Write], *, again: bool) -> list[Any]:
        """Write a group once; raises what says that the connection is of no use."""
        db = await self._ready(items)
        me = await self._owner(db)
        first = items[0]
        if callable(first):
            return [await self._alone(db, first)]
        outcomes = await self._together(db, items, me)
        if again:
            for number, item in enumerate(items):
                refused = isinstance(outcomes[number], (JournalConflict, StoreUnavailable)) or outcomes[number] is False
                if (
                    refused
                    and isinstance(item, Creation | Batch | Release | InQueues)
                    and await sql.is_written(db, item, me)
                ):
                    facts = item.item if isinstance(item, InQueues) else item
                    outcomes[number] = None if isinstance(facts, Batch) else True
        return outcomes

    async def _ready(self, items: Sequence[Write]) -> "Connection":
        if self._db is None or self._db.closed:
            self._db, is_first = await self._connected(), not self._was_connected
            self._was_connected = True
            if not is_first:
                await self._mended(self._db, [item.run for item in items if isinstance(item, Creation)])
        return self._db

    async def _together(self, db: "Connection", items: Sequence[Write], me: str) -> list[Any]:
        """All in one go; one by one if somebody's part is refused by the database itself."""
        for _ in range(TRIES):
            try:
                return await _all_kinds(db, items, me)
            except Exception as error:
                if is_lost(error):
                    raise
                if getattr(error, "sqlstate", None) == DEADLOCK:
                    continue
                if len(items) == 1:
                    return [self._told(error)]
                return [(await self._together(db, [item], me))[0] for item in items]
        return [StoreUnavailable("other workers were in the way again and again", at=self._place) for _ in items]

    async def _alone(self, db: "Connection", item: Other) -> Any:
        try:
            async with db.transaction():
                return await item(db)
        except Exception as error:
            if is_lost(error):
                raise
            return self._told(error)

    async def _drop(self) -> None:
        if self._db is not None:
            with contextlib.suppress(Exception):
                await self._db.close()
            self._db = None

    def _told(self, error: Exception) -> Exception:
        """An outcome that says it in our words; what is our own mistake stays as it is."""
        return storage_error(error, self._place) if hasattr(error, "sqlstate") else error


async def _all_kinds(db: "Connection", items: Sequence[Write], me: str) -> list[Any]:
    """Write a group in one transaction and one round trip: what is created first, what is let go last."""
    if isinstance(items[0], InQueues):
        async with db.transaction():
            return await queues.write(db, cast("Sequence[InQueues]", items), me)
    kinds: dict[type, list[int]] = {Creation: [], Batch: [], Sending: [], Release: []}
    for number, item in enumerate(items):
        kinds[type(item)].append(number)
    graphs = {item.new.graph: item.document for item in items if isinstance(item, Creation) and item.document}
    brought = {
        number: (item.run, item.blobs)
        for number, item in enumerate(items)
        if isinstance(item, Creation | Batch) and item.blobs
    }
    is_one_statement = not (graphs or brought or any(isinstance(item, Batch) and item.signals for item in items))
    written: list[tuple[list[int], sql.Answers]] = []
    outcomes: list[Any] = [None] * len(items)

    async def say() -> None:
        if graphs:
            await sql.keep_graphs(db, graphs)
        for kind, numbers in kinds.items():
            if numbers:
                some: Any = [items[number] for number in numbers]
                written.append((numbers, await _STATEMENTS[kind](db, some, me)))

    async def hear() -> None:
        for numbers, answers in written:
            for number, outcome in zip(numbers, await answers(), strict=True):
                outcomes[number] = outcome

    if is_one_statement and sum(map(bool, kinds.values())) == 1:
        await say()
        await hear()
        return outcomes
    async with db.pipeline(), db.transaction():
        await say()
        if brought:  # A second round trip: only those whose facts were taken may refer to big values.
            await hear()
            await postgres_blobs.keep(db, [brought[n] for n in brought if outcomes[n] is None or outcomes[n] is True])
    if not brought:
        await hear()
    return outcomes


async def _send(db: "Connection", items: Sequence[Sending], _me: str) -> sql.Answers:
    return await sql.send(db, items)


_STATEMENTS: dict[type, Callable[["Connection", Any, str], Awaitable[sql.Answers]]] = {
    Creation: sql.create,
    Batch: sql.append,
    Sending: _send,
    Release: sql.release,
}


def tell(group: Sequence[Pending], outcomes: Sequence[Any]) -> None:
    """Give everyone what became of his item."""
    for pending, outcome in zip(group, outcomes, strict=True):
        if pending.future.done():
            continue
        if isinstance(outcome, BaseException):
            pending.future.set_exception(outcome)
        else:
            pending.future.set_result(outcome)
