"""Bring typed text into one form without losing where each letter came from.

Hangul typed as separate letters (NFD, as macOS file names are), full-width digits, exotic dashes and capitals become
plain; it knows no words.
"""

import re
import unicodedata
from dataclasses import dataclass

_CLUSTER = re.compile(r"[\u1100-\u115f][\u1160-\u11a7][\u11a8-\u11ff]?|.[\u0300-\u036f]*", re.DOTALL)
_SIGNS = {
    **dict.fromkeys("〜～∼˜⁓", "~"),
    **dict.fromkeys("–—−‐‑‒―ー", "-"),
    **dict.fromkeys("ㆍ・‧•∙⋅", "·"),
    **dict.fromkeys("、，", ","),
    **dict.fromkeys("“”″", '"'),
    **dict.fromkeys("‘’´`", "'"),
    **dict.fromkeys("\u200b\u200c\u200d\ufeff\u00ad", ""),
}


@dataclass(frozen=True, slots=True)
class Text:
    """The plain form, and for each of its letters where it begins and ends in the original."""

    plain: str
    original: str
    begins: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of the plain letters from `start` up to `end` (which is more than `start`)."""
        return self.begins[start], self.ends[end - 1]


def plain_text(original: str) -> Text:
    """The text in lower case, composed, half-width, with single spaces and one kind of dash, tilde, dot and quote."""
    letters: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    for found in _CLUSTER.finditer(original):
        for letter in _plain(found[0]):
            if letter == " " and letters and letters[-1] == " ":
                continue  # One gap is as good as a thousand, and patterns stay quick on it.
            letters.append(letter)
            begins.append(found.start())
            ends.append(found.end())
    return Text("".join(letters), original, tuple(begins), tuple(ends))


def _plain(cluster: str) -> str:
    if cluster.isspace():
        return " "
    if cluster.isascii():
        return cluster.lower()
    if cluster in _SIGNS:
        return _SIGNS[cluster]
    composed = unicodedata.normalize("NFKC", cluster)
    lowered = composed.lower()
    return lowered if len(lowered) == len(composed) else composed
