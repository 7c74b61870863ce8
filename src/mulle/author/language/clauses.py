"""Cut a sentence into clauses: what is to be done, and on which condition.

Korean clauses end with their verb, English ones begin with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


def clauses(tokens: Sequence[Token], *, korean: bool) -> list[Clause]:
    """The clauses of a sentence in their order."""
    found = list(_korean(tokens) if korean else _english(tokens))
    return [clause for clause in found if clause.tokens or clause.kind == "else"]


def _korean(tokens: Sequence[Token]) -> Iterator[Clause]:
    open_tokens: list[Token] = []
    kind: ClauseKind = "do"
    for token in tokens:
        if token.means("otherwise"):
            yield Clause(kind, tuple(open_tokens))
            yield Clause("else", ())
            open_tokens, kind = [], "do"
            continue
        if token.kind == "mark":
            if _SENTENCE_ENDS & set(token.text):
                yield Clause(kind, tuple(open_tokens))
                open_tokens, kind = [], "do"
            continue
        open_tokens.append(token)
        if token.ending in {"then", "final", "if"}:
            yield Clause("if" if token.ending == "if" else kind, tuple(open_tokens))
            open_tokens, kind = [], "do"
    yield Clause(kind, tuple(open_tokens))


def _english(tokens: Sequence[Token]) -> Iterator[Clause]:
    open_tokens: list[Token] = []
    kind: ClauseKind = "do"
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
