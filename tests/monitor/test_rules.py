"""Alert rules as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mulle.monitor.rules import FIGURES, BadRule, Silence, Threshold, parse_rule
from mulle.monitor.tally import Tally


def stats(**more: float) -> dict[str, float]:
    return Tally().told() | {"tokens": 0, "cost_usd": 0.0} | more


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("failure_rate > 30 over 1h", "failure_rate > 30% over 1h"),
        ("FAILURE_RATE>30%", "failure_rate > 30% over 1h"),
        ("p95 > 5s over 1d", "p95 > 5 s over 1d"),
        ("mean >= 250ms over 30m", "mean >= 0.25 s over 30m"),
        ("cost > 10 usd over 1d", "cost > 10 usd over 1d"),
        ("cost > 10$", "cost > 10 usd over 1h"),
        ("tokens > 1.5M over 7d", "tokens > 1500000 over 7d"),
        ("runs < 5 over 2d", "runs < 5 over 2d"),
        ("no run for 25h", "no run for 25h"),
        ("no success for 2d", "no success for 2d"),
    ],
)
def test_a_rule_is_understood_and_said_back(text: str, canonical: str):
    rule = parse_rule(text)

    assert rule.text == canonical
    assert parse_rule(canonical) == rule


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("", 1, "one of"),
        ("failurerate > 3", 1, "failure_rate"),
        ("failure_rate 30", 14, "one of > >="),
        ("failure_rate > lots", 16, "a number"),
        ("failure_rate > 30 s", 19, "%"),
        ("p95 > 5s over", 14, "a number"),
        ("p95 > 5s over 1", 16, "unit of time"),
        ("p95 > 5s over 1y", 16, "unit of time"),
        ("p95 > 5s over 99d", 15, "31 d"),
        ("p95 > 5s over 0h", 15, "31 d"),
        ("no run", 7, "'for'"),
        ("no luck for 3d", 4, "run"),
        ("p95 > 5s over 1d; drop", 17, "';'"),
        ("__import__('os')", 11, "'('"),
        ("p95 > 5s " + "over 1d " * 99, 200, "too long"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place_and_what_was_expected(text: str, place: int, why: str):
    with pytest.raises(BadRule) as refused:
        parse_rule(text)

    assert f"character {place}:" in refused.value.text
    assert why in refused.value.text
    assert "failure_rate > 30 over 1h" in refused.value.advice


@given(some.text(max_size=300))
def test_every_text_is_a_rule_or_refused(text: str):
    try:
        rule = parse_rule(text)
    except BadRule:
        return
    assert parse_rule(rule.text) == rule


@given(some.sampled_from(sorted(FIGURES)), some.sampled_from([">", ">=", "<", "<="]), some.integers(0, 10**9))
def test_every_figure_can_be_compared(figure: str, sign: str, value: int):
    rule = parse_rule(f"{figure} {sign} {value} over 90m")

    assert isinstance(rule, Threshold)
    assert (rule.value, rule.over) == (value, 5400)
    rule.judge(stats())


def test_a_rate_of_nothing_fires_nothing_and_a_count_of_nothing_is_zero():
    rate, count = parse_rule("success_rate < 80"), parse_rule("runs < 5")
    assert isinstance(rate, Threshold)
    assert isinstance(count, Threshold)

    assert not rate.judge(stats())[0]
    assert count.judge(stats()) == (True, "runs is 0 over 0 run(s)")


def test_a_threshold_fires_beyond_it_and_says_what_it_saw():
    rule = parse_rule("failure_rate > 30")
    assert isinstance(rule, Threshold)

    low = rule.judge(stats(executions=10, successes=7, failures=3, failure_rate=30.0))
    high = rule.judge(stats(executions=10, successes=6, failures=4, failure_rate=40.0))

    assert low == (False, "failure_rate is 30% over 10 run(s)")
    assert high == (True, "failure_rate is 40% over 10 run(s)")


def test_silence_fires_when_it_has_lasted_too_long():
    rule = parse_rule("no run for 25h")
    assert isinstance(rule, Silence)

    assert rule.judge(0.0, 24 * 3600.0) == (False, "the last run was 1d ago")
    assert rule.judge(0.0, 26 * 3600.0) == (True, "the last run was 26h ago")
