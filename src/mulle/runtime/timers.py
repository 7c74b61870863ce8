"""When a run has to look at something again. Knows times and paths, and nothing of what is to be done then."""

import heapq

from mulle.engine.facts import Path


class Timers:
    """Times with the paths they are for, the earliest first. The empty path is the run itself."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, Path]] = []

    def __bool__(self) -> bool:
        return bool(self._heap)

    @property
    def first(self) -> tuple[float, Path]:
        return self._heap[0]

    def set(self, time: float, path: Path) -> None:
        heapq.heappush(self._heap, (time, path))

    def take(self) -> tuple[float, Path]:
        """The first one, which is over then."""
        return heapq.heappop(self._heap)
