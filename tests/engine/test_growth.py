"""A fact costs the same in small runs and in large ones, and what is over leaves nothing behind. Counted, not timed."""

import sys
from collections.abc import Callable
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from tests.engine.graphs import END, body, describe, graph, step

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
    RunStarted,
    Signalled,
)
from mulle.engine.plan import ScopePlan
from mulle.engine.run import Run

STARTED = RunStarted(at=0.0, run="r", graph="g")
Story = tuple[ScopePlan, list[AnyFact]]


def turn(path: Path, number: int = 1, **outputs: Any) -> list[AnyFact]:
    return [NodeStarted(at=0.0, path=path, turn=number), NodeDone(at=0.0, path=path, outputs=outputs)]


def chain(count: int) -> Story:
    names = [f"n{number}" for number in range(count)]
    edges = [f"{one}.out -> {other}.in" for one, other in pairwise(names)]
    return graph([step(name) for name in names], *edges), [fact for name in names for fact in turn((name,), out=1)]


def fan_out(count: int) -> Story:
    names = [f"n{number}" for number in range(count)]
    edges = [edge for name in names for edge in (f"first -> {name}", f"{name}.out -> last.xs")]
    plan = graph([step("first"), *(step(name) for name in names), step("last", collects=("xs",))], *edges)
    return plan, [fact for name in ("first", *names, "last") for fact in turn((name,), out=1)]


def loop(count: int) -> Story:
    plan = graph([step("loop", body=body([step("a"), END], "a.out -> end.x"))])
    facts: list[AnyFact] = []
    for number in range(count):
        facts.append(NodeStarted(at=0.0, path=("loop",), turn=number + 1))
        facts.append(NodeExpanded(at=0.0, path=("loop",), scopes=({"state": {"n": 1}},), memo=1))
        facts += turn(("loop", number, "a"), out=1) + turn(("loop", number, "end"), x=1)
    return plan, facts


def loop_that_makes_its_graph(count: int) -> Story:
    _, facts = loop(count)
    made = body([step("a"), END], "a.out -> end.x")
    opened = [
        NodeExpanded(at=0.0, path=fact.path, scopes=fact.scopes, plan=dict(made))
        if isinstance(fact, NodeExpanded)
        else fact
        for fact in facts
    ]
    return graph([step("loop")]), opened


def mapped(count: int) -> list[AnyFact]:
    scopes: tuple[dict[str, Any], ...] = tuple({"item": number} for number in range(count))
    return [NodeStarted(at=0.0, path=("each",)), NodeExpanded(at=0.0, path=("each",), scopes=scopes)]


def wide_map(count: int) -> Story:
    facts = mapped(count)
    for number in range(count):
        facts += turn(("each", number, "a"), out=1)
    return graph([step("each", body=body([step("a")]))]), facts


def map_waiting_for_one_signal(count: int) -> Story:
    facts = mapped(count)
    for number in range(count):
        facts.append(NodeStarted(at=0.0, path=("each", number, "a")))
        facts.append(NodeWaiting(at=0.0, path=("each", number, "a"), signal="go", until=9.0))
    for number in range(count // 2):
        facts += turn(("each", number, "a"), 2)
    facts.append(Signalled(at=0.0, id="1", name="go"))
    for number in range(count // 2, count):
        facts += turn(("each", number, "a"), 2)
    return graph([step("each", body=body([step("a")]))]), facts


def early_signals(count: int) -> Story:
    facts: list[AnyFact] = [Signalled(at=0.0, id=f"{number}", name="go") for number in range(count)]
    for number in range(count):
        facts.append(NodeStarted(at=0.0, path=("a",), turn=number + 1))
        facts.append(NodeWaiting(at=0.0, path=("a",), signal="go"))
    return graph([step("a")]), facts


def cancelled_map(count: int) -> Story:
    facts = mapped(count)
    facts += [NodeStarted(at=0.0, path=("each", number, "a")) for number in range(count)]
    facts.append(RunCancelled(at=0.0))
    stopped = Failure("stopped", "")
    facts += [NodeFailed(at=0.0, path=("each", number, "a"), kind="stopped", error=stopped) for number in range(count)]
    return graph([step("each", body=body([step("a")]))]), facts


def race_of_many(count: int) -> Story:
    """Every scope of a lost race still finishes a `once` step."""
    facts = mapped(count)
    facts[1] = NodeExpanded(at=0.0, path=("each",), scopes=(dict[str, Any](),) * count, enough=1)
    for number in range(count):
        facts.append(NodeStarted(at=0.0, path=("each", number, "a"), effect="once"))
    facts += [NodeDone(at=0.0, path=("each", number, "a")) for number in range(count)]
    return graph([step("each", body=body([step("a")]))]), facts


STORIES = [
    chain,
    fan_out,
    loop,
    loop_that_makes_its_graph,
    wide_map,
    map_waiting_for_one_signal,
    early_signals,
    cancelled_map,
    race_of_many,
]


def calls(story: Story) -> int:
    """How many functions, Python's and C's, are called to fold a story while somebody follows it."""
    plan, facts = story
    run = Run(plan, describe)
    run.apply(STARTED)
    count = 0

    def counting(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        for fact in facts:
            run.apply(fact)
            run.agenda.changes()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("story", STORIES)
def test_twice_as_many_facts_take_twice_as_many_calls(story: Callable[[int], Story]):
    small, large = calls(story(200)), calls(story(400))
    assert large <= 2.1 * small


@pytest.mark.parametrize("story", [loop, loop_that_makes_its_graph])
def test_a_loop_of_many_rounds_keeps_no_more_than_one_of_few(story: Callable[[int], Story]):
    kept: list[int] = []
    for count in (10, 2000):
        plan, facts = story(count)
        run = Run(plan, describe)
        run.apply(STARTED)
        for fact in facts:
            run.apply(fact)
        assert run._tree.agenda.changed is None
        assert run._graphs is None or len(run._graphs._made) <= 1
        kept.append(len(run.snapshot()))
    assert kept[1] - kept[0] < 20  # A few more digits in numbers.


def test_a_loop_that_waits_each_round_keeps_only_the_ids_of_its_signals():
    run = Run(graph([step("loop", body=body([step("a")]))]), describe)
    run.apply(STARTED)
    for number in range(100):
        place = ("loop", number, "a")
        run.apply(NodeStarted(at=0.0, path=("loop",), turn=number + 1))
        run.apply(NodeExpanded(at=0.0, path=("loop",), scopes=({},)))
        run.apply(NodeStarted(at=0.0, path=place))
        run.apply(NodeWaiting(at=0.0, path=place))
        run.apply(Signalled(at=0.0, id=f"{number}", name=f"loop/{number}/a"))
        for fact in turn(place, 2):
            run.apply(fact)
    signals = run._tree.signals
    assert (signals.listeners, signals.early, len(signals.heard)) == ({}, {}, 100)
