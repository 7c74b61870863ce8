"""Ask a database over one connection: questions that come together go in one round trip.

Knows an event loop and its connection; nothing of what is asked. Who stops waiting for an answer disturbs nobody.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from mulle.errors import StoreUnavailable
from mulle.store.postgres_database import is_lost, storage_error

if TYPE_CHECKING:
    from mulle.store.postgres_database import Connection

Rows = list[tuple[Any, ...]]

TRY_AGAIN = 0.05
"""Seconds between two tries to reach the server again."""
AT_ONCE = 64
"""Questions that are sent before the first answer is read."""


@dataclass(slots=True)
class Question:
    """What is asked, and who waits for the answer."""

    query: LiteralString
    values: Any
    future: asyncio.Future[Rows]


class PostgresReader:
    """Answers the questions of one event loop."""

    def __init__(
        self, place: str, connected: Callable[[], Awaitable["Connection"]], patience: Callable[[], float]
    ) -> None:
        """Ask over `connected`'s connections; a server that is lost is tried again for `patience` seconds."""
        self._place = place
        self._connected = connected
        self._patience = patience
        self._db: Connection | None = None
        self._was_connected = False
        self._waiting: deque[Question] = deque()
        self._task: asyncio.Task[None] | None = None

    def ask(self, query: LiteralString, values: Any = ()) -> asyncio.Future[Rows]:
        """The rows that a query gives; raises StoreError."""
        loop = asyncio.get_running_loop()
        question = Question(query, values, loop.create_future())
        self._waiting.append(question)
        if self._task is None:
            self._task = loop.create_task(self._answer_all(), name="mulle-postgres-reader")
        return question.future

    async def close(self) -> None:
        """Answer what was asked, and close the connection."""
        while self._task is not None:
            await asyncio.wait([self._task])
        if self._db is not None:
            await self._db.close()

    def abandon(self) -> None:
        """Drop the connection of an event loop that is closed."""
        if self._db is not None:
            self._db.pgconn.finish()

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                await self._answer(some)
        finally:
            self._task = None
            for question in self._waiting:
                question.future.cancel()
            self._waiting.clear()

    async def _answer(self, some: list[Question]) -> None:
        try:
            answers = await self._answers(some)
        except Exception as error:  # noqa: BLE001 - whoever waits for an answer has to get one.
            if len(some) > 1 and not _says_lost(error):
                for question in some:
                    await self._answer([question])
                return
            known = storage_error(error, self._place) if hasattr(error, "sqlstate") else error
            for question in some:
                if not question.future.done():
                    question.future.set_exception(known)
            return
        for question, answer in zip(some, answers, strict=True):
            if not question.future.done():
                question.future.set_result(answer)

    async def _answers(self, some: list[Question]) -> list[Rows]:
        """What the server says, over as many connections as it takes: reading twice harms nobody."""
        give_up = math.inf
        while True:
            try:
                return await self._answers_once(some)
            except Exception as error:
                if not _says_lost(error):
                    raise
                await self._drop()
                now = asyncio.get_running_loop().time()
                give_up = min(give_up, now + (self._patience() if self._was_connected else 0.0))
                if now >= give_up:
                    raise
                await asyncio.sleep(TRY_AGAIN)

    async def _answers_once(self, some: list[Question]) -> list[Rows]:
        if self._db is None or self._db.closed:
            self._db = await self._connected()
            self._was_connected = True
        if len(some) == 1:
            return [await (await self._db.execute(some[0].query, some[0].values, prepare=True)).fetchall()]
        async with self._db.pipeline():
            cursors = [await self._db.execute(each.query, each.values, prepare=True) for each in some]
        return [await cursor.fetchall() for cursor in cursors]

    async def _drop(self) -> None:
        if self._db is not None:
            with contextlib.suppress(Exception):
                await self._db.close()
            self._db = None


def _says_lost(error: Exception) -> bool:
    return is_lost(error) or isinstance(error, StoreUnavailable)
