"""A cancelled run always ends, whatever is under way."""

import pytest
from tests.engine.graphs import END, body, graph, step
from tests.engine.play import Play

from mulle.engine.facts import Failure


def test_what_has_not_started_is_skipped_and_what_runs_is_stopped():
    play = Play(graph([step("a"), step("b"), step("c")], "a -> c"))
    play.start("a")
    play.cancel(reason="그만")
    assert play.statuses("b", "c") == ["skipped", "skipped"]
    assert (play.listed, play.stopping) == ([], ["a"])
    play.stop("a")
    assert play.outcome == ("cancelled", "cancelled", {})


def test_a_once_step_in_flight_is_stopped_too():
    play = Play(graph([step("mail")]))
    play.start("mail", effect="once")
    play.cancel()
    assert play.stopping == ["mail"]
    play.fail("mail", "interrupted", ask_until=9.0)
    assert play.status("mail") == "failed"
    assert play.outcome[0] == "cancelled"


def test_a_once_step_that_might_have_finished_after_a_failure_is_stopped_by_a_cancel():
    inside = body([step("mail"), step("bad")])
    play = Play(graph([step("each", body=inside)]))
    play.expand("each", [{}])
    play.start("each/0/mail", effect="once")
    play.start("each/0/bad")
    play.fail("each/0/bad")
    assert play.listed == ["each/0/mail"]
    play.cancel()
    assert play.stopping == ["each/0/mail"]
    play.fail("each/0/mail", "interrupted")
    play.stop("each")
    assert play.outcome[0] == "cancelled"


def test_everything_that_waits_anywhere_is_stopped():
    nodes = [step("wait"), step("ask"), step("retry"), step("each", body=body([step("deep")])), step("again")]
    play = Play(graph(nodes))
    play.wait("wait")
    play.start("ask", effect="once")
    play.fail("ask", "interrupted", ask_until=9.0)
    play.start("retry")
    play.fail("retry", retry_at=9.0)
    play.expand("each", [{}])
    play.wait("each/0/deep")
    play.expand("again", [], plan=body([]))
    play.cancel()
    assert play.stopping == ["wait", "ask", "retry", "again", "each/0/deep"]
    assert play.run.waiting() == {}
    play.stop("wait", "ask", "retry", "each/0/deep", "again", "each")
    assert play.outcome[0] == "cancelled"


def test_a_step_that_finishes_all_the_same_is_done_and_nothing_follows():
    play = Play(graph([step("a"), step("b")], "a -> b"))
    play.start("a")
    play.cancel()
    play.done("a", {"out": 1})
    assert play.statuses("a", "b") == ["done", "skipped"]
    assert play.outcome[0] == "cancelled"


def test_a_step_that_asks_for_more_after_a_cancel_is_stopped():
    play = Play(graph([step("a", body=body([step("x")])), step("b"), step("c")]))
    play.start("a", "b", "c")
    play.cancel()
    play.apply_expand("a", [{}])
    play.apply_wait("b", until=9.0)
    play.fail("c", retry_at=9.0)
    assert play.stopping == ["a", "b"]
    play.stop("a", "b")
    assert play.outcome[0] == "cancelled"


def test_cancelling_twice_is_cancelling_once():
    play = Play(graph([step("a")]))
    play.start("a")
    play.cancel(reason="first")
    play.cancel(reason="second", detail="timeout")
    play.stop("a")
    assert play.outcome == ("cancelled", "cancelled", {})


def test_a_run_that_had_nothing_left_to_do_is_cancelled_as_long_as_its_end_is_not_written():
    play = Play(graph([END]))
    play.does("end", {"x": 1})
    assert play.outcome[0] == "succeeded"
    play.cancel()
    assert play.outcome == ("cancelled", "cancelled", {})


def test_a_run_that_is_cancelled_before_anything_started_is_over_at_once():
    play = Play(graph([step("a"), step("b")], "a -> b"))
    play.cancel()
    assert play.outcome == ("cancelled", "cancelled", {})
    play.end()
    assert play.listed == []


@pytest.mark.parametrize("detail", ["timeout", "poisoned"])
def test_a_run_that_was_cut_off_has_failed(detail: str):
    play = Play(graph([step("a")]))
    play.cancel(detail=detail, reason="너무 오래 걸렸습니다.")
    assert play.outcome == ("failed", detail, {})
    assert play.run.finish is not None
    assert play.run.finish.error == Failure(
        {"timeout": "run.timed_out"}.get(detail, "run.poisoned"), "너무 오래 걸렸습니다."
    )


def test_a_signal_to_a_cancelled_run_changes_nothing():
    play = Play(graph([step("a")]))
    play.wait("a")
    play.cancel()
    play.signal("a")
    assert (play.listed, play.stopping) == ([], ["a"])
