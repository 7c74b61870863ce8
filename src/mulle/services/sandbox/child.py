"""One child of a zygote, seen from Mulle: wait until it is locked, give it a job, take its reply, end it."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mulle.errors import CodeOutputTooLarge, SandboxLost, SandboxUnavailable
from mulle.services.sandbox.inside import channel

LOCKED_WITHIN = 30.0
"""Seconds; on a machine at rest it takes 3 ms."""


@dataclass(frozen=True)
class Ending:
    """How a child ended: the status as waitpid gives it, and why the zygote ended it, if it did."""

    status: int
    reason: str


class Child:
    """A forked process that serves one job."""

    def __init__(self, number: int, line: socket.socket) -> None:
        line.setblocking(False)
        self.number = number
        self.ended: asyncio.Future[Ending | None] = asyncio.get_running_loop().create_future()
        """Set once it is gone; to None when the zygote went first and nobody knows how it ended."""
        self._line = line
        self._process = -1
        self._heard = b""

    @property
    def is_locked(self) -> bool:
        """Whether it has said that every lock is on."""
        return self._heard.startswith(channel.LOCKED)

    async def locked(self) -> None:
        """Returns once every lock is on; raises SandboxUnavailable when one failed, SandboxLost when it is gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOCKED_WITHIN):
                while not self.is_locked:
                    await self._listen()
                return
        raise SandboxUnavailable(missing=f"a process was not locked within {LOCKED_WITHIN:g} s")

    async def work(self, job: bytes) -> None:
        """Give it the job. When it is gone by then, the reply says so."""
        message = memoryview(len(job).to_bytes(4, "big") + job)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while message:
                try:
                    message = message[self._line.send(message) :]
                except BlockingIOError:
                    await writable(self._line)

    async def reply(self, most: int) -> bytes | None:
        """Its reply; None when it ended without a whole one. Raises CodeOutputTooLarge above `most` bytes."""
        received, length = bytearray(), None
        while length is None or len(received) < length + 4:
            try:
                part = self._line.recv(1 << 18)
            except BlockingIOError:
                await readable(self._line)
                continue
            except ConnectionResetError:
                return None
            if not part:
                return None
            received += part
            if length is None and len(received) >= 4:
                length = int.from_bytes(received[:4], "big")
                if length > most:
                    raise CodeOutputTooLarge(limit=f"{most:,} bytes")
        return bytes(received[4 : length + 4])

    def kill(self) -> None:
        """End it now, whatever it does. A child that is not yet locked finds nobody to work for, and goes by itself."""
        if self._process >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
            os.close(self._process)
            self._process = -1
        self._line.close()

    async def _listen(self) -> None:
        """Hear what it says before it is locked: the means to end it, then that it is locked or why not."""
        try:
            said, descriptors, _, _ = socket.recv_fds(self._line, 2048, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            await readable(self._line)
            return
        except ConnectionResetError:
            said, descriptors = b"", []
        if descriptors:
            self._process = descriptors[0]
        self._heard += said.removeprefix(channel.HERE) if descriptors else said
        if not said:
            reason = self._heard.removeprefix(channel.FAILED).decode(errors="replace")
            raise SandboxUnavailable(missing=reason) if reason else SandboxLost


async def readable(line: socket.socket) -> None:
    """Wait until there is something to read."""
    loop = asyncio.get_running_loop()
    await _ready(line, loop.add_reader, loop.remove_reader)


async def writable(line: socket.socket) -> None:
    """Wait until there is room for more."""
    loop = asyncio.get_running_loop()
    await _ready(line, loop.add_writer, loop.remove_writer)


async def _ready(line: socket.socket, add: Callable[..., None], remove: Callable[..., Any]) -> None:
    """Leave nothing behind when the coroutine is closed meanwhile, unlike the loop's own `sock_recv`.

    A reader that stays would keep the loop deaf to the next socket of that number.
    """
    waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def arrived() -> None:
        remove(line)
        waiting.set_result(None)

    add(line, arrived)
    try:
        await waiting
    finally:
        if not waiting.done() or waiting.cancelled():
            remove(line)
