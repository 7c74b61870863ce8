"""The checker can fail: each rule, broken on purpose, is caught within a few seeds."""

import sqlite3
from typing import Any

import pytest
from tests.simulation import journal, queues
from tests.simulation.catching import SEEDS, caught
from tests.simulation.checker import (
    allowances_are_kept,
    cancel_wins,
    effects_are_licensed,
    every_run_ends,
    gates_are_kept,
    once_in_flight_is_interrupted,
    once_is_once,
    only_the_last_call_begins,
    only_the_owner_begins,
    outcomes_equal_the_reference,
    who_kills_is_driven_apart,
)
from tests.simulation.faults import Trouble
from tests.simulation.history import GOES_ON
from tests.simulation.journal import SimulatedJournal
from tests.simulation.process import Process
from tests.simulation.rules import MemoryRules
from tests.simulation.store import SimulatedStore

from mulle.engine import retry
from mulle.engine.facts import Execute, NodeDone
from mulle.engine.journal import CANCEL, Batch, InboxSignal, NewRun
from mulle.runtime import executor, ledger, local
from mulle.runtime.driver import Driver
from mulle.runtime.memory_journal import MemoryJournal
from mulle.runtime.memory_queues import Allowances, MemoryQueues
from mulle.runtime.throttle import Throttle
from mulle.store import queue_rows


def test_a_driver_that_begins_before_the_licence_is_on_disk(monkeypatch: pytest.MonkeyPatch):
    begin = Driver._begin

    def hasty(self: Driver, command: Execute) -> None:
        begin(self, command)
        while self._licensed:
            self._steps.start(self._licensed.pop(next(iter(self._licensed))))

    monkeypatch.setattr(Driver, "_begin", hasty)
    assert caught(effects_are_licensed)


def test_a_journal_that_asks_nobody_who_he_is(monkeypatch: pytest.MonkeyPatch):
    append = MemoryJournal._append

    def anyone(*_: object) -> bool:
        return True

    def trusting(self: MemoryJournal, batch: Batch) -> None:
        batch.after = self._shelf.runs[batch.run].row.head
        append(self, batch)

    monkeypatch.setattr(MemoryJournal, "_holds", anyone)
    monkeypatch.setattr(MemoryJournal, "_append", trusting)
    troubles = (
        Trouble(seed, leases=True, processes=3, runs=3, lasts=25, freeze_every=1.5, slow=1.5) for seed in range(60)
    )
    assert caught("which p", troubles)


def test_a_journal_that_gives_away_runs_of_the_living(monkeypatch: pytest.MonkeyPatch):
    declare = SimulatedStore.declare

    def careless(self: SimulatedStore, me: str, *, judges: bool) -> None:
        declare(self, me, judges=judges)
        self.rules.alive = set()

    monkeypatch.setattr(SimulatedStore, "declare", careless)
    assert caught(only_the_owner_begins)


def test_a_recovery_that_runs_once_steps_again(monkeypatch: pytest.MonkeyPatch):
    def forgets(_: Driver) -> None:
        pass

    monkeypatch.setattr(Driver, "_interrupt_what_was_in_flight", forgets)
    assert caught(once_is_once)


def test_a_once_step_that_is_tried_again_although_something_was_sent(monkeypatch: pytest.MonkeyPatch):
    def bold(spec: Any, **facts: Any) -> retry.Verdict:
        facts["effect"] = "repeatable"
        return retry.verdict(spec, **facts)

    monkeypatch.setattr(executor, "verdict", bold)
    assert caught(once_is_once)


def test_a_disk_that_forgets_what_it_said_it_had(monkeypatch: pytest.MonkeyPatch):
    die = Process.die

    def forgetful(self: Process, chance: Any) -> None:
        die(self, chance)
        rules = self._world.store.rules
        for kept in rules.shelf.runs.values() if isinstance(rules, MemoryRules) else ():
            if kept.row.owner == self.name and len(kept.facts) > 1:
                kept.facts.pop()
                kept.change(head=len(kept.facts))

    monkeypatch.setattr(Process, "die", forgetful)
    assert caught("a journal that does not fold")


def test_a_driver_that_overhears_a_cancel(monkeypatch: pytest.MonkeyPatch):
    take = Driver._take_signal

    def deaf(self: Driver, signal: InboxSignal) -> None:
        if signal.name != CANCEL:
            take(self, signal)

    monkeypatch.setattr(Driver, "_take_signal", deaf)
    assert caught(cancel_wins)


def test_a_store_that_wakes_nobody(monkeypatch: pytest.MonkeyPatch):
    release = MemoryJournal.release

    async def sleepy(self: MemoryJournal, run: str, epoch: int, wake_at: float | None) -> bool:
        del wake_at
        return await release(self, run, epoch, None)

    monkeypatch.setattr(MemoryJournal, "release", sleepy)
    assert caught(every_run_ends)


def test_a_second_try_that_forgets_what_it_gave(monkeypatch: pytest.MonkeyPatch):
    answered = executor.Executor._answered

    def empty(self: Any, turn: Any, answer: Any, **known: Any) -> Any:
        fact = answered(self, turn, answer, **known)
        if turn.command.attempt > 1 and isinstance(fact, NodeDone):
            return NodeDone(at=fact.at, path=fact.path)
        return fact

    monkeypatch.setattr(executor.Executor, "_answered", empty)
    assert caught(outcomes_equal_the_reference)


def test_a_recovery_that_calls_a_cut_off_once_step_stopped(monkeypatch: pytest.MonkeyPatch):
    interrupt = Driver._interrupt_what_was_in_flight

    def forgiving(self: Driver) -> None:
        if not self.run.to_stop:
            interrupt(self)

    monkeypatch.setattr(Driver, "_interrupt_what_was_in_flight", forgiving)
    troubles = (
        Trouble(seed, leases=False, processes=2, runs=3, lasts=15, crash_point=0.08, cancels=1.0, slow=0.2)
        for seed in range(SEEDS)
    )
    assert caught(once_in_flight_is_interrupted, troubles)


def test_a_run_that_kills_its_drivers_beside_all_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local, "ALONE_AT", 1000)
    assert caught(who_kills_is_driven_apart)


def test_a_store_that_counts_no_deaths(monkeypatch: pytest.MonkeyPatch):
    async def forgetful(_: MemoryJournal, run: str, epoch: int, known: int) -> int:
        del run, epoch
        return known

    monkeypatch.setattr(MemoryJournal, "count_death", forgetful)
    assert caught(who_kills_is_driven_apart)


def test_a_run_that_ends_without_a_word_to_its_children(monkeypatch: pytest.MonkeyPatch):
    def nobody(*_: object) -> list[Any]:
        return []

    monkeypatch.setattr(ledger, "cancelling", nobody)
    assert caught(GOES_ON)


# ---------------------------------------------------------------------- turns


def test_a_queue_that_lets_everybody_in(monkeypatch: pytest.MonkeyPatch):
    def always(*_: object) -> bool:
        return True

    monkeypatch.setattr(MemoryQueues, "_has_room", always)
    assert caught(queues.TOO_MANY)


def test_a_queue_whose_last_goes_first(monkeypatch: pytest.MonkeyPatch):
    turned = queue_rows._NEXT.replace("priority DESC, number", "priority, number DESC")
    monkeypatch.setattr(queue_rows, "_NEXT", turned)
    assert caught(queues.OUT_OF_TURN)


def test_a_queue_that_forgets_who_waits(monkeypatch: pytest.MonkeyPatch):
    def nobody(*_: object) -> None:
        return None

    monkeypatch.setattr(MemoryQueues, "_next", nobody)
    assert caught(queues.IDLE)


def test_a_store_that_drives_whom_it_has_no_place_for(monkeypatch: pytest.MonkeyPatch):
    def always(*_: object) -> bool:
        return True

    monkeypatch.setattr(queue_rows, "may_begin", always)
    assert caught(queues.NO_PLACE)


def test_a_series_of_calls_that_all_begin(monkeypatch: pytest.MonkeyPatch):
    debounced = queue_rows.debounced

    def telling_nobody(db: sqlite3.Connection, run: NewRun) -> tuple[()]:
        debounced(db, run)
        return ()

    monkeypatch.setattr(queue_rows, "debounced", telling_nobody)
    assert caught(only_the_last_call_begins)


def test_a_store_that_begins_twice_what_has_one_key(monkeypatch: pytest.MonkeyPatch):
    create = MemoryJournal._create

    def forgetful(self: MemoryJournal, run: NewRun, *rest: Any) -> bool:
        self._shelf.dedup.clear()
        return create(self, run, *rest)

    monkeypatch.setattr(MemoryJournal, "_create", forgetful)
    assert caught("two runs for")


def test_an_allowance_without_an_end(monkeypatch: pytest.MonkeyPatch):
    def at_once(_: object, name: str, holder: str, most: int, per: float, now: float) -> float:
        del name, holder, most, per
        return now

    monkeypatch.setattr(Allowances, "reserve", at_once)
    assert caught(allowances_are_kept)


def test_a_driver_that_does_not_wait_for_its_allowance(monkeypatch: pytest.MonkeyPatch):
    def hasty(_: Throttle, command: Execute, spec: object, now: float, **__: bool) -> bool:
        del command, spec, now
        return True

    monkeypatch.setattr(Throttle, "admits", hasty)
    assert caught(allowances_are_kept)


def test_a_driver_that_gives_no_place_to_what_begins_again(monkeypatch: pytest.MonkeyPatch):
    admits = Throttle.admits

    def careless(self: Throttle, command: Execute, spec: Any, now: float, *, again: bool) -> bool:
        return again or admits(self, command, spec, now, again=again)

    monkeypatch.setattr(Throttle, "admits", careless)
    troubles = (
        Trouble(seed, leases=False, processes=3, runs=5, lasts=15, limits=True, kill_every=1.0) for seed in range(SEEDS)
    )
    assert caught(gates_are_kept, troubles)


# ---------------------------------------------------------------------- leases


@pytest.mark.parametrize("counts_on", [journal.SURE, 4.5])
def test_a_driver_that_counts_on_its_lease_although_it_may_be_cut_off(
    monkeypatch: pytest.MonkeyPatch, counts_on: float
):
    """The server gives its runs away as soon as its connection is gone, and it hears nothing of that."""
    monkeypatch.setattr(journal, "SURE", counts_on)
    troubles = (
        Trouble(seed, leases=True, processes=3, runs=4, lasts=25, cut_every=0.5, slow=0.1) for seed in range(100, 230)
    )
    assert caught(only_the_owner_begins, troubles) is (counts_on == 4.5)


@pytest.mark.parametrize("looks", [True, False])
def test_a_driver_that_does_not_look_at_its_lease(monkeypatch: pytest.MonkeyPatch, looks: bool):
    """On a slow server, and with drivers that often stand still; one that looks keeps the promise there."""

    def sure(_: SimulatedJournal) -> bool:
        return True

    if not looks:
        monkeypatch.setattr(SimulatedJournal, "holds", sure)
    troubles = (
        Trouble(seed, leases=True, processes=3, runs=3, lasts=25, freeze_every=1.5, slow=1.5) for seed in range(60)
    )
    assert caught(only_the_owner_begins, troubles) is not looks
