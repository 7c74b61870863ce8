"""Variables: writes add up in journal order, and only those of steps that succeeded count."""

import pytest
from tests.engine.graphs import body, graph, step
from tests.engine.play import Play

from mulle.document.variables import Write, WriteRefused
from mulle.engine.facts import NodeDone
from mulle.errors import BrokenJournal


def test_parallel_writes_add_up_in_the_order_of_the_journal():
    play = Play(graph([step("a"), step("b"), step("c")]), conversation={"count": 1, "names": None})
    play.start("a", "b", "c")
    play.done("c", {}, Write("add", "conversation.count", 2), Write("append", "conversation.names", "다"))
    play.done("a", {}, Write("add", "conversation.count", 3), Write("append", "conversation.names", "가"))
    play.done("b", {}, Write("set", "conversation.count", 0))
    assert play.run.conversation == {"count": 0, "names": ["다", "가"]}


def test_the_run_knows_which_variables_it_changed():
    play = Play(graph([step("a")]), conversation={"kept": 1, "changed": 1})
    play.does("a", {}, Write("set", "conversation.changed", 1))
    assert play.run.written == {"changed"}


def test_the_variables_a_run_began_with_stay_what_they_were():
    before = {"names": ["가"]}
    play = Play(graph([step("a")]), conversation=before)
    play.does("a", {}, Write("append", "conversation.names", "나"))
    assert before == {"names": ["가"]}


def test_a_loops_state_is_changed_by_its_body_and_handed_back():
    play = Play(graph([step("loop", body=body([step("a"), step("b")]))]))
    play.expand("loop", [{"state": {"n": 1, "log": []}}])
    play.does("loop/0/b", {}, Write("append", "state.log", "b"), Write("add", "state.n", 1))
    play.does("loop/0/a", {}, Write("append", "state.log", "a"), Write("set", "conversation.x", 1))
    expansion = play.state("loop").expansion
    assert expansion is not None
    assert expansion.in_order()[0].state == {"n": 2, "log": ["b", "a"]}
    assert expansion.scopes[0] == {"state": {"n": 1, "log": []}}
    assert play.run.written == {"x"}


def test_a_write_to_the_state_goes_to_the_innermost_loop_around():
    inner = body([step("each", body=body([step("a")]))])
    play = Play(graph([step("loop", body=inner)]))
    play.expand("loop", [{"state": None}])
    play.expand("loop/0/each", [{"item": 1}])
    play.does("loop/0/each/0/a", {}, Write("add", "state.n", 5))
    around = play.run.scopes_around(("loop", 0, "each"))
    assert [scope.values for scope, _ in around] == [{"state": {"n": 5}}, {}]


@pytest.mark.parametrize(
    "write",
    [Write("set", "state.x", 1), Write("set", "env.x", 1), Write("append", "conversation.count", 1)],
)
def test_a_write_that_cannot_be_is_refused_before_it_becomes_history(write: Write):
    play = Play(graph([step("a")]), conversation={"count": 1})
    play.start("a")
    fact = NodeDone(at=1.0, path=("a",), writes=(write,))
    with pytest.raises(WriteRefused):
        play.run.check(fact)
    with pytest.raises(BrokenJournal):
        play.run.apply(fact)


def test_an_answer_without_writes_is_always_taken():
    play = Play(graph([step("a")]))
    play.start("a")
    play.run.check(NodeDone(at=1.0, path=("a",)))
    play.done("a")
    assert play.outcome[0] == "succeeded"
