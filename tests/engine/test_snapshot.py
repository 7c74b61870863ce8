"""A snapshot of the fold: a cache that is exact, or refused."""

import msgspec
import pytest
from tests.engine.graphs import body, describe, graph, step
from tests.engine.play import Play, picture

from mulle.engine.plan import ScopePlan
from mulle.engine.run import Run
from mulle.errors import StaleSnapshot

MADE = body([step("가")])


def plan() -> ScopePlan:
    names = ("waits", "asks", "makes", "runs")
    return graph([*(step(name) for name in names), step("each", body=body([step("x", body=body([step("y")]))]))])


def in_the_middle() -> Play:
    """Something of everything is under way."""
    play = Play(plan(), conversation={"name": "홍길동"})
    play.wait("waits", until=9.0, memo={"쪽지": [1]})
    play.start("asks", effect="once")
    play.fail("asks", "interrupted", ask_until=99.0)
    play.expand("makes", [{}, {}], plan=MADE, limit=1)
    play.expand("each", [{"item": 1}, {"item": 2}])
    play.expand("each/0/x", [{"item": 3}])
    play.start("runs")
    play.signal("nobody yet", "안녕", id="early")
    return play


def restored(play: Play) -> Run:
    return Run.restored(play.run.snapshot(), plan(), describe)


def test_a_restored_run_wants_what_the_run_wanted():
    play = in_the_middle()
    again = restored(play)
    assert picture(again) == picture(play.run)
    assert (again.head, again.started) == (play.run.head, play.run.started)


def test_a_restored_run_goes_on_as_the_run_does():
    play = in_the_middle()
    again, before = restored(play), len(play.journal)
    play.signal("waits", "ok")
    play.does("makes/0/가")
    play.does("each/0/x/0/y")
    play.signal("nobody yet", id="early")
    play.wait("each/0/x", signal="nobody yet")
    play.cancel(reason="끝")
    play.stop(*play.stopping)
    while play.stopping:
        play.stop(*play.stopping)
    for fact in play.journal[before:]:
        again.apply(fact)
    assert picture(again) == picture(play.run)
    assert again.finish == play.run.finish


def test_a_cancelled_run_is_restored_as_cancelled():
    play = in_the_middle()
    play.cancel()
    assert picture(restored(play)) == picture(play.run)


def test_an_ended_run_is_restored_as_ended():
    play = Play(graph([]))
    play.end()
    assert Run.restored(play.run.snapshot(), graph([]), describe).ended == play.run.ended


@pytest.mark.parametrize("stamp", [{"rules": 99}, {"layout": 99}])
def test_a_snapshot_of_another_release_is_refused(stamp: dict[str, int]):
    data = msgspec.json.decode(in_the_middle().run.snapshot()) | stamp
    with pytest.raises(StaleSnapshot, match="99"):
        Run.restored(msgspec.json.encode(data), plan(), describe)


@pytest.mark.parametrize("data", [b"", b"{}", b"\x80", b"[]"])
def test_a_damaged_snapshot_is_refused(data: bytes):
    with pytest.raises(StaleSnapshot, match="cannot be read"):
        Run.restored(data, plan(), describe)


@pytest.mark.parametrize(
    "other",
    [
        graph([step("a")]),
        graph([step(name) for name in ("waits", "asks", "makes", "runs", "each")]),
        graph([step(name) for name in ("b", "c", "d", "e", "f")]),
    ],
)
def test_a_snapshot_of_another_graph_is_refused(other: ScopePlan):
    with pytest.raises(StaleSnapshot, match="another graph"):
        Run.restored(in_the_middle().run.snapshot(), other, describe)
