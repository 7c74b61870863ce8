"""Phrases that name one time, or a few: tomorrow at nine, 다음 주 월요일과 수요일 10시, in two hours."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from mulle.triggers.phrases.bounds import after, days_from, moment
from mulle.triggers.phrases.frame import Clause, Frame
from mulle.triggers.phrases.hours import Moment, moments
from mulle.triggers.phrases.pieces import Delay, Piece, Ref
from mulle.triggers.phrases.reading import Reading
from mulle.triggers.schedule import Schedule

_WITHIN_DAY = frozenset({"second", "minute", "hour"})


def is_once(frame: Frame, clause: Clause) -> bool:
    """Whether the clause names days that come once."""
    if clause.every or clause.times or clause.each or clause.parity or frame.holiday or frame.move:
        return False
    of_one_month = clause.nths and clause.months and len(clause.months.months) == 1
    return bool(clause.dates or clause.coming or clause.refs or of_one_month) or (frame.once and not clause.nths)


def delayed(reading: Reading, delay: Delay, clause: Clause) -> Schedule:
    """So much from now; days and longer need a time of day as well."""
    at = after(reading, reading.now, delay.n, delay.unit, delay.minutes)
    if delay.unit in _WITHIN_DAY:
        if clause.clocks:
            raise reading.contradiction()
    elif clause.clocks:
        first = moments(reading, clause.clocks, clause.part)[0]
        at = moment(reading, at.date(), first.minute, first.shift)
    else:
        raise reading.incomplete("time")
    return Schedule(at=at, timezone=reading.timezone)


def once(reading: Reading, frame: Frame) -> Schedule:
    """A single `at`, or an RDATE for each of several times."""
    found: list[datetime] = []
    for clause in frame.clauses:
        if not clause.clocks:
            raise reading.incomplete("time")
        found += _moments(reading, clause)
    if len(found) == 1:
        return Schedule(at=found[0], timezone=reading.timezone)
    return Schedule(rrule="RDATE:" + ",".join(f"{at:%Y%m%dT%H%M%S}" for at in sorted(found)), timezone=reading.timezone)


def _moments(reading: Reading, clause: Clause) -> list[datetime]:
    times = moments(reading, clause.clocks, clause.part)
    said = (*clause.refs, clause.dates, clause.days, clause.month_days, clause.months, *clause.nths)
    days = _days(reading, [piece for piece in said if piece], times)
    found = [_from_now(reading, clause, day, time) for day in days for time in times]
    if not clause.refs and (clause.days or clause.nths or (clause.dates and clause.dates.dates[0][0] is None)):
        reading.note("next_date", date=f"{found[0]:%Y-%m-%d}")
    return found


def _days(reading: Reading, pieces: Sequence[Piece], times: Sequence[Moment]) -> list[date]:
    if pieces:
        return days_from(reading, pieces)
    today = reading.now.date()  # 오후 3시에 한 번만: today, or tomorrow if that is over.
    over = moment(reading, today, times[0].minute, times[0].shift) <= reading.now
    return days_from(reading, [Ref(unit="day", offset=int(over))])


def _from_now(reading: Reading, clause: Clause, day: date, time: Moment) -> datetime:
    """That time of that day, or the next that can be meant: a week or a year later, tonight's midnight."""
    at = moment(reading, day, time.minute, time.shift)
    if at > reading.now:
        return at
    if not clause.refs and clause.dates and clause.dates.dates[0][0] is None:
        return moment(reading, _next_year(day), time.minute, time.shift)
    if not clause.refs and clause.nths:
        pieces = [piece for piece in (clause.months, *clause.nths) if piece]
        later = [later for later in days_from(reading, pieces, after=day) if later > day]
        return moment(reading, later[0], time.minute, time.shift)
    if not clause.refs and clause.month_days and not clause.days:
        return moment(reading, days_from(reading, [clause.month_days], after=day)[0], time.minute, time.shift)
    if not clause.refs and clause.days:
        return moment(reading, day + timedelta(days=7), time.minute, time.shift)
    today = any(ref.unit == "day" and ref.offset == 0 for ref in clause.refs)
    if today and time == Moment(0, 0) and clause.clocks[0].named == "midnight":
        return moment(reading, day + timedelta(days=1), 0)
    raise reading.impossible("over", f"{at:%Y-%m-%d %H:%M}")


def _next_year(day: date) -> date:
    return next(
        date(year, day.month, day.day)
        for year in range(day.year + 1, day.year + 9)
        if (day.month, day.day) != (2, 29) or (year % 4 == 0 and (year % 100 or year % 400 == 0))
    )
