"""Schedules in Korean words."""

from collections.abc import Sequence
from datetime import datetime

from mulle.triggers.readback_voice import ALL_DAYS, ALL_MONTHS, ALL_WEEK, WEEKEND, WORKWEEK, Dates

_DAYS = "일월화수목금토"
_NTH = {1: "첫째", 2: "둘째", 3: "셋째", 4: "넷째", 5: "다섯째", -1: "마지막"}
_UNITS = {
    "SECONDLY": "초", "MINUTELY": "분", "HOURLY": "시간", "DAILY": "일", "WEEKLY": "주", "MONTHLY": "개월",
    "YEARLY": "년",
}  # fmt: skip
_EVERY = {
    "SECONDLY": "매초",
    "MINUTELY": "매분",
    "HOURLY": "매시간",
    "DAILY": "매일",
    "WEEKLY": "매주",
    "MONTHLY": "매월",
    "YEARLY": "매년",
}
_FILTERS = {
    "business_days": "영업일만",
    "not_holidays": "공휴일 제외",
    "holidays": "공휴일만",
    "days_off": "주말과 공휴일만",
    "not_weekends": "주말 제외",
}
_ROLLS = {
    "business_days": ("주말이나 공휴일이면", "영업일"),
    "not_holidays": ("공휴일이면", "날"),
    "not_weekends": ("주말이면", "평일"),
}
_COUNTRIES = {
    "KR": "한국",
    "US": "미국",
    "JP": "일본",
    "CN": "중국",
    "GB": "영국",
    "DE": "독일",
    "FR": "프랑스",
    "TW": "대만",
}


class Korean:
    """The voice that says 매일 오전 9시."""

    def whole(self, said: Sequence[str], remarks: Sequence[str], begin: datetime | None, until: datetime | None) -> str:
        text = ", ".join(said) or "실행하지 않음"
        bounds = [f"{_moment(begin)}부터" if begin else "", f"{_moment(until)}까지" if until else ""]
        return " ".join([*filter(None, bounds), text, *(f"({remark})" for remark in remarks)])

    def rule(self, dates: Dates, times: str, special: str) -> str:
        return " ".join(filter(None, [*self._days(dates, special, times), times]))

    def at(self, moments: Sequence[int]) -> str:
        return ", ".join(map(_clock, moments))

    def within(self, begin: int, finish: int, repeated: str) -> str:
        return f"{_clock(begin)}부터 {_clock(finish)}까지 {repeated}"

    def every_minutes(self, n: int) -> str:
        if n % 60 == 0:
            return f"{n // 60}시간마다"
        return f"{n}분마다"

    def past_every_hour(self, minutes: Sequence[int]) -> str:
        return "매시 정각" if list(minutes) == [0] else "매시 " + ", ".join(f"{minute}분" for minute in minutes)

    def in_hours(self, hours: Sequence[int], repeated: str) -> str:
        return ", ".join(f"{hour}시" for hour in hours) + f"대에 {repeated}"

    def interval(self, n: int, frequency: str) -> str:
        return f"{n}{_UNITS[frequency]}마다" if n > 1 else _EVERY[frequency]

    def counted(self, said: str, start: datetime | None) -> str:
        return f"{said} (첫 실행 {_moment(start)})" if start else said

    def words(self, every: str, days: str) -> str:
        return " ".join(filter(None, [every, days]))

    def weekdays(self, days: frozenset[int]) -> str:
        if days == WORKWEEK:
            return "평일"
        if days == WEEKEND:
            return "주말"
        from_monday = sorted(days, key=lambda day: day or 7)
        places = [day or 7 for day in from_monday]
        if len(days) > 2 and places == [*range(places[0], places[-1] + 1)]:
            return f"{_DAYS[from_monday[0]]}~{_DAYS[from_monday[-1]]}요일"
        return "·".join(_DAYS[day] for day in from_monday) + "요일"

    def month_days(self, days: Sequence[int], *, of_months: bool) -> str:
        del of_months  # Korean says it the same way in either case.
        runs: list[str] = []
        plain = [day for day in days if day > 0]
        for first, last in _runs(plain):
            runs += [f"{first}~{last}일"] if last - first > 1 else [f"{day}일" for day in range(first, last + 1)]
        return ", ".join([*runs, *(_from_end(day) for day in days if day < 0)])

    def nth_weekdays(self, numbered: Sequence[tuple[int, int]]) -> str:
        if len({day for _, day in numbered}) == 1:
            return ", ".join(_nth(n) for n, _ in numbered) + f" {_DAYS[numbered[0][1]]}요일"
        return ", ".join(f"{_nth(n)} {_DAYS[day]}요일" for n, day in numbered)

    def nth_workday(self, nth: int) -> str:
        return f"{_nth(nth)} 평일"

    def nth_business_day(self, period: str, nth: int) -> str:
        return f"{'매주' if period == 'week' else '매월'} {_nth(nth)} 영업일"

    def both(self, day: int, weekday: int) -> str:
        return f"{day}일의 {_DAYS[weekday]}요일"

    def once(self, moments: Sequence[datetime]) -> str:
        said = (f"{at.year}년 {at.month}월 {at.day}일({_DAYS[(at.weekday() + 1) % 7]}) {_exact(at)}" for at in moments)
        return ", ".join(said) + "에 한 번" + ("씩" if len(moments) > 1 else "")

    def filter(self, name: str, roll: str | None, nth: int) -> str:
        if roll is None:
            return _FILTERS[name]
        condition, goal = _ROLLS.get(name, ("아니면", "그런 날"))
        side = "다음" if roll == "following" else "직전"
        return (
            f"{condition} {side} {goal}"
            if nth == 1
            else f"그날부터 {'뒤로' if roll == 'following' else '앞으로'} {nth}번째 {goal}"
        )

    def country(self, code: str) -> str:
        return f"{_COUNTRIES.get(code, code)} 공휴일 기준"

    def zone(self, name: str) -> str:
        return f"{name} 시간"

    def raw(self, rule: str) -> str:
        return f"규칙 '{rule}'대로"

    def _days(self, dates: Dates, special: str, times: str) -> list[str]:
        months = "" if dates.months == ALL_MONTHS else self._months(dates.months)
        by_day, by_weekday = dates.days != ALL_DAYS, dates.weekdays != ALL_WEEK
        match special.split(" "):
            case ["week" | "month" as period, nth] if nth.lstrip("-").isdigit():
                return [months, self.nth_business_day(period, int(nth)).removeprefix("매월 " if months else "")]
            case ["business_days"]:
                return [months, "영업일마다"]
            case ["holidays"]:
                return [months, "공휴일마다"]
            case ["days_off"]:
                return [months, "주말과 공휴일마다"]
            case [""]:
                pass
            case _:
                return [months and f"매년 {months}", special]
        if by_day and by_weekday:
            days = self._month_days(dates.days)
            weekdays = self.weekdays(dates.weekdays)
            return [months, f"{days}이면서 {weekdays}인 날" if dates.both else f"매월 {days} 또는 매주 {weekdays}"]
        if by_day:
            return [f"매년 {months}" if months else "매월", self._month_days(dates.days)]
        if by_weekday:
            if len(dates.weekdays) == 6:
                missing = min(ALL_WEEK - dates.weekdays)
                return [months, f"{_DAYS[missing]}요일 빼고 매일"]
            plain = dates.weekdays in {WORKWEEK, WEEKEND}
            return [months, "" if plain else "매주", self.weekdays(dates.weekdays)]
        return [months, "" if times.endswith("마다") or times.startswith("매시") else "매일"]

    def _month_days(self, days: frozenset[int]) -> str:
        if days in {frozenset(range(1, 32, 2)), frozenset(range(2, 32, 2))}:
            return "홀수일" if 1 in days else "짝수일"
        return self.month_days(sorted(days, key=lambda day: (day < 0, day)), of_months=True)

    def _months(self, months: frozenset[int]) -> str:
        runs = _runs(sorted(months))
        if len(runs) > 1 and runs[0][0] == 1 and runs[-1][1] == 12:  # 11월~2월
            runs = [*runs[1:-1], (runs[-1][0], runs[0][1])]
        if len(runs) == 1 and (runs[0][1] - runs[0][0]) % 12 > 1:
            return f"{runs[0][0]}~{runs[0][1]}월"
        return ", ".join(f"{month}월" for month in sorted(months))


def _clock(moment: int) -> str:
    hour, minute = divmod(moment, 60)
    if minute == 0 and hour in {0, 12}:
        return "자정" if hour == 0 else "낮 12시"
    return f"{'오전' if hour < 12 else '오후'} {hour - 12 if hour > 12 else hour}시" + (
        f" {minute}분" if minute else ""
    )


def _exact(at: datetime) -> str:
    return _clock(60 * at.hour + at.minute) + (f" {at.second}초" if at.second else "")


def _moment(moment: datetime) -> str:
    if moment.time() == moment.min.time() or (moment.hour, moment.minute, moment.second) == (23, 59, 59):
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def _nth(n: int) -> str:
    return _NTH.get(n) or (f"{n}번째" if n > 0 else f"끝에서 {-n}번째")


def _from_end(day: int) -> str:
    return "말일" if day == -1 else f"말일 {-day - 1}일 전"


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs


KOREAN = Korean()
