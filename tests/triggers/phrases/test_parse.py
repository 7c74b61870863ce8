import re
import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.triggers.phrases import english_phrases as english
from tests.triggers.phrases import korean_phrases as korean

from mulle.errors import (
    AmbiguousSchedule,
    ImpossibleSchedule,
    IncompleteSchedule,
    NotASchedule,
    ScheduleError,
    UnsupportedSchedule,
)
from mulle.triggers.phrases import parse_phrase
from mulle.triggers.schedule import Schedule, next_firings

NEW_YEAR = datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Seoul"))


def read(phrase: str, timezone: str = "Asia/Seoul") -> Schedule:
    return parse_phrase(phrase, now=NEW_YEAR, timezone=timezone)


def times(schedule: Schedule, count: int) -> list[str]:
    return [f"{firing:%Y-%m-%d %H:%M}" for firing in next_firings(schedule, NEW_YEAR, count)]


@pytest.mark.parametrize(("phrase", "crons"), [*korean.CRONS.items(), *english.CRONS.items()])
def test_what_cron_can_say_becomes_cron_lines(phrase: str, crons: list[str]):
    schedule = read(phrase)

    assert sorted(schedule.crons) == sorted(crons)
    assert (schedule.rrule, schedule.at, schedule.filter) == (None, None, None)


@pytest.mark.parametrize(("phrase", "rule"), [*korean.RULES.items(), *english.RULES.items()])
def test_what_cron_cannot_say_becomes_a_rule_of_rfc_5545(phrase: str, rule: str):
    text = read(phrase).rrule or ""

    start, _, value = text.rpartition("RRULE:FREQ=")
    start = start.strip().removeprefix("DTSTART;TZID=Asia/Seoul:")
    assert f"{start} {re.sub(r';BY(HOUR|MINUTE|SECOND)=[0-9,]+', '', value)}".strip() == rule


@pytest.mark.parametrize(("phrase", "expected"), [*korean.BUSINESS.items(), *english.BUSINESS.items()])
def test_business_days_and_holidays_are_those_of_the_country(phrase: str, expected: list[str]):
    schedule = read(phrase)

    assert times(schedule, len(expected)) == expected


@pytest.mark.parametrize(("phrase", "expected"), [*korean.ONCE.items(), *english.ONCE.items()])
def test_a_single_time_is_a_single_time(phrase: str, expected: str):
    schedule = read(phrase)

    assert schedule.at is not None
    assert times(schedule, 5) == [expected]


@pytest.mark.parametrize(("phrase", "missing"), [*korean.INCOMPLETE.items(), *english.INCOMPLETE.items()])
def test_what_is_left_out_is_asked_for(phrase: str, missing: list[str]):
    with pytest.raises(IncompleteSchedule) as caught:
        read(phrase)

    assert caught.value.facts["missing"] == missing
    assert caught.value.advice.count("?") == len(missing)


@pytest.mark.parametrize("phrase", [*korean.AMBIGUOUS, *english.AMBIGUOUS])
def test_two_readings_are_told_apart_by_a_question(phrase: str):
    with pytest.raises(AmbiguousSchedule) as caught:
        read(phrase)

    assert len(caught.value.facts["candidates"]) > 1


@pytest.mark.parametrize("phrase", [*korean.IMPOSSIBLE, *english.IMPOSSIBLE])
def test_what_does_not_exist_is_refused(phrase: str):
    with pytest.raises(ImpossibleSchedule):
        read(phrase)


@pytest.mark.parametrize("phrase", [*korean.UNSUPPORTED, *english.UNSUPPORTED])
def test_what_no_rule_can_say_is_refused(phrase: str):
    with pytest.raises(UnsupportedSchedule):
        read(phrase)


@pytest.mark.parametrize(("phrase", "kind"), [*korean.NOTHING.items(), *english.NOTHING.items()])
def test_what_is_no_schedule_says_what_it_is(phrase: str, kind: str):
    with pytest.raises(NotASchedule) as caught:
        read(phrase)

    assert caught.value.facts["kind"] == kind


@pytest.mark.parametrize("phrase", [*korean.CRONS, *korean.RULES])
def test_korean_typed_as_separate_letters_means_the_same(phrase: str):
    decomposed = read(unicodedata.normalize("NFD", phrase))

    assert (decomposed.crons, decomposed.rrule) == (read(phrase).crons, read(phrase).rrule)


@pytest.mark.parametrize(
    ("phrase", "zone"),
    [
        ("UTC 기준 매일 오전 3시", "UTC"),
        ("뉴욕 시간으로 평일 오전 9시 30분", "America/New_York"),
        ("미국 서부시간 매일 8시", "America/Los_Angeles"),
        ("도쿄 시간 매주 월요일 10시", "Asia/Tokyo"),
        ("매일 오전 9시(한국시간)", "Asia/Seoul"),
        ("every day at 9am New York time", "America/New_York"),
        ("weekdays at 9am ET", "America/New_York"),
        ("every day at 09:00 Europe/Paris", "Europe/Paris"),
        ("every day at 9am UTC+9", "Etc/GMT-9"),
        ("daily at noon in London time", "Europe/London"),
    ],
)
def test_a_named_time_zone_is_the_schedules_own(phrase: str, zone: str):
    schedule = read(phrase)

    assert schedule.timezone == zone


@pytest.mark.parametrize(
    ("phrase", "code"),
    [
        ("금요일마다 4시", "hour"),
        ("every Friday at 4", "hour"),
        ("매주 일요일 자정", "midnight"),
        ("90분마다", "anchored"),
        ("every other Monday at 10am", "anchored"),
        ("업무시간에 30분마다", "business_hours"),
        ("매월 31일 오전 9시", "short_months"),
        ("격월 1일 오전 9시", "months"),
        ("biweekly on Friday at 4pm", "biweekly"),
        ("금요일 오전 9시", "weekly"),
        ("3월 2일 오전 9시", "next_date"),
        ("매월 말 오후 6시", "last_day"),
        ("9시쯤 매일", "approximate"),
        ("매월 25일 월급날 오전 10시", "unread"),
        ("반나절마다", "half_day"),
        ("여름에는 매일 오전 9시", "season"),
        ("every two hours from 9am", "until_midnight"),
        ("매월 20일 9시, 주말이면 다음 영업일", "roll_holidays"),
        ("매월 둘째 주 화요일 10시", "nth_week"),
        ("매주 토요일 밤 1시", "night"),
    ],
)
def test_what_was_assumed_is_noted_in_both_languages(phrase: str, code: str):
    notes = {note.code: note for note in read(phrase).notes}

    assert code in notes
    assert notes[code].ko
    assert notes[code].en


def test_bounds_are_kept():
    schedule = read("다음 달부터 연말까지 매주 월요일 오전 10시")

    assert times(schedule, 2) == ["2026-02-02 10:00", "2026-02-09 10:00"]
    assert f"{schedule.until:%Y-%m-%d}" == "2026-12-31"


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("3월 1일부터 3일까지 매일 오전 9시", ["2026-03-01 09:00", "2026-03-02 09:00", "2026-03-03 09:00"]),
        ("앞으로 3일 동안 매일 오전 9시", ["2026-01-01 09:00", "2026-01-02 09:00", "2026-01-03 09:00"]),
        ("매주 월요일 9시 2번만", ["2026-01-05 09:00", "2026-01-12 09:00"]),
        ("every day at 9am for 2 days starting tomorrow", ["2026-01-02 09:00", "2026-01-03 09:00"]),
        ("every Friday at 5pm, 3 times", ["2026-01-02 17:00", "2026-01-09 17:00", "2026-01-16 17:00"]),
        ("starting next Friday, every weekday at 9am, 2 times", ["2026-01-02 09:00", "2026-01-05 09:00"]),
        ("every day at 9am until the end of the week", [f"2026-01-0{day} 09:00" for day in (1, 2, 3, 4)]),
        ("내일 9시와 18시", ["2026-01-02 09:00", "2026-01-02 18:00"]),
        ("이번 주 토요일과 일요일 오전 10시", ["2026-01-03 10:00", "2026-01-04 10:00"]),
    ],
)
def test_what_ends_ends(phrase: str, expected: list[str]):
    schedule = read(phrase)

    assert times(schedule, 10) == expected


SPRING = datetime(2026, 5, 13, 15, 30, 20, tzinfo=ZoneInfo("Asia/Seoul"))
"""A Wednesday."""


@pytest.mark.parametrize(
    ("phrase", "first", "start", "until"),
    [
        ("내일부터 매일 9시", "05-14 09:00", "05-14 00:00", None),
        ("3일 뒤부터 매일 9시", "05-16 09:00", "05-16 00:00", None),
        ("다음 주부터 매주 화요일 9시", "05-19 09:00", "05-18 00:00", None),
        ("다음 주 수요일부터 매일 9시", "05-20 09:00", "05-20 00:00", None),
        ("이번 주까지 매일 9시", "05-14 09:00", None, "05-17 23:59"),
        ("다음 달 10일까지 매일 9시", "05-14 09:00", None, "06-10 23:59"),
        ("다음 금요일까지 매일 9시", "05-14 09:00", None, "05-15 23:59"),
        ("올해 말까지 매일 9시", "05-14 09:00", None, "12-31 23:59"),
        ("내년 3월부터 매월 1일 9시", "03-01 09:00", "03-01 00:00", None),
        ("6월부터 매주 월요일 9시", "06-01 09:00", "06-01 00:00", None),
        ("5월부터 매일 9시", "05-14 09:00", None, None),
        ("8월까지 매일 9시", "05-14 09:00", None, "08-31 23:59"),
        ("6월 1일부터 8월 31일까지 평일 9시", "06-01 09:00", "06-01 00:00", "08-31 23:59"),
        ("6월 1일부터 10일까지 매일 9시", "06-01 09:00", "06-01 00:00", "06-10 23:59"),
        ("15일부터 매일 9시", "05-15 09:00", "05-15 00:00", None),
        ("20일까지 매일 9시", "05-14 09:00", None, "05-20 23:59"),
        ("월요일부터 매일 9시", "05-18 09:00", "05-18 00:00", None),
        ("금요일까지 매일 9시", "05-14 09:00", None, "05-15 23:59"),
        ("내일 10시부터 90분마다", "05-14 10:00", "05-14 10:00", None),
        ("오늘부터 3일 동안 매일 20시", "05-13 20:00", None, "05-15 23:59"),
        ("다음 달 매주 월요일 9시", "06-01 09:00", "06-01 00:00", "06-30 23:59"),
        ("올해 매월 말일 9시", "05-31 09:00", None, "12-31 23:59"),
        ("starting in August, every Monday at 9am", "08-03 09:00", "08-01 00:00", None),
        ("starting August 3, every Monday at 9am", "08-03 09:00", "08-03 00:00", None),
        ("every Monday at 9am until August", "05-18 09:00", None, "08-31 23:59"),
        ("every day at 9am from June 1 to June 5", "06-01 09:00", "06-01 00:00", "06-05 23:59"),
        ("every day at 9am until next Friday", "05-14 09:00", None, "05-15 23:59"),
        ("every day at 9am starting in 3 days", "05-16 09:00", "05-16 00:00", None),
        ("from next month every Monday at 9am", "06-01 09:00", "06-01 00:00", None),
        ("every day at 9am until the end of the year", "05-14 09:00", None, "12-31 23:59"),
    ],
)
def test_a_beginning_and_an_end_are_counted_from_now(phrase: str, first: str, start: str | None, until: str | None):
    schedule = parse_phrase(phrase, now=SPRING)

    assert f"{next_firings(schedule, SPRING, 1)[0]:%m-%d %H:%M}" == first
    assert [at and f"{at:%m-%d %H:%M}" for at in (schedule.start, schedule.until)] == [start, until]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("오늘 자정", "2026-05-14 00:00"),
        ("오늘 밤 12시", "2026-05-14 00:00"),
        ("수요일 오후 2시에 한 번만", "2026-05-20 14:00"),
        ("수요일 오후 4시에 한 번만", "2026-05-13 16:00"),
        ("13일 오전 9시에 한 번", "2026-06-13 09:00"),
        ("31일 9시에 한 번만", "2026-05-31 09:00"),
        ("오전 9시에 한 번만", "2026-05-14 09:00"),
        ("5월 13일 9시", "2027-05-13 09:00"),
        ("5월 13일 17시", "2026-05-13 17:00"),
        ("2월 29일 0시", "2028-02-29 00:00"),
        ("이번 주 일요일 9시", "2026-05-17 09:00"),
        ("이번 달 31일 9시", "2026-05-31 09:00"),
        ("다음 달 둘째 화요일 9시", "2026-06-09 09:00"),
        ("다음 달 말일 9시", "2026-06-30 09:00"),
        ("5월 둘째 수요일 17시", "2026-05-13 17:00"),
        ("5월 둘째 수요일 9시", "2027-05-12 09:00"),
        ("tonight at 12", "2026-05-14 00:00"),
        ("1개월 뒤 9시", "2026-06-13 09:00"),
        ("in a year at 10am", "2027-05-13 10:00"),
    ],
)
def test_a_single_time_is_the_next_that_can_be_meant(phrase: str, expected: str):
    schedule = parse_phrase(phrase, now=SPRING)

    assert f"{schedule.at:%Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize(
    "phrase",
    [
        "오늘 오전 9시",
        "이번 주 월요일 9시",
        "이번 달 첫째 금요일 9시",
        "다음 달 31일 9시",
        "어제까지 매일 9시",
        "30분 뒤 9시",
        "9999년 12월 31일 24시",
        "9000년 뒤 9시",
        "1일 자정 1일 빼고",
        "every month on the 1st at 9am except the 1st",
    ],
)
def test_what_is_over_or_never_comes_is_refused(phrase: str):
    with pytest.raises(ImpossibleSchedule):
        parse_phrase(phrase, now=SPRING)


def test_questions_come_in_the_language_that_is_asked_for():
    with pytest.raises(IncompleteSchedule, match="time") as caught:
        parse_phrase("매일", now=NEW_YEAR, language="en")

    assert caught.value.advice == "At what time? (9am)"


def test_public_holidays_need_a_country():
    with pytest.raises(IncompleteSchedule) as caught:
        read("every weekday at 9am UTC except public holidays")

    assert caught.value.facts["missing"] == ["calendar"]
    assert read("매일 UTC 9시, 공휴일 제외").country == "KR"


def test_a_time_without_tzinfo_is_one_of_the_zone():
    schedule = parse_phrase("30분 뒤", now=NEW_YEAR.replace(tzinfo=None))

    assert times(schedule, 1) == ["2026-01-01 00:30"]


VOCABULARY = """
    매일 매주 매월 매년 격주 3일마다 90분마다 평일 주말 월요일 월수금 1일 15일 말일 첫째 마지막 영업일 공휴일
    빼고 제외 포함 오전 오후 새벽 밤 9시 열두시 반 정각 30분 자정 정오 부터 까지 에 에서 사이 마다 와 , ~ - 그리고
    또는 내일 다음주 이번달 3월 음력 뒤
    every day week weekday Monday Mondays Mon-Fri 9am 17:00 at noon midnight and or from to between until except first
    last business day of the month 1st 31st other 2 90 minutes hours twice a holidays tomorrow next March in UTC EST
"""
WORDS = st.sampled_from(VOCABULARY.split())


def outcome(text: str) -> Schedule | ScheduleError:
    try:
        return read(text)
    except ScheduleError as error:
        return error


@settings(deadline=None)
@given(
    st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=9).map(" ".join), st.lists(WORDS, max_size=6).map("".join))
)
def test_any_text_gives_a_schedule_that_fires_or_an_error_that_helps(text: str):
    found = outcome(text)

    if isinstance(found, ScheduleError):
        assert found.advice
    else:
        instants = [NEW_YEAR.timestamp(), *(firing.timestamp() for firing in next_firings(found, NEW_YEAR, 4))]
        assert len(instants) > 1
        assert instants == sorted(set(instants))


@settings(deadline=None)
@given(st.text(alphabet="0123456789시분일월매 :/-~,.amp", max_size=40))
def test_numbers_and_signs_do_no_harm(text: str):
    found = outcome(text)

    assert isinstance(found, Schedule) or found.advice
