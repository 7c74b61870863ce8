"""Cut a sentence into clauses: what is to be done, and on which condition.

Korean clauses end with their verb, English ones begin with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mulle.author.language.tokens import Token

ClauseKind = Literal["do", "if", "else"]

_CONDITIONALS = frozenset(
    {"if", "when", "whenever", "once", "every time", "each time", "as soon as", "unless", "after"}
)
_SENTENCE_ENDS = frozenset(".!?;\n")


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence with one verb, or without one."""

    kind: ClauseKind
    tokens: tuple[Token, ...]

    def means(self, kind: str) -> list[tuple[Token, str]]:
        """Its tokens with a meaning of a kind, each with the meaning's name."""
        return [(token, name) for token in self.tokens if (name := token.means(kind))]

    @property
    def text(self) -> str:
        return " ".join(token.text for token in self.tokens)

    @property
    def said(self) -> str:
        """As it stands in the sentence."""
        return " ".join(token.written for token in self.tokens)


def clauses(tokens: Sequence[Token], *, korean: bool) -> list[Clause]:
    """The clauses of a sentence in their order."""
    found = list(_korean(tokens) if korean else _english(tokens))
    found = [clause for clause in found if clause.tokens or clause.kind == "else"]
    return _afterthoughts(found) if korean else _conditions_first(found)


def _afterthoughts(found: list[Clause]) -> list[Clause]:
    """보내줘 텔레그램으로: what comes behind the last verb belongs to it."""
    if len(found) < 2:
        return found
    *before, said, late = found
    if late.kind != "do" or said.kind != "do" or late.means("action") or any(one.ending for one in late.tokens):
        return found
    return [*before, Clause("do", (*said.tokens, *late.tokens))]


def _conditions_first(found: list[Clause]) -> list[Clause]:
    """Alert me if it is down: a condition at the end guards the order before it."""
    if len(found) > 1 and found[-1].kind == "if" and found[-2].kind == "do":
        return [*found[:-2], found[-1], found[-2]]
    return found


def _korean(tokens: Sequence[Token]) -> Iterator[Clause]:
    open_tokens: list[Token] = []
    kind: ClauseKind = "do"
    after_if = False
    for token in tokens:
        if token.means("otherwise"):
            yield Clause(kind, tuple(open_tokens))
            yield Clause("else", ())
            open_tokens, kind, after_if = [], "do", True
            continue
        if token.kind == "mark":
            # "환불이면 A팀, 배송이면 B팀": what stands behind a condition is an order whose verb comes later.
            if _SENTENCE_ENDS & set(token.text) or ("," in token.text and after_if and open_tokens):
                yield Clause(kind, tuple(open_tokens))
                open_tokens, kind, after_if = [], "do", False
            continue
        open_tokens.append(token)
        if token.ending in {"then", "final", "if"}:
            yield Clause("if" if token.ending == "if" else kind, tuple(open_tokens))
            open_tokens, kind, after_if = [], "do", token.ending == "if"
    yield Clause(kind, tuple(open_tokens))


def _english(tokens: Sequence[Token]) -> Iterator[Clause]:
    open_tokens: list[Token] = []
    kind: ClauseKind = "do"
    tokens = [_as_spoken(tokens, number) for number in range(len(tokens))]
    for number, token in enumerate(tokens):
        word = token.text.lower()
        begins = _begins(tokens, number, open_tokens, kind)
        if token.means("otherwise"):
            yield Clause(kind, tuple(open_tokens))
            yield Clause("else", ())
            open_tokens, kind = [], "do"
        elif word in _CONDITIONALS and token.kind == "word" and not (word in {"once", "after"} and open_tokens):
            yield Clause(kind, tuple(open_tokens))
            open_tokens, kind = [], "if"
        elif token.kind == "mark":
            if kind == "if" or _SENTENCE_ENDS & set(token.text):
                yield Clause(kind, tuple(open_tokens))
                open_tokens, kind = [], "do"
        elif begins:
            yield Clause(kind, tuple(open_tokens))
            open_tokens, kind = [token], "do"
        else:
            open_tokens.append(token)
    yield Clause(kind, tuple(open_tokens))


_OPENERS = frozenset(
    {"and", "then", "please", "to", "also", "just", "you", "automatically", "or", "it", "should", "will"}
)
"""Words behind which an English verb may stand."""
_DETERMINERS = frozenset({"a", "an", "the", "my", "your", "our", "their", "his", "her", "this", "daily", "weekly"})
"""Words behind which stands no English verb: "my report"."""
_PREPOSITIONS = frozenset({"to", "by", "via", "in", "on", "from", "of", "with", "into", "through", "for"})


def _as_spoken(tokens: Sequence[Token], number: int) -> Token:
    """A token that may be noun or verb as what its place makes it: "email me", but "by email"."""
    token = tokens[number]
    nouns = tuple(surface for surface in token.surfaces if not surface.verb)
    before = tokens[number - 1] if number else None
    if token.kind == "verb" and not nouns and before is not None and before.text.lower() in _DETERMINERS:
        return replace(token, kind="unknown", surfaces=())
    if token.kind != "verb" or not nouns:
        return token
    opens = (
        before is None
        or before.kind == "mark"
        or bool(before.means("failure") or before.means("does"))
        or before.text.lower() in _OPENERS
        or before.text.lower() in _CONDITIONALS
    )
    if opens and not (token.means("channel") and before is not None and before.text.lower() in _PREPOSITIONS):
        return token
    return replace(token, kind="word", surfaces=nouns)


def _begins(tokens: Sequence[Token], number: int, open_tokens: Sequence[Token], kind: ClauseKind) -> bool:
    """Whether an English verb opens a clause of its own here: at the start, behind a mark, or behind "and"."""
    token = tokens[number]
    if token.kind != "verb" or not token.means("action"):
        return False
    before = tokens[number - 1] if number else None
    if kind == "if":
        # "when a mail arrives summarise it": the condition has its verb, so another one begins the order.
        told = any(one.means(kind) for one in open_tokens for kind in ("does", "above", "below", "failure"))
        return told and not token.text.lower().endswith(("ed", "ing")) and not _is_named(before)
    if not any(one.kind == "verb" for one in open_tokens):
        return False
    return before is None or before.kind == "mark" or before.text.lower() in {"and", "then", "to", "also", "please"}


def _is_named(before: Token | None) -> bool:
    """Whether an article or a form of "to be" makes the word behind it no order."""
    return before is not None and before.text.lower() in {"a", "an", "the", "is", "are", "new"}
