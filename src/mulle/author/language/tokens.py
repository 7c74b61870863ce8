"""Cut a sentence into tokens by a lexicon: words with their particles and endings, counts, quotations, addresses.

Spaces are a help and no condition: 네이버뉴스에서경제기사3개 is cut where words of the lexicon begin. What no word of
it covers is kept as `unknown`, never dropped.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from mulle.author.language.korean import (
    BARE,
    BARE_COPULA,
    BY_LENGTH,
    COPULA,
    ENDINGS,
    NEEDS_ENDING,
    PARTICLES,
    Ending,
    Role,
    inflected,
    is_hangul,
    is_open,
)
from mulle.author.language.numerals import NUMERAL, number
from mulle.author.language.words import Lexicon, Surface, compact

Kind = Literal["word", "verb", "count", "quoted", "url", "email", "hashtag", "file", "unknown", "mark"]


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a sentence."""

    kind: Kind
    text: str
    """Without particle or ending; quotations without their marks."""
    start: int
    end: int
    """Including the particle or ending."""
    surfaces: tuple[Surface, ...] = ()
    """What it may be, for words and verbs."""
    role: Role = ""
    ending: Ending = ""
    value: float = 0.0
    """Of counts."""
    unit: str = ""
    written: str = ""
    """As it stands in the sentence, particle and ending included."""

    def means(self, kind: str) -> str | None:
        """The name of its meaning of a kind: `token.means("channel")` is "mail"."""
        return next((surface.meaning.name for surface in self.surfaces if surface.meaning.kind == kind), None)

    @property
    def covered(self) -> bool:
        """Whether a word of the lexicon, or a form that needs none, stands here."""
        return self.kind != "unknown"


_QUOTED = re.compile(
    r"'([^'\n]{1,200})'|\"([^\"\n]{1,200})\"|‘([^’\n]{1,200})’|“([^”\n]{1,200})”|「([^」\n]{1,200})」|<([^>\n]{1,200})>"
)
_URL = re.compile(r"https?://[^\s<>\"'’”]+[^\s<>\"'’”.,)]", re.ASCII)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,24}")
_FILE = re.compile(r"[A-Za-z0-9_가-힣][A-Za-z0-9_가-힣-]{0,80}\.(?:txt|md|csv|log|json)(?![A-Za-z0-9.])")
_HASHTAG = re.compile(r"#[\w가-힣-]{1,80}")
_COUNTERS = (
    r"개월|개|건|편|가지|곳|군데|명|사람|줄|문장|번|회|차례|장|위|페이지|원|달러|엔|유로|도|%|퍼센트|프로|포인트|시간|분|초|일|"
    r"items?|articles?|results?|posts?|stories|sentences?|lines?|times?|percent|won|dollars?|usd|krw|degrees?|places?|headlines?"
)
_COUNT = re.compile(rf"(?P<sign>[$₩]?)(?P<n>{NUMERAL.pattern})\s?(?P<unit>{_COUNTERS})(?![a-z])", re.IGNORECASE)
_BARE_NUMBER = re.compile(r"[$₩]?(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)")
_ENGLISH_NUMBER = re.compile(r"(?:one|two|three|four|five|six|seven|eight|nine|ten|twenty)\b", re.IGNORECASE)
_MARKS = re.compile(r"['’]s\b|[^\w\s가-힣]+")


def tokens(sentence: str, lexicon: Lexicon) -> list[Token]:
    """All tokens of a sentence in their order. Positions are those of `sentence`; spans of spaces belong to none."""
    return [replace(token, written=sentence[token.start : token.end]) for token in _Scan(sentence, lexicon).run()]


class _Scan:
    """One pass over one sentence."""

    def __init__(self, sentence: str, lexicon: Lexicon) -> None:
        self.text = sentence
        self.lexicon = lexicon
        self.found: list[Token] = []

    def run(self) -> list[Token]:
        at = 0
        while at < len(self.text):
            if self.text[at].isspace():
                at += 1
                continue
            token = self._at(at)
            self.found.append(token)
            at = max(token.end, at + 1)
        return self.found

    def _at(self, at: int) -> Token:
        return self._fixed(at) or self._count(at) or self._word(at) or self._mark(at) or self._unknown(at)

    def _fixed(self, at: int) -> Token | None:
        """Quotations, addresses and hashtags: what is taken as it stands."""
        patterns: tuple[tuple[Kind, re.Pattern[str]], ...] = (
            ("url", _URL), ("email", _EMAIL), ("hashtag", _HASHTAG), ("file", _FILE), ("quoted", _QUOTED),
        )  # fmt: skip
        for kind, pattern in patterns:
            match = pattern.match(self.text, at)
            if match:
                text = next((group for group in match.groups() if group), match[0])
                end, role = self._particle(match.end())
                return Token(kind, text, at, end, role=role)
        return None

    def _count(self, at: int) -> Token | None:
        match = _COUNT.match(self.text, at)
        if match and (value := number(match["n"])) is not None and not self._inside_word(at, match):
            end, role = self._particle(match.end())
            return Token("count", match[0], at, end, role=role, value=value, unit=match["unit"].lower())
        match = _BARE_NUMBER.match(self.text, at) or _ENGLISH_NUMBER.match(self.text, at)
        if match and (value := number(match[0].lstrip("$₩"))) is not None:
            end, role = self._particle(match.end())
            return Token("count", match[0], at, end, role=role, value=value)
        return None

    def _inside_word(self, at: int, match: re.Match[str]) -> bool:
        """Korean numerals are short, so 두 명 counts but 이번 or 일일이 do not."""
        if match["n"][0].isdigit() or match["n"].isascii():
            return False
        after = self.text[match.end() : match.end() + 1]
        before = self.text[at - 1 : at]
        word = bool(before) and before.isalnum() and not (self.found and self.found[-1].end == at)
        known = (
            after
            and "가" <= after <= "힣"
            and not self._particle_text(match.end())
            and not self._begins_word(match.end())
        )
        ambiguous = match["n"] in "일이삼사오육칠팔구" and match["unit"] in {
            "번",
            "일",
            "회",
            "도",
            "분",
            "초",
            "장",
            "위",
            "원",
        }
        return word or bool(known) or ambiguous

    # ------------------------------------------------------------------ words of the lexicon

    def _word(self, at: int) -> Token | None:
        for end in self._ends(at):
            written = compact(self.text[at:end])
            surfaces = self.lexicon.get(written)
            if not surfaces or not self._bounded(at, end):
                continue
            token = self._verb(at, end, surfaces) or self._noun(at, end, surfaces)
            if token:
                return token
        return None

    def _ends(self, at: int) -> list[int]:
        """Where a word that begins here may end, the longest first; spaces inside are allowed."""
        ends: list[int] = []
        letters, place = 0, at
        while place < len(self.text) and letters < self.lexicon.longest:
            if not self.text[place].isspace():
                letters += 1
                ends.append(place + 1)
            place += 1
        return ends[::-1]

    def _bounded(self, at: int, end: int) -> bool:
        """Latin words are whole words; a Korean particle may follow them at once."""
        first, last = self.text[at], self.text[end - 1]
        before, after = self.text[at - 1 : at], self.text[end : end + 1]
        cut_before = first.isascii() and first.isalnum() and before.isascii() and before.isalnum()
        cut_after = last.isascii() and last.isalnum() and after.isascii() and (after.isalnum() or after == "_")
        return not cut_before and not cut_after

    def _verb(self, at: int, end: int, surfaces: list[Surface]) -> Token | None:
        verbs = tuple(surface for surface in surfaces if surface.verb)
        if not verbs:
            return None
        if verbs[0].shape is None:
            return Token("verb", self.text[at:end], at, end, surfaces=tuple(surfaces))
        best: tuple[int, Ending] | None = None
        for surface in verbs:
            found = self._ending(end, surface.shape or "plain")
            if found and (best is None or found[0] > best[0]):
                best = found
        if best is None:
            return None
        return Token("verb", self.text[at:end], at, best[0], surfaces=tuple(surfaces), ending=best[1])

    def _ending(self, at: int, shape: str) -> tuple[int, Ending] | None:
        """Where the ending after a stem ends, and what it does."""
        for pattern, ending in ENDINGS[shape]:
            match = pattern.match(self.text, at)
            if match and self._may_stop(match.end(), ending):
                return match.end(), ending
        if shape in NEEDS_ENDING:
            return None
        following = self.text[at : at + 1]
        if shape == "open" or not following or not is_hangul(following) or self._begins_word(at):
            return at, "final" if shape == "open" and not self.text[at:].strip(" .!~?") else BARE[shape]
        return None

    def _may_stop(self, at: int, ending: Ending) -> bool:
        """An ending stands at the end of a written word, or joins the next clause without a space."""
        following = self.text[at : at + 1]
        return not following or not is_hangul(following) or ending in {"final", "if", "then"}

    def _noun(self, at: int, end: int, surfaces: list[Surface]) -> Token | None:
        nouns = tuple(surface for surface in surfaces if not surface.verb)
        written = self.text[at:end]
        if not nouns or (written.isupper() and written.isascii() and len(written) > 1 and _only_filler(nouns)):
            return None  # IT is a topic, "it" is none.
        copula = COPULA.match(self.text, end) or (
            BARE_COPULA.match(self.text, end) if is_open(self.text[end - 1]) else None
        )
        if copula:
            return Token("word", self.text[at:end], at, copula.end(), surfaces=nouns, ending="if")
        stop, role = self._particle(end)
        after = self.text[end : end + 1]
        if stop == end and after and is_hangul(after) and not self._begins_word(end):
            return None
        return Token("word", self.text[at:end], at, stop, surfaces=nouns, role=role)

    # ------------------------------------------------------------------ what is left

    def _mark(self, at: int) -> Token | None:
        match = _MARKS.match(self.text, at)
        if not match:
            return None
        return Token("mark", match[0], at, match.end(), role="and" if "," in match[0] or "、" in match[0] else "")

    def _unknown(self, at: int) -> Token:
        end = at + 1
        while end < len(self.text) and not self.text[end].isspace() and not _MARKS.match(self.text[end]):
            if self._begins_word(end, least=2):
                break
            end += 1
        return _unknown_token(self.text, at, end)

    def _begins_word(self, at: int, least: int = 1) -> bool:
        """Whether a word of the lexicon, or a count, begins here within one written word."""
        if _COUNT.match(self.text, at) and self.text[at].isdigit():
            return True
        for end in self._ends(at):
            if compact(self.text[at:end]) and end - at >= least and self._bounded(at, end):
                surfaces = self.lexicon.get(compact(self.text[at:end]))
                if surfaces and (self._verb(at, end, surfaces) or any(not one.verb for one in surfaces)):
                    return True
        return False

    def _particle_text(self, at: int) -> str:
        for particle in BY_LENGTH:
            if self.text.startswith(particle, at):
                after = self.text[at + len(particle) : at + len(particle) + 1]
                if not after or not is_hangul(after) or len(particle) > 1 or self._begins_word(at + len(particle)):
                    return particle
        return ""

    def _particle(self, at: int) -> tuple[int, Role]:
        particle = self._particle_text(at)
        return at + len(particle), PARTICLES.get(particle, "")


def _unknown_token(text: str, at: int, end: int) -> Token:
    """What no word of the lexicon covers, with its particle or ending taken off."""
    stem, role, ending = inflected(text[at:end])
    return Token("unknown", stem, at, end, role=role, ending=ending)


def _only_filler(surfaces: tuple[Surface, ...]) -> bool:
    return all(surface.meaning.kind == "filler" for surface in surfaces)
