from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mulle.triggers.cron import cron_field
from mulle.triggers.phrases import parse_phrase
from mulle.triggers.readback import readback
from mulle.triggers.schedule import Schedule, next_firings

NEW_YEAR = datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Seoul"))


@pytest.mark.parametrize(
    ("cron", "korean", "english"),
    [
        ("0 9 * * *", "매일 오전 9시", "Every day at 9 AM"),
        ("30 8 * * 1-5", "평일 오전 8시 30분", "Every weekday at 8:30 AM"),
        ("0 0 * * *", "매일 자정", "Every day at midnight"),
        ("0 12 * * 0,6", "주말 낮 12시", "Every weekend at noon"),
        ("0 9,18 * * *", "매일 오전 9시, 오후 6시", "Every day at 9 AM and 6 PM"),
        ("*/5 * * * *", "5분마다", "Every 5 minutes"),
        ("* * * * *", "1분마다", "Every minute"),
        ("0 * * * *", "매시 정각", "Every hour on the hour"),
        ("15,45 * * * *", "매시 15분, 45분", "Every hour at 15 and 45 minutes past"),
        ("0 */6 * * *", "6시간마다", "Every 6 hours"),
        ("*/30 9-17 * * 1-5", "평일 오전 9시부터 오후 5시 30분까지 30분마다",
         "Every 30 minutes from 9 AM to 5:30 PM on weekdays"),
        ("0 10 * * 1,3,5", "매주 월·수·금요일 오전 10시", "Every Monday, Wednesday and Friday at 10 AM"),
        ("0 10 * * 1-4", "매주 월~목요일 오전 10시", "Every Monday to Thursday at 10 AM"),
        ("0 10 * * 1-6", "일요일 빼고 매일 오전 10시", "Every day except Sunday at 10 AM"),
        ("0 9 1,15 * *", "매월 1일, 15일 오전 9시", "On the 1st and the 15th of every month at 9 AM"),
        ("0 9 1 1,7 *", "매년 1월, 7월 1일 오전 9시", "Every year on January 1 and July 1 at 9 AM"),
        ("0 9 * 11,12,1,2 *", "11~2월 매일 오전 9시", "Every day at 9 AM from November to February"),
        ("0 9 13 * 5", "매월 13일 또는 매주 금요일 오전 9시", "On the 13th of the month or on Friday at 9 AM"),
        ("0 9 */2 * 5", "홀수일이면서 금요일인 날 오전 9시", "On odd days if it is Friday at 9 AM"),
        ("0 18 L * *", "매월 말일 오후 6시", "Every month on the last day at 6 PM"),
        ("0 9 * * 1#1", "매월 첫째 월요일 오전 9시", "Every month on the first Monday at 9 AM"),
        ("0 9 LW * *", "매월 마지막 평일 오전 9시", "Every month on the last weekday at 9 AM"),
        ("0 9 L * 5L", "규칙 '0 9 L * 5L'대로", "By the rule '0 9 L * 5L'"),
    ],
)  # fmt: skip
def test_a_cron_line_is_said_in_both_languages(cron: str, korean: str, english: str):
    schedule = Schedule(crons=(cron,))

    assert (readback(schedule, "ko"), readback(schedule, "en")) == (korean, english)


@pytest.mark.parametrize(
    ("phrase", "korean", "english"),
    [
        ("매월 말일 오후 6시", "매월 말일 오후 6시", "Every month on the last day at 6 PM"),
        ("매월 말일 이틀 전 9시", "매월 말일 2일 전 오전 9시", "Every month on 2 days before the last day at 9 AM"),
        ("매월 둘째·넷째 토요일 10시", "매월 둘째, 넷째 토요일 오전 10시",
         "Every month on the second and fourth Saturday at 10 AM"),
        ("13일의 금요일 밤 9시", "13일의 금요일 오후 9시", "Every Friday the 13th at 9 PM"),
        ("격주 월요일 10시", "2주마다 월요일 오전 10시 (첫 실행 2026-01-05 10:00)",
         "Every 2 weeks on Monday at 10 AM, counted from 2026-01-05 10:00"),
        ("3일마다 9시", "3일마다 오전 9시 (첫 실행 2026-01-01 09:00)",
         "Every 3 days at 9 AM, counted from 2026-01-01 09:00"),
        ("90분마다", "90분마다 (첫 실행 2026-01-01 01:30)", "Every 90 minutes, counted from 2026-01-01 01:30"),
        ("매 분기 말일 오후 6시", "매년 3월, 6월, 9월, 12월 말일 오후 6시",
         "On the last day at 6 PM in March, June, September and December every year"),
        ("매월 첫 영업일 9시", "매월 첫째 영업일 오전 9시", "On the first business day of every month at 9 AM"),
        ("매월 마지막 영업일 9시", "매월 마지막 영업일 오전 9시", "On the last business day of every month at 9 AM"),
        ("매주 첫 영업일 9시", "매주 첫째 영업일 오전 9시", "On the first business day of every week at 9 AM"),
        ("매 분기 첫 영업일 9시", "1월, 4월, 7월, 10월 첫째 영업일 오전 9시",
         "On the first business day at 9 AM in January, April, July and October every year"),
        ("영업일마다 9시", "영업일마다 오전 9시", "Every business day at 9 AM"),
        ("공휴일마다 10시", "공휴일마다 오전 10시", "On public holidays at 10 AM"),
        ("주말과 공휴일 10시", "주말과 공휴일마다 오전 10시", "On weekends and public holidays at 10 AM"),
        ("매월 20일 10시, 주말이면 다음 영업일", "매월 20일 오전 10시 (주말이나 공휴일이면 다음 영업일)",
         "On the 20th of every month at 10 AM, or the next business day if it is a weekend or public holiday"),
        ("내일 9시", "2026년 1월 2일(금) 오전 9시에 한 번", "Once on Friday, January 2, 2026 at 9 AM"),
        ("내일 9시와 18시", "2026년 1월 2일(금) 오전 9시, 2026년 1월 2일(금) 오후 6시에 한 번씩",
         "Once on Friday, January 2, 2026 at 9 AM and on Friday, January 2, 2026 at 6 PM"),
        ("뉴욕 시간 매일 9시", "매일 오전 9시 (America/New_York 시간)", "Every day at 9 AM, times in America/New_York"),
        ("매일 9시, 미국 공휴일 제외", "매일 오전 9시 (공휴일 제외) (미국 공휴일 기준)",
         "Every day at 9 AM except public holidays, holidays of US"),
        ("다음 달부터 연말까지 매일 9시", "2026-02-01부터 2026-12-31까지 매일 오전 9시",
         "Every day at 9 AM, starting 2026-02-01, until 2026-12-31"),
        ("평일은 7시, 주말은 9시", "평일 오전 7시, 주말 오전 9시", "Every weekday at 7 AM; every weekend at 9 AM"),
    ],
)  # fmt: skip
def test_what_cron_cannot_say_is_said_as_well(phrase: str, korean: str, english: str):
    schedule = parse_phrase(phrase, now=NEW_YEAR)

    assert (readback(schedule, "ko"), readback(schedule, "en")) == (korean, english)


def test_a_rule_without_words_is_shown_as_it_is():
    schedule = Schedule(rrule="DTSTART:20260105T090000\nRRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO")

    assert "BYWEEKNO=20" in readback(schedule, "ko")
    assert "BYWEEKNO=20" in readback(schedule, "en")


moments = st.sets(st.integers(0, 23), min_size=1, max_size=4)
weekdays = st.sets(st.integers(0, 6), min_size=1, max_size=6).map(lambda days: cron_field(days, 0, 6, step=False))
months = st.sets(st.integers(1, 12), min_size=1, max_size=12).map(lambda months: cron_field(months, 1, 12))


@settings(deadline=None)
@given(st.integers(0, 59), moments, st.one_of(weekdays, st.just("*")), months, st.sampled_from(["ko", "en"]))
def test_weekly_lines_are_read_back_as_they_were_said(
    minute: int, hours: set[int], days: str, month: str, language: str
):
    schedule = Schedule(crons=(f"{minute} {cron_field(hours, 0, 23)} * {month} {days}",))

    again = parse_phrase(readback(schedule, language), now=NEW_YEAR)

    assert next_firings(again, NEW_YEAR, 30) == next_firings(schedule, NEW_YEAR, 30)


@settings(deadline=None)
@given(
    st.sampled_from(["*/5", "*/15", "*/30", "0", "10,40"]),
    st.integers(0, 12),
    st.integers(2, 11),
    st.sampled_from(["* * *", "* * 1-5", "1,15 * *", "* 3-5 *"]),
    st.sampled_from(["ko", "en"]),
)
def test_intervals_are_read_back_as_they_were_said(minutes: str, begin: int, length: int, days: str, language: str):
    schedule = Schedule(crons=(f"{minutes} {begin}-{begin + length} {days}",))

    again = parse_phrase(readback(schedule, language), now=NEW_YEAR)

    assert next_firings(again, NEW_YEAR, 40) == next_firings(schedule, NEW_YEAR, 40)


@settings(deadline=None)
@given(st.integers(0, 59), moments, st.sets(st.integers(1, 28), min_size=1, max_size=5), st.sampled_from(["ko", "en"]))
def test_monthly_lines_are_read_back_as_they_were_said(minute: int, hours: set[int], of_month: set[int], language: str):
    schedule = Schedule(crons=(f"{minute} {cron_field(hours, 0, 23)} {cron_field(of_month, 1, 31)} * *",))

    again = parse_phrase(readback(schedule, language), now=NEW_YEAR)

    assert next_firings(again, NEW_YEAR, 30) == next_firings(schedule, NEW_YEAR, 30)
