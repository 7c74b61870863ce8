"""Put neighbouring pieces together: lists, ranges, "9 in the morning", "the first Monday", "except Sundays".

Pieces in, fewer pieces out; nothing is decided yet about what they mean as a schedule. The steps for times of day stand
in `join_times`, those for days in `join_days`; here is their order.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from mulle.triggers.phrases.join_days import (
    date_lists,
    exceptions,
    limits,
    lists,
    ordinals,
    ranges,
    shifts,
    starts,
    without_weak_days,
)
from mulle.triggers.phrases.join_times import half_of_day, hours_among_numbers, minute_lists, window
from mulle.triggers.phrases.pieces import Joined, Piece, Pieces, is_mark

_REACH = 12
"""Pieces a step may look at, so that long texts cost no more than their length."""
_STEPS: tuple[Callable[[Sequence[Piece]], Joined], ...] = (
    half_of_day,
    window,
    minute_lists,
    starts,
    lists,
    date_lists,
    lists,
    ordinals,
    shifts,
    ranges,
    limits,
    exceptions,
)


def join(pieces: Pieces) -> Pieces:
    """Bring the pieces of one phrase into the form that `frame` reads."""
    pieces = hours_among_numbers(without_weak_days(pieces))
    pieces = [piece for piece in pieces if not is_mark(piece, "at", "at_after", "on", "then")]
    for step in _STEPS:
        pieces = _rewrite(pieces, step)
    return pieces


def _rewrite(pieces: Pieces, step: Callable[[Sequence[Piece]], Joined]) -> Pieces:
    done: Pieces = []
    place = 0
    while place < len(pieces):
        if made := step(pieces[place : place + _REACH]):
            count, new = made
            start, end = pieces[place].start, pieces[place + count - 1].end
            fresh = [new] if isinstance(new, Piece) else new
            pieces[place : place + count] = [replace(piece, start=start, end=end) for piece in fresh]
        else:
            done.append(pieces[place])
            place += 1
    return done
