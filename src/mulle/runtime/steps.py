"""The steps of one run that are at work: begun, asked to stop, abandoned. Knows nothing of what is to be done."""

import asyncio
import math
from dataclasses import dataclass

from mulle.engine.facts import Outcome, Path
from mulle.runtime.eager import Eager
from mulle.runtime.executor import Executor, Turn

GRACE = 5.0
"""Seconds that a stopped step has for its cleaning up; after that it is abandoned."""


class Heard:
    """What a driver has not looked at yet."""

    def __init__(self) -> None:
        self.facts: list[tuple[Outcome, bool]] = []
        """Each with whether the outputs in it are known to be data, and small."""
        self.paths: tuple[Path, ...] = ()
        """Of steps that were held back and may begin."""
        self.failure: Exception | None = None
        self.stirred = False
        """Whether there is anything to look at."""
        self._resting: asyncio.Future[None] | None = None

    def tell(self, fact: Outcome, *, light: bool = False) -> None:
        """A step has come to a fact."""
        self.facts.append((fact, light))
        self.stirred = True
        if self._resting is not None:
            self.stir()

    def look_at(self, path: Path) -> None:
        """A step that was held back may begin."""
        self.paths = (*self.paths, path)
        self.stir()

    def stir(self) -> None:
        """There is something to look at."""
        self.stirred = True
        if self._resting is not None and not self._resting.done():
            self._resting.set_result(None)

    async def rest(self) -> None:
        """Wait until there is."""
        if not self.stirred:
            self._resting = asyncio.get_running_loop().create_future()
            await self._resting
            self._resting = None

    def fail(self, error: Exception) -> None:
        """There is no going on: the store did not answer."""
        self.failure = error


@dataclass(slots=True)
class Step:
    """A step at work: it waits for something."""

    turn: Turn
    task: asyncio.Task[Outcome]
    stop_by: float = math.inf
    """When it is abandoned if it still runs, by the loop's time: it was asked to stop, or its time is up."""
    alarm: asyncio.TimerHandle | None = None
    told_to_stop: bool = False


class Steps:
    """The steps at work, by path."""

    def __init__(self, executor: Executor, heard: Heard, eager: Eager) -> None:
        """Run steps.

        Args:
            executor: Runs a turn to its fact.
            heard: Is told of each fact that a step came to, or of its being abandoned.
            eager: Begins each one.
        """
        self._executor = executor
        self._eager = eager
        self._heard = heard
        self.at_work: dict[Path, Step] = {}
        """All of them."""

    def start(self, turn: Turn) -> None:
        """Begin a step. One that never waits has ended, and is heard of, when this returns."""
        task, outcome = self._eager.begin(self._executor.execute(turn), self._ended)
        if outcome is not None:
            self._heard.tell(outcome, light=turn.answer is None)
        elif task is not None:
            step = self.at_work[turn.command.path] = Step(turn, task)
            if turn.plan.timeout is not None:
                self._abandon_in(turn.plan.timeout + GRACE, step)

    def _ended(self, outcome: Outcome) -> None:
        step = self.at_work.get(outcome.path)
        if step is None or step.task is not asyncio.current_task():
            return  # It was abandoned.
        if step.alarm is not None:
            step.alarm.cancel()
        del self.at_work[outcome.path]
        self._heard.tell(outcome, light=step.turn.answer is None)

    def stop(self, path: Path) -> None:
        """Ask a step to stop; it has `GRACE` for it."""
        step = self.at_work[path]
        if not step.told_to_stop:
            step.told_to_stop = True
            step.task.cancel()
            self._abandon_in(GRACE, step)

    def _abandon_in(self, seconds: float, step: Step) -> None:
        """Measured by the loop: whatever happens to the clock on the wall, a step has its time."""
        loop = asyncio.get_running_loop()
        if loop.time() + seconds < step.stop_by:
            step.stop_by = loop.time() + seconds
            if step.alarm is not None:
                step.alarm.cancel()
            step.alarm = loop.call_later(seconds, self._abandon, step)

    def _abandon(self, step: Step) -> None:
        """Leave a step alone that does not stop: it keeps neither the run from ending nor the node from failing."""
        path = step.turn.command.path
        if self.at_work.get(path) is not step:
            return
        del self.at_work[path]
        step.task.cancel()
        if step.told_to_stop:
            self._heard.tell(self._executor.cut_off(step.turn, asyncio.CancelledError(), "stopped"))
        else:
            self._heard.tell(self._executor.overdue(step.turn))

    async def let_once_steps_finish(self) -> bool:
        """Stop what may run again, and give the others a while to end; whether there were any."""
        once = [step.task for step in self.at_work.values() if step.turn.effect == "once"]
        for step in self.at_work.values() if once else ():
            if step.turn.effect != "once":
                step.task.cancel()
        if once:
            await asyncio.wait(once, timeout=GRACE)
        return bool(once)

    async def stop_all(self) -> None:
        """Stop every step; nobody is told what became of it."""
        tasks = [step.task for step in self.at_work.values()]
        self.at_work.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE)
