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
import math
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
    Outputs,
    Path,
    RunCancelled,
    RunEnded,
    Signalled,
)
from mulle.engine.journal import Batch, InboxSignal, Journal
from mulle.engine.run import Run
from mulle.errors import StepError, StoreError
from mulle.runtime.executor import Executor, Turn
from mulle.runtime.pins import Pins
from mulle.runtime.steps import Steps
from mulle.sdk.fit import NOT_DATA, NoData

PATIENCE = 2.0
"""Seconds: a timer nearer than this is waited for in memory, a farther one lets the run leave memory."""
BREATH = 0.01
"""Seconds of pure work after which other runs get their turn."""
SNAPSHOT_EVERY = 10_000
"""Facts after which the fold is kept beside them, so that whoever goes on with the run need not read them all."""
FULL_BATCH = 2000
"""Facts that are gathered at most before they are written."""

ENDINGS = (NodeDone, NodeFailed)
"""Facts that show that a run gets on."""
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
class Unwritten:
    """What a run has learnt and the store would not take."""

    epoch: int
    after: int
    """The head these facts were decided on."""
    facts: Sequence[AnyFact]


class Driver:
    """The one writer of a run, for as long as it holds the claim."""

    def __init__(
        self,
        run: Run,
        epoch: int,
        journal: Journal,
        executor: Executor,
        publish: Callable[[Published], None] = lambda _: None,
        *,
        inbox_is_empty: bool = False,
    ) -> None:
        """Drive `run`, claimed at `epoch`. `inbox_is_empty`: nobody can have sent it a signal yet."""
        self.run = run
        self._epoch = epoch
        self._journal = journal
        self._executor = executor
        self._publish = publish
        self._clock = executor.clock
        self._steps = Steps(executor, self._hear, self._set_timer)
        self._licensed: dict[Path, Turn] = {}
        self._timers: list[tuple[float, Path]] = []
        """When a turn may begin, a step is abandoned or, under the empty path, the run's own time is up."""
        self._events: deque[AnyFact] = deque()
        self._inbox_due = not inbox_is_empty
        self._stirred = asyncio.Event()
        self._unsaved: list[AnyFact] = []
        self._encoded: list[bytes] = []
        self._consumed: list[str] = []
        self._saved = self._snapshot_at = run.head
        self._writing = False
        self._await_disk: list[asyncio.Future[None]] = []
        self.pins = Pins(run)
        assert run.started is not None
        self.run_id = run.started.run
        if run.started.deadline is not None:
            self._timers.append((run.started.deadline, ()))

    @property
    def unwritten(self) -> Unwritten:
        """What the store did not take; `bring` it to the next driver of this run."""
        return Unwritten(self._epoch, self._saved, self._unsaved)

    def bring(self, facts: Sequence[AnyFact]) -> None:
        """Take in what a driver before learnt and could not write."""
        for fact in facts:
            if isinstance(fact, Signalled):
                self._consumed.append(fact.id)
            self._record(fact)

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
                self._take_events()
                if self._inbox_due:
                    await self._take_signals()
                if self._timers:
                    self._due(self._clock())
                await self._follow()
                if self._unsaved:
                    await self._save()
                if self.run.ended:
                    return "ended"
                self._start_licensed()
                if await self._nothing_left_to_do_now():
                    return "released"
        except asyncio.CancelledError:
            await self._leave_in_peace()
            raise
        finally:
            await self._steps.stop_all()

    # ------------------------------------------------------------------ what happened

    def _record(self, fact: AnyFact) -> None:
        """Apply a fact and keep it for the next save. What cannot be kept as data becomes the node's failure."""
        try:
            self.run.check(fact)
            encoded = encode_one(fact)
        except NOT_DATA as error:
            fact = _refused(fact, NoData(problem=str(error)))
            encoded = encode_one(fact)
        except StepError as error:
            fact = _refused(fact, error)
            encoded = encode_one(fact)
        self.run.apply(fact)
        self._unsaved.append(fact)
        self._encoded.append(encoded)

    def _take_events(self) -> None:
        self._stirred.clear()
        while self._events:
            self._record(self._events.popleft())

    async def _take_signals(self) -> None:
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
            if node.status == at.RUNNING and node.effect == "once" and path not in self._steps:
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
            if self.run.to_stop:
                for path in [path for path in self.run.to_stop if path not in self._steps]:
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
            if path in self._steps:
                self._steps.stop(path)
        elif path not in self._steps and path not in self._licensed:
            if command.not_before > self._clock():
                self._set_timer(command.not_before, path)
            else:
                self._begin(command)

    def _begin(self, command: Execute) -> None:
        """Start a turn: in place if it is pure, else as soon as its licence is on disk."""
        _, plan, node = self.run.at(command.path)
        if node.status != at.RUNNING and (spent := self.run.over_budget()):
            self._record(RunCancelled(at=self._clock(), reason=spent, detail="over_budget"))
            return
        if node.status == at.ASKING:
            decided = self._answered_question(command)
            if decided is None:
                return
            command = decided
        pinned = self.pins.answer(command, plan.spec, self._executor)
        if pinned is not None:
            self._record(_started(command, "pure", self._clock()))
            self._record(pinned)
            return
        again = node.status == at.RUNNING
        try:
            turn = self._executor.prepare(self.run, command, self._show)
        except Exception as error:  # noqa: BLE001 - whatever a node's type raises is the node's failure.
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
            self._steps.start(turn)
        else:
            self._licensed[command.path] = turn

    def _answered_question(self, command: Execute) -> Execute | None:
        """Act on a person's word about an interrupted step; the command to go on with if it is to run again."""
        _, plan, node = self.run.at(command.path)
        payload: Outputs = node.answer["payload"] if node.answer and is_object(node.answer["payload"]) else {}
        now = self._clock()
        match payload.get("decision"):
            case "again":
                return Execute(command.path, command.turn, command.attempt + 1)
            case "happened":
                outputs: Outputs = {port.name: None for port in plan.signature.outputs if not port.branch}
                outputs |= payload.get("outputs") or {}
                self._record(NodeDone(at=now, path=command.path, outputs=outputs))
            case "fail":
                failure = Failure("interrupted", "A person decided that the interrupted step failed.", plan.id)
                self._record(NodeFailed(at=now, path=command.path, kind="error", error=failure))
            case _:
                failure = Failure("interrupted", "Nobody said in time what became of the interrupted step.", plan.id)
                self._record(NodeFailed(at=now, path=command.path, kind="error", error=failure))
        return None

    def _start_licensed(self) -> None:
        while self._licensed:
            self._steps.start(self._licensed.pop(next(iter(self._licensed))))

    def _hear(self, fact: AnyFact) -> None:
        """A step has ended."""
        self._events.append(fact)
        self._stirred.set()

    async def _show(self, turn: Turn, text: str) -> None:
        """Show a streamed text, after everything that led to it is on disk."""
        if self._unsaved or self._writing:
            on_disk = asyncio.get_running_loop().create_future()
            self._await_disk.append(on_disk)
            await on_disk
        text = self._executor.shown(turn, text)
        self._publish(Published(self.run_id, path=turn.command.path, text=text))

    # ------------------------------------------------------------------ stopping

    def _stopped(self, path: Path) -> NodeFailed:
        failure = Failure("stopped", "The step was stopped because its scope ended.", str(path[-1]))
        return NodeFailed(at=self._clock(), path=path, kind="stopped", error=failure)

    async def _leave_in_peace(self) -> None:
        """Let `once` steps in flight finish for a while, and write what became of them: nobody has to be asked then."""
        if self.run.ended or not await self._steps.let_once_steps_finish():
            return
        for fact in self._events:
            if not _is_stop(fact):
                self._record(fact)
        with contextlib.suppress(StoreError):  # It is as if we had been killed, then.
            await self._save()

    # ------------------------------------------------------------------ saving and resting

    async def _save(self) -> None:
        """Write what the run has learnt, before the world sees anything of it."""
        facts, encoded, consumed = self._unsaved, self._encoded, self._consumed
        ended = self.run.ended
        batch = Batch(
            run=self.run_id,
            epoch=self._epoch,
            after=self._saved,
            facts=encoded,
            consumed=consumed,
            status=ended.status if ended else None,
            detail=ended.detail if ended else "",
            ended=ended.at if ended else None,
            alive=any(type(fact) in ENDINGS for fact in facts),
        )
        self._saved += len(facts)
        self._unsaved, self._encoded, self._consumed = [], [], []
        self._writing = True
        try:
            await self._journal.append(batch)
        except StoreError:
            self._saved -= len(facts)
            self._unsaved, self._encoded, self._consumed = facts, encoded, consumed
            raise
        finally:
            self._writing = False
        if self._saved - self._snapshot_at >= SNAPSHOT_EVERY and not ended:
            self._snapshot_at = self._saved
            self._journal.save_snapshot(self.run_id, self.run.snapshot())
        self._publish(Published(self.run_id, facts))
        for waiting in self._await_disk:
            if not waiting.done():
                waiting.set_result(None)
        self._await_disk.clear()

    async def _nothing_left_to_do_now(self) -> bool:
        """Wait for the next event; True when the run was let go because nothing will happen for a while."""
        if self._events or self._stirred.is_set() or self.run.has_changes():
            return False
        while self._timers and self._is_stale(*self._timers[0]):
            heapq.heappop(self._timers)
        next_time = self._timers[0][0] if self._timers else None
        left = math.inf if next_time is None else next_time - self._clock()
        if not self._steps and left > PATIENCE:
            if await self._journal.release(self.run_id, self._epoch, next_time):
                return True
            self._inbox_due = True
            return False
        alarm = None
        if next_time is not None:
            alarm = asyncio.get_running_loop().call_later(max(0.0, left), self._stirred.set)
        try:
            await self._stirred.wait()
        finally:
            if alarm:
                alarm.cancel()
        return False

    # ------------------------------------------------------------------ time

    def _set_timer(self, time: float, path: Path) -> None:
        heapq.heappush(self._timers, (time, path))

    def _is_stale(self, time: float, path: Path) -> bool:
        """Whether a timer's reason is gone."""
        if not path:
            return self.run.cancelled is not None
        if path in self._steps:
            return not self._steps.overstays(path, time)
        command = self.run.commands.get(path)
        return command is None or command.not_before > time or path in self._licensed

    def _due(self, now: float) -> None:
        """Do what the time has come for."""
        while self._timers and self._timers[0][0] <= now:
            time, path = heapq.heappop(self._timers)
            if self._is_stale(time, path):
                continue
            if not path:
                self._record(RunCancelled(at=now, reason="The run took longer than it may.", detail="timeout"))
            elif path in self._steps:
                self._record(self._steps.abandon(path))
            else:
                self._begin(self.run.commands[path])


def _started(command: Execute, effect: Any, now: float) -> NodeStarted:
    return NodeStarted(at=now, path=command.path, turn=command.turn, attempt=command.attempt, effect=effect)


def _is_stop(fact: AnyFact) -> bool:
    """Whether a step was cut off: what happened to it then is for its next driver to say."""
    return isinstance(fact, NodeFailed) and fact.kind in ("stopped", "interrupted")


def _refused(fact: AnyFact, error: StepError) -> NodeFailed:
    """What stands in the journal instead of an answer that cannot stand there."""
    path: Path = getattr(fact, "path", ())
    return NodeFailed(
        at=fact.at,
        path=path,
        kind="error",
        error=Failure(error.code, error.text, "".join(map(str, path[-1:])), hint=error.advice),
    )
