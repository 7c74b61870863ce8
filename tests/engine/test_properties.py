"""Whatever a document looks like and in whatever order things happen, this holds."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.documents import document
from tests.engine.graphs import describe
from tests.engine.miniature import Miniature, behave
from tests.engine.play import picture
from tests.engine.reference import Reference

from mulle.engine import scope as at
from mulle.engine.codec import decode, encode
from mulle.engine.run import Run

documents = st.builds(document, st.integers(0, 2**32), st.integers(1, 7))
lucks = st.integers(0, 2**32).map(Random)

FOR_GOOD: dict[str, Any] = {"from_turn": 1}
TRIED_AGAIN: dict[str, Any] = {"from_turn": 1, "retry_at": 9.0}


def every_node_has_its_ending(played: Miniature) -> bool:
    scopes = {path[:-1] for path in played.endings} | {path[:-1] for path in played.began} | {()}
    for scope in scopes:
        for node in _body(played, scope)["nodes"]:
            assert (*scope, node["id"]) in played.endings, f"{scope}/{node['id']} has no ending"
    assert all(state.status in at.ENDINGS for state in played.endings.values())
    return played.began <= played.endings.keys()


def _body(played: Miniature, path: tuple[Any, ...]) -> dict[str, Any]:
    body = played._document
    for step in path[::2]:
        node = next(one for one in body["nodes"] if one["id"] == step)
        body = node.get("body") or node["data"]["plan"]
    return body


@given(documents, lucks, st.booleans())
@settings(max_examples=500, deadline=None)
def test_a_run_gives_what_the_reference_gives(drawn: dict[str, Any], luck: Random, deadly: bool):
    wanted = Reference(drawn, behave)
    played = Miniature(drawn, luck, deadly=deadly)
    played.drive()

    ended = played.run.ended
    assert ended is not None
    assert every_node_has_its_ending(played)
    assert ended.status == ("failed" if wanted.failed else "succeeded")
    if not wanted.failed:
        assert ended.outputs == wanted.outputs
        assert ended.detail == ("" if wanted.reached else "no_end_reached")
    for path, outcome in wanted.nodes.items():
        state = played.endings[path]
        assert (path, state.status) == (path, outcome.status)
        assert (path, state.outputs or {}) == (path, outcome.outputs)
    if wanted.exact:
        assert played.run.conversation == {"total": wanted.total}
        assert played.states == wanted.states


@given(documents, lucks, st.integers(1, 60), st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_cancelled_run_always_ends(drawn: dict[str, Any], luck: Random, when: int, deadly: bool):
    played = Miniature(drawn, luck, deadly=deadly, cancel_at=when)
    played.drive()

    ended = played.run.ended
    assert ended is not None
    assert every_node_has_its_ending(played)
    if played.run.cancelled:
        assert (ended.status, ended.detail) == ("cancelled", "cancelled")


@given(documents, lucks, st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_run_whose_bodies_and_waits_time_out_and_are_tried_again_gives_what_the_reference_gives(
    drawn: dict[str, Any], luck: Random, deadly: bool
):
    wanted = Reference(drawn, behave)
    played = Miniature(drawn, luck, deadly=deadly, late=lambda _path, _plan: TRIED_AGAIN)
    played.drive()

    ended = played.run.ended
    assert ended is not None
    assert every_node_has_its_ending(played)
    assert ended.status == ("failed" if wanted.failed else "succeeded")
    if not wanted.failed:
        assert ended.outputs == wanted.outputs


@given(documents, lucks, st.booleans(), st.one_of(st.none(), st.integers(1, 60)))
@settings(max_examples=300, deadline=None)
def test_a_run_whose_bodies_and_waits_time_out_for_good_always_ends(
    drawn: dict[str, Any], luck: Random, deadly: bool, cancel_at: int | None
):
    played = Miniature(drawn, luck, deadly=deadly, cancel_at=cancel_at, late=lambda _path, _plan: FOR_GOOD)
    played.drive()

    assert every_node_has_its_ending(played)
    for path in played.timed_out:
        assert played.endings[path].status in (at.DONE, at.FAILED, at.STOPPED)


@given(documents, lucks, st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_journal_cut_anywhere_and_folded_anew_wants_the_same(drawn: dict[str, Any], luck: Random, late: bool):
    played = Miniature(drawn, luck, late=lambda _path, _plan: luck.choice([FOR_GOOD, TRIED_AGAIN]) if late else None)
    played.drive()

    followed = Run(played.plan, describe)
    for number, fact in enumerate(played.journal[:80]):
        followed.apply(fact)
        anew = Run(played.plan, describe)
        for read in decode(encode(played.journal[: number + 1])):
            anew.apply(read)
        assert picture(anew) == picture(followed)
        restored = Run.restored(anew.snapshot(), played.plan, describe)
        for later in played.journal[number + 1 :]:
            restored.apply(later)
        assert restored.ended == played.run.ended
