import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mulle.monitor.tally import Tally

durations = some.lists(
    some.floats(min_value=0, max_value=1e6).map(lambda second: round(second, 6)), min_size=2, max_size=50
)


def counted(seconds: list[float], status: str = "succeeded") -> Tally:
    tally = Tally()
    for one in seconds:
        tally.count(status, one)
    return tally


@given(durations)
def test_mean_and_deviation_are_those_of_the_textbook(seconds: list[float]):
    told = counted(seconds).told()

    assert told["avg_duration"] == pytest.approx(statistics.mean(seconds), abs=2e-6)
    assert told["stdev_duration"] == pytest.approx(statistics.stdev(seconds), abs=2e-6)
    assert (told["min_duration"], told["max_duration"]) == (min(seconds), max(seconds))
    assert told["total_duration"] == pytest.approx(sum(seconds), abs=1e-5)


@given(durations, durations)
def test_what_is_added_up_does_not_depend_on_the_order(one: list[float], other: list[float]):
    there, back = counted(one), counted(other, "failed")
    there.add(counted(other, "failed"))
    back.add(counted(one))

    assert there == back


def test_rates_are_percent_of_what_succeeded_or_failed():
    tally = Tally()
    for status in ("succeeded", "succeeded", "failed", "cancelled"):
        tally.count(status, 1.0)

    told = tally.told()

    assert (told["executions"], told["cancelled"]) == (4, 1)
    assert (told["success_rate"], told["failure_rate"]) == (66.67, 33.33)


def test_who_never_finished_has_no_rate_and_no_duration():
    tally = counted([5.0], "cancelled")

    assert {name: value for name, value in tally.told().items() if value} == {"executions": 1, "cancelled": 1}


def test_quantiles_stay_within_what_was_seen():
    told = counted([1.0, 1.0, 1.0]).told()

    assert told["p50_duration"] == told["p99_duration"] == 1.0
