"""Put days together with what stands beside them: lists, ranges, the first Monday, until June, except Sundays."""

from collections.abc import Sequence
from dataclasses import replace

from mulle.triggers.phrases.korean_days import WEEKEND, month_range, weekday_range
from mulle.triggers.phrases.pieces import (
    Begin,
    Clock,
    Dates,
    DayPart,
    Days,
    Delay,
    Every,
    Except,
    Finish,
    Holiday,
    Include,
    Joined,
    Mark,
    MonthDays,
    Months,
    Move,
    Nth,
    NthDays,
    Piece,
    Pieces,
    Ref,
    Same,
    Shift,
    Strange,
    Times,
    Word,
    is_mark,
)


def without_weak_days(pieces: Pieces) -> Pieces:
    """월화 or 수금 are weekdays only where something about time stands beside them."""
    kept: Pieces = []
    for place, piece in enumerate(pieces):
        if isinstance(piece, Days) and piece.weak:
            before = pieces[place - 1] if place else None
            behind = pieces[place + 1] if place + 1 < len(pieces) else None
            by_week = isinstance(before, Every | Times) and before.unit == "week"
            fits = (
                isinstance(behind, Clock | DayPart | Except)
                or is_mark(behind, "each_after")
                or isinstance(before, Dates)
            )
            alone = before is None and behind is None
            kept.append(
                piece if by_week or fits or alone or isinstance(before, Nth) else Word(start=piece.start, end=piece.end)
            )
        else:
            kept.append(piece)
    return kept


def starts(pieces: Sequence[Piece]) -> Joined:
    """Starting next Monday, …: told apart before the Monday becomes part of a list."""
    day = Dates | Months | MonthDays | Days
    match pieces:
        case [Mark(kind="from" | "starting"), Mark(kind="coming"), one, *_] if isinstance(one, day):
            return 3, Begin(what=(one,))
        case [Mark(kind="until"), Mark(kind="coming"), one, *_] if isinstance(one, day):
            return 3, Finish(what=(one,))
        case [Mark(kind="starting"), Ref() as one, two, *_] if isinstance(two, day):
            return 3, Begin(what=(one, two))
        case [Mark(kind="starting"), one, *_] if isinstance(one, day | Ref | Delay):
            return 2, Begin(what=(one,))
        case _:
            return None


def lists(pieces: Sequence[Piece]) -> Joined:
    match pieces:
        case [Days(business=False) as one, Mark(kind="and" | "comma"), Days(business=False) as two, *rest] if not (
            rest and isinstance(rest[0], Except | Include) and not rest[0].before and one.days | two.days != WEEKEND
        ):
            return 3, Days(days=one.days | two.days, each=True)
        case [Days(business=False) as one, Days(business=False, weak=False) as two, *_] if (
            one.days | two.days == WEEKEND
        ):
            return 2, Days(days=WEEKEND, each=True)
        case [MonthDays() as one, Mark(kind="and" | "comma"), MonthDays() as two, *_]:
            return 3, MonthDays(days=one.days | two.days, bare=one.bare and two.bare)
        case [MonthDays(bare=True) as one, Mark(kind="and" | "comma"), Nth() as two, *_]:
            return 3, replace(two, ns=(*sorted(one.days), *two.ns))
        case [Nth() as one, Mark(kind="and" | "comma"), Nth() as two, *_]:
            return 3, Nth(ns=(*one.ns, *two.ns), week=one.week or two.week)
        case [Nth() as one, Nth() as two, *_]:
            return 2, Nth(ns=(*one.ns, *two.ns), week=one.week or two.week)
        case [Months(assumed="") as one, Mark(kind="and" | "comma"), Months(assumed="") as two, *_]:
            return 3, Months(months=one.months | two.months)
        case [Months(assumed="season"), Months(assumed="") as two, *_]:
            return 2, two
        case _:
            return None


def date_lists(pieces: Sequence[Piece]) -> Joined:
    """March 2 and 9, 3월과 9월 1일; a weekday beside a date only says which day that is."""
    match pieces:
        case [Months(months=months), Mark(kind="and" | "comma"), Dates(dates=((None, month, day),)), *_]:
            return 3, Dates(dates=tuple((None, each, day) for each in sorted({*months, month})))
        case [MonthDays(bare=True) as one, Mark(kind="and" | "comma"), Dates(dates=((None, month, last),)), *_]:
            return 3, Dates(dates=tuple((None, month, day) for day in sorted({*one.days, last})))
        case [Days(each=False) as one, Mark(kind="comma"), Dates() as two, *_]:
            return 3, [one, two]
        case [Dates() as one, Mark(kind="comma"), Days(each=False) as two, *_]:
            return 3, [one, two]
        case [Dates() as one, Mark(kind="and" | "comma"), Dates() as two, *_]:
            return 3, Dates(dates=one.dates + two.dates)
        case [Dates() as one, Mark(kind="and" | "comma"), MonthDays() as two, *_]:
            year, month, _ = one.dates[-1]
            return 3, Dates(dates=(*one.dates, *((year, month, day) for day in sorted(two.days))))
        case _:
            return None


def ordinals(pieces: Sequence[Piece]) -> Joined:
    match pieces:
        case [
            Every(assumed="every_second"),
            Days() as days,
            Every(unit="month" | "quarter" | "year", loose=True) as unit,
            *_,
        ]:
            return 3, [NthDays(ns=(2,), days=days.days, business=days.business), unit]
        case [Nth(week=True) as nth, Every(unit="month", loose=True), Days() as days, *_]:
            return 3, [NthDays(ns=nth.ns, days=days.days, week=True), Every(unit="month")]
        case [Nth(week=False) as nth, Every(unit="month" | "quarter", loose=True) as unit, *_]:
            return 2, [MonthDays(days=frozenset(nth.ns)), unit]
        case [MonthDays(days=last), Days(business=True, days=days), *_] if last == frozenset({-1}):
            return 2, NthDays(ns=(-1,), days=days, business=True)
        case [Nth() as nth, Days() as days, *_]:
            return 2, NthDays(ns=nth.ns, days=days.days, business=days.business, week=nth.week)
        case [MonthDays(bare=True) as ordinal, Days() as days, *_]:
            return 2, NthDays(ns=tuple(sorted(ordinal.days)), days=days.days, business=days.business)
        case [Days() as days, Nth(week=True) as nth, *_]:
            return 2, NthDays(ns=nth.ns, days=days.days, week=True)
        case [Days() as days, Mark(kind="each"), Nth(week=True) as nth, *_]:
            return 3, NthDays(ns=nth.ns, days=days.days, week=True)
        case [Days() as days, MonthDays(bare=True) as ordinal, *_]:
            return 2, [days, Same(), replace(ordinal, bare=False)]
        case [NthDays() as one, Mark(kind="and" | "comma"), NthDays() as two, *_] if one.days == two.days:
            return 3, replace(one, ns=(*one.ns, *two.ns))
        case _:
            return None


def shifts(pieces: Sequence[Piece]) -> Joined:
    match pieces:
        case [MonthDays() as days, Shift() as shift, *_]:
            return 2, _shifted(days, shift)
        case [Shift() as shift, MonthDays() as days, *_]:
            return 2, _shifted(days, shift)
        case [Shift() as shift, Every() as every, MonthDays() as days, *_]:
            return 3, [every, *_shifted(days, shift)]
        case [NthDays() | Dates(), Shift(), *_] | [Shift(), NthDays() | Dates(), *_]:
            return 2, Strange(what="a day counted back from that day")
        case [Shift(), *_]:
            return 1, Word()
        case _:
            return None


def _shifted(days: MonthDays, shift: Shift) -> list[Piece]:
    back = 1 if shift.business else shift.days
    moved = {day - back if day < 0 or day > back else day - back - 1 for day in days.days}
    made: list[Piece] = [MonthDays(days=frozenset(moved))]
    if shift.business:
        made.append(Move(direction="preceding", filter="business_days", nth=shift.days))
    return made


def ranges(pieces: Sequence[Piece]) -> Joined:
    match pieces:
        case [Mark(kind="from" | "between"), one, Mark(kind="to" | "until" | "dash" | "and"), two, *_]:
            return (4, made) if (made := _range(one, two)) else None
        case [one, Mark(kind="from_after"), two, Mark(kind="until_after" | "within_after"), *_]:
            return (4, made) if (made := _range(one, two)) else None
        case [one, Mark(kind="dash" | "to"), two, *rest]:
            count = 3 + (1 if rest and is_mark(rest[0], "until_after") else 0)
            return (count, made) if (made := _range(one, two)) else None
        case [Mark(kind="from"), Days(days=several) | Months(months=several) as piece, *_] if len(several) > 1:
            return 2, piece
        case _:
            return None


def _range(one: Piece, two: Piece) -> Piece | list[Piece] | None:
    match one, two:
        case Days(days=a), Days(days=b) if len(a) == len(b) == 1:
            return Days(days=weekday_range(*a, *b), each=True)
        case Months(months=a), Months(months=b) if len(a) == len(b) == 1:
            return Months(months=month_range(*a, *b))
        case MonthDays(days=a), MonthDays(days=b) if len(a) == len(b) == 1 and min(a) > 0:
            last = 31 if min(b) < 0 else min(b)
            return MonthDays(days=frozenset(range(min(a), last + 1))) if min(a) <= last else None
        case Dates(dates=((year, month, _),)), MonthDays(days=b) if len(b) == 1 and min(b) > 0:
            return [Begin(what=(one,)), Finish(what=(Dates(dates=((year, month, min(b)),)),))]
        case Dates() | Ref() | Delay(), Dates() | Ref() | Months() | Delay():
            return [Begin(what=(one,)), Finish(what=(two,))]
        case _:
            return None


def limits(pieces: Sequence[Piece]) -> Joined:
    day = Ref | Dates | Months | MonthDays | Days | Delay
    match pieces:
        case [Ref() as one, two, Mark(kind="from_after"), *_] if isinstance(two, day):
            return 3, Begin(what=(one, two))
        case [Ref() as one, two, Mark(kind="until_after"), *_] if isinstance(two, day):
            return 3, Finish(what=(one, two))
        case [Mark(kind="from"), Ref() as one, two, *_] if isinstance(two, day):
            return 3, Begin(what=(one, two))
        case [Mark(kind="coming"), two, Mark(kind="from_after"), *_] if isinstance(two, day):
            return 3, Begin(what=(two,))
        case [Mark(kind="coming"), two, Mark(kind="until_after"), *_] if isinstance(two, day):
            return 3, Finish(what=(two,))
        case [one, Mark(kind="from_after"), *_] if isinstance(one, day):
            return 2, Begin(what=(one,))
        case [one, Mark(kind="until_after"), *_] if isinstance(one, day):
            return 2, Finish(what=(one,))
        case [Mark(kind="from"), one, *_] if isinstance(one, day):
            return 2, Begin(what=(one,))
        case [Mark(kind="until"), one, *_] if isinstance(one, day):
            return 2, Finish(what=(one,))
        case [Mark(kind="until"), Every(loose=True) as every, *_]:
            return 2, Finish(what=(Ref(unit="year" if every.unit == "year" else "month", offset=0),))
        case _:
            return None


_EXCLUDABLE = Days | Holiday | Months | MonthDays | Dates | NthDays | Ref


def exceptions(pieces: Sequence[Piece]) -> Joined:
    if isinstance(pieces[0], Except | Include) and pieces[0].before:
        what = _run(pieces[1:])
        if what and isinstance(pieces[0], Except):
            return 1 + len(what), Except(what=_contents(what))
        return (1 + len(what), []) if what else None
    if not isinstance(pieces[0], _EXCLUDABLE):
        return None
    run = _run(pieces)
    behind = pieces[len(run)] if len(run) < len(pieces) else None
    if isinstance(behind, Same) and len(pieces) > len(run) + 1 and isinstance(pieces[len(run) + 1], Except):
        return len(run) + 2, Except(what=_contents(run))  # 공휴일이면 건너뛰고
    if isinstance(behind, Include) and not behind.before:
        return len(run) + 1, []
    if isinstance(behind, Except) and not behind.before and not behind.what:
        return len(run) + 1, Except(what=_contents(run))
    return None


def _contents(run: Sequence[Piece]) -> tuple[Piece, ...]:
    return tuple(piece for piece in run if isinstance(piece, _EXCLUDABLE))


def _run(pieces: Sequence[Piece]) -> list[Piece]:
    """The days at the beginning that belong together: 주말과 공휴일, Saturdays, Sundays and holidays."""
    run: list[Piece] = []
    for piece in pieces:
        last = run[-1] if run else None
        first = isinstance(piece, _EXCLUDABLE) and not isinstance(last, _EXCLUDABLE)
        if first or (isinstance(piece, Holiday) and isinstance(last, Days) and last.days <= WEEKEND):
            run.append(piece)
        elif last is not None and isinstance(last, _EXCLUDABLE) and is_mark(piece, "and", "comma", "or"):
            if is_mark(piece, "comma") and isinstance(last, Days) and not last.days <= WEEKEND:
                break
            run.append(piece)
        else:
            break
    while run and not isinstance(run[-1], _EXCLUDABLE):
        run.pop()
    return run
