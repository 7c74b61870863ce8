"""Schedules in English words."""

from collections.abc import Sequence
from datetime import datetime

from mulle.triggers.readback_voice import ALL_DAYS, ALL_MONTHS, ALL_WEEK, WEEKEND, WORKWEEK, Dates

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_NTH = {-1: "last", -2: "second to last"}
_UNITS = {
    "SECONDLY": "second", "MINUTELY": "minute", "HOURLY": "hour", "DAILY": "day", "WEEKLY": "week", "MONTHLY": "month",
    "YEARLY": "year",
}  # fmt: skip
_FILTERS = {
    "business_days": "on business days only",
    "not_holidays": "except public holidays",
    "holidays": "on public holidays only",
    "days_off": "on weekends and public holidays only",
    "not_weekends": "except weekends",
}
_ROLLS = {
    "business_days": ("if it is a weekend or public holiday", "business day"),
    "not_holidays": ("if it is a public holiday", "day"),
    "not_weekends": ("if it is a weekend", "weekday"),
}


class English:
    """The voice that says "Every weekday at 8:30 AM"."""

    def whole(self, said: Sequence[str], remarks: Sequence[str], begin: datetime | None, until: datetime | None) -> str:
        text = "; ".join(said) or "never"
        for remark in remarks:
            text += ("," if remark.startswith(("or ", "holidays", "times")) else "") + f" {remark}"
        text += f", starting {_moment(begin)}" if begin else ""
        text += f", until {_moment(until)}" if until else ""
        return text[:1].upper() + text[1:]

    def rule(self, dates: Dates, times: str, special: str) -> str:
        repeats = times.startswith("every ")
        if dated := _yearly_dates(dates, special):
            return f"{times} on {dated} every year" if repeats else f"every year on {dated} {times}"
        days = self._days(dates, special, repeats=repeats)
        in_months = "" if dates.months == ALL_MONTHS else self._in_months(dates, special)
        parts = [times, days] if repeats else [days, times]
        return " ".join(filter(None, [*parts, in_months]))

    def at(self, moments: Sequence[int]) -> str:
        return "at " + _listed([_clock(moment) for moment in moments])

    def within(self, begin: int, finish: int, repeated: str) -> str:
        return f"{repeated} from {_clock(begin)} to {_clock(finish)}"

    def every_minutes(self, n: int) -> str:
        return _every(n // 60, "hour") if n % 60 == 0 else _every(n, "minute")

    def past_every_hour(self, minutes: Sequence[int]) -> str:
        if list(minutes) == [0]:
            return "every hour on the hour"
        return "every hour at " + _listed([f"{minute}" for minute in minutes]) + " minutes past"

    def in_hours(self, hours: Sequence[int], repeated: str) -> str:
        return f"{repeated} during the hours " + _listed([f"{hour}" for hour in hours])

    def interval(self, n: int, frequency: str) -> str:
        return _every(n, _UNITS[frequency])

    def counted(self, said: str, start: datetime | None) -> str:
        return f"{said}, counted from {_moment(start)}" if start else said

    def words(self, every: str, days: str) -> str:
        return " ".join(filter(None, [every, f"on {days}" if days and every else days]))

    def weekdays(self, days: frozenset[int]) -> str:
        if days == WORKWEEK:
            return "weekdays"
        if days == WEEKEND:
            return "weekends"
        from_monday = sorted(days, key=lambda day: day or 7)
        places = [day or 7 for day in from_monday]
        if len(days) > 2 and places == [*range(places[0], places[-1] + 1)]:
            return f"{_DAYS[from_monday[0]]} to {_DAYS[from_monday[-1]]}"
        return _listed([_DAYS[day] for day in from_monday])

    def month_days(self, days: Sequence[int], *, of_months: bool) -> str:
        del of_months
        said = [f"the {_ordinal(day)}" for day in days if day > 0] + [_from_end(day) for day in days if day < 0]
        return _listed(said)

    def nth_weekdays(self, numbered: Sequence[tuple[int, int]]) -> str:
        if len({day for _, day in numbered}) == 1:
            return "the " + _listed([_nth(n) for n, _ in numbered]) + f" {_DAYS[numbered[0][1]]}"
        return _listed([f"the {_nth(n)} {_DAYS[day]}" for n, day in numbered])

    def nth_workday(self, nth: int) -> str:
        return f"the {_nth(nth)} weekday"

    def nth_business_day(self, period: str, nth: int) -> str:
        return f"on the {_nth(nth)} business day of every {period}"

    def both(self, day: int, weekday: int) -> str:
        return f"every {_DAYS[weekday]} the {_ordinal(day)}"

    def once(self, moments: Sequence[datetime]) -> str:
        said = (
            f"{_DAYS[(at.weekday() + 1) % 7]}, {_MONTHS[at.month - 1]} {at.day}, {at.year} at {_exact(at)}"
            for at in moments
        )
        return "once on " + " and on ".join(said)

    def filter(self, name: str, roll: str | None, nth: int) -> str:
        if roll is None:
            return _FILTERS[name]
        condition, goal = _ROLLS.get(name, ("if it is not", "such day"))
        side = "next" if roll == "following" else "previous"
        if nth == 1:
            return f"or the {side} {goal} {condition}"
        return f"or rather the {_ordinal(nth)} {goal} {'from then on' if roll == 'following' else 'back from then'}"

    def country(self, code: str) -> str:
        return f"holidays of {code}"

    def zone(self, name: str) -> str:
        return f"times in {name}"

    def raw(self, rule: str) -> str:
        return f"by the rule '{rule}'"

    def _days(self, dates: Dates, special: str, *, repeats: bool) -> str:
        by_day, by_weekday = dates.days != ALL_DAYS, dates.weekdays != ALL_WEEK
        match special.split(" "):
            case ["week" | "month" as period, nth] if nth.lstrip("-").isdigit():
                said = self.nth_business_day(period, int(nth))
                return said if dates.months == ALL_MONTHS else said.removesuffix(" of every month")
            case ["business_days"]:
                return "on business days" if repeats else "every business day"
            case ["holidays"]:
                return "on public holidays"
            case ["days_off"]:
                return "on weekends and public holidays"
            case [""]:
                pass
            case _:
                return special if special.startswith(("every", "on ")) else f"on {special}"
        if by_day and by_weekday:
            days, weekdays = self._month_days(dates.days), self.weekdays(dates.weekdays)
            return f"on {days} if it is {weekdays}" if dates.both else f"on {days} of the month or on {weekdays}"
        if by_day:
            return f"on {self._month_days(dates.days)}" + (" of every month" if dates.months == ALL_MONTHS else "")
        if by_weekday:
            return self._by_weekday(dates.weekdays, repeats=repeats)
        return "" if repeats else "every day"

    def _by_weekday(self, days: frozenset[int], *, repeats: bool) -> str:
        if len(days) == 6:
            return ("" if repeats else "every day ") + f"except {_DAYS[min(ALL_WEEK - days)]}"
        if repeats:
            return f"on {self.weekdays(days)}"
        if days in {WORKWEEK, WEEKEND}:
            return "every weekday" if days == WORKWEEK else "every weekend"
        said = self.weekdays(days)
        return f"every {said}"

    def _month_days(self, days: frozenset[int]) -> str:
        if days in {frozenset(range(1, 32, 2)), frozenset(range(2, 32, 2))}:
            return "odd days" if 1 in days else "even days"
        plain = sorted(day for day in days if day > 0)
        if len(plain) > 2 and plain == [*range(plain[0], plain[-1] + 1)] and len(plain) == len(days):
            return f"the {_ordinal(plain[0])} to the {_ordinal(plain[-1])}"
        return self.month_days(sorted(days, key=lambda day: (day < 0, day)), of_months=True)

    def _in_months(self, dates: Dates, special: str) -> str:
        runs: list[list[int]] = []
        for month in sorted(dates.months):
            if runs and month == runs[-1][-1] + 1:
                runs[-1].append(month)
            else:
                runs.append([month])
        if len(runs) > 1 and runs[0][0] == 1 and runs[-1][-1] == 12:  # November to February
            runs = [*runs[1:-1], [*runs[-1], *runs[0]]]
        if len(runs) == 1 and len(runs[0]) > 2:
            months = f"from {_MONTHS[runs[0][0] - 1]} to {_MONTHS[runs[0][-1] - 1]}"
        else:
            months = "in " + _listed([_MONTHS[month - 1] for month in sorted(dates.months)])
        yearly = dates.days != ALL_DAYS or special
        return f"{months} every year" if yearly else months


def _yearly_dates(dates: Dates, special: str) -> str:
    """January 1 and July 1, if the days come to a few dates of the year."""
    few = len(dates.days) * len(dates.months) <= 6 and min(dates.days) > 0
    if special or not few or dates.weekdays != ALL_WEEK:
        return ""
    return _listed([f"{_MONTHS[month - 1]} {day}" for month in sorted(dates.months) for day in sorted(dates.days)])


def _every(n: int, unit: str) -> str:
    return f"every {n} {unit}s" if n > 1 else f"every {unit}"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else "".join(words)


def _clock(moment: int) -> str:
    hour, minute = divmod(moment, 60)
    if minute == 0 and hour in {0, 12}:
        return "midnight" if hour == 0 else "noon"
    return f"{(hour - 1) % 12 + 1}" + (f":{minute:02}" if minute else "") + (" AM" if hour < 12 else " PM")


def _exact(at: datetime) -> str:
    return f"{at:%H:%M:%S}" if at.second else _clock(60 * at.hour + at.minute)


def _moment(moment: datetime) -> str:
    if moment.time() == moment.min.time() or (moment.hour, moment.minute, moment.second) == (23, 59, 59):
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def _ordinal(n: int) -> str:
    ending = "th" if 10 < n % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _nth(n: int) -> str:
    names = ("", "first", "second", "third", "fourth", "fifth")
    return _NTH.get(n) or (names[n] if 0 < n < 6 else _ordinal(n) if n > 0 else f"{_ordinal(-n)} to last")


def _from_end(day: int) -> str:
    return (
        "the last day"
        if day == -1
        else "the second to last day"
        if day == -2
        else f"{-day - 1} days before the last day"
    )


ENGLISH = English()
