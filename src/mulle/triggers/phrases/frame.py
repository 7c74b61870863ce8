"""Sort the pieces of a phrase into clauses: which days, which times, how often, and what holds for all of them.

"월요일은 9시, 수요일은 10시" is two clauses; what one leaves out it takes from its neighbour. Nothing is computed here.
"""

from dataclasses import dataclass, field

from mulle.triggers.phrases.pieces import (
    Approx,
    Begin,
    Clock,
    Dates,
    DayPart,
    Days,
    Delay,
    Event,
    Every,
    Except,
    Finish,
    Holiday,
    Limit,
    Mark,
    Minute,
    MonthDays,
    Months,
    Move,
    Nth,
    NthDays,
    Parity,
    Part,
    Piece,
    Pieces,
    Ref,
    Same,
    Strange,
    Times,
    Vague,
    VagueDay,
    Window,
    Word,
    Zone,
)
from mulle.triggers.phrases.reading import Reading

_ORDER = ("second", "minute", "hour", "day", "week", "month", "quarter", "half", "year")
SUBDAILY = frozenset({"second", "minute", "hour"})


@dataclass
class Clause:
    """One set of days with its times."""

    every: Every | None = None
    coarse: list[Every] = field(default_factory=list)
    """Longer units beside a shorter one: 매주 … 2시간마다."""
    times: Times | None = None
    clocks: list[Clock] = field(default_factory=list)
    parts: list[DayPart] = field(default_factory=list)
    window: Window | None = None
    minutes: set[int] = field(default_factory=set)
    days: Days | None = None
    nths: list[NthDays] = field(default_factory=list)
    nth: Nth | None = None
    month_days: MonthDays | None = None
    months: Months | None = None
    dates: Dates | None = None
    refs: list[Ref] = field(default_factory=list)
    parity: Parity | None = None
    vague_day: bool = False
    coming: bool = False
    each: bool = False
    together: bool = False
    """Weekday and day of the month must both hold: Friday the 13th."""
    time_first: bool = False

    @property
    def has_day(self) -> bool:
        """Whether it says which days."""
        said = self.days or self.nths or self.nth or self.month_days or self.dates or self.parity
        return bool(said or self.vague_day or any(ref.unit == "day" for ref in self.refs))

    @property
    def has_time(self) -> bool:
        """Whether it says which times of the day."""
        return bool(self.clocks or self.window or self.minutes)

    @property
    def subdaily(self) -> bool:
        """Whether it repeats within the day."""
        return self.every is not None and self.every.unit in SUBDAILY

    @property
    def says_something(self) -> bool:
        """Whether there is anything about time in it."""
        said = self.has_day or self.has_time or self.every or self.times or self.months or self.refs or self.parts
        return bool(said)

    @property
    def repeats(self) -> Every:
        """How often, once the clause is completed."""
        assert self.every, "a clause without it is refused before"
        return self.every

    @property
    def part(self) -> Part | None:
        """The part of the day said for the whole clause, a plain one before a hint."""
        parts = sorted(self.parts, key=lambda part: part.hint)
        return parts[0].part if parts else None


@dataclass
class Frame:
    """A phrase, sorted."""

    clauses: list[Clause] = field(default_factory=lambda: [Clause()])
    zones: list[Zone] = field(default_factory=list)
    out: list[Piece] = field(default_factory=list)
    """What is excepted: days, months, holidays."""
    holiday: Holiday | None = None
    """Only on these."""
    move: Move | None = None
    begin: Begin | None = None
    finish: Finish | None = None
    limit: Limit | None = None
    delay: Delay | None = None
    vague: bool = False
    once: bool = False
    now: bool = False
    event: bool = False


def frame(reading: Reading, pieces: Pieces) -> Frame:
    """Sort joined pieces; raises for what contradicts itself or can be read in two ways."""
    strange = sorted((piece for piece in pieces if isinstance(piece, Strange)), key=lambda piece: not piece.impossible)
    if strange and strange[0].impossible:
        raise reading.impossible("no_such", strange[0].what.strip())
    if strange:
        raise reading.unsupported(strange[0].what.strip())
    made = Frame()
    linked = False
    for place, piece in enumerate(pieces):
        match piece:
            case Mark(kind="and" | "comma"):
                linked = True
                continue
            case Mark(kind="or"):
                raise reading.ambiguous(*_sides(reading, piece))
            case Mark(kind="each") if _said(reading, pieces[place + 1 : place + 2]):
                raise reading.unsupported(_said(reading, pieces[place : place + 2]))
            case Mark(kind="from" | "starting" | "between" | "until" | "from_after" | "until_after"):
                raise reading.unsupported(_said(reading, pieces[max(0, place - 1) : place + 2]) or piece.kind)
            case _:
                if not _shared(reading, made, piece):
                    _clause_piece(reading, made, piece, linked=linked)
        linked = False
    _inherit(made.clauses)
    return made


def _shared(reading: Reading, made: Frame, piece: Piece) -> bool:  # noqa: C901  # One plain case a piece.
    match piece:
        case Zone():
            made.zones.append(piece)
        case Except(what=what):
            if not what:
                raise reading.unsupported(reading.plain[piece.start : piece.end].strip(" ,"))
            made.out.extend(what)
        case Holiday():
            made.holiday = piece
        case Move():
            made.move = piece
        case Begin():
            made.begin = piece
        case Finish():
            made.finish = piece
        case Limit():
            made.limit = piece
        case Delay():
            made.delay = piece
        case Vague():
            made.vague = True
        case Mark(kind="once"):
            made.once = True
        case Mark(kind="now"):
            made.now = True
        case Event():
            made.event = True
            reading.note("unread", text=reading.plain[piece.start : piece.end].strip())
        case Approx():
            reading.note("approximate")
        case _:
            return False
    return True


def _clause_piece(reading: Reading, made: Frame, piece: Piece, *, linked: bool) -> None:
    clause = made.clauses[-1]
    if _opens(clause, piece, linked=linked):
        clause = Clause()
        made.clauses.append(clause)
    match piece:
        case Every():
            _take_every(reading, clause, piece)
        case Times():
            clause.times = piece
        case Clock() | Window() | Minute() | DayPart():
            _take_time(clause, piece)
        case Mark(kind="each" | "each_after"):
            clause.each = True
        case Mark(kind="coming"):
            clause.coming = True
        case Same():
            clause.together = True
        case Ref():
            clause.refs.append(piece)
        case Parity():
            clause.parity = piece
        case VagueDay():
            clause.vague_day = True
        case _:
            _take_day(reading, clause, piece)


def _opens(clause: Clause, piece: Piece, *, linked: bool) -> bool:
    """Whether the piece begins a new clause."""
    is_day = isinstance(piece, Days | NthDays | MonthDays | Dates | Nth)
    is_time = isinstance(piece, Clock | Window)
    if is_day and clause.has_day and not clause.together:
        kinds = {type(day) for day in (clause.days, clause.month_days, clause.dates, *clause.nths) if day}
        return (clause.has_time and not clause.time_first) or (linked and kinds != {type(piece)}) or NthDays in kinds
    if is_time and clause.time_first and (clause.has_day or clause.every):
        return linked
    if isinstance(piece, Every) and not piece.loose and piece.unit not in SUBDAILY:
        repeated = clause.has_time and clause.every is not None and clause.every.unit not in SUBDAILY
        return (linked and (clause.has_day or clause.has_time) and clause.every is not None) or repeated
    return False


def _take_every(reading: Reading, clause: Clause, piece: Every) -> None:
    old = clause.every
    if old is None:
        clause.every = piece
        return
    if old.unit == piece.unit:
        clause.every = max(old, piece, key=lambda every: every.n)
        return
    fine, coarse = sorted((old, piece), key=lambda every: _ORDER.index(every.unit))
    if fine.loose and fine.unit not in SUBDAILY and not coarse.loose:
        clause.every = coarse  # "the daily report every Monday"
        return
    if fine.unit == "day" and fine.n > 1 and coarse.unit == "month" and not coarse.loose:
        raise reading.ambiguous(
            reading.either(f"매월 {fine.n}일", f"the {fine.n}th of every month"),
            reading.either(f"{fine.n}일마다", f"every {fine.n} days"),
        )
    if (fine.unit, coarse.unit) == ("minute", "hour") and fine.n < 60 and not coarse.loose:
        raise reading.ambiguous(
            reading.either(f"매시 {fine.n}분", f"{fine.n} minutes past every hour"),
            reading.either(f"{fine.n}분마다", f"every {fine.n} minutes"),
        )
    clause.every = fine
    clause.coarse.append(coarse)


def _take_time(clause: Clause, piece: Clock | Window | Minute | DayPart) -> None:
    first = not (clause.has_day or clause.every or clause.has_time)
    match piece:
        case Clock():
            clause.time_first |= first
            clause.clocks.append(piece)
        case Window():
            clause.time_first |= first
            if clause.window is None or clause.window.name:
                clause.window = piece
            elif clause.window.finish is None and piece.begin is None:  # 9시부터 2시간마다 16시까지
                clause.window = Window(begin=clause.window.begin, finish=piece.finish)
        case Minute(values=values, hourly=hourly):
            clause.minutes.update(values)
            clause.each |= hourly
        case DayPart():
            clause.parts.append(piece)


def _take_day(reading: Reading, clause: Clause, piece: Piece) -> None:
    match piece:
        case Days():
            if clause.days and not (clause.days.days & piece.days):
                raise reading.contradiction()
            both = (clause.days.days & piece.days) if clause.days else piece.days
            clause.days = Days(
                days=both,
                each=piece.each or bool(clause.days and clause.days.each),
                business=piece.business or bool(clause.days and clause.days.business),
            )
        case NthDays():
            clause.nths.append(piece)
        case Nth():
            clause.nth = piece
        case MonthDays():
            old = clause.month_days
            clause.month_days = MonthDays(days=old.days | piece.days) if old else piece
        case Dates():
            clause.dates = Dates(dates=(*clause.dates.dates, *piece.dates)) if clause.dates else piece
        case Months():
            if clause.months and not (clause.months.months & piece.months):
                raise reading.contradiction()
            clause.months = Months(months=clause.months.months & piece.months) if clause.months else piece
        case _:
            pass  # A joining word with nothing to join.


def _said(reading: Reading, pieces: Pieces) -> str:
    """The text of these pieces, if a word that nobody understood is among them or they are marks that bind nothing."""
    if len(pieces) == 1 and not isinstance(pieces[0], Word):
        return ""
    return reading.plain[pieces[0].start : pieces[-1].end].strip() if pieces else ""


def _sides(reading: Reading, piece: Mark) -> tuple[str, str]:
    return reading.plain[: piece.start].strip()[-40:], reading.plain[piece.end :].strip()[:40]


def _inherit(clauses: list[Clause]) -> None:
    """Give each clause what it leaves out: times of the next one that has them, days and the rest of the last one."""
    for place, clause in enumerate(clauses):
        timed = clause.has_time or clause.subdaily
        giver = next((other for other in (*clauses[place + 1 :], *clauses[:place][::-1]) if other.has_time), None)
        if not timed and giver:
            clause.clocks, clause.window, clause.parts = giver.clocks, giver.window, clause.parts or giver.parts
            clause.every = clause.every or (giver.every if giver.subdaily else None)
        if place and not clause.has_day and clause.every is None:
            before = clauses[place - 1]
            clause.days, clause.month_days, clause.nths = before.days, before.month_days, before.nths
            clause.dates, clause.refs, clause.every = before.dates, before.refs, before.every
        if place:
            before = clauses[place - 1]
            clause.months = clause.months or before.months
            clause.refs = clause.refs or before.refs
            clause.each |= before.each
            _inherit_every(clause, before)


def _inherit_every(clause: Clause, before: Clause) -> None:
    if clause.every is None and before.every and not before.subdaily:
        fits = before.every.unit == "week" if clause.days else before.every.unit != "week"
        clause.every = before.every if fits and not clause.dates else None
