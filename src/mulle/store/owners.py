"""Tell the living from the dead among the processes that share a home. Knows locks; knows nothing of runs.

Each owner holds a POSIX lock on the file `owners/<id>` for as long as it lives. The kernel frees the lock however the
process ends, and a forked child does not inherit it. Ids are never used again, so an owner without a file is dead.

POSIX locks belong to the process: closing *any* descriptor of a locked file frees the lock. So nobody may open a file
that this process has locked, and `_held` knows which ones these are.
"""

import contextlib
import fcntl
import os
import time
import uuid
from pathlib import Path

from mulle.errors import StoreError
from mulle.store.database import storage

_held: dict[Path, int] = {}
"""Files that this process has locked, and their descriptors."""

os.register_at_fork(after_in_child=_held.clear)

HALF_BORN = 3600.0
"""Seconds after which a file that never got its name is taken for a leftover."""


class Owners:
    """The owners of one home, and this process's own place among them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._me: str | None = None
        self._process = os.getpid()

    @property
    def me(self) -> str:
        """This process's id as an owner, locked when it is first asked for: who only looks never becomes one.

        Raises StoreUnavailable or StoreFull when the folder cannot be written, or cannot lock.
        """
        if self.entered is None:
            self._me, self._process = self._enter(), os.getpid()
        assert self._me is not None
        return self._me

    @property
    def entered(self) -> str | None:
        """This process's id if it has become an owner."""
        return self._me if self._process == os.getpid() else None

    def is_alive(self, owner: str) -> bool:
        """Whether that owner's process still runs. The file of a dead one is removed."""
        path = self._folder / Path(owner).name
        if path in _held:
            return True
        with storage(self._folder):
            try:
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
            except PermissionError:
                return True  # Another user's: we cannot know, and taking a living one's runs would be worse.
            try:
                # Shared, so that two who ask at once do not take each other for the owner.
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                return True
            finally:
                os.close(file)
        with contextlib.suppress(OSError):
            path.unlink()
        return False

    def clean(self) -> None:
        """Remove the files of the dead."""
        with storage(self._folder):
            files = list(self._folder.iterdir()) if self._folder.is_dir() else []
        for file in files:
            with contextlib.suppress(StoreError, OSError):
                if not file.name.startswith("."):
                    self.is_alive(file.name)
                elif file.stat().st_mtime < time.time() - HALF_BORN:
                    file.unlink()

    def close(self) -> None:
        """Be an owner no more: whoever looks for us from now on finds us dead."""
        if self.entered is None:
            return
        path = self._folder / self.entered
        self._me = None
        file = _held.pop(path, None)
        if file is not None:
            with contextlib.suppress(OSError):
                path.unlink()
            os.close(file)

    def _enter(self) -> str:
        """Lock a new file, and only then give it its name: nobody finds it unlocked and takes its owner for dead."""
        self.clean()
        owner = uuid.uuid4().hex
        path, unnamed = self._folder / owner, self._folder / f".{owner}"
        with storage(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                unnamed.rename(path)
            except BaseException:
                os.close(file)
                raise
        _held[path] = file
        return owner
