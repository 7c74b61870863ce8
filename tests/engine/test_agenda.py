"""The lists that a driver follows."""

from tests.engine.graphs import body, describe, graph, step
from tests.engine.play import Play, text_of

from mulle.engine.run import Run
from mulle.engine.scope import NodeState


def changed(play: Play) -> list[str]:
    return [text_of(path) for path in play.run.agenda.changes()]


def test_the_first_look_shows_everything_that_is_listed():
    play = Play(graph([step("a"), step("b"), step("c")]))
    play.does("b")
    assert play.run.agenda.changed is None
    assert changed(play) == ["a", "c"]


def test_later_looks_show_what_came_changed_or_went():
    play = Play(graph([step("a"), step("b"), step("c")], "a -> c"))
    play.run.agenda.changes()
    assert not play.run.agenda.changed
    play.start("b")
    assert changed(play) == []
    play.does("a")
    assert changed(play) == ["a", "c"]
    play.cancel()
    assert changed(play) == ["b", "c"]


def test_what_nobody_follows_leaves_no_trace():
    play = Play(graph([step("loop", body=body([step("a")]))]))
    for turn in range(5):
        play.expand("loop", [{}])
        play.does(f"loop/{turn}/a")
    assert changed(play) == ["loop"]


def test_nobody_is_told_of_endings_unless_they_ask():
    run = Run(graph([]), describe)
    assert run.on_ending is None
    told: list[str] = []
    run.on_ending = lambda path, state: told.append(f"{text_of(path)} {state.status}")
    assert run.on_ending is not None
    run.on_ending(("a",), NodeState("done"))
    assert told == ["a done"]
