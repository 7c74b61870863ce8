"""Containers: scopes opened by the number, one after the other, nested, racing, made while running."""

from typing import Any

import pytest
from tests.engine.graphs import END, body, describe, end, graph, step
from tests.engine.play import Play

from mulle.engine.facts import Execute, Failure, NodeExpanded, NodeFailed, NodeStarted, Path, RunCancelled, RunStarted
from mulle.engine.plan import UnrunnableStepGraph
from mulle.engine.run import NothingToRun, Run
from mulle.engine.scope import Ending

INSIDE = body([step("work"), end("result", takes=("x",))], "work.out -> result.x")


def each(inside: dict[str, Any] = INSIDE, **policies: Any) -> Play:
    return Play(graph([step("each", body=inside, **policies), END], "each.results -> end.results"))


def run_item(play: Play, place: str, value: object) -> None:
    play.does(f"{place}/work", {"out": value})
    play.does(f"{place}/result", {"x": value})


def endings(play: Play, node: str = "each") -> list[Ending]:
    expansion = play.state(node).expansion
    assert expansion is not None
    return expansion.in_order()


def test_a_map_gives_its_endings_in_input_order_whatever_order_they_came_in():
    play = each()
    play.expand("each", [{"item": letter, "index": n} for n, letter in enumerate("가나다")])
    for number in (2, 0, 1):
        run_item(play, f"each/{number}", number)
    assert [one.outputs for one in endings(play)] == [{"x": 0}, {"x": 1}, {"x": 2}]
    assert play.run.commands["each",] == Execute(("each",), turn=2, attempt=1)


def test_as_many_scopes_are_open_at_a_time_as_the_limit_says():
    play = each()
    play.expand("each", 4, limit=2)
    assert play.listed == ["each/0/work", "each/1/work"]
    run_item(play, "each/1", 1)
    assert play.listed == ["each/0/work", "each/2/work"]


@pytest.mark.parametrize("limit", [None, 0, -1])
def test_without_a_limit_all_are_open(limit: int | None):
    play = each()
    play.expand("each", 3, limit=limit)
    assert len(play.listed) == 3


def test_no_scopes_means_the_node_runs_again_at_once():
    play = each()
    play.expand("each", [])
    assert play.run.commands["each",].turn == 2
    assert endings(play) == []


def test_names_of_a_scope_are_seen_by_its_nodes_and_those_further_inside():
    inner = body([step("inner", body=body([step("leaf")]))])
    play = each(inner)
    play.expand("each", [{"item": "밖", "index": 0}])
    play.expand("each/0/inner", [{"item": "안", "index": 0}])
    around = play.run.scopes_around(("each", 0, "inner", 0, "leaf"))
    assert [scope.values.get("item") for scope, _ in around] == ["안", "밖", None]
    assert [list(plan.position) for _, plan in around] == [["leaf"], ["inner"], ["each", "end"]]
    assert play.run.neighbours(around[0][0]) == {"leaf": 0}


def test_a_loop_keeps_only_its_last_scope_and_numbers_its_rounds():
    play = each()
    for turn in range(3):
        play.expand("each", [{"state": {"n": turn}}], memo=turn)
        assert play.listed == [f"each/{turn}/work"]
        run_item(play, f"each/{turn}", turn)
        assert [one.outputs for one in endings(play)] == [{"x": turn}]
    play.does("each", {"results": [2]})
    play.does("end", {"results": [2]})
    assert play.outcome == ("succeeded", "", {"results": [2]})


def test_a_map_in_a_loop_in_a_map():
    leaf = body([step("inner", body=INSIDE), end("round", takes=("n",))], "inner.n -> round.n")
    play = each(body([step("loop", body=leaf)]))
    play.expand("each", [{"item": 1}, {"item": 2}])
    for item in (0, 1):
        for turn in (0, 1):
            play.expand(f"each/{item}/loop", [{"state": {}}])
            play.expand(f"each/{item}/loop/{turn}/inner", [{}, {}])
            for number in (1, 0):
                run_item(play, f"each/{item}/loop/{turn}/inner/{number}", number)
            play.does(f"each/{item}/loop/{turn}/inner", {"n": 2})
            play.does(f"each/{item}/loop/{turn}/round", {"n": 2})
        play.does(f"each/{item}/loop", {"out": item})
    play.does("each", {"results": [0, 1]})
    play.does("end", {"results": [0, 1]})
    assert play.outcome[0] == "succeeded"


# ---------------------------------------------------------------------- enough, tolerant


def test_a_race_stops_the_rest_when_one_is_there():
    play = each()
    play.expand("each", 3, enough=1)
    play.start("each/0/work")
    run_item(play, "each/1", "won")
    assert play.stopping == ["each/0/work"]
    assert play.status("each/2/work") == "skipped"
    play.stop("each/0/work")
    assert [(one.succeeded, one.stopped) for one in endings(play)] == [(False, True), (True, False), (False, True)]
    assert play.listed == ["each"]


def test_scopes_that_were_never_opened_count_as_stopped():
    play = each()
    play.expand("each", 3, enough=1, limit=1)
    run_item(play, "each/0", 1)
    assert [one.stopped for one in endings(play)] == [False, True, True]


def test_nothing_is_opened_when_none_is_wanted():
    play = each()
    play.expand("each", 3, enough=0)
    assert play.listed == ["each"]
    assert [one.stopped for one in endings(play)] == [True, True, True]


def test_a_once_step_of_a_lost_race_may_finish_first():
    play = each()
    play.expand("each", 2, enough=1)
    play.start("each/0/work", effect="once")
    run_item(play, "each/1", 1)
    assert play.listed == ["each/0/work"]
    play.done("each/0/work")
    assert play.listed == ["each"]
    assert [one.stopped for one in endings(play)] == [True, False]


def test_a_failed_scope_stops_the_others():
    play = each()
    play.expand("each", 3, limit=2)
    play.start("each/0/work", "each/1/work")
    play.fail("each/0/work")
    assert play.stopping == ["each/1/work"]
    play.stop("each/1/work")
    assert [(one.error is not None, one.stopped) for one in endings(play)] == [
        (True, False),
        (False, True),
        (False, True),
    ]


def test_a_tolerant_node_lets_the_others_go_on():
    play = each()
    play.expand("each", 2, tolerant=True)
    play.start("each/0/work")
    play.fail("each/0/work")
    assert play.listed == ["each/1/work"]
    run_item(play, "each/1", 1)
    assert [one.succeeded for one in endings(play)] == [False, True]


def test_scopes_that_end_in_the_same_instant_all_keep_their_results():
    play = Play(graph([step("each", body=body([]))]))
    play.expand("each", 3, enough=1)
    assert [one.succeeded for one in endings(play)] == [True, True, True]


def test_empty_bodies_are_over_one_after_the_other():
    play = Play(graph([step("each", body=body([]))]))
    play.expand("each", 1000, limit=1)
    assert all(one.succeeded for one in endings(play))


def test_a_container_among_the_stopped_ones_is_stopped_from_the_inside():
    inner = body([step("inner", body=INSIDE)])
    play = each(inner)
    play.expand("each", 2)
    play.expand("each/0/inner", [{}])
    play.start("each/0/inner/0/work", "each/1/inner")
    play.fail("each/1/inner")
    play.stop("each/0/inner/0/work")
    play.stop("each/0/inner")
    assert [one.stopped for one in endings(play)] == [True, False]


# ---------------------------------------------------------------------- graphs made while running


def test_a_node_may_run_a_graph_that_it_made():
    play = Play(graph([step("orchestrate"), END], "orchestrate.out -> end.x"))
    play.expand("orchestrate", [{}], plan=INSIDE)
    run_item(play, "orchestrate/0", "찾음")
    assert endings(play, "orchestrate") == [Ending(True, {"x": "찾음"})]


def test_it_may_make_another_one_in_its_next_turn():
    play = Play(graph([step("orchestrate")]))
    play.expand("orchestrate", [{}], plan=body([step("a")]))
    play.does("orchestrate/0/a")
    play.expand("orchestrate", [{}], plan=body([step("b")]))
    assert play.listed == ["orchestrate/1/b"]


def test_a_graph_that_many_nodes_make_is_made_ready_once_and_few_are_remembered():
    play = Play(graph([step("a"), step("b"), *(step(f"n{n}") for n in range(40))]))
    play.expand("a", [{}], plan=INSIDE)
    play.expand("b", [{}], plan=dict(INSIDE))
    assert play.run.at(("a", 0, "work"))[0].plan is play.run.at(("b", 0, "work"))[0].plan
    for number in range(40):
        play.expand(f"n{number}", [{}], plan=body([step(f"x{number}")]))
    assert play.run._graphs is not None
    assert len(play.run._graphs._made) == 32


@pytest.mark.parametrize(
    "made",
    [
        {"nodes": 3},
        body([step("a"), step("a")]),
        body([step("a"), step("b")], "a -> b", "b -> a"),
        body([step("a"), step("b", refers=("c.x",)), step("c")], "a -> b", "b -> c"),
        body([step("a", maps={"x": "a..b"})]),
        body([step("a", body=body([step("b"), step("c")], "b -> c", "c -> b"))]),
    ],
)
def test_a_graph_that_would_never_end_is_refused_before_it_becomes_history(made: dict[str, Any]):
    play = Play(graph([step("orchestrate")]))
    play.start("orchestrate")
    with pytest.raises(UnrunnableStepGraph):
        play.check_expand("orchestrate", [{}], plan=made)


def test_a_node_without_a_body_cannot_ask_for_it():
    play = Play(graph([step("a")]))
    play.start("a")
    with pytest.raises(NothingToRun):
        play.check_expand("a", [{}])


def test_a_graph_that_makes_itself_again_and_again_can_still_be_cancelled():
    again = body([step("again")])
    run = Run(graph([step("again")]), describe)
    path: Path = ("again",)
    run.apply(RunStarted(at=0.0, run="r", graph="g"))
    for _ in range(1500):
        run.apply(NodeStarted(at=0.0, path=path))
        run.apply(NodeExpanded(at=0.0, path=path, scopes=({},), plan=again))
        path = (*path, 0, "again")
    run.apply(RunCancelled(at=0.0))
    while run.to_stop:
        (path,) = run.to_stop
        run.apply(NodeFailed(at=0.0, path=path, kind="stopped", error=Failure("stopped", "")))
    assert run.finish is not None
