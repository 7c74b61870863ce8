"""Cut Korean and English text into sentences, and sentences into comparable words. Knows no ranking."""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

_END = re.compile(r"(?<=[.!?…。])\s+|(?<=[.!?…。][\"'”’)\]])\s+")
_NO_END = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|etc|No|Inc|Co|Ltd|Jr|e\.g|i\.e|[A-Z]))\.$|^\d+\.$")
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?|[가-힣]+|\d+(?:[.,]\d+)*")
_PARTICLES = re.compile(
    r"(?:으로부터|에서는|에게서|이라고|라고|에서|에게|으로|까지|부터|처럼|보다|에는|이나|은|는|이|가|을|를|에|의|와|과|도|로|만)$"
)
_STOP = frozenset({
    "the", "a", "an", "of", "to", "in", "on", "for", "and", "or", "is", "are", "was", "were", "be", "been", "by",
    "with", "as", "at", "from", "that", "this", "it", "its", "has", "have", "had", "will", "not", "but", "he",
    "she", "they", "their", "them", "그", "이", "저", "것", "수", "등", "및", "또", "또한", "있다", "있는", "했다",
    "한다", "된다", "위해", "대한", "통해", "말했다", "밝혔다",
})  # fmt: skip
LONGEST = 200_000
"""Characters that are read."""


def paragraphs(text: str) -> list[list[str]]:
    """The sentences of each line of a text. A line's last one need not end in a stop."""
    return [found for line in text[:LONGEST].splitlines() if (found := _of_line(line))]


def sentences(text: str) -> list[str]:
    """The sentences of a text in their order."""
    return [sentence for paragraph in paragraphs(text) for sentence in paragraph]


def _of_line(line: str) -> list[str]:
    found: list[str] = []
    for piece in (" ".join(part.split()) for part in _END.split(line)):
        if found and piece and _NO_END.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        elif piece:
            found.append(piece)
    return found


def words(sentence: str) -> list[str]:
    """What a sentence is compared by: nouns and verbs where Kiwi is installed, else words without their particles."""
    reader = _morphemes()
    if reader is not None and re.search(r"[가-힣]", sentence):
        return reader(sentence)
    return [stem for word in _WORD.findall(sentence.lower()) if (stem := _stem(word)) and stem not in _STOP]


def _stem(word: str) -> str:
    if not word.isascii():
        cut = _PARTICLES.sub("", word)
        return cut if len(cut) >= 2 else word
    for ending in ("ies", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


@cache
def _morphemes() -> Callable[[str], list[str]] | None:
    """Kiwi's content words; None when the extra `ko` is not installed. Loading it takes 0.5 GB and a second."""
    if find_spec("kiwipiepy") is None:
        return None
    kiwi: Any = import_module("kiwipiepy").Kiwi()

    def content(sentence: str) -> list[str]:
        found = kiwi.tokenize(sentence)
        return [
            token.form for token in found if token.tag[:2] in {"NN", "VV", "VA", "SL", "XR"} and token.form not in _STOP
        ]

    return content
