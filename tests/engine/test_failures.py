"""What becomes of a node that fails: retries, policies, siblings, and a person's word about what was interrupted."""

from typing import Any

import pytest
from tests.engine.graphs import END, body, end, graph, step
from tests.engine.play import Play

from mulle.engine.facts import Execute, Failure
from mulle.engine.plan import ScopePlan


def two(**policies: Any) -> ScopePlan:
    """`a` may fail; `b` comes after it, `other` beside it, `handler` on its error branch."""
    nodes = [step("a", **policies), step("other"), step("b", takes=("x",)), step("handler", takes=("x",)), END]
    return graph(nodes, "a.out -> b.x", "a.error -> handler", "b.out -> end.b", "handler.out -> end.h")


# ---------------------------------------------------------------------- retry


def test_a_failure_with_a_time_is_tried_again_then():
    play = Play(two())
    play.start("a")
    play.fail("a", retry_at=30.0)
    assert play.status("a") == "retrying"
    assert play.run.commands["a",] == Execute(("a",), turn=1, attempt=2, not_before=30.0)


def test_a_retry_that_succeeds_is_a_success():
    play = Play(graph([step("a"), END], "a.out -> end.x"))
    play.start("a")
    play.fail("a", retry_at=30.0)
    play.does("a", {"out": "좋음"})
    play.does("end", {"x": "좋음"})
    assert play.outcome == ("succeeded", "", {"x": "좋음"})


def test_a_retry_begins_at_the_turn_that_failed_and_keeps_what_the_node_noted():
    play = Play(graph([step("agent")]))
    play.wait("agent", until=5.0, memo={"history": ["안녕"]})
    play.signal("agent", "hello")
    play.start("agent")
    play.fail("agent", retry_at=9.0)
    assert play.run.commands["agent",] == Execute(("agent",), turn=2, attempt=2, not_before=9.0)
    assert play.state("agent").memo == {"history": ["안녕"]}
    assert play.state("agent").signal == {"id": "s3", "name": "agent", "payload": "hello"}


def test_a_retry_from_a_turn_forgets_what_came_after_it_and_never_reuses_an_ordinal():
    play = Play(graph([step("each", body=body([step("x")]))]))
    play.expand("each", [{}, {}], memo="noted")
    play.does("each/0/x")
    play.does("each/1/x")
    play.start("each")
    play.fail("each", retry_at=1.0, from_turn=1)
    assert play.run.commands["each",] == Execute(("each",), turn=1, attempt=2, not_before=1.0)
    assert (play.state("each").memo, play.state("each").expansion) == (None, None)
    play.expand("each", [{}])
    assert play.listed == ["each/2/x"]


# ---------------------------------------------------------------------- on_error


def test_a_failed_node_ends_its_scope_and_running_siblings_are_stopped():
    play = Play(two())
    play.start("a", "other")
    play.fail("a")
    assert play.statuses("a", "b", "handler", "end") == ["failed", "skipped", "skipped", "skipped"]
    assert play.stopping == ["other"]
    assert play.listed == []
    play.stop("other")
    assert play.status("other") == "stopped"
    assert play.outcome == ("failed", "", {})
    assert play.run.finish is not None
    assert play.run.finish.error == Failure("boom", "터졌습니다.", "a")


def test_siblings_that_were_ready_are_skipped_and_those_that_wait_or_retry_are_stopped():
    nodes = [step(name) for name in ("a", "ready", "waits", "retries", "asks")]
    play = Play(graph(nodes))
    play.wait("waits", until=99.0)
    play.start("retries", "a")
    play.fail("retries", retry_at=50.0)
    play.start("asks", effect="once")
    play.fail("asks", "interrupted", ask_until=70.0)
    play.fail("a")
    assert play.status("ready") == "skipped"
    assert sorted(play.stopping) == ["asks", "retries", "waits"]
    play.stop("waits", "retries", "asks")
    assert play.outcome[0] == "failed"


def test_once_siblings_in_flight_may_finish_when_a_scope_fails():
    play = Play(graph([step("a"), step("mail"), step("after")], "mail -> after"))
    play.start("mail", effect="once")
    play.start("a")
    play.fail("a")
    assert (play.listed, play.stopping) == (["mail"], [])
    play.done("mail", {"sent": True})
    assert play.statuses("mail", "after") == ["done", "skipped"]
    assert play.outcome[0] == "failed"


def test_once_siblings_that_fail_or_go_on_in_a_failed_scope_come_to_their_end():
    nodes = [
        step("a"),
        *(step(name, body=body([step("x")])) for name in ("fails", "retries", "asks", "waits", "opens")),
    ]
    play = Play(graph(nodes))
    play.start("fails", "retries", "asks", "waits", "opens", effect="once")
    play.start("a")
    play.fail("a")
    play.fail("fails")
    play.fail("retries", retry_at=9.0)
    play.fail("asks", "interrupted", ask_until=9.0)
    play.apply_wait("waits", until=9.0)
    play.apply_expand("opens", [{}, {}])
    assert play.statuses("fails", "retries", "asks") == ["failed", "failed", "failed"]
    assert play.stopping == ["waits", "opens"]
    play.stop("waits", "opens")
    assert play.outcome[0] == "failed"


def test_the_first_failure_is_the_runs_failure():
    play = Play(graph([step("a"), step("mail")]))
    play.start("a")
    play.start("mail", effect="once")
    play.fail("a", error=Failure("first", "1", "a"))
    play.fail("mail", error=Failure("second", "2", "mail"))
    assert play.run.finish is not None
    assert play.run.finish.error == Failure("first", "1", "a")


def test_on_error_default_gives_the_given_outputs():
    play = Play(two(on_error="default", default_outputs={"out": []}))
    play.start("a")
    play.fail("a")
    assert play.status("a") == "done"
    assert play.state("a").outputs == {"out": []}
    assert play.listed == ["other", "b"]
    assert play.status("handler") == "skipped"


def test_on_error_default_without_outputs_gives_none():
    play = Play(two(on_error="default"))
    play.start("a")
    play.fail("a")
    assert play.state("a").outputs == {}
    assert play.status("b") == "skipped"


def test_on_error_branch_takes_the_error_port():
    play = Play(two(on_error="branch"))
    play.start("a")
    play.fail("a")
    assert play.state("a").outputs == {"error": {"type": "boom", "message": "터졌습니다.", "node": "a"}}
    assert play.status("b") == "skipped"
    assert play.listed == ["other", "handler"]


def test_a_handled_error_is_not_a_failed_run():
    play = Play(graph([step("a", on_error="branch"), end()], "a.error -> end"))
    play.start("a")
    play.fail("a")
    play.does("end", {})
    assert play.outcome == ("succeeded", "", {})


@pytest.mark.parametrize(("policy", "outcome"), [("fail", "failed"), ("branch", "succeeded")])
def test_a_step_that_stops_itself_in_an_open_scope_has_failed(policy: str, outcome: str):
    play = Play(graph([step("a", on_error=policy), step("b")], "a.error -> b"))
    play.start("a")
    play.stop("a")
    if outcome == "succeeded":
        play.does("b")
    assert play.outcome[0] == outcome


# ---------------------------------------------------------------------- in bodies


def test_a_failure_in_a_body_ends_the_scope_and_its_container_hears_of_it():
    play = Play(graph([step("each", body=body([step("a"), step("b")])), step("outside")]))
    play.expand("each", [{}])
    play.start("each/0/a")
    play.fail("each/0/a")
    assert play.status("each/0/b") == "skipped"
    assert play.listed == ["outside", "each"]
    expansion = play.state("each").expansion
    assert expansion is not None
    [ending] = expansion.in_order()
    assert (ending.succeeded, ending.stopped, ending.error) == (
        False,
        False,
        Failure("boom", "터졌습니다.", "each/0/a"),
    )


def test_a_container_that_fails_follows_its_own_policies():
    nodes = [step("each", body=body([step("a")]), on_error="branch"), step("handler"), END]
    play = Play(graph(nodes, "each.error -> handler", "handler.out -> end.x"))
    play.expand("each", [{}])
    play.start("each/0/a")
    play.fail("each/0/a")
    play.start("each")
    play.fail("each")
    assert play.listed == ["handler"]


def test_an_error_branch_inside_a_body_keeps_the_scope_alive():
    inside = body([step("a", on_error="branch"), end("result", takes=("e",))], "a.error -> result")
    play = Play(graph([step("each", body=inside)]))
    play.expand("each", [{}])
    play.start("each/0/a")
    play.fail("each/0/a")
    play.does("each/0/result", {"e": "caught"})
    expansion = play.state("each").expansion
    assert expansion is not None
    assert [(one.succeeded, one.outputs) for one in expansion.in_order()] == [(True, {"e": "caught"})]


def test_a_failure_outside_stops_what_is_deep_inside():
    inner = step("inner", body=body([step("leaf")]))
    play = Play(graph([step("a"), step("outer", body=body([inner]))]))
    play.expand("outer", [{}])
    play.expand("outer/0/inner", [{}, {}], limit=1)
    play.start("outer/0/inner/0/leaf", "a")
    play.fail("a")
    assert play.stopping == ["outer/0/inner/0/leaf"]
    play.stop("outer/0/inner/0/leaf")
    assert play.stopping == ["outer/0/inner"]
    play.stop("outer/0/inner")
    assert play.stopping == ["outer"]
    play.stop("outer")
    assert play.outcome[0] == "failed"
    assert play.statuses("outer", "outer/0/inner", "outer/0/inner/0/leaf") == ["stopped"] * 3


# ---------------------------------------------------------------------- interrupted


def interrupted(*extra: dict[str, Any]) -> Play:
    """`mail` was cut off while it ran, and a person is asked."""
    play = Play(graph([step("mail"), step("after", takes=("x",)), *extra], "mail.sent -> after.x"))
    play.start("mail", effect="once")
    play.fail("mail", "interrupted", ask_until=100.0)
    return play


def test_an_interrupted_step_waits_for_a_persons_word_until_its_deadline():
    play = interrupted()
    assert play.status("mail") == "asking"
    assert play.run.commands["mail",] == Execute(("mail",), turn=1, attempt=1, not_before=100.0)
    assert list(play.run.waiting()) == [("mail",)]
    assert play.state("mail").listens_to == "interrupted/mail"


def test_it_happened():
    play = interrupted()
    play.signal("interrupted/mail", {"decision": "happened"})
    assert play.run.commands["mail",] == Execute(("mail",), turn=1, attempt=1)
    play.done("mail", {"sent": True})
    assert play.listed == ["after"]


def test_do_it_again():
    play = interrupted()
    play.signal("interrupted/mail", {"decision": "again"})
    play.start_again("mail")
    assert (play.state("mail").turn, play.state("mail").attempt) == (1, 2)
    play.done("mail", {"sent": True})
    assert play.listed == ["after"]


def test_a_persons_fail_and_a_deadline_without_a_word_are_failures():
    for answered in (True, False):
        play = interrupted()
        if answered:
            play.signal("interrupted/mail", {"decision": "fail"})
        play.fail("mail")
        assert play.outcome[0] == "failed"


def test_an_answer_does_not_hide_the_signal_that_the_turn_began_with():
    play = Play(graph([step("pay")]))
    play.wait("pay")
    play.signal("pay", {"approved": True})
    play.start("pay", effect="once")
    play.fail("pay", "interrupted", ask_until=100.0)
    play.signal("interrupted/pay", {"decision": "again"})
    play.start_again("pay")
    heard = play.state("pay").signal
    assert heard is not None
    assert heard["payload"] == {"approved": True}


def test_one_answer_is_for_all_interrupted_items_of_a_map():
    play = Play(graph([step("each", body=body([step("mail")]))]))
    play.expand("each", [{"item": n} for n in range(3)])
    for number in range(3):
        play.start(f"each/{number}/mail", effect="once")
        play.fail(f"each/{number}/mail", "interrupted", ask_until=100.0)
    play.signal("interrupted/each/mail", {"decision": "happened"})
    for number in range(3):
        play.done(f"each/{number}/mail")
    assert play.listed == ["each"]


def test_an_answer_may_be_for_one_interrupted_item_of_a_map_and_the_others_go_on_waiting():
    play = Play(graph([step("each", body=body([step("mail")]))]))
    play.expand("each", [{"item": n} for n in range(3)])
    for number in range(3):
        play.start(f"each/{number}/mail", effect="once")
        play.fail(f"each/{number}/mail", "interrupted", ask_until=100.0)
    assert play.run.listening_to("interrupted/each/1/mail") == [("each", 1, "mail")]
    play.signal("interrupted/each/1/mail", {"decision": "happened"})
    play.done("each/1/mail")
    play.signal("interrupted/each/1/mail", {"decision": "again"})  # Nobody asks about it any more.
    assert list(play.run.waiting()) == [("each", 0, "mail"), ("each", 2, "mail")]
    play.signal("interrupted/each/2/mail", {"decision": "happened"})
    play.signal("interrupted/each/mail", {"decision": "happened"})
    for number in (0, 2):
        play.done(f"each/{number}/mail")
    assert play.listed == ["each"]


def test_a_second_answer_does_not_answer_the_next_question():
    play = interrupted()
    play.signal("interrupted/mail", {"decision": "again"})
    play.signal("interrupted/mail", {"decision": "happened"})
    play.start_again("mail")
    play.fail("mail", "interrupted", ask_until=200.0)
    assert play.state("mail").answer is None
    assert play.run.commands["mail",].not_before == 200.0


def test_a_step_may_be_tried_again_after_a_question():
    play = interrupted()
    play.signal("interrupted/mail", {"decision": "again"})
    play.fail("mail", retry_at=50.0)
    assert play.run.commands["mail",] == Execute(("mail",), turn=1, attempt=2, not_before=50.0)
    play.does("mail", {"sent": True})
    assert play.listed == ["after"]


def test_an_answer_that_comes_after_the_deadline_changes_nothing():
    for retry_at in (None, 200.0):
        play = interrupted()
        play.fail("mail", retry_at=retry_at)
        play.signal("interrupted/mail", {"decision": "happened"})
        assert play.run.waiting() == {}
        assert play.state("mail").answer is None
