"""Days counted from now: 내일, 다음 주 월요일, 3월 2일, 다음 달부터, 연말까지, 10일 동안.

Pieces and now in, dates out; it knows no repetition.
"""

import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from dateutil.relativedelta import relativedelta

from mulle.triggers.phrases.hours import moments
from mulle.triggers.phrases.korean_days import WEEKEND
from mulle.triggers.phrases.pieces import Clock, Dates, Days, Delay, Limit, MonthDays, Months, NthDays, Piece, Ref, Unit
from mulle.triggers.phrases.reading import Reading
from mulle.triggers.recurrence import localise
from mulle.triggers.schedule import timezone


def moment(reading: Reading, day: date, minute: int, shift: int = 0) -> datetime:
    """That minute of that day, aware."""
    try:
        wall = datetime.combine(day, time()) + timedelta(days=shift, minutes=minute)
        return localise(wall, timezone(reading.timezone))
    except OverflowError as error:
        raise reading.impossible("no_such", str(day)) from error


def after(reading: Reading, begin: datetime, n: int, unit: Unit, minutes: int = 0) -> datetime:
    """So much later; months and years by the calendar, hours and less by elapsed time."""
    step: relativedelta | timedelta
    try:
        match unit:
            case "second" | "minute" | "hour":
                step = timedelta(seconds=n * {"second": 1, "minute": 60, "hour": 3600}[unit], minutes=minutes)
                return (begin.astimezone(UTC) + step).astimezone(begin.tzinfo)
            case "day" | "week":
                step = timedelta(days=n * (7 if unit == "week" else 1))
            case "month" | "quarter" | "half":
                step = relativedelta(months=n * {"month": 1, "quarter": 3, "half": 6}[unit])
            case "year":
                step = relativedelta(years=n)
        return localise(begin.replace(tzinfo=None) + step, timezone(reading.timezone))
    except (OverflowError, ValueError) as error:
        raise reading.impossible("never") from error


def days_from(reading: Reading, pieces: Sequence[Piece], *, after: date | None = None) -> list[date]:
    """The days that references and dates come to, the earliest first; raises when they leave one open.

    What comes again and again is the next from today on, or the next behind `after`.
    """
    today = after + timedelta(days=1) if after else reading.now.date()
    refs = [piece for piece in pieces if isinstance(piece, Ref)]
    days = next((piece for piece in pieces if isinstance(piece, Days)), None)
    month_days = next((piece for piece in pieces if isinstance(piece, MonthDays)), None)
    nth = next((piece for piece in pieces if isinstance(piece, NthDays)), None)
    dates = next((piece for piece in pieces if isinstance(piece, Dates)), None)
    year = next((today.year + ref.offset for ref in refs if ref.unit == "year"), None)
    if dates:
        found = [_date(reading, of_year or year, month, day) for of_year, month, day in dates.dates]
        _check_weekday(reading, found, days)
        return sorted(found)
    for ref in refs:
        match ref.unit:
            case "day":
                found = [today + timedelta(days=ref.offset)]
                _check_weekday(reading, found, days)
                return found
            case "week":
                if not days or (days.days == WEEKEND and not days.each):
                    raise reading.incomplete("weekday")
                monday = today - timedelta(days=today.weekday()) + timedelta(weeks=ref.offset)
                return sorted(monday + timedelta(days=(day - 1) % 7) for day in days.days)
            case "month":
                first = today.replace(day=1) + relativedelta(months=ref.offset)
                return _days_of_month(reading, first, month_days, nth)
            case "year":
                continue
    months = next((piece for piece in pieces if isinstance(piece, Months)), None)
    if months and nth:
        return _next_nth(reading, min(months.months), nth, today)
    if month_days:
        return sorted(_next_month_day(reading, day, today) for day in month_days.days)
    if days:
        return sorted(today + timedelta(days=(day - 1 - today.weekday()) % 7) for day in days.days)
    raise reading.incomplete("month", "day")


def begin_of(reading: Reading, what: Sequence[Piece]) -> datetime:
    """When "from …" begins: the first minute of that day, week, month or year, or the hour that is said."""
    clocks = [piece for piece in what if isinstance(piece, Clock)]
    minute = moments(reading, clocks)[0].minute if clocks else 0
    return moment(reading, _first_day(reading, [piece for piece in what if not isinstance(piece, Clock)]), minute)


def end_of(reading: Reading, what: Sequence[Piece], begin: datetime) -> datetime:
    """When "until …" ends: the last second of that day, week, month or year, seen from `begin`."""
    day = _last_day(reading, what, begin.date())
    return moment(reading, day + timedelta(days=1), 0) - timedelta(seconds=1)


def limit_end(reading: Reading, limit: Limit, begin: datetime) -> datetime:
    """The end of "for ten days", counted from `begin`."""
    return after(reading, begin, limit.n, limit.unit or "day") - timedelta(seconds=1)


def _first_day(reading: Reading, what: Sequence[Piece]) -> date:
    today = reading.now.date()
    match list(what):
        case [Delay(n=n, unit=unit)]:
            return after(reading, reading.now, n, unit).date()
        case [Months(months=months)] | [Ref(unit="year", offset=0), Months(months=months)]:
            month = min(months, key=lambda month: (month - today.month) % 12)
            return today if month == today.month else _date(reading, None, month, 1)
        case [Ref(unit="year", offset=offset), Months(months=months)]:
            return date(today.year + offset, min(months), 1)
        case [Ref(unit="week", offset=offset)]:
            monday = today - timedelta(days=today.weekday()) + timedelta(weeks=offset)
            return max(today, monday)
        case [Ref(unit="month", offset=offset)]:
            return max(today, today.replace(day=1) + relativedelta(months=offset))
        case [Ref(unit="year", offset=offset)]:
            return max(today, date(today.year + offset, 1, 1))
        case pieces:
            return days_from(reading, pieces)[0]


def _last_day(reading: Reading, what: Sequence[Piece], begin: date) -> date:
    today = reading.now.date()
    match list(what):
        case [Delay(n=n, unit=unit)]:
            return after(reading, reading.now, n, unit).date()
        case [Months(months=months)]:
            month = min(months, key=lambda month: (month - begin.month) % 12)
            year = begin.year + (month < begin.month)
            last = date(year, month, calendar.monthrange(year, month)[1])
            reading.note("until", date=str(last))
            return last
        case [Ref(unit="week", offset=offset)]:
            return today - timedelta(days=today.weekday()) + timedelta(weeks=offset, days=6)
        case [Ref(unit="month", offset=offset)]:
            return today.replace(day=1) + relativedelta(months=offset + 1) - timedelta(days=1)
        case [Ref(unit="year", offset=offset)]:
            return date(today.year + offset, 12, 31)
        case [Dates(dates=((None, month, day),))]:
            found = _date(reading, begin.year, month, day)
            return found if found >= begin else _date(reading, begin.year + 1, month, day)
        case pieces:
            return days_from(reading, pieces)[-1]


def _date(reading: Reading, year: int | None, month: int, day: int) -> date:
    """That date, or without a year its next occurrence from today on."""
    today = reading.now.date()
    for candidate in [year] if year else range(today.year, today.year + 9):
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if year or found >= today:
            return found
    text = reading.either(
        f"{year or ''}년 {month}월 {day}일".removeprefix("년 "), f"{year or today.year}-{month:02}-{day:02}"
    )
    raise reading.impossible("no_such", text)


def _check_weekday(reading: Reading, found: Sequence[date], days: Days | None) -> None:
    if days and any((day.weekday() + 1) % 7 not in days.days for day in found):
        raise reading.contradiction()


def _days_of_month(reading: Reading, first: date, days: MonthDays | None, nth: NthDays | None) -> list[date]:
    length = calendar.monthrange(first.year, first.month)[1]
    if nth and len(nth.days) == 1 and not nth.business:
        of_kind = [
            day
            for number in range(length)
            if (day := first + timedelta(days=number)).weekday() == (min(nth.days) - 1) % 7
        ]
        ns = [which - 1 if which > 0 else which for which in nth.ns]
        if all(-len(of_kind) <= which < len(of_kind) for which in ns):
            return sorted(of_kind[which] for which in ns)
    if not days:
        raise reading.incomplete("day")
    wrong = next((day for day in days.days if day > length), None)
    if wrong:
        raise reading.impossible("no_such", reading.either(f"{first.month}월 {wrong}일", f"{first.month}/{wrong}"))
    return sorted(first.replace(day=day if day > 0 else length + day + 1) for day in days.days)


def _next_nth(reading: Reading, month: int, nth: NthDays, today: date) -> list[date]:
    """The nth weekday of that month, this year or as soon as there is one."""
    for year in range(today.year, min(today.year + 12, 9999)):
        found = [day for day in _days_of_month(reading, date(year, month, 1), None, nth) if day >= today]
        if found:
            return found
    raise reading.impossible("never")


def _next_month_day(reading: Reading, day: int, today: date) -> date:
    for ahead in range(13):
        first = today.replace(day=1) + relativedelta(months=ahead)
        length = calendar.monthrange(first.year, first.month)[1]
        found = day if day > 0 else length + day + 1
        if found <= length and first.replace(day=found) >= today:
            return first.replace(day=found)
    raise reading.impossible("never")
