"""Put times of day together with what stands beside them: "9 in the morning", 아침 저녁 8시, from 9 to 5."""

from collections.abc import Sequence
from dataclasses import replace

from mulle.triggers.phrases.pieces import (
    Begin,
    Beyond,
    Clock,
    Dates,
    DayPart,
    Days,
    Every,
    Joined,
    Mark,
    Minute,
    MonthDays,
    Number,
    Piece,
    Pieces,
    Ref,
    Strange,
    Window,
    Word,
    is_mark,
)


def hours_among_numbers(pieces: Pieces) -> Pieces:
    """Bare numbers are hours behind "at", beside an hour, or before "in the morning"; elsewhere they are words."""
    done: Pieces = []
    for place, piece in enumerate(pieces):
        if not isinstance(piece, Number):
            done.append(piece)
            continue
        rest = pieces[place + 1 : place + 3]
        if _lists_minutes(pieces[place : place + 24]):  # at 15 and 45 minutes past
            done.append(Minute(start=piece.start, end=piece.end, values=(piece.value,)))
            continue
        before = done[-1] if done else None
        led = is_mark(before, "at", "from", "starting", "between") or (
            is_mark(before, "until") and not isinstance(rest[:1], Word)
        )
        listed = (
            len(done) > 1
            and isinstance(done[-2], Clock)
            and is_mark(before, "and", "comma", "to", "dash", "until", "or")
        )
        match rest:
            case [DayPart(), *_]:
                part = True
            case [Mark(kind="to" | "dash" | "until"), Number() | Clock()]:
                part = isinstance(before, Days | Every | DayPart) or before is None
            case _:
                part = False
        if (led or listed or part) and piece.value <= 24:
            done.append(
                Clock(start=piece.start, end=piece.end, hour=piece.value, exact=piece.value in {0, *range(13, 25)})
            )
        else:
            done.append(Word(start=piece.start, end=piece.end))
    return done


def _lists_minutes(pieces: Sequence[Piece]) -> bool:
    joined = next((place for place, piece in enumerate(pieces) if not isinstance(piece, Number | Mark)), 0)
    marks = [piece for piece in pieces[:joined] if isinstance(piece, Mark)]
    return joined > 1 and isinstance(pieces[joined], Minute) and all(is_mark(mark, "and", "comma") for mark in marks)


def half_of_day(pieces: Sequence[Piece]) -> Joined:
    match pieces:
        case [DayPart(hint=False) as one, DayPart(hint=False) as two, Clock(part=None) as clock, *_]:
            return 3, [replace(clock, part=one.part), Mark(kind="and"), replace(clock, part=two.part)]
        case [
            DayPart(hint=False) as one,
            Mark(kind="and" | "comma"),
            DayPart(hint=False) as two,
            Clock(part=None) as clock,
            *_,
        ]:
            return 4, [replace(clock, part=one.part), Mark(kind="and"), replace(clock, part=two.part)]
        case [DayPart(part="night" | "evening"), Clock(named="midnight") as clock, *_]:
            return 2, replace(clock, hour=12, exact=False, named="", part="night")  # Friday night at midnight.
        case [DayPart(hint=False) as part, Clock(part=None) as clock, *_]:
            return 2, clock if clock.named else replace(clock, part=part.part)
        case [DayPart(hint=False), Clock() as clock, *_]:
            return 2, clock
        case [Clock(part=None) as clock, DayPart(hint=False), Clock(), *_]:
            return None
        case [Clock(part=None) as clock, DayPart(hint=False) as part, *_]:
            return 2, clock if clock.named else replace(clock, part=part.part, part_behind=True)
        case [Clock() as clock, DayPart(hint=False), *_]:
            return 2, clock
        case _:
            return None


def window(pieces: Sequence[Piece]) -> Joined:
    match pieces:
        case [
            Clock() as one,
            Mark(kind="from_after"),
            Clock() as two,
            Mark(kind="until_after" | "within_after"),
            *rest,
        ]:
            return 4 + (1 if rest and is_mark(rest[0], "within_after") else 0), Window(begin=one, finish=two)
        case [Clock(), Beyond(), *_] | [Beyond(), Clock(), *_]:
            return 2, Strange(what="before or after a time")
        case [Beyond(), *_]:
            return 1, Word()
        case [Clock() as one, Mark(kind="from_after"), Clock() as two, *_]:
            return 3, Window(begin=one, finish=two)
        case [Clock() as one, Mark(kind="dash" | "to"), Clock() as two, *rest]:
            return 3 + (1 if rest and is_mark(rest[0], "within_after", "until_after") else 0), Window(
                begin=one, finish=two
            )
        case [Mark(kind="from"), Clock() as one, Mark(kind="to" | "until" | "dash"), Clock() as two, *_]:
            return 4, Window(begin=one, finish=two)
        case [Mark(kind="between"), Clock() as one, Mark(kind="and" | "to" | "dash"), Clock() as two, *_]:
            return 4, Window(begin=one, finish=two)
        case [Clock() as one, Mark(kind="until"), Clock() as two, *_]:
            return 3, Window(begin=one, finish=two)
        case [Mark(kind="from" | "between"), Window() as window, *_]:
            return 2, window
        case [Ref() | Dates() | Days() | MonthDays(), Clock(), Mark(kind="from_after"), *rest] if not (
            rest and isinstance(rest[0], Clock)
        ):
            return 3, Begin(what=tuple(pieces[:2]))
        case [Clock() as one, Mark(kind="from_after"), *_] | [Mark(kind="from" | "starting"), Clock() as one, *_]:
            return 2, Window(begin=one, finish=None)
        case [Clock() as two, Mark(kind="until_after"), *_] | [Mark(kind="until"), Clock() as two, *_]:
            return 2, Window(begin=None, finish=two)
        case _:
            return None


def minute_lists(pieces: Sequence[Piece]) -> Joined:
    """매시 15분, 45분."""
    match pieces:
        case [Minute() as one, Mark(kind="and" | "comma"), Minute() as two, *_]:
            return 3, Minute(values=(*one.values, *two.values), hourly=one.hourly or two.hourly)
        case [Minute() as one, Mark(kind="and" | "comma"), Every(unit="minute", n=n), *_]:
            return 3, Minute(values=(*one.values, n))
        case _:
            return None
