"""English words for days: Mon-Fri, the third business day, the 1st and 15th, except public holidays, next Monday.

Rules for the lexer; it knows neither times of day (`english_times`) nor what becomes of the pieces.
"""

import re

from mulle.triggers.phrases.korean_days import WEEKEND, WORKWEEK, date, month_days, month_range, weekday_range
from mulle.triggers.phrases.lexer import Match, Rules
from mulle.triggers.phrases.numbers import ENGLISH, ORDINAL, number
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
    Piece,
    Ref,
    Shift,
    Strange,
    VagueDay,
)

_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_TYPOS = {"tuseday": "tue", "wensday": "wed", "thrusday": "thu"}
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_FIXED = {
    "new year's day": (1, 1), "new years day": (1, 1), "valentine's day": (2, 14), "independence day": (7, 4),
    "halloween": (10, 31), "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25),
    "new year's eve": (12, 31), "new years eve": (12, 31),
}  # fmt: skip
_QUARTER = {"first": 1, "second": 2, "third": 3, "last": 3}
_SEASONS = {"spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11), "fall": (9, 10, 11), "winter": (12, 1, 2)}
_COUNTRIES = {
    "korean": "KR", "us": "US", "u.s.": "US", "american": "US", "federal": "US", "uk": "GB", "japanese": "JP",
    "german": "DE", "french": "FR", "chinese": "CN", "bank": None, "public": None, "national": None, "legal": None,
    "statutory": None,
}  # fmt: skip

_END = r"(?![a-z0-9])"
_DAY = (
    r"(sun(?:day)?|mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday|nsday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|"
    r"sat(?:urday|erday|uday)?|tuseday|wensday|thrusday|thurday)"
)
_DAY_S = rf"{_DAY}(s|'s(?=\s+(?:at|from)))?\.?"
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\.?"
)
_ORD = rf"({ORDINAL})"
_TO = r"\s*(?:-|~|to|thru|through|until|till)\s*"
_WORKDAY = r"(?:business|working|work)[\s-]?days?"
_OFF = (
    r"(?:a\s+|an\s+)?(?:non[\s-](?:business|working)\s+day|(?:public\s+|bank\s+|national\s+)?holidays?|"
    r"(?:the\s+)?weekends?|saturday|sunday|day\s+off)"
)
_FALLS = (
    r"(?:if|when|unless|where)\s+(?:it|that|this|the\s+date|the\s+day|that\s+day|which)?\s*"
    r"(?:'s|is|falls|lands|happens\s+to\s+be|would\s+be|coincides\s+with)?\s*(?:on)?\s*"
    rf"({_OFF}(?:\s*(?:or|/|and|,)\s*(?:on\s+)?{_OFF}){{0,2}})"
)
_SIDE = r"(next|following|first|after|subsequent|previous|preceding|prior|last|before|nearest\s+previous)"
_GOAL = (
    rf"(?:on\s+|to\s+)?(?:the\s+)?{_SIDE}\s+({_WORKDAY}|weekday|day|monday|friday)"
    r"(?:\s+(?:after|before|instead|thereafter))?"
)
_VERB = (
    r"(?:then\s+)?(?:please\s+)?"
    r"(?:(?:run|send|do|use|move|shift|roll|push|pull|postpone|bring|fire|make|execute)\s+(?:it\s+)?"
    r"(?:forward\s+|back\s+)?)?"
)


def _weekday(text: str) -> int:
    start = _TYPOS.get(text, text)[:3]
    return next(index for index, name in enumerate(_WEEKDAYS) if name.startswith(start))


def _month(text: str) -> int:
    return next(index for index, name in enumerate(_MONTHS, 1) if name.startswith(text[:3]))


def _run(match: Match) -> Piece:
    runs = {
        "mwf": {1, 3, 5}, "tth": {2, 4}, "tuth": {2, 4}, "ttr": {2, 4}, "m-f": {1, 2, 3, 4, 5}, "m-th": {1, 2, 3, 4},
        "mtwtf": {1, 2, 3, 4, 5}, "m/w/f": {1, 3, 5}, "t/th": {2, 4}, "tu/th": {2, 4},
    }  # fmt: skip
    return Days(days=frozenset(runs[match[1]]), each=True)


def _dates(year: str | None, month: str, days: list[str], text: str) -> Piece:
    made = [date(int(year) if year else None, _month(month), number(day), text) for day in days]
    strange = next((piece for piece in made if not isinstance(piece, Dates)), None)
    return strange or Dates(dates=tuple(piece.dates[0] for piece in made if isinstance(piece, Dates)))


def _month_first(match: Match) -> Piece:
    return _dates(match[3], match[1], [match[2]], match[0])


def _month_list(match: Match) -> Piece:
    return _dates(None, match[1], re.findall(rf"{ORDINAL}|(?a:\d{{1,2}})", match[2]), match[0])


def _day_first(match: Match) -> Piece:
    return _dates(match[3], match[2], [match[1]], match[0])


def _iso(match: Match) -> Piece:
    return date(int(match[1]), int(match[2]), int(match[3]), match[0])


def _slashed(match: Match) -> Piece:
    year = int(match[3]) + (2000 if len(match[3]) == 2 else 0) if match[3] else None
    return date(year, int(match[1]), int(match[2]), match[0])


def _ordinal(match: Match) -> Piece:
    found = month_days([number(match[1])], match[0])
    return MonthDays(days=found.days, bare=True) if isinstance(found, MonthDays) else found


def _move_if(match: Match) -> Piece:
    return _move(match[1], match[2], match[3])


def _move_or(match: Match) -> Piece:
    return _move(match[3], match[1], match[2])


def _move(condition: str, side: str, goal: str) -> Piece:
    back = side in {"previous", "preceding", "prior", "last", "before"} or side.startswith("nearest")
    business = re.search(r"business|work", goal) or "business" in condition or "working" in condition
    holiday = "holiday" in condition
    weekend = re.search(r"weekend|saturday|sunday|day\s+off", condition)
    name = "business_days" if business or (holiday and weekend) else "not_holidays" if holiday else "not_weekends"
    return Move(direction="preceding" if back else "following", filter=name)


def _reference(match: Match) -> Piece:
    words = " ".join(match[1].split())
    day = {
        "today": 0,
        "tonight": 0,
        "tomorrow": 1,
        "the day after tomorrow": 2,
        "day after tomorrow": 2,
        "yesterday": -1,
    }
    if words in day:
        return Ref(unit="day", offset=day[words])
    which, unit = words.removeprefix("the ").split(" ")
    offset = {"this": 0, "current": 0, "next": 1, "coming": 1, "last": -1, "previous": -1}[which]
    return Ref(unit="week" if unit == "week" else "month" if unit == "month" else "year", offset=offset)


def _only_month(match: Match) -> Piece | None:
    # "may" is far more often a verb: it is the month only behind "in", or as part of a date or a range.
    if match[1] == "may" and not match[0].startswith(("in", "of")) and not _may_is_a_month(match):
        return None
    return Months(months=frozenset({_month(match[1])}))


def _may_is_a_month(match: Match) -> bool:
    before, behind = match.string[: match.start()], match.string[match.end() :]
    near = r"(?:until|till|from|every|through|to|starting|except|and|,|since|each|in|-)\s*$"
    return bool(re.search(near, before) or re.match(r"\s*(?:to|through|thru|-|,|and)\s", behind)) or not before.strip()


ENGLISH_DAYS: Rules = (
    # Weekdays.
    (rf"{_DAY_S}{_END}", lambda m: Days(days=frozenset({_weekday(m[1])}), each=bool(m[2]))),
    (
        rf"{_DAY_S}{_TO}{_DAY_S}{_END}",
        lambda m: Days(days=weekday_range(_weekday(m[1]), _weekday(m[3])), each=True),
    ),
    (
        rf"{_DAY_S}(?:\s*/\s*{_DAY_S}){{1,6}}{_END}",
        lambda m: Days(days=frozenset(map(_weekday, re.findall(r"[a-z]+", m[0]))), each=True),
    ),
    (rf"(mwf|tth|tuth|ttr|m-f|m-th|mtwtf|m/w/f|t/th|tu/th){_END}", _run),
    (rf"(?:weekdays?|week\s+days){_END}", lambda _: Days(days=WORKWEEK, each=True)),
    (rf"{_WORKDAY}{_END}", lambda m: Days(days=WORKWEEK, each=True, business=not re.match(r"work[\s-]?day", m[0]))),
    (rf"(?:on\s+|at\s+)?(?:the\s+)?weekends?{_END}", lambda _: Days(days=WEEKEND, each=True)),
    (
        rf"every\s+(?:other|second|2nd|alternate)\s+(?={_DAY}|weekend|weekday)",
        lambda m: Every(unit="week", n=2, assumed="" if re.search("other|altern", m[0]) else "every_second"),
    ),
    (rf"(?:on\s+)?alternat(?:e|ing)\s+(?={_DAY}|weekend)", lambda _: Every(unit="week", n=2)),
    (
        rf"(?:until|till|through|to)\s+(?:the\s+)?end\s+of\s+(?:the|this)\s+(week|month|year){_END}",
        lambda m: Finish(what=(Ref(unit=m[1], offset=0),)),  # pyright: ignore[reportArgumentType]  # The pattern allows units only.
    ),
    (rf"every\s+({ENGLISH})\s+(?={_DAY_S}{_END}|weekends)", lambda m: Every(unit="week", n=number(m[1]))),
    # Which one of the month, which day of the month.
    (
        rf"(?:on\s+)?(?:the\s+)?days?\s+((?a:\d{{1,2}})(?:\s*(?:,|and|&)\s*(?a:\d{{1,2}}))*){_END}",
        lambda m: month_days([int(day) for day in re.findall(r"\d+", m[1])], m[0]),
    ),
    (rf"at\s+(?:the\s+)?(?:start|beginning|begin|middle){_END}", lambda _: VagueDay()),
    (rf"at\s+(?:the\s+)?end{_END}(?!\s+of)", lambda _: MonthDays(days=frozenset({-1}), loose=True)),
    (rf"(?:the\s+)?{_ORD}(?:\s+day)?{_END}(?!\s+(?:time|thing))", _ordinal),
    (
        rf"(?:the\s+)?(?:very\s+)?last{_END}|(?:the\s+)?final{_END}",
        lambda _: Nth(ns=(-1,)),
    ),
    (
        rf"(?:the\s+)?(?:second|2nd|next)[\s-]to[\s-](?:the[\s-])?last{_END}|(?:the\s+)?penultimate",
        lambda _: Nth(ns=(-2,)),
    ),
    (
        r"(?:the\s+)?(?:second|2nd|next)[\s-]to[\s-](?:the[\s-])?last\s+day|(?:the\s+)?penultimate\s+day",
        lambda _: MonthDays(days=frozenset({-2})),
    ),
    (
        rf"(?:the\s+)?{_ORD}\s+week{_END}(?:\s+of\s+(?:the|each|every)\s+month)?",
        lambda m: Nth(ns=(number(m[1]),), week=True),
    ),
    (rf"(?:the\s+)?last\s+week{_END}(?:\s+of\s+(?:the|each|every)\s+month)", lambda _: Nth(ns=(-1,), week=True)),
    (rf"(?:the\s+)?(?:very\s+)?(?:last|final)\s+(?:calendar\s+)?day{_END}", lambda _: MonthDays(days=frozenset({-1}))),
    (
        rf"(?:at\s+|by\s+)?(?:the\s+)?end\s+of\s+(?:the|each|every)\s+(month|quarter){_END}|(?:at\s+)?month[\s-]end|eom{_END}",
        lambda m: [
            Every(unit="quarter" if m[1] == "quarter" else "month"),
            MonthDays(days=frozenset({-1}), loose=True),
        ],
    ),
    (
        rf"(?:at\s+|in\s+)?(?:the\s+)?(?:start|beginning|begin|middle)\s+of\s+(?:the|each|every)\s+(month|quarter){_END}|mid[\s-]month",
        lambda m: [Every(unit="quarter" if m[1] == "quarter" else "month"), VagueDay()],
    ),
    (
        rf"(?:of\s+|in\s+)(?:the|each|every|a)\s+(month|quarter|year|week){_END}",
        lambda m: Every(unit=m[1], loose=True),  # pyright: ignore[reportArgumentType]  # The pattern allows units only.
    ),
    (
        rf"(?:in\s+|of\s+)?(?:the\s+)?(first|second|third|last)\s+month\s+of\s+(?:the|each|every|a)\s+quarter{_END}",
        lambda m: [Every(unit="quarter"), Months(months=frozenset(range(_QUARTER[m[1]], 13, 3)))],
    ),
    (rf"(?:of|in)\s+every\s+other\s+(month|year){_END}", lambda m: Every(unit=m[1], n=2)),  # pyright: ignore[reportArgumentType]  # As above.
    (
        rf"({ENGLISH})\s+({_WORKDAY}|days?)\s+(?:before|prior\s+to|ahead\s+of)",
        lambda m: Shift(days=number(m[1]), business=not m[2].startswith("day")),
    ),
    (r"the\s+day\s+before", lambda _: Shift(days=1)),
    # Months and dates.
    (rf"(?:in\s+|of\s+)?{_MONTH}{_END}", _only_month),
    (
        rf"{_MONTH}\s*(?:-|~|to|thru|through)\s*{_MONTH}{_END}",
        lambda m: Months(months=month_range(_month(m[1]), _month(m[2]))),
    ),
    (
        rf"{_MONTH}\s+(?:the\s+)?({ORDINAL}|(?a:\d{{1,2}}))(?:,?\s+((?a:\d{{4}})))?{_END}(?!\s*(?::|[ap]\.?m))",
        _month_first,
    ),
    (
        rf"{_MONTH}\s+((?:(?:the\s+)?(?:{ORDINAL}|(?a:\d{{1,2}}))\s*(?:,|and|&)\s*(?:and\s+)?){{1,30}}(?:the\s+)?(?:{ORDINAL}|(?a:\d{{1,2}}))){_END}(?!\s*(?::|[ap]\.?m))",
        _month_list,
    ),
    (
        rf"(?:the\s+)?({ORDINAL}|(?a:\d{{1,2}}))\s+(?:day\s+)?(?:of\s+)?{_MONTH}(?:,?\s+((?a:\d{{4}})))?{_END}",
        _day_first,
    ),
    (r"((?a:\d{4}))\s*[-./]\s*((?a:\d{1,2}))\s*[-./]\s*((?a:\d{1,2}))(?:t(?=(?a:\d))|\.?(?!(?a:\d)))", _iso),
    (r"((?a:\d{1,2}))/((?a:\d{1,2}))(?:/((?a:\d{4}|\d{2})))?(?![0-9/])", _slashed),
    (rf"({'|'.join(sorted(_FIXED, key=len, reverse=True))}){_END}", lambda m: Dates(dates=((None, *_FIXED[m[1]]),))),
    (
        rf"(?:in\s+|during\s+)(?:the\s+)?({'|'.join(_SEASONS)}){_END}",
        lambda m: Months(months=frozenset(_SEASONS[m[1]]), assumed="season"),
    ),
    (
        rf"(?:every\s+|each\s+)({'|'.join(_SEASONS)}){_END}",
        lambda m: Months(months=frozenset(_SEASONS[m[1]]), assumed="season"),
    ),
    (rf"(today|the\s+day\s+after\s+tomorrow|day\s+after\s+tomorrow|tomorrow|yesterday)(?!'s){_END}", _reference),
    (rf"((?:the\s+)?(?:this|current|next|coming|last|previous)\s+(?:week|month|year))(?!'s){_END}", _reference),
    (
        rf"(this|next)\s+weekend{_END}",
        lambda m: [Ref(unit="week", offset=int(m[1] == "next")), Days(days=WEEKEND)],
    ),
    (rf"(?:this\s+coming|this|next|coming)\s+(?={_DAY}{_END})", lambda _: Mark(kind="coming")),
    # What is left out, let in or moved.
    (
        rf"(?:({'|'.join(map(re.escape, _COUNTRIES))})\s+)?(?:public\s+|bank\s+|national\s+)?holidays?{_END}",
        lambda m: Holiday(country=_COUNTRIES.get(m[1] or "")),
    ),
    (rf"days?\s+off{_END}|non[\s-](?:business|working)\s+days?", lambda _: Holiday(days_off=True)),
    (
        (
            r"(?:,\s*)?(?:except(?:ing)?(?:\s+(?:for|on|during|in))?|excluding|apart\s+from|other\s+than|(?:but\s+)?not\s+(?:on|in|during)|but\s+not|"
            r"skip(?:ping)?(?:\s+on)?|without|no(?=\s+(?:public|bank|holiday|weekend)))(?:\s+(?:the|any|all))?(?![a-z])"
        ),
        lambda _: Except(before=True),
    ),
    (r"(?:including|also\s+on|even\s+on|regardless\s+of|incl\.?)(?:\s+on)?(?![a-z])", lambda _: Include(before=True)),
    (rf"{_FALLS}\s*,?\s*{_VERB}{_GOAL}", _move_if),
    (rf"(?:,?\s*or\s+|,?\s*else\s+|,?\s*otherwise\s+)?{_GOAL}\s+{_FALLS}", _move_or),
    (
        (
            r"(?:at\s+)?(?:sunrise|sunset|dawn\s+breaks|dusk|full\s+moon|new\s+moon|high\s+tide|lunar\s+[a-z]+(?:\s+[a-z]+)?|chuseok|seollal|easter|"
            r"thanksgiving|ramadan|diwali)"
        ),
        lambda m: Strange(what=m[0]),
    ),
)
