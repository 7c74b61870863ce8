"""A fork keeps what is not behind the change, does the rest again, and ends as a fresh run would."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.documents import document
from tests.engine.graphs import body, describe, end, graph, step
from tests.engine.miniature import Miniature, behave
from tests.engine.play import Play, path_of, text_of
from tests.engine.reference import Reference

from mulle.document.variables import Write
from mulle.engine import scope as at
from mulle.engine.facts import AnyFact, NodeDone, NodeExpanded, NodeFailed, NodeStarted, Path, RunStarted, Signalled
from mulle.engine.fork import Change, WouldNotRun, kept_facts
from mulle.engine.plan import PlanNode, ScopePlan
from mulle.engine.run import Run
from mulle.errors import BrokenJournal

documents = st.builds(document, st.integers(0, 2**32), st.integers(1, 7))
lucks = st.integers(0, 2**32).map(Random)

FIRST = RunStarted(at=0.0, run="fork", graph="g", conversation={"total": 0}, parent="r")


def forked(played: Miniature, change: Change, cut: int | None = None) -> list[AnyFact]:
    facts = played.journal[:cut]
    return [FIRST, *kept_facts(facts, played.plan, played.plan, describe=describe, first=FIRST, change=change)]


def behind(plan: ScopePlan, node: str) -> set[str]:
    """A node and all that lies behind it."""
    found, look = {node}, [node]
    while look:
        more = {plan.nodes[one].id for one in plan.nodes[plan.position[look.pop()]].followers} - found
        found |= more
        look += more
    return found


def ended(facts: list[AnyFact]) -> set[Path]:
    return {fact.path for fact in facts if isinstance(fact, NodeDone)}


def in_a_narrow_race(graph: dict[str, Any], path: Path) -> bool:
    """Whether a node belongs to a race that runs few at a time: what its later items came to is not kept."""
    node = next(node for node in graph["nodes"] if node["id"] == path[0])
    if len(path) == 1:
        return False
    is_one = node["data"].get("container") == "race" and node["data"].get("limit") is not None
    body = node.get("body")  # Without one, the node makes its graph itself.
    return is_one or (body is not None and in_a_narrow_race(body, path[2:]))


def ends_as(played: Miniature, wanted: Reference) -> bool:
    run = played.run.ended
    assert run is not None
    assert run.status == ("failed" if wanted.failed else "succeeded")
    if not wanted.failed:
        assert run.outputs == wanted.outputs
    for path, outcome in wanted.nodes.items():
        state = played.run.at(path)[2] if len(path) == 1 else None
        assert state is None or (path, state.status, state.outputs or {}) == (path, outcome.status, outcome.outputs)
    if wanted.exact:
        assert played.run.conversation == {"total": wanted.total}
    return True


def nothing_kept_runs_again(begun: list[AnyFact], journal: list[AnyFact]) -> bool:
    kept = ended(begun)
    again = {fact.path for fact in journal[len(begun) :] if isinstance(fact, NodeStarted)}
    assert not kept & again
    return True


@given(documents, lucks, st.booleans(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_fork_at_any_node_ends_as_a_fresh_run_and_keeps_all_that_is_not_behind_it(
    drawn: dict[str, Any], luck: Random, deadly: bool, data: st.DataObject
):
    wanted = Reference(drawn, behave)
    played = Miniature(drawn, luck, deadly=deadly)
    played.drive()
    node = data.draw(st.sampled_from([one["id"] for one in drawn["nodes"]]))
    try:
        begun = forked(played, Change(again=(node,)))
    except WouldNotRun:
        assert played.endings[node,].status == at.SKIPPED
        return

    fork = Miniature(drawn, luck, begin=begun)
    fork.drive()

    assert ends_as(fork, wanted)
    assert nothing_kept_runs_again(begun, fork.journal)
    cut = behind(played.plan, node)
    assert not {path for path in ended(begun) if path[0] in cut}
    assert ended(begun) >= {
        path for path in ended(played.journal) if path[0] not in cut and not in_a_narrow_race(drawn, path)
    }


@given(documents, lucks, st.booleans(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_fork_inside_of_a_body_ends_as_a_fresh_run(
    drawn: dict[str, Any], luck: Random, deadly: bool, data: st.DataObject
):
    wanted = Reference(drawn, behave)
    played = Miniature(drawn, luck, deadly=deadly)
    played.drive()
    inside = sorted((path for path in played.began if len(path) > 1), key=str)
    if not inside:
        return
    path = data.draw(st.sampled_from(inside))
    try:
        begun = forked(played, Change(again=path))
    except WouldNotRun:
        return

    fork = Miniature(drawn, luck, begin=begun)
    fork.drive()

    assert ends_as(fork, wanted)
    assert nothing_kept_runs_again(begun, fork.journal)
    assert path not in ended(begun)
    if not wanted.failed:
        assert ended(begun) >= {one for one in ended(played.journal) if is_beside(one, path, played)}


def is_beside(one: Path, path: Path, played: Miniature) -> bool:
    """Whether an ending is sure to be kept by a fork inside a container of the run's own graph."""
    if one[0] != path[0]:
        return one[0] not in behind(played.plan, str(path[0]))
    if len(one) == 1 or len(path) != 3:
        return False
    expansions = [fact for fact in played.journal if isinstance(fact, NodeExpanded) and fact.path == path[:1]]
    first = 0
    for fact in expansions:
        numbers = range(first, first + len(fact.scopes))
        if path[1] in numbers:
            return one[1] in numbers and one[1] != path[1]
        first += len(fact.scopes)
    return False


@given(documents, lucks, st.integers(1, 80), st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_retry_of_a_cancelled_run_ends_as_if_nobody_had_cancelled_it(
    drawn: dict[str, Any], luck: Random, when: int, deadly: bool
):
    wanted = Reference(drawn, behave)
    played = Miniature(drawn, luck, deadly=deadly, cancel_at=when)
    played.drive()

    begun = forked(played, Change())
    fork = Miniature(drawn, luck, begin=begun)
    fork.drive()

    assert ends_as(fork, wanted)
    assert nothing_kept_runs_again(begun, fork.journal)


def ends_the_run(path: Path, plan: PlanNode) -> dict[str, Any] | None:
    return {"from_turn": 1} if len(path) == 1 and plan.spec.on_error == "fail" else None


@given(documents, lucks, st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_retry_of_a_run_whose_body_or_wait_took_too_long_ends_as_if_it_had_not(
    drawn: dict[str, Any], luck: Random, deadly: bool
):
    wanted = Reference(drawn, behave)
    played = Miniature(drawn, luck, deadly=deadly, late=ends_the_run)
    played.drive()

    begun = forked(played, Change())
    fork = Miniature(drawn, luck, begin=begun)
    fork.drive()

    assert ends_as(fork, wanted)
    assert nothing_kept_runs_again(begun, fork.journal)


@given(documents, lucks, st.integers(1, 80))
@settings(max_examples=150, deadline=None)
def test_a_fork_of_an_unfinished_run_goes_on_from_there(drawn: dict[str, Any], luck: Random, cut: int):
    wanted = Reference(drawn, behave)
    played = Miniature(drawn, luck)
    played.drive()

    begun = forked(played, Change(), cut)
    fork = Miniature(drawn, luck, begin=begun)
    fork.drive()

    assert ends_as(fork, wanted)
    assert nothing_kept_runs_again(begun, fork.journal)
    assert ended(begun) <= ended(played.journal[:cut])


# ---------------------------------------------------------------------- one by one


class Fork:
    """A fork of a played run, as its first facts leave it."""

    def __init__(
        self, play: Play, change: Change | None = None, *, new: ScopePlan | None = None, first: RunStarted = FIRST
    ) -> None:
        plan = play.run.plan
        self.kept = kept_facts(
            play.journal, plan, new or plan, describe=describe, first=first, change=change or Change()
        )
        self.run = Run(new or plan, describe)
        for fact in [first, *self.kept]:
            self.run.apply(fact)

    @property
    def listed(self) -> list[str]:
        return [text_of(path) for path in self.run.commands]

    @property
    def done(self) -> list[str]:
        return [text_of(fact.path) for fact in self.kept if isinstance(fact, NodeDone)]

    def status(self, node: str) -> str:
        return self.run.at(path_of(node))[2].status


def chain(**policies: Any) -> ScopePlan:
    return graph([step("a"), step("b", needs=("x",), **policies), end(takes=("x",))], "a.x -> b.x", "b.x -> end.x")


def each(*inside: str, limit: int | None = None, count: int = 3, **more: Any) -> Play:
    """A map over some items, under way."""
    steps = [step(name) for name in inside]
    ways = [f"{before}.x -> {after}.x" for before, after in pairwise(inside)]
    play = Play(graph([step("each", body=body(steps, *ways)), end()], "each -> end"))
    play.expand("each", count, limit=limit, **more)
    return play


def test_a_failed_step_runs_again_and_what_led_to_it_does_not():
    play = Play(chain())
    play.does("a", {"x": 1})
    play.start("b")
    play.fail("b")
    play.end()

    fork = Fork(play)

    assert (fork.done, fork.listed) == (["a"], ["b"])


def test_automatic_retries_of_the_failed_turn_begin_anew():
    play = Play(chain(retry={"max": 1}))
    play.does("a", {"x": 1})
    play.start("b")
    play.fail("b", retry_at=1.0)
    play.start("b")
    play.fail("b")

    fork = Fork(play)

    assert fork.run.commands["b",].attempt == 1


def test_earlier_turns_of_the_failed_step_are_kept():
    play = Play(chain())
    play.does("a", {"x": 1})
    play.wait("b", signal="go", memo="쪽지")
    play.signal("go", "네")
    play.start("b")
    play.fail("b")

    fork = Fork(play)

    assert fork.run.commands["b",].turn == 2
    assert fork.run.at(("b",))[2].memo == "쪽지"
    assert fork.run.at(("b",))[2].signal == {"id": "s5", "name": "go", "payload": "네"}


def test_only_the_failed_items_of_a_map_run_again_and_those_that_were_cut_off():
    play = each("x", limit=2, count=4)
    play.does("each/0/x", {"x": 0})
    play.start("each/1/x", "each/2/x")
    play.fail("each/1/x")
    play.stop("each/2/x")
    play.start("each")
    play.fail("each")
    play.end()

    fork = Fork(play)

    assert fork.done == ["each/0/x"]
    assert fork.listed == ["each/1/x", "each/2/x"]


def test_finished_items_are_kept_even_if_the_failed_one_had_the_only_place():
    play = each("x", limit=1)
    for number in range(3):
        play.does(f"each/{number}/x")
    play.does("each", {"results": []})

    fork = Fork(play, Change(again=path_of("each/0/x")))

    assert fork.done == ["each/1/x", "each/2/x"]
    assert fork.listed == ["each/0/x"]


def test_a_fork_of_a_fork_opens_what_is_whole_first_again():
    play = each("x", "y", limit=1)
    for number in range(3):
        play.does(f"each/{number}/x", {"x": number})
        play.does(f"each/{number}/y")
    play.does("each", {"results": []})
    first = Fork(play, Change(again=path_of("each/0/y")))
    play.journal = [FIRST, *first.kept]

    second = Fork(play, Change(again=path_of("each/1/x")))

    assert second.done == ["each/2/x", "each/2/y", "each/0/x"]
    assert second.listed == ["each/0/y"]


def test_a_retried_loop_goes_on_in_the_round_that_failed():
    play = Play(graph([step("loop", body=body([step("x")]))]))
    play.expand("loop", [{"state": {"n": 0}}], memo=1)
    play.does("loop/0/x", {}, Write("add", "state.n", 2))
    play.expand("loop", [{"state": {"n": 2}}], memo=2)
    play.start("loop/1/x")
    play.fail("loop/1/x")
    play.start("loop")
    play.fail("loop")

    fork = Fork(play)

    assert fork.listed == ["loop/1/x"]
    assert fork.run.scopes_around(path_of("loop/1/x"))[0][0].values == {"state": {"n": 2}}


def test_a_container_that_failed_by_itself_takes_its_last_turn_again():
    play = each("x", count=1)
    play.does("each/0/x")
    play.start("each")
    play.fail("each")

    fork = Fork(play)

    assert (fork.done, fork.listed) == (["each/0/x"], ["each"])


def test_an_item_whose_failure_was_allowed_is_kept_unless_it_is_asked_for():
    play = each("x", "y", count=2, tolerant=True)
    play.start("each/0/x")
    play.fail("each/0/x")
    play.does("each/1/x", {"x": 1})
    play.does("each/1/y")
    play.does("each", {})

    assert Fork(play, Change(again=("end",))).listed == ["end"]
    assert Fork(play, Change(again=path_of("each/1/y"))).listed == ["each/1/y"]
    assert Fork(play, Change(again=path_of("each/0/y"))).listed == ["each/0/x"]


def test_a_handled_failure_beside_the_change_is_undone_because_it_would_end_the_scope():
    inside = body([step("x"), step("y")])
    play = Play(graph([step("each", body=inside, on_error="default"), end()], "each -> end"))
    play.expand("each", 2)
    play.does("each/0/x")
    play.does("each/0/y")
    play.start("each/1/x")
    play.fail("each/1/x")
    play.start("each")
    play.fail("each")

    fork = Fork(play, Change(again=path_of("each/0/y")))

    assert fork.listed == ["each/0/y", "each/1/x", "each/1/y"]


def test_a_once_step_that_was_cut_off_is_left_to_be_asked_about():
    play = Play(graph([step("mail"), step("rest")]))
    play.start("mail", effect="once")
    play.start("rest")
    play.cancel()
    play.fail("mail", "interrupted")
    play.stop("rest")
    play.end()

    fork = Fork(play)

    assert (fork.status("mail"), fork.status("rest")) == (at.RUNNING, at.READY)


def test_a_question_that_a_cancel_cut_off_is_asked_again():
    play = Play(graph([step("mail")]))
    play.start("mail", effect="once")
    play.fail("mail", "interrupted", ask_until=9.0)
    play.cancel()
    play.stop("mail")

    assert Fork(play).status("mail") == at.RUNNING


def test_a_wait_that_was_cut_off_begins_anew():
    play = Play(graph([step("approval")]))
    play.wait("approval", until=5.0)
    play.cancel(detail="timeout")
    play.stop("approval")

    assert Fork(play).status("approval") == at.READY


def test_a_container_whose_time_was_up_goes_on_inside():
    play = each("x", "y", limit=1)
    play.does("each/0/x", {"x": 1})
    play.does("each/0/y")
    play.start("each/1/x")
    play.fail("each", "timeout", from_turn=1)
    play.stop("each/1/x")
    play.end()

    fork = Fork(play)

    assert (fork.done, fork.listed) == (["each/0/x", "each/0/y"], ["each/1/x"])
    assert fork.status("each") == at.EXPANDED


def test_a_container_whose_time_was_up_twice_goes_on_where_its_second_try_stood():
    play = each("x", "y", limit=1)
    play.does("each/0/x", {"x": 1})
    play.start("each/0/y")
    play.fail("each", "timeout", from_turn=1, retry_at=9.0)
    play.stop("each/0/y")
    play.expand("each", 3, limit=1)
    play.does("each/3/x", {"x": 1})
    play.start("each/3/y")
    play.fail("each", "timeout", from_turn=1)
    play.stop("each/3/y")
    play.end()

    fork = Fork(play)

    assert (fork.done, fork.listed) == (["each/0/x", "each/3/x"], ["each/3/y"])


def test_a_wait_whose_time_was_up_begins_anew():
    play = Play(graph([step("approval")]))
    play.wait("approval", signal="go")
    play.fail("approval", "timeout", from_turn=1)
    play.end()

    assert Fork(play).listed == ["approval"]


def test_of_two_containers_whose_time_was_up_both_go_on():
    plan = graph([step("one", body=body([step("x")])), step("two", body=body([step("x")]))])
    play = Play(plan)
    for node in ("one", "two"):
        play.expand(node, 1)
        play.start(f"{node}/0/x")
        play.fail(node, "timeout", from_turn=1)
    play.stop("two/0/x", "one/0/x", "one")
    play.end()

    fork = Fork(play)

    assert fork.listed == ["one/0/x", "two/0/x"]
    assert (fork.status("one"), fork.status("two")) == (at.EXPANDED, at.EXPANDED)


def test_a_container_that_was_cut_off_goes_on_inside():
    play = each("x", limit=1)
    play.does("each/0/x")
    play.start("each/1/x")
    play.cancel()
    play.stop("each/1/x", "each")

    fork = Fork(play)

    assert (fork.done, fork.listed) == (["each/0/x"], ["each/1/x"])


def test_what_was_under_way_in_an_unfinished_run_begins_anew_and_what_waits_goes_on_waiting():
    play = Play(graph([step("a"), step("waits"), step("runs"), step("mail")]))
    play.does("a")
    play.wait("waits", signal="go")
    play.start("runs")
    play.start("mail", effect="once")

    fork = Fork(play)

    assert [fork.status(node) for node in ("waits", "runs", "mail")] == [at.WAITING, at.READY, at.RUNNING]
    assert fork.run.commands["runs",].attempt == 1


def test_a_signal_for_what_runs_again_is_not_carried_over_and_one_for_what_is_kept_is():
    nodes = [step("early"), step("late"), end()]
    play = Play(graph(nodes, "early -> end", "late -> end"))
    play.signal("first")
    play.wait("early", signal="first")
    play.does("early")
    play.wait("late", signal="second")
    play.signal("second")
    play.does("late")
    play.signal("nobody")

    def names(*again: str) -> list[str]:
        return [fact.name for fact in Fork(play, Change(again=again)).kept if isinstance(fact, Signalled)]

    assert names("end") == ["first", "second", "nobody"]
    assert names("early") == ["second", "nobody"]
    assert names("late") == ["first", "nobody"]


def test_what_was_paid_for_is_not_counted_again():
    play = Play(graph([step("llm"), end()], "llm -> end"))
    play.start("llm")
    play.apply(NodeDone(at=1.0, path=("llm",), outputs={"text": "네"}, usage={"tokens": 9}))

    [_, answer] = Fork(play, Change(again=("end",))).kept

    assert answer == NodeDone(at=1.0, path=("llm",), outputs={"text": "네"})


def test_given_outputs_take_the_place_of_an_answer_and_what_is_behind_runs_again():
    play = Play(graph([step("a", gives=("x", "y")), step("b"), end()], "a.x -> b.x", "b -> end"))
    play.does("a", {"x": 1, "y": 2}, Write("set", "conversation.seen", 1))
    play.does("b")
    play.does("end")
    play.end()

    fork = Fork(play, Change(given={("a",): {"x": 5}}))

    assert (fork.done, fork.listed) == (["a"], ["b"])
    assert fork.run.at(("a",))[2].outputs == {"x": 5, "y": 2}
    assert fork.run.conversation == {"total": 0, "seen": 1}


def test_outputs_may_be_given_for_a_step_that_failed():
    play = Play(chain())
    play.does("a", {"x": 1})
    play.start("b")
    play.fail("b")

    fork = Fork(play, Change(given={("b",): {"x": "손으로"}}))

    assert fork.run.at(("b",))[2].outputs == {"x": "손으로"}
    assert fork.listed == ["end"]


def test_a_given_branch_is_the_only_one_taken():
    nodes = [step("ask", branches=("yes", "no"), gives=("x",)), step("sent"), step("unsent")]
    play = Play(graph(nodes, "ask.yes -> sent", "ask.no -> unsent"))
    play.does("ask", {"yes": True, "x": 1})
    play.does("sent")

    fork = Fork(play, Change(given={("ask",): {"no": True}}))

    assert fork.run.at(("ask",))[2].outputs == {"no": True, "x": 1}
    assert (fork.status("sent"), fork.listed) == (at.SKIPPED, ["unsent"])


def test_outputs_given_inside_of_a_body_let_the_container_look_again():
    play = each("x", "y", count=2)
    for number in range(2):
        play.does(f"each/{number}/x", {"x": number})
        play.does(f"each/{number}/y", {"x": number})
    play.does("each", {})
    play.does("end")

    fork = Fork(play, Change(given={path_of("each/1/y"): {"x": 9}}))

    assert fork.listed == ["each"]
    expansion = fork.run.at(("each",))[2].expansion
    assert expansion is not None
    assert len(expansion.in_order()) == 2


def test_outputs_for_a_node_that_the_fork_does_not_come_to_are_refused():
    play = Play(chain())
    play.start("a")
    play.fail("a")

    with pytest.raises(WouldNotRun, match="nothing leads to it yet"):
        Fork(play, Change(given={("b",): {"x": 1}}))


def test_a_fork_at_what_was_skipped_says_why_it_would_not_run():
    play = Play(graph([step("ask", branches=("yes",)), step("mail")], "ask.yes -> mail"))
    play.does("ask")

    with pytest.raises(WouldNotRun, match="no way to it was taken"):
        Fork(play, Change(again=("mail",)))
    with pytest.raises(WouldNotRun, match="no such node"):
        Fork(play, Change(again=("post",)))


def test_a_fork_inside_of_what_others_decided_says_so():
    play = each("x", count=2, enough=1, tolerant=True)
    play.start("each/0/x")
    play.does("each/1/x")
    play.stop("each/0/x")
    play.does("each", {})

    with pytest.raises(WouldNotRun, match="'each' has ended without it"):
        Fork(play, Change(again=path_of("each/0/x")))


def test_on_another_version_what_is_the_same_is_kept():
    nodes = [step("same"), step("moved"), step("other", refers=("same.x",)), step("linked"), end()]
    old = graph(nodes, "same -> end", "other -> end")
    play = Play(old)
    for node in ("same", "moved", "other", "linked"):
        play.does(node)
    play.does("end")
    changed = [
        *(step("same"), step("moved", position={"x": 1}), step("other", refers=("moved.x",)), step("linked")),
        *(end(), step("new", body=body([step("in")]))),
    ]

    fork = Fork(play, new=graph(changed, "same -> linked", "other -> end", "same -> end"))

    assert fork.done == ["same", "moved"]
    assert fork.listed == ["new", "linked", "other"]


def test_a_node_that_sees_another_environment_runs_again():
    inside = body([{**step("in", refers=("env.CITY",)), "position": {"x": 1}}, step("to")], "in -> to")
    plan = graph(
        [step("reads", refers=("env.CITY",)), step("not", refers=("env.SAME", "sys.now")), step("holds", body=inside)]
    )
    play = Play(plan)
    play.does("reads")
    play.does("not")
    play.does("holds")
    first = RunStarted(at=0.0, run="f", graph="g", environment={"CITY": "부산"})

    fork = Fork(play, first=first)

    assert (fork.done, fork.listed) == (["not"], ["reads", "holds"])


def test_a_write_that_no_longer_fits_runs_its_node_again():
    play = Play(graph([step("makes"), step("adds")]), conversation={"list": "글"})
    play.does("makes", {}, Write("set", "conversation.list", []))
    play.does("adds", {}, Write("append", "conversation.list", 1))
    first = RunStarted(at=0.0, run="f", graph="g", conversation={"list": "글"})

    fork = Fork(play, Change(again=("makes",)), first=first)

    assert fork.listed == ["makes", "adds"]
    assert fork.kept == []


def test_facts_that_do_not_begin_a_run_are_refused():
    play = Play(chain())
    play.journal = []

    with pytest.raises(BrokenJournal):
        Fork(play)


def test_an_order_that_leaves_scopes_out_is_refused():
    play = Play(graph([step("each", body=body([step("x")]))]))
    play.start("each")

    with pytest.raises(BrokenJournal, match="leaves some out"):
        play.apply_expand("each", 3, order=(0, 2))


def test_failures_that_led_to_a_retry_are_kept_with_what_they_led_to():
    play = Play(chain())
    play.start("a")
    play.fail("a", retry_at=1.0)
    play.does("a", {"x": 1})
    play.start("b")
    play.fail("b")

    fork = Fork(play)

    assert any(isinstance(fact, NodeFailed) for fact in fork.kept)
    assert fork.listed == ["b"]
