"""Which days are business days or public holidays, by country, substitute holidays included.

Dates in, dates out; it knows nothing of times, time zones (but their country) or triggers.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

from mulle.errors import UnknownCalendar

if TYPE_CHECKING:
    from holidays import HolidayBase

Roll = Literal["following", "preceding"]
_FARTHEST = 60
"""Days to look for a business day before giving up; the longest run of days off known is eleven."""


def passes(name: str, day: date, country: str | None) -> bool:
    """Whether the filter `name` lets the day through; raises UnknownCalendar for a country without data."""
    return FILTERS[name](day, country)


def rolled(day: date, name: str, country: str | None, direction: Roll, nth: int = 1) -> date | None:
    """The `nth` day on or after (or before) `day` that the filter lets through; None when there is none near."""
    step = timedelta(days=1 if direction == "following" else -1)
    for _ in range(_FARTHEST + 2 * nth):
        if passes(name, day, country):
            nth -= 1
            if nth == 0:
                return day
        day += step
    return None


def country_of(timezone: str) -> str | None:
    """The country (`KR`) whose clocks the time zone shows; None for UTC and the like."""
    return _countries().get(timezone)


def check_country(country: str, *, at: str = "") -> str:
    """The code in capitals, if holidays of that country are known; raises UnknownCalendar."""
    code = country.upper()
    try:
        _calendar(code)
    except UnknownCalendar as error:
        raise UnknownCalendar(country=code, at=at) from error
    return code


def _is_business_day(day: date, country: str | None) -> bool:
    return not _is_weekend(day, country) and not _is_holiday(day, country)


def _is_holiday(day: date, country: str | None) -> bool:
    if country is None:
        raise UnknownCalendar(country="this time zone")
    return day in _calendar(country)


def _is_weekend(day: date, country: str | None) -> bool:
    weekend = _calendar(country).weekend if country else {5, 6}
    return day.weekday() in weekend


FILTERS: dict[str, Callable[[date, str | None], bool]] = {
    "business_days": _is_business_day,
    "not_holidays": lambda day, country: not _is_holiday(day, country),
    "holidays": _is_holiday,
    "days_off": lambda day, country: not _is_business_day(day, country),
    "not_weekends": lambda day, country: not _is_weekend(day, country),
}
"""What a filter's name means, as a test of a date."""


@cache
def _calendar(country: str) -> "HolidayBase":
    from holidays import country_holidays  # noqa: PLC0415  # Costs 0.2 s, and most schedules name no holiday.

    try:
        return country_holidays(country)
    except NotImplementedError as error:
        raise UnknownCalendar(country=country) from error


@cache
def _countries() -> dict[str, str]:
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}
