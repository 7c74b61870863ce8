"""A picture as one SVG element: self-contained, readable on light and dark pages, and safe whatever labels say."""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import NamedTuple

from mulle.document.drawing.layout import LINE, MOST_COLUMNS, Layout, PlacedArrow, PlacedBox, layout
from mulle.document.drawing.picture import Picture
from mulle.document.drawing.words import MARKS, Tone, shortened, tone

FONT = "system-ui, -apple-system, 'Noto Sans KR', 'Malgun Gothic', 'Apple SD Gothic Neo', sans-serif"


class Paint(NamedTuple):
    fill: str
    line: str


PAINTS: Mapping[Tone, Paint] = {
    "plain": Paint("#f6f8fa", "#8c959f"),
    "good": Paint("#dafbe1", "#2da44e"),
    "bad": Paint("#ffebe9", "#cf222e"),
    "busy": Paint("#ddf4ff", "#0969da"),
    "waiting": Paint("#fff8c5", "#bf8700"),
    "off": Paint("#eff1f3", "#afb8c1"),
}
INK, FAINT, WAY = "#1f2328", "#59636e", "#7a8594"

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_svg(picture: Picture) -> str:
    """The picture as an `<svg>` element, for a page, a notebook or a file."""
    placed = layout(picture)
    wide, high = placed.width, placed.height
    title = f"<title>{_text(picture.title)}</title>" if picture.title else ""
    body = "".join(_drawn(placed))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{wide:.0f}" height="{high:.0f}"'
        f' viewBox="0 0 {wide:.0f} {high:.0f}" font-family="{escape(FONT)}" font-size="13">{title}{body}</svg>'
    )


def _drawn(placed: Layout) -> Iterator[str]:
    for arrow in placed.arrows:
        yield _arrow(arrow)
    for box in placed.boxes:
        yield from _box(box)
    for arrow in placed.arrows:
        yield _arrow_label(arrow)


def _box(placed: PlacedBox) -> Iterator[str]:
    box, how = placed.box, tone(placed.box.status)
    paint = PAINTS[how]
    told = " · ".join(filter(None, (box.name, box.kind, box.status)))
    yield f'<g transform="translate({placed.x:.1f} {placed.y:.1f})"><title>{_text(told)}</title>'
    dashed = ' stroke-dasharray="4 3"' if how == "off" else ""
    fill, solid = (paint.fill, ' fill-opacity="0.5"') if placed.inside else (paint.fill, "")
    yield (
        f'<rect width="{placed.width:.1f}" height="{placed.height:.1f}" rx="7" fill="{fill}"{solid}'
        f' stroke="{paint.line}" stroke-width="1.4"{dashed}/>'
    )
    middle = placed.width / 2
    mark = f'<tspan fill="{paint.line}" font-weight="700">{MARKS[how]}\u00a0</tspan>' if MARKS[how] else ""
    name = f"{mark}{_text(shortened(box.name, MOST_COLUMNS))}"
    yield f'<text x="{middle:.1f}" y="{LINE + 3:.1f}" text-anchor="middle" fill="{INK}">{name}</text>'
    if box.kind:
        kind = _text(shortened(box.kind, MOST_COLUMNS))
        yield (
            f'<text x="{middle:.1f}" y="{2 * LINE + 1:.1f}" text-anchor="middle" font-size="11" fill="{FAINT}">'
            f"{kind}</text>"
        )
    if placed.inside:
        shift = (placed.width - placed.inside.width) / 2
        yield f'<g transform="translate({shift:.1f} 0)">'
        yield from _drawn(placed.inside)
        yield "</g>"
    yield "</g>"


def _arrow(placed: PlacedArrow) -> str:
    points = placed.points
    dashed = ' stroke-dasharray="5 3"' if placed.arrow.gate else ""
    x, y = points[0]
    if placed.back:
        (bulge, _), (to_x, to_y) = points[1:]
        return (
            f'<path d="M{x:.1f} {y:.1f}C{bulge:.1f} {y:.1f} {bulge:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}" fill="none"'
            f' stroke="{WAY}" stroke-width="1.4"{dashed}/><path d="M{to_x + 8:.1f} {to_y - 4:.1f}L{to_x:.1f} {to_y:.1f}'
            f'L{to_x + 8:.1f} {to_y + 4:.1f}Z" fill="{WAY}"/>'
        )
    way = [f"M{x:.1f} {y:.1f}"]
    for index in range(1, len(points), 2):
        (x, y), (to_x, to_y) = points[index - 1], points[index]
        pull = max(24.0, abs(to_y - y) / 2)
        way.append(f"C{x:.1f} {y + pull:.1f} {to_x:.1f} {to_y - pull:.1f} {to_x:.1f} {to_y:.1f}")
        if index + 1 < len(points):
            way.append(f"L{points[index + 1][0]:.1f} {points[index + 1][1]:.1f}")
    x, y = points[-1]
    return (
        f'<path d="{"".join(way)}" fill="none" stroke="{WAY}" stroke-width="1.4"{dashed}/>'
        f'<path d="M{x - 4:.1f} {y - 8:.1f}L{x:.1f} {y:.1f}L{x + 4:.1f} {y - 8:.1f}Z" fill="{WAY}"/>'
    )


def _arrow_label(placed: PlacedArrow) -> str:
    if not placed.arrow.label:
        return ""
    (x, y), (to_x, to_y) = placed.points[:2]
    if placed.back:  # The middle of its curve.
        (bulge, to_y), (end, _) = placed.points[1:]
        x, y, to_x = x / 4 + bulge * 3 / 4, to_y, end / 4 + bulge * 3 / 4
    label = _text(shortened(placed.arrow.label, MOST_COLUMNS // 2))
    return (
        f'<text x="{(x + to_x) / 2:.1f}" y="{(y + to_y) / 2 + 4:.1f}" text-anchor="middle" font-size="11"'
        f' fill="{FAINT}" stroke="#ffffff" stroke-width="3" paint-order="stroke">{label}</text>'
    )


def _text(text: str) -> str:
    """Text as XML can hold it."""
    return escape(_NOT_XML.sub("\ufffd", text))
