"""When a run has to look at something again. Knows times and paths, and nothing of what is to be done then."""

import heapq

from mulle.engine.facts import Path


class Timers(list[tuple[float, Path]]):
    """Times with the paths they are for, as a heap. The empty path is the run itself."""

    @property
    def first(self) -> tuple[float, Path]:
        return self[0]

    def set(self, time: float, path: Path) -> None:
        heapq.heappush(self, (time, path))

    def take(self) -> tuple[float, Path]:
        """The first one, which is over then."""
        return heapq.heappop(self)
