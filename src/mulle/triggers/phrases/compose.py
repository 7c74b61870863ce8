"""Make a Schedule of a sorted phrase, or say what is missing, ambiguous or impossible.

Here it is decided which rule the days of a clause need; `completing` judges what a clause leaves out, `clocktimes` and
`daterules` write the rules, `once` and `bounds` count from now, `anchors` finds first firings.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from mulle.triggers.phrases.anchors import rrule_text
from mulle.triggers.phrases.bounds import begin_of, end_of, limit_end
from mulle.triggers.phrases.clocktimes import Group, is_uneven, listed, odd_or_even, repeated
from mulle.triggers.phrases.completing import completed, missing
from mulle.triggers.phrases.daterules import (
    ALL_WEEK,
    ALL_YEAR,
    Rules,
    both,
    every_days,
    month_weekdays,
    monthly,
    weekly,
    yearly,
)
from mulle.triggers.phrases.filters import Filtering, filtering
from mulle.triggers.phrases.frame import Clause, Frame
from mulle.triggers.phrases.hours import span
from mulle.triggers.phrases.korean_days import WEEKEND
from mulle.triggers.phrases.once import delayed, is_once, once
from mulle.triggers.phrases.pieces import Every, NthDays
from mulle.triggers.phrases.reading import Reading
from mulle.triggers.schedule import Schedule, next_firings

_MONTHS_IN = {"month": 1, "quarter": 3, "half": 6, "year": 12}
_MISSING_ORDER = ("frequency", "month", "weekday", "day", "time")


def compose(reading: Reading, frame: Frame) -> Schedule:
    """The schedule that the phrase says; raises a ScheduleError that says why there is none."""
    _refuse(reading, frame)
    if frame.delay and not any(clause.every for clause in frame.clauses):
        schedule = delayed(reading, frame.delay, frame.clauses[0])
    elif frame.delay:
        raise reading.unsupported(reading.either("한 번과 되풀이를 함께", "one time and a repetition together"))
    elif all(is_once(frame, clause) for clause in frame.clauses):
        schedule = once(reading, frame)
    else:
        schedule = _recurring(reading, frame)
    if not next_firings(schedule, reading.now, 1):
        raise reading.impossible("never")
    return replace(schedule, notes=tuple(reading.notes))


def _refuse(reading: Reading, frame: Frame) -> None:
    """Raise for what can be no schedule whatever the rest says."""
    if frame.vague:
        timed = any(clause.has_time for clause in frame.clauses)
        raise reading.incomplete("frequency", *(() if timed else ("time",)))
    shared = frame.delay or frame.begin or frame.finish or frame.holiday
    if not shared and not any(clause.says_something for clause in frame.clauses):
        raise reading.nothing("event" if frame.event else "now" if frame.now else "none")


def _recurring(reading: Reading, frame: Frame) -> Schedule:
    clauses = [completed(reading, frame, clause) for clause in frame.clauses]
    if lacking := {name for clause in clauses for name in missing(clause)}:
        raise reading.incomplete(*sorted(lacking, key=_MISSING_ORDER.index))
    begin, until = _bounds(reading, frame, clauses)
    rules = Rules()
    filters: list[Filtering] = []
    for clause in clauses:
        filters.append(filtering(reading, frame, clause))
        _add_rules(reading, clause, rules, filters[-1])
    chosen = filters[0]
    if any(other != chosen for other in filters):
        raise reading.unsupported(reading.either("서로 다른 휴일 규칙", "different holiday rules in one schedule"))
    schedule = Schedule(
        crons=tuple(dict.fromkeys(rules.crons)),
        rrule=rrule_text(reading, rules, begin),
        filter=chosen.name,
        roll=chosen.roll,
        nth=chosen.nth,
        country=chosen.country,
        timezone=reading.timezone,
        start=begin if begin and begin > reading.now else None,
        until=until,
    )
    if frame.limit and frame.limit.unit is None:
        some = next_firings(schedule, reading.now, frame.limit.n)
        schedule = replace(schedule, until=some[-1] if some else None)
    return schedule


def _bounds(reading: Reading, frame: Frame, clauses: list[Clause]) -> tuple[datetime | None, datetime | None]:
    """The first and the last moment, where they are said."""
    begin = begin_of(reading, frame.begin.what) if frame.begin else None
    until = end_of(reading, frame.finish.what, begin or reading.now) if frame.finish else None
    refs = [ref for clause in clauses for ref in clause.refs]
    if refs and begin is None and until is None:  # 이번 달 매일 9시: from its first day to its last.
        begin, until = begin_of(reading, refs[:1]), end_of(reading, refs[:1], reading.now)
    if frame.limit and frame.limit.unit:
        until = limit_end(reading, frame.limit, begin or reading.now)
    if until and until <= max(reading.now, begin or reading.now - timedelta(days=1)):
        raise reading.impossible("over", f"{until:%Y-%m-%d}")
    return begin, until


def _add_rules(reading: Reading, clause: Clause, rules: Rules, chosen: Filtering) -> None:
    """Write the rules of one clause, by what it says about days."""
    every = clause.repeats
    groups = _times(reading, clause, every, rules, chosen)
    if not groups:
        return
    months = (clause.months.months if clause.months else ALL_YEAR) - chosen.without_months
    weekdays = (clause.days.days if clause.days else ALL_WEEK) - chosen.without_days
    if not months or not weekdays:
        raise reading.contradiction()
    if not clause.together and sum(map(bool, (clause.days, clause.month_days, clause.nths, clause.dates))) > 1:
        raise reading.ambiguous(
            reading.either("두 조건이 모두 맞는 날", "days on which both hold"),
            reading.either("두 조건 가운데 하나라도 맞는 날", "days on which either holds"),
        )
    if clause.month_days and (every.unit == "week" or (every.unit == "day" and every.n > 1)):
        raise reading.contradiction()
    unit = max((every, *clause.coarse), key=lambda unit: _MONTHS_IN.get(unit.unit, 0))
    if clause.together and clause.days and clause.month_days:
        both(rules, groups, weekdays, clause.month_days.days, months)
    elif clause.nths:
        for nth in clause.nths:
            _add_nth(reading, clause, rules, groups, nth)
    elif clause.dates:
        yearly(reading, rules, groups, [(month, day) for _, month, day in clause.dates.dates], every.n)
    elif clause.month_days or chosen.without_month_days:
        days = (clause.month_days.days if clause.month_days else frozenset(range(1, 32))) - chosen.without_month_days
        months, n = _months_of(reading, clause, months, last=all(day < 0 for day in days))
        monthly(reading, rules, groups, days, months, n=n)
    elif clause.parity and clause.parity.unit == "day":
        monthly(reading, rules, groups, frozenset(range(2 - clause.parity.odd, 32, 2)), months)
    elif every.unit == "day" and every.n > 1:
        every_days(rules, groups, weekdays, months, every.n)
    elif every.unit in _MONTHS_IN and unit.unit == every.unit and clause.days:
        raise reading.ambiguous(
            reading.either("매주 그 요일", "every week on that weekday"),
            reading.either("매월 첫째 그 요일", "the first such weekday of every month"),
        )
    else:
        weekly(rules, groups, weekdays, months, every.n if every.unit == "week" else 1)


def _times(reading: Reading, clause: Clause, every: Every, rules: Rules, chosen: Filtering) -> list[Group]:
    """The times of the day; an interval that no day holds becomes a rule of its own, and there are none."""
    if clause.parity and clause.parity.unit == "hour":
        return odd_or_even(reading, clause, odd=clause.parity.odd)
    if not clause.subdaily:
        return listed(reading, clause)
    if clause.clocks:
        raise reading.ambiguous(
            reading.either("하루에 한 번 그 시각에", "once a day at that time"),
            reading.either("그 시각부터 간격마다", "from that time on, at the interval"),
        )
    window = clause.window
    restricted = clause.has_day or clause.months or chosen.restricts or clause.parts
    if is_uneven(every) and not restricted and not (window and (window.finish or window.name)):
        if clause.times:
            raise reading.contradiction()
        rules.elapsed.append((every, span(reading, window).begin if window and window.begin else None))
        return []
    groups = repeated(reading, clause, every)
    if clause.times and clause.times.unit == "hour" and clause.times.n != len(clause.minutes):
        raise reading.incomplete("time")
    if (
        clause.times
        and clause.times.unit == "day"
        and clause.times.n != sum(len(group.hours) * len(group.minutes) for group in groups)
    ):
        raise reading.contradiction()  # 하루 네 번 6시간 간격 agrees with itself, 하루 세 번 6시간 간격 does not.
    return groups


def _add_nth(reading: Reading, clause: Clause, rules: Rules, groups: list[Group], nth: NthDays) -> None:
    """The nth weekday, or the nth business day, of the month or whatever period is said."""
    unit = max((clause.repeats, *clause.coarse), key=lambda unit: _MONTHS_IN.get(unit.unit, 0))
    most = 23 if nth.business or len(nth.days) == 5 else 5
    if any(not 1 <= abs(which) <= most for which in nth.ns):
        raise reading.impossible("no_such", reading.said)
    if nth.business:
        _add_business_day(reading, clause, rules, groups, last=nth.ns[0] < 0)
        return
    if len(nth.days) > 1 and (nth.week or nth.days == WEEKEND) and (len(nth.days) == 5 or nth.days == WEEKEND):
        raise reading.unsupported(reading.either("그 주의 여러 날", "several days of that week"))
    if nth.week:
        reading.note("nth_week", n=nth.ns[0])
    if unit.unit == "week" and not clause.months:
        raise reading.contradiction()
    if unit.unit == "year" and not clause.months:
        raise reading.incomplete("month")
    months = clause.months.months if clause.months else ALL_YEAR
    if unit.unit == "year" and unit.n > 1:
        month_weekdays(rules, groups, nth, months, unit.n, frequency="YEARLY")
        return
    months, n = _months_of(reading, clause, months, last=nth.ns[0] < 0)
    month_weekdays(rules, groups, nth, months, n)


def _add_business_day(reading: Reading, clause: Clause, rules: Rules, groups: list[Group], *, last: bool) -> None:
    """The day with which the period begins or ends; the filter counts business days from there."""
    every = clause.repeats
    months = clause.months.months if clause.months else ALL_YEAR
    if every.unit == "week":
        weekly(rules, groups, frozenset({0 if last else 1}), months, every.n)
        return
    months, n = _months_of(reading, clause, months, last=last)
    monthly(reading, rules, groups, frozenset({-1 if last else 1}), months, n=n)


def _months_of(reading: Reading, clause: Clause, months: frozenset[int], *, last: bool) -> tuple[frozenset[int], int]:
    """The months of "every quarter" and the like, or an interval that has to be counted from the first firing."""
    unit = max((clause.repeats, *clause.coarse), key=lambda unit: _MONTHS_IN.get(unit.unit, 0))
    length = _MONTHS_IN.get(unit.unit, 1) * unit.n
    if length == 1 or clause.months:
        return months, 1
    if 12 % length:
        return months, length
    found = range(length, 13, length) if last and unit.unit != "month" else range(1, 13, length)
    if unit.unit == "month":
        reading.note("months", months=",".join(map(str, found)))
    return months & frozenset(found), 1
