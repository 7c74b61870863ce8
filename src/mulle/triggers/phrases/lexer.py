"""Cut plain text into pieces by rules of which the longest match wins; what no rule knows becomes a Word.

It knows no language: the rules come in.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from mulle.triggers.phrases.pieces import Every, Except, Include, Mark, Piece, Pieces, Word

Match = re.Match[str]
Build = Callable[[Match], Piece | Sequence[Piece] | None]
"""Makes pieces of a match; None if it is no match after all, an empty sequence if it means nothing."""
Rules = Sequence[tuple[str, Build]]
_Compiled = tuple[re.Pattern[str], Build]

_HANGUL = "가-힣ㄱ-ㅎㅏ-ㅣ"
_GAP = re.compile(r"[\s()\[\]{}\"'.!?;:…]+")
_UNMISTAKABLE = (
    "매일(?!경제|신문|유업)|매주|매월|매달|매년|매시간|격주|격일|평일|[월화수목금토일]요일|오전|오후|"
    "내일(?=오|아|저|[0-9])"
)
_UNKNOWN = re.compile(
    rf"[{_HANGUL}]+?(?=$|[^{_HANGUL}]|{_UNMISTAKABLE})|[a-z_]+(?:['.@&][a-z]+)*|(?a:\d+)(?:[.,](?a:\d+))*|.", re.DOTALL
)
_LETTERS = re.compile(rf"[{_HANGUL}a-z0-9]")


@dataclass(frozen=True, slots=True)
class Lexer:
    """Rules compiled. `rules` begin a piece anywhere, `tails` only right behind another piece."""

    rules: tuple[_Compiled, ...]
    tails: tuple[_Compiled, ...]

    def read(self, plain: str) -> Pieces:
        """The whole text as pieces, in order, gaps and punctuation left out."""
        pieces: Pieces = []
        place, known = 0, False
        while place < len(plain):
            gap = _GAP.match(plain, place)
            rules = self.rules if not gap or gap[0].endswith("(") else ()
            match, made = _longest(plain, place, (*self.tails, *rules) if known else rules)
            if match is None and gap:
                place = gap.end()
                continue
            if match is None:
                match = _UNKNOWN.match(plain, place)
                assert match, "its last alternative takes any letter"
                made = [Word()]
            tied = bool(pieces) and place == pieces[-1].end
            known = not (made and isinstance(made[0], Word))
            pieces.extend(replace(piece, start=place, end=match.end()) for piece in made)
            if not made and pieces and tied:
                pieces[-1] = replace(pieces[-1], end=match.end())
            if tied and made and isinstance(made[0], Word) and _LETTERS.match(plain, place):
                pieces[-1] = replace(pieces[-1], tied=True)  # pyright: ignore[reportCallIssue]  # It is a Word.
            place = match.end()
        return _without_compounds(pieces)


def lexer(rules: Iterable[tuple[str, Build]], tails: Iterable[tuple[str, Build]]) -> Lexer:
    """Compile the rules of one or several languages."""
    return Lexer(
        tuple((re.compile(pattern), build) for pattern, build in rules),
        tuple((re.compile(pattern), build) for pattern, build in tails),
    )


def _longest(plain: str, place: int, rules: Sequence[_Compiled]) -> tuple[Match | None, list[Piece]]:
    best: tuple[Match | None, list[Piece]] = None, []
    for pattern, build in rules:
        match = pattern.match(plain, place)
        if match and match.end() > (best[0].end() if best[0] else place):
            made = build(match)
            if made is not None:
                best = match, [made] if isinstance(made, Piece) else list(made)
    return best


def _without_compounds(pieces: Pieces) -> Pieces:
    """Undo pieces with letters of an unknown word right behind them: 아침밥, 9시뉴스, 3일치 are words of their own."""
    kept: Pieces = []
    for piece in reversed(pieces):
        behind = kept[-1] if kept else None
        tied = isinstance(behind, Word) and behind.tied and behind.start == piece.end
        if tied and not isinstance(piece, Word | Mark | Every | Except | Include):
            kept[-1] = Word(start=piece.start, end=behind.end if behind else piece.end, tied=True)
        else:
            kept.append(piece)
    return kept[::-1]
