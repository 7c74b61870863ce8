"""Values that take milliseconds to copy or to write: slice by slice, with a turn for others between."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from mulle.document.ports import is_object
from mulle.engine.facts import AnyFact, NodeDone, NodeExpanded, NodeWaiting, RunEnded, RunStarted, Signalled
from mulle.engine.packing import PART, SMALL, Blobs, Slices, T, exhausted, is_heavy, packed, packing, weight
from mulle.sdk.fit import DEEPEST, plain

BREATH = 0.002
"""Seconds of such work after which others get their turn."""

_FIELDS: Mapping[type, tuple[str, ...]] = {
    RunStarted: ("inputs", "conversation", "pins"),
    NodeDone: ("outputs", "writes"),
    RunEnded: ("outputs",),
    Signalled: ("payload",),
    NodeExpanded: ("scopes", "memo"),
    NodeWaiting: ("form", "memo"),
}
"""Where values of users stand in facts that a driver writes."""


def is_heavy_fact(fact: AnyFact) -> bool:
    """Whether writing a fact takes so long that it should be done in slices."""
    if type(fact) is NodeDone and not fact.writes:
        return is_heavy(fact.outputs)
    fields = _FIELDS.get(type(fact))
    return fields is not None and is_heavy({name: getattr(fact, name) for name in fields})


async def in_slices(slices: Slices[T]) -> T:
    """What slices of work come to. Cancelled between two of them, the work can be gone on with."""
    until = time.perf_counter() + BREATH
    while True:
        try:
            next(slices)
        except StopIteration as stop:
            return stop.value
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + BREATH


async def to_the_end(slices: Slices[T]) -> T:
    """The same; asked to stop, it does the rest in one go, because what the work is for has already happened."""
    try:
        return await in_slices(slices)
    except asyncio.CancelledError:
        return exhausted(slices)


async def packed_together(facts: Iterable[AnyFact]) -> tuple[list[bytes], Blobs]:
    """Several facts as JSON, and all their big values; heavy ones in slices."""
    data: list[bytes] = []
    blobs: Blobs = {}
    for fact in facts:
        one = await in_slices(packing(fact)) if is_heavy_fact(fact) else packed(fact)
        data.append(one.data)
        blobs |= one.blobs
    return data, blobs


def plain_slices(value: Any, depth: int = 0) -> Slices[Any]:
    """The same as `plain`, in slices. Raises one of `NOT_DATA`."""
    if depth > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    if isinstance(value, str):
        if not value.isascii():
            for begin in range(0, len(value), PART):
                value[begin : begin + PART].encode()  # Half a character is no data.
                yield
        return value
    if is_object(value):
        return (yield from _plain_object(value, depth))
    if isinstance(value, list | tuple):
        rows = cast("Sequence[Any]", value)
        return (yield from _plain_list(rows, depth))
    return plain(value)


def _plain_object(value: Mapping[Any, Any], depth: int) -> Slices[dict[str, Any]]:
    made: dict[str, Any] = {}
    small: dict[Any, Any] = {}
    room = PART // 4
    for key, item in value.items():
        size = weight(item, SMALL)
        if size > SMALL:
            made |= plain(small)
            small, room = {}, PART // 4
            (name,) = plain({key: None})
            made[name] = yield from plain_slices(item, depth + 1)
            continue
        small[key] = item
        room -= size
        if room <= 0:
            made |= plain(small)
            small, room = {}, PART // 4
            yield
    return made | plain(small)


def _plain_list(value: Sequence[Any], depth: int) -> Slices[list[Any]]:
    made: list[Any] = []
    small: list[Any] = []
    room = PART // 4
    for item in value:
        size = weight(item, SMALL)
        if size > SMALL:
            made += plain(small)
            small, room = [], PART // 4
            made.append((yield from plain_slices(item, depth + 1)))
            continue
        small.append(item)
        room -= size
        if room <= 0:
            made += plain(small)
            small, room = [], PART // 4
            yield
    return made + plain(small)
