"""What a run may use up, and what its facts say it has."""

from typing import Any

import pytest
from tests.engine.graphs import describe, graph, step
from tests.engine.play import Play

from mulle.engine.budget import Spent
from mulle.engine.facts import Budget, NodeDone
from mulle.engine.run import Run


def test_every_turn_that_begins_is_a_step():
    play = Play(graph([step("a"), step("b")]), budget=Budget(steps=2))
    play.start("a")
    assert play.run.over_budget() == ""
    play.start("b")
    assert play.run.over_budget() == "The run has used its budget of 2 steps."


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(tokens=30), "The run has used 30 tokens of its budget of 30."),
        (Budget(tokens=31), ""),
        (Budget(money=0.5), "The run has used 0.5000 US dollars of its budget of 0.5."),
        (Budget(money=0.51), ""),
        (Budget(), ""),
    ],
)
def test_tokens_and_money_are_what_the_steps_say_they_used(budget: Budget, said: str):
    play = Play(graph([step("a")]), budget=budget)
    play.start("a")
    usage = {"input_tokens": 10, "output_tokens": 20, "cost": 0.5}
    play.apply(NodeDone(at=0.0, path=("a",), usage=usage))
    assert play.run.over_budget() == said


@pytest.mark.parametrize("usage", [{"input_tokens": "many"}, {"cost": True}, {"cost": -3}, {"output_tokens": None}])
def test_what_is_no_amount_counts_as_nothing(usage: dict[str, Any]):
    spent = Spent()
    spent.take(usage)
    assert spent == Spent()


def test_a_run_without_a_budget_is_never_beyond_it():
    play = Play(graph([step("a")]))
    play.start("a")
    assert play.run.over_budget() == ""
    assert Run(play.run.plan, describe).over_budget() == ""


def test_a_snapshot_remembers_what_was_used():
    play = Play(graph([step("a"), step("b")]), budget=Budget(steps=1))
    play.start("a")
    again = Run.restored(play.run.snapshot(), play.run.plan, describe)
    assert again.over_budget() == play.run.over_budget() != ""


def test_a_run_that_is_cut_off_for_its_budget_has_failed_with_the_reason():
    play = Play(graph([step("a")]))
    play.cancel(reason="too much", detail="over_budget")
    assert play.run.finish is not None
    error = play.run.finish.error
    assert error is not None
    assert (play.run.finish.status, error.type, error.message) == ("failed", "run.over_budget", "too much")
