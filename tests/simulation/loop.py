"""An event loop without a clock, threads or sockets: time jumps to the next timer, and chance decides who goes first.

Several *processes* share it. Each callback belongs to the process in whose context it was registered; a killed process
runs no callback ever again (not even a `finally`), a frozen one keeps them until it thaws. Within one process callbacks
keep asyncio's order; between processes any order may come.
"""

import asyncio
import contextvars
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from itertools import count
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

INSTANT = 1e-5
"""Seconds that one callback takes."""
ENDLESS = 2_000_000
"""Callbacks after which a world is taken to spin."""

OWNER: contextvars.ContextVar["Place | None"] = contextvars.ContextVar("simulated_process", default=None)


class Place:
    """Where callbacks run: one simulated process, or the world around them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen = False
        self.ready: deque[asyncio.Handle] = deque()
        self.context = contextvars.copy_context()
        self.context.run(OWNER.set, self)


class Spinning(AssertionError):
    """The simulated world runs callback after callback and never comes to rest."""


class SimulatedLoop(asyncio.AbstractEventLoop):
    """Runs what is ready, in an order drawn from the seed, and then lets time pass."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._now = 0.0
        self._number = count()
        self._timers: list[tuple[float, int, Place, asyncio.TimerHandle]] = []
        self.world = Place("world")
        self._busy: dict[Place, None] = {}
        """Places that have something to run."""
        self._steps = 0
        self.complaints: list[str] = []
        """What callbacks and forgotten tasks raised."""
        self._tasks: list[asyncio.Task[Any]] = []
        """All of them, so that none is collected, and cleaned up, before the world ends."""

    # ------------------------------------------------------------------ places

    def place(self, name: str) -> Place:
        """A new process."""
        return Place(name)

    def kill(self, place: Place) -> None:
        """Let nothing of a process ever run again."""
        place.alive = False
        place.ready.clear()
        self._busy.pop(place, None)

    def spawn(self, place: Place, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run a coroutine in a process."""
        return self.create_task(work, context=place.context.copy())

    def at(self, place: Place, when: float, callback: Callable[..., Any], *args: Any) -> None:
        """Call back in a process at a time."""
        self.call_at(when, callback, *args, context=place.context)

    # ------------------------------------------------------------------ running

    def run(self, until: Callable[[], bool], deadline: float) -> bool:
        """Go on until something holds, or a time has come; whether it holds. Asked when time is about to pass."""
        events._set_running_loop(self)
        try:
            while True:
                place = self._next_place()
                if place is None:
                    if until():
                        return True
                    if not self._let_time_pass(deadline):
                        return False
                    continue
                handle = place.ready.popleft()
                if not place.ready:
                    del self._busy[place]
                self._steps += 1
                self._now += INSTANT
                if self._steps > ENDLESS:
                    raise Spinning(f"at {self._now:.3f}: {handle}")
                if not handle.cancelled():
                    handle._run()
        finally:
            events._set_running_loop(None)

    def _next_place(self) -> Place | None:
        ready = [place for place in self._busy if not place.frozen]
        if len(ready) < 2:
            return ready[0] if ready else None
        return ready[int(self._chance.random() * len(ready))]

    def _let_time_pass(self, deadline: float) -> bool:
        while self._timers and (self._timers[0][3].cancelled() or not self._timers[0][2].alive):
            heapq.heappop(self._timers)
        if not self._timers or self._timers[0][0] > deadline:
            return False
        self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            _, _, place, handle = heapq.heappop(self._timers)
            if place.alive and not handle.cancelled():
                self._make_ready(place, handle)
        return True

    def _make_ready(self, place: Place, handle: asyncio.Handle) -> None:
        place.ready.append(handle)
        self._busy[place] = None

    def end(self) -> None:
        """Close what is left without letting it do anything: the world is over."""
        events._set_running_loop(self)
        try:
            for task in self._tasks:
                if not task.done():
                    task._log_destroy_pending = False  # pyright: ignore[reportAttributeAccessIssue]  # asyncio's own switch.
                    _close(task.get_coro())
                elif not task.cancelled():
                    task.exception()  # Whoever cares has looked by now.
        finally:
            events._set_running_loop(None)
        self._tasks.clear()
        self._timers.clear()
        self._busy.clear()

    # ------------------------------------------------------------------ what asyncio asks of a loop

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> Any:
        task = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        self._tasks.append(task)
        return task

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        place = OWNER.get() if context is None else context.get(OWNER)
        handle = asyncio.Handle(callback, args, self, context)
        place = place or self.world
        if place.alive:
            self._make_ready(place, handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        place = (OWNER.get() if context is None else context.get(OWNER)) or self.world
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._number), place, handle))
        return handle

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        """There are no threads here: it is done at once."""
        assert executor is None
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # Whatever it is, it is for whoever waits.
            future.set_exception(error)
        return future

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")


def _close(coroutine: Any) -> None:
    """Unwind a coroutine, however often its `finally` awaits something."""
    for _ in range(20):
        try:
            coroutine.close()
        except BaseException:  # noqa: BLE001  # Nobody is left to hear of it.
            continue
        return
