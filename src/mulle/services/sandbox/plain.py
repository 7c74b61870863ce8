"""Run calls in a fresh process each, with limits and no lock at all: the code can do whatever Mulle can do.

What an operator gets for MULLE_SANDBOX=unsafe, on any system that runs Python. Time, memory, size of files and of the
reply are bounded; the disk, the network and other programs are open.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process

from mulle.errors import CodeKilled, CodeOutputTooLarge, CodeTimedOut, SandboxUnavailable
from mulle.services.sandbox import launch, wire
from mulle.services.sandbox.limits import Limits


class Plain:
    """Calls in processes of their own, at most so many at once."""

    def __init__(self, at_once: int, timezone: str) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._timezone = timezone
        self._running: set[Process] = set()

    async def run(self, job: bytes, limits: Limits, timeout: float) -> tuple[bytes, float]:  # noqa: ASYNC109  # A limit of the code's, not of ours.
        """As `Forked.run`."""
        async with self._places:
            with tempfile.TemporaryDirectory(prefix="mulle-unsafe-", ignore_cleanup_errors=True) as folder:
                process = await self._started(folder, limits)
                begun = time.perf_counter()
                try:
                    async with asyncio.timeout(timeout):
                        reply = await _asked(process, job, wire.most_bytes(limits))
                except TimeoutError:
                    raise CodeTimedOut(seconds=timeout) from None
                finally:
                    await self._end(process)
                if reply is None:
                    raise CodeKilled(how=f"it left with exit code {process.returncode}", signal="")
                return reply, time.perf_counter() - begun

    async def start(self) -> None:
        """Nothing to do ahead."""

    async def close(self) -> None:
        for process in list(self._running):
            _kill(process)

    async def _started(self, folder: str, limits: Limits) -> Process:
        bounds = [str(bound) for bound in (limits.memory, limits.scratch, limits.files)]
        try:
            process = await asyncio.create_subprocess_exec(
                *launch.command("once", *bounds),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=launch.environment(self._timezone),
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxUnavailable(missing=f"no second Python starts ({error})") from error
        self._running.add(process)
        return process

    async def _end(self, process: Process) -> None:
        self._running.discard(process)
        _kill(process)
        await process.wait()


async def _asked(process: Process, job: bytes, most: int) -> bytes | None:
    """The reply; None when there is no whole one."""
    assert process.stdin
    assert process.stdout
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(len(job).to_bytes(4, "big") + job)
        await process.stdin.drain()
    with contextlib.suppress(asyncio.IncompleteReadError):
        length = int.from_bytes(await process.stdout.readexactly(4), "big")
        if length > most:
            raise CodeOutputTooLarge(limit=f"{most:,} bytes")
        return await process.stdout.readexactly(length)
    return None


def _kill(process: Process) -> None:
    """It and what it started in its own session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
