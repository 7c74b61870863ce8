"""Drive one run: make the world look like `run.commands`.

    what is listed and not running      is started
    what runs and is not listed         is stopped
    what happened                       becomes a fact

Recovery is this with nothing running; cancelling is this with nothing listed. Before a node that is not pure starts,
everything the run has learnt is on disk, its own NodeStarted included. Pure nodes do not wait for the disk.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

from mulle.document.ports import is_object
from mulle.engine import scope as at
from mulle.engine.children import children_in
from mulle.engine.facts import (
    AnyFact,
    Execute,
    Failure,
    NodeFailed,
    NodeStarted,
    Outcome,
    Path,
    RunCancelled,
    RunEnded,
    Signalled,
)
from mulle.engine.journal import CANCEL, InboxSignal, Journal
from mulle.engine.run import Run
from mulle.errors import MulleError, StepError, StoreError
from mulle.runtime.eager import Eager
from mulle.runtime.executor import Executor, Turn
from mulle.runtime.ledger import NOTHING, Ahead, Ledger, Published, Unwritten
from mulle.runtime.pins import Pins
from mulle.runtime.questions import answered
from mulle.runtime.right import Right
from mulle.runtime.steps import Heard, Steps
from mulle.runtime.throttle import Throttle
from mulle.runtime.timers import Timers
from mulle.runtime.undriven import broken
from mulle.sdk.acting import ASKED

PATIENCE = 2.0
"""Seconds: a timer nearer than this is waited for in memory, a farther one lets the run leave memory."""
BREATH = 0.002
"""Seconds of work after which others on the event loop get their turn."""
FULL_BATCH = 2000
"""Facts that are gathered at most before they are written."""

_CANCELLED_AS = ("poisoned", "superseded")
"""What a signal that cancels a run may say it was cancelled as, if not by somebody's wish."""


class Driver:
    """The one writer of a run, for as long as it holds the claim."""

    def __init__(
        self,
        run: Run,
        epoch: int,
        journal: Journal,
        executor: Executor,
        publish: Callable[[Published], None],
        *,
        eager: Eager,
        inbox_is_empty: bool = False,
    ) -> None:
        """Drive `run`, claimed at `epoch`. `inbox_is_empty`: nobody can have sent it a signal yet."""
        assert run.started is not None
        self.run = run
        self.run_id = run.started.run
        self.pins = Pins(run.started.pins) if run.started.pins else None
        self._agenda = run.agenda
        self._agenda.follow()
        self._commands, self._to_stop = run.agenda.commands, run.agenda.to_stop
        self._budgeted = run.started.budget is not None
        self._epoch = epoch
        self._journal = journal
        self._executor = executor
        self._clock = executor.clock
        self._ledger = Ledger(run, epoch, journal, publish)
        self._heard = Heard()
        self._timers = Timers()
        """When a turn may begin or, under the empty path, the run's own time is up."""
        self._steps = Steps(executor, self._heard, eager)
        self._at_work = self._steps.at_work
        self._limits = executor.limits
        self._throttle: Throttle | None = None
        """None: no step had to ask so far."""
        self._licensed: dict[Path, Turn] = {}
        self._inbox_due = not inbox_is_empty
        self._breath = self._clock() + BREATH
        """When others have their turn at the latest."""
        self._right = Right(self.run_id, journal, self._heard)
        if run.started.deadline is not None:
            self._timers.set(run.started.deadline, ())

    @property
    def unwritten(self) -> Unwritten:
        """What the store did not take; `bring` it to the next driver of this run."""
        return self._ledger.unwritten

    def bring(self, facts: Sequence[AnyFact]) -> None:
        """Take in what a driver before learnt and could not write."""
        if self.pins:
            self.pins.count(facts)
        self._ledger.bring(facts)

    def look_into_inbox(self) -> None:
        """Signals may have arrived."""
        self._inbox_due = True
        self._heard.stir()

    def lose(self) -> None:
        """Others may drive this run from now on: stop."""
        self._right.lose()

    async def hear(self) -> None:
        """Write down the signals that have arrived, and begin nothing."""
        await self._take_signals()
        await self._ledger.save()

    async def ahead(self) -> Ahead:
        """Decide what may happen before anything of a new run is on disk: pure steps, and licences for the next ones.

        Gives what is to be written together with the run's first fact. Nothing of the world is touched before `drive`.
        """
        try:
            self._interrupt_what_was_in_flight()  # In the run that a fork comes from.
            while not self._follow() and len(self._ledger.facts) < FULL_BATCH:
                await self._pause()
                self._take_events()
        except Exception as error:  # noqa: BLE001 - the run comes to be all the same, and `drive` breaks by it.
            self._heard.fail(error)
            return NOTHING
        if any(turn.effect == "once" for turn in self._licensed.values()):
            return NOTHING  # If it did not begin after all, somebody would be asked whether it happened.
        return self._ledger.ahead()

    async def dismiss(self) -> None:
        """Stop what `ahead` began: the run did not come to be, or others will drive it."""
        await self._steps.stop_all()
        if self._throttle:
            self._throttle.close()

    async def drive(self) -> Literal["ended", "released"]:
        """Go on until the run has ended, or until only time or a signal can move it.

        Raises JournalConflict when another driver took over, LeaseLost when another one may, StoreFull or
        StoreUnavailable when the store fails, DriverBroken when anything unexpected does; steps in flight are stopped
        first.
        """
        self._ledger.arrived()
        self._breath = self._clock() + BREATH
        if self._journal.has_leases:
            ASKED.set(self._right.await_it)  # By the steps that begin here.
        try:
            self._interrupt_what_was_in_flight()
            while True:
                if self._right.lost:
                    self._right.give_up()
                if self._inbox_due:
                    await self._take_signals()
                self._take_events()
                if not self._follow():
                    await self._pause()
                    continue
                if self._ledger.facts and await self._ledger.save():
                    self._breath = self._clock() + BREATH
                if self.run.ended:
                    return "ended"
                if self._licensed:
                    await self._start_licensed()
                if not (self._heard.stirred or self._agenda.changed) and await self._rest():
                    return "released"
        except asyncio.CancelledError:
            await self._leave_in_peace()
            raise
        except MulleError:
            raise
        except Exception as error:
            raise broken(self.run_id, error) from error
        finally:
            await self.dismiss()

    # ------------------------------------------------------------------ what happened

    def _take_events(self) -> None:
        """Note what steps came to: after every pause, before any decision, for who has ended is not to be stopped."""
        heard = self._heard
        if not self._inbox_due:
            heard.stirred = False
        while heard.facts:
            facts, heard.facts = heard.facts, []
            for fact, light in facts:
                self._take_in(fact, light=light)
        if heard.paths:
            self._agenda.look_at(heard.paths)  # Not here: its time may be up meanwhile.
            heard.paths = ()
        if heard.failure is not None:
            raise heard.failure

    def _take_in(self, fact: Outcome, *, light: bool) -> None:
        """Note what a step came to. It has ended: unless it is to be tried again, there is nothing to look at."""
        self._ledger.record(fact, light=light)
        path = fact.path
        if path not in self._commands and self._agenda.changed:
            self._agenda.changed.pop(path, None)
        if self._throttle:
            self._throttle.ended(path)

    async def _take_signals(self) -> None:
        self._inbox_due = False
        signals = await self._journal.inbox(self.run_id)
        self._take_events()
        for signal in signals:
            if self._ledger.takes(signal.id):
                self._take_signal(signal)

    def _take_signal(self, signal: InboxSignal) -> None:
        if signal.name == CANCEL:
            payload = signal.payload if is_object(signal.payload) else {}
            said = payload.get("detail")
            detail = said if said in _CANCELLED_AS else "cancelled"
            self._ledger.record(RunCancelled(at=self._clock(), reason=str(payload.get("reason", "")), detail=detail))
        else:
            self._ledger.record(Signalled(at=self._clock(), id=signal.id, name=signal.name, payload=signal.payload))

    def _interrupt_what_was_in_flight(self) -> None:
        """A `once` node that was running when its driver died must not silently run again."""
        for path in [*self._commands, *self._to_stop]:
            if path not in self._commands and path not in self._to_stop:
                continue  # Its scope ended with the one before.
            _, plan, node = self.run.at(path)
            if node.status == at.RUNNING and node.effect == "once" and path not in self._licensed:
                command = Execute(path, node.turn, node.attempt)
                cut_off = StepError("The step was cut off while it ran; it may or may not have happened.")
                self._ledger.record(
                    self._executor.failure(plan.spec, command, cut_off, kind="interrupted", effect="once")
                )

    # ------------------------------------------------------------------ what is to be done

    def _follow(self) -> bool:
        """Begin what the fold lists or time brings and stop what it does not list, until it asks for nothing new.

        Gives False, to be called again, when others should have their turn first or what was learnt be written.
        """
        while True:
            if self._timers or self.run.deadline:
                self._due(self._clock())
            if self._agenda.changed:
                for path in self._agenda.changes():
                    self._look_at(path)
            elif not (self._to_stop and self._end_what_does_not_run()):
                break
            if len(self._ledger.facts) > FULL_BATCH or self._clock() > self._breath:
                return False
            if self._heard.facts:
                self._take_events()
        if finish := self.run.finish:
            self._ledger.record(
                RunEnded(
                    at=self._clock(),
                    status=finish.status,
                    detail=finish.detail,
                    outputs=finish.outputs,
                    error=finish.error,
                )
            )
        return True

    def _end_what_does_not_run(self) -> bool:
        """Write the ending of what is to be stopped and has nothing to stop; whether there was any."""
        idle = [path for path in self._to_stop if path not in self._at_work]
        for path in idle:
            self._ledger.record(self._stopped(path))
        return bool(idle)

    def _look_at(self, path: Path) -> None:
        command = self._commands.get(path)
        if command is None:
            self._licensed.pop(path, None)
            if path in self._at_work:
                self._steps.stop(path)
            elif self._throttle:
                self._throttle.ended(path)
        elif path not in self._at_work and path not in self._licensed:
            if command.not_before and command.not_before > self._clock():
                self._timers.set(command.not_before, path)
            else:
                self._begin(command)

    def _begin(self, command: Execute) -> None:
        """Start a turn: in place if it is pure, else as soon as its licence is on disk."""
        place = self.run.at(command.path)
        _, plan, node = place
        if self._budgeted and node.status != at.RUNNING and (spent := self.run.over_budget()):
            self._ledger.record(RunCancelled(at=self._clock(), reason=spent, detail="over_budget"))
            return
        if node.status == at.ASKING:
            decided = answered(command, place, self._clock())
            if not isinstance(decided, Execute):
                self._ledger.record(decided)
                return
            command = decided
        if self.pins and (pinned := self.pins.answer(command, plan.spec, self._executor)):
            self._ledger.record(_started(command, "pure", self._clock()))
            self._ledger.record(pinned)
            return
        again = node.status == at.RUNNING
        try:
            turn = self._executor.prepare(self.run, command, place, self._ledger.show)
        except Exception as error:  # noqa: BLE001 - whatever a node's type raises is the node's failure.
            if not again:
                self._ledger.record(_started(command, "pure", self._clock()))
            self._ledger.record(self._executor.failure(plan.spec, command, error))
            return
        if self._limits.concern(plan) and not self._admits(turn, again=again):
            return
        if not again:
            self._ledger.record(_started(command, turn.effect, turn.began))
        fact = self._executor.at_once(turn) if turn.effect == "pure" else None
        if fact is not None:
            self._take_in(fact, light=True)
        elif turn.effect == "pure":
            self._steps.start(turn)
        else:
            self._licensed[command.path] = turn

    def _admits(self, turn: Turn, *, again: bool) -> bool:
        """Whether a turn may begin now; what is pure touches nothing that others share, unless its own node says so."""
        limited = turn.effect != "pure" or turn.plan.rate is not None
        if not limited:
            return True
        if self._throttle is None:
            self._throttle = Throttle(self.run_id, self._journal, self._limits, self._heard, self._timers)
        return self._throttle.admits(turn.command, turn.plan.spec, turn.began, again=again)

    async def _start_licensed(self) -> None:
        """Begin what may touch the world. Steps that wait go on beside each other; the others end here, one by one."""
        while self._licensed:
            if not self._right.is_sure:
                await self._right.assure()
            self._steps.start(self._licensed.pop(next(iter(self._licensed))))
            if self._licensed and self._clock() > self._breath:
                await self._pause()

    async def _pause(self) -> None:
        """Write what is much, and let others have their turn: a run alone would hold the loop to its end."""
        if len(self._ledger.facts) > FULL_BATCH:
            await self._ledger.save()
        else:
            await asyncio.sleep(0)
        self._breath = self._clock() + BREATH

    # ------------------------------------------------------------------ stopping

    def _stopped(self, path: Path) -> NodeFailed:
        failure = Failure("stopped", "The step was stopped because its scope ended.", str(path[-1]))
        return NodeFailed(at=self._clock(), path=path, kind="stopped", error=failure)

    async def _leave_in_peace(self) -> None:
        """Let `once` steps in flight finish for a while, and write what became of them: nobody has to be asked then."""
        if self.run.ended or not await self._steps.let_once_steps_finish():
            return
        for fact, _ in self._heard.facts:
            if not _is_stop(fact):
                self._ledger.record(fact)
        with contextlib.suppress(StoreError):  # It is as if we had been killed, then.
            await self._ledger.save()

    # ------------------------------------------------------------------ resting

    async def _rest(self) -> bool:
        """Wait for the next event; True when the run was let go because nothing will happen for a while."""
        while self._timers and self._is_stale(*self._timers.first):
            self._timers.take()
        times = [first[0] for first in (self._timers.first if self._timers else None, self.run.deadline) if first]
        next_time = min(times, default=None)
        left = math.inf if next_time is None else next_time - self._clock()
        if left > PATIENCE and not self._is_busy():
            if await self._journal.release(self.run_id, self._epoch, next_time):
                return True
            self._inbox_due = True
            return False
        alarm = None
        if next_time is not None:
            alarm = asyncio.get_running_loop().call_later(max(0.0, left), self._heard.stir)
        try:
            await self._heard.rest()
            self._breath = self._clock() + BREATH
        finally:
            if alarm:
                alarm.cancel()
        return False

    def _is_busy(self) -> bool:
        """Whether something goes on here for the run. Whoever waits for it waits for its children, too."""
        if self._at_work or (self._throttle and self._throttle.holds_back):
            return True
        return any(children_in(self.run_id, node.memo) for node in self.run.waiting().values())

    # ------------------------------------------------------------------ time

    def _is_stale(self, time: float, path: Path) -> bool:
        """Whether a timer's reason is gone."""
        if not path:
            return bool(self.run.cancelled or self.run.ended)
        if path in self._at_work:
            return True
        command = self._commands.get(path)
        return command is None or command.not_before > time or path in self._licensed

    def _due(self, now: float) -> None:
        """Do what the time has come for."""
        while (deadline := self.run.deadline) and deadline[0] <= now:
            _, plan, node = self.run.at(deadline[1])
            self._ledger.record(self._executor.late(plan.spec, deadline[1], node))
        while self._timers and self._timers.first[0] <= now:
            time, path = self._timers.take()
            if self._is_stale(time, path):
                continue
            if not path:
                self._ledger.record(RunCancelled(at=now, reason="The run took longer than it may.", detail="timeout"))
            else:
                self._begin(self._commands[path])
                self._take_events()  # It may have ended; who does not know that would begin it again.


def _started(command: Execute, effect: Any, now: float) -> NodeStarted:
    return NodeStarted(at=now, path=command.path, turn=command.turn, attempt=command.attempt, effect=effect)


def _is_stop(fact: AnyFact) -> bool:
    """Whether a step was cut off: what happened to it then is for its next driver to say."""
    return isinstance(fact, NodeFailed) and fact.kind in ("stopped", "interrupted")
