from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.errors import BadCron
from mulle.triggers.cron import check_cron, cron_field, cron_fields, cron_firings

NEW_YORK = ZoneInfo("America/New_York")
LONDON = ZoneInfo("Europe/London")


def walls(line: str, zone: ZoneInfo, after: datetime, count: int) -> list[str]:
    return [f"{firing:%d %H:%M%z}" for firing in islice(cron_firings(line, zone, after), count)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("0 9 * *", "4 fields"),
        ("0 0 9 * * *", "6 fields"),
        ("61 9 * * *", "minute '61' lies outside 0-59"),
        ("0 25 * * *", "hour '25' lies outside"),
        ("0 9 0 * *", "day of month '0'"),
        ("0 9 * 13 *", "month '13'"),
        ("0 22-6 * * *", "runs backwards: write 22-23,0-6"),
        ("0 9 ? * 1", "another dialect"),
        ("0 9 30 2 *", "no such day"),
        ("a b c d e", "no such"),
        ("", "fields"),
        ("0 9 * * 1-5 " * 50, "too long"),
        ("*/0 * * * *", "no such"),
    ],
)
def test_a_bad_line_says_which_field_is_wrong(line: str, why: str):
    with pytest.raises(BadCron, match=why):
        check_cron(line)


def test_a_good_line_comes_back_plain():
    assert check_cron("  0  9 * *  MON-FRI ") == "0 9 * * MON-FRI"
    assert check_cron("@daily") == "0 0 * * *"


def test_a_time_that_the_clocks_skip_fires_behind_the_gap():
    before = datetime(2026, 3, 7, 12, tzinfo=NEW_YORK)

    assert walls("30 2 * * *", NEW_YORK, before, 2) == ["08 03:00-0400", "09 02:30-0400"]
    assert walls("30 1 * * *", LONDON, datetime(2026, 3, 28, 12, tzinfo=LONDON), 2) == [
        "29 02:00+0100",
        "30 01:30+0100",
    ]


def test_a_time_that_comes_twice_fires_once():
    before = datetime(2026, 10, 31, 12, tzinfo=NEW_YORK)

    assert walls("30 1 * * *", NEW_YORK, before, 2) == ["01 01:30-0400", "02 01:30-0500"]
    assert walls("30 1 * * *", LONDON, datetime(2026, 10, 24, 12, tzinfo=LONDON), 2) == [
        "25 01:30+0100",
        "26 01:30+0000",
    ]


def test_asked_within_the_second_hour_a_daily_line_fires_the_next_day():
    again = datetime(2026, 11, 1, 1, 15, tzinfo=NEW_YORK, fold=1)

    assert walls("30 1 * * *", NEW_YORK, again, 1) == ["02 01:30-0500"]


def test_an_interval_goes_on_through_both_changes():
    spring = walls("*/30 * * * *", NEW_YORK, datetime(2026, 3, 8, 1, 15, tzinfo=NEW_YORK), 3)
    autumn = walls("0 * * * *", NEW_YORK, datetime(2026, 11, 1, 0, 30, tzinfo=NEW_YORK), 4)

    assert spring == ["08 01:30-0500", "08 03:00-0400", "08 03:30-0400"]
    assert autumn == ["01 01:00-0400", "01 01:00-0500", "01 02:00-0500", "01 03:00-0500"]


def test_hours_in_steps_are_hours_of_the_day():
    berlin = ZoneInfo("Europe/Berlin")

    autumn = walls("0 */2 * * *", berlin, datetime(2026, 10, 25, 0, 30, tzinfo=berlin), 3)
    spring = walls("0 */2 * * *", berlin, datetime(2026, 3, 29, 0, 30, tzinfo=berlin), 2)

    assert autumn == ["25 02:00+0200", "25 04:00+0100", "25 06:00+0100"]
    assert spring == ["29 03:00+0200", "29 04:00+0200"]


def test_the_end_of_the_calendar_ends_the_firings():
    assert list(islice(cron_firings("0 0 1 1 *", ZoneInfo("UTC"), datetime(9999, 6, 1, tzinfo=UTC)), 2)) == []


@pytest.mark.parametrize("line", ["0 9 L * *", "0 9 LW * *", "0 9 * * 5L", "0 9 * * 1#2"])
def test_lines_that_sets_cannot_say_have_no_fields(line: str):
    assert cron_fields(line) is None


def test_names_and_both_sundays_are_numbers():
    fields = cron_fields("0 9 * JUL SUN,7,WED")

    assert fields is not None
    assert (fields.months, fields.weekdays) == ({7}, {0, 3})


@pytest.mark.parametrize(
    ("values", "low", "high", "text"),
    [
        (range(60), 0, 59, "*"),
        (range(0, 60, 15), 0, 59, "*/15"),
        (range(9, 18), 0, 23, "9-17"),
        (range(8, 21, 2), 0, 23, "8-20/2"),
        ([0, 45], 0, 59, "0,45"),
        ([1, 2, 5], 1, 31, "1,2,5"),
    ],
)
def test_numbers_are_written_as_people_write_them(values: list[int], low: int, high: int, text: str):
    assert cron_field(list(values), low, high) == text


@given(st.sets(st.integers(0, 59), min_size=1), st.booleans())
def test_a_written_field_reads_back_as_its_numbers(values: set[int], step: bool):
    fields = cron_fields(f"{cron_field(values, 0, 59, step=step)} * * * *")

    assert fields is not None
    assert fields.minutes == values
