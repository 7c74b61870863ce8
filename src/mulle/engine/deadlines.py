"""Until when nodes have to come to their ending, the earliest first. Knows times and paths, and no clock."""

import heapq

from mulle.engine.facts import Path


class Deadlines:
    """Times with the nodes they are for. What has become of a node meanwhile is for others to say."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, Path]] = []
        self._kept: set[tuple[float, Path]] = set()

    def __bool__(self) -> bool:
        return bool(self._heap)

    @property
    def first(self) -> tuple[float, Path]:
        return self._heap[0]

    def set(self, due: float, path: Path) -> None:
        """Keep a time; once is enough for all the rounds of a loop."""
        if (due, path) not in self._kept:
            self._kept.add((due, path))
            heapq.heappush(self._heap, (due, path))

    def take(self) -> None:
        """Forget the first one."""
        self._kept.remove(heapq.heappop(self._heap))
