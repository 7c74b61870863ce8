"""One job in a fresh process, with limits and no locks: the job on the standard input, the reply on its output."""

import contextlib
import os
import sys

from . import channel, step

try:
    import resource
except ImportError:  # Windows.
    resource = None


def main() -> None:
    """Serve one job. Arguments: bytes of memory, of files, the number of open files."""
    answer_to = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    job = channel.receive_job(0)
    os.dup2(nowhere, 0)
    if job:
        memory, scratch, files = map(int, sys.argv[1:])
        _limit(memory, scratch, files, int(job["seconds"]) + 2)
        channel.send_reply(answer_to, step.run(job))
    os._exit(0)


def _limit(memory: int, scratch: int, files: int, seconds: int) -> None:
    if resource is None:
        return
    limits = {
        resource.RLIMIT_AS: memory + _address_space(),
        resource.RLIMIT_FSIZE: scratch,
        resource.RLIMIT_NOFILE: files,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # macOS knows some of them by name only.
            resource.setrlimit(kind, (most, most))


def _address_space() -> int:
    """Bytes this process takes by now; where nobody says, a generous guess."""
    with contextlib.suppress(OSError), open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 256 << 20
