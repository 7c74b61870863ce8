"""Blocking functions in daemon threads that may be abandoned: a step that never returns cannot hold a run.

A thread that finished waits a while for the next piece, so a chain of small functions does not pay for new ones.
"""

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

IDLE_FOR = 5.0
"""Seconds that a thread without work lives on."""

_Piece = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]

_idle: "list[queue.SimpleQueue[_Piece]]" = []
_lock = threading.Lock()


async def in_thread(function: Callable[[], T], *, now: bool = False) -> T:
    """The function's result, computed in a thread. Cancelling abandons the thread, which finishes on its own.

    Without `now` it begins in the loop's next turn: who only tries whether this waits (`Executor.at_once`) leaves, and
    nothing has begun. A node that says beforehand that it waits is not tried.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()
    piece: _Piece = (lambda: context.run(function), loop, future)
    if now:
        _hand_over(piece)
        return await future
    begins = loop.call_soon(_hand_over, piece)
    try:
        return await future
    finally:
        begins.cancel()


def _hand_over(piece: _Piece) -> None:
    if piece[2].done():  # Cancelled in this very turn of the loop.
        return
    with _lock:
        waiting = _idle.pop() if _idle else None
    if waiting is None:
        threading.Thread(target=_work, args=(piece,), name="mulle-step", daemon=True).start()
    else:
        waiting.put(piece)


def _work(piece: _Piece) -> None:
    mine: queue.SimpleQueue[_Piece] = queue.SimpleQueue()
    while True:
        function, loop, future = piece
        try:
            result, error = function(), None
        except BaseException as raised:  # noqa: BLE001 - every way out of the function goes back to whoever awaits it.
            result, error = None, raised
        with _lock:
            _idle.append(mine)
        _tell(loop, future, result, error)
        del function, loop, future, result, error
        try:
            piece = mine.get(timeout=IDLE_FOR)
        except queue.Empty:
            with _lock:
                if mine in _idle:
                    _idle.remove(mine)
                    return
            piece = mine.get()


def _tell(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[Any]", result: Any, error: BaseException | None
) -> None:
    def settle() -> None:
        if not future.done():
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error if _can_be_awaited(error) else RuntimeError(repr(error)))

    with contextlib.suppress(RuntimeError):  # The loop was closed meanwhile: nobody waits any more.
        loop.call_soon_threadsafe(settle)


def _can_be_awaited(error: BaseException) -> bool:
    """A StopIteration cannot pass through a coroutine; what ends a program must not end ours."""
    return isinstance(error, Exception) and not isinstance(error, StopIteration)
