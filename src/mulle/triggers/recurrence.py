"""Rules in the words of RFC 5545 (DTSTART, RRULE, RDATE, EXDATE): check them and compute their firings.

Rules of days and longer run on the wall clock of the schedule's time zone. Rules of hours, minutes and seconds follow
elapsed time from DTSTART, so "every 90 minutes" is 90 minutes on the day the clocks change too. A rule that needs an
anchor and has none is refused. Texts are untrusted: what could make the expansion crawl is refused before it runs.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import cast
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from mulle.errors import BadRecurrence

_LONGEST = 2000
_ELAPSED = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}
_PARTS = frozenset({
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY",
    "BYHOUR", "BYMINUTE", "BYSECOND",
})  # fmt: skip
_HORIZON = {"DAILY": 30, "WEEKLY": 60, "MONTHLY": 200, "YEARLY": 200}
"""Years to look ahead for the next firing of a rule that may have none, such as 30 February."""
_DAY_PARTS = {
    "DAILY": (),
    "WEEKLY": ("BYDAY",),
    "MONTHLY": ("BYMONTHDAY", "BYDAY"),
    "YEARLY": ("BYMONTHDAY", "BYDAY", "BYYEARDAY"),
}


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A checked recurrence; all times are wall-clock times of the schedule's zone, without tzinfo."""

    start: datetime | None
    rules: tuple[dict[str, str], ...]
    dates: tuple[datetime, ...] = ()
    excluded: frozenset[datetime] = frozenset()


def read_recurrence(text: str, zone: ZoneInfo, *, at: str = "") -> Recurrence:
    """Parse and check RFC 5545 text; raises BadRecurrence that names the part which is wrong."""
    try:
        return _read(text, zone)
    except _Refusal as refusal:
        raise BadRecurrence(rrule=" ".join(text.split())[:80], why=str(refusal), at=at) from refusal


def recurrence_firings(recurrence: Recurrence, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every firing strictly after `after`, in `zone`, each later than the one before."""
    streams = [_rule_firings(rule, recurrence.start, zone, after) for rule in recurrence.rules]
    streams.append(iter(sorted((localise(day, zone) for day in recurrence.dates), key=_instant)))
    last = after.astimezone(UTC)
    for firing in merge(*streams, key=_instant):
        if _instant(firing) > last and firing.replace(tzinfo=None, fold=0) not in recurrence.excluded:
            last = _instant(firing)
            yield firing


def localise(wall: datetime, zone: ZoneInfo) -> datetime:
    """The wall-clock time in its zone: the first of two where it comes twice, the first minute behind a gap."""
    moment = wall.replace(tzinfo=zone, fold=0)
    while moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        wall += timedelta(minutes=1)
        moment = wall.replace(tzinfo=zone, fold=0)
    return moment


class _Refusal(Exception):  # Never leaves this module; its public face is BadRecurrence.
    """Why a text cannot be used."""


def _instant(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _read(text: str, zone: ZoneInfo) -> Recurrence:
    if len(text) > _LONGEST:
        raise _Refusal("it is too long")
    start: datetime | None = None
    rules: list[dict[str, str]] = []
    dates: list[datetime] = []
    excluded: list[datetime] = []
    for line in text.split():
        name, _, value = line.rpartition(":")
        match name.upper().split(";")[0]:
            case "DTSTART":
                start = _wall(value, zone)
            case "RRULE" | "":
                rules.append(_rule(value))
            case "RDATE":
                dates.extend(_wall(day, zone) for day in value.split(","))
            case "EXDATE":
                excluded.extend(_wall(day, zone) for day in value.split(","))
            case other:
                raise _Refusal(f"'{other}' is not known here")
    if not rules and not dates:
        raise _Refusal("it has neither RRULE nor RDATE")
    for rule in rules:
        _check_rule(rule, start, zone)
    return Recurrence(start, tuple(rules), tuple(dates), frozenset(excluded))


def _wall(text: str, zone: ZoneInfo) -> datetime:
    found = re.fullmatch(r"(?a:(\d{8})(?:T(\d{6})(Z?))?)", text.strip().upper())
    if not found:
        raise _Refusal(f"'{text}' is not a time such as 20260105T090000")
    day, time, utc = found.groups()
    try:
        moment = datetime.strptime(day + (time or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007  # Wall clock by design.
        return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) if utc else moment
    except (ValueError, OverflowError) as error:
        raise _Refusal(f"there is no time '{text}'") from error


def _rule(text: str) -> dict[str, str]:
    rule: dict[str, str] = {}
    for part in text.strip(";").upper().split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS or not value:
            raise _Refusal(f"'{part}' is not a part of a rule")
        rule[name] = value
    return rule


def _check_rule(rule: dict[str, str], start: datetime | None, zone: ZoneInfo) -> None:
    frequency = rule.get("FREQ", "")
    by = [name for name in rule if name.startswith("BY")]
    for name in ("INTERVAL", "COUNT"):
        if not re.fullmatch(r"(?a:[1-9]\d{0,6})", rule.get(name, "1")):
            raise _Refusal(f"{name} must be a whole number from 1")
    if "UNTIL" in rule:
        _wall(rule["UNTIL"], zone)
    if start and start.year < 1970:
        raise _Refusal("DTSTART lies before 1970")
    if frequency in _ELAPSED:
        if by:
            raise _Refusal(
                f"FREQ={frequency} takes no {by[0]}: write a cron line, or FREQ=DAILY with BYHOUR and BYMINUTE"
            )
        if start is None:
            raise _Refusal("it needs DTSTART to count from")
    elif frequency not in _HORIZON:
        raise _Refusal("FREQ must be SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY")
    elif start is None and not _needs_no_anchor(rule):
        raise _Refusal("it needs DTSTART to count from")
    _expand(rule, start or datetime(2000, 1, 1))  # noqa: DTZ001  # Wall clock; dateutil reads every part here.


def _needs_no_anchor(rule: dict[str, str]) -> bool:
    days = _DAY_PARTS[rule["FREQ"]]
    timed = "BYHOUR" in rule and "BYMINUTE" in rule
    dated = not days or any(name in rule for name in days)
    monthed = rule["FREQ"] != "YEARLY" or "BYMONTH" in rule or "BYYEARDAY" in rule
    return rule.get("INTERVAL", "1") == "1" and "COUNT" not in rule and timed and dated and monthed


def _rule_firings(rule: dict[str, str], start: datetime | None, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    last = _wall(rule["UNTIL"], zone) if "UNTIL" in rule else None
    if rule["FREQ"] in _ELAPSED:
        assert start is not None, "checked when it was read"
        return _elapsed_firings(rule, localise(start, zone), last and localise(last, zone), after)
    wall = after.astimezone(zone).replace(tzinfo=None)
    walls = _expand(rule, _near(rule, start, wall), horizon=max(wall, start or wall), last=last)
    return (localise(moment, zone) for moment in walls)


def _elapsed_firings(
    rule: dict[str, str], start: datetime, last: datetime | None, after: datetime
) -> Iterator[datetime]:
    step = timedelta(seconds=_ELAPSED[rule["FREQ"]] * int(rule.get("INTERVAL", "1")))
    count = int(rule["COUNT"]) if "COUNT" in rule else None
    number = max(0, (_instant(after) - _instant(start)) // step)
    try:
        while count is None or number < count:
            moment = (_instant(start) + number * step).astimezone(start.tzinfo)
            if last and _instant(moment) > _instant(last):
                return
            yield moment
            number += 1
    except OverflowError:  # The calendar ends with the year 9999.
        return


def _near(rule: dict[str, str], start: datetime | None, wall: datetime) -> datetime:
    """A DTSTART close to `wall` that gives the same firings from there on, so that old rules cost no more than new."""
    if start is None:
        new_year = datetime(wall.year, 1, 1)  # noqa: DTZ001  # Wall clock.
        return new_year - timedelta(days=new_year.weekday()) if wall.year > 1 else new_year
    period = timedelta(days={"DAILY": 1, "WEEKLY": 7}.get(rule["FREQ"], 0) * int(rule.get("INTERVAL", "1")))
    if not period or "COUNT" in rule:
        return start
    return start + period * max(0, (wall - start) // period - 1)


def _expand(
    rule: dict[str, str], start: datetime, *, horizon: datetime | None = None, last: datetime | None = None
) -> Iterator[datetime]:
    """Firings by the wall clock. COUNT and UNTIL are kept here, so that dateutil always has an end to run to."""
    years = _HORIZON.get(rule["FREQ"], 1)
    begin = horizon or start
    end = begin.replace(year=min(begin.year + years, 9999), day=min(begin.day, 28))
    end = min(end, last) if last else end
    kept = {name: value for name, value in rule.items() if name not in {"COUNT", "UNTIL"}}
    text = ";".join(f"{name}={value}" for name, value in kept.items())
    try:
        read = cast("Callable[..., Iterator[datetime]]", rrulestr)  # Its stub is silent about what comes out.
        found = iter(read(f"RRULE:{text};UNTIL={end:%Y%m%dT%H%M%S}", dtstart=start))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise _Refusal(f"its parts do not fit together ({error})") from error
    return islice(found, int(rule["COUNT"])) if "COUNT" in rule else found
