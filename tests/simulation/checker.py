"""What must hold of every history, each promise a function whose first line is its sentence.

A promise gets the world after its end and yields what it found broken. `broken` asks them all.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.simulation import bounds, forking
from tests.simulation.families import SPREAD
from tests.simulation.history import Effect, RunHistory
from tests.simulation.process import AT_ONCE, EPOCH, RATES

from mulle.engine.children import child_ids
from mulle.engine.facts import (
    AnyFact,
    NodeDone,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    Path,
    RunCancelled,
    Signalled,
)
from mulle.runtime.ledger import ENDINGS
from mulle.runtime.local import POISONED_AT

if TYPE_CHECKING:
    from tests.simulation.world import World

LONGEST = 1000
"""Characters of a sentence about what is broken: big values are cut short."""

Promise = Callable[["World"], Iterator[str]]


def broken(world: "World") -> list[str]:
    """Every promise that a world's history breaks, in words; seen at once or found afterwards."""
    found = list(world.history.wrong)
    for promise in PROMISES:
        sentence = (promise.__doc__ or "").splitlines()[0]
        found += [f"{sentence} {text}" for text in promise(world)]
    return [text[:LONGEST] for text in found]


# ---------------------------------------------------------------------- no run is lost


def no_run_is_lost(world: "World") -> Iterator[str]:
    """Every run that somebody was told exists, exists once; and every client got its run."""
    if world.clients.waiting:
        yield f"{world.clients.waiting} clients have no run"


def every_run_ends(world: "World") -> Iterator[str]:
    """When the trouble is over and everybody has answered, every run ends by itself."""
    for kept in world.history.runs.values():
        if kept.ended is None:
            row = world.store.rules.row(kept.id)
            waits = {"/".join(map(str, path)): node.listens_to for path, node in kept.run.waiting().items()}
            yield f"{kept.id} does not: its row is {row}, it wants {list(kept.run.commands)}, it waits for {waits}"


def nothing_complains(world: "World") -> Iterator[str]:
    """No callback and no task ends in an error that nobody expected."""
    yield from world.loop.complaints


# ---------------------------------------------------------------------- effects


def effects_are_licensed(world: "World") -> Iterator[str]:
    """A step that is not pure starts only when its licence is on disk."""
    for kept, effect in _effects(world):
        if not effect.done and effect.licence != "running" and effect.process == effect.owner:
            yield f"{kept.id} {effect.path} began at {effect.at:.4f} while the journal said: {effect.licence}"


def only_the_owner_begins(world: "World") -> Iterator[str]:
    """Who has lost a run begins no step of it."""
    for kept, effect in _effects(world):
        if not effect.done and effect.process != effect.owner:
            yield f"{effect.process} began {effect.path} of {kept.id} at {effect.at:.4f}, which {effect.owner} owned"


def finished_steps_are_not_repeated(world: "World") -> Iterator[str]:
    """No effect of a step happens after its ending is on disk, unless somebody who lost the run was still at it."""
    for kept, effect in _effects(world):
        if effect.done and effect.process == effect.owner and effect.licence not in {"running", "stopped"}:
            ending = next((one for one in kept.facts if one.at <= effect.at and _ends(one.fact, effect.path)), None)
            if ending and not _abandoned(ending.fact):
                yield f"{kept.id} {effect.path} happened at {effect.at:.4f}, and had ended at {ending.at:.4f}"


def once_is_once(world: "World") -> Iterator[str]:
    """A `once` effect happens twice only if its step was interrupted, and a person or the document said: again."""
    for kept in world.history.runs.values():
        done: dict[tuple[Path, int], list[Effect]] = {}
        for effect in kept.effects:
            if effect.effect == "once" and effect.done:
                done.setdefault((effect.path, effect.turn), []).append(effect)
        for (path, turn), effects in done.items():
            for first, second in pairwise(effects):
                between = [one.fact for one in kept.facts if first.at <= one.at <= second.at]
                if not any(_is_interrupted(fact, path) for fact in between):
                    yield f"{kept.id} {path} turn {turn} happened at {first.at:.4f} and at {second.at:.4f}"


def _is_interrupted(fact: AnyFact, path: Path) -> bool:
    return isinstance(fact, NodeFailed) and fact.path == path and fact.kind == "interrupted"


def once_in_flight_is_interrupted(world: "World") -> Iterator[str]:
    """A `once` step whose effect may have happened ends as done, failed by itself or interrupted; not as stopped."""
    for kept in world.history.runs.values():
        began: dict[Path, NodeStarted] = {}
        for one in kept.facts:
            fact = one.fact
            if isinstance(fact, NodeStarted):
                began[fact.path] = fact
            elif isinstance(fact, NodeWaiting):
                began.pop(fact.path, None)
            elif isinstance(fact, NodeFailed) and fact.path in began:
                start = began.pop(fact.path)
                happened = any(
                    effect.done
                    and (effect.path, effect.turn, effect.attempt) == (start.path, start.turn, start.attempt)
                    for effect in kept.effects
                )
                if start.effect == "once" and happened and fact.kind in {"stopped", "timeout"}:
                    yield f"{kept.id} {fact.path} was written as {fact.kind} at {one.at:.4f}, and had happened"


# ---------------------------------------------------------------------- journals


def one_writer_at_a_time(world: "World") -> Iterator[str]:
    """Epochs in a journal never go back, and each belongs to one process."""
    for kept in world.history.runs.values():
        epochs = [one.epoch for one in kept.facts]
        if epochs != sorted(epochs):
            yield f"{kept.id} has epochs {epochs}"
        writers: dict[int, set[str]] = {}
        for one in kept.facts:
            writers.setdefault(one.epoch, set()).add(one.process)
        yield from (f"{kept.id} has {names} at epoch {epoch}" for epoch, names in writers.items() if len(names) > 1)


def everything_that_started_has_an_ending(world: "World") -> Iterator[str]:
    """In a run that has ended, nothing that started is left without an ending."""
    for kept in world.history.runs.values():
        if kept.ended:
            started = {one.fact.path for one in kept.facts if isinstance(one.fact, NodeStarted)}
            yield from (f"{kept.id} {path} has none" for path in started if path not in kept.endings)


def signals_count_once(world: "World") -> Iterator[str]:
    """A signal that the store took is journalled once, or was too late for its run."""
    for kept in world.history.runs.values():
        counts = Counter(one.fact.id for one in kept.facts if isinstance(one.fact, Signalled))
        yield from (f"{kept.id} has {signal} {times} times" for signal, times in counts.items() if times > 1)
        left = [signal.id for signal in world.store.rules.inbox(kept.id)]
        for signal in kept.signals:
            if not kept.ended and signal not in counts and signal not in left and not _is_cut_off(signal):
                yield f"{kept.id} has lost {signal}"


def _is_cut_off(signal: str) -> bool:
    return signal.startswith(("cancel/", "poisoned/"))


def cancel_wins(world: "World") -> Iterator[str]:
    """A run that was cancelled ends as cancelled, and soon, whatever its steps do."""
    for kept in world.history.runs.values():
        cuts = [one for one in kept.facts if isinstance(one.fact, RunCancelled)]
        if cuts and kept.ended:
            fact = cuts[0].fact
            assert isinstance(fact, RunCancelled)
            wanted = "cancelled" if fact.detail in {"cancelled", "superseded"} else "failed"
            if (kept.ended.status, kept.ended.detail) != (wanted, fact.detail):
                yield f"{kept.id} was cut off ({fact.detail}) and is {kept.ended.status} {kept.ended.detail}"
        asked = kept.signals.get(f"cancel/{kept.id}")
        if asked is not None and kept.ended and not cuts and kept.facts[-1].at - asked > OVERLOOKED:
            end = kept.facts[-1].at
            yield f"{kept.id} was to be cancelled at {asked:.4f} and ended as {kept.ended.status} at {end:.4f}"


OVERLOOKED = 60.0
"""Seconds of trouble in which a cancel may come too late: its store was gone, its driver dead or frozen."""


def only_the_last_call_begins(world: "World") -> Iterator[str]:
    """Of calls that come one soon after the other only the last begins anything, and not before it is quiet."""
    for kept in world.history.runs.values():
        if kept.superseded and (kept.effects or kept.of(NodeStarted)):
            yield f"{kept.id} was superseded and began"
        if kept.superseded and kept.ended and kept.ended.detail not in {"superseded", "cancelled"}:
            yield f"{kept.id} was superseded and ended as {kept.ended.status} {kept.ended.detail}"
        if (
            kept.new.debounce is not None
            and kept.owners
            and not kept.is_to_be_cancelled
            and not world.trouble.jump_every
        ):
            begun = EPOCH + kept.owners[0][0]
            if begun < kept.begins - 0.001:
                yield f"{kept.id} began {kept.begins - begun:.3f} s too early"


def allowances_are_kept(world: "World") -> Iterator[str]:
    """In no span of time is an allowance given more often than it says, and nobody begins before it is given."""
    if not world.trouble.limits or world.trouble.jump_every:  # Whose clock jumps counts other seconds.
        return
    for kind, rate in RATES.items():
        grants = world.history.grants.get(f"type/{kind}", {})
        times = sorted(grants.values())
        for first, next_one in zip(times, times[rate.most :], strict=False):
            if next_one - first < rate.per - 0.001:
                yield f"{kind}: {rate.most + 1} times within {next_one - first:.3f} s"
        for kept in world.history.runs.values():
            for one in kept.own:
                fact = one.fact
                if (
                    isinstance(fact, NodeStarted)
                    and fact.effect != "pure"
                    and kept.work.nodes[str(fact.path[-1])]["type"] == kind
                ):
                    holder = f"{kept.id}/{'/'.join(map(str, fact.path))}/{fact.turn}/{fact.attempt}"
                    if fact.at < grants.get(holder, math.inf) - 0.001:
                        yield f"{holder} began at {fact.at:.3f}, and may at {grants.get(holder)}"


def gates_are_kept(world: "World") -> Iterator[str]:
    """In a process never more steps of a type are at work than may be."""
    if world.trouble.limits:
        for kind, most in AT_ONCE.items():
            if world.history.most_at_work.get(kind, 0) > most:
                yield f"{world.history.most_at_work[kind]} steps of type {kind} were at work at once"


def poison_is_earned(world: "World") -> Iterator[str]:
    """A run is given up as poisoned only after three unclean deaths of its drivers with no step ending in between."""
    for kept in world.history.runs.values():
        if kept.ended and kept.ended.detail == "poisoned":
            cut = next(one.at for one in kept.facts if isinstance(one.fact, RunCancelled))
            last = max((one.at for one in kept.facts if type(one.fact) in ENDINGS and one.at < cut), default=0.0)
            dead = [owner for since, owner in kept.owners if _died_after(world, owner, max(last, since))]
            if len(dead) < POISONED_AT:
                yield f"{kept.id} was, after {len(dead)} deaths since {last:.4f}"


def _died_after(world: "World", owner: str, since: float) -> bool:
    return any(name == owner and when >= since for when, name in world.history.deaths)


def who_kills_is_driven_apart(world: "World") -> Iterator[str]:
    """A run that has ended two processes without getting on is driven in one of its own from then on."""
    trouble = world.trouble
    if trouble.error or trouble.lost_answer or trouble.outage_every or trouble.deploy_every:
        return  # A death that cannot be written, or whose finder is stopped before he has written it, is not counted.
    for kept in world.history.runs.values():
        in_a_row = 0
        happenings = [(one.at, None) for one in kept.facts if isinstance(one.fact, NodeDone | NodeFailed | NodeWaiting)]
        for at, apart in sorted([*kept.kills, *happenings], key=lambda one: one[0]):
            in_a_row = 0 if apart is None else in_a_row + 1
            if in_a_row >= POISONED_AT and not apart:
                yield f"{kept.id} ended the process of others for the {in_a_row}th time at {at:.4f}"


# ---------------------------------------------------------------------- outcomes


def outcomes_equal_the_reference(world: "World") -> Iterator[str]:
    """What a run gives is what its document gives when one does it by hand, however often its drivers died."""
    for kept in world.history.runs.values():
        if kept.ended and not (kept.run.cancelled or kept.given or _decided_otherwise(kept)):
            differences = _differences(kept) if kept.work.reference else _differences_of_parent(world, kept)
            yield from (f"{kept.id} ({kept.work.name}): {text}" for text in differences)


def _decided_otherwise(kept: RunHistory) -> bool:
    """Whether time, a policy or a person ended a step that would have gone on."""
    final = (
        one.fact
        for one in kept.facts
        if isinstance(one.fact, NodeFailed) and one.fact.retry_at is None and one.fact.ask_until is None
    )
    return any(
        fact.kind in {"timeout", "interrupted"} or fact.error.type in {"interrupted", "step.timed_out"}
        for fact in final
    )


def _differences(kept: RunHistory) -> Iterator[str]:
    wanted, ended = kept.work.reference, kept.ended
    assert ended is not None
    assert wanted is not None
    status = "failed" if wanted.failed else "succeeded"
    if ended.status != status:
        yield f"{ended.status}, not {status}: {ended.error}"
        return
    if not wanted.failed and ended.outputs != wanted.outputs:
        yield f"outputs {ended.outputs}, not {wanted.outputs}"
    again = _begun_anew(kept)
    for path, outcome in wanted.nodes.items():
        if any(path[:length] in again for length in range(1, len(path), 2)):
            continue
        state = kept.endings.get(path)
        if state is None or (state.status, state.outputs or {}) != (outcome.status, outcome.outputs):
            yield f"{path} is {state and (state.status, state.outputs)}, not {outcome}"
    if wanted.exact and not again and kept.run.conversation.get("total", 0) != wanted.total:
        yield f"conversation {kept.run.conversation}, not a total of {wanted.total}"


def _begun_anew(kept: RunHistory) -> set[Path]:
    """Nodes whose time was up: their bodies began once more, under other numbers, and what these wrote stays."""
    return {one.fact.path for one in kept.facts if isinstance(one.fact, NodeFailed) and one.fact.from_turn is not None}


def _differences_of_parent(world: "World", kept: RunHistory) -> Iterator[str]:
    """Whether what a spread step gave is what its children gave, in their order."""
    state, data = kept.endings[(SPREAD,)], kept.work.nodes[SPREAD]["data"]
    if not any(isinstance(one.fact, NodeDone | NodeFailed) and one.fact.path == (SPREAD,) for one in kept.own):
        return  # Those of the run that it was forked from gave it.
    if state.status == "done" and state.outputs and state.outputs["out"] != "없음":
        children = [world.history.runs[child] for child in child_ids(kept.id, (SPREAD,), state.attempt, data["count"])]
        endings = [child.ended for child in children]
        gave = [ended.outputs if ended and ended.status == "succeeded" else None for ended in endings]
        if state.outputs["out"] != gave or (None in gave and not data["tolerant"]):
            yield f"gives {state.outputs}, and its children gave {gave}"
    elif state.status == "done" and kept.work.nodes[SPREAD]["on_error"] != "default":
        yield f"gives {state.outputs}"


def those_who_wait_are_told_the_truth(world: "World") -> Iterator[str]:
    """What `wait` says of an ended run is what its journal says."""
    for kept in world.history.runs.values():
        for told in kept.results:
            if told.status != "waiting" and (kept.ended is None or told.status != kept.ended.status):
                yield f"{kept.id}: {told.status}, and the journal says {kept.ended}"


# ---------------------------------------------------------------------- reading histories


def _effects(world: "World") -> Iterator[tuple[RunHistory, Effect]]:
    for kept in world.history.runs.values():
        for effect in kept.effects:
            yield kept, effect


def _ends(fact: AnyFact, path: Path) -> bool:
    return isinstance(fact, NodeDone | NodeFailed) and fact.path == path


def _abandoned(fact: AnyFact) -> bool:
    """Whether a step was left alone because it did not stop: nobody can take back what it does then."""
    return isinstance(fact, NodeFailed) and fact.kind in {"stopped", "timeout", "interrupted"}


PROMISES: tuple[Promise, ...] = (
    no_run_is_lost,
    every_run_ends,
    nothing_complains,
    effects_are_licensed,
    only_the_owner_begins,
    finished_steps_are_not_repeated,
    once_is_once,
    once_in_flight_is_interrupted,
    bounds.nothing_times_out_before_its_time,
    bounds.nothing_begins_when_time_is_up,
    bounds.deadlines_are_kept,
    bounds.budgets_are_kept,
    bounds.pins_are_the_answers,
    forking.a_retry_repeats_nothing_that_was_done,
    forking.a_retry_asks_about_what_was_cut_off,
    one_writer_at_a_time,
    everything_that_started_has_an_ending,
    signals_count_once,
    cancel_wins,
    only_the_last_call_begins,
    allowances_are_kept,
    gates_are_kept,
    poison_is_earned,
    who_kills_is_driven_apart,
    outcomes_equal_the_reference,
    those_who_wait_are_told_the_truth,
)
