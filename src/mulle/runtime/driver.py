"""Drive one run: make the world look like `run.commands`.

    what is listed and not running      is started
    what runs and is not listed         is stopped
    what happened                       becomes a fact

Recovery is this with nothing running; cancelling is this with nothing listed. Before a node that is not pure starts,
everything the run has learnt is on disk, its own NodeStarted included. Pure nodes do not wait for the disk.
"""

import asyncio
import contextlib
import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mulle.document.ports import is_object
from mulle.engine import scope as at
from mulle.engine.codec import encode_one
from mulle.engine.facts import (
    AnyFact,
    Execute,
    Failure,
    NodeDone,
    NodeFailed,
    NodeStarted,
    Path,
    RunCancelled,
    RunEnded,
    Signalled,
)
from mulle.engine.journal import Batch, InboxSignal, Journal
from mulle.engine.run import Run
from mulle.errors import MulleError, StepError
from mulle.runtime.executor import Executor, Turn
from mulle.runtime.pins import Pins

PATIENCE = 2.0
"""Seconds: a timer nearer than this is waited for in memory, a farther one lets the run leave memory."""
BREATH = 0.01
"""Seconds of pure work after which other runs get their turn."""
FULL_BATCH = 2000
"""Facts that are gathered at most before they are written."""
GRACE = 5.0
"""Seconds that a stopped step has for its cleaning up; after that it is abandoned."""

CANCEL = "cancel"
"""The name of the signal that cancels a run."""


@dataclass(frozen=True, slots=True)
class Published:
    """Something that watchers of a run may show: facts that are on disk, or a piece of streamed text."""

    run: str
    facts: Sequence[AnyFact] = ()
    path: Path = ()
    text: str = ""


@dataclass(slots=True)
class Running:
    """A step at work."""

    task: asyncio.Task[AnyFact]
    stop_by: float | None = None


class Driver:
    """The one writer of a run, for as long as it holds the claim."""

    def __init__(
        self,
        run: Run,
        epoch: int,
        journal: Journal,
        executor: Executor,
        publish: Callable[[Published], None] = lambda _: None,
    ) -> None:
        self.run = run
        self._epoch = epoch
        self._journal = journal
        self._executor = executor
        self._publish = publish
        self._clock = executor.clock
        self._running: dict[Path, Running] = {}
        self._licensed: dict[Path, Turn] = {}
        self._timers: list[tuple[float, Path]] = []
        self._events: deque[AnyFact] = deque()
        self._inbox_due = True
        self._stirred = asyncio.Event()
        self._unsaved: list[AnyFact] = []
        self._encoded: list[bytes] = []
        self._consumed: list[str] = []
        self._saved = run.head
        self._pins = Pins(run)
        assert run.started is not None
        self.run_id = run.started.run
        if run.started.deadline is not None:
            self._timers.append((run.started.deadline, ()))

    def look_into_inbox(self) -> None:
        """Signals may have arrived."""
        self._inbox_due = True
        self._stirred.set()

    async def drive(self) -> Literal["ended", "released"]:
        """Go on until the run has ended, or until only time or a signal can move it.

        Raises JournalConflict when another driver took over, StoreFull or StoreUnavailable when the store fails;
        steps in flight are stopped first.
        """
        try:
            self._interrupt_what_was_in_flight()
            while True:
                await self._take_events()
                await self._follow()
                if self._unsaved:
                    await self._save()
                if self.run.ended:
                    return "ended"
                self._start_licensed()
                if await self._nothing_left_to_do_now():
                    return "released"
        finally:
            await self._stop_everything()

    # ------------------------------------------------------------------ what happened

    def _record(self, fact: AnyFact) -> None:
        """Apply a fact and keep it for the next save. What cannot be kept as data becomes the node's failure."""
        try:
            encoded = encode_one(fact)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            fact = self._unkeepable(fact, error)
            encoded = encode_one(fact)
        try:
            self.run.check(fact)
        except StepError as error:
            path: Path = getattr(fact, "path", ())
            fact = NodeFailed(at=fact.at, path=path, kind="error", error=_failure(error, path))
            encoded = encode_one(fact)
        self.run.apply(fact)
        self._unsaved.append(fact)
        self._encoded.append(encoded)

    def _unkeepable(self, fact: AnyFact, error: Exception) -> NodeFailed:
        path = getattr(fact, "path", ())
        failure = Failure("step.no_data", f"The step's answer cannot be kept: {error}.", str(path[-1]) if path else "")
        return NodeFailed(at=fact.at, path=path, kind="error", error=failure)

    async def _take_events(self) -> None:
        self._stirred.clear()
        while self._events:
            self._record(self._events.popleft())
        if self._inbox_due:
            self._inbox_due = False
            for signal in await self._journal.inbox(self.run_id):
                if signal.id not in self._consumed:
                    self._take_signal(signal)

    def _take_signal(self, signal: InboxSignal) -> None:
        self._consumed.append(signal.id)
        if signal.name == CANCEL:
            payload = signal.payload if is_object(signal.payload) else {}
            detail = "poisoned" if payload.get("detail") == "poisoned" else "cancelled"
            self._record(RunCancelled(at=self._clock(), reason=str(payload.get("reason", "")), detail=detail))
        else:
            self._record(Signalled(at=self._clock(), id=signal.id, name=signal.name, payload=signal.payload))

    def _interrupt_what_was_in_flight(self) -> None:
        """A `once` node that was running when its driver died must not silently run again."""
        for path, command in list(self.run.commands.items()):
            _, plan, node = self.run.at(path)
            if node.status == at.RUNNING and node.effect == "once" and path not in self._running:
                cut_off = StepError("The step was cut off while it ran; it may or may not have happened.")
                self._record(self._executor.failure(plan.spec, command, cut_off, kind="interrupted", effect="once"))

    # ------------------------------------------------------------------ what is to be done

    async def _follow(self) -> None:
        """Begin what the fold lists and stop what it does not, until it asks for nothing new."""
        breath = self._clock() + BREATH
        while True:
            changed = self.run.changes()
            for path in changed:
                self._look_at(path)
            for path in [path for path in self.run.to_stop if path not in self._running]:
                self._record(self._stopped(path))
                changed.append(path)
            if not changed:
                break
            if len(self._unsaved) > FULL_BATCH:
                await self._save()
            elif self._clock() > breath:
                await asyncio.sleep(0)
                breath = self._clock() + BREATH
        if self.run.finish:
            finish = self.run.finish
            self._record(
                RunEnded(
                    at=self._clock(),
                    status=finish.status,
                    detail=finish.detail,
                    outputs=finish.outputs,
                    error=finish.error,
                )
            )

    def _look_at(self, path: Path) -> None:
        command = self.run.commands.get(path)
        if command is None:
            self._licensed.pop(path, None)
            if path in self._running:
                self._stop(self._running[path])
        elif path not in self._running and path not in self._licensed:
            if command.not_before > self._clock():
                heapq.heappush(self._timers, (command.not_before, path))
            else:
                self._begin(command)

    def _begin(self, command: Execute) -> None:
        """Start a turn: in place if it is pure, else as soon as its licence is on disk."""
        _, plan, node = self.run.at(command.path)
        if node.status == at.ASKING:
            decided = self._answered_question(command)
            if decided is None:
                return
            command = decided
        pinned = self._pins.answer(command, plan.spec, self._executor)
        if pinned is not None:
            self._record(_started(command, "pure", self._clock()))
            self._record(pinned)
            return
        again = node.status == at.RUNNING
        try:
            turn = self._executor.prepare(self.run, command, self._show)
        except MulleError as error:
            if not again:
                self._record(_started(command, "pure", self._clock()))
            self._record(self._executor.failure(plan.spec, command, error))
            return
        if not again:
            self._record(_started(command, turn.effect, turn.context.now))
        fact = self._executor.at_once(turn) if turn.effect == "pure" else None
        if fact is not None:
            self._record(fact)
        elif turn.effect == "pure":
            self._start(turn)
        else:
            self._licensed[command.path] = turn

    def _answered_question(self, command: Execute) -> Execute | None:
        """Act on a person's word about an interrupted step; the command to go on with if it is to run again."""
        _, plan, node = self.run.at(command.path)
        payload = node.answer["payload"] if node.answer and is_object(node.answer["payload"]) else {}
        now = self._clock()
        match payload.get("decision"):
            case "again":
                return Execute(command.path, command.turn, command.attempt + 1)
            case "happened":
                self._record(NodeDone(at=now, path=command.path, outputs=payload.get("outputs") or {}))
            case "fail":
                failure = Failure("interrupted", "A person decided that the interrupted step failed.", plan.id)
                self._record(NodeFailed(at=now, path=command.path, kind="error", error=failure))
            case _:
                failure = Failure("interrupted", "Nobody said in time what became of the interrupted step.", plan.id)
                self._record(NodeFailed(at=now, path=command.path, kind="error", error=failure))
        return None

    def _start_licensed(self) -> None:
        while self._licensed:
            self._start(self._licensed.pop(next(iter(self._licensed))))

    def _start(self, turn: Turn) -> None:
        path = turn.command.path
        task = asyncio.get_running_loop().create_task(self._executor.execute(turn))
        self._running[path] = Running(task)
        task.add_done_callback(lambda task: self._finished(path, turn, task))

    def _finished(self, path: Path, turn: Turn, task: asyncio.Task[AnyFact]) -> None:
        running = self._running.get(path)
        if running is None or running.task is not task:
            return
        del self._running[path]
        if task.cancelled():
            self._events.append(self._executor.failed(turn, asyncio.CancelledError(), "stopped"))
        else:
            self._events.append(task.result())
        self._stirred.set()

    async def _show(self, path: Path, text: str) -> None:
        self._publish(Published(self.run_id, path=path, text=text))

    # ------------------------------------------------------------------ stopping

    def _stop(self, running: Running) -> None:
        if running.stop_by is None:
            running.stop_by = self._clock() + GRACE
            running.task.cancel()

    def _stopped(self, path: Path) -> NodeFailed:
        failure = Failure("stopped", "The step was stopped because its scope ended.", str(path[-1]))
        return NodeFailed(at=self._clock(), path=path, kind="stopped", error=failure)

    def _abandon_overdue(self) -> None:
        """A step that ignores its cancellation does not keep the run from ending."""
        now = self._clock()
        for path, running in list(self._running.items()):
            if running.stop_by is not None and running.stop_by <= now:
                del self._running[path]
                self._record(self._stopped(path))

    async def _stop_everything(self) -> None:
        tasks = [running.task for running in self._running.values()]
        self._running.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE)

    # ------------------------------------------------------------------ saving and resting

    async def _save(self) -> None:
        """Write what the run has learnt, before the world sees anything of it."""
        facts, encoded, consumed = self._unsaved, self._encoded, self._consumed
        self._unsaved, self._encoded, self._consumed = [], [], []
        ended = self.run.ended
        await self._journal.append(
            Batch(
                run=self.run_id,
                epoch=self._epoch,
                after=self._saved,
                facts=encoded,
                consumed=consumed,
                status=ended.status if ended else None,
                detail=ended.detail if ended else "",
                ended=ended.at if ended else None,
                alive=any(isinstance(fact, NodeDone | NodeFailed) for fact in facts),
            )
        )
        self._saved += len(facts)
        self._publish(Published(self.run_id, facts))

    async def _nothing_left_to_do_now(self) -> bool:
        """Wait for the next event; True when the run was let go because nothing will happen for a while."""
        now = self._clock()
        self._due(now)
        if self._events or self._unsaved or self._stirred.is_set() or self.run.has_changes():
            return False
        next_time = self._timers[0][0] if self._timers else None
        if not self._running and (next_time is None or next_time - now > PATIENCE):
            return await self._journal.release(self.run_id, self._epoch, next_time) or self._woken()
        stops = [running.stop_by for running in self._running.values() if running.stop_by is not None]
        times = stops if next_time is None else [*stops, next_time]
        if not times:
            await self._stirred.wait()
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(times) - now)):
                await self._stirred.wait()
        self._abandon_overdue()
        self._due(self._clock())
        return False

    def _woken(self) -> bool:
        self._inbox_due = True
        return False

    def _due(self, now: float) -> None:
        """Begin the turns whose time has come."""
        while self._timers and self._timers[0][0] <= now:
            _, path = heapq.heappop(self._timers)
            if not path:
                self._record(RunCancelled(at=now, reason="The run took longer than it may.", detail="timeout"))
                continue
            command = self.run.commands.get(path)
            if command and command.not_before <= now and path not in self._running and path not in self._licensed:
                self._begin(command)


def _started(command: Execute, effect: Any, now: float) -> NodeStarted:
    return NodeStarted(at=now, path=command.path, turn=command.turn, attempt=command.attempt, effect=effect)


def _failure(error: MulleError, path: Path) -> Failure:
    return Failure(error.code, error.text, str(path[-1]), hint=error.advice)
