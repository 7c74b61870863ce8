"""What a schedule phrase is made of, whatever its language: times, days, "every", "from", "except".

The lexers of both languages write these; `join` puts neighbours together; `frame` reads the result.
"""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["second", "minute", "hour", "day", "week", "month", "quarter", "half", "year"]
Part = Literal["am", "pm", "dawn", "morning", "midday", "lunch", "evening", "night"]
"""A part of the day, as it decides what "9" means beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of the plain text, from `start` up to `end`."""

    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Piece):
    """Text that says nothing about time. `tied` if it follows what stands before it without a space."""

    tied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Piece):
    """A small word that joins others.

    `and`, `or`, `comma`, `dash`, `to` stand between; `from`, `starting`, `between`, `until` (English) before;
    `from_after`, `until_after`, `at_after`, `within_after`, `each_after` (Korean particles) behind; `each`, `at`, `on`,
    `of`, `once`, `now`, `then` and `coming` as they read.
    """

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Piece):
    """A time of day as written; `hour` may still need its half of the day."""

    hour: int
    minute: int = 0
    part: Part | None = None
    part_behind: bool = False
    """Whether the part was written behind, as in "9 and 11am", where it counts for both."""
    exact: bool = False
    """Written so that only the 24-hour clock can be meant: 18:30, 09:00, 0시."""
    minus: int = 0
    """Minutes before: 9시 10분 전."""
    named: Literal["", "noon", "midnight"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPart(Piece):
    """아침, in the evening. `hint` for words that only suggest it: 퇴근, 출근."""

    part: Part
    hint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Piece):
    """A bare number; joins decide whether it is an hour."""

    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute(Piece):
    """Minutes of the hour: 매시 30분, on the half hour."""

    values: tuple[int, ...]
    hourly: bool = False
    """Whether the words themselves mean every hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Every(Piece):
    """매일, 3일마다, every two weeks. `loose` for adjectives such as "daily" that may only describe a noun."""

    unit: Unit
    n: int = 1
    loose: bool = False
    assumed: str = ""
    """A note code where the word itself is open to doubt: 반나절, biweekly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times(Piece):
    """So many times a day, week, month: 하루 세 번, twice a week."""

    n: int
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Days(Piece):
    """Weekdays, 0 is Sunday. `each` if the words themselves repeat (Mondays, 평일); `weak` if they may be no days."""

    days: frozenset[int]
    each: bool = False
    weak: bool = False
    business: bool = False
    """Business days, on which public holidays are no days at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nth(Piece):
    """첫째, second, last: which one of the month, negative from the end. `week` if it counts weeks."""

    ns: tuple[int, ...]
    week: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NthDays(Piece):
    """The first Monday, the last business day."""

    ns: tuple[int, ...]
    days: frozenset[int]
    business: bool = False
    week: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthDays(Piece):
    """Days of the month, -1 the last. `loose` where they were only hinted at: 월말."""

    days: frozenset[int]
    loose: bool = False
    bare: bool = False
    """An ordinal alone: "the 15th", "second", which may still turn out to count something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VagueDay(Piece):
    """월초, mid-month: a day that is not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Months(Piece):
    """Months of the year."""

    months: frozenset[int]
    each: bool = False
    assumed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates(Piece):
    """Days of the year: (year or None, month, day)."""

    dates: tuple[tuple[int | None, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Piece):
    """From one time of day to another: both fire, unless the window is a named one (업무시간), which ends before."""

    begin: Clock | None
    finish: Clock | None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday(Piece):
    """Public holidays, or (`days_off`) these and weekends."""

    days_off: bool = False
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Except(Piece):
    """What is taken out; as a mark without contents while reading."""

    what: tuple[Piece, ...] = ()
    before: bool = False
    """English says it before what is taken out, Korean behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Include(Piece):
    """포함해서, including: takes nothing out."""

    before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(Piece):
    """If it falls on such a day, then the next or the last one that is none."""

    direction: Literal["following", "preceding"]
    filter: str
    nth: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift(Piece):
    """So many days, or business days, before what stands beside it: 말일 이틀 전, 25일 3영업일 전."""

    days: int
    business: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone(Piece):
    """A time zone by its database name; several if the abbreviation is used by several."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay(Piece):
    """30분 뒤, in two weeks: from now."""

    n: int
    unit: Unit
    minutes: int = 0
    """More minutes: 한 시간 반 뒤."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref(Piece):
    """내일, 다음 주, this year: a day, week, month or year counted from now's."""

    unit: Literal["day", "week", "month", "year"]
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Piece):
    """10일 동안, for three weeks (`unit`), or 5번만, 5 times (no unit)."""

    n: int
    unit: Unit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin(Piece):
    """The first day of the schedule: 다음 달부터, starting tomorrow."""

    what: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(Piece):
    """The last day of the schedule: 연말까지, until June."""

    what: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity(Piece):
    """홀수 시, even days."""

    unit: Literal["hour", "day"]
    odd: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond(Piece):
    """Before or after the time beside it, which says no time: 9시 이후, before noon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vague(Piece):
    """가끔, regularly: a frequency that is none; `later` for 나중에, soon, which is no frequency either."""

    later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Approx(Piece):
    """9시쯤, around 9."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Same(Piece):
    """이면서, 그날이: both conditions at once, as in Friday the 13th."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Piece):
    """Something that happens: 주문이 들어오면, whenever a file arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strange(Piece):
    """What no rule of ours can say: 음력, sunrise. `impossible` for what does not exist: 13월."""

    what: str
    impossible: bool = False


Pieces = list[Piece]
Joined = tuple[int, Piece | list[Piece]] | None
"""What a joining step answers of the beginning of the pieces: how many to replace, and by what; None to leave them."""


def is_mark(piece: Piece | None, *kinds: str) -> bool:
    """Whether it is a mark of one of these kinds."""
    return isinstance(piece, Mark) and piece.kind in kinds
