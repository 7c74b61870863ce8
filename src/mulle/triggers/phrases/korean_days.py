"""Korean words for days: 월수금, 매월 셋째 주 화요일, 말일, 공휴일 빼고, 주말이면 다음 영업일, 다음 달.

Rules for the lexer; it knows neither times of day (`korean_times`) nor what becomes of the pieces.
"""

import re
from typing import Literal

from mulle.triggers.phrases.lexer import Match, Rules
from mulle.triggers.phrases.numbers import KOREAN, NATIVE_DAYS, number
from mulle.triggers.phrases.pieces import (
    Dates,
    Days,
    Every,
    Except,
    Finish,
    Holiday,
    Include,
    Mark,
    MonthDays,
    Months,
    Move,
    Nth,
    NthDays,
    Piece,
    Ref,
    Same,
    Shift,
    Strange,
    VagueDay,
)

LETTERS = "일월화수목금토"
WEEKEND = frozenset({0, 6})
WORKWEEK = frozenset({1, 2, 3, 4, 5})
_FIXED = {
    "신정": (1, 1), "새해 첫날": (1, 1), "새해첫날": (1, 1), "밸런타인데이": (2, 14), "발렌타인데이": (2, 14),
    "삼일절": (3, 1), "화이트데이": (3, 14), "식목일": (4, 5), "근로자의 날": (5, 1), "노동절": (5, 1),
    "어린이날": (5, 5), "어버이날": (5, 8), "스승의 날": (5, 15), "스승의날": (5, 15), "현충일": (6, 6),
    "제헌절": (7, 17), "광복절": (8, 15), "개천절": (10, 3), "한글날": (10, 9), "할로윈": (10, 31),
    "빼빼로데이": (11, 11), "크리스마스 이브": (12, 24), "크리스마스이브": (12, 24), "크리스마스": (12, 25),
    "성탄절": (12, 25),
}  # fmt: skip
_COUNTRIES = {
    "한국": "KR",
    "미국": "US",
    "일본": "JP",
    "중국": "CN",
    "영국": "GB",
    "독일": "DE",
    "프랑스": "FR",
    "대만": "TW",
}
_SEASONS = {"봄": (3, 4, 5), "여름": (6, 7, 8), "가을": (9, 10, 11), "겨울": (12, 1, 2)}
_HALVES = {"상": (1, 2, 3, 4, 5, 6), "하": (7, 8, 9, 10, 11, 12)}
_ORDINALS = {"첫": 1, "둘": 2, "두": 2, "셋": 3, "세": 3, "넷": 4, "네": 4, "다섯": 5, "여섯": 6}
_REFS: dict[str, tuple[Literal["day", "week", "month", "year"], int]] = {
    "오늘": ("day", 0), "금일": ("day", 0), "내일": ("day", 1), "낼": ("day", 1), "명일": ("day", 1),
    "모레": ("day", 2), "내일모레": ("day", 2), "낼모레": ("day", 2), "글피": ("day", 3), "어제": ("day", -1),
    "그제": ("day", -2), "그저께": ("day", -2), "엊그제": ("day", -2),
    "이번주": ("week", 0), "금주": ("week", 0), "다음주": ("week", 1), "담주": ("week", 1), "차주": ("week", 1),
    "내주": ("week", 1), "다다음주": ("week", 2), "지난주": ("week", -1), "저번주": ("week", -1),
    "이번달": ("month", 0), "이달": ("month", 0), "당월": ("month", 0), "다음달": ("month", 1), "담달": ("month", 1),
    "내달": ("month", 1), "익월": ("month", 1), "다다음달": ("month", 2), "지난달": ("month", -1),
    "저번달": ("month", -1), "올해": ("year", 0), "금년": ("year", 0), "내년": ("year", 1), "작년": ("year", -1),
}  # fmt: skip

_D = f"[{LETTERS}]"
_LIST = r"(?:\s*[,·/&]\s*)"
_DIGITS = r"(?a:\d{1,2})"
_DAY = rf"({_DIGITS}|[이삼]?십[일이삼사오육칠팔구]?)"
_MONTH = rf"({_DIGITS}|십일|십이|일|이|삼|사|오|유|육|칠|팔|구|시|십)"
_DISTANCE = rf"(?:({KOREAN})\s*(영업일|근무일|일)|({'|'.join(NATIVE_DAYS)}))"
_REF = r"내일\s+모레|" + "|".join(rf"{name[:-1]}\s*{name[-1]}" for name in sorted(_REFS, key=len, reverse=True))
_ORDINAL = r"(첫|둘|셋|넷|다섯|여섯)\s*째|(첫|두|세|네|다섯|여섯)\s*번\s*째|([1-9])\s*(?:번\s*째|째)"
_DURING = r"(?=\s*(?:에|동안|중|내내|마다|매|기간|[(]|$))"
_OFF = r"주말|공휴일|휴일|쉬는\s*날|빨간\s*날|휴무일|토요일|일요일"
_CONDITION = (
    rf"((?:{_OFF}|토)(?:\s*(?:이나|나|과|와|및|또는|혹은|[,·/])?\s*(?:{_OFF}|일)){{0,2}}|"
    r"(?:영업일|평일|근무일)이?\s*아니)"
)
_IF = (
    r"\s*(?:이?면|라면|일\s*(?:경우|때)(?:에?는|에)?|인\s*(?:경우|날|달)(?:에?는|에)?|"
    r"(?:과|와)?\s*겹치(?:면|는\s*경우)|에\s*걸리면|이?\s*끼면|에\s*해당하면|에는|엔)\s*,?\s*"
)
_NEXT, _LAST = "다음|이후|익|뒤|직후|후|돌아오는", "이전|직전|전|앞선|앞"
_TARGET = r"영업일|평일|근무일|워킹데이|월요일|금요일|날"
_MOVED = (
    r"(?:\s*(?:로|으로|에))?(?:\s*(?:연기|미뤄|미루|옮겨|당겨|변경|이월|순연|대체|대신)(?:해서|하고|해|서|고|어)?)?"
)


def _days(letters: str) -> frozenset[int]:
    return frozenset(LETTERS.index(letter) for letter in re.findall(_D, letters.replace("요일", "")))


def _run(match: Match) -> Piece | None:
    letters = match[1].replace(" ", "")
    return Days(days=_days(letters), weak=True) if len(set(letters)) == len(letters) else None


def weekday_range(first: int, last: int) -> frozenset[int]:
    """From one weekday to another, over Sunday where need be."""
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))


def _day_range(match: Match) -> Piece:
    return Days(days=weekday_range(LETTERS.index(match[1]), LETTERS.index(match[2])), each=True)


def _nth(match: Match) -> Piece:
    return Nth(ns=(_ordinal(match),), week=bool(re.search(r"주", match[0])))


def _ordinal(match: Match) -> int:
    if match[3]:
        return int(match[3])
    return _ORDINALS[match[1] or match[2] or "첫"] if "마지막" not in match[0] else -1


def _month_days(match: Match) -> Piece:
    return month_days(
        [number(digits) for digits in re.findall(r"(?a:\d+)|[이삼]?십[일이삼사오육칠팔구]?", match[1])], match[0]
    )


def month_days(days: list[int], text: str) -> Piece:
    """Days of the month, or a Strange piece where there is no such day."""
    if any(not 1 <= day <= 31 for day in days):
        return Strange(what=text, impossible=True)
    return MonthDays(days=frozenset(days))


def _month_day_range(match: Match) -> Piece:
    first, last = int(match[1]), int(match[2])
    return Strange(what=match[0], impossible=True) if first > last else month_days([*range(first, last + 1)], match[0])


def _months(match: Match) -> Piece:
    names = re.findall(rf"{_DIGITS}|십일|십이|[일이삼사오유육칠팔구시십]", match[1])
    return months([{"유": 6, "시": 10}.get(name) or number(name) for name in names], match[0])


def months(found: list[int], text: str) -> Piece:
    """Months, or a Strange piece where there is no such month."""
    if any(not 1 <= month <= 12 for month in found):
        return Strange(what=text, impossible=True)
    return Months(months=frozenset(found))


def month_range(first: int, last: int) -> frozenset[int]:
    """From one month to another, over New Year where need be."""
    return frozenset((first - 1 + step) % 12 + 1 for step in range((last - first) % 12 + 1))


def _month_range(match: Match) -> Piece:
    first, last = int(match[1]), int(match[2])
    checked = months([first, last], match[0])
    return Months(months=month_range(first, last)) if isinstance(checked, Months) else checked


def _date(match: Match) -> Piece:
    return date(int(match[1]) if match[1] else None, number(match[2]), number(match[3]), match[0])


def date(year: int | None, month: int, day: int, text: str) -> Piece:
    """A day of the year, or a Strange piece where there is none."""
    longest = 31 if month in {1, 3, 5, 7, 8, 10, 12} else 29 if month == 2 else 30
    if not 1 <= month <= 12 or not 1 <= day <= longest:
        return Strange(what=text, impossible=True)
    return Dates(dates=((year, month, day),))


def _part_of_month(match: Match) -> list[Piece]:
    month = months([number(match[1])], match[0])
    return [month, MonthDays(days=frozenset({-1}), loose="일" not in match[2]) if match[2][0] == "말" else VagueDay()]


def _move(match: Match) -> Piece:
    condition, word, target, plain, weekday = match[1], match[2], match[3] or "", match[4], match[5]
    weekend_only = not re.search(r"휴일|쉬는|빨간|휴무|아니", condition)
    if weekday:
        direction = "following" if weekday == "월요일" else "preceding"
    else:
        back = re.fullmatch(_LAST, word) if word else re.match("앞|당|전", plain)
        direction = "preceding" if back else "following"
    business = re.match("영업일|근무일|워킹데이", target)
    if weekend_only and not business:
        name = "not_weekends"
    elif re.fullmatch(r"공휴일|빨간\s*날", condition) and not business:
        name = "not_holidays"
    else:
        name = "business_days"
    return Move(direction=direction, filter=name)


def _shift(match: Match) -> Piece:
    if match[3] or not match[1]:
        return Shift(days=NATIVE_DAYS[match[3]] if match[3] else 1)
    return Shift(days=number(match[1]), business=match[2] != "일")


def _ref(match: Match) -> Piece:
    unit, offset = _REFS["".join(match[1].split())]
    return Ref(unit=unit, offset=offset)


_EXCEPT = (
    r"(?:은|는|을|를|만|만은|이|가|도)?\s*(?:빼고는|빼고|빼곤|뺀|빼놓고|빼서|빼\s?(?:줘|주세요)|"
    r"제외하고는|제외하고|제외하여|제외한|제외하면|제외해(?:서|\s*줘|\s*주세요)?|제외(?!하지)|말고는|말고|"
    r"아닌(?!\s*경우)|이외에?|외에는?|없이)|(?:은|는|에는|엔|에|이?면|일\s*때는?|인\s*경우(?:에?는)?|날은)?\s*"
    r"(?:쉬고|쉬는|쉼|쉬어|쉬며|건너뛰고|건너뛰어|건너뛰|거르고|패스(?:하고)?|스킵(?:하고)?|안\s*(?:하고|보내고|돌리고|함|해|보냄)|"
    r"(?:실행|발송|전송)?하지\s*(?:말고|않고|않음|마)|보내지\s*(?:말고|않고|않음|마))"
)

KOREAN_DAYS: Rules = (
    # Weekdays.
    (rf"({_D})요일(?:날)?", lambda m: Days(days=_days(m[1]))),
    (rf"\s*\(\s*({_D})\s*\)", lambda m: Days(days=_days(m[1]), weak=True)),
    (rf"매\s*({_D})요일(?:마다)?", lambda m: Days(days=_days(m[1]), each=True)),
    (
        rf"매\s?주\s*({_D}(?:(?:{_LIST}|\s){_D})*)(?=\s|$|마다|에|[0-9])",
        lambda m: [Every(unit="week"), Days(days=_days(m[1]), each=True)],
    ),
    (rf"({_D}(?:\s{_D}){{1,6}})(?=\s|$|마다|에|[0-9])", _run),
    (rf"((?:{_D}(?:요일)?{_LIST}){{1,6}}{_D})(?:요일)?", lambda m: Days(days=_days(m[1]), each="," not in m[1])),
    (rf"({_D}{{2,7}})요일", lambda m: Days(days=_days(m[1]), each=True)),
    (rf"({_D}{{2,7}})(?=\s|$|마다|에|[0-9]|요일|오|저|아|밤|새)", _run),
    (rf"({_D})(?:요일)?\s*[~-]\s*({_D})(?:요일)?", _day_range),
    (r"(?:매\s*)?주\s*5\s*일(?:제로|로|제|간)?", lambda _: Days(days=WORKWEEK, each=True)),
    (r"평일|주중", lambda _: Days(days=WORKWEEK, each=True)),
    (r"영업일|근무일|업무일|(?:근무|일)하는\s*날|워킹\s*데이", lambda _: Days(days=WORKWEEK, each=True, business=True)),
    (r"주말", lambda _: Days(days=WEEKEND, each=True)),
    (r"불금", lambda _: Days(days=frozenset({5}))),
    (r"불토", lambda _: Days(days=frozenset({6}))),
    # Which one of the month, which day of the month.
    (rf"(?:{_ORDINAL}|첫|(?:맨\s*)?마지막)(?:\s*주차?(?!말|중|간|년|일|요))?(?:의)?", _nth),
    (r"()()([1-6])\s*주차", _nth),
    (
        rf"([1-6](?:{_LIST}[1-6]){{1,5}})\s*(?:번\s*째|째|주차?)(?:\s*주)?",
        lambda m: Nth(ns=tuple(int(n) for n in re.findall("[1-6]", m[1])), week="주" in m[0]),
    ),
    (rf"(?:제\s*)?({KOREAN})\s*(?:번\s*째\s*)?(?:영업일|근무일)(?:째)?", lambda m: _business(number(m[1]))),
    (rf"(?:영업일|근무일)\s*(?:기준)?(?:으로)?\s*({_DIGITS})\s*일\s*째?", lambda m: _business(number(m[1]))),
    (r"첫\s*날|첫\s*째\s*날|초하루|1일\s*첫날", lambda _: MonthDays(days=frozenset({1}))),
    (r"(?:맨\s*)?마지막\s*날(?!씨)|말일|그믐날", lambda _: MonthDays(days=frozenset({-1}))),
    (r"월말|달\s*말(?=에|\s|$)", lambda _: MonthDays(days=frozenset({-1}), loose=True)),
    (
        r"매\s?(?:월|달)\s*말(?!일)|달마다\s*말(?!일)",
        lambda _: [Every(unit="month"), MonthDays(days=frozenset({-1}), loose=True)],
    ),
    (
        r"(?:매\s?)?분기(?:마다|별로?|의)?\s*(?:(첫)|(둘째|두\s*번\s*째)|셋째|세\s*번\s*째|마지막)\s*(?:번\s*째\s*|째\s*)?달(?:의)?",
        lambda m: [Every(unit="quarter"), Months(months=frozenset(range(1 if m[1] else 2 if m[2] else 3, 13, 3)))],
    ),
    (r"분기(?=\s*(?:첫|둘|셋|마지막|의|(?a:\d)))", lambda _: Every(unit="quarter", loose=True)),
    (r"(?:매\s?)?분기\s*말(?:일)?(?:마다)?", lambda _: [Every(unit="quarter"), MonthDays(days=frozenset({-1}))]),
    (r"(?:매\s?)?분기\s*초(?:마다)?", lambda _: [Every(unit="quarter"), VagueDay()]),
    (r"매\s?(?:월|달)\s*(?:초|중순|하순|상순|초순)(?:에|쯤|마다)?", lambda _: [Every(unit="month"), VagueDay()]),
    (r"월초|월중|초순|중순|하순|상순", lambda _: VagueDay()),
    (r"(?:매년\s*)?연말(?:마다)?|(?:매년\s*)?연초(?:마다)?", lambda _: [Every(unit="year"), VagueDay()]),
    (rf"{_DAY}\s*일(?!요일|주일)(?:날)?", _month_days),
    (
        rf"({_DIGITS})\s*일의\s*({_D})요일",
        lambda m: (
            [MonthDays(days=frozenset({int(m[1])})), Same(), Days(days=_days(m[2]))] if 0 < int(m[1]) < 32 else None
        ),
    ),
    (rf"({_DIGITS}(?:\s*일?{_LIST}{_DIGITS}){{1,30}})\s*일", _month_days),
    (rf"({_DIGITS})\s*일?\s*[~-]\s*({_DIGITS})\s*일", _month_day_range),
    (rf"{_DISTANCE}\s*(?:전|앞|이전)(?:에)?(?![가-힣])|(?:하루\s*)?전날", _shift),
    # Months and dates.
    (rf"{_MONTH}\s*월(?!요일)(?:달)?", _months),
    (rf"({_DIGITS}(?:\s*월?{_LIST}{_DIGITS}){{1,11}})\s*월", _months),
    (rf"({_DIGITS})\s*월?\s*[~-]\s*({_DIGITS})\s*월", _month_range),
    (rf"({_DIGITS})\s*월\s*(말일|말|초순|초|중순|하순|상순)", _part_of_month),
    (rf"(?:((?a:\d{{4}}))\s*년\s*)?{_MONTH}\s*월\s*{_DAY}\s*일", _date),
    (
        rf"({'|'.join(sorted(_FIXED, key=len, reverse=True))})",
        lambda m: Dates(dates=((None, *_FIXED[m[1]]),)),
    ),
    (rf"({'|'.join(_SEASONS)})(?:철)?{_DURING}", lambda m: Months(months=frozenset(_SEASONS[m[1]]), assumed="season")),
    (rf"([상하])반기{_DURING}", lambda m: Months(months=frozenset(_HALVES[m[1]]))),
    (
        rf"([1-4])\s*(?:/\s*4\s*)?분기{_DURING}",
        lambda m: Months(months=frozenset(range(3 * int(m[1]) - 2, 3 * int(m[1]) + 1))),
    ),
    (rf"({_REF})(?!말|[가-힣]*치)", _ref),
    (
        r"(이번|다음|다다음)\s*주말",
        lambda m: [Ref(unit="week", offset={"이번": 0, "다음": 1, "다다음": 2}[m[1]]), Days(days=WEEKEND)],
    ),
    (rf"(?:돌아오는|오는|이번|다음)\s*(?={_D}요일)", lambda _: Mark(kind="coming")),
    (r"(?:올해|금년)?\s*연말까지", lambda _: Finish(what=(Ref(unit="year", offset=0), Dates(dates=((None, 12, 31),))))),
    (
        r"(?:이번\s*달|이달)\s*말?(?:일)?까지",
        lambda _: Finish(what=(Ref(unit="month", offset=0), MonthDays(days=frozenset({-1})))),
    ),
    # What is left out, let in or moved.
    (
        rf"(?:({'|'.join(_COUNTRIES)})\s*)?(?:법정\s*|대체\s*)?(?:공휴일|빨간\s*날|국경일)",
        lambda m: Holiday(country=_COUNTRIES.get(m[1] or "")),
    ),
    (r"휴일|쉬는\s*날|휴무일", lambda _: Holiday(days_off=True)),
    (_EXCEPT, lambda _: Except()),
    (
        r"(?:에도|도|까지)?\s*(?:쉬지|빼지|빼놓지|제외하지|건너뛰지|거르지|빠지지)\s*(?:말고|않고|않는|않게|않음)|빠짐\s?없이",
        lambda _: Include(),
    ),
    (
        r"(?:도|까지)?\s*(?:포함(?:해서|하여|한|하고|해)?|가리지\s*않고|(?:에)?\s*상관없이|(?:에)?\s*관계없이|불문)",
        lambda _: Include(),
    ),
    (
        (
            rf"{_CONDITION}{_IF}(?:(?:그\s*)?(?:바로\s*)?({_NEXT}|{_LAST})\s*(?:번째\s*)?(?:주\s*)?({_TARGET}){_MOVED}|"
            rf"(앞당[가-힣]*|당[겨기][가-힣]*|전날(?:에|로)?|미뤄[가-힣]*|미루[가-힣]*|늦[춰추][가-힣]*|순연[가-힣]*|이월[가-힣]*)|"
            rf"(월요일|금요일)(?:에|로)?{_MOVED})"
        ),
        _move,
    ),
    (r"음력\s*(?:(?a:\d{1,2})월)?\s*(?:(?a:\d{1,2})일)?", lambda m: Strange(what=m[0])),
    (
        r"설날|구정|추석|한가위|석가탄신일|부처님\s*오신\s*날|명절|연휴|일출|일몰|해\s*뜰\s*(?:때|무렵)|해\s*질\s*(?:때|녘|무렵)|보름달",
        lambda m: Strange(what=m[0]),
    ),
)


def _business(nth: int) -> Piece:
    return NthDays(ns=(nth,), days=WORKWEEK, business=True)
