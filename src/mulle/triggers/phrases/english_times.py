"""English words for times of day and for repetition: half past seven, every 90 minutes, twice a day, in two hours.

Rules for the lexer; it knows neither days (`english_days`) nor what becomes of the pieces.
"""

import re
from dataclasses import replace

from mulle.triggers.phrases.korean_times import clock, part_hours
from mulle.triggers.phrases.lexer import Match, Rules
from mulle.triggers.phrases.numbers import ENGLISH, ORDINAL, number
from mulle.triggers.phrases.pieces import (
    Beyond,
    Clock,
    DayPart,
    Delay,
    Every,
    Limit,
    Mark,
    Minute,
    Number,
    Parity,
    Part,
    Piece,
    Strange,
    Times,
    Unit,
    Vague,
    Window,
    Word,
)

UNITS: dict[str, Unit] = {
    "second": "second", "sec": "second", "s": "second", "minute": "minute", "min": "minute", "m": "minute",
    "hour": "hour", "hr": "hour", "h": "hour", "day": "day", "d": "day", "week": "week", "wk": "week", "month": "month",
    "quarter": "quarter", "year": "year", "yr": "year", "fortnight": "week", "night": "day", "morning": "day",
    "evening": "day", "afternoon": "day",
}  # fmt: skip
_ADVERBS: dict[str, tuple[Unit, int, str]] = {
    "daily": ("day", 1, ""), "weekly": ("week", 1, ""), "monthly": ("month", 1, ""), "quarterly": ("quarter", 1, ""),
    "yearly": ("year", 1, ""), "annually": ("year", 1, ""), "annual": ("year", 1, ""), "hourly": ("hour", 1, ""),
    "fortnightly": ("week", 2, ""), "biweekly": ("week", 2, "biweekly"), "bi-weekly": ("week", 2, "biweekly"),
    "bimonthly": ("month", 2, "bimonthly"), "bi-monthly": ("month", 2, "bimonthly"), "semiannually": ("half", 1, ""),
    "semi-annually": ("half", 1, ""), "half-yearly": ("half", 1, ""), "half-hourly": ("minute", 30, ""),
    "biannually": ("half", 1, ""), "biennially": ("year", 2, ""), "minutely": ("minute", 1, ""),
}  # fmt: skip
_PARTS: dict[str, Part] = {
    "morning": "morning", "mornings": "morning", "afternoon": "pm", "afternoons": "pm", "evening": "evening",
    "evenings": "evening", "night": "night", "nights": "night", "midday": "midday", "lunchtime": "lunch",
    "lunch": "lunch", "dawn": "dawn",
}  # fmt: skip

_END = r"(?![a-z0-9])"
_N = rf"({ENGLISH})"
_UNIT = r"(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|wks?|fortnights?|months?|quarters?|years?|yrs?)"
_PER = r"(?:(?:an?|per|each|every)\s+(?:single\s+)?|/\s*)"
_AMPM = r"(a\.?\s?m\.?|p\.?\s?m\.?|[ap](?=[\s,.;-]|$))"
_HOUR = r"((?a:\d{1,2})|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_PAST = (
    r"((?a:\d{1,2})|quarter|half|five|ten|twelve|fifteen|eighteen|"
    r"(?:twenty|thirty|forty|fifty)(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?)"
)
_SPOKEN = (
    r"(oh\s+(?:one|two|three|four|five|six|seven|eight|nine)|ten|fifteen|"
    r"(?:twenty|thirty|forty|fifty)(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?)"
)


def _unit(text: str) -> Unit:
    return UNITS[text.rstrip("s") if text not in UNITS else text]


def _every(match: Match) -> Piece:
    unit, n = _unit(match[2]), number(match[1] or "1")
    if n == 0:
        return Strange(what=match[0], impossible=True)
    return Every(unit=unit, n=2 * n if "fortnight" in match[2] else n)


def _every_compact(match: Match) -> Piece:
    return Every(unit=_unit(match[2]), n=int(match[1])) if int(match[1]) else Strange(what=match[0], impossible=True)


def _every_mixed(match: Match) -> Piece:
    hours = number(match[1] or "1")
    return Every(unit="minute", n=60 * hours + (number(match[2]) if match[2] else 30))


def _once_per(match: Match) -> Piece:
    return Every(unit=_unit(match[1]), n=2 if "fortnight" in match[1] else 1)


def _times(match: Match) -> Piece:
    word, unit = match[1].split()[0], _unit(match[2].replace("daily", "day").replace("ly", ""))
    n = {"once": 1, "twice": 2, "thrice": 3}.get(word) or number(re.sub(r"\s*(?:times|x|×).*", "", match[1]))
    return Every(unit=unit) if n == 1 else Times(n=n, unit=unit)


def _adverb(match: Match) -> Piece:
    unit, n, assumed = _ADVERBS[match[1]]
    return Every(unit=unit, n=n, assumed=assumed, loose=True)


def _half(text: str | None) -> Part | None:
    return ("am" if text[0] == "a" else "pm") if text else None


def _colon(match: Match) -> Piece:
    hour, minute, second, half = int(match[1]), int(match[2]), match[3], _half(match[4])
    if second and int(second):
        return Strange(what=match[0])
    made = clock(hour, minute, match[0], half)
    if isinstance(made, Clock) and not half and len(match[1]) == 2 and match[1][0] == "0":
        return Clock(hour=hour, minute=minute, exact=True)
    return made


def _ampm(match: Match) -> Piece:
    digits = re.sub(r"\D", "", match[1])
    hour, minute = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits or number(match[1])), 0)
    made = clock(hour, minute, match[0], _half(match[2]))
    return Strange(what=match[0], impossible=True) if isinstance(made, Clock) and not 0 < hour < 13 else made


def _minutes(text: str) -> int:
    return {"quarter": 15, "half": 30}.get(text) or number(text)


def _past(match: Match) -> Piece:
    return clock(number(match[3]), _minutes(match[1]), match[0], _half(match[4]))


def _before(match: Match) -> Piece:
    minutes = _minutes(match[1] or match[2] or match[3])
    made = clock(number(match[5]), 0, match[0], _half(match[6]))
    return replace(made, minus=minutes) if isinstance(made, Clock) else made


def _spoken(match: Match) -> Piece:
    minute = number(match[2].split()[-1] if match[2].startswith("oh") else match[2])
    return clock(number(match[1]), minute, match[0], _half(match[3]))


def _minute_past(match: Match) -> Piece:
    minutes = _minutes(match[1])
    past = not match[2] or match[2] in {"past", "after"}
    return Minute(values=(minutes if past else (60 - minutes) % 60,), hourly=match[0].endswith("hour"))


def _military(match: Match) -> Piece | None:
    made = clock(int(match[1]), int(match[2]), match[0])
    return Clock(hour=made.hour, minute=made.minute, exact=True) if isinstance(made, Clock) else made


def _delay(amount: str, word: str, *, half: bool = False) -> Piece:
    n = 1 if amount in {"a", "an"} else 2 if amount.startswith("a ") else number(amount)
    return Delay(n=2 * n if "fortnight" in word else n, unit=_unit(word), minutes=30 if half else 0)


def _count(match: Match) -> Piece:
    return Limit(n=number(match[1] or match[2]))


def _parity(match: Match) -> Piece:
    return Parity(unit="hour" if match[2] == "hour" else "day", odd=match[1] == "odd")


ENGLISH_TIMES: Rules = (
    # Amounts, which are no times: the last 7 days, a 5 minute read.
    (
        rf"(?:(?:in|for|over|from|during|within|of)\s+)?(?:the\s+)?(?:last|past|previous|latest|recent)\s+(?:{ENGLISH}\s+)?{_UNIT}(?:'s)?{_END}",
        lambda m: Word() if m[1].endswith("s") or "past" in m[0] else None,
    ),
    (rf"(?:within|under|over|less\s+than|more\s+than|at\s+least|at\s+most)\s+{_N}\s+{_UNIT}{_END}", lambda _: Word()),
    (
        rf"{_N}[-\s]{_UNIT}(?:s'|\s+(?:old|long|read|window|period|summary|ago)){_END}|(?:top|first|latest|last)\s+{_N}(?=\s+[a-z])",
        lambda _: Word(),
    ),
    # Repetition.
    (rf"(?:once\s+)?(?:every|each)\s+(?:single\s+)?(?:{_N}\s*-?\s*)?{_UNIT}(?:\s+or\s+so)?{_END}", _every),
    (rf"once\s+(?:in|every)\s+{_N}\s+{_UNIT}{_END}", _every),
    (rf"(?:every|each)\s+((?a:\d{{1,4}}))\s*(m|h|d|s){_END}", _every_compact),
    (rf"(?:every|each)\s+(?:{_N}\s+)?hours?\s+and\s+(?:a\s+half|{_N}\s+min(?:ute)?s?){_END}", _every_mixed),
    (rf"every\s+{_N}\s*h(?:ou)?rs?\s+{_N}\s*min(?:ute)?s?{_END}", _every_mixed),
    (rf"every\s+((?a:\d{{1,3}}\.\d{{1,2}}))\s*h(?:ou)?rs?{_END}", lambda m: part_hours(m[1], m[0])),
    (
        rf"every\s+(?:half(?:\s+an)?|(?:a\s+)?half\s+of\s+an)[\s-]+hour{_END}|half[\s-]hourly",
        lambda _: Every(unit="minute", n=30),
    ),
    (
        rf"every\s+(?:quarter(?:\s+of\s+an)?|15th\s+minute\s+of\s+the)\s+hour{_END}",
        lambda _: Every(unit="minute", n=15),
    ),
    (
        rf"(?:once\s+)?(?:every|each)\s+(?:other|second(?!\s*of)|2nd|alternate)\s+{_UNIT}{_END}",
        lambda m: Every(unit=_unit(m[1]), n=2),
    ),
    (rf"(?:on\s+)?(?:every\s+)?alternat(?:e|ing)\s+{_UNIT}{_END}", lambda m: Every(unit=_unit(m[1]), n=2)),
    (
        rf"(?:once\s+)?every\s+({ORDINAL})\s+{_UNIT}{_END}(?!\s+of)",
        lambda m: Every(unit=_unit(m[2]), n=number(m[1])),
    ),
    (rf"once\s+{_PER}{_UNIT}{_END}", _once_per),
    (rf"(?:per|each)\s+{_UNIT}{_END}", lambda m: Every(unit=_unit(m[1]), loose=True)),
    (r"every\s?day|day\s+in\s+day\s+out|around\s+the\s+clock\s+every\s+day", lambda _: Every(unit="day")),
    (rf"({'|'.join(sorted(_ADVERBS, key=len, reverse=True))}){_END}", _adverb),
    (
        (
            rf"((?:once|twice|thrice)|{ENGLISH}\s*(?:times|x))\s*(?:{_PER})?(minute|hour|day|daily|week|weekly|month|monthly|"
            rf"quarter|year|hourly|yearly){_END}"
        ),
        _times,
    ),
    (rf"nightly{_END}", lambda _: [Every(unit="day"), DayPart(part="night")]),
    (
        rf"(?:every|each)\s+(?:single\s+)?(morning|afternoon|evening|night|lunchtime){_END}",
        lambda m: [Every(unit="day"), DayPart(part=_PARTS[m[1]])],
    ),
    (rf"(?:on\s+)?(odd|even)(?:[\s-]numbered)?\s+(hour|day|date)s?{_END}", _parity),
    # Times of day.
    (rf"((?a:\d{{1,2}}))\s*:\s*((?a:\d{{2}}))(?::((?a:\d{{2}})))?(?:\s*{_AMPM})?(?:\s*시)?(?![0-9a-z:])", _colon),
    (
        rf"((?a:\d{{1,2}})(?:[.:]?(?a:\d{{2}}))?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\s*{_AMPM}{_END}",
        _ampm,
    ),
    (rf"(?:a\s+)?{_PAST}\s*(?:minutes?\s+|mins?\s+)?(past|after)\s+{_HOUR}(?:\s*{_AMPM})?{_END}", _past),
    (
        # "10 to 6" alone is a window; behind "at", or with minutes or words, it is ten minutes before six.
        (
            rf"(?:a\s+)?(?:{_PAST}\s*(?:minutes?|mins?)\s+|(?<=at ){_PAST}\s+|"
            rf"(?<!from )(?<!between )(?=[a-z]){_PAST}\s+)(to|before|til|till|of)\s+{_HOUR}(?:\s*{_AMPM})?{_END}"
        ),
        _before,
    ),
    (
        (
            rf"(?:at\s+)?(?:a\s+)?{_PAST}\s*(?:minutes?\s+|mins?\s+)?(past|after|to|before)(?:\s+(?:the|every|each)(?:\s+hour)?)?"
            rf"(?=\s*(?:$|[,.]|every|each|and|on))"
        ),
        _minute_past,
    ),
    (
        rf"(?:at\s+)?(?:a\s+)?{_PAST}\s*(?:minutes?\s+|mins?\s+)?(past|after|to|before)\s+(?:the|every|each)\s+hour{_END}",
        _minute_past,
    ),
    (rf"(?:at\s+)?minute\s+((?a:\d{{1,2}}))(){_END}", _minute_past),
    (rf"(?:at\s+)?:((?a:\d{{2}}))(){_END}", _minute_past),
    (
        rf"(?:at\s+)?on\s+the\s+hour{_END}|at\s+the\s+top\s+of\s+(?:the|every|each)\s+hour",
        lambda _: Minute(values=(0,), hourly=True),
    ),
    (rf"on\s+the\s+half[\s-]hour{_END}", lambda _: Minute(values=(30,), hourly=True)),
    (r"(?:before|after|past|later\s+than|earlier\s+than)(?=\s+(?:(?a:\d)|noon|midnight))", lambda _: Beyond()),
    (rf"(?:at\s+)?((?a:[01]\d|2[0-4]))h?((?a:[0-5]\d))\s*(?:hours|hrs|h){_END}", _military),
    (rf"(?<=at )((?a:[01]\d|2[0-3]))((?a:[0-5]\d)){_END}", _military),
    (rf"((?a:[01]?\d|2[0-4]))h((?a:[0-5]\d))?{_END}", lambda m: clock(int(m[1]), int(m[2] or 0), m[0])),
    (rf"{_HOUR}\s*o'?\s?clock{_END}", lambda m: clock(number(m[1]), 0, m[0])),
    (rf"(?:12\s+)?noon{_END}|midday{_END}|high\s+noon", lambda _: Clock(hour=12, exact=True, named="noon")),
    (rf"(?:12\s+)?midnight{_END}", lambda _: Clock(hour=0, exact=True, named="midnight")),
    (rf"(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\s+{_SPOKEN}(?:\s*{_AMPM})?{_END}", _spoken),
    (rf"(0(?a:\d))((?a:[0-5]\d)){_END}", _military),
    (rf"{_N}(?![a-z0-9.:/%])", lambda m: Number(value=number(m[1]))),
    (
        rf"(?:in\s+the|at|during\s+the|in)\s+(morning|afternoon|evening|night|lunchtime|dawn)s?{_END}",
        lambda m: DayPart(part=_PARTS[m[1]]),
    ),
    (rf"({'|'.join(sorted(_PARTS, key=len, reverse=True))}){_END}", lambda m: DayPart(part=_PARTS[m[1]])),
    (rf"([ap])\.?m\.?{_END}", lambda m: DayPart(part="am" if m[1] == "a" else "pm")),
    (
        rf"(?:during|in|within|throughout)\s+(?:the\s+)?(morning|afternoon|evening|night)\s+hours{_END}",
        lambda m: Window(begin=None, finish=None, name=_PARTS[m[1]]),
    ),
    (
        rf"(?:(?:during|in|within|throughout)\s+)?(?:normal\s+|regular\s+)?(?:business|office|work|working)\s+hours{_END}",
        lambda _: Window(begin=None, finish=None, name="business"),
    ),
    (rf"overnight{_END}", lambda _: Window(begin=None, finish=None, name="night")),
    (
        rf"all\s+day(?:\s+long)?{_END}|around\s+the\s+clock|24/7|round\s+the\s+clock",
        lambda _: Window(begin=None, finish=None, name="day"),
    ),
    # Once and limits.
    (
        rf"in\s+(an?|{ENGLISH}|a\s+couple\s+of)\s+{_UNIT}(\s+and\s+a\s+half)?(?:'s?)?(?:\s+time)?{_END}",
        lambda m: _delay(m[1], m[2], half=bool(m[3])),
    ),
    (rf"in\s+(?:half\s+an|a\s+half)\s+hour{_END}", lambda _: Delay(n=30, unit="minute")),
    (rf"(an?|{ENGLISH})\s+{_UNIT}\s+(?:from\s+now|later){_END}", lambda m: _delay(m[1], m[2])),
    (rf"(?:for\s+)?up\s+to\s+{_N}\s*(?:times|occurrences|runs|x){_END}|(?:for\s+)?{_N}\s?x{_END}", _count),
    (rf"(?:twice|thrice){_END}", lambda m: Times(n=2 if m[0] == "twice" else 3, unit="day")),
    (rf"for\s+the\s+next\s+{_UNIT}{_END}", lambda m: Limit(n=1, unit=_unit(m[1]))),
    (rf"for\s+(?:the\s+next\s+|up\s+to\s+)?{_N}\s+{_UNIT}{_END}", lambda m: Limit(n=number(m[1]), unit=_unit(m[2]))),
    (
        rf"(?:for\s+)?{_N}\s+(?:times|occurrences|runs)(?:\s+(?:in\s+total|only|altogether))?{_END}",
        lambda m: Limit(n=number(m[1])),
    ),
    (rf"(?:just\s+|only\s+)?once(?:\s+only)?{_END}|one[\s-]time{_END}|one[\s-]off{_END}", lambda _: Mark(kind="once")),
    (rf"(?:right\s+)?now{_END}|immediately{_END}|right\s+away|asap", lambda _: Mark(kind="now")),
    (
        (
            r"(?:every\s+)?(?:now\s+and\s+(?:then|again)|once\s+in\s+a\s+while|so\s+often)|from\s+time\s+to\s+time|occasionally|"
            r"sometimes|regularly|periodically|frequently(?!\s+asked)|often|whenever\s+(?:you\s+can|possible|convenient)|"
            r"every\s+(?:few|couple\s+of|several)\s+[a-z]+|(?:a\s+few|several|multiple|a\s+couple\s+of)\s+times\s+(?:a|per)\s+[a-z]+|"
            r"sporadically|intermittently"
        ),
        lambda _: Vague(),
    ),
    (r"later(?:\s+on)?(?![a-z])|soon(?![a-z])|someday|at\s+some\s+point", lambda _: Vague(later=True)),
)
