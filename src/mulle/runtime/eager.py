"""Begin a coroutine here and now, as a task of its own. Most steps end without ever waiting: they need no turn of the
event loop, and whoever began them sees at once what came of it.

This is what asyncio itself does from Python 3.12 on with eager tasks. Until its first wait the coroutine is run by its
caller, but in a context of its own and as its own `asyncio.current_task()`: a time limit that it sets, and a
cancellation that it asks for, mean that task and never the caller's. If it waits, the task goes on from there.

A task costs more than what most steps do. One whose coroutine ended at once has done nothing yet that could be seen,
so it stands ready for the next one.
"""

import asyncio
import contextvars
from asyncio.tasks import _enter_task, _leave_task  # pyright: ignore[reportPrivateUsage]  # Documented for extensions.
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")

_WAITS: Any = object()


class Eager:
    """Begins coroutines, and keeps a task ready for the next one."""

    def __init__(self) -> None:
        self._ready: _Seat | None = None

    def begin(
        self, coroutine: Coroutine[Any, Any, T], then: Callable[[T], object] | None = None
    ) -> "tuple[asyncio.Task[T] | None, T | None]":
        """Run a coroutine up to its first wait; called from within a task.

        Args:
            coroutine: What to run.
            then: Is told of its result if it waits, as the last thing in its task.

        Returns:
            The task that goes on with it, or None and its result: it has ended.

        Raises:
            BaseException: What the coroutine raised before it waited for anything.
        """
        caller = asyncio.current_task()
        assert caller is not None
        loop = caller.get_loop()
        seat, self._ready = self._ready, None
        if seat is None or seat.task.get_loop() is not loop:
            seat = _Seat(loop)
        task = seat.task
        waits = False
        _leave_task(loop, caller)
        _enter_task(loop, task)
        try:
            result = seat.take(coroutine, then)
            waits = result is _WAITS
        finally:
            _leave_task(loop, task)
            _enter_task(loop, caller)
            if not waits and not seat.spoilt:
                self._ready = seat
        return (task, None) if waits else (None, result)

    def close(self) -> None:
        """Let the task that stands ready go."""
        if self._ready is not None:
            self._ready.task.cancel()
            self._ready = None


class _Seat(Coroutine[Any, Any, Any]):
    """What a task runs: nothing until a coroutine takes the seat and waits; then that one, as if from the beginning."""

    __slots__ = ("_context", "_coroutine", "_first", "_ready", "_then", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._context: contextvars.Context
        self._then: Callable[[Any], object] | None = None
        self._first: Any = None
        """What the coroutine came to wait for, while the task does not know of it."""
        self._ready: asyncio.Future[None] | None = None
        """What the task waits for until then."""
        self.task: asyncio.Task[Any] = asyncio.Task(self, loop=loop)
        setattr(self.task, "_log_destroy_pending", False)  # noqa: B010 - as `asyncio.gather` does: there is nothing to lose.

    @property
    def spoilt(self) -> bool:
        """Whether its task was cancelled by a coroutine that had no need of it."""
        return bool(getattr(self.task, "_must_cancel", False)) or (self._ready is not None and self._ready.cancelled())

    def take(self, coroutine: Coroutine[Any, Any, Any], then: Callable[[Any], object] | None) -> Any:
        """Run a coroutine up to its first wait; gives its result if it ended instead."""
        context = contextvars.copy_context()
        try:
            first = context.run(coroutine.send, None)
        except StopIteration as stop:
            return stop.value
        self._coroutine, self._context, self._first, self._then = coroutine, context, first, then
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
        return _WAITS

    def send(self, value: Any, /) -> Any:
        if self._coroutine is None:
            self._ready = self.task.get_loop().create_future()
            return next(iter(self._ready))
        if self._first is not None:
            return self._told()
        return self._on(self._coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        """What a cancelled task is told. Before its own first turn it cancels what it came to wait for, as always."""
        if self._coroutine is None:
            raise error[0]
        if self._first is not None and self._first.cancel():
            return self._told()
        self._first = None
        return self._on(self._coroutine.throw, *error)

    def _on(self, move: Callable[..., Any], *what: Any) -> Any:
        """Let the coroutine go on until it waits again."""
        try:
            return self._context.run(move, *what)
        except StopIteration as stop:
            if self._then is not None:
                self._then(stop.value)
            raise

    def _told(self) -> Any:
        first, self._first = self._first, None
        return first

    def close(self) -> None:
        if self._coroutine is not None:
            self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise NotImplementedError  # Nobody but its task ever runs it.

    def __getattr__(self, name: str) -> Any:
        """`cr_frame` and the like, by which debuggers and libraries see where it stands."""
        return getattr(self._coroutine, name)
