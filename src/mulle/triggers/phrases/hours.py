"""What hour is meant: "9" beside 오후, 4 to 6, 밤 12시, 9시부터 6시까지, 업무시간.

Clock pieces in, minutes of the day out; it knows no days.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mulle.triggers.phrases.pieces import Clock, Part, Window
from mulle.triggers.phrases.reading import Reading

DAY = 24 * 60
_FIRST_HALF: dict[Part, range] = {
    "am": range(12), "dawn": range(8), "morning": range(1, 12), "midday": range(9, 13), "lunch": range(11, 13),
}  # fmt: skip
"""The hours that stay as they are."""
_SECOND_HALF: dict[Part, range] = {
    "pm": range(1, 13), "midday": range(1, 7), "lunch": range(1, 4), "evening": range(4, 12), "night": range(6, 12),
}  # fmt: skip
"""The hours that mean twelve more."""
_WINDOWS: dict[str, tuple[int, int]] = {
    "business": (9, 18), "am": (9, 12), "morning": (6, 9), "dawn": (0, 6), "lunch": (12, 13), "midday": (10, 19),
    "pm": (12, 18), "evening": (18, 22), "night": (22, 30), "day": (0, 24),
}  # fmt: skip
"""Hours of windows that are only named, the last one not included."""


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A time of day, `shift` days after the day it is said of (밤 12시 is the next day's 0:00)."""

    shift: int
    minute: int


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes from `begin` to `finish`, which may lie beyond midnight; `whole` if `finish` itself belongs to it."""

    begin: int
    finish: int
    whole: bool = True


def moments(reading: Reading, clocks: Sequence[Clock], hint: Part | None = None) -> list[Moment]:
    """The times of a list such as "9, 12 and 3"; each hour without am or pm is taken so that the list goes on."""
    by_24 = any(clock.exact and not clock.named for clock in clocks)
    found: list[Moment] = []
    for place, clock in enumerate(clocks):
        if clock.minus >= 30:  # 9시 30분 전: half an hour before nine, or before half past nine?
            raise reading.ambiguous(
                f"{clock.hour}시 {clock.minus}분", f"{(clock.hour - 1) % 24}시 {60 - clock.minus}분"
            )
        before = found[-1] if found else None
        part = clock.part or _inherited(reading, clocks, place)
        if clock.part:
            moment = _in_part(reading, clock, clock.part)
        elif clock.exact or by_24:
            moment = _moment(clock, clock.hour)
        else:
            moment = _in_part(reading, clock, part, strict=False) if part else None
            if moment is None or (before and moment <= before):
                moment = _guess(reading, clock, before, hint)
        found.append(moment)
    return sorted(set(found))


def span(reading: Reading, window: Window, hint: Part | None = None) -> Span:
    """The minutes of a window; an open end runs to the end of the day."""
    if window.begin is None and window.finish is None:
        begin, finish = _WINDOWS[window.name]
        if window.name not in {"business", "day"}:
            reading.note("window", begin=f"{begin:02}:00", finish=f"{finish % 24:02}:00")
        return Span(begin * 60, finish * 60, whole=False)
    if window.begin is None:
        assert window.finish, "one end is given"
        return Span(0, _ending(reading, window.finish, 0, None))
    start = window.begin
    if window.finish and window.finish.part_behind and not start.part and not start.exact:
        start = _led_by(reading, start, window.finish)
    by_24 = bool(window.finish and window.finish.exact and not window.finish.named)
    first = _moment(start, start.hour) if by_24 and not start.part else moments(reading, [start], hint)[0]
    begin = first.minute + DAY * first.shift
    if window.finish is None:
        return Span(begin, DAY - 1)
    return Span(begin, _ending(reading, window.finish, begin, start))


def _ending(reading: Reading, finish: Clock, begin: int, start: Clock | None) -> int:
    if finish.part or finish.exact:
        moment = moments(reading, [finish])[0]
        end = moment.minute + DAY * moment.shift
    else:
        # 9시부터 6시까지: the next six o'clock behind nine; where both are said in 24 hours, what is said.
        hours = [finish.hour] if start and start.exact else [finish.hour % 12, finish.hour % 12 + 12]
        ends = [60 * hour + finish.minute - finish.minus for hour in hours]
        end = min(ends, key=lambda minute: (minute - begin - 1) % DAY)
    return end if end > begin else end + DAY


def _led_by(reading: Reading, start: Clock, finish: Clock) -> Clock:
    """From 2 to 4pm: both pm; from 9 to 5pm: only the second."""
    tried = replace(start, part=finish.part, part_behind=True)
    if _in_part(reading, tried, tried.part or "pm") < _in_part(reading, finish, finish.part or "pm"):
        return tried
    return start


def _inherited(reading: Reading, clocks: Sequence[Clock], place: int) -> Part | None:
    """오전 9시와 11시, 9 and 11am: the half of the day that a neighbour says for this hour as well."""
    for clock in reversed(clocks[:place]):
        if clock.part:
            return clock.part
    behind = next((clock for clock in clocks[place + 1 :] if clock.part), None)
    if behind and behind.part_behind and behind.part:
        tried = _in_part(reading, clocks[place], behind.part, strict=False)
        if tried and tried < _in_part(reading, behind, behind.part):
            return behind.part
    return None


def _in_part(reading: Reading, clock: Clock, part: Part, *, strict: bool = True) -> Moment:
    hour = clock.hour
    if hour in _SECOND_HALF.get(part, ()) and hour != 12:
        return _moment(clock, hour + 12)
    if part in {"am", "dawn"} and hour == 12:
        return _moment(clock, 0)
    if hour in _FIRST_HALF.get(part, ()) or (part in {"pm", "midday", "lunch"} and hour == 12):
        return _moment(clock, hour)
    if part in {"night", "evening"} and (hour in {12, 24} or (part == "night" and hour < 6)):
        reading.note("night")
        return _moment(clock, hour % 12 + 24)
    if part not in {"am", "dawn", "morning"} and hour >= 12:
        return _moment(clock, hour)
    if not strict:
        return _moment(clock, hour)
    raise reading.impossible("contradiction", reading.plain[clock.start : clock.end] or f"{part} {hour}")


def _guess(reading: Reading, clock: Clock, before: Moment | None, hint: Part | None) -> Moment:
    hour = clock.hour
    if hint in {"am", "morning"}:
        guess = hour % 12 if hour != 12 else 12
    elif hint in {"pm", "evening"}:
        guess = hour % 12 + 12
    else:
        guess = hour if hour >= 7 else hour + 12
    moment = _moment(clock, guess)
    if before and moment <= before and guess < 12:
        moment = _moment(clock, guess + 12)
    hours, minutes = divmod(moment.minute, 60)
    half = "오전" if hours < 12 else "오후"
    said = f"{hour}:{clock.minute:02}" if clock.minute else str(hour)
    ko = f"{half} {hours % 12 or 12}시" + (f" {minutes}분" if minutes else "")
    reading.note(
        "hour",
        text=said if reading.language == "en" else f"{said}시" if ":" not in said else said,
        ko=ko,
        en=f"{hours:02}:{minutes:02}",
    )
    return moment


def _moment(clock: Clock, hour: int) -> Moment:
    shift, minute = divmod(60 * hour + clock.minute - clock.minus, DAY)
    return Moment(shift, minute)
