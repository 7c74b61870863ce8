"""What must hold of what bounds a run: time limits of its nodes, its deadline, its budget, answers given beforehand.

Each promise a function, as in `checker`. Times are those that the facts tell, by the clock of whoever wrote them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.simulation.history import RunHistory

from mulle.engine.budget import Spent
from mulle.engine.facts import (
    AnyFact,
    NodeDone,
    NodeExpanded,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    Path,
    RunCancelled,
    RunEnded,
)

if TYPE_CHECKING:
    from tests.simulation.world import World

A_MOMENT = 0.1
"""Seconds that may pass between a look at the clock and what follows from it."""


def nothing_times_out_before_its_time(world: "World") -> Iterator[str]:
    """A step that times out has had its time, whatever the clock on the wall did; a body or a wait by that clock."""
    for kept in world.history.runs.values():
        told: dict[Path, float] = {}
        """When a node was first started in its attempt, by the clock."""
        turns: dict[Path, float] = {}
        """When its last turn was written, really."""
        given_away: set[Path] = set()
        """It waits, or its body is at work."""
        for number, one in enumerate(kept.facts):
            fact = one.fact
            if isinstance(fact, NodeStarted):
                begun = fact.at if number > kept.begun_with else max(fact.at, kept.facts[0].fact.at)
                told.setdefault(fact.path, begun)
                turns[fact.path] = one.at
                given_away.discard(fact.path)
            elif isinstance(fact, NodeWaiting | NodeExpanded):
                given_away.add(fact.path)
            elif isinstance(fact, NodeFailed):
                began = told.pop(fact.path, fact.at)
                if fact.error.type == "step.timed_out" and number >= kept.begun_with:
                    had = fact.at - began if fact.path in given_away else one.at - turns.get(fact.path, 0.0)
                    if had < _limit(kept, fact.path) - 0.001:
                        yield f"{kept.id} {fact.path} had {had:.3f} s"


def nothing_begins_when_time_is_up(world: "World") -> Iterator[str]:
    """When a node's time is up, nothing begins in its body any more."""
    for kept in world.history.runs.values():
        began = {(effect.path, effect.turn, effect.attempt) for effect in kept.effects}
        due: dict[Path, float] = {}
        over: set[Path] = set()
        for number, one in enumerate(kept.facts):
            fact = one.fact
            if isinstance(fact, NodeStarted):
                around = [fact.path[:length] for length in range(1, len(fact.path) - 1, 2)]
                late = next((path for path in around if path in over or fact.at > due.get(path, fact.at)), None)
                if late and number >= kept.begun_with and (fact.effect == "pure" or _key(fact) in began):
                    yield f"{kept.id} {fact.path} began at {fact.at:.3f}, and the time of {late} was up"
                limit = _limit(kept, fact.path)
                if limit and fact.path not in due:
                    due[fact.path] = max(fact.at, kept.facts[0].fact.at) + limit + A_MOMENT
                    over.discard(fact.path)
            elif isinstance(fact, NodeFailed):
                due.pop(fact.path, None)
                over |= {fact.path} if fact.kind == "timeout" else set()


def _key(fact: NodeStarted) -> tuple[Path, int, int]:
    """What an effect is found by: a licence alone, taken back before it was used, is none."""
    return fact.path, fact.turn, fact.attempt


def _limit(kept: RunHistory, path: Path) -> float:
    return kept.work.nodes[str(path[-1])].get("timeout") or 0.0


def deadlines_are_kept(world: "World") -> Iterator[str]:
    """A run is cut off when its time is up and not before, and the world is no longer touched then."""
    for kept in world.history.runs.values():
        deadline = kept.deadline
        cut_off = False
        began = {(effect.path, effect.turn, effect.attempt) for effect in kept.effects}
        for one in kept.facts[kept.begun_with :]:
            fact = one.fact
            if isinstance(fact, RunCancelled):
                cut_off = True
                if fact.detail == "timeout" and fact.at < deadline - 0.001:
                    yield f"{kept.id} was cut off at {fact.at:.3f}, and had time until {deadline:.3f}"
            elif isinstance(fact, NodeStarted) and fact.at > deadline + A_MOMENT:
                if _key(fact) in began:
                    yield f"{kept.id} {fact.path} began at {fact.at:.3f}, and the run had time until {deadline:.3f}"
            elif isinstance(fact, RunEnded) and not cut_off and fact.at > deadline + A_MOMENT:
                yield f"{kept.id} went on until {fact.at:.3f}, and had time until {deadline:.3f}"


def budgets_are_kept(world: "World") -> Iterator[str]:
    """No turn begins when a part of its run's budget is used up, and only then is a run cut off for it."""
    for kept in world.history.runs.values():
        budget = kept.started.budget
        if budget is None:
            continue
        spent = Spent()
        for one in kept.own:
            fact = one.fact
            used_up = (
                (budget.steps is not None and spent.steps >= budget.steps)
                or (budget.tokens is not None and spent.tokens >= budget.tokens)
                or (budget.money is not None and spent.money >= budget.money)
            )
            if isinstance(fact, NodeStarted):
                if used_up:
                    yield f"{kept.id} {fact.path} began at {one.at:.4f} with {spent} of {budget}"
                spent.steps += 1
            elif isinstance(fact, NodeDone) and fact.usage:
                spent.tokens += fact.usage["input_tokens"] + fact.usage["output_tokens"]
                spent.money += fact.usage["cost"]
            elif isinstance(fact, RunCancelled) and fact.detail == "over_budget" and not used_up:
                yield f"{kept.id} was cut off with {spent} of {budget}"


def pins_are_the_answers(world: "World") -> Iterator[str]:
    """What is pinned touches nothing, and its starts are given its answers, one after the other."""
    for kept in world.history.runs.values():
        pins = kept.started.pins
        if kept.given:
            continue  # What a person gives counts before what is pinned.
        yield from (f"{kept.id} {one.path} began, and is pinned" for one in kept.effects if one.path[-1] in pins)
        counts: dict[str, int] = {}
        expected: dict[Path, Any] = {}
        for one in kept.facts if pins else ():
            fact = one.fact
            if isinstance(fact, NodeStarted) and (name := str(fact.path[-1])) in pins:
                answers = pins[name].get("runs") or [pins[name]]
                number = counts.get(name, 0)
                counts[name] = number + 1
                expected[fact.path] = answers[min(number, len(answers) - 1)]
            elif isinstance(fact, NodeDone | NodeFailed) and fact.path in expected:
                answer = expected.pop(fact.path)
                if _gave(fact) != answer:
                    yield f"{kept.id} {fact.path} gave {_gave(fact)}, not {answer}"


def _gave(fact: AnyFact) -> Any:
    if isinstance(fact, NodeDone):
        return {"outputs": fact.outputs}
    assert isinstance(fact, NodeFailed)
    return {"error": {"type": fact.error.type, "message": fact.error.message}}
