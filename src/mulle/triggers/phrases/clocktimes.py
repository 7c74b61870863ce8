"""The times of the day a clause fires at: listed ones, or every so many minutes within a window.

They come out in groups that one cron line, or one BYHOUR/BYMINUTE pair, can say; the days are not known here.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from mulle.triggers.cron import cron_field
from mulle.triggers.phrases.frame import Clause
from mulle.triggers.phrases.hours import DAY, Moment, Span, moments, span
from mulle.triggers.phrases.pieces import Every, Window
from mulle.triggers.phrases.reading import Reading


@dataclass(frozen=True, slots=True)
class Group:
    """All these minutes of all these hours, `shift` days after the day they are said of."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    shift: int = 0
    steps: bool = False
    """Whether an interval was said: `*/30` then follows elapsed time when the clocks change, `0,30` does not."""

    @property
    def cron(self) -> str:
        """The first two fields of a cron line."""
        return f"{cron_field(self.minutes, 0, 59, step=self.steps)} {cron_field(self.hours, 0, 23, step=self.steps)}"

    @property
    def rrule(self) -> str:
        """The parts of an RFC 5545 rule."""
        hours, minutes = (",".join(map(str, numbers)) for numbers in (self.hours, self.minutes))
        return f"BYHOUR={hours};BYMINUTE={minutes};BYSECOND=0"


def listed(reading: Reading, clause: Clause) -> list[Group]:
    """The times a clause lists; raises if it says how many and lists others."""
    found = moments(reading, clause.clocks, clause.part)
    if clause.times and clause.times.unit == "day" and clause.times.n != len(found):
        raise reading.contradiction()
    return grouped(found)


def is_uneven(every: Every) -> bool:
    """Whether the interval does not fit the clock, so that it must be counted from its first firing."""
    if every.unit == "hour":
        return every.n > 24 or 24 % every.n != 0
    if every.unit == "minute":
        return 60 % every.n != 0 and (every.n % 60 != 0 or is_uneven(Every(unit="hour", n=every.n // 60)))
    return every.n % 60 != 0 or is_uneven(Every(unit="minute", n=every.n // 60))


def repeated(reading: Reading, clause: Clause, every: Every) -> list[Group]:
    """The times of an interval within the day; an uneven one without a window counts from midnight."""
    step = every.n * {"second": 1, "minute": 60, "hour": 3600}[every.unit]
    if step % 60:
        raise reading.unsupported(reading.either("초 단위 간격과 날짜·시간대의 조합", "seconds within days or hours"))
    step //= 60
    window = clause.window or _window_of_part(clause)
    within = span(reading, window, clause.part) if window else None
    if clause.minutes and step % 60 == 0:
        return _past_the_hour(clause, step // 60, within)
    if within is None:
        if DAY % step:
            reading.note("from_midnight")
        return _spread(range(0, DAY, step))
    if window and window.begin and not window.finish:
        return _open_ended(reading, within, step)
    last = within.finish if within.whole else within.finish - 1
    return _spread(range(within.begin, min(last, within.begin + DAY - 1) + 1, step))


def odd_or_even(reading: Reading, clause: Clause, *, odd: bool) -> list[Group]:
    """Odd or even hours, within a window if one is said."""
    within = span(reading, clause.window) if clause.window else Span(0, DAY - 1)
    hours = [hour for hour in range(within.begin // 60, within.finish // 60 + 1) if hour % 2 == odd]
    minutes = sorted(clause.minutes or {0})
    return _spread(60 * hour + minute for hour in hours for minute in minutes)


def grouped(found: Iterable[Moment], *, steps: bool = False) -> list[Group]:
    """As few groups as say exactly these moments."""
    all_of = sorted({(moment.shift, *divmod(moment.minute, 60)) for moment in found})
    by_hour = _alike(((shift, hour), minute) for shift, hour, minute in all_of)
    by_minute = _alike(((shift, minute), hour) for shift, hour, minute in all_of)
    if len(by_hour) <= len(by_minute):
        return [Group(minutes, hours, shift, steps) for shift, hours, minutes in by_hour]
    return [Group(minutes, hours, shift, steps) for shift, minutes, hours in by_minute]


def of_any_day(groups: Iterable[Group]) -> list[Group]:
    """The groups for every day, where it makes no difference which day a time is said of."""
    of = list(groups)
    found = (Moment(0, 60 * hour + minute) for group in of for hour in group.hours for minute in group.minutes)
    return grouped(found, steps=of[0].steps)


def _alike(pairs: Iterable[tuple[tuple[int, int], int]]) -> list[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Of ((shift, one), other): which ones share which others, as (shift, ones, others)."""
    others: dict[tuple[int, int], list[int]] = defaultdict(list)
    for key, other in pairs:
        others[key].append(other)
    ones: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for (shift, one), shared in sorted(others.items()):
        ones[shift, tuple(shared)].append(one)
    return [(shift, tuple(alike), shared) for (shift, shared), alike in ones.items()]


def _past_the_hour(clause: Clause, hours: int, within: Span | None) -> list[Group]:
    """매시 15분, 30분: these minutes of every hour, or of every so many."""
    first, last = (within.begin, within.finish if within.whole else within.finish - 1) if within else (0, DAY - 1)
    every_hour = range(first // 60, last // 60 + 1, hours)
    found = (60 * hour + minute for hour in every_hour for minute in sorted(clause.minutes))
    return _spread(minute for minute in found if first <= minute <= last)


def _open_ended(reading: Reading, within: Span, step: int) -> list[Group]:
    begin = f"{within.begin // 60:02}:{within.begin % 60:02}"
    if step >= 180 and DAY % step == 0:
        reading.note("all_day", begin=begin)
        return _spread(range(within.begin % step, DAY, step))
    reading.note("until_midnight", begin=begin)
    return _spread(range(within.begin, DAY, step))


def _spread(minutes: Iterable[int]) -> list[Group]:
    return grouped((Moment(*divmod(minute, DAY)) for minute in minutes), steps=True)


def _window_of_part(clause: Clause) -> Window | None:
    part = next((part.part for part in clause.parts if not part.hint), None)
    return Window(begin=None, finish=None, name=part) if part else None
