"""Where boxes stand and which way arrows take, in pixels. Knows no colours and no file format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mulle.document.drawing.layers import Rows, neighbours, rows_of
from mulle.document.drawing.picture import Arrow, Box, Picture
from mulle.document.drawing.words import shortened, width

COLUMN = 7.4
"""Pixels of one column of text, a little more than most fonts need."""
MOST_COLUMNS = 30
"""Longer labels are shortened."""
LINE = 18.0
"""Pixels from one line of text to the next."""
PAD = 12.0
GAP_ACROSS = 24.0
GAP_DOWN = 40.0
BEND = 12.0
"""The room that a passing arrow takes in a row."""
PASSES = 6

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PlacedBox:
    box: Box
    x: float
    y: float
    width: float
    height: float
    inside: "Layout | None" = None
    """With its own origin at the box's upper left corner."""


@dataclass(frozen=True, slots=True)
class PlacedArrow:
    arrow: Arrow
    points: tuple[Point, ...]
    """Pairs: it leaves one row at the first point and enters the next at the second."""
    back: bool = False
    """It closes a circle: from a box's right side around the middle point to the right side of the other."""


@dataclass(frozen=True, slots=True)
class Layout:
    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    arrows: tuple[PlacedArrow, ...]


def layout(picture: Picture, top: float = PAD) -> Layout:
    """Arrange a picture from the top down, with a margin around it and `top` pixels above."""
    picture = picture.drawable()
    number = {box.id: index for index, box in enumerate(picture.boxes)}
    pairs = [(number[arrow.source], number[arrow.target]) for arrow in picture.arrows]
    rows = rows_of(len(picture.boxes), pairs)
    insides = [layout(box.inside, PAD + _head(box)) if box.inside else None for box in picture.boxes]
    sizes = [_size(box, inside) for box, inside in zip(picture.boxes, insides, strict=True)]
    centre = _centres(rows, [size[0] for size in sizes])
    down, heights, bottom = _rows_down(rows, sizes, top)
    placed = tuple(
        PlacedBox(
            box, centre[index] - size[0] / 2, down[index] + (heights[index] - size[1]) / 2, size[0], size[1], inside
        )
        for index, (box, size, inside) in enumerate(zip(picture.boxes, sizes, insides, strict=True))
    )
    right = max([centre[cell] + BEND / 2 for cell in centre] + [box.x + box.width for box in placed], default=PAD)
    arrows = tuple(
        PlacedArrow(arrow, _way(way, placed, centre, down, heights))
        if down[way[0]] < down[way[-1]]
        else PlacedArrow(arrow, _way_back(placed[way[0]], placed[way[-1]], right + GAP_ACROSS), back=True)
        for arrow, way in zip(picture.arrows, rows.ways, strict=True)
    )
    if any(arrow.back for arrow in arrows):
        right += GAP_ACROSS
    return Layout(right + PAD, bottom + PAD, placed, arrows)


def _head(box: Box) -> float:
    return LINE * (2 if box.kind else 1) + 6


def _size(box: Box, inside: Layout | None) -> tuple[float, float]:
    columns = max(width(shortened(box.name, MOST_COLUMNS)) + 2, width(shortened(box.kind, MOST_COLUMNS)))
    across = max(64.0, columns * COLUMN + 2 * PAD)
    if inside:
        return max(across, inside.width), inside.height
    return across, _head(box) + 10


def _rows_down(
    rows: Rows, sizes: Sequence[tuple[float, float]], top: float
) -> tuple[dict[int, float], dict[int, float], float]:
    """For each box and bend where its row begins and how high it is; and where the last row ends."""
    down: dict[int, float] = {}
    heights: dict[int, float] = {}
    y = top
    for row in rows.rows:
        high = max(sizes[cell][1] if cell < len(sizes) else BEND for cell in row)
        down.update(dict.fromkeys(row, y))
        heights.update(dict.fromkeys(row, high))
        y += high + GAP_DOWN
    return down, heights, y - GAP_DOWN if rows.rows else top


def _centres(rows: Rows, widths: Sequence[float]) -> dict[int, float]:
    """The middle of each box and bend: near its neighbours, in its row's order, and apart from those beside it."""
    wide = {cell: widths[cell] if cell < len(widths) else BEND for row in rows.rows for cell in row}
    above, below = neighbours(rows.ways)
    centre: dict[int, float] = {}
    for row in rows.rows:
        x = -sum(wide[cell] + GAP_ACROSS for cell in row) / 2
        for cell in row:
            centre[cell] = x + wide[cell] / 2
            x += wide[cell] + GAP_ACROSS
    for turn in range(PASSES):
        beside = below if turn % 2 else above
        for row in reversed(rows.rows) if turn % 2 else rows.rows:
            wanted = [_mean([centre[other] for other in beside.get(cell, ())], centre[cell]) for cell in row]
            centre.update(zip(row, _apart(wanted, [wide[cell] for cell in row]), strict=True))
    left = min((centre[cell] - wide[cell] / 2 for cell in centre), default=0.0) - PAD
    return {cell: x - left for cell, x in centre.items()}


def _mean(numbers: Sequence[float], none: float) -> float:
    return sum(numbers) / len(numbers) if numbers else none


def _apart(wanted: Sequence[float], wide: Sequence[float]) -> list[float]:
    """Places in this order with room between them: halfway between pushing all to the right and all to the left."""
    pushed = list(wanted)
    pulled = list(wanted)
    for index in range(1, len(wanted)):
        room = (wide[index - 1] + wide[index]) / 2 + GAP_ACROSS
        pushed[index] = max(pushed[index], pushed[index - 1] + room)
    for index in range(len(wanted) - 2, -1, -1):
        room = (wide[index] + wide[index + 1]) / 2 + GAP_ACROSS
        pulled[index] = min(pulled[index], pulled[index + 1] - room)
    return [(right + left) / 2 for right, left in zip(pushed, pulled, strict=True)]


def _way(
    way: tuple[int, ...],
    placed: Sequence[PlacedBox],
    centre: Mapping[int, float],
    down: Mapping[int, float],
    heights: Mapping[int, float],
) -> tuple[Point, ...]:
    source, target = placed[way[0]], placed[way[-1]]
    points: list[Point] = [(centre[way[0]], source.y + source.height)]
    for bend in way[1:-1]:
        points += [(centre[bend], down[bend]), (centre[bend], down[bend] + heights[bend])]
    points.append((centre[way[-1]], target.y))
    return tuple(points)


def _way_back(source: PlacedBox, target: PlacedBox, bulge: float) -> tuple[Point, ...]:
    low, high = source.y + source.height / 2, target.y + target.height / 2
    return (source.x + source.width, low), (bulge, (low + high) / 2), (target.x + target.width, high)
