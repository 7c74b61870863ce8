from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mulle.errors import BadRecurrence
from mulle.triggers.recurrence import localise, read_recurrence, recurrence_firings

SEOUL = ZoneInfo("Asia/Seoul")
NEW_YORK = ZoneInfo("America/New_York")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=SEOUL)


def fire(text: str, count: int, zone: ZoneInfo = SEOUL, after: datetime = NEW_YEAR) -> list[str]:
    firings = recurrence_firings(read_recurrence(text, zone), zone, after)
    return [f"{firing:%m-%d %H:%M%z}" for firing in islice(firings, count)]


def test_wall_clock_rules_stay_at_their_hour_through_the_change():
    text = "DTSTART;TZID=America/New_York:20260307T090000\nRRULE:FREQ=DAILY;INTERVAL=2"

    found = fire(text, 2, NEW_YORK, datetime(2026, 3, 7, tzinfo=NEW_YORK))

    assert found == ["03-07 09:00-0500", "03-09 09:00-0400"]


def test_elapsed_rules_keep_their_distance_through_the_change():
    text = "DTSTART:20260308T003000\nRRULE:FREQ=MINUTELY;INTERVAL=90"

    found = fire(text, 3, NEW_YORK, datetime(2026, 3, 8, tzinfo=NEW_YORK))

    assert found == ["03-08 00:30-0500", "03-08 03:00-0400", "03-08 04:30-0400"]


def test_a_skipped_time_fires_behind_the_gap_and_a_doubled_one_once():
    gap = "RRULE:FREQ=MONTHLY;BYMONTH=3;BYMONTHDAY=8;BYHOUR=2;BYMINUTE=30"
    twice = "RRULE:FREQ=MONTHLY;BYMONTH=11;BYMONTHDAY=1;BYHOUR=1;BYMINUTE=30"
    begin = datetime(2026, 1, 1, tzinfo=NEW_YORK)

    assert fire(gap, 1, NEW_YORK, begin) == ["03-08 03:00-0400"]
    assert fire(twice, 2, NEW_YORK, begin) == ["11-01 01:30-0400", "11-01 01:30-0400"]  # 2026 and 2027
    assert localise(datetime(2026, 11, 1, 1, 30), NEW_YORK).fold == 0  # noqa: DTZ001  # A wall-clock time.


def test_old_rules_give_the_same_firings_as_new_ones():
    old = "DTSTART:19990104T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH"

    zone = ZoneInfo("UTC")
    slow = read_recurrence(old + ";COUNT=2000", zone)
    after = datetime(2026, 1, 1, tzinfo=UTC)

    assert list(islice(recurrence_firings(read_recurrence(old, zone), zone, after), 8)) == list(
        islice(recurrence_firings(slow, zone, after), 8)
    )


def test_rules_dates_and_exceptions_come_together_in_order():
    text = """DTSTART:20260105T090000
        RRULE:FREQ=WEEKLY;BYDAY=MO
        RRULE:FREQ=MONTHLY;BYMONTHDAY=-1
        RDATE:20260106T120000
        EXDATE:20260112T090000"""

    assert fire(text, 4) == ["01-05 09:00+0900", "01-06 12:00+0900", "01-19 09:00+0900", "01-26 09:00+0900"]


def test_count_and_until_end_a_rule():
    assert len(fire("DTSTART:20260105T090000\nRRULE:FREQ=DAILY;COUNT=3", 9)) == 3
    assert len(fire("DTSTART:20260105T090000\nRRULE:FREQ=HOURLY;INTERVAL=7;COUNT=4", 9)) == 4
    assert len(fire("DTSTART:20260105T090000\nRRULE:FREQ=DAILY;UNTIL=20260107T000000Z", 9)) == 3
    assert len(fire("DTSTART:20260105T090000\nRRULE:FREQ=MINUTELY;INTERVAL=10;UNTIL=20260105T092000", 9)) == 3


def test_a_start_in_utc_is_brought_to_the_zone():
    assert fire("DTSTART:20260105T000000Z\nRRULE:FREQ=DAILY", 1) == ["01-05 09:00+0900"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "neither RRULE nor RDATE"),
        ("FREQ=SOMETIMES", "FREQ must be"),
        ("RRULE:INTERVAL=2", "FREQ must be"),
        ("RRULE:FREQ=DAILY;INTERVAL=2;BYHOUR=9;BYMINUTE=0", "needs DTSTART"),
        ("RRULE:FREQ=WEEKLY;BYHOUR=9;BYMINUTE=0", "needs DTSTART"),
        ("RRULE:FREQ=DAILY", "needs DTSTART"),
        ("RRULE:FREQ=MINUTELY;INTERVAL=90", "needs DTSTART"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY;COUNT=many", "COUNT"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "takes no BYMONTH"),
        ("DTSTART:tomorrow\nRRULE:FREQ=DAILY", "is not a time"),
        ("DTSTART:20261301T000000\nRRULE:FREQ=DAILY", "there is no time"),
        ("DTSTART:10000101T000000\nRRULE:FREQ=DAILY", "before 1970"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY;BYEASTER=0", "not a part"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=WEEKLY;BYDAY=XX", "do not fit"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY;BYHOUR=99", "do not fit"),
        ("DTSTART:20260101T000000\nEXRULE:FREQ=DAILY", "not known here"),
        ("RRULE:FREQ=DAILY;BYHOUR=" + "9," * 2000, "too long"),
    ],
)
def test_what_cannot_be_followed_is_refused(text: str, why: str):
    with pytest.raises(BadRecurrence, match=why):
        read_recurrence(text, SEOUL)


def test_a_rule_that_never_fires_ends():
    assert fire("RRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=9;BYMINUTE=0", 1) == []


@settings(deadline=None)
@given(
    st.sampled_from(["DAILY;BYHOUR=9;BYMINUTE=0", "WEEKLY;BYDAY=TU,SU;BYHOUR=1,2;BYMINUTE=30", "HOURLY", "MINUTELY"]),
    st.integers(1, 100),
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001  # Made aware below.
    st.sampled_from(["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Seoul"]),
)
def test_firings_grow_and_lie_after(rule: str, interval: int, moment: datetime, name: str):
    zone = ZoneInfo(name)
    after = moment.replace(tzinfo=UTC)
    text = f"DTSTART:20250101T013000\nRRULE:FREQ={rule};INTERVAL={interval}"

    found = list(islice(recurrence_firings(read_recurrence(text, zone), zone, after), 6))

    instants = [after, *(firing.astimezone(UTC) for firing in found)]
    assert all(later > earlier for earlier, later in pairwise(instants))
    assert instants[1] - after <= timedelta(days=7 * interval + 8)
