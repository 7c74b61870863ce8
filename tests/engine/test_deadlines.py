"""A node's `timeout` bounds its body and its wait: from the first turn of an attempt to its ending."""

from typing import Any

import pytest
from tests.engine.graphs import END, body, describe, end, graph, step
from tests.engine.play import Play, path_of

from mulle.engine.facts import Execute, Failure, NodeFailed, NodeStarted, RunStarted
from mulle.engine.run import Run
from mulle.errors import BrokenJournal

INSIDE = body([step("work"), step("after"), end("result")], "work -> after", "after -> result")


def each(inside: dict[str, Any] = INSIDE, **policies: Any) -> Play:
    return Play(graph([step("each", body=inside, timeout=10, **policies), END], "each -> end"))


def asking(**policies: Any) -> Play:
    return Play(graph([step("ask", timeout=10, **policies), END], "ask -> end", "ask.error -> end"))


def deadline(play: Play) -> tuple[float, str] | None:
    found = play.run.deadline
    return found and (found[0], "/".join(map(str, found[1])))


# ---------------------------------------------------------------------- when the time is up


def test_the_time_counts_from_the_first_turn_to_the_ending():
    play = each()
    play.start("each")  # At 1.
    assert deadline(play) is None, "the turn itself is bounded by whoever runs it"
    play.apply_expand("each", 1)
    assert deadline(play) == (11.0, "each")
    for node in ("work", "after", "result"):
        play.does(f"each/0/{node}")
    assert deadline(play) is None
    play.expand("each", 1)
    assert deadline(play) == (11.0, "each"), "a later turn brings no more time"


def test_a_retry_has_the_whole_time_again():
    play = asking()
    play.wait("ask", signal="go")
    play.fail("ask", "timeout", retry_at=20.0, from_turn=1)
    assert deadline(play) is None
    play.wait("ask", signal="go")  # Started at 4.
    assert deadline(play) == (14.0, "ask")


def test_doing_an_interrupted_step_again_has_the_whole_time_again():
    play = asking()
    play.start("ask", effect="once")
    play.fail("ask", "interrupted", ask_until=9.0)
    play.signal("interrupted/ask", {"decision": "again"})
    play.start_again("ask")  # At 4.
    play.apply_wait("ask", signal="go")
    assert deadline(play) == (14.0, "ask")


def test_a_wait_that_is_over_before_its_time_is_up_is_not_bounded():
    play = asking()
    play.wait("ask", until=11.0)
    assert deadline(play) is None


def test_a_wait_for_longer_than_the_time_is_bounded_until_it_hears_something():
    play = asking()
    play.wait("ask", until=12.0, signal="go")
    assert deadline(play) == (11.0, "ask")
    play.signal("go")
    assert deadline(play) is None


def test_without_a_timeout_there_is_no_deadline():
    play = Play(graph([step("each", body=INSIDE), step("ask")]))
    play.expand("each", 1)
    play.wait("ask", signal="go")
    assert deadline(play) is None


def test_the_earliest_of_all_comes_first():
    inner = body([step("ask", timeout=3)])
    play = each(inner)
    play.expand("each", 1)
    play.wait("each/0/ask", signal="go")  # Started at 3.
    assert deadline(play) == (6.0, "each/0/ask")
    play.fail("each/0/ask", "timeout")
    assert play.listed == ["each"]
    assert deadline(play) is None


def test_what_a_fork_kept_has_the_forks_own_time():
    plan = graph([step("ask", timeout=10)])
    run = Run(plan, describe)
    run.apply(RunStarted(at=100.0, run="r", graph="g"))
    run.apply(NodeStarted(at=1.0, path=("ask",)))
    state = run.at(("ask",))[2]
    assert state.due == 110.0


def test_a_snapshot_keeps_the_deadline():
    plan = graph([step("ask", timeout=10)])
    play = Play(plan)
    play.wait("ask", signal="go")
    assert Run.restored(play.run.snapshot(), plan, describe).deadline == (11.0, ("ask",))


# ---------------------------------------------------------------------- a body


def test_nothing_new_starts_in_a_body_whose_time_is_up_and_what_is_under_way_is_stopped():
    play = each()
    play.expand("each", 3, limit=2)
    play.start("each/0/work", "each/1/work")
    play.fail("each", "timeout")
    assert play.listed == []
    assert play.stopping == ["each/0/work", "each/1/work"]
    assert play.statuses("each", "each/0/after") == ["expanded", "skipped"]
    play.stop("each/0/work")
    assert play.status("each") == "expanded"
    play.stop("each/1/work")
    assert play.status("each") == "failed"
    assert play.outcome == ("failed", "", {})
    assert play.run.finish
    assert play.run.finish.error == play.state("each").error


def test_a_once_step_in_flight_may_finish():
    play = each()
    play.expand("each", 1)
    play.start("each/0/work", effect="once")
    play.fail("each", "timeout")
    assert play.stopping == []
    play.done("each/0/work", {"out": 1})
    assert play.statuses("each/0/work", "each/0/after", "each") == ["done", "skipped", "failed"]


def test_a_body_in_which_nothing_runs_ends_at_once():
    play = each(on_error="default", default_outputs={"out": "없음"})
    play.expand("each", 2)
    play.fail("each", "timeout")
    assert play.statuses("each", "each/0/work", "each/1/work") == ["done", "skipped", "skipped"]
    assert play.state("each").outputs == {"out": "없음"}
    assert play.listed == ["end"]


def test_a_branch_takes_the_error_when_all_inside_has_ended():
    play = each(on_error="branch")
    play.expand("each", 1)
    play.wait("each/0/work", signal="go")
    play.fail("each", "timeout")
    assert play.listed == []
    play.stop("each/0/work")
    outputs = play.state("each").outputs
    assert outputs
    assert outputs["error"]["type"] == "boom"


def test_a_retry_begins_anew_with_other_scopes():
    play = each()
    play.expand("each", 1, memo=7)
    play.start("each/0/work")
    play.fail("each", "timeout", retry_at=30.0, from_turn=1)
    assert play.listed == []
    play.stop("each/0/work")
    assert play.run.commands["each",] == Execute(("each",), turn=1, attempt=2, not_before=30.0)
    assert (play.state("each").memo, play.state("each").expansion) == (None, None)
    play.expand("each", 1)
    assert play.listed == ["each/1/work"]
    play.fail("each", "timeout", retry_at=30.0, from_turn=1)
    assert play.run.commands["each",].attempt == 3


def test_a_body_in_a_body_is_stopped_with_it():
    inner = body([step("loop", body=INSIDE, timeout=3, on_error="branch")])
    play = each(inner)
    play.expand("each", 1)
    play.expand("each/0/loop", 1)
    play.start("each/0/loop/0/work")
    play.fail("each/0/loop", "timeout")
    play.fail("each", "timeout")
    assert deadline(play) is None
    play.stop("each/0/loop/0/work")
    assert play.stopping == ["each/0/loop"]
    play.stop("each/0/loop")
    assert play.statuses("each/0/loop", "each") == ["stopped", "failed"]


def test_a_cancelled_run_has_no_deadlines():
    play = each()
    play.expand("each", 1)
    play.start("each/0/work")
    play.cancel()
    assert deadline(play) is None


# ---------------------------------------------------------------------- a wait


def test_a_wait_fails_at_once_and_hears_nothing_any_more():
    play = asking(on_error="branch")
    play.wait("ask", until=50.0, signal="go")
    play.fail("ask", "timeout")
    assert play.listed == ["end"]
    assert play.status("ask") == "done"
    assert play.run.listening_to("go") == []


def test_a_wait_that_fails_for_good_ends_the_run():
    play = asking()
    play.wait("ask", signal="go")
    play.fail("ask", "timeout")
    assert play.outcome == ("failed", "", {})


# ---------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize("kind", ["error", "interrupted", "stopped"])
def test_only_time_fails_a_node_that_waits_or_whose_body_is_at_work(kind: Any):
    for play in (each(), asking()):
        node = "each" if "each" in play.listed else "ask"
        play.expand(node, 1) if node == "each" else play.wait(node)
        with pytest.raises(BrokenJournal):
            play.fail(node, kind)


def test_the_time_of_a_node_is_up_once():
    play = each()
    play.expand("each", 1)
    play.start("each/0/work")
    play.fail("each", "timeout")
    with pytest.raises(BrokenJournal):
        play.fail("each", "timeout")


def test_a_body_that_is_stopped_already_cannot_time_out():
    play = Play(graph([step("each", body=INSIDE, timeout=10), step("other")]))
    play.expand("each", 1)
    play.start("each/0/work", "other")
    play.fail("other")
    with pytest.raises(BrokenJournal):
        play.fail("each", "timeout")


def test_a_node_that_has_not_begun_cannot_time_out():
    run = asking().run
    failed = NodeFailed(at=1.0, path=path_of("ask"), kind="timeout", error=Failure("boom", ""))
    with pytest.raises(BrokenJournal):
        run.apply(failed)
