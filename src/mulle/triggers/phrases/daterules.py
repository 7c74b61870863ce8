"""Days and times into cron lines, or into an RFC 5545 rule where cron cannot say them.

A month's last day, its first Monday or every third day are beyond cron; such rules come out as `RRULE` lines. What they
count from is not decided here: an interval leaves with its `INTERVAL` and without DTSTART.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mulle.triggers.cron import ANY, cron_field
from mulle.triggers.phrases.clocktimes import Group, of_any_day
from mulle.triggers.phrases.pieces import Every, NthDays
from mulle.triggers.phrases.reading import Reading

ALL_WEEK = frozenset(range(7))
ALL_YEAR = frozenset(range(1, 13))
LAST_DAY = frozenset({-1})
_CODES = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
_LENGTHS = {month: 31 if month in {1, 3, 5, 7, 8, 10, 12} else 29 if month == 2 else 30 for month in ALL_YEAR}


@dataclass
class Rules:
    """What the clauses of a phrase come to; lines of `rrules` are RRULE values."""

    crons: list[str] = field(default_factory=list)
    rrules: list[str] = field(default_factory=list)
    elapsed: list[tuple[Every, int | None]] = field(default_factory=list)
    """Intervals of hours and less that count from a first firing, and its minute of the day where one is said."""

    def add_cron(self, groups: Iterable[Group], days: str, months: frozenset[int], weekdays: str) -> None:
        """One line for each group of times."""
        month = cron_field(months, 1, 12, step=len(months) > 4)
        self.crons += [f"{group.cron} {days} {month} {weekdays}" for group in groups]

    def add_rrule(self, groups: Iterable[Group], *parts: str) -> None:
        """One rule for each group of times."""
        self.rrules += [";".join([*filter(None, parts), group.rrule]) for group in groups]


def weekly(rules: Rules, groups: Sequence[Group], weekdays: frozenset[int], months: frozenset[int], n: int) -> None:
    """These weekdays, every `n` weeks."""
    if weekdays == ALL_WEEK and months == ALL_YEAR and n == 1 and any(group.shift for group in groups):
        groups = of_any_day(groups)
    for shift, same in _by_shift(groups):
        days = frozenset((day + shift) % 7 for day in weekdays)
        if n == 1:
            rules.add_cron(same, ANY, months, cron_field(days, 0, 6, step=False))
        else:
            rules.add_rrule(same, f"FREQ=WEEKLY;INTERVAL={n}", _by_month(months), f"BYDAY={_codes(days)}")


def every_days(rules: Rules, groups: Sequence[Group], weekdays: frozenset[int], months: frozenset[int], n: int) -> None:
    """Every `n` days, on these weekdays only."""
    by_day = f"BYDAY={_codes(weekdays)}" if weekdays != ALL_WEEK else ""
    rules.add_rrule(groups, f"FREQ=DAILY;INTERVAL={n}", _by_month(months), by_day)


def monthly(
    reading: Reading, rules: Rules, groups: Sequence[Group], days: frozenset[int], months: frozenset[int], *, n: int = 1
) -> None:
    """These days of the month; negative ones count from its end."""
    _check_days(reading, days, months)
    for shift, same in _by_shift(groups):
        moved = _moved(reading, days, shift)
        if n > 1:
            rules.add_rrule(same, f"FREQ=MONTHLY;INTERVAL={n}", f"BYMONTHDAY={_numbers(moved)}")
        elif min(moved) > 0:
            later = frozenset(month % 12 + 1 for month in months) if shift and max(days) < 0 else months
            rules.add_cron(same, cron_field(moved, 1, 31, step=len(moved) > 4), later, ANY)
        elif moved == LAST_DAY and 2 not in months:
            for length, alike in _by_length(months):
                rules.add_cron(same, str(length), alike, ANY)
        else:
            rules.add_rrule(same, "FREQ=MONTHLY", _by_month(months), f"BYMONTHDAY={_numbers(moved)}")


def month_weekdays(
    rules: Rules, groups: Sequence[Group], nth: NthDays, months: frozenset[int], n: int, *, frequency: str = "MONTHLY"
) -> None:
    """The nth weekdays of the month; of Monday to Friday taken together, the nth of all five."""
    interval = f";INTERVAL={n}" if n > 1 else ""
    if len(nth.days) == 5:
        day = f"BYDAY={_codes(nth.days)};BYSETPOS={_numbers(nth.ns)}"
    else:
        day = "BYDAY=" + ",".join(f"{which}{_CODES[day]}" for which in nth.ns for day in sorted(nth.days))
    rules.add_rrule(groups, f"FREQ={frequency}{interval}", _by_month(months), day)


def both(
    rules: Rules, groups: Sequence[Group], weekdays: frozenset[int], days: frozenset[int], months: frozenset[int]
) -> None:
    """Only where weekday and day of the month meet: Friday the 13th."""
    rules.add_rrule(groups, "FREQ=MONTHLY", _by_month(months), f"BYDAY={_codes(weekdays)};BYMONTHDAY={_numbers(days)}")


def yearly(reading: Reading, rules: Rules, groups: Sequence[Group], dates: Iterable[tuple[int, int]], n: int) -> None:
    """These (month, day) dates, every `n` years; dates of several months with the same day share a line."""
    by_month: dict[int, set[int]] = defaultdict(set)
    for month, day in dates:
        by_month[month].add(day)
    by_days: dict[frozenset[int], set[int]] = defaultdict(set)
    for month, days in by_month.items():
        by_days[frozenset(days)].add(month)
    for days, months in by_days.items():
        if n == 1:
            monthly(reading, rules, groups, days, frozenset(months))
        else:
            parts = f"FREQ=YEARLY;INTERVAL={n}", _by_month(frozenset(months)), f"BYMONTHDAY={_numbers(days)}"
            rules.add_rrule(groups, *parts)


def _by_shift(groups: Sequence[Group]) -> list[tuple[int, list[Group]]]:
    shifts = sorted({group.shift for group in groups})
    return [(shift, [group for group in groups if group.shift == shift]) for shift in shifts]


def _moved(reading: Reading, days: frozenset[int], shift: int) -> frozenset[int]:
    """The days, moved by the hours beyond midnight; where months differ in length that cannot be said."""
    if not shift:
        return days
    moved = frozenset(1 if day + shift == 0 else day + shift for day in days)
    if (len(days) > 1 and -1 in days) or any(day > 28 or day == 0 for day in moved):
        raise reading.unsupported(reading.either("달을 넘기는 시각", "hours that run into the next month"))
    return moved


def _check_days(reading: Reading, days: frozenset[int], months: frozenset[int]) -> None:
    if not days:  # 1일은 빼고 매월 1일: nothing is left.
        raise reading.impossible("never")
    late = max(days)
    if late > max(_LENGTHS[month] for month in months):
        raise reading.impossible("no_such", reading.either(f"{min(months)}월 {late}일", f"{min(months)}/{late}"))
    if months == frozenset({2}) and late == 29:
        reading.note("leap_day")
    elif late > min(_LENGTHS[month] if month != 2 else 28 for month in months):
        reading.note("short_months", day=late)


def _by_length(months: frozenset[int]) -> list[tuple[int, frozenset[int]]]:
    lengths = sorted({_LENGTHS[month] for month in months}, reverse=True)
    return [(length, frozenset(month for month in months if _LENGTHS[month] == length)) for length in lengths]


def _by_month(months: frozenset[int]) -> str:
    return f"BYMONTH={_numbers(months)}" if months != ALL_YEAR else ""


def _codes(days: Iterable[int]) -> str:
    return ",".join(_CODES[day] for day in sorted(days, key=lambda day: day or 7))


def _numbers(values: Iterable[int]) -> str:
    return ",".join(map(str, sorted(values, key=lambda value: (value < 0, value))))
