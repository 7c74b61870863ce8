import math

from hypothesis import given
from hypothesis import strategies as some

from mulle.monitor.sketch import ERROR, Buckets, bucket, merge, quantiles

MONTH = 31 * 86_400 * 1_000_000

values = some.lists(some.integers(min_value=1, max_value=MONTH), min_size=1, max_size=300)
shares = some.floats(min_value=0.001, max_value=1)


def sketch(numbers: list[int]) -> Buckets:
    counted: Buckets = {}
    for number in numbers:
        merge(counted, {bucket(number): 1})
    return counted


@given(values, shares)
def test_a_quantile_is_within_one_percent_of_the_value_of_its_rank(numbers: list[int], share: float):
    exact = sorted(numbers)[math.ceil(share * len(numbers)) - 1]

    (told,) = quantiles(sketch(numbers), [share])

    assert abs(told - exact) <= exact * ERROR * (1 + 1e-9)


@given(values, values)
def test_merged_sketches_are_the_sketch_of_everything(some_numbers: list[int], others: list[int]):
    merged = sketch(some_numbers)
    merge(merged, sketch(others))

    assert merged == sketch(others + some_numbers)


def test_a_month_to_the_microsecond_takes_few_buckets():
    assert bucket(MONTH) - bucket(1) < 1500


def test_nothing_and_no_time_at_all_have_quantiles_too():
    assert quantiles({}, [0.5, 0.95]) == [0.0, 0.0]
    assert quantiles(sketch([0, 0, 0, 500]), [0.5, 0.75]) == [0.0, 0.0]


@given(values)
def test_several_quantiles_are_those_that_are_asked_for_one_by_one(numbers: list[int]):
    shares = [0.01, 0.5, 0.5, 0.95, 0.99, 1.0]

    assert quantiles(sketch(numbers), shares) == [quantiles(sketch(numbers), [share])[0] for share in shares]
