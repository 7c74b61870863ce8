"""A schedule as a value, and the times at which it fires.

Its rules are cron lines, one RFC 5545 rule, a single time, or any of these together; a filter takes days out or moves
them to a day that passes. Everything here is computed from arguments: it knows no clock, no phrases and no runs.

A time of day that the clocks skip fires at the first minute behind the gap; one that comes twice fires once. Rules that
count hours, minutes or seconds follow elapsed time instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from heapq import merge
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from mulle.errors import BadTrigger, UnknownTimezone
from mulle.triggers.cron import check_cron, cron_firings
from mulle.triggers.readback import readback
from mulle.triggers.recurrence import localise, read_recurrence, recurrence_firings
from mulle.triggers.workdays import FILTERS, Roll, check_country, country_of, passes, rolled

_HORIZON = timedelta(days=366 * 30)
"""How far a filter may push the next firing away before the schedule counts as one that never fires."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was assumed, in both languages."""

    code: str
    ko: str
    en: str

    def to_dict(self) -> dict[str, str]:
        """As JSON shows it: `{code, ko, en}`."""
        return {"code": self.code, "ko": self.ko, "en": self.en}


@dataclass(frozen=True)
class Schedule:
    """When something is to happen."""

    crons: tuple[str, ...] = ()
    """Five-field lines; a time matches if any of them does."""
    rrule: str | None = None
    """RFC 5545 text, with DTSTART where the rule counts from its first firing."""
    at: datetime | None = None
    """Once, at this time."""
    filter: str | None = None
    """A name of `workdays.FILTERS`; days that do not pass are left out, or moved if `roll` says so."""
    roll: Roll | None = None
    """Where a day goes that does not pass: to the next or to the last one that does."""
    nth: int = 1
    """With `roll`: the nth passing day from the rule's day on, so that the 1st and 3 are the third business day."""
    country: str | None = None
    """Whose public holidays count; by default those of the time zone."""
    timezone: str = "Asia/Seoul"
    start: datetime | None = None
    """Nothing fires before this time."""
    until: datetime | None = None
    """Nothing fires after this time."""
    notes: tuple[Note, ...] = ()
    """What was assumed where the phrase left room."""

    def to_dict(self, after: datetime) -> dict[str, Any]:
        """As the command line shows it, with the next five firings after `after` and the text in both languages."""
        return {
            "crons": list(self.crons),
            "rrule": self.rrule,
            "at": _iso(self.at),
            "filter": self.filter,
            "roll": self.roll,
            "nth": self.nth,
            "country": self.country,
            "timezone": self.timezone,
            "start": _iso(self.start),
            "until": _iso(self.until),
            "next": [firing.isoformat() for firing in next_firings(self, after)],
            "readback": {"ko": readback(self, "ko"), "en": readback(self, "en")},
            "notes": [note.to_dict() for note in self.notes],
        }


def next_firings(schedule: Schedule, after: datetime, count: int = 5) -> list[datetime]:
    """The first `count` firings strictly after `after`, in the schedule's time zone; fewer if it ends before."""
    return list(islice(firings(schedule, after), count))


def firings(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Every firing strictly after `after` (without tzinfo: in the schedule's zone), each later than the one before."""
    zone = timezone(schedule.timezone)
    after = after if after.tzinfo else after.replace(tzinfo=zone)
    if schedule.filter is None:
        found = _base(schedule, zone, after)
    elif schedule.roll is None:
        found = _passing(schedule, zone, after)
    else:
        found = _rolled(schedule, zone, after)
    for firing in found:
        if schedule.until and _instant(firing) > _instant(schedule.until):
            return
        yield firing


@cache
def timezone(name: str) -> ZoneInfo:
    """The zone of that name; raises UnknownTimezone."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError; odd names raise the others.
        raise UnknownTimezone(timezone=name[:80]) from error


def trigger_dict(schedule: Schedule) -> list[dict[str, Any]]:
    """The schedule as triggers of a document, one for each rule; `schedule_from_trigger` is the way back."""
    shared = {
        "filter": schedule.filter,
        "roll": schedule.roll,
        "nth": schedule.nth if schedule.nth != 1 else None,
        "country": schedule.country,
        "start": _iso(schedule.start),
        "until": _iso(schedule.until),
    }
    shared = {name: value for name, value in shared.items() if value is not None}
    triggers: list[dict[str, Any]] = [
        {"type": "cron", "cron": cron, "timezone": schedule.timezone, **shared} for cron in schedule.crons
    ]
    if schedule.rrule:
        triggers.append({"type": "rrule", "rrule": schedule.rrule, "timezone": schedule.timezone, **shared})
    if schedule.at:
        triggers.append({"type": "at", "at": schedule.at.isoformat(), "timezone": schedule.timezone, **shared})
    return triggers


def schedule_from_trigger(trigger: dict[str, Any], *, at: str = "trigger") -> Schedule:
    """Read one `cron`, `rrule` or `at` trigger of a document; raises a ScheduleError that names the field in `at`."""
    zone = _text(trigger, "timezone", at) or "Asia/Seoul"
    try:
        timezone(zone)
    except UnknownTimezone as error:
        raise UnknownTimezone(timezone=zone[:80], at=f"{at}.timezone") from error
    schedule = replace(_shared_fields(trigger, zone, at), timezone=zone)
    match trigger.get("type"):
        case "cron":
            return replace(schedule, crons=(check_cron(_text(trigger, "cron", at) or "", at=f"{at}.cron"),))
        case "rrule":
            rule = _text(trigger, "rrule", at) or ""
            read_recurrence(rule, timezone(zone), at=f"{at}.rrule")
            return replace(schedule, rrule=rule)
        case "at":
            moment = _time(trigger, "at", zone, at)
            if moment is None:
                raise BadTrigger("The trigger has no time.", at=f"{at}.at", hint="Write at: 2026-01-05T09:00:00+09:00.")
            return replace(schedule, at=moment)
        case other:
            raise BadTrigger(
                f"A trigger of type '{other}' is not a schedule.", at=f"{at}.type", hint="It is cron, rrule or at."
            )


def _base(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """What the rules say, before the filter."""
    if schedule.start and _instant(schedule.start) > _instant(after):
        after = schedule.start - timedelta(microseconds=1)
    streams = [cron_firings(cron, zone, after) for cron in schedule.crons]
    if schedule.rrule:
        streams.append(recurrence_firings(read_recurrence(schedule.rrule, zone), zone, after))
    if schedule.at and _instant(schedule.at) > _instant(after):
        streams.append(iter([schedule.at.astimezone(zone)]))
    last: datetime | None = None
    for firing in merge(*streams, key=_instant):
        if _instant(firing) != last:
            last = _instant(firing)
            yield firing


def _passing(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """What the rules say on days that pass. A day that does not is left in one step, however often the rules fire."""
    name, country = schedule.filter or "", schedule.country or country_of(schedule.timezone)
    stream, found = _base(schedule, zone, after), after
    while (firing := next(stream, None)) and _instant(firing) - _instant(found) < _HORIZON:
        if passes(name, firing.date(), country):
            found = firing
            yield firing
        else:
            midnight = datetime.combine(firing.date() + timedelta(days=1), datetime.min.time(), zone)
            stream = _base(schedule, zone, max(midnight - timedelta(microseconds=1), firing, key=_instant))


def _rolled(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """What the rules say, each on its nth passing day; times that end up on one day are sorted and kept once."""
    country = schedule.country or country_of(schedule.timezone)
    slack = timedelta(days=70 + 2 * schedule.nth)
    begin = after - slack if after.timestamp() > slack.total_seconds() else after
    day: date | None = None
    waiting: set[datetime] = set()
    for firing in _base(schedule, zone, begin):
        target = rolled(firing.date(), schedule.filter or "", country, schedule.roll or "following", schedule.nth)
        if target is None:
            continue
        if target != day:
            yield from _later(waiting, after)
            day, waiting = target, set()
        waiting.add(localise(datetime.combine(target, firing.time()), zone))
    yield from _later(waiting, after)


def _later(moments: set[datetime], after: datetime) -> list[datetime]:
    return sorted((moment for moment in moments if _instant(moment) > _instant(after)), key=_instant)


def _instant(moment: datetime) -> datetime:
    return moment.astimezone(UTC)  # Two times of one zone would be compared by their wall clocks.


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _shared_fields(trigger: dict[str, Any], zone: str, at: str) -> Schedule:
    name, roll, nth = _text(trigger, "filter", at), _text(trigger, "roll", at), trigger.get("nth", 1)
    if name is not None and name not in FILTERS:
        raise BadTrigger(f"There is no filter '{name}'.", at=f"{at}.filter", hint="It is one of " + ", ".join(FILTERS))
    if roll not in {None, "following", "preceding"}:
        raise BadTrigger(f"A day cannot be moved '{roll}'.", at=f"{at}.roll", hint="It is following or preceding.")
    if not isinstance(nth, int) or isinstance(nth, bool) or not 1 <= nth <= 260:
        raise BadTrigger(f"'{nth}' is not a number of days.", at=f"{at}.nth", hint="It is a whole number from 1.")
    country = _text(trigger, "country", at)
    country = check_country(country, at=f"{at}.country") if country else None
    if name in FILTERS and name != "not_weekends" and not country:
        check_country(country_of(zone) or zone, at=f"{at}.filter")
    return Schedule(
        filter=name,
        roll=roll if roll in {"following", "preceding"} else None,  # pyright: ignore[reportArgumentType]  # Just tested.
        nth=nth,
        country=country,
        start=_time(trigger, "start", zone, at),
        until=_time(trigger, "until", zone, at),
    )


def _text(trigger: dict[str, Any], name: str, at: str) -> str | None:
    value = trigger.get(name)
    if value is not None and not isinstance(value, str):
        raise BadTrigger(f"'{name}' must be text.", at=f"{at}.{name}", hint="Put it in quotes.")
    return value


def _time(trigger: dict[str, Any], name: str, zone: str, at: str) -> datetime | None:
    value = trigger.get(name)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as error:
        raise BadTrigger(
            f"'{value}' is not a time.", at=f"{at}.{name}", hint="Write it as 2026-01-05T09:00:00+09:00."
        ) from error
    if moment is not None and not isinstance(moment, datetime):
        raise BadTrigger(f"'{name}' must be a time.", at=f"{at}.{name}", hint="Write it as 2026-01-05T09:00:00+09:00.")
    return moment.replace(tzinfo=timezone(zone)) if moment and not moment.tzinfo else moment
