"""Read a run's facts a slice at a time, and the big values that they refer to. Changes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, LiteralString

from mulle.engine.blobs import Unpacked, wanted, whole
from mulle.engine.codec import decode
from mulle.engine.facts import AnyFact
from mulle.errors import UnknownRun
from mulle.store import postgres_blobs
from mulle.store import postgres_rows as rows
from mulle.store.postgres_reader import Rows

SLICE = 200
"""Batches of facts that are read at a time; others have their turn between."""

Ask = Callable[[LiteralString, Any], Awaitable[Rows]]
"""Gives the rows that a query finds."""


async def read(ask: Ask, run: str, after: int, limit: int | None, *, previews: bool) -> list[AnyFact]:
    """A run's facts from position `after` on, whole or with previews; raises UnknownRun, BlobLost."""
    facts: list[AnyFact] = []
    values: dict[str, Any] = {}
    end = -1
    while True:
        found = await ask(rows.FACTS, (after, SLICE, rows.kept(run)))
        if not found:
            raise UnknownRun(run=run)
        if end < 0:
            end = found[0][0] if limit is None else min(found[0][0], after + limit)
        for _, position, data in found:
            if position is not None and after < end:
                batch = decode(data)[: end - position]
                for fact in batch[after - position :]:
                    for ref in wanted(fact, previews=previews):
                        if ref.hash not in values:
                            values[ref.hash] = await _value(ask, ref.hash)
                    facts.append(whole(fact, values.__getitem__, previews=previews))
                after = max(after, position + len(batch))
        if after >= end:
            return facts


async def _value(ask: Ask, name: str) -> Any:
    """A big value; raises BlobLost."""
    unpacked = Unpacked(name)
    for (part,) in await ask(postgres_blobs.PARTS, (name,)):
        unpacked.add(part)
        await asyncio.sleep(0)
    return unpacked.value()
