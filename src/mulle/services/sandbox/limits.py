"""How much one call of a code step may use. Plain numbers; who enforces them is told in `docs/sandbox.md`."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds of one call, each enforced from outside the code."""

    memory: int = 512 * MIB
    """Bytes of address space beyond what the interpreter itself has."""

    scratch: int = 64 * MIB
    """Bytes that all files of the call's own folder may hold together."""

    result: int = 8 * MIB
    """Bytes of the returned value, written as JSON."""

    printed: int = 64 * 1024
    """Bytes kept of what the code printed; the rest is cut off, which is no error."""

    threads: int = 16
    """Threads beside the one that runs the function."""

    files: int = 64
    """Files, pipes and sockets open at the same time."""


DEFAULT = Limits()
