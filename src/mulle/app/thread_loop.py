"""An event loop in a thread of its own: where scripts, which have none, wait for what is async."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class ThreadLoop:
    """Started when it is first used."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Block until something is done there."""
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="mulle-loop", daemon=True)
                self._thread.start()
            loop = self._loop
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    def close(self) -> None:
        """End the thread; nothing happens within it, where it would wait for itself."""
        if self._loop is None or self._thread is None or self._thread is threading.current_thread():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None


def goes_on(loop: asyncio.AbstractEventLoop | None) -> bool:
    """Whether work that is given to a loop will be done."""
    return loop is not None and loop.is_running() and not loop.is_closed()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that the caller is in, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
