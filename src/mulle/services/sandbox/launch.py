"""Start a zygote: another Python, by exec, with nothing of ours but one socket."""

import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mulle.errors import SandboxUnavailable
from mulle.services.sandbox.inside.removal import remove

_INSIDE = "import sys; sys.path += sys.argv.pop(1).split({separator!r}); from inside.{part} import main; main()"


def launched(timezone: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A starting zygote and the socket to it, where it waits for `setup`.

    Raises SandboxUnavailable when there is nothing to start, or this is no Linux.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable(missing=f"{sys.platform} is not Linux")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            process = subprocess.Popen(  # noqa: S603  # Our own interpreter, our own file.
                command("zygote", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment(timezone),
                cwd="/",
                start_new_session=True,  # Ctrl-C at a terminal is for Mulle to answer.
            )
        except OSError as error:
            ours.close()
            raise SandboxUnavailable(missing=f"no second Python starts ({error})") from error
    return process, ours


def setup(program: bytes, why_no_program: str, folder: str, *, strict: bool, namespaces: bool) -> bytes:
    """The first message to a zygote; with `strict` it goes no further where the kernel lacks a lock.

    Where it needs a folder on disk it makes `folder`; remove it when the zygote has ended, whether it was made or not.
    """
    filtered = {"filter": program.hex(), "no_filter": why_no_program}
    return json.dumps({**filtered, "folder": folder, "strict": strict, "namespaces": namespaces}).encode()


def new_folder() -> str:
    """A path that nobody has."""
    return os.path.join(tempfile.gettempdir(), f"mulle-sandbox-{secrets.token_hex(8)}")  # noqa: PTH118  # As text.


def greeting(control: socket.socket, process: subprocess.Popen[bytes], *, strict: bool) -> dict[str, Any]:
    """What the zygote says when it is ready: `holds` and `watched`.

    Raises SandboxUnavailable when it cannot be, and with `strict` when the kernel lacks a lock.
    """
    try:
        message = control.recv(1 << 16)
    except ConnectionResetError:  # It went without having read what we sent.
        message = b""
    if not message:
        process.kill()
        last_words = process.communicate()[1].decode(errors="replace").strip().splitlines()
        raise SandboxUnavailable(missing=f"its Python does not start ({last_words[-1] if last_words else 'no reason'})")
    said: dict[str, Any] = json.loads(message)
    if "failed" in said:
        raise SandboxUnavailable(missing=f"its process does not get ready ({said['failed']})")
    if strict and (lacks := said["holds"]["lacks"]):
        raise SandboxUnavailable(missing="; ".join(lacks))
    return said


def ended(process: subprocess.Popen[bytes], folder: str) -> None:
    """Make sure that it is gone, and nothing of it remains. Its children die with it, by the kernel."""
    process.kill()
    process.wait()
    if process.stderr:
        process.stderr.close()
    remove(folder)


def command(part: str, *arguments: str) -> list[str]:
    """How to start a file of `inside/`: no site packages, no environment, no bytecode written."""
    folders = os.pathsep.join([str(Path(__file__).parent), *_template_folders()])
    program = _INSIDE.format(separator=os.pathsep, part=part)
    return [sys.executable, "-I", "-S", "-B", "-c", program, folders, *arguments]


def environment(timezone: str) -> dict[str, str]:
    """All that a sandbox process has of an environment."""
    # One arena: each further one would take 64 MiB of the address space that a call may have.
    clean = {"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
    return clean | ({"TZ": timezone} if timezone else {})


def _template_folders() -> list[str]:
    """Where the template language lies, which is no part of Python."""
    found = [importlib.util.find_spec(name) for name in ("jinja2", "markupsafe", "tzdata")]
    return sorted({str(Path(spec.origin).parent.parent) for spec in found if spec and spec.origin})
