"""One simulated world: processes that drive runs, clients that start them, people who answer, and trouble for a while.

    world = World(seed)
    world.live()
    broken(world)        what it promised and did not keep

The processes are the real `LocalRuntime`, `Driver` and `Executor`; the loop, the clock, the store's wire and the world
outside are simulated. After the trouble everything works again, and every run must come to its end by itself.
"""

import asyncio
import contextlib
from collections.abc import Collection, Coroutine, Iterable
from random import Random
from typing import Any

from tests.simulation.clients import Clients
from tests.simulation.faults import Trouble, drawn
from tests.simulation.forking import Forkers
from tests.simulation.history import History, RunHistory
from tests.simulation.journal import SimulatedJournal
from tests.simulation.loop import Place, SimulatedLoop, T
from tests.simulation.people import People
from tests.simulation.process import EPOCH, Process
from tests.simulation.scale import scaled
from tests.simulation.store import SimulatedStore

from mulle.engine.journal import Keep
from mulle.errors import MulleError

KEEP = Keep(succeeded=1.0, failed=3.0)
"""For how long runs are kept where somebody sweeps."""
POISON = 12
"""Processes that a poisoned run ends at most."""
CALM = 10_000.0
"""Seconds of calm after which every run must have ended."""


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, *, without: Collection[str] = (), trouble: Trouble | None = None) -> None:
        self.seed = seed
        self.trouble = trouble or drawn(seed, without)
        self.loop = SimulatedLoop(self.trouble.chance("order"))
        self.history = History(self.loop.time)
        self.store = SimulatedStore(self.loop, self.trouble, self.history, self._killed_at_a_request)
        self.chance = self.trouble.chance("world")
        self.durations = self.trouble.chance("durations")
        self.processes: list[Process] = [Process(self, f"p{number}") for number in range(self.trouble.processes)]
        self.helpers: list[Process] = []
        """Processes that drive one run and nothing else, and have no second life."""
        self.web = SimulatedJournal(self.store, self.loop.world, "web")
        self.people = People(self)
        self.clients = Clients(self)
        self.forkers = Forkers(self)

        self._beginning: list[tuple[Place, asyncio.Task[Any]]] = []
        """Whoever is about to begin a run, and where."""

    def begin_in(self, place: Place, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Have a run begun in a process: the world is not over before that is done."""
        task = self.loop.spawn(place, work)
        self._beginning.append((place, task))
        return task

    # ------------------------------------------------------------------ living

    def live(self) -> None:
        """Go through the trouble and the calm after it; raises Spinning for a world that never rests."""
        with scaled(self.trouble):
            self._live()

    def _live(self) -> None:
        try:
            for process in self.processes:
                process.begin()
            self.clients.come()
            self.loop.spawn(self.loop.world, self.people.answer())
            for happening in self._troubles():
                self.loop.spawn(self.loop.world, happening)
            self.loop.run(lambda: False, self.trouble.lasts)
            self._end_trouble()
            while self.loop.run(self._all_ended, self.trouble.lasts + CALM):
                # Who was told to stop is still at it for a moment, and what a dead one sent may arrive.
                self.loop.run(lambda: False, self.loop.time() + 1.0)
                if self._all_ended():
                    break
            if self.trouble.sweep_every and self._all_ended():
                self._sweep_everything()
        finally:
            self.loop.end()

    def _all_ended(self) -> bool:
        runs = self.history.runs.values()
        beginning = any(place.alive and not task.done() for place, task in self._beginning)
        return not (self.clients.waiting or beginning) and all(one.ended for one in runs)

    def _end_trouble(self) -> None:
        self.history.say("----- the trouble ends -----")
        self.store.over = True
        self.store.down_until = 0.0
        for process in (*self.processes, *self.helpers):
            process.skew = 0.0
            process.thaw()
            process.journal.mend()
        for process in self.processes:
            if not process.lives:
                process.begin()

    # ------------------------------------------------------------------ trouble

    def _troubles(self) -> Iterable[Any]:
        trouble = self.trouble
        for every, name, does in (
            (trouble.kill_every, "kills", self._kill),
            (trouble.freeze_every, "freezes", self._freeze),
            (trouble.jump_every, "jumps", self._jump),
            (trouble.deploy_every, "deploys", self._deploy),
            (trouble.outage_every, "outages", self._outage),
            (trouble.sweep_every, "sweeps", self._sweep),
            (trouble.cut_every, "cuts", self._cut_off),
            (trouble.fork_every, "forks", self.forkers.ask),
        ):
            if every:
                yield self._now_and_then(every, trouble.chance(name), does)

    async def _now_and_then(self, every: float, chance: Random, does: Any) -> None:
        while True:
            await asyncio.sleep(chance.expovariate(1 / every))
            if self.store.over:
                return
            does(chance)

    def _some_process(self, chance: Random) -> Process | None:
        living = [process for process in (*self.processes, *self.helpers) if process.lives]
        return chance.choice(living) if living else None

    def _kill(self, chance: Random) -> None:
        process = self._some_process(chance)
        if process:
            self.kill(process)

    def _killed_at_a_request(self, place: Place) -> None:
        process = next((one for one in (*self.processes, *self.helpers) if one.lives and one.place is place), None)
        if process:
            self.kill(process)

    def may_be_poison(self, process: Process, run: str) -> None:
        """A step begins: that of a poisoned run ends its process before anything else happens there."""
        kept = self.history.runs[run]
        if kept.key in self.clients.poisoned and len(kept.kills) < POISON:
            self.loop.call_soon(self._poison, process, process.place, kept, context=self.loop.world.context)

    def _poison(self, process: Process, place: Place, kept: RunHistory) -> None:
        if process.lives and process.place is place:
            self.history.say(f"{process.name:>5} is killed by {kept.id}")
            kept.kills.append((self.loop.time(), process in self.helpers))
            self.kill(process)

    def kill(self, process: Process) -> None:
        """`kill -9`, and a new process in a while."""
        self.history.say(f"{process.name:>5} is killed")
        self.history.deaths.append((self.loop.time(), process.journal.owner))
        process.die(self.trouble.chance("kills"))
        if process in self.helpers:
            return
        pause = self.trouble.chance("restarts").choice([0.01, 0.5, 5.0])
        self.loop.at(self.loop.world, self.loop.time() + pause, self._restart, process)

    def _restart(self, process: Process) -> None:
        if not process.lives:
            process.begin()

    def _freeze(self, chance: Random) -> None:
        process = self._some_process(chance)
        if process and not process.place.frozen:
            seconds = chance.choice([0.5, 3.0, 8.0, 15.0])
            self.history.say(f"{process.name:>5} stands still for {seconds} s")
            process.place.frozen = True
            self.loop.at(self.loop.world, self.loop.time() + seconds, process.thaw, process.place)

    def _jump(self, chance: Random) -> None:
        process = self._some_process(chance)
        if process:
            process.skew += chance.choice([-600.0, -30.0, -1.0, 1.0, 30.0, 600.0])
            self.history.say(f"{process.name:>5} has a clock that is {process.skew:+} s off")

    def _deploy(self, chance: Random) -> None:
        process = self._some_process(chance)
        if process and not process.stopping and process not in self.helpers:
            self.history.say(f"{process.name:>5} is stopped in peace")
            self.loop.spawn(process.place, process.stop())

    def _outage(self, chance: Random) -> None:
        seconds = chance.choice([0.3, 3.0, 12.0])
        self.history.say(f"      the store is gone for {seconds} s")
        self.store.down_until = self.loop.time() + seconds

    def _cut_off(self, chance: Random) -> None:
        process = self._some_process(chance)
        if process:
            seconds = chance.choice([0.3, 1.0, 3.0, 10.0])
            self.history.say(f"{process.name:>5} is cut off from the store for {seconds} s")
            process.journal.cut_off(self.loop.time() + seconds)

    # ------------------------------------------------------------------ what is done besides

    def _sweep(self, chance: Random) -> None:
        process = self._some_process(chance)
        if process:
            self.history.say(f"{process.name:>5} sweeps")
            self.loop.spawn(process.place, self._swept(process))

    async def _swept(self, process: Process) -> None:
        with contextlib.suppress(MulleError):
            await process.journal.sweep(KEEP, process.clock())

    def _sweep_everything(self) -> None:
        """When all has ended and is old, see what stays."""
        keep, now = Keep(succeeded=0.0, failed=0.0), EPOCH + 1e9
        for some in self.store.rules.sweep(keep, now):
            while some():
                pass
        self.history.swept(self.store.rules.runs(), keep, now)
        self.store.look()
        self.history.keeping.all_old(self.store.rules.runs() | self.store.rules.with_facts())

    # ------------------------------------------------------------------ what steps do

    def takes(self) -> float:
        return self.durations.choice([0.0, 0.001, 0.05, 0.7, 2.0]) * self.durations.random()
