from datetime import date

import pytest

from mulle.errors import UnknownCalendar
from mulle.triggers.workdays import check_country, country_of, passes, rolled


@pytest.mark.parametrize(
    ("day", "business"),
    [
        (date(2026, 3, 2), False),  # The substitute for 1 March, a Sunday.
        (date(2026, 2, 16), False),  # Seollal.
        (date(2026, 2, 19), True),
        (date(2026, 5, 25), False),  # The substitute for Buddha's birthday.
        (date(2026, 8, 17), False),  # The substitute for Liberation Day.
        (date(2026, 1, 3), False),
        (date(2026, 1, 2), True),
    ],
)
def test_substitute_holidays_of_korea_are_no_business_days(day: date, business: bool):
    assert passes("business_days", day, "KR") is business


def test_each_filter_means_what_its_name_says():
    saturday, new_year, monday = date(2026, 1, 3), date(2026, 1, 1), date(2026, 1, 5)

    assert [passes("not_holidays", day, "KR") for day in (saturday, new_year, monday)] == [True, False, True]
    assert [passes("holidays", day, "KR") for day in (saturday, new_year, monday)] == [False, True, False]
    assert [passes("days_off", day, "KR") for day in (saturday, new_year, monday)] == [True, True, False]
    assert [passes("not_weekends", day, None) for day in (saturday, new_year, monday)] == [False, True, True]


def test_days_roll_to_the_nth_business_day():
    assert rolled(date(2026, 3, 1), "business_days", "KR", "following") == date(2026, 3, 3)
    assert rolled(date(2026, 3, 1), "business_days", "KR", "following", 3) == date(2026, 3, 5)
    assert rolled(date(2026, 2, 28), "business_days", "KR", "preceding") == date(2026, 2, 27)
    assert rolled(date(2026, 1, 1), "holidays", "KR", "following", 60) is None


def test_a_country_follows_from_the_time_zone():
    assert (country_of("Asia/Seoul"), country_of("America/New_York"), country_of("UTC")) == ("KR", "US", None)


def test_a_country_without_data_is_refused():
    with pytest.raises(UnknownCalendar, match="ZZ") as caught:
        check_country("zz", at="triggers[0].country")

    assert caught.value.at == "triggers[0].country"
    assert check_country("kr") == "KR"
    with pytest.raises(UnknownCalendar, match="this time zone"):
        passes("holidays", date(2026, 1, 1), None)
