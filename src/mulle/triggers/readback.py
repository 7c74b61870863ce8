"""Say in Korean or English what a schedule does, so that a person can check it.

The words stand in `readback_ko` and `readback_en`; here it is decided what there is to say. A plain cron line comes out
as a phrase that `parse_phrase` reads back as the same schedule.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mulle.triggers.cron import cron_fields
from mulle.triggers.readback_en import ENGLISH
from mulle.triggers.readback_ko import KOREAN
from mulle.triggers.readback_voice import ALL_DAYS, ALL_MONTHS, ALL_WEEK, Dates, Times, Voice
from mulle.triggers.recurrence import Recurrence, read_recurrence
from mulle.triggers.workdays import country_of

if TYPE_CHECKING:
    from mulle.triggers.schedule import Schedule

_DAY = 24 * 60
_CODES = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
_LENGTHS = {month: 31 if month in {1, 3, 5, 7, 8, 10, 12} else 29 if month == 2 else 30 for month in range(1, 13)}
_MOST_LISTED = 12


def readback(schedule: "Schedule", language: str) -> str:
    """The schedule in one line of `ko` or `en`."""
    voice = KOREAN if language == "ko" else ENGLISH
    said = [*_crons(voice, schedule), *_rule(voice, schedule)]
    if schedule.at:
        said.append(voice.once([schedule.at.astimezone(ZoneInfo(schedule.timezone)).replace(tzinfo=None)]))
    remarks = [_filter(voice, schedule)] if schedule.filter else []
    if schedule.country and schedule.country != country_of(schedule.timezone):
        remarks.append(voice.country(schedule.country))
    if schedule.timezone != "Asia/Seoul":
        remarks.append(voice.zone(schedule.timezone))
    zone = ZoneInfo(schedule.timezone)
    begin, until = (
        moment and moment.astimezone(zone).replace(tzinfo=None) for moment in (schedule.start, schedule.until)
    )
    return voice.whole(said, [remark for remark in remarks if remark], begin, until)


@dataclass(frozen=True, slots=True)
class _Line:
    """One cron line, as sets."""

    dates: Dates
    times: Times


def _crons(voice: Voice, schedule: "Schedule") -> Iterable[str]:
    lines: list[_Line] = []
    for cron in schedule.crons:
        fields = cron_fields(cron)
        if fields is None:
            yield _extended(voice, cron)
            continue
        starred = any(field.startswith("*") for field in (cron.split()[2], cron.split()[4]))
        dates = Dates(fields.days, fields.months, fields.weekdays, both=starred)
        lines.append(_Line(dates, Times(fields.minutes, fields.hours)))
    lines = _with_last_days(lines)
    for dates in dict.fromkeys(line.dates for line in lines):
        dates_said, special = _special_dates(dates, schedule)
        together = [line.times for line in lines if line.dates == dates]
        around = (dates.days, dates.months, dates.weekdays) == (ALL_DAYS, ALL_MONTHS, ALL_WEEK)
        for times in _times(voice, together, around=around):
            yield voice.rule(dates_said, times, special)


def _extended(voice: Voice, cron: str) -> str:
    """A line with L, LW or #, which cron on most machines does not know but ours does."""
    minute, hour, day, month, weekday = cron.upper().split()
    day_said = {"L": voice.month_days([-1], of_months=month != "*"), "LW": voice.nth_workday(-1), "*": ""}.get(day)
    if found := re.fullmatch(r"([0-7])(?:#([1-5])|L)", weekday):
        day_said = voice.nth_weekdays([(int(found[2] or -1), int(found[1]) % 7)]) if day_said == "" else None
    elif weekday != "*":
        day_said = None
    fields = cron_fields(f"{minute} {hour} * {month} *")
    if not day_said or not fields:
        return voice.raw(cron)
    monthly = "" if month != "*" else voice.interval(1, "MONTHLY")
    times = " ".join(_times(voice, [Times(fields.minutes, fields.hours)]))
    return voice.rule(Dates(ALL_DAYS, fields.months, ALL_WEEK), times, voice.words(monthly, day_said))


def _special_dates(dates: Dates, schedule: "Schedule") -> tuple[Dates, str]:
    """Business days that are said instead of the dates they are counted from."""
    if (
        schedule.filter == "business_days"
        and schedule.roll is None
        and dates.weekdays in {ALL_WEEK, frozenset(range(1, 6))}
    ):
        return Dates(dates.days, dates.months, ALL_WEEK), "business_days" if dates.days == ALL_DAYS else ""
    if schedule.filter in {"holidays", "days_off"} and dates.days == ALL_DAYS and dates.weekdays == ALL_WEEK:
        return dates, schedule.filter
    if schedule.filter != "business_days" or schedule.roll is None:
        return dates, ""
    nth = schedule.nth if schedule.roll == "following" else -schedule.nth
    week = {frozenset({1}): 1, frozenset({0}): -1}.get(dates.weekdays, 0)
    if week * nth > 0:
        return Dates(dates.days, dates.months, ALL_WEEK), f"week {nth}"
    if dates.weekdays == ALL_WEEK and dates.days == frozenset({1 if nth > 0 else -1}):
        return Dates(ALL_DAYS, dates.months, ALL_WEEK), f"month {nth}"
    return dates, ""


def _with_last_days(lines: list[_Line]) -> list[_Line]:
    """Lines for the 30th of some months and the 31st of others are one line for the last day."""
    last = [line for line in lines if _is_last_day(line.dates)]
    if len(last) < 2 or len({line.times for line in last}) > 1:
        return lines
    months = frozenset(month for line in last for month in line.dates.months)
    rest = [line for line in lines if line not in last]
    return [*rest, _Line(Dates(frozenset({-1}), months, ALL_WEEK), last[0].times)]


def _is_last_day(dates: Dates) -> bool:
    ends = {_LENGTHS[month] for month in dates.months}
    return dates.weekdays == ALL_WEEK and 2 not in dates.months and dates.days == frozenset(ends) and len(ends) == 1


def _times(voice: Voice, together: list[Times], *, around: bool = False) -> Iterable[str]:
    """The times of lines that share their days, as one phrase if there is one; `around` if it may run past midnight."""
    if len(together) == 1 and (said := _hourly(voice, together[0])):
        yield said
        return
    moments = sorted({moment for times in together for moment in times.moments})
    gaps = {later - earlier for earlier, later in pairwise(moments)}
    gap = gaps.pop() if len(gaps) == 1 else 0
    if gap and moments[0] == 0 and moments[-1] + gap == _DAY and len(moments) > 2:
        yield voice.every_minutes(gap)
    elif gap and len(moments) > 4:
        yield voice.within(moments[0], moments[-1], voice.every_minutes(gap))
    elif around and (night := _past_midnight(moments)):
        yield voice.within(night[0], night[1], voice.every_minutes(night[2]))
    elif len(moments) <= _MOST_LISTED:
        yield voice.at(moments)
    elif len(together) > 1:
        for times in together:
            yield from _times(voice, [times])
    else:
        yield _product(voice, together[0])


def _past_midnight(moments: list[int]) -> tuple[int, int, int] | None:
    """First, last and step of moments that are even but for one pause: 10 PM to 6 AM every hour."""
    gaps = [(later - earlier) % _DAY for earlier, later in zip(moments, [*moments[1:], moments[0]], strict=True)]
    pause = gaps.index(max(gaps))
    rest = {gap for place, gap in enumerate(gaps) if place != pause}
    if len(moments) < 5 or len(rest) != 1 or pause == len(gaps) - 1:
        return None
    return moments[pause + 1], moments[pause], rest.pop()


def _hourly(voice: Voice, times: Times) -> str | None:
    """매시 15분, every hour on the half hour."""
    if len(times.hours) == 24 and len(times.minutes) < 13:
        gap = 60 // len(times.minutes)
        if times.minutes != frozenset(range(0, 60, gap)) or len(times.minutes) == 1:
            return voice.past_every_hour(sorted(times.minutes))
    return None


def _product(voice: Voice, times: Times) -> str:
    hours = sorted(times.hours)
    minutes = sorted(times.minutes)
    if hours == [*range(hours[0], hours[-1] + 1)]:
        said = voice.every_minutes(1) if len(minutes) == 60 else voice.past_every_hour(minutes)
        return voice.within(60 * hours[0] + minutes[0], 60 * hours[-1] + minutes[-1], said)
    gap = minutes[1] - minutes[0] if len(minutes) > 1 else 0
    even = bool(gap) and 60 % gap == 0 and minutes == [*range(0, 60, gap)]
    return voice.in_hours(hours, voice.every_minutes(gap) if even else voice.past_every_hour(minutes))


def _rule(voice: Voice, schedule: "Schedule") -> Iterable[str]:
    if not schedule.rrule:
        return
    recurrence = read_recurrence(schedule.rrule, ZoneInfo(schedule.timezone))
    if recurrence.dates:
        yield voice.once(sorted(recurrence.dates))
    for rule in _merged(recurrence):
        said = _one_rule(voice, schedule, recurrence, rule)
        yield said or voice.raw(";".join(f"{name}={value}" for name, value in rule.items()))


def _merged(recurrence: Recurrence) -> list[dict[str, str]]:
    """Rules that differ in nothing but their times, as one with all of them under `TIMES`."""
    merged: dict[tuple[tuple[str, str], ...], list[Times]] = {}
    for rule in recurrence.rules:
        parts = {name: value for name, value in rule.items() if name not in {"BYHOUR", "BYMINUTE", "BYSECOND", "WKST"}}
        hours = _numbers(rule, "BYHOUR") or ({recurrence.start.hour} if recurrence.start else set())
        minutes = _numbers(rule, "BYMINUTE") or ({recurrence.start.minute} if recurrence.start else set())
        merged.setdefault(tuple(parts.items()), []).append(Times(frozenset(minutes), frozenset(hours)))
    found: list[dict[str, str]] = []
    for parts, times in merged.items():
        moments = sorted({moment for each in times for moment in each.moments})
        found.append({**dict(parts), "TIMES": ",".join(map(str, moments))})
    return found


def _one_rule(voice: Voice, schedule: "Schedule", recurrence: Recurrence, rule: dict[str, str]) -> str | None:
    known = {"FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "TIMES", "COUNT", "UNTIL"}
    if not set(rule) <= known or "COUNT" in rule or "UNTIL" in rule:
        return None
    frequency, n = rule["FREQ"], int(rule.get("INTERVAL", "1"))
    if frequency in {"SECONDLY", "MINUTELY", "HOURLY"}:
        return voice.counted(voice.interval(n, frequency), recurrence.start)
    moments = sorted(_numbers(rule, "TIMES"))
    if not moments or len(moments) > _MOST_LISTED:
        return None
    days = _days_of(voice, schedule, recurrence, rule, n)
    if days is None:
        return None
    said = voice.rule(
        Dates(ALL_DAYS, frozenset(_numbers(rule, "BYMONTH")) or ALL_MONTHS, ALL_WEEK), voice.at(moments), days
    )
    return voice.counted(said, recurrence.start) if n > 1 else said


def _days_of(  # One plain case a shape of rule.
    voice: Voice, schedule: "Schedule", recurrence: Recurrence, rule: dict[str, str], n: int
) -> str | None:
    frequency, start = rule["FREQ"], recurrence.start
    month_days = sorted(_numbers(rule, "BYMONTHDAY"), key=lambda day: (day < 0, day))
    by_day = rule.get("BYDAY", "").split(",") if "BYDAY" in rule else []
    plain = [_CODES.index(code) for code in by_day if code in _CODES]
    numbered = [
        (int(code[:-2]), _CODES.index(code[-2:])) for code in by_day if code not in _CODES and code[-2:] in _CODES
    ]
    every = voice.interval(n, frequency)
    if frequency == "DAILY" and not month_days and not numbered:
        return voice.words(every, voice.weekdays(frozenset(plain)) if plain else "")
    if frequency == "WEEKLY" and not month_days and not numbered:
        days = frozenset(plain) or (frozenset({(start.weekday() + 1) % 7}) if start else None)
        return voice.words(every, voice.weekdays(days)) if days else None
    if frequency == "YEARLY" and month_days and not by_day:
        return voice.words(every if n > 1 else "", voice.month_days(month_days, of_months="BYMONTH" in rule))
    if frequency != "MONTHLY":
        return None
    monthly = "" if n == 1 and "BYMONTH" in rule else every
    if schedule.filter == "business_days" and schedule.roll == "preceding" and month_days == [-1]:
        return voice.nth_business_day("month", -schedule.nth) if n == 1 else None
    if month_days and plain and len(month_days) == len(plain) == 1:
        return voice.both(month_days[0], plain[0])
    if month_days and not by_day:
        return voice.words(monthly, voice.month_days(month_days, of_months=True))
    if "BYSETPOS" in rule and sorted(plain) == [1, 2, 3, 4, 5] and len(_numbers(rule, "BYSETPOS")) == 1:
        return voice.words(monthly, voice.nth_workday(_numbers(rule, "BYSETPOS").pop()))
    if numbered and len(numbered) == len(by_day) and "BYSETPOS" not in rule:
        return voice.words(monthly, voice.nth_weekdays(numbered))
    return None


def _filter(voice: Voice, schedule: "Schedule") -> str:
    """What the filter does, unless the days already say it."""
    if schedule.filter == "business_days" and schedule.roll and _counts_business_days(schedule):
        return ""
    if schedule.roll is None:
        plain = (cron_fields(cron) for cron in schedule.crons)
        kinds = {frozenset(fields.weekdays) if fields.days == ALL_DAYS else None for fields in plain if fields}
        whole = kinds and not schedule.rrule
        if schedule.filter == "business_days" and whole and kinds <= {ALL_WEEK, frozenset(range(1, 6))}:
            return ""
        if schedule.filter in {"holidays", "days_off"} and whole and kinds == {ALL_WEEK}:
            return ""
    return voice.filter(schedule.filter or "", schedule.roll, schedule.nth)


def _counts_business_days(schedule: "Schedule") -> bool:
    """Whether the rules name the first or last day of a week or month, so that business days count from there."""
    if schedule.rrule:
        return schedule.roll == "preceding" and "BYMONTHDAY=-1;" in schedule.rrule
    lines = [
        _Line(Dates(fields.days, fields.months, fields.weekdays), Times(fields.minutes, fields.hours))
        for cron in schedule.crons
        if (fields := cron_fields(cron))
    ]
    return bool(lines) and all(_special_dates(line.dates, schedule)[1] for line in _with_last_days(lines))


def _numbers(rule: dict[str, str], name: str) -> set[int]:
    return {int(number) for number in rule[name].split(",")} if rule.get(name) else set()
