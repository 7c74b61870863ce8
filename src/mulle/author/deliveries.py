"""Find in a clause whom it goes to: channels, addresses, and people who are named without one."""

from mulle.author.domain import Language
from mulle.author.language.clauses import Clause
from mulle.author.language.tokens import Token
from mulle.author.lexicon import channels
from mulle.author.request import Delivery

_TELLING = frozenset({"send", "notify", "post"})
_KEEPING = frozenset({"save", "show"})
_NO_PERSON = frozenset({"channel", "connector", "pack", "temporal"})
_PEOPLE = ("팀", "부서", "님", "실장", "센터", "파트", "담당자")


def read_deliveries(clause: Clause, asked: set[str], language: Language, used: set[int]) -> list[Delivery]:
    """The deliveries of a clause that tells, keeps or shows something; one without a channel when it does not say."""
    if not asked & (_TELLING | _KEEPING) and not _placed(clause, language):
        return []
    named = [(token, name) for token, name in clause.means("channel") if _is_target(token, clause, language)]
    emails = [token for token in clause.tokens if token.kind == "email"]
    hashtags = [token for token in clause.tokens if token.kind == "hashtag"]
    people = _people(clause, language)
    used |= {token.start for token in [*(one for one, _ in named), *emails, *hashtags, *people]}
    name = " ".join(token.text for token in [*hashtags, *people])
    addresses = tuple(token.text for token in emails)
    ids = list(dict.fromkeys(channel for _, channel in named))
    files = [token.text for token in clause.tokens if token.kind == "file"]
    if not ids:
        if emails:
            ids = ["mail"]
        elif hashtags:
            ids = ["slack"]
        elif files:
            ids = ["file"]
        elif not asked & _TELLING:
            return []
        else:
            return [Delivery(None, addresses, name)]
    return [Delivery(one, _addresses(one, addresses, tuple(files)), name) for one in ids]


def _placed(clause: Clause, language: Language) -> bool:
    """시트에 정리해줘: somewhere to put it, although the verb is none of telling."""
    return language == "ko" and any(token.role in {"at", "by"} for token, _ in clause.means("channel"))


def _addresses(channel: str, emails: tuple[str, ...], files: tuple[str, ...]) -> tuple[str, ...]:
    address = channels()[channel].address
    return emails if address == "email" else files[:1] if address == "name" else ()


def _is_target(token: Token, clause: Clause, language: Language) -> bool:
    """메일로 보내 is a target; "문의 메일을 요약해" is what is worked on."""
    if language == "ko":
        return token.role in {"by", "at", "", "only", "and"} or (
            token.role == "object" and bool({"send", "notify"} & {name for _, name in clause.means("action")})
        )
    return True


def _people(clause: Clause, language: Language) -> list[Token]:
    if language == "ko":
        return [token for token in clause.tokens if _is_person(token) and (token.role == "at" or _is_team(token))]
    found: list[Token] = []
    for before, token in zip(clause.tokens, clause.tokens[1:], strict=False):
        if (
            before.text.lower() in {"to", "the"}
            and _is_person(token)
            and (before.text.lower() == "to" or _after_to(clause, before))
        ):
            found.append(token)
    return found


def _is_team(token: Token) -> bool:
    """C팀으로 names people, 엑셀로 a means."""
    return token.role == "by" and token.text.endswith(_PEOPLE)


def _after_to(clause: Clause, article: Token) -> bool:
    place = clause.tokens.index(article)
    return place > 0 and clause.tokens[place - 1].text.lower() == "to"


def _is_person(token: Token) -> bool:
    kinds = {surface.meaning.kind for surface in token.surfaces}
    return token.kind == "unknown" or (token.kind == "word" and "thing" in kinds and not kinds & _NO_PERSON)
