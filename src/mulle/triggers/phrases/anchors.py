"""Rules as RFC 5545 text, with DTSTART at the first firing where a rule counts from it (every 90 minutes)."""

import re
from datetime import datetime, timedelta

from mulle.triggers.phrases.bounds import after, moment
from mulle.triggers.phrases.daterules import Rules
from mulle.triggers.phrases.pieces import Every
from mulle.triggers.phrases.reading import Reading
from mulle.triggers.recurrence import read_recurrence, recurrence_firings
from mulle.triggers.schedule import timezone

_FREQUENCIES = {"second": "SECONDLY", "minute": "MINUTELY", "hour": "HOURLY"}
_WORDS = {
    "SECONDLY": ("초", "seconds"), "MINUTELY": ("분", "minutes"), "HOURLY": ("시간", "hours"), "DAILY": ("일", "days"),
    "WEEKLY": ("주", "weeks"), "MONTHLY": ("개월", "months"), "YEARLY": ("년", "years"),
}  # fmt: skip


def rrule_text(reading: Reading, rules: Rules, begin: datetime | None) -> str | None:
    """The rules that cron cannot say, as text; None if there are none. Anchored ones leave a note that says so."""
    lines = [f"RRULE:{rule}" for rule in rules.rrules]
    lines += [f"RRULE:FREQ={_FREQUENCIES[every.unit]};INTERVAL={every.n}" for every, _ in rules.elapsed]
    anchors = [_first(reading, rule, begin) for rule in rules.rrules if "INTERVAL=" in rule]
    anchors += [_first_elapsed(reading, every, minute, begin) for every, minute in rules.elapsed]
    if not anchors:
        return "\n".join(lines) or None
    anchor = min(anchors)
    interval = re.search(r"FREQ=(\w+);INTERVAL=(\d+)", "\n".join(lines))
    assert interval, "an anchor is only sought for an interval"
    ko, en = _WORDS[interval[1]]
    time = f"{anchor:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    reading.note("anchored", time=time, ko=interval[2] + ko, en=f"{interval[2]} {en}")
    return "\n".join([f"DTSTART;TZID={reading.timezone}:{anchor:%Y%m%dT%H%M%S}", *lines])


def _first(reading: Reading, rule: str, begin: datetime | None) -> datetime:
    """The first time that fits the rule, whatever its interval."""
    zone = timezone(reading.timezone)
    plain = ";".join(part for part in rule.split(";") if not part.startswith("INTERVAL="))
    reference = begin - timedelta(microseconds=1) if begin else reading.now
    firing = next(recurrence_firings(read_recurrence(f"RRULE:{plain}", zone), zone, reference), None)
    if firing is None:
        raise reading.impossible("never")
    return firing


def _first_elapsed(reading: Reading, every: Every, minute: int | None, begin: datetime | None) -> datetime:
    """The time of day that is said, else the beginning that is said, else one interval from now."""
    if minute is not None:
        at = moment(reading, (begin or reading.now).date(), minute)
        return at if at > reading.now else moment(reading, reading.now.date() + timedelta(days=1), minute)
    if begin and begin > reading.now:
        return begin
    now = reading.now.replace(microsecond=0)
    return after(reading, now if every.unit == "second" else now.replace(second=0), every.n, every.unit)
