"""One child of a zygote, seen from Mulle: wait until it is locked, give it a job, take its reply, end it."""

import asyncio
import contextlib
import os
import signal
import socket
from dataclasses import dataclass

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
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            message = len(job).to_bytes(4, "big") + job
            await asyncio.get_running_loop().sock_sendall(self._line, message)

    async def reply(self, most: int) -> bytes | None:
        """Its reply; None when it ended without a whole one. Raises CodeOutputTooLarge above `most` bytes."""
        loop, received, length = asyncio.get_running_loop(), bytearray(), None
        while length is None or len(received) < length + 4:
            try:
                part = await loop.sock_recv(self._line, 1 << 18)
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
    waiting: asyncio.Future[None] = loop.create_future()

    def arrived() -> None:
        loop.remove_reader(line)
        waiting.set_result(None)

    loop.add_reader(line, arrived)
    try:
        await waiting
    finally:
        if not waiting.done() or waiting.cancelled():
            loop.remove_reader(line)
