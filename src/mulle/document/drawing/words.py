"""What stands in boxes: how wide it is, how it is shortened, and which colour its status has."""

import unicodedata
from itertools import accumulate
from typing import Literal

Tone = Literal["plain", "good", "bad", "busy", "waiting", "off"]

TONES: dict[str, Tone] = {
    "succeeded": "good",
    "completed": "good",
    "done": "good",
    "success": "good",
    "failed": "bad",
    "error": "bad",
    "running": "busy",
    "in_progress": "busy",
    "ready": "busy",
    "expanded": "busy",
    "waiting": "waiting",
    "asking": "waiting",
    "retrying": "waiting",
    "paused": "waiting",
    "blocked": "waiting",
    "skipped": "off",
    "stopped": "off",
    "cancelled": "off",
}
"""What the words for a status have in common; all others are plain."""

MARKS: dict[Tone, str] = {"plain": "", "good": "✓", "bad": "✗", "busy": "▶", "waiting": "…", "off": "–"}
"""The same for eyes that see no colours, and for terminals."""


def tone(status: str) -> Tone:
    return TONES.get(status.lower(), "plain")


def width(text: str) -> int:
    """The columns that a text takes where every Latin letter takes one: a Korean syllable takes two."""
    return sum(map(_columns, unicodedata.normalize("NFC", text)))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def shortened(text: str, columns: int) -> str:
    """One line that is no wider than so many columns."""
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    if width(line) <= columns:
        return line
    ends = accumulate(map(_columns, line))
    return "".join(sign for sign, end in zip(line, ends, strict=True) if end < columns).rstrip() + "…"
