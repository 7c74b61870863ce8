"""The checker can fail, for what is done besides driving runs, too: snapshots, retention, limits, budgets, pins."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.simulation import keeping
from tests.simulation.bounds import (
    budgets_are_kept,
    deadlines_are_kept,
    nothing_begins_when_time_is_up,
    nothing_times_out_before_its_time,
    pins_are_the_answers,
)
from tests.simulation.catching import SEEDS, caught
from tests.simulation.checker import outcomes_equal_the_reference
from tests.simulation.faults import Trouble
from tests.simulation.forking import a_retry_asks_about_what_was_cut_off, a_retry_repeats_nothing_that_was_done

from mulle.app import forks
from mulle.engine.budget import Spent
from mulle.engine.facts import AnyFact
from mulle.engine.run import Run
from mulle.engine.tree import Tree
from mulle.runtime import memory_journal
from mulle.runtime.driver import Driver
from mulle.runtime.executor import Executor
from mulle.runtime.ledger import Ahead, Ledger
from mulle.runtime.memory_blobs import MemoryBlobs
from mulle.runtime.memory_shelf import Shelf
from mulle.runtime.pins import Pins
from mulle.store import sweep

# ---------------------------------------------------------------------- what is kept


def test_a_snapshot_of_what_is_not_on_disk(monkeypatch: pytest.MonkeyPatch):
    save = Ledger.save

    async def hasty(self: Ledger) -> bool:
        self._journal.save_snapshot(self._id, self._run.snapshot())
        return await save(self)

    monkeypatch.setattr(Ledger, "save", hasty)
    assert caught(keeping.OTHERWISE)


def test_a_snapshot_that_forgets_what_was_spent(monkeypatch: pytest.MonkeyPatch):
    restored = Run.restored.__func__

    def forgetful(cls: type[Run], *known: Any) -> Run:
        run = restored(cls, *known)
        run.spent = Spent()
        return run

    monkeypatch.setattr(Run, "restored", classmethod(forgetful))
    troubles = (
        Trouble(seed, leases=False, processes=2, runs=3, lasts=15, kill_every=1.0, long=True, budgets=True)
        for seed in range(SEEDS)
    )
    assert caught(budgets_are_kept, troubles)


def test_a_sweep_that_takes_what_a_person_wants_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweep, "_OLD", sweep._OLD.replace("NOT run.pinned", "1"))
    assert caught(keeping.TOO_EARLY)


def test_a_sweep_that_takes_children_of_runs_that_go_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweep, "_OLD", sweep._OLD.replace("run.parent IS NULL", "1"))
    assert caught(keeping.TOO_EARLY)


def test_a_sweep_that_forgets_failed_runs(monkeypatch: pytest.MonkeyPatch):
    old = Shelf.old

    def lenient(self: Shelf, *limits: Any) -> set[str]:
        return {run for run in old(self, *limits) if self.runs[run].row.status != "failed"}

    monkeypatch.setattr(Shelf, "old", lenient)
    assert caught(keeping.STAYS)


def test_a_run_that_goes_with_the_big_values_of_others(monkeypatch: pytest.MonkeyPatch):
    def greedy(self: MemoryBlobs, run: str) -> None:
        for name in [name for name, runs in self._uses.items() if run in runs]:
            del self._uses[name], self._parts[name]

    monkeypatch.setattr(MemoryBlobs, "forget", greedy)
    troubles = (
        Trouble(seed, leases=True, processes=2, runs=5, lasts=25, sweep_every=0.5, documents="big_values")
        for seed in range(SEEDS)
    )
    assert caught(keeping.LOST, troubles)


def test_a_run_that_goes_and_leaves_its_big_values(monkeypatch: pytest.MonkeyPatch):
    def careless(*_: object) -> None:
        pass

    monkeypatch.setattr(MemoryBlobs, "forget", careless)
    assert caught(keeping.LEFT)


def test_a_run_that_goes_on_with_previews(monkeypatch: pytest.MonkeyPatch):
    whole = memory_journal.whole

    def shortened(fact: AnyFact, value_of: Callable[[str], Any], **_: bool) -> AnyFact:
        return whole(fact, value_of, previews=True)

    monkeypatch.setattr(memory_journal, "whole", shortened)
    troubles = (
        Trouble(seed, leases=True, processes=2, runs=3, lasts=10, kill_every=1.0, documents="big_values")
        for seed in range(SEEDS)
    )
    assert caught(outcomes_equal_the_reference, troubles)


# ---------------------------------------------------------------------- what is done again


def often_again(seed: int) -> Trouble:
    return Trouble(seed, leases=False, processes=2, runs=3, lasts=15, fork_every=1.0, cancels=1.0, kill_every=3.0)


def test_a_fork_that_forgets_what_was_done(monkeypatch: pytest.MonkeyPatch):
    def nothing(*_: object, **__: object) -> list[AnyFact]:
        return []

    monkeypatch.setattr(forks, "kept_facts", nothing)
    assert caught(a_retry_repeats_nothing_that_was_done, map(often_again, range(SEEDS)))


def test_a_fork_that_asks_nobody(monkeypatch: pytest.MonkeyPatch):
    ahead = Driver.ahead

    async def hasty(self: Driver) -> Ahead:
        with pytest.MonkeyPatch.context() as meanwhile:
            meanwhile.setattr(self, "_interrupt_what_was_in_flight", lambda: None)
            return await ahead(self)

    monkeypatch.setattr(Driver, "ahead", hasty)
    assert caught(a_retry_asks_about_what_was_cut_off, map(often_again, range(SEEDS)))


# ---------------------------------------------------------------------- what bounds a run


def test_a_time_limit_that_begins_with_the_run(monkeypatch: pytest.MonkeyPatch):
    started = Run._node_started

    def early(self: Run, fact: Any) -> None:
        started(self, fact)
        node = self.at(fact.path)[2]
        if node.due is not None and self.started is not None:
            node.due += self.started.at - fact.at

    monkeypatch.setattr(Run, "_node_started", early)
    assert caught(nothing_times_out_before_its_time)


def test_a_body_that_knows_no_time(monkeypatch: pytest.MonkeyPatch):
    def never(_: Tree) -> None:
        return None

    monkeypatch.setattr(Tree, "deadline", never)
    assert caught(nothing_begins_when_time_is_up)


def test_a_run_that_overlooks_its_deadline(monkeypatch: pytest.MonkeyPatch):
    due = Driver._due

    def timeless(self: Driver, now: float) -> None:
        while self._timers and self._timers.first[1] == () and self._timers.first[0] <= now:
            self._timers.take()
        due(self, now)

    monkeypatch.setattr(Driver, "_due", timeless)
    assert caught(deadlines_are_kept)


def test_a_run_that_looks_at_its_budget_too_late(monkeypatch: pytest.MonkeyPatch):
    beyond = Spent.beyond

    def generous(self: Spent, budget: Any) -> str:
        return beyond(Spent(self.steps - 1, self.tokens - 1, self.money - 0.01), budget)

    monkeypatch.setattr(Spent, "beyond", generous)
    assert caught(budgets_are_kept)


def test_a_driver_that_gives_used_up_answers_again(monkeypatch: pytest.MonkeyPatch):
    def forgetful(_: Pins, fact: AnyFact) -> None:
        del fact

    monkeypatch.setattr(Pins, "count", forgetful)
    troubles = (
        Trouble(seed, leases=False, processes=2, runs=3, lasts=10, kill_every=1.0, documents="pins")
        for seed in range(SEEDS)
    )
    assert caught(pins_are_the_answers, troubles)


def test_a_driver_that_executes_what_is_pinned(monkeypatch: pytest.MonkeyPatch):
    answer = Pins.answer

    def now_and_then(self: Pins, command: Any, spec: Any, executor: Executor) -> AnyFact | None:
        return None if command.turn > 1 or len(command.path) > 1 else answer(self, command, spec, executor)

    monkeypatch.setattr(Pins, "answer", now_and_then)
    assert caught(pins_are_the_answers)
