"""Write files that are whole or not there at all, and only inside their folder."""

import contextlib
import fcntl
import os
import re
import tempfile
import unicodedata
from collections.abc import Generator
from pathlib import Path

from mulle.errors import PathRefused


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path` at one stroke, readable by its owner alone (0600).

    Whoever reads meanwhile sees the old file or the new one, never a part; after a power cut as well. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")  # mkstemp gives 0600.
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - pathlib cannot open a descriptor.
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def append(path: Path, content: bytes) -> None:
    """Add `content` at the end of `path`, in one write, and see it to the disk. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with open(handle, "ab", buffering=0) as file:  # noqa: PTH123 - pathlib cannot open a descriptor.
        file.write(content)
        os.fsync(file.fileno())


@contextlib.contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold the lock file `path` against every other process and thread; waits for it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def inside(folder: Path, name: str) -> Path:
    """The place of the relative `name` in `folder`; raises PathRefused when it would lie anywhere else.

    Symbolic links are followed before judging, so a link inside that points outside is refused too.
    """
    plain = unicodedata.normalize("NFC", name)
    parts = re.split(r"[/\\]", plain)
    if not plain.strip() or not plain.isprintable():
        raise PathRefused(path=name, why="it is empty or holds control characters")
    if parts[0] == "" or ":" in parts[0]:
        raise PathRefused(path=name, why="it begins at the root of a disk")
    if ".." in parts:
        raise PathRefused(path=name, why="it climbs out with ..")
    if parts[-1] in {"", "."}:
        raise PathRefused(path=name, why="it names a folder")
    if any(len(part.encode("utf-8", "replace")) > 200 for part in parts):
        raise PathRefused(path=name, why="a part of it is longer than 200 bytes")
    place = folder.joinpath(*parts)
    if not place.resolve().is_relative_to(folder.resolve()):
        raise PathRefused(path=name, why="a link in it leads outside")
    return place


def _sync_folder(folder: Path) -> None:
    # A rename is on the disk only when its folder is.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
