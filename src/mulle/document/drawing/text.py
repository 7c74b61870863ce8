"""A picture for a terminal: one row after the other, arrows between them, what is inside a box below its row."""

from collections.abc import Iterator

from mulle.document.drawing.layers import levels
from mulle.document.drawing.picture import Arrow, Box, Picture
from mulle.document.drawing.words import MARKS, tone


def as_text(picture: Picture) -> str:
    """The picture as lines. Behind a box stands what it follows, where that is not all of the row above."""
    return "\n".join(_lines(picture.drawable()))


def _lines(picture: Picture) -> Iterator[str]:
    boxes = {box.id: box for box in picture.boxes}
    rows = levels(list(boxes), [(arrow.source, arrow.target) for arrow in picture.arrows])
    for number, row in enumerate(rows):
        if number:
            yield "     │"
            yield "     ▼"
        before = rows[number - 1] if number else []
        yield "   ".join(_box(boxes[name], picture.arrows, before, boxes) for name in row)
        for name in row:
            inside = boxes[name].inside
            if inside:
                head = f"  ┌ {_name(boxes[name])}" if len(row) > 1 else "  ┌"
                yield from (head, *(f"  │ {line}" for line in _lines(inside.drawable())), "  └")


def _box(box: Box, arrows: tuple[Arrow, ...], above: list[str], boxes: dict[str, Box]) -> str:
    mark = MARKS[tone(box.status)]
    drawn = f"[ {mark + ' ' if mark else ''}{_name(box)}{f' · {_line(box.kind)}' if box.kind else ''} ]"
    into = [arrow for arrow in arrows if arrow.target == box.id]
    branches = dict.fromkeys(arrow.label for arrow in into if arrow.label)
    told = f" ({_line(', '.join(branches))})" if branches else ""
    sources = dict.fromkeys(arrow.source for arrow in into)
    if sources and set(sources) != set(above):
        told += f" ← {', '.join(_name(boxes[source]) for source in sources)}"
    return drawn + told


def _name(box: Box) -> str:
    return _line(box.name)


def _line(text: str) -> str:
    """Text that cannot steer a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
