"""Begin a coroutine here and now, as a task of its own. Most steps end without ever waiting: they need no turn of the
event loop, and whoever began them sees at once what came of it.

This is what asyncio itself does from Python 3.12 on with eager tasks. Until its first wait the coroutine is run by its
caller, but in the task's context and as its own `asyncio.current_task()`: a time limit that it sets, and a cancellation
that it asks for, mean that task and never the caller's. If it waits, the task goes on from there.
"""

import asyncio
import contextvars
from asyncio.tasks import _enter_task, _leave_task  # pyright: ignore[reportPrivateUsage]  # Documented for extensions.
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


def begin(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Run a coroutine up to its first wait; called from within a task."""
    loop, caller = asyncio.get_running_loop(), asyncio.current_task()
    assert caller is not None
    begun = _Begun(coroutine)
    context = contextvars.copy_context()
    task = asyncio.Task(begun, loop=loop, context=context)
    _leave_task(loop, caller)
    _enter_task(loop, task)
    try:
        begun.awaited = context.run(coroutine.send, None)
    except StopIteration as stop:
        begun.end = StopIteration(stop.value)  # One without a traceback: it would lead back here, in a cycle.
    except BaseException as error:  # noqa: BLE001 - the task's to deal with, not ours.
        begun.end = error
    finally:
        _leave_task(loop, task)
        _enter_task(loop, caller)
    return task


class _Begun(Coroutine[Any, Any, T]):
    """A coroutine that has run up to its first wait, to whoever goes on with it as if it had not."""

    __slots__ = ("_coroutine", "_fresh", "awaited", "end")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.awaited: Any = None
        self.end: BaseException | None = None
        self._coroutine = coroutine
        self._fresh = True

    def send(self, value: Any, /) -> Any:
        if not self._fresh:
            return self._coroutine.send(value)
        self._fresh = False
        if self.end is not None:
            raise self.end
        return self.awaited

    def throw(self, *error: Any) -> Any:
        """What a cancelled task is told. Before its own first turn it cancels what it came to wait for, as always."""
        if self._fresh:
            self._fresh = False
            if self.end is not None:
                raise self.end
            if self.awaited is not None and self.awaited.cancel():
                return self.awaited
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coroutine.__await__()

    def __getattr__(self, name: str) -> Any:
        """`cr_frame` and the like, by which debuggers and libraries see where it stands."""
        return getattr(self._coroutine, name)
