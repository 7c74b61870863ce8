"""What a clause leaves to be understood, and what it must not leave out.

Days often say by themselves how often: 평일 is every week, the 15th every month. What nothing says is asked for.
"""

from mulle.triggers.phrases.frame import Clause, Frame
from mulle.triggers.phrases.korean_days import WORKWEEK
from mulle.triggers.phrases.pieces import Days, Every
from mulle.triggers.phrases.reading import Reading

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def completed(reading: Reading, frame: Frame, clause: Clause) -> Clause:
    """The clause with its repetition, and notes on what was assumed."""
    clause.every = clause.every or _implied(reading, frame, clause)
    if clause.minutes and clause.window and not clause.clocks and not clause.subdaily:
        clause.coarse += [clause.every] if clause.every else []
        clause.every = Every(unit="hour")  # 8시부터 11시까지 정각에
    if clause.every and clause.every.assumed:
        _note_assumed(reading, clause, clause.every)
    if clause.every and clause.every.unit == "hour" and clause.every.n == 24 and clause.clocks:
        clause.every = Every(unit="day")
    if clause.window and clause.window.name == "business":
        reading.note("business_hours")
        if not clause.has_day and not any(every.unit == "day" for every in clause.coarse):
            clause.days = Days(days=WORKWEEK, each=True)
            reading.note("workweek")
    if clause.months and clause.months.assumed:
        reading.note("season", months=",".join(map(str, sorted(clause.months.months))))
    if clause.month_days and clause.month_days.loose:
        reading.note("last_day")
    if any(clock.named == "midnight" for clock in clause.clocks) and clause.has_day:
        reading.note("midnight")
    return clause


def missing(clause: Clause) -> list[str]:
    """What the clause does not say and nothing implies."""
    every = clause.every
    if every is None:
        return ["frequency", *([] if clause.has_time else ["time"])]
    dated = bool(clause.month_days or clause.nths or clause.dates or clause.parity)
    units = {every.unit, *(unit.unit for unit in clause.coarse if not unit.loose)}
    found: list[str] = []
    if ("week" in units and not clause.days and not dated) or (clause.nth and not clause.days and not clause.nths):
        found.append("weekday")
    elif every.unit == "year" and not clause.dates:
        found += [] if clause.months or clause.vague_day else ["month"]
        found += [] if dated else ["day"]
    elif clause.vague_day or (units & {"month", "quarter", "half"} and _lacks_day(clause, dated=dated)):
        found.append("day")
    if not clause.subdaily:
        bounded = clause.window and (clause.window.begin or clause.window.finish)
        if bounded and (clause.clocks or (clause.window and clause.window.finish)):
            found.append("frequency")
        elif not clause.clocks:
            found.append("time")
    return found


def _lacks_day(clause: Clause, *, dated: bool) -> bool:
    return not (dated or clause.days or clause.refs or clause.subdaily)


def _implied(reading: Reading, frame: Frame, clause: Clause) -> Every | None:
    """How often, by what else is said."""
    if clause.times:
        return Every(unit=clause.times.unit)
    if clause.parity:
        return Every(unit=clause.parity.unit)
    if clause.minutes and not clause.clocks and clause.each:
        return Every(unit="hour")
    if clause.dates:
        return Every(unit="year")
    if clause.month_days or clause.nths or clause.nth or clause.vague_day:
        return Every(unit="month")
    if clause.days:
        if len(clause.days.days) == 1 and not clause.days.each and not clause.each:
            reading.note("weekly")
        return Every(unit="week")
    daily = frame.holiday or frame.out or frame.limit or (clause.each and not clause.months)
    of_season = clause.months and not clause.each and len(clause.months.months) > 1
    if daily or (of_season and (clause.clocks or clause.parts)):
        return Every(unit="day")
    return None


def _note_assumed(reading: Reading, clause: Clause, every: Every) -> None:
    if every.assumed == "every_second":
        name = _WEEKDAYS[min(clause.days.days if clause.days else {1})]
        raise reading.ambiguous(f"every other {name}", f"the second {name} of every month")
    reading.note(every.assumed)
