"""Read a conditional clause: an event that starts the workflow, or a test that decides which way it goes."""

import re

from mulle.author.domain import Language
from mulle.author.language.clauses import Clause
from mulle.author.language.tokens import Token
from mulle.author.lexicon import EventPiece, events
from mulle.author.request import Test

_COPULA = re.compile(r"(?:이라면|이면|일\s?때|인\s?경우)\w*$")
_UNIT_WORDS = {
    "퍼센트": "%",
    "프로": "%",
    "percent": "%",
    "won": "원",
    "krw": "원",
    "dollars": "달러",
    "dollar": "달러",
    "usd": "달러",
}


def read_event(clause: Clause) -> EventPiece | None:
    """The event that a clause waits for: something that it is about happens to it."""
    best: tuple[int, int, EventPiece] | None = None
    for number, event in enumerate(events().values()):
        what = [token for token in clause.tokens if _means(token, "what", event.event)]
        does = [token for token in clause.tokens if _means(token, "does", event.event) and token not in what]
        if what and does:
            weight = max(len(token.text) for token in what) + max(len(token.text) for token in does)
            if best is None or weight > best[0]:
                best = (weight, -number, event)
    return best[2] if best else None


def _means(token: object, kind: str, name: str) -> bool:
    surfaces = getattr(token, "surfaces", ())
    return any(one.meaning.kind == kind and one.meaning.name == name for one in surfaces)


def read_test(clause: Clause, language: Language, *, with_event: bool) -> Test | None:
    """The test of a clause; None when it holds an event only."""
    del language
    situation = next(iter(clause.means("situation")), None)
    if situation:
        return Test("situation", clause.said, name=situation[1])
    compared = _comparison(clause)
    if compared:
        return compared
    quoted = tuple(token.text for token in clause.tokens if token.kind == "quoted")
    if quoted:
        return Test("contains", clause.said, words=quoted)
    if clause.means("exists"):
        return Test("exists", clause.said)
    value = next((token for token in clause.tokens if token.ending == "if" and _is_copula(token)), None)
    if value:
        subject = " ".join(token.text for token in clause.tokens if token.role == "subject")
        return Test("is", clause.said, subject=subject, words=(value.text,))
    return None if with_event else Test("unknown", clause.said)


def _is_copula(token: Token) -> bool:
    """환불이면 says what something is; 망하면 says what it does."""
    return token.kind == "word" or (token.kind == "unknown" and bool(_COPULA.search(token.written)))


def _comparison(clause: Clause) -> Test | None:
    number = next((token for token in clause.tokens if token.kind == "count"), None)
    above, below = bool(clause.means("above")), bool(clause.means("below"))
    if number is None or not (above or below):
        return None
    inclusive = any(
        token.text in {"이상", "이하"} or token.text.lower() in {"at least", "at most"} for token in clause.tokens
    )
    subject = " ".join(
        token.text
        for token in clause.tokens
        if token.kind in {"word", "unknown"}
        and not token.means("filler")
        and not token.means("above")
        and not token.means("below")
    )
    unit = _UNIT_WORDS.get(number.unit, number.unit)
    if number.text.startswith("$"):
        unit = "달러"
    return Test("compare", clause.said, subject, above=above, inclusive=inclusive, value=number.value, unit=unit)
