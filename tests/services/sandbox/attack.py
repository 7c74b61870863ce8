"""Run a program in a sandbox and look at how it ends."""

import os
from pathlib import Path
from typing import Any

from mulle.errors import SandboxError
from mulle.services.sandbox import CodeResult, Sandbox


async def ends(sandbox: Sandbox, source: str, **arguments: Any) -> CodeResult | SandboxError:
    """What comes of `main`: its result, or the error of ours that tells why there is none."""
    try:
        return await sandbox.call(source, "main", arguments, timeout=20)
    except SandboxError as error:
        return error


async def value(sandbox: Sandbox, source: str, **arguments: Any) -> Any:
    """What `main` returns."""
    return (await sandbox.call(source, "main", arguments, timeout=20)).value


def untouched(file: Path) -> bool:
    """Whether the file of the fixture `outside` is as it was made."""
    found = file.stat()
    return (file.read_text(), found.st_mode & 0o7777, found.st_mtime, found.st_uid, found.st_nlink) == (
        "secret",
        0o666,
        1_000_000_000,
        os.getuid(),
        1,
    ) and os.listxattr(file) == []
