"""A coroutine that was begun at once cannot tell that it was, and its caller stays who he is."""

import asyncio
import contextvars
import inspect
from collections.abc import Coroutine
from typing import Any

import pytest

from mulle.runtime.eager import Eager


def begin(work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """Begin what waits for something, as the task that goes on with it."""
    task, _ = Eager().begin(work)
    assert task is not None
    return task


place: contextvars.ContextVar[str] = contextvars.ContextVar("place", default="")


async def test_what_never_waits_has_ended_when_it_was_begun():
    async def work() -> str:
        return "done"

    assert Eager().begin(work(), pytest.fail) == (None, "done")


async def test_a_task_stands_ready_for_the_next_one_until_somebody_waits():
    eager = Eager()
    seen: list[Any] = []

    async def quick() -> None:
        seen.append(asyncio.current_task())

    async def slow(gate: "asyncio.Future[str]") -> str:
        seen.append(asyncio.current_task())
        return await gate

    gates = [asyncio.get_running_loop().create_future() for _ in range(3)]
    eager.begin(quick())
    eager.begin(quick())
    first, _ = eager.begin(slow(gates[0]))
    eager.begin(quick())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    eager.begin(quick())
    second, _ = eager.begin(slow(gates[1]))
    third, _ = eager.begin(slow(gates[2]))
    for number, gate in enumerate(gates):
        gate.set_result(f"result {number}")

    assert first is not None
    assert second is not None
    assert third is not None
    assert [await first, await second, await third] == ["result 0", "result 1", "result 2"]
    assert seen == [first, first, first, second, second, second, third]


async def test_what_one_leaves_in_its_context_does_not_reach_the_next():
    eager = Eager()
    seen: list[str] = []

    async def work(name: str) -> None:
        seen.append(place.get())
        place.set(name)

    eager.begin(work("first"))
    eager.begin(work("second"))

    assert seen == ["", ""]


@pytest.mark.parametrize("turns", [0, 2])
@pytest.mark.parametrize("takes_it_back", [False, True])
async def test_one_that_cancels_itself_and_ends_cancels_nobody_else(turns: int, *, takes_it_back: bool):
    eager = Eager()
    ready = asyncio.get_running_loop().create_future()

    async def quick() -> None:
        pass

    async def rash() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        if takes_it_back:
            task.uncancel()

    async def slow() -> str:
        return await ready

    eager.begin(quick())
    for _ in range(turns):
        await asyncio.sleep(0)
    assert eager.begin(rash()) == (None, None)
    task, _ = eager.begin(slow())
    await asyncio.sleep(0)
    ready.set_result("undisturbed")

    assert task is not None
    assert await task == "undisturbed"


async def test_closed_it_leaves_no_task_behind():
    eager = Eager()

    async def quick() -> None:
        pass

    before = asyncio.all_tasks()
    eager.begin(quick())
    await asyncio.sleep(0)
    eager.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before


def test_a_loop_gets_no_task_of_another_one():
    eager = Eager()

    async def quick() -> None:
        pass

    async def slow() -> str:
        return await asyncio.sleep(0, "result")

    async def both() -> Any:
        eager.begin(quick())
        task, _ = eager.begin(slow())
        assert task is not None
        return await task, eager.begin(quick())

    assert asyncio.run(both()) == ("result", (None, None))
    assert asyncio.run(both()) == ("result", (None, None))


async def test_what_waits_goes_on_as_a_task():
    gate = asyncio.get_running_loop().create_future()

    async def work() -> Any:
        first = await gate
        await asyncio.sleep(0)
        return [first, await asyncio.sleep(0, "last")]

    task = begin(work())
    assert not task.done()
    gate.set_result("first")

    assert await task == ["first", "last"]


async def test_whoever_wants_to_know_is_told_of_the_result_within_the_task_that_waited():
    told: list[Any] = []

    async def work() -> str:
        return await asyncio.sleep(0, "result")

    task, _ = Eager().begin(work(), lambda result: told.append((result, asyncio.current_task())))
    assert told == []
    assert task is not None

    assert await task == "result"
    assert told == [("result", task)]


async def test_nobody_is_told_of_what_fails_later():
    async def work() -> None:
        await asyncio.sleep(0)
        raise ValueError("mine")

    task, _ = Eager().begin(work(), lambda _: pytest.fail("told"))
    assert task is not None

    with pytest.raises(ValueError, match="mine"):
        await task


async def test_what_fails_before_it_waits_fails_whoever_began_it():
    eager = Eager()

    async def work() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        eager.begin(work())
    assert asyncio.current_task() is not None


async def test_what_fails_later_fails_its_task():
    async def work() -> None:
        await asyncio.sleep(0)
        raise ValueError("mine")

    task = begin(work())

    with pytest.raises(ValueError, match="mine"):
        await task


async def test_it_is_its_own_current_task_from_the_first_instant():
    seen: list[Any] = []

    async def work() -> None:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    caller = asyncio.current_task()
    task = begin(work())
    assert asyncio.current_task() is caller
    await task

    assert seen == [task, task]


async def test_a_time_limit_of_its_own_ends_it_alone():
    async def work() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            return "in time"
        return "late"

    assert await begin(work()) == "in time"
    caller = asyncio.current_task()
    assert caller is not None
    assert not caller.cancelling()


async def test_a_task_group_within_it_works_from_the_first_instant():
    async def one(number: int) -> int:
        await asyncio.sleep(0)
        return number

    async def work() -> list[int]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number)) for number in range(3)]
        return [task.result() for task in tasks]

    assert await begin(work()) == [0, 1, 2]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_cancelled_before_and_after_its_own_first_turn_it_is_told_where_it_waits(turns: int):
    inner: list[str] = []

    async def waited_for() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            inner.append("inner told")
            raise

    async def work() -> None:
        try:
            await asyncio.create_task(waited_for())
        except asyncio.CancelledError:
            inner.append("told")
            raise

    ordinary, eager = asyncio.create_task(work()), begin(work())
    await asyncio.sleep(0)
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in (ordinary, eager):
        inner.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert inner[-1] == "told"
        assert task.cancelled()


async def test_a_cancellation_goes_to_what_it_waits_for_first():
    told: list[str] = []

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.append("stubborn")
        return "kept on"

    async def work(task: "asyncio.Task[str]") -> str:
        return await task

    sub = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task = begin(work(sub))
    task.cancel()

    assert await task == "kept on"
    assert told == ["stubborn"]


async def test_cancelled_when_what_it_waits_for_is_there_it_is_told_all_the_same():
    gate = asyncio.get_running_loop().create_future()
    told: list[str] = []

    async def work() -> None:
        try:
            await gate
        except asyncio.CancelledError:
            told.append("told")
            raise

    task = begin(work())
    gate.set_result(None)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == ["told"]


async def test_it_may_cancel_itself_before_it_waits_and_not_its_caller():
    async def work() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(60)
        return "never"

    task = begin(work())

    with pytest.raises(asyncio.CancelledError):
        await task
    caller = asyncio.current_task()
    assert caller is not None
    assert not caller.cancelling()


async def test_its_context_is_its_own():
    async def work() -> str:
        place.set("inside")
        await asyncio.sleep(0)
        return place.get()

    place.set("outside")
    task = begin(work())

    assert place.get() == "outside"
    assert await task == "inside"


async def test_debuggers_see_where_it_stands():
    gate = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await gate

    task = begin(work())
    assert inspect.getcoroutinestate(task.get_coro()) == inspect.CORO_SUSPENDED  # pyright: ignore[reportArgumentType]  # It stands for one.
    assert task.get_stack()
    gate.set_result(None)
    await task
