"""The locks a child puts on before it sees the user's code, and the trial that says which ones hold here.

Order matters: namespaces need capabilities, a change of user forgets the parent's death signal, Landlock and the filter
need no new privileges, and after the filter nothing of this can be called any more.
"""

import dataclasses
import math
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass

from . import PID_PLACE, kernel, rooms

# Ids that systemd's table of ranges leaves to nobody. One a call, so that limits by user count one call.
_FIRST_OWNER, _OWNERS = 0x7000_0000, 0x1_0000


@dataclass(frozen=True)
class Bounds:
    """What the kernel is to enforce for one child; bytes and counts."""

    memory: int
    scratch: int
    threads: int
    files: int


@dataclass(frozen=True)
class Holds:
    """What this machine gives, found by trying it."""

    root: bool
    landlock: int
    """Version of Landlock; 0 for none."""
    filter: str
    """Why no seccomp filter can be installed; empty when it can."""
    owner: bool
    """Whether each call can run as a user of its own."""
    rooms: str
    """Why calls get no file system of their own; empty when they do."""

    def lacks(self) -> list[str]:
        """What must be there before code of others runs, and is not."""
        found: list[str] = []
        if not self.landlock:
            found.append("this kernel has no Landlock, or it is switched off")
        if self.filter:
            found.append(f"system calls cannot be filtered ({self.filter})")
        return found

    def to_dict(self) -> dict[str, object]:
        return {**dataclasses.asdict(self), "lacks": self.lacks()}


def tried(program: bytes, why_no_program: str, *, namespaces: bool) -> Holds:
    """Try each lock in a child that is thrown away."""
    root = os.geteuid() == 0
    owner = root and not _failure(lambda: _become(_FIRST_OWNER))
    return Holds(
        root=root,
        landlock=kernel.landlock_version(),
        filter=_failure(lambda: _filter(program)) if program else why_no_program,
        owner=owner,
        rooms=_failure(lambda: _room_trial(own_user=not owner)) if namespaces else "switched off",
    )


def put_on(holds: Holds, program: bytes, bounds: Bounds, *, base: int, owner: int | None, room: str) -> None:
    """Lock this process for good; raises OSError when something that held in the trial does not.

    Args:
        holds: What the trial found.
        program: The seccomp filter.
        bounds: The limits.
        base: Bytes of address space that the interpreter itself takes.
        owner: The user to become, or None to stay.
        room: The only folder that stays reachable.
    """
    _limit(bounds, base, count_threads=owner is not None or not holds.rooms)
    if owner is not None:
        _become(owner)
    kernel.drop_capabilities()
    kernel.die_with_parent()
    kernel.no_new_privileges()
    if holds.landlock:
        kernel.confine({room: kernel.USE_FOLDER, os.devnull: kernel.USE_FILE})
    if not holds.filter:
        _filter(program)


def limit_time(seconds: float) -> None:
    """The processor time of a call; whoever waits for it counts the time on the wall."""
    most = math.ceil(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))  # The first can be caught, the second cannot.


def owner_of(number: int, holds: Holds) -> int | None:
    """The user that call `number` runs as; None when it cannot have its own."""
    return _FIRST_OWNER + number % _OWNERS if holds.owner else None


def _limit(bounds: Bounds, base: int, *, count_threads: bool) -> None:
    limits = {
        resource.RLIMIT_AS: base + bounds.memory,
        resource.RLIMIT_FSIZE: bounds.scratch,
        resource.RLIMIT_NOFILE: bounds.files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if count_threads:  # Else the count would include processes that are not ours.
        limits[resource.RLIMIT_NPROC] = bounds.threads + 1
    for kind, wanted in limits.items():
        allowed = resource.getrlimit(kind)[1]
        most = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
        resource.setrlimit(kind, (most, most))


def _become(owner: int) -> None:
    os.setgroups([])
    os.setresgid(owner, owner, owner)
    os.setresuid(owner, owner, owner)


def _filter(program: bytes) -> None:
    kernel.no_new_privileges()
    kernel.filter_calls(_for_pid(program, os.getpid()))


def _for_pid(program: bytes, pid: int) -> bytes:
    """The filter with the process's id filled in: the last 4 of an instruction's 8 bytes are its constant."""
    filled, place = bytearray(program), PID_PLACE.to_bytes(4, sys.byteorder)
    at = program.find(place)
    while at >= 0:
        if at % 8 == 4:
            filled[at : at + 4] = pid.to_bytes(4, sys.byteorder)
        at = program.find(place, at + 1)
    return bytes(filled)


def _room_trial(*, own_user: bool) -> None:
    room = rooms.PrivateRoots(own_user=own_user)
    room.enter()
    os.chdir(room.move_in(0, 1 << 20, None))
    os.close(os.open("trial", os.O_CREAT | os.O_WRONLY))


def _failure(attempt: Callable[[], None]) -> str:
    """What goes wrong when a child of ours tries it; empty when nothing does."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            attempt()
        except BaseException as error:  # noqa: BLE001  # Whatever it is, it is the answer.
            os.write(writing, f"{error}"[:500].encode() or b"failed")
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:
        said = answer.read().decode(errors="replace")
    status = os.waitpid(pid, 0)[1]
    return said or (f"ended by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "")
