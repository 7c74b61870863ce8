"""The words of a vocabulary, found by how they are written: any spacing, any inflection. Knows no sentence."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from mulle.author.language.conjugation import Shape, stems

_HANGUL = re.compile(r"[가-힣]")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word stands for: `action:summarise`, `channel:mail`, `connector:naver.news`."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Surface:
    """One way in which a word is written."""

    meaning: Meaning
    verb: bool
    shape: Shape | None = None
    """The stem's shape, for Korean verbs."""
    word: str = ""
    """The word as the vocabulary has it."""


class Lexicon:
    """Surfaces by their letters, without spaces, in lower case."""

    def __init__(self) -> None:
        self._surfaces: dict[str, list[Surface]] = {}
        self.longest = 0

    def add(self, words: Iterable[str], meaning: Meaning, *, verb: bool = False) -> None:
        """Take words in; Korean verbs in their dictionary form, English ones in the infinitive."""
        for word in words:
            if verb and word.endswith("다") and _HANGUL.match(word[-2:-1]):
                for stem in stems(word):
                    self._put(stem.text, Surface(meaning, verb=True, shape=stem.shape, word=word))
            else:
                for form in _english_forms(word) if verb else (word, *_plural(word)):
                    self._put(form, Surface(meaning, verb=verb, word=word))

    def _put(self, text: str, surface: Surface) -> None:
        key = compact(text)
        self._surfaces.setdefault(key, []).append(surface)
        self.longest = max(self.longest, len(key))

    def get(self, key: str) -> list[Surface]:
        """All that is written so."""
        return self._surfaces.get(key, [])


def compact(text: str) -> str:
    """Letters only as they are compared: NFC, lower case, no white space."""
    return "".join(unicodedata.normalize("NFC", text).lower().split())


def _english_forms(verb: str) -> list[str]:
    """`send`, `sends`, `sending` …; only the first word of a phrase is inflected."""
    head, _, tail = verb.partition(" ")
    tail = f" {tail}" if tail else ""
    if head.endswith("e"):
        forms = [head, head + "s", head + "d", head[:-1] + "ing"]
    elif head.endswith("y") and head[-2:-1] not in set("aeiou"):
        forms = [head, head[:-1] + "ies", head[:-1] + "ied", head + "ing"]
    elif head.endswith(("s", "x", "ch", "sh")):
        forms = [head, head + "es", head + "ed", head + "ing"]
    else:
        forms = [head, head + "s", head + "ed", head + "ing"]
    return [form + tail for form in forms]


def _plural(noun: str) -> tuple[str, ...]:
    if not noun.isascii() or len(noun) < 3 or noun.endswith("s"):
        return ()
    return (noun[:-1] + "ies",) if noun.endswith("y") and noun[-2] not in "aeiou" else (noun + "s",)
