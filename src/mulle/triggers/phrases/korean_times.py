"""Korean words for times of day and for repetition: 오전 9시 반, 3일마다, 하루 세 번, 업무시간, 30분 뒤.

Rules for the lexer; it knows neither days (`korean_days`) nor what becomes of the pieces.
"""

import re

from mulle.triggers.phrases.lexer import Match, Rules
from mulle.triggers.phrases.numbers import KOREAN, NATIVE_DAYS, number
from mulle.triggers.phrases.pieces import (
    Clock,
    DayPart,
    Delay,
    Every,
    Limit,
    Mark,
    Minute,
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
    "초": "second", "분": "minute", "시간": "hour", "일": "day", "주": "week", "주일": "week", "주간": "week",
    "개월": "month", "달": "month", "월": "month", "분기": "quarter", "반기": "half", "년": "year", "해": "year",
    "연": "year", "하루": "day", "일주일": "week",
}  # fmt: skip
_PARTS: dict[str, Part] = {
    "새벽": "dawn", "아침": "morning", "오전": "am", "점심": "lunch", "낮": "midday", "대낮": "midday",
    "한낮": "midday", "오후": "pm", "저녁": "evening", "밤": "night", "심야": "night", "한밤": "night",
    "한밤중": "night", "오밤중": "night", "야간": "night",
}  # fmt: skip
_HINTS: dict[str, Part] = {"출근": "am", "기상": "am", "등교": "am", "퇴근": "pm", "하교": "pm", "취침": "pm"}

_N = rf"({KOREAN})"
_UNIT = "(초|분|시간|일|주일|주|개월|달|분기|년)"
_DAYS = "({})".format("|".join(NATIVE_DAYS))
_PART = "({})".format("|".join(sorted(_PARTS, key=len, reverse=True)))
_ONCE = r"(?:한|1)\s*(?:번(?!\s*째)|회|차례)(?:\s*씩)?"
_TAIL = rf"(?:\s*마다|\s*(?:에|당)\s*{_ONCE}|\s*꼴로|\s*(?:간격|주기|단위|텀)(?:으로|로|에)?)(?:\s*{_ONCE})?"
_HOUR = (
    r"((?a:\d{1,2})|열\s?한|열\s?두|열|한|두|세|네|다섯|여섯|일곱|여덟|여덜|아홉|스물\s?네|스물\s?세|스물\s?두|스물\s?한|스무|"
    r"이십[일이삼사]?|십[일이삼사오육칠팔구]|영)"
)
_MIN = r"((?a:\d{1,2})|[이삼사오육칠팔구]?십[일이삼사오육칠팔구]?|[일이삼사오육칠팔구])"


def _every(match: Match) -> Piece:
    n, unit, half, minutes = match[1], UNITS[match[2]], match[3], match[4]
    if half or minutes:
        extra = number(minutes) if minutes else 30
        return Every(unit="minute", n=60 * number(n) + extra) if unit == "hour" else Strange(what=match[0])
    return every(number(n), unit, match[0])


def every(n: int, unit: Unit, text: str) -> Piece:
    """`n` of a unit, or a Strange piece where that is no interval."""
    return Every(unit=unit, n=n) if n > 0 else Strange(what=text, impossible=True)


def part_hours(hours: str, text: str) -> Piece:
    """1.5 hours, in minutes."""
    minutes = float(hours) * 60
    return Every(unit="minute", n=int(minutes)) if minutes == int(minutes) > 0 else Strange(what=text)


def _skipping(match: Match) -> Piece:
    if match[3]:
        return Every(unit="day", n=NATIVE_DAYS[match[3]] + 1)
    return Every(unit=UNITS[match[2]], n=number(match[1]) + 1)


def _times(match: Match) -> Piece:
    unit = re.sub(r"^(매|한|1|일(?=년))\s*", "", match[1]) or "일"
    n = number(match[2])
    return Times(n=n, unit=UNITS[unit]) if n != 1 else Every(unit=UNITS[unit])


def _clock(match: Match) -> Piece | list[Piece]:
    hour, before, minute, half, second = match[1], match[2], match[3], match[4], match[5]
    value = clock(number("".join(hour.split())), number(minute) if minute else 30 if half else 0, match[0])
    if second and number(second):
        return Strange(what=match[0])
    if isinstance(value, Clock) and before:
        return Clock(hour=value.hour, exact=value.exact, minus=number(before))
    if isinstance(value, Clock) and hour.startswith("0"):
        return Clock(hour=value.hour, minute=value.minute, exact=True)
    return value


def clock(hour: int, minute: int, text: str, part: Part | None = None) -> Clock | Strange:
    """A time of day, or a Strange piece where there is no such time."""
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return Strange(what=text, impossible=True)
    return Clock(hour=hour, minute=minute, part=part, part_behind=bool(part), exact=hour == 0 or hour > 12)


def _clock_list(match: Match) -> list[Piece]:
    pieces: list[Piece] = []
    for digits in re.findall(r"(?a:\d+)", match[1]):
        pieces += [Mark(kind="comma"), clock(int(digits), 0, match[0])]
    return pieces[1:]


def _clock_range(match: Match) -> list[Piece]:
    return [clock(int(match[1]), 0, match[0]), Mark(kind="dash"), clock(int(match[2]), 0, match[0])]


def _delay(match: Match) -> Piece:
    if match[5]:
        return Delay(n=NATIVE_DAYS[match[5]], unit="day")
    extra = 30 if match[3] else number(match[4]) if match[4] else 0
    return Delay(n=number(match[1]), unit=UNITS[match[2]], minutes=extra)


def _limit(match: Match) -> Piece:
    return Limit(n=NATIVE_DAYS[match[3]], unit="day") if match[3] else Limit(n=number(match[1]), unit=UNITS[match[2]])


def _count(match: Match) -> Piece:
    n = number(match[1])
    return Mark(kind="once") if n == 1 else Limit(n=n)


def _unit(unit: Unit, n: int = 1, assumed: str = "") -> Every:
    return Every(unit=unit, n=n, assumed=assumed)


_NOT_A_DAY = r"(?<!매월 )(?<!매월)(?<!매달 )(?<!매달)(?<!월 )(?<!월)"

_SPANS = "초|분|시간|일|주일|주|개월|달|년|분기"

KOREAN_TIMES: Rules = (
    # Amounts, which are no times: 최근 7일, 3일치, 기사 3개.
    (
        rf"(?:최근|지난|과거|직전|앞선)\s*(?:{KOREAN}\s*(?:{_SPANS})|{'|'.join(NATIVE_DAYS)})(?:\s*(?:간|동안|치|이내|내))?(?:의)?",
        lambda _: Word(),
    ),
    (
        rf"(?:{KOREAN}\s*(?:{_SPANS})|{'|'.join(NATIVE_DAYS)})\s*(?:치|분량|짜리|이내|이상|이하|미만|초과|넘[가-힣]*|안에|내에?)",
        lambda _: Word(),
    ),
    (rf"{KOREAN}\s*(?:개월치|개|건|명|가지|곳|만\s*원|원|위|페이지|통|배|퍼센트|달러)(?!월)", lambda _: Word()),
    # Repetition.
    (
        rf"매일(?!경제|신문|유업)(?:\s*매일)?|매\s일(?!\s*[가-힣])|날마다|하루\s*(?:에\s*)?{_ONCE}",
        lambda _: _unit("day"),
    ),
    (rf"{_NOT_A_DAY}(?:1일|일)\s*1\s*회(?:\s*씩)?", lambda _: _unit("day")),
    (rf"매\s?주(?:마다)?|주마다|주\s*(?:에|당)?\s*{_ONCE}|주기적으로\s*매주", lambda _: _unit("week")),
    (rf"매\s?월(?:마다)?|매\s?달(?:마다)?|달마다|다달이|월\s*(?:에|당)?\s*{_ONCE}", lambda _: _unit("month")),
    (rf"매\s?년(?:마다)?|매\s?해|해마다|(?:연|년)\s*(?:에|당)?\s*{_ONCE}", lambda _: _unit("year")),
    (rf"매\s?시간?(?:마다)?|시간마다|시간\s*(?:에|당)\s*{_ONCE}|매\s?시각", lambda _: _unit("hour")),
    (r"매\s?분(?:마다)?|분마다", lambda _: _unit("minute")),
    (r"매\s?초(?:마다)?|초마다", lambda _: _unit("second")),
    (rf"매\s?분기(?:마다)?|분기마다|분기별로?|분기\s*(?:에|당)\s*{_ONCE}", lambda _: _unit("quarter")),
    (rf"매\s?반기(?:마다)?|반기마다|반기별로?|반기\s*(?:에|당)\s*{_ONCE}", lambda _: _unit("half")),
    (rf"반\s?년{_TAIL}", lambda _: _unit("month", 6)),
    (rf"((?a:\d{{1,3}}\.\d{{1,2}}))\s*시간{_TAIL}", lambda m: part_hours(m[1], m[0])),
    (rf"하루\s*반{_TAIL}", lambda _: _unit("hour", 36)),
    (rf"반\s?나절{_TAIL}", lambda _: _unit("hour", 12, "half_day")),
    (rf"반\s?시간{_TAIL}", lambda _: _unit("minute", 30)),
    (r"격일(?:제로|로|제)?(?:\s*마다)?", lambda _: _unit("day", 2)),
    (r"격주(?:제로|로|제)?(?:\s*마다)?", lambda _: _unit("week", 2)),
    (r"격월(?:제로|로|제)?(?:\s*마다)?", lambda _: _unit("month", 2)),
    (r"격년(?:제로|로|제)?(?:\s*마다)?", lambda _: _unit("year", 2)),
    (rf"(?:매\s*)?{_N}\s*{_UNIT}(?:\s*(반)|\s*{_N}\s*분)?{_TAIL}", _every),
    (rf"매\s+{_N}\s*(초|분|시간|주|개월|달|분기|년)()()(?:마다)?", _every),
    (rf"매\s?{_N}\s*(분|시간)()()(?:마다)?", _every),
    (rf"{_DAYS}{_TAIL}", lambda m: _unit("day", NATIVE_DAYS[m[1]])),
    (rf"(?:{_N}\s*(일|주|주일|달|년)|{_DAYS})\s*걸러(?:서)?(?:\s*(?:하루|{_ONCE}|씩))?", _skipping),
    (
        (
            rf"{_NOT_A_DAY}(매일|하루|1일|일주일|한\s*주|1주|주|매주|한\s*달|1월|월|매월|매달|1개월|1년|일\s*년|연|한\s*시간|시간|매시간|매년)"
            rf"\s*(?:에|당|마다)?\s*({KOREAN})\s*(?:번(?!\s*째)|회|차례)(?:\s*씩)?"
        ),
        _times,
    ),
    (r"(홀수|짝수)\s*시(?:간)?(?:마다)?", lambda m: Parity(unit="hour", odd=m[1] == "홀수")),
    (r"(홀수|짝수)\s*(?:일|날)(?:마다)?", lambda m: Parity(unit="day", odd=m[1] == "홀수")),
    # Times of day.
    (
        (
            rf"{_HOUR}\s*시(?!간)(?:\s*{_MIN}\s*분\s*전|\s*{_MIN}\s*분(?!\s*(?:마다|간격|에\s*한|단위|주기))|\s*(반)(?!\s*시간))?"
            rf"(?:\s*{_MIN}\s*초)?(?:\s*정각)?"
        ),
        _clock,
    ),
    (r"((?a:\d{1,2})(?:\s*시?\s*[,·/]\s*(?a:\d{1,2})){1,23})\s*시(?!간)(?:\s*정각)?", _clock_list),
    (r"((?a:\d{1,2}))\s*[~-]\s*((?a:\d{1,2}))\s*시(?!간)", _clock_range),
    (r"정오", lambda _: Clock(hour=12, exact=True, named="noon")),
    (r"자정", lambda _: Clock(hour=0, exact=True, named="midnight")),
    (rf"{_PART}(?:\s*때)?", lambda m: DayPart(part=_PARTS[m[1]])),
    (r"점심\s*(?:시간|때)", lambda _: DayPart(part="lunch")),
    (
        rf"{_PART}\s*(?:시간대?|시간\s*동안|중|내내|동안)(?:에는?)?",
        lambda m: Window(begin=None, finish=None, name=_PARTS[m[1]]),
    ),
    (
        r"(?:업무|근무|영업|일과|일하는)\s*시간(?:대)?(?:\s*(?:동안|내내|내|중|안))?(?:에만|에는?)?",
        lambda _: Window(begin=None, finish=None, name="business"),
    ),
    (r"하루\s*종일|온종일|24시간\s*(?:내내|동안|상시)", lambda _: Window(begin=None, finish=None, name="day")),
    (
        rf"({'|'.join(_HINTS)})(?:\s*(?:직전|전|후|길|시간|하기\s*전|한\s*뒤|할\s*때|무렵))?(?:에|마다)?(?![가-힣])",
        lambda m: DayPart(part=_HINTS[m[1]], hint=True),
    ),
    (rf"{_MIN}\s*분(?!\s*(?:위|야|류|석|량))", lambda m: Minute(values=(number(m[1]),))),
    (r"정각(마다)?", lambda m: Minute(values=(0,), hourly=bool(m[1]))),
    # Once and limits.
    (
        (
            rf"(?:지금부터\s*)?(?:{_N}\s*{_UNIT}(?:\s*(반)|\s*{_N}\s*분)?|{_DAYS})\s*"
            r"(?:뒤|후|있다가?|이따가?|지나서|지나면|이후)(?:에)?(?=부터|까지|[^가-힣]|$)"
        ),
        _delay,
    ),
    (rf"(?:앞으로\s*|향후\s*)?(?:{_N}\s*(일|주일|주|개월|달|년)|{_DAYS})\s*(?:간|동안)(?:만)?(?![가-힣])", _limit),
    (rf"(?:딱|총|앞으로)\s*({KOREAN})\s*(?:번|회)(?:만)?(?![가-힣])", _count),
    (rf"({KOREAN})\s*(?:번|회)만(?![가-힣])", _count),
    (r"(?:한|1)\s*(?:번(?!\s*째)|회)|일회성(?:으로)?|1회성(?:으로)?", lambda _: Mark(kind="once")),
    (r"지금(?:\s*(?:바로|당장|즉시))?|(?:바로\s*)지금|즉시|당장|곧바로", lambda _: Mark(kind="now")),
    (
        (
            r"가끔(?:씩|가다)?|수시로|자주(?!\s*[가-힣]+[는은])|종종|때때로|이따금|정기적으로|주기적으로|틈틈이|필요할\s*때(?:마다)?|적당히|"
            r"심심할\s*때|시간\s*날\s*때|간간이|틈날\s*때(?:마다)?|"
            r"(?:하루|일주일|한\s*달|매일|매주|며칠)에?\s*몇\s*(?:번|차례)(?:씩)?|"
            r"(?:며칠|몇\s*(?:분|시간|일|주|달|개월))(?:\s*마다|에\s*한\s*번(?:씩)?|\s*간격으로)"
        ),
        lambda _: Vague(),
    ),
    (r"나중에|잠시\s*후|조금\s*(?:있다가|뒤에?|후에?)|이따가?|언젠가", lambda _: Vague(later=True)),
)
