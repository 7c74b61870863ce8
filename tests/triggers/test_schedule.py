from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mulle.errors import BadCron, BadRecurrence, BadTrigger, ScheduleError, UnknownCalendar, UnknownTimezone
from mulle.triggers.phrases import parse_phrase
from mulle.triggers.schedule import Note, Schedule, firings, next_firings, schedule_from_trigger, trigger_dict

SEOUL = ZoneInfo("Asia/Seoul")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=SEOUL)


def times(schedule: Schedule, count: int = 5, after: datetime = NEW_YEAR) -> list[str]:
    return [f"{firing:%Y-%m-%d %H:%M}" for firing in next_firings(schedule, after, count)]


def test_several_rules_fire_in_one_order_and_once_for_the_same_time():
    schedule = Schedule(
        crons=("0 9 * * *", "0 9,18 * * 5"),
        rrule="RRULE:FREQ=MONTHLY;BYMONTHDAY=2;BYHOUR=9;BYMINUTE=0",
        at=datetime(2026, 1, 2, 12, tzinfo=SEOUL),
    )

    assert times(schedule, 5) == [
        "2026-01-01 09:00",
        "2026-01-02 09:00",
        "2026-01-02 12:00",
        "2026-01-02 18:00",
        "2026-01-03 09:00",
    ]


def test_two_skipped_times_are_one_firing():
    zone = ZoneInfo("America/New_York")
    schedule = Schedule(crons=("15 2 * * *", "45 2 * * *", "0 3 * * *"), timezone="America/New_York")

    found = next_firings(schedule, datetime(2026, 3, 8, tzinfo=zone), 2)

    assert [f"{firing:%d %H:%M}" for firing in found] == ["08 03:00", "09 02:15"]


def test_the_third_business_day_is_counted_over_substitute_holidays():
    schedule = Schedule(crons=("0 10 1 * *",), filter="business_days", roll="following", nth=3)

    assert times(schedule, 6)[1:4] == ["2026-02-04 10:00", "2026-03-05 10:00", "2026-04-03 10:00"]


def test_a_day_rolled_back_over_the_question_still_fires():
    schedule = Schedule(crons=("0 9 1 * *",), filter="business_days", roll="preceding")

    assert times(schedule, 2, datetime(2026, 2, 25, tzinfo=SEOUL)) == ["2026-02-27 09:00", "2026-04-01 09:00"]


def test_times_that_roll_onto_one_day_are_sorted_and_kept_once():
    schedule = Schedule(crons=("0 18 * * 6", "0 9 * * 0", "0 9 * * 1"), filter="business_days", roll="following")

    assert times(schedule, 3) == ["2026-01-05 09:00", "2026-01-05 18:00", "2026-01-12 09:00"]


def test_days_that_do_not_pass_are_left_in_one_step():
    schedule = Schedule(crons=("* * * * *",), filter="holidays")

    assert times(schedule, 1, datetime(2026, 1, 2, tzinfo=SEOUL)) == ["2026-02-16 00:00"]


def test_what_never_passes_ends():
    assert times(Schedule(crons=("0 9 * * 0",), filter="business_days")) == []


def test_start_and_until_bound_what_fires():
    schedule = Schedule(
        crons=("0 9 * * *",),
        start=datetime(2026, 2, 1, 9, tzinfo=SEOUL),
        until=datetime(2026, 2, 2, 9, tzinfo=SEOUL),
    )

    assert times(schedule) == ["2026-02-01 09:00", "2026-02-02 09:00"]


def test_a_single_time_fires_once():
    schedule = Schedule(at=datetime(2026, 1, 2, 0, tzinfo=UTC))

    assert times(schedule) == ["2026-01-02 09:00"]
    assert times(schedule, after=datetime(2026, 1, 2, 0, tzinfo=UTC)) == []


def test_firings_go_on_without_end():
    stream = firings(Schedule(crons=("0 0 * * *",)), NEW_YEAR)

    assert [next(stream) for _ in range(800)][-1] == NEW_YEAR + timedelta(days=800)


@pytest.mark.parametrize(
    "phrase",
    [
        "평일 오전 9시, 공휴일 제외",
        "매월 셋째 영업일 10시",
        "매월 말일 오후 6시",
        "90분마다",
        "내일 오전 9시",
        "다음 달부터 연말까지 매일 9시",
        "매일 UTC 9시, 공휴일 제외",
    ],
)
def test_a_trigger_reads_back_as_the_schedule(phrase: str):
    schedule = parse_phrase(phrase, now=NEW_YEAR)

    triggers = trigger_dict(schedule)

    assert len(triggers) == 1
    assert times(schedule_from_trigger(triggers[0])) == times(schedule)


def test_every_line_is_a_trigger_of_its_own():
    schedule = Schedule(crons=("0 9 * * 1", "0 10 * * 3"), filter="not_holidays")

    assert trigger_dict(schedule) == [
        {"type": "cron", "cron": "0 9 * * 1", "timezone": "Asia/Seoul", "filter": "not_holidays"},
        {"type": "cron", "cron": "0 10 * * 3", "timezone": "Asia/Seoul", "filter": "not_holidays"},
    ]


@pytest.mark.parametrize(
    ("trigger", "error", "place"),
    [
        ({"type": "cron", "cron": "0 25 * * *"}, BadCron, "triggers[0].cron"),
        ({"type": "cron"}, BadCron, "triggers[0].cron"),
        ({"type": "cron", "cron": 9}, BadTrigger, "triggers[0].cron"),
        ({"type": "cron", "cron": "0 9 * * *", "timezone": "Asia/Soul"}, UnknownTimezone, "triggers[0].timezone"),
        ({"type": "cron", "cron": "0 9 * * *", "timezone": "../../etc"}, UnknownTimezone, "triggers[0].timezone"),
        ({"type": "cron", "cron": "0 9 * * *", "filter": "sundays"}, BadTrigger, "triggers[0].filter"),
        ({"type": "cron", "cron": "0 9 * * *", "roll": "sideways"}, BadTrigger, "triggers[0].roll"),
        ({"type": "cron", "cron": "0 9 * * *", "nth": 0}, BadTrigger, "triggers[0].nth"),
        ({"type": "cron", "cron": "0 9 * * *", "country": "ZZ"}, UnknownCalendar, "triggers[0].country"),
        ({"type": "cron", "cron": "0 9 * * *", "filter": "holidays", "timezone": "UTC"},
         UnknownCalendar, "triggers[0].filter"),
        ({"type": "cron", "cron": "0 9 * * *", "start": "soon"}, BadTrigger, "triggers[0].start"),
        ({"type": "rrule", "rrule": "FREQ=DAILY"}, BadRecurrence, "triggers[0].rrule"),
        ({"type": "at", "at": "tomorrow"}, BadTrigger, "triggers[0].at"),
        ({"type": "at"}, BadTrigger, "triggers[0].at"),
        ({"type": "at", "at": 5}, BadTrigger, "triggers[0].at"),
        ({"type": "webhook"}, BadTrigger, "triggers[0].type"),
    ],
)  # fmt: skip
def test_a_bad_trigger_says_where_and_what_to_do(trigger: dict[str, object], error: type[ScheduleError], place: str):
    with pytest.raises(error) as caught:
        schedule_from_trigger(trigger, at="triggers[0]")

    assert caught.value.at == place
    assert caught.value.advice


def test_a_schedule_shows_itself_with_its_next_times():
    schedule = parse_phrase("평일 8시 30분, 공휴일 제외", now=NEW_YEAR)

    shown = schedule.to_dict(NEW_YEAR)

    assert shown["crons"] == ["30 8 * * 1-5"]
    assert (shown["rrule"], shown["at"], shown["filter"]) == (None, None, "not_holidays")
    assert shown["next"][0] == "2026-01-02T08:30:00+09:00"
    assert len(shown["next"]) == 5
    assert shown["readback"] == {
        "ko": "평일 오전 8시 30분 (공휴일 제외)",
        "en": "Every weekday at 8:30 AM except public holidays",
    }
    assert {note["code"] for note in shown["notes"]} == {"hour"}
    assert isinstance(schedule.notes[0], Note)
