"""Facts that cannot have happened are refused, each with a word about what is wrong."""

from collections.abc import Callable

import pytest
from tests.engine.graphs import body, describe, graph, step
from tests.engine.play import Play

from mulle.engine.facts import (
    AnyFact,
    Failure,
    NodeDone,
    NodeExpanded,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    Path,
    RunCancelled,
    RunEnded,
    RunStarted,
    Signalled,
)
from mulle.engine.run import Run
from mulle.errors import BrokenJournal, NewerJournal

A: Path = ("a",)
STARTED = RunStarted(at=0.0, run="r", graph="g")
FAILURE = Failure("boom", "")


def starting(path: Path = A, turn: int = 1, attempt: int = 1) -> AnyFact:
    return NodeStarted(at=1.0, path=path, turn=turn, attempt=attempt)


def done(path: Path = A) -> AnyFact:
    return NodeDone(at=1.0, path=path)


def failed(path: Path = A) -> AnyFact:
    return NodeFailed(at=1.0, path=path, kind="stopped", error=FAILURE)


def expanded(path: Path = A) -> AnyFact:
    return NodeExpanded(at=1.0, path=path, scopes=({},))


def waiting(path: Path = A) -> AnyFact:
    return NodeWaiting(at=1.0, path=path)


def fresh() -> Play:
    """`a` has a body and is ready; `b` comes after it."""
    return Play(graph([step("a", body=body([step("x")])), step("b")], "a -> b"))


def running() -> Play:
    play = fresh()
    play.start("a")
    return play


def in_its_body() -> Play:
    play = fresh()
    play.expand("a", [{}])
    return play


def in_a_wait() -> Play:
    play = fresh()
    play.wait("a")
    return play


def asking() -> Play:
    play = fresh()
    play.start("a", effect="once")
    play.fail("a", "interrupted", ask_until=9.0)
    return play


def retrying() -> Play:
    play = fresh()
    play.start("a")
    play.fail("a", retry_at=9.0)
    return play


def ended() -> Play:
    play = fresh()
    play.does("a")
    return play


def stopping() -> Play:
    play = running()
    play.cancel()
    return play


IMPOSSIBLE: list[tuple[Callable[[], Play], AnyFact]] = [
    *((play, starting(turn=turn)) for play in (running, in_its_body, in_a_wait, ended, stopping) for turn in (1, 2)),
    (fresh, starting(turn=2)),
    (fresh, starting(attempt=2)),
    (retrying, starting(attempt=1)),
    (asking, starting(attempt=1)),
    (asking, starting(attempt=2)),
    *((play, done()) for play in (fresh, in_its_body, in_a_wait, asking, retrying, ended)),
    *((play, failed()) for play in (fresh, in_its_body, in_a_wait, retrying, ended)),
    *((play, expanded()) for play in (fresh, in_its_body, in_a_wait, asking, retrying, ended)),
    *((play, waiting()) for play in (fresh, in_its_body, in_a_wait, asking, retrying, ended)),
    (fresh, starting(("b",))),
    (fresh, done(("b",))),
    (fresh, starting(("nobody",))),
    (fresh, starting(("a", 0, "x"))),
    (in_its_body, starting(("a", 1, "x"))),
    (in_its_body, starting(("a", 0))),
    (fresh, starting(())),
    (fresh, STARTED),
    (fresh, RunEnded(at=1.0, status="succeeded")),
    (running, NodeExpanded(at=1.0, path=A, scopes=({},), plan={"nodes": "none"})),
]


@pytest.mark.parametrize(("play", "fact"), IMPOSSIBLE, ids=[f"{play.__name__}-{fact}" for play, fact in IMPOSSIBLE])
def test_what_cannot_follow_is_refused(play: Callable[[], Play], fact: AnyFact):
    with pytest.raises(BrokenJournal):
        play().run.apply(fact)


def test_a_body_that_is_not_there_cannot_have_been_opened():
    play = Play(graph([step("a")]))
    play.start("a")
    with pytest.raises(BrokenJournal, match="has none"):
        play.run.apply(expanded())


@pytest.mark.parametrize("fact", [starting(), Signalled(at=0.0, id="x", name="x"), RunCancelled(at=0.0)])
def test_nothing_comes_before_the_start(fact: AnyFact):
    with pytest.raises(BrokenJournal, match="cannot stand at position 0"):
        Run(graph([step("a")]), describe).apply(fact)


@pytest.mark.parametrize("fact", [STARTED, Signalled(at=0.0, id="x", name="x"), RunCancelled(at=0.0)])
def test_nothing_comes_after_the_end(fact: AnyFact):
    play = Play(graph([]))
    play.end()
    with pytest.raises(BrokenJournal):
        play.run.apply(fact)


def test_a_run_cannot_have_ended_otherwise_than_it_did():
    play = Play(graph([]))
    with pytest.raises(BrokenJournal, match="cannot have failed"):
        play.run.apply(RunEnded(at=1.0, status="failed"))


@pytest.mark.parametrize(
    "newer", [RunStarted(at=0.0, run="r", graph="g", rules=99), RunStarted(at=0.0, run="r", graph="g", format=99)]
)
def test_a_run_of_a_newer_release_is_left_alone(newer: RunStarted):
    with pytest.raises(NewerJournal, match="99"):
        Run(graph([]), describe).apply(newer)


def test_the_message_names_the_place_and_what_stands_there():
    with pytest.raises(BrokenJournal, match="NodeDone cannot happen to a: it is ready"):
        fresh().run.apply(done())
