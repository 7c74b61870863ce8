"""A zygote and its children, seen from Mulle: start it, have it fork, hear how each child ended, notice its own end."""

import asyncio
import contextlib
import itertools
import json
import socket
import subprocess

from mulle.errors import SandboxUnavailable
from mulle.services.sandbox import launch, policy
from mulle.services.sandbox.child import Child, Ending, readable
from mulle.services.sandbox.limits import Limits

READY_WITHIN = 30.0
"""Seconds; on a machine at rest it takes 0.2 s."""


class Nursery:
    """One running zygote. `started()` makes it."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, folder: str, *, watched: bool) -> None:
        self.alive = True
        self._process, self._control = process, control
        self._folder, self._watched = folder, watched
        self._numbers = itertools.count(1)
        self._children: dict[int, Child] = {}
        asyncio.get_running_loop().add_reader(control, self.hear)

    def bear(self, limits: Limits) -> Child:
        """A new child, soon locked; when the zygote is gone, one that never will be."""
        bounds = {name: getattr(limits, name) for name in ("memory", "scratch", "threads", "files")}
        ours, theirs = socket.socketpair()
        child = Child(next(self._numbers), ours)
        self._children[child.number] = child
        with theirs:
            try:
                message = json.dumps({"number": child.number, "bounds": bounds}).encode()
                socket.send_fds(self._control, [message], [theirs.fileno()])
            except OSError:
                self.close()
        return child

    def watch(self, child: Child) -> None:
        """Have the room of a child looked at from now on, where the kernel does not bound it."""
        if self._watched:
            with contextlib.suppress(OSError):
                self._control.send(json.dumps({"watch": child.number}).encode())

    def close(self) -> None:
        """End it and all its children."""
        if not self.alive:
            return
        self.alive = False
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        launch.ended(self._process, self._folder)
        for child in self._children.values():
            if not child.ended.done():
                child.ended.set_result(None)
        self._children.clear()

    def hear(self) -> None:
        """Take note of children that ended, and of the zygote's own end. Called by the loop, and before each call."""
        if not self.alive:
            return
        try:
            while message := self._control.recv(1 << 12):
                said = json.loads(message)
                child = self._children.pop(said["number"], None)
                if child and not child.ended.done():
                    child.ended.set_result(Ending(said["status"], said["reason"]))
        except BlockingIOError:
            return
        except OSError:
            pass
        self.close()  # It hung up, which it never does by itself.


async def started(timezone: str, *, strict: bool, namespaces: bool) -> Nursery:
    """A zygote that is ready to fork; raises SandboxUnavailable when it, or with `strict` the kernel, is not fit."""
    folder = launch.new_folder()
    process, control = launch.launched(timezone)
    try:
        control.setblocking(False)
        # In a thread: it runs other programs to find its library. Meanwhile the zygote loads Python's.
        program, why = await asyncio.to_thread(policy.seccomp_filter)
        with contextlib.suppress(BrokenPipeError):  # Then it says why by ending.
            control.send(launch.setup(program, why, folder, strict=strict, namespaces=namespaces))
        async with asyncio.timeout(READY_WITHIN):
            await readable(control)
        greeting = launch.greeting(control, process, strict=strict)
        return Nursery(process, control, folder, watched=greeting["watched"])
    except BaseException as error:
        control.close()
        launch.ended(process, folder)
        if isinstance(error, (TimeoutError, OSError)):
            raise SandboxUnavailable(missing=f"its process does not get ready ({error})") from error
        raise
