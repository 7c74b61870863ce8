"""The sandbox's own process: loads Python's library once, then forks a locked child for each call.

It is started with a clean environment and one socket, over which it gets the seccomp filter and then, for each call, a
number, the bounds and the child's end of a channel; it answers with how each child ended. It never sees what a child is
asked or answers: that goes over the channel, between Mulle and the child.

    Mulle ──{"number", "bounds"} + channel──▶ zygote ──fork──▶ child: locks ▸ "R" ▸ job ▸ reply ▸ gone
          ◀──{"number", "status", "reason"}──
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from . import channel, kernel, locks, rooms, step
from .preload import preload

_REHEARSAL: dict[str, Any] = {
    "source": "def main(): return {}",
    "function": "main",
    "arguments": {},
    "printed": 9,
    "result": 99,
}
"""Done once before a child says that it is ready: a fork copies memory when it is first touched, which then is over."""

LOOK_EVERY = 0.05
"""Seconds between two looks at a call whose room the kernel does not bound."""


def main() -> None:
    """Serve until Mulle hangs up. Argument: the socket's number."""
    control = socket.socket(fileno=int(sys.argv[1]))
    os.umask(0o022)
    with contextlib.suppress(OSError):
        # Should the machine run short of memory, a call ends before Mulle does.
        _write("/proc/self/oom_score_adj", "500")
    base = _address_space()
    try:
        preload()
        setup = json.loads(control.recv(1 << 20))
        zygote = Zygote(control, setup, max(base, _address_space()))
    except Exception as error:  # noqa: BLE001  # Said to whoever waits for us.
        control.send(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode())
        return
    zygote.serve()


@dataclass
class Child:
    """A call on its way."""

    number: int
    pid: int
    bounds: locks.Bounds
    watched: bool = False
    """Whether its room must be looked at: from the moment it gets its job, where the kernel does not bound it."""
    reason: str = ""
    """Why we ended it."""


class Zygote:
    """Forks children when told, and tells how they ended."""

    def __init__(self, control: socket.socket, setup: dict[str, Any], base: int) -> None:
        self._control, self._base = control, base
        self._pid = os.getpid()
        self._program = bytes.fromhex(setup["filter"])
        self._children: dict[int, Child] = {}  # By the descriptor that tells when it ended.
        self._cleaners: dict[int, int] = {}  # Process ids, in the same way.
        self._events = select.epoll()
        kernel.no_new_privileges()
        self._holds = locks.tried(self._program, setup["no_filter"], namespaces=setup["namespaces"])
        self._rooms: rooms.Rooms = (
            rooms.Folders(setup["folder"]) if self._holds.rooms else rooms.PrivateRoots(own_user=not self._holds.owner)
        )
        if not (setup["strict"] and self._holds.lacks()):
            self._rooms.enter()
        self._say({"holds": self._holds.to_dict(), "watched": self._rooms.watched})

    def serve(self) -> None:
        gc.collect()
        gc.freeze()  # Collections in children then leave these pages shared.
        self._events.register(self._control, select.EPOLLIN)
        while True:
            watching = any(child.watched for child in self._children.values())
            for source, _ in self._events.poll(LOOK_EVERY if watching else None):
                if source != self._control.fileno():
                    self._bury(source)
                elif not self._obey():
                    return self._leave()
            self._look()

    def _obey(self) -> bool:
        """Do what the next message says; False when there will be no more."""
        text, descriptors, _, _ = socket.recv_fds(self._control, 1 << 16, 1)
        if not text:
            return False
        message = json.loads(text)
        if "watch" in message:
            for child in self._children.values():
                child.watched = child.watched or child.number == message["watch"]
            return True
        self._bear(message["number"], locks.Bounds(**message["bounds"]), descriptors[0])
        return True

    def _bear(self, number: int, bounds: locks.Bounds, line: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:  # Too many processes: one call less, not the end of all.
            channel.send_all(line, channel.FAILED + f"no process can be made ({error})".encode())
            os.close(line)
            self._say({"number": number, "status": 0, "reason": "unborn"})
            return
        if not pid:
            try:
                self._live(number, bounds, line)
            finally:
                os._exit(0)
        os.close(line)
        ending = os.pidfd_open(pid)
        self._children[ending] = Child(number, pid, bounds)
        self._events.register(ending, select.EPOLLIN)

    def _live(self, number: int, bounds: locks.Bounds, line: int) -> None:
        """The child's whole life."""
        try:
            channel.send_self(line)
            os.setsid()
            owner = locks.owner_of(number, self._holds)
            room = self._rooms.move_in(number, bounds.scratch, owner)
            os.chdir(room)
            os.environ["HOME"] = os.environ["TMPDIR"] = tempfile.tempdir = room
            line = _only(line)
            locks.put_on(self._holds, self._program, bounds, base=self._base, owner=owner, room=room)
            if os.getppid() != self._pid:
                return  # It died before we could ask to die with it.
        except Exception as error:  # noqa: BLE001  # Whatever it is, no job must come.
            channel.send_all(line, channel.FAILED + f"{type(error).__name__}: {error}".encode()[:1000])
            return
        step.run(_REHEARSAL)
        channel.send_all(line, channel.LOCKED)
        if job := channel.receive_job(line):
            locks.limit_time(job["seconds"])
            channel.send_reply(line, step.run(job))

    def _bury(self, ending: int) -> None:
        self._events.unregister(ending)
        os.close(ending)
        if ending in self._cleaners:
            os.waitpid(self._cleaners.pop(ending), 0)
            return
        child = self._children.pop(ending)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)  # Where no filter kept it from starting others, they go with it.
        status = os.waitpid(child.pid, 0)[1]
        self._say({"number": child.number, "status": status, "reason": child.reason})
        if not self._rooms.is_cleared(child.number):
            self._clean(child.number)

    def _clean(self, number: int) -> None:
        """In a process of its own: a hundred thousand files take seconds, in which others want to be looked at."""
        try:
            pid = os.fork()
        except OSError:
            return  # It goes with the folder of all, at the latest.
        if not pid:
            try:
                self._control.close()
                self._rooms.clear(number)
            finally:
                os._exit(0)
        ending = os.pidfd_open(pid)
        self._cleaners[ending] = pid
        self._events.register(ending, select.EPOLLIN)

    def _look(self) -> None:
        for child in self._children.values():
            if not child.watched or child.reason:
                continue
            child.reason = self._rooms.complaint(child.number, child.pid, child.bounds.scratch, child.bounds.threads)
            if child.reason:
                os.kill(child.pid, signal.SIGKILL)

    def _leave(self) -> None:
        for child in self._children.values():
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
        for cleaner in self._cleaners.values():
            os.waitpid(cleaner, 0)
        self._rooms.leave()

    def _say(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # Then the next message to obey is that nobody is there.
            self._control.send(json.dumps(message).encode())


def _only(line: int) -> int:
    """Close every descriptor but this one; it becomes number 3. Input is empty, output goes nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.dup2(line, 3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    return 3


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _address_space() -> int:
    """Bytes of address space that this process takes."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
