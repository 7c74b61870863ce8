"""A picture in Mermaid's language, which GitHub and most wikis draw. Ids are made here, so labels can say anything."""

import re
from collections.abc import Iterator

from mulle.document.drawing.picture import Picture
from mulle.document.drawing.svg import PAINTS
from mulle.document.drawing.words import Tone, tone

_SPECIAL = re.compile(r"[^\w\s.,:!?·+=/%@~'-]|^\s*\d+\.")


def as_mermaid(picture: Picture) -> str:
    """The picture as a `flowchart`, top down."""
    used: dict[Tone, list[str]] = {}
    lines = ["flowchart TD", *_drawn(picture, "n", "    ", used)]
    for name, boxes in used.items():
        paint = PAINTS[name]
        lines.append(f"    classDef {name} fill:{paint.fill},stroke:{paint.line},color:#1f2328")
        lines.append(f"    class {','.join(boxes)} {name}")
    return "\n".join(lines) + "\n"


def _drawn(picture: Picture, prefix: str, indent: str, used: dict[Tone, list[str]]) -> Iterator[str]:
    picture = picture.drawable()
    ids = {box.id: f"{prefix}{number}" for number, box in enumerate(picture.boxes, 1)}
    for box in picture.boxes:
        label = _label(f"{box.name} · {box.kind}" if box.kind else box.name)
        name = ids[box.id]
        if box.inside:
            yield f'{indent}subgraph {name} ["{label}"]'
            yield from _drawn(box.inside, f"{name}_", indent + "    ", used)
            yield f"{indent}end"
        else:
            yield f'{indent}{name}["{label}"]'
        if tone(box.status) != "plain":
            used.setdefault(tone(box.status), []).append(name)
    for arrow in picture.arrows:
        line = "-.->" if arrow.gate else "-->"
        label = f'|"{_label(arrow.label)}"|' if arrow.label else ""
        yield f"{indent}{ids[arrow.source]} {line}{label} {ids[arrow.target]}"


def _label(text: str) -> str:
    """Text with every sign that could mean something to Mermaid, Markdown or HTML written as its number."""
    return _SPECIAL.sub(lambda found: "".join(map(_number, found[0])), " ".join(text.split())) or "#160;"


def _number(sign: str) -> str:
    return sign if sign.isalnum() else f"#{ord(sign)};"
