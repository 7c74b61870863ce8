"""One phrase being read: where and when it is read, what was assumed, and how to ask back in its language.

Every text a person gets to see about a phrase stands here, in both languages.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mulle.errors import (
    AmbiguousSchedule,
    ImpossibleSchedule,
    IncompleteSchedule,
    NotASchedule,
    UnsupportedSchedule,
)
from mulle.triggers.schedule import Note

_QUESTIONS: dict[str, tuple[str, str]] = {
    "frequency": ("얼마나 자주 할까요? (예: 매일, 매주 월요일, 한 번만)", "How often? (every day, every Monday, once)"),
    "time": ("몇 시에 할까요? (예: 오전 9시)", "At what time? (9am)"),
    "weekday": ("무슨 요일에 할까요? (예: 월요일)", "On which weekday? (Monday)"),
    "day": ("며칠에 할까요? (예: 1일, 말일)", "On which day? (the 1st, the last day)"),
    "month": ("몇 월에 할까요? (예: 3월)", "In which month? (March)"),
    "date": ("몇 월 며칠에 할까요? (예: 3월 2일)", "On which date? (March 2)"),
    "calendar": ("어느 나라의 공휴일을 따를까요? (예: 한국 공휴일)", "Whose public holidays? (Korean holidays)"),
}
_NOTES: dict[str, tuple[str, str]] = {
    "hour": ("'{text}'를 {ko}로 읽었습니다.", "Read '{text}' as {en}."),
    "midnight": (
        "자정을 그날이 시작되는 0시로 읽었습니다. 그날이 끝나는 때라면 '24시'라고 해 주세요.",
        "Read midnight as 00:00, when that day begins; say '24:00' for when it ends.",
    ),
    "night": (
        "밤 12시 이후는 다음 날 새벽으로 계산했습니다.",
        "Hours after midnight count as the following day.",
    ),
    "anchored": (
        "첫 실행인 {time}부터 세어 {ko}마다 실행합니다.",
        "Counted from the first firing at {time}, every {en}.",
    ),
    "from_midnight": ("간격은 매일 0시부터 셉니다.", "Counted from 00:00 of each day."),
    "window": ("시간대를 {begin}~{finish}로 잡았습니다.", "Took the hours as {begin}-{finish}."),
    "until_midnight": (
        "끝나는 시각이 없어 {begin}부터 그날 자정 전까지로 잡았습니다.",
        "No end was given: from {begin} until the day ends.",
    ),
    "all_day": (
        "끝나는 시각이 없어 {begin}을 기준으로 하루 내내로 잡았습니다.",
        "No end was given: all day, counted from {begin}.",
    ),
    "months": ("1월부터 세어 {months}월에 실행합니다.", "Counted from January: months {months}."),
    "short_months": ("{day}일이 없는 달은 건너뜁니다.", "Months without a day {day} are left out."),
    "leap_day": ("2월 29일은 윤년에만 있습니다.", "February 29 exists in leap years only."),
    "last_day": ("'말'을 마지막 날로 읽었습니다.", "Read the end as the last day."),
    "nth_week": (
        "'{n}째 주 요일'은 그달의 {n}번째 그 요일로 읽었습니다.",
        "Read week {n} of the month as the weekday's occurrence number {n}.",
    ),
    "weekly": (
        "매주로 읽었습니다. 한 번만이라면 '이번 주' 또는 '다음 주'라고 해 주세요.",
        "Read as every week; say 'this' or 'next' for once.",
    ),
    "monthly": ("매월로 읽었습니다.", "Read as every month."),
    "next_date": (
        "{date}에 한 번 실행합니다. 해마다라면 '매년'이라고 해 주세요.",
        "Once, on {date}; say 'every year' for more.",
    ),
    "business_hours": ("업무시간을 09~18시로 잡았습니다.", "Took business hours as 09:00-18:00."),
    "workweek": ("업무시간이므로 평일만 실행합니다.", "Business hours are on weekdays only."),
    "season": ("계절을 {months}월로 잡았습니다.", "Took the season as months {months}."),
    "half_day": ("반나절을 12시간으로 잡았습니다.", "Took half a day as 12 hours."),
    "biweekly": ("격주(2주마다)로 읽었습니다.", "Read biweekly as every two weeks."),
    "bimonthly": ("격월(두 달마다)로 읽었습니다.", "Read bimonthly as every two months."),
    "roll_holidays": ("공휴일도 영업일이 아닌 날로 봅니다.", "Public holidays count as no business days, too."),
    "until": ("{date}까지로 읽었습니다.", "Read as until the end of {date}."),
    "approximate": ("대략의 시각은 정각 그대로 실행합니다.", "'About' is taken as exactly then."),
    "country": ("{country}의 공휴일을 따릅니다.", "Public holidays of {country} count."),
    "zone": ("{zone} 시간대로 읽었고, 서머타임을 따릅니다.", "Read in {zone}, which follows daylight saving time."),
    "unread": ("'{text}'는 일정으로 읽지 않았습니다.", "'{text}' was not read as part of the schedule."),
}
_WHY: dict[str, tuple[str, str]] = {
    "no_such": ("'{text}'은(는) 없는 때입니다", "there is no '{text}'"),
    "contradiction": ("'{text}'은(는) 서로 맞지 않습니다", "'{text}' contradicts itself"),
    "over": ("{text}은(는) 이미 지났습니다", "{text} is over"),
    "never": ("그런 날은 오지 않습니다", "no such day ever comes"),
}
_HINTS: dict[str, tuple[str, str]] = {
    "impossible": ("있는 날짜와 시각으로 다시 말해 주세요.", "Name a date and a time that exist."),
    "over": ("앞으로 올 때를 말해 주세요.", "Name a time that is still to come."),
    "unsupported": (
        "날짜, 요일, 시각, 간격, 영업일이나 공휴일로 말해 주세요.",
        "Say it with dates, weekdays, times, intervals, business days or public holidays.",
    ),
    "event": (
        "일정이 아니라 사건입니다. 그 일로 시작하는 트리거를 만드세요.",
        "This is an event: start the workflow by an event trigger.",
    ),
    "now": ("일정이 아니라 지금 한 번 실행하라는 말입니다.", "This asks for one run right now, not for a schedule."),
    "nothing": ("언제 할지 말해 주세요. (예: 매일 오전 9시)", "Say when, such as 'every day at 9am'."),
    "too_long": ("한 문장으로 말해 주세요.", "Say it in one sentence."),
}


@dataclass
class Reading:
    """What holds while one phrase is read; the notes gather here."""

    text: str
    plain: str
    """The text as the pieces count its letters."""
    language: Literal["ko", "en"]
    now: datetime
    """Aware, in the schedule's zone."""
    timezone: str
    notes: list[Note] = field(default_factory=list)

    def note(self, code: str, **facts: object) -> None:
        """Remember an assumption, once."""
        ko, en = (text.format_map(facts) for text in _NOTES[code])
        note = Note(code, ko, en)
        if note not in self.notes:
            self.notes.append(note)

    @property
    def said(self) -> str:
        """The phrase, short enough for a message."""
        text = " ".join(self.text.split())
        return text if len(text) <= 80 else text[:79] + "…"

    def incomplete(self, *missing: str) -> IncompleteSchedule:
        """The error that asks for what is missing."""
        hint = " ".join(self._say(_QUESTIONS[name]) for name in missing)
        return IncompleteSchedule(phrase=self.said, missing=list(missing), names=", ".join(missing), hint=hint)

    def ambiguous(self, *candidates: str) -> AmbiguousSchedule:
        """The error that asks which of the readings is meant."""
        names = " / ".join(f"'{candidate}'" for candidate in candidates)
        hint = f"어느 쪽인가요? {names}" if self.language == "ko" else f"Which one is meant? {names}"
        return AmbiguousSchedule(phrase=self.said, candidates=list(candidates), names=names, hint=hint)

    def impossible(self, why: str, text: str = "") -> ImpossibleSchedule:
        """The error for what does not exist: `no_such`, `contradiction`, `over` or `never`."""
        reason = _WHY[why][1].format(text=text)
        said = _WHY[why][0].format(text=text) + ". " if self.language == "ko" else ""
        hint = said + self._say(_HINTS["over" if why == "over" else "impossible"])
        return ImpossibleSchedule(phrase=self.said, why=reason, hint=hint)

    def contradiction(self) -> ImpossibleSchedule:
        """The error for a phrase whose parts cannot hold together."""
        return self.impossible("contradiction", self.said)

    def unsupported(self, what: str) -> UnsupportedSchedule:
        """The error for what is clear and beyond us."""
        return UnsupportedSchedule(phrase=self.said, what=what, hint=self._say(_HINTS["unsupported"]))

    def nothing(self, kind: Literal["event", "now", "none"] = "none") -> NotASchedule:
        """The error for text that names no time."""
        hint = self._say(_HINTS[{"none": "nothing"}.get(kind, kind)])
        return NotASchedule(phrase=self.said, kind=kind, hint=hint)

    def either(self, ko: str, en: str) -> str:
        """The text in the phrase's language."""
        return ko if self.language == "ko" else en

    def _say(self, texts: tuple[str, str]) -> str:
        return texts[0] if self.language == "ko" else texts[1]


def language_of(text: str) -> Literal["ko", "en"]:
    """Korean if there is any Hangul, composed or not."""
    return "ko" if re.search(r"[\u1100-\u11ff\u3131-\u318e가-힣]", text) else "en"
