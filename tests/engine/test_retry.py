"""When a failed node is tried again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.document.workflow import NodeSpec
from mulle.engine.retry import ASK_FOR, GIVE_UP, Verdict, verdict


def node(**policies: Any) -> NodeSpec:
    return NodeSpec.model_validate({"id": "a", "type": "step", **policies})


def judged(spec: NodeSpec, **facts: Any) -> Verdict:
    told: dict[str, Any] = {
        "kind": "error",
        "attempt": 1,
        "effect": "repeatable",
        "sent": True,
        "now": 100.0,
        "chance": 0.5,
    }
    return verdict(spec, **told | facts)


THRICE = node(retry={"max": 3, "delay": "2s", "factor": 3, "max_delay": "10s"})


def test_without_a_policy_nothing_is_tried_again():
    assert judged(node()) == GIVE_UP


@pytest.mark.parametrize(("attempt", "at"), [(1, 102.0), (2, 106.0), (3, 110.0)])
def test_pauses_grow_up_to_their_bound(attempt: int, at: float):
    assert judged(THRICE, attempt=attempt) == Verdict(retry_at=at)


def test_after_the_last_attempt_it_is_over():
    assert judged(THRICE, attempt=4) == GIVE_UP


def test_chance_spreads_the_pauses():
    assert judged(THRICE, chance=0.0).retry_at == pytest.approx(101.8)
    assert judged(THRICE, chance=1.0).retry_at == pytest.approx(102.2)


def test_only_the_kinds_that_are_named_are_tried_again():
    spec = node(retry={"max": 1, "on": ["timeout"]})
    assert judged(spec, kind="timeout").retry_at is not None
    assert judged(spec, kind="error") == GIVE_UP


def test_what_was_stopped_is_never_tried_again():
    assert judged(THRICE, kind="stopped") == GIVE_UP


def test_a_once_step_is_tried_again_only_if_nothing_was_sent():
    assert judged(THRICE, effect="once", sent=True) == GIVE_UP
    assert judged(THRICE, effect="once", sent=False).retry_at == 102.0


def test_an_interrupted_once_step_is_asked_about_for_a_week():
    assert judged(node(), effect="once", kind="interrupted") == Verdict(ask_until=100.0 + ASK_FOR)
    assert ASK_FOR == 7 * 24 * 3600


def test_an_interrupted_once_step_fails_or_is_done_again_where_the_owner_said_so():
    assert judged(node(on_interrupted="fail"), effect="once", kind="interrupted") == GIVE_UP
    again = node(on_interrupted="retry", retry={"delay": "2s"})
    assert judged(again, effect="once", kind="interrupted") == Verdict(retry_at=102.0)
    assert judged(again, effect="once", kind="interrupted", attempt=3) == Verdict(retry_at=108.0)


def test_an_interrupted_step_that_may_run_twice_follows_its_retries():
    assert judged(THRICE, kind="interrupted").retry_at == 102.0
    assert judged(node(), kind="interrupted") == GIVE_UP


retries = st.fixed_dictionaries(
    {
        "max": st.just(1000),
        "factor": st.floats(1, 100),
        "delay": st.floats(0, 3e8),
        "max_delay": st.floats(0, 3e8),
        "jitter": st.floats(0, 1),
    }
)


@given(retries, st.integers(1, 1000), st.floats(0, 1))
def test_a_retry_is_never_in_the_past_and_never_beyond_its_bound(retry: dict[str, float], attempt: int, chance: float):
    at = judged(node(retry=retry), attempt=attempt, chance=chance).retry_at
    assert at is not None
    assert 100.0 <= at <= 100.0 + retry["max_delay"] * (1 + retry["jitter"]) * 1.001
