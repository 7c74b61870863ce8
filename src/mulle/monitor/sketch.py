"""How a quantity is distributed, to within 1 %, in a few hundred bytes: counts in buckets that grow by a factor.

DDSketch after Masson, Rim & Lee, "DDSketch: A fast and fully-mergeable quantile sketch with relative-error guarantees",
VLDB 2019. Two sketches merge by adding up their counts, in any order, to the very same result; nothing else is kept.
"""

import math
from collections.abc import Mapping, Sequence

Buckets = dict[int, int]
"""How many values fell into each bucket."""

ERROR = 0.01
"""A quantile is at most this far from a value that has its rank, relative to that value."""
_GAMMA = (1 + ERROR) / (1 - ERROR)
_LOG_GAMMA = math.log(_GAMMA)
ZERO = -1
"""The bucket of everything below 1; the others are numbered from 0."""


def bucket(value: float) -> int:
    """The bucket of a value in the unit that is counted (microseconds): bucket `i` ends at `gamma ** i`."""
    return ZERO if value < 1 else math.ceil(math.log(value) / _LOG_GAMMA)


def merge(into: Buckets, other: Mapping[int, int]) -> None:
    """Add one sketch to another."""
    if not into:
        into.update(other)
        return
    for index, count in other.items():
        into[index] = into.get(index, 0) + count


def quantiles(buckets: Mapping[int, int], shares: Sequence[float]) -> list[float]:
    """For each share the smallest value that this share of all values does not exceed (nearest rank).

    Args:
        buckets: What was counted; without anything every quantile is 0.
        shares: From 0 to 1, in ascending order: 0.95 for p95.
    """
    total = sum(buckets.values())
    ranks = [math.ceil(share * total) for share in shares]
    found: list[float] = []
    passed = 0
    for index in sorted(buckets):
        passed += buckets[index]
        while len(found) < len(ranks) and passed >= ranks[len(found)]:
            found.append(0.0 if index == ZERO else 2 * _GAMMA**index / (_GAMMA + 1))
    return found or [0.0] * len(ranks)
