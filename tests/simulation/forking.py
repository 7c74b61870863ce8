"""Those who have runs done again in a simulated world, while others run: a retry of what failed, a fork at some node.

They ask a process for it, which uses what `app.retry` and `app.fork` use. What must hold of a fork stands below.
"""

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation.families import Families
from tests.simulation.history import RunHistory
from tests.simulation.process import Process

from mulle.app.forks import Fork, NothingToRetry, UnknownNode, forked, retried
from mulle.engine.facts import AnyFact, NodeDone, NodeFailed, NodeStarted, Path
from mulle.engine.fork import WouldNotRun
from mulle.errors import JournalConflict, LeaseLost, MulleError, StoreFull, StoreUnavailable, UnknownGraph, UnknownRun

if TYPE_CHECKING:
    from tests.simulation.world import World

MOST = 4
"""Forks in one world."""
PASSING = (StoreFull, StoreUnavailable, JournalConflict, LeaseLost)
"""What keeps a fork from being made for now."""


class Forkers:
    """All of them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._number = 0

    def ask(self, chance: Random) -> None:
        """Somebody wants some run done again."""
        runs = [kept for kept in self._world.history.runs.values() if not kept.gone]
        living = [process for process in self._world.processes if process.lives]
        if not runs or not living or self._number >= MOST:
            return
        self._number += 1
        process, kept = chance.choice(living), chance.choice(runs)
        self._world.begin_in(process.place, self._asks(process, kept, f"f{self._number}", chance))

    async def _asks(self, process: Process, kept: RunHistory, new: str, chance: Random) -> None:
        try:
            fork = await self._made(process, kept, new, chance)
        except (*PASSING, UnknownRun, NothingToRetry, WouldNotRun, UnknownNode):
            return
        except Exception as error:  # noqa: BLE001  # Any run can be read and done again.
            if kept.gone and isinstance(error, UnknownGraph):
                return  # It went while it was read.
            self._world.history.broken(f"{kept.id} cannot be done again: {error!r}")
            return
        process.journal.save_graph(fork.ready.graph, fork.ready.text)
        try:
            await process.runtime.start(fork.new, fork.first, fork.ready.loaded, fork.kept)
        except PASSING:
            return
        except MulleError as error:
            self._world.history.broken(f"{kept.id} was not done again: {error!r}")
            return
        if made := self._world.history.runs.get(new):
            self._world.people.may_cancel(made, chance)

    async def _made(self, process: Process, kept: RunHistory, new: str, chance: Random) -> Fork:
        journal: Any = process.journal
        graphs: Any = Families(process, self._world.history.works)
        if chance.random() < 0.6:
            return await retried(journal, graphs, kept.id, new, process.clock())
        begun = [one.fact.path for one in kept.facts if isinstance(one.fact, NodeStarted)]
        node = "/".join(map(str, chance.choice(begun))) if begun else None
        given = {f"{node}.out": 7} if node and chance.random() < 0.3 else {}
        again = None if given else node
        return await forked(journal, graphs, kept.id, new, now=process.clock(), again=again, given=given, on=None)


# ---------------------------------------------------------------------- what must hold


def a_retry_repeats_nothing_that_was_done(world: "World") -> Iterator[str]:
    """A retry goes on where a run failed: a step that had ended well there touches the world no more."""
    for kept, before in _retries(world):
        done = {one.fact.path for one in before.facts if isinstance(one.fact, NodeDone)}
        yield from (
            f"{kept.id} did {effect.path} at {effect.at:.4f}, which {before.id} had done"
            for effect in kept.effects
            if effect.path in done and not effect.done
        )


def a_retry_asks_about_what_was_cut_off(world: "World") -> Iterator[str]:
    """A retry does no `once` step again that may have happened, unless a person or the document says so."""
    for kept, before in _retries(world):
        happened = {effect.path: effect.turn for effect in before.effects if effect.done and effect.effect == "once"}
        failed = {path for path in happened if _failed_by_itself(before, path)}
        for effect in kept.effects:
            if not effect.done and happened.get(effect.path) == effect.turn and effect.path not in failed:
                asked = [one.at for one in kept.facts if _is_interrupted(one.fact, effect.path) and one.at <= effect.at]
                if not asked:
                    yield f"{kept.id} {effect.path} began at {effect.at:.4f}, and {before.id} had done it"


def _retries(world: "World") -> Iterator[tuple[RunHistory, RunHistory]]:
    for kept in world.history.runs.values():
        if kept.started.origin and kept.started.origin.how == "retry":
            yield kept, world.history.runs[kept.new.parent or ""]


def _failed_by_itself(kept: RunHistory, path: Path) -> bool:
    """Whether a step failed and was not cut off, or the document takes that for a failure: a retry does it again."""
    last = next(one.fact for one in reversed(kept.facts) if getattr(one.fact, "path", None) == path)
    taken_for = kept.work.nodes[str(path[-1])].get("on_interrupted") == "fail"
    return isinstance(last, NodeFailed) and (last.kind == "error" or (last.kind == "interrupted" and taken_for))


def _is_interrupted(fact: AnyFact, path: Path) -> bool:
    return isinstance(fact, NodeFailed) and fact.path == path and fact.kind == "interrupted"
