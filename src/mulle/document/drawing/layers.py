"""The rows of a drawing: what leads to a box stands above it. Knows neither sizes nor labels.

Sugiyama's steps, kept small: take out what closes a circle, put every box below all that lead to it, give arrows over
several rows a place in each of them, and sort each row by where its neighbours stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

PASSES = 4
"""How often rows are sorted, downwards and upwards; more changes next to nothing."""
MOST_BENDS = 4000
"""Places that long arrows may take in all; beyond them they run straight, behind the boxes."""

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rows:
    """Boxes are numbers from 0; higher numbers are the bends of long arrows."""

    rows: list[list[int]]
    ways: list[tuple[int, ...]]
    """For each arrow the boxes and bends it goes through, from its source to its target."""


def rows_of(count: int, arrows: Sequence[Pair]) -> Rows:
    """Arrange boxes, given how many there are and the arrows between them; circles are allowed."""
    forward = _without_circles(count, arrows)
    depth = _depths(count, [arrow for arrow, ahead in zip(arrows, forward, strict=True) if ahead])
    rows: list[list[int]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for box in range(count):
        rows[depth[box]].append(box)
    bends = sum(
        max(0, depth[target] - depth[source] - 1)
        for (source, target), ahead in zip(arrows, forward, strict=True)
        if ahead
    )
    ways: list[tuple[int, ...]] = []
    bend = count
    for (source, target), ahead in zip(arrows, forward, strict=True):
        between = range(depth[source] + 1, depth[target]) if ahead and bends <= MOST_BENDS else range(0)
        ways.append((source, *range(bend, bend + len(between)), target))
        for row in between:
            rows[row].append(bend)
            bend += 1
    _sort(rows, [way for way, ahead in zip(ways, forward, strict=True) if ahead])
    return Rows(rows, ways)


def levels(ids: Sequence[str], arrows: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The rows by name, each in the given order: for those who list rather than draw."""
    number = {name: index for index, name in enumerate(ids)}
    pairs = [(number[source], number[target]) for source, target in arrows]
    ahead = _without_circles(len(ids), pairs)
    depth = _depths(len(ids), [pair for pair, keeps in zip(pairs, ahead, strict=True) if keeps])
    return [
        [name for name, level in zip(ids, depth, strict=True) if level == row]
        for row in range(max(depth, default=-1) + 1)
    ]


def _without_circles(count: int, arrows: Sequence[Pair]) -> list[bool]:
    """For each arrow whether it leads ahead; the others close a circle."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    for number, (source, _) in enumerate(arrows):
        leaving[source].append(number)
    ahead = [True] * len(arrows)
    state = [0] * count  # 0 not seen, 1 on the trail, 2 done
    for first in range(count):
        trail = [(first, iter(leaving[first]))] if not state[first] else []
        state[first] = state[first] or 1
        while trail:
            box, rest = trail[-1]
            number = next(rest, None)
            if number is None:
                state[box] = 2
                trail.pop()
                continue
            target = arrows[number][1]
            if state[target] == 1:
                ahead[number] = False
            elif not state[target]:
                state[target] = 1
                trail.append((target, iter(leaving[target])))
    return ahead


def _depths(count: int, arrows: Sequence[Pair]) -> list[int]:
    """How many arrows lie before each box at most; the arrows hold no circle."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    open_arrows = [0] * count
    for source, target in arrows:
        leaving[source].append(target)
        open_arrows[target] += 1
    depth = [0] * count
    free = [box for box in range(count) if not open_arrows[box]]
    for box in free:
        for target in leaving[box]:
            depth[target] = max(depth[target], depth[box] + 1)
            open_arrows[target] -= 1
            if not open_arrows[target]:
                free.append(target)
    return depth


def _sort(rows: list[list[int]], ways: Sequence[tuple[int, ...]]) -> None:
    """Sort each row by the middle of its neighbours above, then of those below, a few times."""
    above, below = neighbours(ways)
    for _ in range(PASSES):
        for beside, order in ((above, rows[1:]), (below, rows[-2::-1])):
            place = {box: index for row in rows for index, box in enumerate(row)}
            for row in order:
                middle = {box: _middle(beside.get(box, ()), place, place[box]) for box in row}
                row.sort(key=middle.__getitem__)
                place.update({box: index for index, box in enumerate(row)})


def neighbours(ways: Sequence[tuple[int, ...]]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """What stands before and after each box or bend."""
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for way in ways:
        for first, second in pairwise(way):
            below.setdefault(first, []).append(second)
            above.setdefault(second, []).append(first)
    return above, below


def _middle(boxes: Sequence[int], place: Mapping[int, float], alone: float) -> float:
    return sum(place[box] for box in boxes) / len(boxes) if boxes else alone
