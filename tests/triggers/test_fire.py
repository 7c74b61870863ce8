from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.document.reading import parse_workflow
from mulle.errors import ScheduleError
from mulle.triggers.fire import Timed, due_times, next_time, timed_triggers

HOUR = 3600.0


def timed(**trigger: Any) -> Timed:
    """The one schedule of a workflow with this trigger."""
    document = {"mulle": 1, "nodes": [{"id": "end", "type": "end"}], "edges": [], "triggers": [trigger]}
    (found,) = timed_triggers(parse_workflow(document))
    return found


def daily(**fields: Any) -> Timed:
    return timed(type="cron", cron="0 9 * * *", timezone="Asia/Seoul", **fields)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def decided(schedule: Timed, looked: str, now: str) -> list[tuple[str, str]]:
    """What is due, as UTC times and decisions."""
    due = due_times(schedule, seconds(looked), seconds(now))
    return [(datetime.fromtimestamp(one.at, UTC).strftime("%d %H:%M"), one.decision) for one in due]


def test_a_time_that_just_came_fires():
    assert decided(daily(), "2026-01-05T08:00+09:00", "2026-01-05T09:00:01+09:00") == [("05 00:00", "fire")]


def test_what_was_looked_at_is_not_due_again():
    assert decided(daily(), "2026-01-05T09:00+09:00", "2026-01-05T09:00:30+09:00") == []


def test_one_missed_time_is_made_up_while_it_is_not_too_late():
    assert decided(daily(), "2026-01-05T08:00+09:00", "2026-01-05T14:59+09:00") == [("05 00:00", "fire")]
    assert decided(daily(), "2026-01-05T08:00+09:00", "2026-01-05T15:01+09:00") == [("05 00:00", "missed")]
    assert decided(daily(catch_up="1d"), "2026-01-05T08:00+09:00", "2026-01-05T15:01+09:00") == [("05 00:00", "fire")]


def test_of_several_missed_times_only_the_latest_is_made_up():
    assert decided(daily(), "2026-01-02T08:00+09:00", "2026-01-05T10:00+09:00") == [
        ("02 00:00", "missed"),
        ("03 00:00", "missed"),
        ("04 00:00", "missed"),
        ("05 00:00", "fire"),
    ]


def test_nothing_is_made_up_beside_a_time_that_is_on_time():
    hourly = timed(type="cron", cron="0 * * * *", timezone="Asia/Seoul")

    assert [decision for _, decision in decided(hourly, "2026-01-05T07:30+09:00", "2026-01-05T10:00:10+09:00")] == [
        "missed",
        "missed",
        "fire",
    ]


def test_a_time_that_the_clocks_skip_fires_once_behind_the_gap():
    spring = timed(type="cron", cron="30 2 * * *", timezone="America/New_York")

    assert decided(spring, "2026-03-08T00:00-05:00", "2026-03-08T03:30-04:00") == [("08 07:00", "fire")]


def test_a_time_that_comes_twice_fires_once():
    autumn = timed(type="cron", cron="30 1 * * *", timezone="America/New_York", catch_up="12h")

    assert decided(autumn, "2026-11-01T00:00-04:00", "2026-11-01T04:00-05:00") == [("01 05:30", "fire")]


def test_a_single_time_comes_once_and_never_again():
    once = timed(type="at", at="2026-01-05T09:00:00+09:00")

    assert decided(once, "2026-01-05T08:00+09:00", "2026-01-05T09:00+09:00") == [("05 00:00", "fire")]
    assert next_time(once, seconds("2026-01-05T09:00+09:00")) is None


def test_the_key_is_the_rule_and_nothing_else():
    assert daily().key == daily(inputs={"a": 1}, catch_up="1h").key
    assert daily().key != timed(type="cron", cron="1 9 * * *", timezone="Asia/Seoul").key
    assert daily().key != timed(type="cron", cron="0 9 * * *", timezone="Asia/Tokyo").key


def test_a_trigger_that_is_switched_off_or_comes_by_itself_is_no_schedule():
    off: dict[str, Any] = {"type": "cron", "cron": "0 9 * * *", "enabled": False}
    document = {"mulle": 1, "nodes": [{"id": "end", "type": "end"}], "edges": [], "triggers": [off, {"type": "manual"}]}

    assert timed_triggers(parse_workflow(document)) == []


def test_a_schedule_that_cannot_be_kept_is_refused():
    with pytest.raises(ScheduleError):
        timed(type="cron", cron="99 9 * * *", timezone="Asia/Seoul")


@given(st.lists(st.integers(1, 72 * 60), min_size=1, max_size=6))
def test_however_often_one_looks_every_due_time_comes_once(pauses: list[int]):
    schedule, begin = daily(), datetime(2026, 1, 5, tzinfo=UTC)
    looked, now, seen = begin.timestamp(), begin, list[float]()

    for minutes in pauses:
        now += timedelta(minutes=minutes)
        seen += [one.at for one in due_times(schedule, looked, now.timestamp())]
        looked = seen[-1] if seen else looked

    days = int((now - begin).total_seconds() // (24 * HOUR))
    assert seen == [begin.timestamp() + 24 * HOUR * (day + 1) for day in range(days)]
