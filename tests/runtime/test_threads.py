"""Blocking functions in threads that may be abandoned, and that nobody starts by only trying."""

import asyncio
import contextvars
import threading

import pytest

from mulle.runtime.threads import in_thread

place: contextvars.ContextVar[str] = contextvars.ContextVar("place", default="")


async def test_the_result_and_the_context_come_through():
    place.set("here")

    assert await in_thread(place.get) == "here"


async def test_an_error_is_raised_where_it_is_awaited():
    def fail() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await in_thread(fail)


async def test_who_only_tries_whether_it_waits_starts_nothing():
    called: list[int] = []
    trying = in_thread(lambda: called.append(1))

    trying.send(None)
    trying.close()
    for _ in range(3):
        await asyncio.sleep(0)

    assert await in_thread(lambda: list(called)) == []


async def test_who_is_sure_to_wait_may_begin_now():
    begun = threading.Event()

    async def seen_from_within() -> bool:
        waiting = asyncio.ensure_future(in_thread(begun.set, now=True))
        await asyncio.sleep(0)  # The first turn of `waiting`, and no other.
        seen = begun.wait(5)
        await waiting
        return seen

    assert await seen_from_within()


async def test_cancelled_before_it_began_it_never_begins():
    called: list[int] = []
    task = asyncio.create_task(in_thread(lambda: called.append(1)))
    asyncio.get_running_loop().call_soon(task.cancel)

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await in_thread(lambda: list(called)) == []
