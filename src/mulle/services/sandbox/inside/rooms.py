"""The place on disk that a call gets to itself, and what bounds it.

Where the kernel grants namespaces (as root always; as an ordinary user mostly) each call gets an empty file system of
its own, in memory: the kernel bounds its size and its number of files, nothing else of the disk can even be named, and
it is gone when the process is. Elsewhere it gets a folder on disk that is looked at from outside, and the call is ended
when it holds too much.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import Protocol

from . import kernel
from .removal import remove

MOST_FILES = 4096
"""Files and folders in one room."""


class Rooms(Protocol):
    """Where calls live. `enter`, `clear` and `complaint` run in the zygote, `move_in` in the child."""

    watched: bool
    """Whether calls must be looked at, since the kernel does not bound what they hold."""

    def enter(self) -> None: ...

    def move_in(self, number: int, size: int, owner: int | None) -> str:
        """Make the room of call `number` the working directory; answers its path."""
        ...

    def complaint(self, number: int, pid: int, size: int, threads: int) -> str:
        """What the call does too much of: `scratch`, `threads` or nothing."""
        ...

    def is_cleared(self, number: int) -> bool:
        """Whether nothing of a room is left, or was quickly removed."""
        ...

    def clear(self, number: int) -> None: ...

    def leave(self) -> None: ...


class PrivateRoots:
    """A file system in memory for each call, in a mount namespace that holds nothing else."""

    watched = False

    def __init__(self, *, own_user: bool) -> None:
        """With `own_user`, in user namespaces: needed by all who are not root."""
        self._user = kernel.CLONE_NEWUSER if own_user else 0
        self._proc = -1

    def enter(self) -> None:
        user, group = os.getuid(), os.getgid()
        kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | self._user)
        self._proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
        self._map_ids(user, group)
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        quiet = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("mulle", "/tmp", "tmpfs", quiet, "size=64k,nr_inodes=16,mode=0755")
        os.chdir("/tmp")
        for name in ("tmp", "dev", "old"):
            os.mkdir(name)
        os.close(os.open("dev/null", os.O_CREAT | os.O_WRONLY))
        kernel.mount("/dev/null", "dev/null", None, kernel.MS_BIND)
        kernel.pivot_root(".", "old")
        os.chdir("/")
        kernel.detach("old")
        os.rmdir("old")
        kernel.mount("none", "/", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | quiet)

    def move_in(self, number: int, size: int, owner: int | None) -> str:
        del number
        user, group = os.getuid(), os.getgid()
        # A user namespace a call: RLIMIT_NPROC then counts the threads of this call and of nobody else.
        kernel.unshare(kernel.CLONE_NEWNS | self._user)
        self._map_ids(user, group)
        os.close(self._proc)
        options = f"size={size},nr_inodes={MOST_FILES},mode=0700"
        if owner is not None:
            options += f",uid={owner},gid={owner}"
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        kernel.mount("mulle", "/tmp", "tmpfs", flags, options)
        return "/tmp"

    def complaint(self, number: int, pid: int, size: int, threads: int) -> str:
        del number, pid, size, threads
        return ""  # The kernel bounds both.

    def is_cleared(self, number: int) -> bool:
        del number
        return True  # The room went with the process.

    def clear(self, number: int) -> None:
        """As above."""

    def leave(self) -> None:
        """As above."""

    def _map_ids(self, user: int, group: int) -> None:
        """In a new user namespace: be who we were."""
        if not self._user:
            return
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            file = os.open(f"self/{name}", os.O_WRONLY, dir_fd=self._proc)
            try:
                os.write(file, text.encode())
            finally:
                os.close(file)


class Folders:
    """A folder on disk for each call. Between two looks a call may write more than its share; then it is ended."""

    watched = True

    def __init__(self, path: str) -> None:
        """At `path`, which Mulle names and removes, whatever becomes of us."""
        self.path = path

    def enter(self) -> None:
        os.mkdir(self.path, 0o711)  # Whoever a call runs as must pass through it.

    def move_in(self, number: int, size: int, owner: int | None) -> str:
        del size
        room = f"{self.path}/{number}"
        os.mkdir(room, 0o700)
        if owner is not None:
            os.chown(room, owner, owner)
        return room

    def complaint(self, number: int, pid: int, size: int, threads: int) -> str:
        """Looks at the folder, at open files that have no name any more, and at the threads."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if len(os.listdir(f"/proc/{pid}/task")) > threads + 1:
                return "threads"
        held = 0
        for files, found in enumerate(_contents(f"{self.path}/{number}", pid), 1):
            held += found.st_blocks * 512
            if held > size or files > MOST_FILES:
                return "scratch"
        return ""

    def is_cleared(self, number: int) -> bool:
        try:
            os.rmdir(f"{self.path}/{number}")
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def clear(self, number: int) -> None:
        remove(f"{self.path}/{number}")

    def leave(self) -> None:
        remove(self.path)


def _contents(folder: str, pid: int) -> Iterator[os.stat_result]:
    """What the files of a room take, named ones and those still open without a name."""
    waiting = [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                found = os.stat(descriptor.path)
                if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                    yield found
