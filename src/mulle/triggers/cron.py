"""One five-field cron line: check it, run it, take it apart, write it.

Minute, hour, day of month, month, weekday (0 and 7 are Sunday); `L`, `#` and names such as MON as `cronsim` reads them.
If day of month and weekday are both restricted, either lets a day through, as everywhere in cron.
It knows nothing of holidays, phrases or triggers.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from mulle.errors import BadCron

ANY = "*"
_LONGEST = 200
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


def check_cron(text: str, *, at: str = "") -> str:
    """The line with single spaces and nicknames (`@daily`) spelt out; raises BadCron with the field that is wrong."""
    line = " ".join(text[: _LONGEST + 1].split())
    line = _NICKNAMES.get(line.lower(), line)
    if len(line) > _LONGEST:
        raise BadCron(cron=line[:40] + "…", why="it is too long", at=at)
    parts = line.split(" ")
    if len(parts) != 5:
        raise BadCron(cron=line, why=f"it has {len(parts)} fields instead of five", at=at)
    for part, (name, low, high) in zip(parts, _FIELDS, strict=True):
        if why := _wrong(part, low, high):
            raise BadCron(cron=line, why=f"{name} '{part}' {why}", at=at)
    try:
        CronSim(line, _SOME_DAY)
    except CronSimError as error:
        raise BadCron(cron=line, why=str(error).replace("Bad ", "there is no such "), at=at) from error
    return line


def cron_firings(line: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Every firing strictly after `after`, in `zone`, each later than the one before.

    A time of day that the clocks skip fires at the first minute behind the gap; one that comes twice fires the first
    time. Lines that run every N minutes or every hour follow elapsed time instead, so they lose and repeat nothing.
    """
    last = after.astimezone(UTC)
    try:
        for tick in CronSim(_fixed_hours(line), after.astimezone(zone)):
            if (instant := tick.astimezone(UTC)) > last:
                last = instant
                yield tick
    except OverflowError:  # The calendar ends with the year 9999.
        return


@dataclass(frozen=True, slots=True)
class CronFields:
    """What a cron line says, as sets of numbers; weekdays 0 (Sunday) to 6."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]


def cron_fields(line: str) -> CronFields | None:
    """The checked line as sets, or None where it uses `L`, `W` or `#`, which no plain set can say."""
    if re.search(r"[L#W](?!ED)", line.upper().replace("JUL", "7")):
        return None
    sim = CronSim(line, _SOME_DAY)
    weekdays = frozenset(day % 7 for day in sim.weekdays if isinstance(day, int))
    return CronFields(
        frozenset(sim.minutes), frozenset(sim.hours), frozenset(sim.days), frozenset(sim.months), weekdays
    )


def cron_field(values: Collection[int], low: int, high: int, *, step: bool = True) -> str:
    """Write numbers as one field: `*`, `*/15`, `9-17`, `8-20/2` or a list; `step=False` keeps lists as lists."""
    numbers = sorted(values)
    if len(numbers) == high - low + 1:
        return ANY
    if len(numbers) > 1 and step and (gap := _even_gap(numbers)) and gap > 1:
        if numbers[0] == low and numbers[-1] + gap > high and (high - low + 1) % gap in {0, 1}:
            return f"*/{gap}"
        if len(numbers) > 2:
            return f"{numbers[0]}-{numbers[-1]}/{gap}"
    return ",".join(_runs(numbers))


def _even_gap(numbers: list[int]) -> int | None:
    gaps = {later - earlier for earlier, later in pairwise(numbers)}
    return gaps.pop() if len(gaps) == 1 else None


def _runs(numbers: list[int]) -> Iterator[str]:
    start = previous = numbers[0]
    for number in [*numbers[1:], 99]:
        if number == previous + 1:
            previous = number
            continue
        if previous - start >= 1:
            yield f"{start}-{previous}" if previous - start > 1 else f"{start},{previous}"
        else:
            yield str(start)
        start = previous = number


def _fixed_hours(line: str) -> str:
    # cronsim follows elapsed time as soon as the hour starts with a star. `0 */2` means hours of the day all the same:
    # written as a range it fires once where an hour comes twice, and behind the gap where it is skipped.
    minute, hour, *rest = line.split(" ")
    if hour.startswith("*/") and not minute.startswith("*"):
        hour = "0-23" + hour[1:]
    return " ".join((minute, hour, *rest))


def _wrong(part: str, low: int, high: int) -> str | None:
    if "?" in part:
        return "is of another dialect: write * for ?"
    for term in part.split(","):
        numbers = [int(number) for number in re.findall(r"(?a:\d+)", term.split("/", maxsplit=1)[0])]
        if any(not low <= number <= high for number in numbers) and "#" not in term:
            return f"lies outside {low}-{high}"
        if "-" in term and len(numbers) == 2 and numbers[0] > numbers[1]:
            return f"runs backwards: write {numbers[0]}-{high},{low}-{numbers[1]}"
    return None
