"""Run calls in forked children: a locked one each, one held ready so that a call need not wait for its fork.

Whatever ends a call here (a reply, the time-out, a cancelled task, a closed sandbox) also ends its process.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections import deque

from mulle.errors import (
    CodeKilled,
    CodeScratchFull,
    CodeTimedOut,
    SandboxError,
    SandboxLost,
    SandboxUnavailable,
)
from mulle.services.sandbox import wire
from mulle.services.sandbox.child import Child, Ending
from mulle.services.sandbox.limits import MIB, Limits
from mulle.services.sandbox.nursery import Nursery, started


class Forked:
    """Calls in children of one zygote, which is started when first needed and again when it is lost."""

    def __init__(
        self, limits: Limits, ready: int, at_once: int, timezone: str, *, strict: bool, namespaces: bool
    ) -> None:
        self._limits, self._ready, self._timezone = limits, ready, timezone
        self._strict, self._namespaces = strict, namespaces
        self._held: deque[Child] = deque()
        self._places = asyncio.Semaphore(at_once)
        self._starting = asyncio.Lock()
        self._nursery: Nursery | None = None
        self._closed = False

    async def run(self, job: bytes, limits: Limits, timeout: float) -> tuple[bytes, float]:  # noqa: ASYNC109  # A limit of the code's, not of ours.
        """The reply's bytes and the seconds it took. Raises what stopped the code, or SandboxUnavailable."""
        async with self._places:
            nursery, child = await self._locked(limits)
            try:
                begun = time.perf_counter()
                try:
                    async with asyncio.timeout(timeout):
                        await child.work(job)
                        nursery.watch(child)
                        self._hold_ready(nursery)
                        reply = await child.reply(wire.most_bytes(limits))
                except TimeoutError:
                    raise CodeTimedOut(seconds=timeout) from None
                if reply is None:
                    raise await _verdict(child, limits, timeout)
                return reply, time.perf_counter() - begun
            finally:
                child.kill()

    async def start(self) -> Nursery:
        """The running zygote, with children held ready."""
        async with self._starting:
            if self._closed:
                raise SandboxUnavailable(missing="it was closed")
            if self._nursery:
                self._nursery.hear()
            if self._nursery is None or not self._nursery.alive:
                self._drop_held()
                self._nursery = await started(self._timezone, strict=self._strict, namespaces=self._namespaces)
                self._hold_ready(self._nursery)
            return self._nursery

    async def close(self) -> None:
        self._closed = True
        self._drop_held()
        if self._nursery:
            self._nursery.close()

    async def _locked(self, limits: Limits) -> tuple[Nursery, Child]:
        """A child that waits for its job. When the zygote goes under it, another: no code of others has run yet."""
        for last_try in (False, True):
            nursery = await self.start()
            child = self._next(nursery, limits)
            try:
                await child.locked()
            except (SandboxLost, SandboxUnavailable):
                if last_try or await _ending(child) is not None:
                    raise
            else:
                return nursery, child
            finally:
                if not child.is_locked:
                    child.kill()
        raise AssertionError  # Either try returns or raises.

    def _next(self, nursery: Nursery, limits: Limits) -> Child:
        while self._held and limits == self._limits:
            child = self._held.popleft()
            if not child.ended.done():
                return child
            child.kill()
        return nursery.bear(limits)

    def _hold_ready(self, nursery: Nursery) -> None:
        while nursery.alive and len(self._held) < self._ready:
            self._held.append(nursery.bear(self._limits))

    def _drop_held(self) -> None:
        while self._held:
            self._held.pop().kill()


async def _verdict(child: Child, limits: Limits, timeout: float) -> SandboxError:  # noqa: ASYNC109  # As above.
    """What to say of a child that ended without a reply."""
    ending = await _ending(child)
    if ending is None:
        return SandboxLost()
    if ending.reason == "scratch":
        return CodeScratchFull(limit=limits.scratch // MIB)
    if ending.reason:
        return CodeKilled(how=f"it started more than {limits.threads} threads", signal="")
    if not os.WIFSIGNALED(ending.status):
        return CodeKilled(how=f"it left with exit code {os.waitstatus_to_exitcode(ending.status)}", signal="")
    number = os.WTERMSIG(ending.status)
    if number == signal.SIGXCPU:
        return CodeTimedOut(seconds=timeout)
    name = signal.Signals(number).name
    return CodeKilled(how=f"it was ended by {name}", signal=name)


async def _ending(child: Child) -> Ending | None:
    """How a child ended; None when its zygote went first."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            return await child.ended
    return None
