"""The steps of one run that are at work: begun, asked to stop, abandoned. Knows nothing of what is to be done."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from mulle.engine.facts import AnyFact, Path
from mulle.runtime.executor import Executor, Turn

GRACE = 5.0
"""Seconds that a stopped step has for its cleaning up; after that it is abandoned."""


@dataclass(slots=True)
class Step:
    """A step at work."""

    task: asyncio.Task[AnyFact]
    turn: Turn
    stop_by: float = math.inf
    """When it is abandoned if it still runs: it was asked to stop, or its time is up, and it does not obey."""
    told_to_stop: bool = False


class Steps:
    """The steps at work, by path."""

    def __init__(
        self, executor: Executor, ended: Callable[[AnyFact], None], call_at: Callable[[float, Path], None]
    ) -> None:
        """Run steps.

        Args:
            executor: Runs a turn to its fact.
            ended: Told of each fact that a step came to, unless it was abandoned before.
            call_at: Asks for `overstays` to be looked at when a time has come.
        """
        self._executor = executor
        self._ended = ended
        self._call_at = call_at
        self._steps: dict[Path, Step] = {}

    def __contains__(self, path: Path) -> bool:
        return path in self._steps

    def __bool__(self) -> bool:
        return bool(self._steps)

    def start(self, turn: Turn) -> None:
        path = turn.command.path
        task = asyncio.get_running_loop().create_task(self._executor.execute(turn))
        step = self._steps[path] = Step(task, turn)
        if turn.spec.timeout is not None:
            self._abandon_at(self._executor.clock() + turn.spec.timeout + GRACE, step)
        task.add_done_callback(lambda task: self._finished(path, turn, task))

    def _finished(self, path: Path, turn: Turn, task: asyncio.Task[AnyFact]) -> None:
        step = self._steps.get(path)
        if step is None or step.task is not task:
            return
        del self._steps[path]
        if task.cancelled():  # It was stopped before its first instant.
            self._ended(self._executor.failed(turn, asyncio.CancelledError(), "stopped"))
        else:
            self._ended(task.result())

    def stop(self, path: Path) -> None:
        """Ask a step to stop; it has `GRACE` for it."""
        step = self._steps[path]
        if not step.told_to_stop:
            step.told_to_stop = True
            step.task.cancel()
            self._abandon_at(self._executor.clock() + GRACE, step)

    def _abandon_at(self, time: float, step: Step) -> None:
        step.stop_by = min(step.stop_by, time)
        self._call_at(step.stop_by, step.turn.command.path)

    def overstays(self, path: Path, time: float) -> bool:
        """Whether a step that still runs should have ended by a time."""
        return self._steps[path].stop_by <= time

    def abandon(self, path: Path) -> AnyFact:
        """Leave a step alone that does not stop: it keeps neither the run from ending nor the node from failing."""
        step = self._steps.pop(path)
        step.task.cancel()
        if step.told_to_stop:
            return self._executor.cut_off(step.turn, asyncio.CancelledError(), "stopped")
        return self._executor.overdue(step.turn)

    async def let_once_steps_finish(self) -> bool:
        """Stop what may run again, and give the others a while to end; whether there were any."""
        once = [step.task for step in self._steps.values() if step.turn.effect == "once"]
        for step in self._steps.values() if once else ():
            if step.turn.effect != "once":
                step.task.cancel()
        if once:
            await asyncio.wait(once, timeout=GRACE)
        return bool(once)

    async def stop_all(self) -> None:
        """Stop every step; nobody is told what became of it."""
        tasks = [step.task for step in self._steps.values()]
        self._steps.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE)
