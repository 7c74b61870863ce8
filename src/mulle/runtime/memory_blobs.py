"""Big values of the journal in memory, each once by the hash of its content."""

from collections.abc import Mapping, Sequence
from typing import Any

from mulle.engine.blobs import Unpacked


class MemoryBlobs:
    """The values, and which runs refer to them."""

    def __init__(self) -> None:
        self._parts: dict[str, Sequence[bytes]] = {}
        self._uses: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(len(part) for parts in self._parts.values() for part in parts)

    def keep(self, run: str, blobs: Mapping[str, Sequence[bytes]]) -> None:
        """Store what is not there, and note that a run refers to all of it."""
        for name, parts in blobs.items():
            self._parts.setdefault(name, parts)
            self._uses.setdefault(name, set()).add(run)

    def value(self, name: str) -> Any:
        """Raises BlobLost."""
        unpacked = Unpacked(name)
        for part in self._parts.get(name, ()):
            unpacked.add(part)
        return unpacked.value()

    def forget(self, run: str) -> None:
        """Let go of what only this run refers to."""
        for name, runs in list(self._uses.items()):
            runs.discard(run)
            if not runs:
                del self._uses[name], self._parts[name]
