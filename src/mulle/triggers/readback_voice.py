"""What a language must be able to say for `readback`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

ALL_WEEK = frozenset(range(7))
ALL_DAYS = frozenset(range(1, 32))
ALL_MONTHS = frozenset(range(1, 13))
WORKWEEK = frozenset(range(1, 6))
WEEKEND = frozenset({0, 6})


@dataclass(frozen=True, slots=True)
class Dates:
    """Days of the month (-1 the last), months, weekdays; `both` if day and weekday must meet instead of either."""

    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """Each of the minutes of each of the hours."""

    minutes: frozenset[int]
    hours: frozenset[int]

    @property
    def moments(self) -> list[int]:
        """Minutes of the day."""
        return [60 * hour + minute for hour in sorted(self.hours) for minute in sorted(self.minutes)]


class Voice(Protocol):
    """One language. Times of day are minutes since midnight, weekdays count from Sunday = 0."""

    def whole(self, said: Sequence[str], remarks: Sequence[str], begin: datetime | None, until: datetime | None) -> str:
        """All rules, what restricts them, and their first and last day."""
        ...

    def rule(self, dates: Dates, times: str, special: str) -> str:
        """Days and times; `special` replaces the days: `business_days`, `month -1`, `week 1`, or words."""
        ...

    def at(self, moments: Sequence[int]) -> str:
        """오전 9시, 오후 6시."""
        ...

    def within(self, begin: int, finish: int, repeated: str) -> str:
        """오전 9시부터 오후 6시까지 30분마다."""
        ...

    def every_minutes(self, n: int) -> str:
        """30분마다, every 2 hours."""
        ...

    def past_every_hour(self, minutes: Sequence[int]) -> str:
        """매시 15분."""
        ...

    def in_hours(self, hours: Sequence[int], repeated: str) -> str:
        """Within these hours, which do not lie together."""
        ...

    def interval(self, n: int, frequency: str) -> str:
        """Every n of an RFC 5545 frequency."""
        ...

    def counted(self, said: str, start: datetime | None) -> str:
        """A rule that counts from its first firing."""
        ...

    def words(self, every: str, days: str) -> str:
        """An interval and its days, either of which may be empty."""
        ...

    def weekdays(self, days: frozenset[int]) -> str:
        """월·수·금요일."""
        ...

    def month_days(self, days: Sequence[int], *, of_months: bool) -> str:
        """1일, 말일."""
        ...

    def nth_weekdays(self, numbered: Sequence[tuple[int, int]]) -> str:
        """첫째 월요일."""
        ...

    def nth_workday(self, nth: int) -> str:
        """마지막 평일."""
        ...

    def nth_business_day(self, period: str, nth: int) -> str:
        """매월 셋째 영업일."""
        ...

    def both(self, day: int, weekday: int) -> str:
        """13일의 금요일."""
        ...

    def once(self, moments: Sequence[datetime]) -> str:
        """2026년 1월 2일 오전 9시에 한 번."""
        ...

    def filter(self, name: str, roll: str | None, nth: int) -> str:
        """공휴일 제외."""
        ...

    def country(self, code: str) -> str:
        """Whose holidays."""
        ...

    def zone(self, name: str) -> str:
        """Whose clocks."""
        ...

    def raw(self, rule: str) -> str:
        """A rule that has no words."""
        ...
