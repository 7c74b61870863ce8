"""Hold steps back that may not begin yet: an allowance is used up, or too many of their type are at work.

A held step has not started: nothing of it is in the journal, so that no crash makes anybody ask what became of it. An
*allowance* (10 a second) is shared by all runs of the journal, whoever drives them, and so is how many are *at once*: a
step first needs a place among those of this process, then one in the journal's line, the first of which are at work. So
no process asks for more than may be at work, and none keeps the others out.
"""

import asyncio

from mulle.document.policies import Rate
from mulle.document.workflow import NodeSpec
from mulle.engine.facts import Execute, Path
from mulle.engine.journal import Journal
from mulle.errors import StoreError
from mulle.runtime.limits import Limits
from mulle.runtime.steps import Heard
from mulle.runtime.timers import Timers

LOOK_AGAIN = 0.2
"""Seconds between two looks whether a step of another process has made room."""


class Throttle:
    """What of one run is held back."""

    def __init__(self, run_id: str, journal: Journal, limits: Limits, heard: Heard, timers: Timers) -> None:
        self._run = run_id
        self._journal = journal
        self._limits = limits
        self._heard = heard
        self._timers = timers
        self._allowed: dict[Path, float] = {}
        """When a turn that asked for an allowance may begin."""
        self._asking: dict[Path, asyncio.Task[None]] = {}
        self._at_gate: dict[Path, str] = {}
        self._inside: dict[Path, str] = {}
        """Places at gates that steps of this run have."""
        self._in_line: dict[Path, str] = {}
        """What steps that have such a place are called in the journal's line."""
        self._at_work: set[Path] = set()
        """Those that have come to its front."""

    @property
    def holds_back(self) -> bool:
        """Whether something is held back that comes back without a timer: the run has to stay in memory."""
        return bool(self._asking or self._at_gate)

    def admits(self, command: Execute, spec: NodeSpec, now: float, *, again: bool) -> bool:
        """Whether a turn may begin now. If not, its path is looked at again when it may.

        One that begins `again`, because its driver died, has had its allowance, but not its place in this process.
        """
        path = command.path
        if not again and (wanted := self._limits.rate_of(spec)) is not None and path not in self._inside:
            begins = self._allowed.get(path)
            if begins is None:
                self._ask(command, *wanted, now)
                return False
            if begins > now:
                self._timers.set(begins, path)
                return False
        if self._limits.gates.has(spec.type) and path not in self._inside:
            if path in self._at_gate or not self._limits.gates.enter(spec.type, self, path):
                self._at_gate[path] = spec.type
                return False
            self._inside[path] = spec.type
        if path in self._inside and path not in self._at_work:
            self._line_up(command, spec.type)
            return False
        self._allowed.pop(path, None)
        return True

    def granted(self, path: Path, kind: str) -> None:
        """There is a place at a gate: look whether the step still wants it."""
        del self._at_gate[path]
        self._inside[path] = kind
        self._heard.look_at(path)

    def ended(self, path: Path) -> None:
        """A step is over, or will not begin: its place is another's."""
        self._allowed.pop(path, None)
        self._at_work.discard(path)
        if (kind := self._inside.pop(path, None)) is not None:
            if (holder := self._in_line.pop(path, None)) is not None:
                self._stop_asking(path)
                self._journal.leave(kind, holder)
            self._limits.gates.leave(kind)
        if (kind := self._at_gate.pop(path, None)) is not None:
            self._limits.gates.forget(kind, self, path)

    def close(self) -> None:
        """Want nothing any more, and give every place back."""
        for path in [*self._asking]:
            self._stop_asking(path)
        for path in [*self._at_gate, *self._inside]:
            self.ended(path)

    def _ask(self, command: Execute, name: str, rate: Rate, now: float) -> None:
        if command.path not in self._asking:
            work = self._reserve(command, name, rate, now)
            self._asking[command.path] = asyncio.get_running_loop().create_task(work)

    def _line_up(self, command: Execute, kind: str) -> None:
        if command.path not in self._asking:
            holder = self._in_line[command.path] = self._called(command)
            work = self._come_to_the_front(command.path, kind, holder)
            self._asking[command.path] = asyncio.get_running_loop().create_task(work)

    def _stop_asking(self, path: Path) -> None:
        if (task := self._asking.pop(path, None)) is not None:
            task.cancel()

    def _called(self, command: Execute) -> str:
        return f"{self._run}/{'/'.join(map(str, command.path))}/{command.turn}/{command.attempt}"

    async def _reserve(self, command: Execute, name: str, rate: Rate, now: float) -> None:
        try:
            holder = self._called(command)
            self._allowed[command.path] = await self._journal.reserve(name, holder, rate.most, rate.per, now)
        except StoreError as error:
            self._heard.fail(error)
        self._answered(command.path)

    async def _come_to_the_front(self, path: Path, kind: str, holder: str) -> None:
        try:
            most = self._limits.gates.most(kind)
            while not await self._journal.enter(kind, holder, most):  # noqa: ASYNC110 - nobody tells us who left.
                await asyncio.sleep(LOOK_AGAIN)
            self._at_work.add(path)
        except StoreError as error:
            self._heard.fail(error)
        self._answered(path)

    def _answered(self, path: Path) -> None:
        del self._asking[path]
        self._heard.look_at(path)
