"""Jobs out, replies in. A reply comes from a process that may have been taken over: only its form is believed."""

import re
from collections.abc import Iterable
from typing import Any, cast

import msgspec

from mulle.errors import CodeNotData, CodeOutputTooLarge
from mulle.services.sandbox.limits import Limits

DEEPEST = 64
"""Lists and objects within each other, in a result."""

MOST_CONTAINERS = 500_000
"""Lists and objects in a result: empty ones cost two bytes on the wire and sixty in memory."""


class Value(msgspec.Struct, tag="value"):
    """It returned."""

    value: Any
    printed: str
    cut: bool


class Raised(msgspec.Struct, tag="raised"):
    """It raised, and did not catch it."""

    name: str
    said: str
    line: int | None
    traceback: str
    errno: int | None
    printed: str
    cut: bool


class Syntax(msgspec.Struct, tag="syntax"):
    """It is no Python, or no template."""

    said: str
    line: int | None


class Missing(msgspec.Struct, tag="missing"):
    """The function asked for is not in it; these are."""

    found: list[str]


class NotData(msgspec.Struct, tag="not_data"):
    """It returned what JSON cannot say."""

    where: str
    found: str
    advice: str


class Large(msgspec.Struct, tag="large"):
    """It returned more than allowed."""


class Memory(msgspec.Struct, tag="memory"):
    """It ran out of memory."""


Failure = Raised | Syntax | Missing | NotData | Large | Memory
Reply = Value | Failure

_replies = msgspec.json.Decoder(Reply)
_jobs = msgspec.json.Encoder()


def encoded(job: dict[str, Any]) -> bytes:
    """A job as bytes; raises CodeNotData when an argument is none that JSON can say."""
    try:
        return _jobs.encode(job)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CodeNotData(what="An argument", place="", found=str(error)) from error


def most_bytes(limits: Limits) -> int:
    """The longest reply that can be honest."""
    return limits.result + 6 * limits.printed + 64 * 1024


def decoded(frame: bytes) -> Reply:
    """The reply in a frame; raises CodeNotData or CodeOutputTooLarge when it is none."""
    if (containers := _containers(frame)) > MOST_CONTAINERS and (
        containers := _containers(_TEXTS.sub(b"", frame))
    ) > MOST_CONTAINERS:
        raise CodeOutputTooLarge(limit=f"{MOST_CONTAINERS:,} lists and objects")
    try:
        reply = _replies.decode(frame)
    except (ValueError, RecursionError) as error:
        raise CodeNotData(what="The result", place="", found="malformed") from error
    if isinstance(reply, Value) and containers > DEEPEST and _deeper_than(DEEPEST, reply.value):
        raise CodeNotData(what="The result", place="", found=f"nested more than {DEEPEST} deep")
    return reply


_TEXTS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def _containers(frame: bytes) -> int:
    return frame.count(b"[") + frame.count(b"{")


def _deeper_than(most: int, value: Any) -> bool:
    """Level by level, so that the depth of the data is not the depth of our stack."""
    level: list[Any] = [value]
    depth = 0
    while level:
        if depth >= most:
            return True
        items = (item for box in level for item in _items(box))
        level, depth = [item for item in items if type(item) in _CONTAINERS], depth + 1
    return False


_CONTAINERS = {dict, list}


def _items(box: Any) -> Iterable[Any]:
    if isinstance(box, dict):
        return cast("dict[str, Any]", box).values()
    return cast("list[Any]", box) if isinstance(box, list) else ()
