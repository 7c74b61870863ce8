"""Those who have runs started in a simulated world, whatever happens to whom they ask: again until it exists.

Some let their runs stand in queues, some call several times where only the last call counts, some ask two processes
at once for the same run.
"""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation.families import family, text_of
from tests.simulation.history import RunHistory
from tests.simulation.process import EPOCH, Process
from tests.simulation.workload import Workload, workload

from mulle.engine.facts import Budget, RunStarted
from mulle.engine.journal import Debounce, NewRun, Queue
from mulle.errors import MulleError, UnknownRun

if TYPE_CHECKING:
    from tests.engine.reference import Data
    from tests.simulation.world import World

DOCUMENTS = 300
"""How many different documents the seeds share: making one ready costs more than running it."""
SPECIAL = 60
"""How many of each special kind."""
SIZES = (2, 3, 4, 6)


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants to have run, and how."""

    key: str
    work: Workload
    deadline: float | None
    queues: tuple[Queue, ...] = ()
    priority: int = 0
    debounce: Debounce | None = None
    budget: Budget | None = None
    keyless: bool = False


class Clients:
    """All of them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.waiting = 0
        """How many have not been told yet that their run exists."""
        habits = Random(f"{world.seed}/habits")
        self._most = habits.choice([1, 1, 2]) if world.trouble.queues else 0
        self.poisoned = {"key0"} if habits.random() < 0.1 else set[str]()
        """Runs whose steps end the processes in which they begin."""
        self._family = family(habits.randrange(60)) if habits.random() < 0.15 else None
        self._debounce = Debounce("묶음", 2.0, habits.choice([None, 5.0])) if habits.random() < 0.2 else None

    def come(self) -> None:
        """Let everybody who wants something begin to ask for it."""
        if self._family:
            self._world.history.works["child"] = self._family[1]
        for number in range(self._world.trouble.runs):
            chance = Random(f"{self._world.seed}/client/{number}")
            order = self._order(number, chance)
            self._world.history.works[order.key] = order.work
            twins = 2 if chance.random() < 0.1 else 1
            for twin in range(twins):
                self.waiting += 1
                pause = chance.uniform(0.0, self._world.trouble.lasts / 2)
                asking = self._asks(
                    order, f"r{number}.{'ab'[twin] if twins > 1 else ''}", pause, Random(chance.random())
                )
                self._world.loop.spawn(self._world.loop.world, asking)

    def _order(self, number: int, chance: Random) -> Order:
        work = self._workload(chance)
        if self._family and chance.random() < 0.6:
            work = self._family[0]
        deadline = EPOCH + chance.uniform(2.0, 60.0) if chance.random() < 0.1 else None
        queues: tuple[Queue, ...] = ()
        if self._most and chance.random() < 0.9:
            queues = (Queue("줄", self._most),)
            if chance.random() < 0.4:
                queues += (Queue(f"손님/{chance.randrange(2)}", 1),)
        debounce = self._debounce if chance.random() < 0.7 else None
        return Order(
            f"key{number}",
            work,
            deadline,
            queues,
            chance.choice([0, 0, 1, 5]),
            debounce,
            self._budget(number, work),
            keyless=self._world.trouble.keyless and Random(f"{self._world.seed}/keyless/{number}").random() < 0.6,
        )

    def _budget(self, number: int, work: Workload) -> Budget | None:
        """What a run may use up; work that is given away has none."""
        chance = Random(f"{self._world.seed}/budget/{number}")
        if not self._world.trouble.budgets or work.reference is None or chance.random() < 0.3:
            return None
        parts: Data = {"steps": chance.randint(2, 40), "tokens": chance.randint(1, 200), "money": chance.random() / 10}
        return Budget(**{name: parts[name] for name in chance.sample(sorted(parts), chance.choice([1, 1, 2]))})

    def _workload(self, chance: Random) -> Workload:
        seed, size = chance.randrange(DOCUMENTS), chance.choice(SIZES)
        special = self._world.trouble.documents
        if special:
            seed %= SPECIAL
            size = SIZES[seed % len(SIZES)]
        return workload(seed, size, special)

    async def _asks(self, order: Order, name: str, pause: float, chance: Random) -> None:
        """Have one run started: again with the same key until somebody says that it exists."""
        world = self._world
        await asyncio.sleep(pause)
        tries = 0
        while True:
            tries += 1
            living = [process for process in world.processes if process.lives]
            if living:
                process = chance.choice(living)
                started = world.begin_in(process.place, self._start(process, f"{name}{tries}", order))
                await asyncio.wait([started], timeout=5.0)
                if started.done() and not started.cancelled() and started.exception() is None and started.result():
                    break
            await asyncio.sleep(0.5)
        self.waiting -= 1
        kept = [one for one in world.history.runs.values() if one.key == order.key][-1]
        world.people.may_cancel(kept, chance)
        world.people.may_pin(kept, chance)

    async def _start(self, process: Process, run: str, order: Order) -> bool:
        """Start a run in a process, and wait for it there. False: try again."""
        graph, now = f"g{order.key}", process.clock()
        process.journal.save_graph(graph, text_of(order.work))
        new = NewRun(
            id=run,
            workflow="w",
            graph=graph,
            created=now,
            dedup=None if order.keyless else order.key,
            queues=order.queues,
            priority=order.priority,
            debounce=order.debounce,
        )
        first = RunStarted(
            at=now,
            run=run,
            graph=graph,
            conversation={"total": 0},
            pins=dict(order.work.pins),
            deadline=order.deadline,
            budget=order.budget,
        )
        try:
            await process.runtime.start(new, first, process.loaded(graph))
            if not order.keyless:
                run = await process.journal.run_with(order.key)
        except MulleError:
            return False
        self._world.loop.spawn(process.place, self._wait(process, self._world.history.runs[run]))
        return True

    async def _wait(self, process: Process, kept: RunHistory) -> None:
        while True:
            try:
                ending: Any = await process.runtime.wait(kept.id)
            except UnknownRun:
                return  # It was old.
            except MulleError:
                await asyncio.sleep(1.0)
                continue
            kept.results.append(ending)
            if ending.status != "waiting":
                return
            await asyncio.sleep(5.0)
