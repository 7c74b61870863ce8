"""What is left out, and where days go that are no business days: except Sundays, 공휴일 빼고, 주말이면 다음 영업일.

Pieces in, the filter of a Schedule out; the rules themselves are not known here.
"""

from dataclasses import dataclass

from mulle.triggers.phrases.frame import Clause, Frame
from mulle.triggers.phrases.korean_days import WEEKEND
from mulle.triggers.phrases.pieces import Days, Holiday, MonthDays, Months
from mulle.triggers.phrases.reading import Reading
from mulle.triggers.workdays import Roll, country_of


@dataclass(frozen=True, slots=True)
class Filtering:
    """The filter of a clause, and the plain days and months taken out of its rules."""

    name: str | None = None
    roll: Roll | None = None
    nth: int = 1
    country: str | None = None
    without_days: frozenset[int] = frozenset()
    without_months: frozenset[int] = frozenset()
    without_month_days: frozenset[int] = frozenset()

    @property
    def restricts(self) -> bool:
        """Whether some days fall out."""
        return bool(self.name or self.without_days or self.without_months or self.without_month_days)


def filtering(reading: Reading, frame: Frame, clause: Clause) -> Filtering:
    """Judge what the phrase excepts and moves; raises for what no filter can say."""
    name, roll, nth = _name(reading, frame, clause)
    days, months, month_days = frozenset[int](), frozenset[int](), frozenset[int]()
    for piece in frame.out:
        match piece:
            case Days():
                days |= piece.days
            case Months():
                months |= piece.months
            case MonthDays() if min(piece.days) > 0:
                month_days |= piece.days
            case Holiday():
                pass
            case _:
                raise reading.unsupported(reading.either("특정한 날을 빼는 것", "leaving out single dates"))
    return Filtering(name, roll, nth, _country(reading, frame, name), days, months, month_days)


def _name(reading: Reading, frame: Frame, clause: Clause) -> tuple[str | None, Roll | None, int]:
    out = [piece for piece in frame.out if isinstance(piece, Holiday)]
    business = next((nth for nth in clause.nths if nth.business), None)
    if business:
        first, *others = business.ns
        if frame.move or len(clause.nths) > 1 or others:
            raise reading.unsupported(reading.either("여러 영업일 규칙", "several rules of business days"))
        return "business_days", "following" if first > 0 else "preceding", abs(first)
    if frame.move:
        if frame.move.filter == "business_days" and frame.move.nth == 1:
            reading.note("roll_holidays")
        return frame.move.filter, frame.move.direction, frame.move.nth
    if frame.holiday:
        if clause.days and clause.days.days == WEEKEND:
            clause.days = None
            return "days_off", None, 1
        return "days_off" if frame.holiday.days_off else "holidays", None, 1
    if clause.days and clause.days.business:
        return "business_days", None, 1
    if out:
        weekend_out = any(isinstance(piece, Days) and piece.days == WEEKEND for piece in frame.out)
        return "business_days" if weekend_out or any(day.days_off for day in out) else "not_holidays", None, 1
    return None, None, 1


def _country(reading: Reading, frame: Frame, name: str | None) -> str | None:
    if name in {None, "not_weekends"}:
        return None
    said = (piece.country for piece in (frame.holiday, *frame.out) if isinstance(piece, Holiday) and piece.country)
    if country := next(said, None):
        return country
    if country_of(reading.timezone):
        return None
    if reading.language == "ko":
        reading.note("country", country="KR")
        return "KR"
    raise reading.incomplete("calendar")
