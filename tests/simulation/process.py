"""A simulated process: a real `LocalRuntime` with a clock that may be wrong, and an end that may be sudden."""

import asyncio
import contextlib
from random import Random
from typing import TYPE_CHECKING, Any

from tests.engine.reference import Data
from tests.simulation.families import with_children
from tests.simulation.journal import SimulatedJournal
from tests.simulation.loop import Place
from tests.simulation.workload import TYPES

from mulle.document.policies import Rate
from mulle.errors import MulleError
from mulle.runtime.executor import Executor
from mulle.runtime.ledger import Published
from mulle.runtime.limits import Limits
from mulle.runtime.loaded import LoadedGraph
from mulle.runtime.local import LocalRuntime
from mulle.runtime.undriven import PASSING
from mulle.sdk import Context
from mulle.sdk.context import Services
from mulle.sdk.node import Effect

if TYPE_CHECKING:
    from tests.simulation.world import World

EPOCH = 1_700_000_000.0
"""What the clocks show when a world begins."""
RATES = {"단계": Rate(most=2, per=3.0)}
AT_ONCE = {"step": 1}
"""What steps of these types are allowed in worlds with limits."""


class Process:
    """One process, over all its lives."""

    def __init__(self, world: "World", name: str) -> None:
        self._world = world
        self._slot = name
        self._life = 0
        self.skew = 0.0
        self.lives = False
        self.stopping = False
        self.name = name
        self.gone = asyncio.Event()
        self.place: Place
        self.limits: Limits
        self.journal: SimulatedJournal
        self.runtime: LocalRuntime

    def clock(self) -> float:
        return EPOCH + self._world.loop.time() + self.skew

    def begin(self, only: str | None = None) -> None:
        """Live, and go on with what others left, or with one run `only`."""
        self._life += 1
        self.name = f"{self._slot}.{self._life}"
        self.place = self._world.loop.place(self.name)
        self.lives, self.stopping, self.gone = True, False, asyncio.Event()
        self._world.history.say(f"{self.name:>5} begins")
        self.place.context.run(self._wire)
        self._world.loop.spawn(self.place, self._serve() if only is None else self._serve_only(only))

    def _wire(self) -> None:
        self.limits = Limits(RATES, AT_ONCE) if self._world.trouble.limits else Limits()
        self.journal = SimulatedJournal(self._world.store, self.place, self.name)
        seen: Any = self.journal  # It has what the runtime uses of the protocol.
        alone = self._alone
        self.runtime = LocalRuntime(seen, self._load, publish=self._published, alone=alone, clock=self.clock)

    async def _serve(self) -> None:
        self.runtime.watch()

    async def _serve_only(self, run: str) -> None:
        """What `mulle worker --only RUN` does."""
        with contextlib.suppress(MulleError):
            while not await self._driven_alone(run):  # noqa: ASYNC110 - a store cannot say when it is well again.
                await asyncio.sleep(0.5)
        await self.runtime.close()
        await self.journal.close()
        self._world.history.say(f"{self.name:>5} has ended")
        self._world.loop.at(self._world.loop.world, self._world.loop.time(), self._end_helper, self.place)

    async def _driven_alone(self, run: str) -> bool:
        """Whether it has ended, or only time and signals move it; False when the store failed."""
        try:
            if not await self.runtime.take(run, here=True) and run in self.runtime.problems:
                raise self.runtime.problems[run]
            await self.runtime.wait(run, here=True)
        except PASSING:
            return False
        return True

    def _end_helper(self, place: Place) -> None:
        if place.alive:
            self.die(self._world.trouble.chance("deploys"))

    async def _alone(self, run: str) -> None:
        """Start a process for one run, and wait for its end."""
        helper = Process(self._world, f"{self._slot}-{len(self._world.helpers)}")
        self._world.helpers.append(helper)
        helper.begin(only=run)
        await helper.gone.wait()

    async def stop(self) -> None:
        """End in peace, and begin anew."""
        self.stopping = True
        await self.runtime.close()
        await self.journal.close()
        self._world.history.say(f"{self.name:>5} has stopped")
        self.lives = False
        self._world.loop.at(self._world.loop.world, self._world.loop.time(), self._end_place, self.place)

    def _end_place(self, place: Place) -> None:
        if place.alive:
            self.die(self._world.trouble.chance("deploys"))
            self.begin()

    def die(self, chance: Random) -> None:
        """Be gone, with all that was not sent."""
        self.lives = False
        self.gone.set()
        self._world.loop.kill(self.place)
        self.journal.cut(chance)

    def thaw(self, place: Place | None = None) -> None:
        """Go on after standing still, if it is still the same process."""
        if self.lives and place in {None, self.place} and self.place.frozen:
            self._world.history.say(f"{self.name:>5} goes on")
            self.place.frozen = False

    # ------------------------------------------------------------------ running

    async def _load(self, graph: str) -> LoadedGraph:
        await self.journal.graph(graph)
        return self.loaded(graph)

    def loaded(self, graph: str) -> LoadedGraph:
        work = self._world.history.works[graph.removeprefix("g")]
        services = Services(extra={"outside": Mark(self._world, self), "nodes": work.nodes})
        services = with_children(services, self, self._world.history.works)
        chance = self._world.trouble.chance("jitter").random
        executor = Executor(TYPES, services, clock=self.clock, chance=chance, limits=self.limits)
        return LoadedGraph(work.plan, executor)

    def _published(self, published: Published) -> None:
        kept = self._world.history.runs[published.run]
        known = [one.fact for one in kept.facts]
        if published.facts and not all(fact in known for fact in published.facts[-1:]):
            self._world.history.broken(f"{self.name} told a fact of {kept.id} that is not on disk")


class Mark:
    """What a step of one process may do outside. See `Outside`."""

    def __init__(self, world: "World", process: Process) -> None:
        self._world = world
        self._process = process

    def begins(self, ctx: Context, effect: Effect) -> None:
        self._world.history.effect(self._process.journal.owner, effect, ctx, done=False, outputs=None)
        self._world.history.effect_begins(self._process.name, ctx)
        self._world.may_be_poison(self._process, ctx.run_id)

    def happens(self, ctx: Context, effect: Effect, outputs: Data | None) -> None:
        self._world.history.effect(self._process.journal.owner, effect, ctx, done=True, outputs=outputs)

    def ends(self, ctx: Context) -> None:
        self._world.history.effect_ends(self._process.name, ctx)

    def takes(self) -> float:
        return self._world.takes()
