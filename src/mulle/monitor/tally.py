"""What is counted of runs and nodes, and what is told of it: rates, mean, deviation, quantiles.

Everything that is added up is a whole number (durations are microseconds), so that it does not depend on the order in
which runs are read: an index that is built again says the same. The names that are told are those people's own
monitoring code knows: `success_rate` in percent, `avg_duration` in seconds.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from mulle.monitor.sketch import Buckets, bucket, merge, quantiles

MICRO = 1_000_000


@dataclass(slots=True)
class Tally:
    """How often something ran, how it ended, and how long it took."""

    successes: int = 0
    failures: int = 0
    stopped: int = 0
    """Cancelled runs; nodes that were stopped because their scope ended. They count for no rate and no duration."""
    retries: int = 0
    """Attempts beyond the first."""
    total: int = 0
    """Microseconds."""
    squares: int = 0
    low: int | None = None
    high: int | None = None
    buckets: Buckets = field(default_factory=dict[int, int])

    @property
    def executions(self) -> int:
        return self.successes + self.failures + self.stopped

    def count(self, status: str, seconds: float, retries: int = 0) -> None:
        """Count one execution that `succeeded`, `failed`, or was cut short."""
        self.retries += retries
        if status not in ("succeeded", "failed"):
            self.stopped += 1
            return
        if status == "succeeded":
            self.successes += 1
        else:
            self.failures += 1
        micros = max(0, round(seconds * MICRO))
        self.total += micros
        self.squares += micros * micros
        self.low = micros if self.low is None else min(self.low, micros)
        self.high = micros if self.high is None else max(self.high, micros)
        at = bucket(micros)
        self.buckets[at] = self.buckets.get(at, 0) + 1

    def add(self, other: "Tally") -> None:
        """Count what was counted elsewhere."""
        self.successes += other.successes
        self.failures += other.failures
        self.stopped += other.stopped
        self.retries += other.retries
        self.total += other.total
        self.squares += other.squares
        self.low = _chosen(min, self.low, other.low)
        self.high = _chosen(max, self.high, other.high)
        merge(self.buckets, other.buckets)

    def told(self) -> dict[str, Any]:
        """The figures by their names; durations in seconds, rates in percent of what succeeded or failed."""
        timed = self.successes + self.failures
        mean = self.total / timed if timed else 0.0
        p50, p95, p99 = self.quantiles(0.5, 0.95, 0.99)
        return {
            "executions": self.executions,
            "successes": self.successes,
            "failures": self.failures,
            "cancelled": self.stopped,
            "retries": self.retries,
            "success_rate": _percent(self.successes, timed),
            "failure_rate": _percent(self.failures, timed),
            "avg_duration": _seconds(mean),
            "min_duration": _seconds(self.low or 0),
            "max_duration": _seconds(self.high or 0),
            "total_duration": _seconds(self.total),
            "stdev_duration": _seconds(self._deviation(timed)),
            "p50_duration": _seconds(p50),
            "p95_duration": _seconds(p95),
            "p99_duration": _seconds(p99),
        }

    def quantiles(self, *shares: float) -> list[float]:
        """Microseconds; never outside of what was seen."""
        low, high = self.low or 0, self.high or 0
        return [min(max(one, low), high) for one in quantiles(self.buckets, shares)]

    def _deviation(self, timed: int) -> float:
        """The standard deviation of a sample, as `statistics.stdev` has it; exact until the root is drawn."""
        if timed < 2:
            return 0.0
        return math.sqrt((timed * self.squares - self.total * self.total) / (timed * (timed - 1)))


def _chosen(choose: Any, one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else choose(one, other)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _seconds(micros: float) -> float:
    return round(micros / MICRO, 6)
