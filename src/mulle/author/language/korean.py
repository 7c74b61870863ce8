"""What Korean puts behind words: particles say a noun's part, endings how a verb goes on. Knows no vocabulary."""

import re
from typing import Literal

from mulle.author.language.conjugation import ends_in_consonant

Role = Literal["object", "from", "by", "at", "subject", "and", "of", "only", ""]
"""What a noun is to its verb."""
Ending = Literal["if", "then", "final", "modifier", "nominal", "quote", ""]
"""How a verb goes on: a condition, a step before the next, the order, a describing word, a noun, what is said."""

_ROLES: dict[Role, str] = {
    "from": "으로부터 로부터 에게서 한테서 에서만 에서",
    "at": "에게 한테 께 에다가 에다 에는 에",
    "by": "으로 로 정도로",
    "of": "이라는 라는 의 라고 이라고 에관한 에대한 관련",
    "object": "을 를 들을 만을",
    "and": "이랑 랑 하고 과 와 및 이나 나",
    "only": "만 까지 도 마다 씩 들만 까지만 정도만",
    "subject": "들이 이 가 은 는",
    "": "들 쯤 정도",
}
PARTICLES: dict[str, Role] = {particle: role for role, line in _ROLES.items() for particle in line.split()}
BY_LENGTH = sorted(PARTICLES, key=len, reverse=True)
_AFTER_CONSONANT = frozenset({"을", "이", "은", "과", "으로", "이랑", "이나", "이라는", "이라고"})
_AFTER_VOWEL = frozenset({"를", "가", "는", "와", "랑", "나", "라는", "라고"})

_IF = r"(?:으)?면(?:은)?|거든|다면|\s?때마다|\s?때면|\s?때|\s?경우(?:에는?|엔)?"
_POLITE = (
    r"(?:주세요|주실래요|주십시오|주시고|주시면|주라|주렴|줄래요?|줄게요?|줘라|줘요?|줬으면\s?(?:해요?|좋겠\w*)?|달라고?|드려\w*|놔\w*|둬\w*|"
    r"봐\w*|버려\w*|주기|주고|주면|줄\s?수\s?있\w*)"
)
_THEN = r"서|고(?:서|\s?나서)?|면서|며|다가|는데"
_FINAL = r"세요|십시오|자|라|다|도록|게|고\s?싶\w*|려고\s?\w*|지\s?\w*"
ENDINGS: dict[str, list[tuple[re.Pattern[str], Ending]]] = {
    "plain": [
        (re.compile(rf"(?:{_IF})"), "if"),
        (re.compile(r"기\s?(?:전에?)"), "then"),
        (re.compile(r"기(?:로|만)?(?:해\w*|하고)?"), "nominal"),
        (re.compile(r"는\s?(?:대로|즉시|날(?:에만|에는|에|엔|이면)?)(?![가-힣])"), "if"),
        (re.compile(r"(?:으)?라고|자고"), "quote"),
        (re.compile(r"는(?!데)|던"), "modifier"),
        (re.compile(rf"(?:{_THEN})"), "then"),
        (re.compile(rf"(?:{_FINAL})"), "final"),
    ],
    "open": [
        (re.compile(r"\s?(?:주고|주시고)"), "then"),
        (re.compile(r"\s?(?:주면|주시면)"), "if"),
        (re.compile(rf"\s?{_POLITE}"), "final"),
        (re.compile(r"서|다가"), "then"),
        (re.compile(r"요|라|야\s?\w*"), "final"),
    ],
    "past": [
        (re.compile(r"을\s?때|으면|다면"), "if"),
        (re.compile(r"던"), "modifier"),
        (re.compile(r"다|어요?|습니다|는지"), "final"),
    ],
    "noun-like": [
        (re.compile(r"\s?(?:경우(?:에는?|엔)?|다면)"), "if"),
        (re.compile(r"\s?(?:다음에?|뒤에?|후에?|채로)(?![가-힣])"), "then"),
        (re.compile(r"다(?![가-힣])"), "final"),
    ],
    "future": [
        (re.compile(r"\s?(?:때마다|때면|때|경우(?:에는?|엔)?)"), "if"),
        (re.compile(r"\s?(?:수\s?있\w*|것|래)"), "final"),
    ],
    "formal": [(re.compile(r"니다|시다"), "final")],
    "nominal": [],
}
BARE: dict[str, Ending] = {"open": "then", "noun-like": "modifier", "future": "modifier", "nominal": "nominal"}
"""What a stem without an ending is."""
NEEDS_ENDING = frozenset({"plain", "past", "formal"})

_VERB_LIKE = re.compile(
    r"(?P<stem>[\w가-힣]{1,30}?)(?P<end>해\s?(?:줘요?|주세요|줄래|달라|놔|둬|봐)|해서|하고서|하면|한다면|할\s?때|해라|합니다|하자|하게|하도록|"
    r"아\s?줘|어\s?줘|줘|주세요|으면|려면|어서|아서)$"
)
COPULA = re.compile(
    r"(?:이라|이|라)면(?:은)?(?![가-힣])|일\s?(?:때|경우)(?:에만|에는?|만|엔)?|인\s?(?:경우|날)(?:에만|에는?|에|만|엔)?"
)
BARE_COPULA = re.compile(r"면(?![가-힣])")
"""Behind an open syllable: 문의면."""
_COPULA_WORD = re.compile(r"(?P<stem>.+?)(?:이면|이라면|일때|인경우)")
_VERB_ENDINGS: dict[str, Ending] = {"면": "if", "때": "if", "서": "then"}


_NOUNS_IN_MYEON = (
    "화면",
    "측면",
    "장면",
    "표면",
    "라면",
    "냉면",
    "국면",
    "전면",
    "방면",
    "반면",
    "수면",
    "가면",
    "평면",
    "단면",
)


def inflected(written: str) -> tuple[str, Role, Ending]:
    """An unknown word without its particle or ending, and what that said."""
    copula = _COPULA_WORD.fullmatch(written)
    if copula:
        return copula["stem"], "", "if"
    verb = _VERB_LIKE.fullmatch(written)
    if verb:
        return verb["stem"], "", _VERB_ENDINGS.get(verb["end"][-1], "final")
    if len(written) > 1 and written.endswith(("면", "면은")) and not written.endswith(_NOUNS_IN_MYEON):
        # Whatever verb this is, what follows depends on it: better one condition too many than a message too many.
        return written.removesuffix("은").removesuffix("면"), "", "if"
    for particle in BY_LENGTH:
        if particle == "도":
            continue  # 제주도, 속도, 온도: rarely "too".
        stem = written.removesuffix(particle)
        least = 1 if len(particle) > 1 or particle in "을를" else 2
        if stem != written and len(stem) >= least and _fits(stem, particle):
            return stem, PARTICLES[particle], ""
    return written, "", ""


def _fits(stem: str, particle: str) -> bool:
    if not is_hangul(stem[-1]):
        return True
    closed = ends_in_consonant(stem)
    return not (particle in _AFTER_CONSONANT and not closed) and not (particle in _AFTER_VOWEL and closed)


def is_hangul(sign: str) -> bool:
    """Whether one sign is a Hangul syllable."""
    return "가" <= sign <= "힣"


def is_open(sign: str) -> bool:
    """Whether a syllable ends in a vowel."""
    return is_hangul(sign) and not ends_in_consonant(sign)
