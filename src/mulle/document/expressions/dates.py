"""Dates as expressions know them: text in, text out. Knows no clock and no time zones but those written in the text.

A date is ISO 8601 (`2024-03-01`, `2024-03-01T09:30:00+09:00`) or as in mails and feeds
(`Fri, 01 Mar 2024 09:30:00 +0900`).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from mulle.errors import WrongValue

from .values import bounded, fit, kind


def format_date(when: Any, pattern: Any, language: Any = "en") -> str:
    """`when` written after a pattern of `%Y %m %d %H %M …`; names of days and months in "en" or "ko".

    Our own codes rather than the host's `strftime`, which differs between systems and pads without bound.
    """
    moment = _moment(when)
    if type(pattern) is not str:
        raise WrongValue(f"the pattern is text such as '%Y-%m-%d', not {kind(pattern)}.")
    if language not in ("en", "ko"):
        raise WrongValue("the language of a date is 'en' or 'ko'.")

    def piece(code: re.Match[str]) -> str:
        write = _CODES.get(code[1])
        if write is None:
            raise WrongValue(f"`{code[0]}` is not a code of a date.", hint=f"There are: %{' %'.join(_CODES)}.")
        return write(moment, language)

    return fit(_CODE.sub(piece, fit(pattern)))


def add_time(when: Any, amount: Any, unit: Any) -> str:
    """The date `amount` units later, as ISO text; a day without a time stays one if the unit is days or weeks."""
    moment = _moment(when)
    seconds = _UNITS.get(unit) if type(unit) is str else None
    if seconds is None:
        raise WrongValue("the unit is one of " + ", ".join(f"'{name}'" for name in _UNITS) + ".")
    try:
        later = moment + timedelta(seconds=bounded(amount) * seconds)
    except OverflowError:
        raise WrongValue("a date lies between the years 1 and 9999.") from None
    is_day = len(when.strip()) == 10 and unit in {"days", "weeks"}
    return later.date().isoformat() if is_day else later.isoformat()


def seconds_between(start: Any, end: Any) -> float:
    """Seconds from `start` to `end`; negative if `end` is earlier."""
    first, last = _moment(start), _moment(end)
    if (first.tzinfo is None) != (last.tzinfo is None):
        raise WrongValue("one of these dates has a time zone and the other has none.")
    return (last - first).total_seconds()


_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}

_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "ko": ("월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일"),
}
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_HALVES = {"en": ("AM", "PM"), "ko": ("오전", "오후")}


def _day(moment: datetime, language: str, letters: int | None = None) -> str:
    return _DAYS[language][moment.weekday()][: letters if language == "en" else letters and 1]


def _month(moment: datetime, language: str, letters: int | None = None) -> str:
    return _MONTHS[moment.month - 1][:letters] if language == "en" else f"{moment.month}월"


def _offset(moment: datetime) -> str:
    offset = moment.utcoffset()
    if offset is None:
        return ""
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


_CODE = re.compile(r"%(-?.?)", re.DOTALL)
_CODES: dict[str, Callable[[datetime, str], str]] = {
    "Y": lambda moment, _: f"{moment.year:04}",
    "y": lambda moment, _: f"{moment.year % 100:02}",
    "m": lambda moment, _: f"{moment.month:02}",
    "-m": lambda moment, _: str(moment.month),
    "d": lambda moment, _: f"{moment.day:02}",
    "-d": lambda moment, _: str(moment.day),
    "H": lambda moment, _: f"{moment.hour:02}",
    "-H": lambda moment, _: str(moment.hour),
    "I": lambda moment, _: f"{(moment.hour + 11) % 12 + 1:02}",
    "-I": lambda moment, _: str((moment.hour + 11) % 12 + 1),
    "M": lambda moment, _: f"{moment.minute:02}",
    "S": lambda moment, _: f"{moment.second:02}",
    "p": lambda moment, language: _HALVES[language][moment.hour >= 12],
    "A": _day,
    "a": lambda moment, language: _day(moment, language, 3),
    "B": _month,
    "b": lambda moment, language: _month(moment, language, 3),
    "z": lambda moment, _: _offset(moment),
    "%": lambda _moment, _: "%",
}


def _moment(when: Any) -> datetime:
    """The date that a text says; raises WrongValue where it says none."""
    if type(when) is not str:
        raise WrongValue(f"a date is text such as '2024-03-01T09:30:00', not {kind(when)}.")
    feed = _FEED.fullmatch(when.strip()) if len(when) <= 64 else None
    try:
        if feed is None:
            return datetime.fromisoformat(when.strip() if len(when) <= 64 else "")
        day, month, year, hour, minute, second, zone = feed.groups()
        return datetime(
            int(year),
            [name[:3].lower() for name in _MONTHS].index(month.lower()) + 1,
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            tzinfo=_zone(zone),
        )
    except ValueError:
        raise WrongValue(
            "this text is not a date.", hint="A date is written 2024-03-01 or 2024-03-01T09:30:00+09:00."
        ) from None


_FEED = re.compile(
    r"(?:[A-Za-z]{3},\s*)?([0-9]{1,2}) ([A-Za-z]{3}) ([0-9]{4}) "
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))? ([+-][0-9]{4}|[A-Z]+)"
)


def _zone(text: str) -> timezone:
    if text in {"GMT", "UTC", "UT", "Z"}:
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[3:5])  # ValueError for any other name: those are ambiguous.
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
