"""Waiting: deadlines, signals that come early, late, twice or for many."""

import unicodedata

from tests.engine.graphs import body, graph, step
from tests.engine.play import Play

from mulle.engine.facts import Execute, NodeStarted

NFC = unicodedata.normalize("NFC", "주문")
NFD = unicodedata.normalize("NFD", "주문")


def waiting(**asked: object) -> Play:
    play = Play(graph([step("approve"), step("after")], "approve -> after"))
    play.wait("approve", **asked)
    return play


def heard(play: Play, node: str = "approve") -> object:
    signal = play.state(node).signal
    return signal and signal["payload"]


def test_a_wait_without_a_time_lists_nothing_until_a_signal_comes():
    play = waiting(form={"title": "승인"}, memo=1)
    assert play.listed == []
    assert [state.form for state in play.run.waiting().values()] == [{"title": "승인"}]
    play.signal("approve", "yes")
    assert play.run.commands["approve",] == Execute(("approve",), turn=2, attempt=1)
    assert play.run.waiting() == {}
    play.does("approve")
    assert play.listed == ["after"]


def test_a_wait_with_a_time_is_called_again_when_it_comes():
    play = waiting(until=60.0, memo="쪽지")
    assert play.run.commands["approve",] == Execute(("approve",), turn=2, attempt=1, not_before=60.0)
    play.start("approve")
    assert (heard(play), play.state("approve").memo) == (None, "쪽지")


def test_a_signal_before_the_deadline_wins_by_its_place_in_the_journal():
    play = waiting(until=60.0)
    play.signal("approve", "yes")
    play.start("approve")
    assert heard(play) == "yes"


def test_a_deadline_before_the_signal_wins_by_its_place_in_the_journal():
    play = waiting(until=60.0)
    play.start("approve")
    play.signal("approve", "too late")
    assert heard(play) is None


def test_a_signal_that_was_too_late_is_kept_for_the_next_wait():
    play = waiting(until=60.0)
    play.start("approve")
    play.signal("approve", "late")
    play.apply_wait("approve", until=90.0)
    assert heard(play) == "late"


def test_a_signal_that_comes_before_its_wait_is_kept_for_it():
    play = Play(graph([step("approve")]))
    play.signal("approve", "first")
    play.signal("approve", "second")
    play.wait("approve")
    assert play.run.commands["approve",] == Execute(("approve",), turn=2, attempt=1)
    assert heard(play) == "first"
    play.wait("approve")
    assert heard(play) == "second"
    play.wait("approve")
    assert play.listed == []


def test_the_first_of_two_signals_decides_and_the_second_is_kept():
    play = waiting()
    play.signal("approve", "yes")
    play.signal("approve", "no")
    assert heard(play) == "yes"
    play.wait("approve")
    assert heard(play) == "no"


def test_the_same_id_twice_is_one_signal():
    play = waiting()
    play.signal("approve", "yes", id="x")
    play.start("approve")
    play.signal("approve", "yes", id="x")
    play.apply_wait("approve")
    assert play.listed == []


def test_a_wait_may_listen_to_a_name_of_its_own_and_all_who_do_are_woken():
    play = Play(graph([step("a"), step("b"), step("c")]))
    play.wait("a", signal="주문")
    play.wait("b", signal="주문", until=99.0)
    play.wait("c", signal="other")
    play.signal("주문", 7)
    assert play.listed == ["b", "a"]
    assert [heard(play, node) for node in ("a", "b", "c")] == [7, 7, None]


def test_a_wait_that_ended_by_time_has_no_signal_of_an_earlier_one():
    play = waiting()
    play.signal("approve", "yes")
    play.wait("approve", until=60.0)
    play.start("approve")
    assert heard(play) is None


def test_a_korean_name_is_heard_however_it_was_typed():
    for said, listened in ((NFD, NFC), (NFC, NFD)):
        play = Play(graph([step("a")]))
        play.wait("a", signal=listened)
        play.signal(said, "왔음")
        assert heard(play, "a") == "왔음"


def test_one_who_waits_no_longer_leaves_the_others_listening():
    play = Play(graph([step("a"), step("b")]))
    play.wait("a", signal="s", until=1.0)
    play.wait("b", signal="s")
    play.does("a")
    play.signal("s", 1)
    assert heard(play, "b") == 1


def test_a_node_inside_a_body_listens_to_its_path():
    play = Play(graph([step("each", body=body([step("ask")]))]))
    play.expand("each", [{}, {}])
    play.wait("each/0/ask")
    play.wait("each/1/ask")
    play.signal("each/1/ask")
    assert play.listed == ["each/1/ask"]


def test_a_signal_nobody_knows_changes_nothing():
    play = waiting()
    play.signal("nobody")
    assert play.listed == []
    assert play.status("approve") == "waiting"


def test_a_wait_that_fails_and_is_tried_again_does_not_listen_meanwhile():
    play = waiting()
    play.signal("approve", "yes")
    play.start("approve")
    play.fail("approve", retry_at=5.0)
    play.signal("approve", "again")
    assert heard(play) == "yes"
    play.wait("approve")
    assert heard(play) == "again"


def test_what_waits_is_told_apart_from_what_runs():
    play = Play(graph([step("a"), step("b")]))
    play.wait("a")
    assert not play.run.in_flight()
    play.start("b")
    assert play.run.in_flight()


def test_a_turn_that_runs_is_listed_until_it_ended():
    play = Play(graph([step("a")]))
    play.start("a")
    assert play.run.commands["a",] == Execute(("a",), turn=1, attempt=1)
    assert isinstance(play.journal[-1], NodeStarted)
    play.done("a")
    assert play.listed == []
