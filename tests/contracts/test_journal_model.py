"""Whatever drivers do in whatever order: every journal answers as a dictionary would."""

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.contracts.journal_worlds import WORLDS, World, batch, facts, new, numbers

from mulle.engine.journal import InboxSignal
from mulle.errors import JournalConflict, RunUnfinished, UnknownRun

NAMES = st.sampled_from(["a", "b"])
RUNS = st.sampled_from(["하나", "둘"])
SIGNALS = st.sampled_from(["1", "2", "3"])
EPOCHS = st.sampled_from([0, 0, 0, -1])
"""Zero is the right one."""
TIMES = st.sampled_from([None, 10.0, 20.0])


@dataclass
class ModelRun:
    head: int
    owner: str | None
    epoch: int = 1
    ended: bool = False
    wake_at: float | None = None
    deaths: int = 0
    inbox: dict[str, bool] = field(default_factory=dict[str, bool])
    """Whether each signal still waits."""

    @property
    def waiting(self) -> list[str]:
        return [signal for signal, waits in self.inbox.items() if waits]

    def held_by(self, owner: str, epoch: int) -> bool:
        return not self.ended and self.owner == owner and self.epoch == epoch


class JournalMachine(RuleBasedStateMachine):
    world_type: type[Any]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.world: World = self.world_type(Path(self.folder.name))
        self.runs: dict[str, ModelRun] = {}
        self.lives: dict[str, int] = {}

    def teardown(self) -> None:
        self.do(self.world.close())
        self.loop.close()
        self.folder.cleanup()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        async def outcome() -> Any:
            try:
                return await work
            except (JournalConflict, RunUnfinished, UnknownRun) as error:
                return type(error)

        return self.loop.run_until_complete(outcome())

    def life(self, name: str) -> str:
        """A driver's name in this life of it."""
        return f"{name}{self.lives.get(name, 0)}"

    @rule(name=NAMES, run=RUNS, count=st.integers(0, 3))
    def create(self, name: str, run: str, count: int) -> None:
        async def create() -> bool:
            return await self.world.driver(self.life(name)).create(new(run, dedup=run), facts(*range(count)))

        created = self.do(create())

        assert created is (run not in self.runs)
        if created:
            self.runs[run] = ModelRun(count, self.life(name))

    @rule(
        name=NAMES,
        run=RUNS,
        count=st.integers(0, 3),
        behind=st.sampled_from([0, 0, 0, 1]),
        epoch=EPOCHS,
        alive=st.booleans(),
        end=st.sampled_from([False, False, False, True]),
        take=st.lists(SIGNALS, max_size=2),
    )
    def append(
        self, *, name: str, run: str, count: int, behind: int, epoch: int, alive: bool, end: bool, take: list[str]
    ) -> None:
        model = self.runs.get(run, ModelRun(0, None))
        written = batch(
            run,
            model.head - behind,
            count,
            epoch=model.epoch + epoch,
            alive=alive,
            consumed=take,
            status="succeeded" if end else None,
            ended=1.0 if end else None,
        )

        async def append() -> None:
            await self.world.driver(self.life(name)).append(written)

        outcome = self.do(append())

        fits = model.held_by(self.life(name), model.epoch + epoch) and not behind
        assert outcome is (None if fits else JournalConflict)
        if fits:
            model.head += count
            model.deaths = 0 if alive else model.deaths
            model.inbox |= {signal: False for signal in take if signal in model.inbox}
            if end:
                model.ended, model.owner = True, None

    @rule(name=NAMES, run=RUNS)
    def claim(self, name: str, run: str) -> None:
        claim = self.do(self.world.driver(self.life(name)).claim(run))

        if run not in self.runs:
            assert claim is UnknownRun
            return
        model = self.runs[run]
        if model.ended or self.is_alive(model.owner):
            assert claim is None
        else:
            assert claim.unclean is (model.owner is not None)
            assert claim.row.deaths == model.deaths
            model.epoch, model.owner, model.wake_at = model.epoch + 1, self.life(name), None

    @rule(name=NAMES, besides=st.sets(RUNS))
    def claim_again(self, name: str, besides: set[str]) -> None:
        claims = self.do(self.world.driver(self.life(name)).claim_again(besides))

        unknown = {run: model for run, model in self.runs.items() if model.owner == self.life(name)}
        assert {claim.row.id for claim in claims} == unknown.keys() - besides
        for claim in claims:
            model = unknown[claim.row.id]
            model.epoch += 1
            assert (claim.row.epoch, claim.row.head, claim.unclean) == (model.epoch, model.head, False)

    @rule(name=NAMES, run=RUNS, epoch=EPOCHS, wake_at=TIMES)
    def release(self, name: str, run: str, epoch: int, wake_at: float | None) -> None:
        model = self.runs.get(run, ModelRun(0, None))

        outcome = self.do(self.world.driver(self.life(name)).release(run, model.epoch + epoch, wake_at))

        if model.ended and epoch == 0:
            assert outcome is True
        elif not model.held_by(self.life(name), model.epoch + epoch):
            assert outcome is JournalConflict
        else:
            assert outcome is not bool(model.waiting)
            if outcome:
                model.owner, model.wake_at = None, wake_at

    @rule(name=NAMES, run=RUNS)
    def count_death(self, name: str, run: str) -> None:
        model = self.runs.get(run, ModelRun(0, None))

        outcome = self.do(self.world.driver(self.life(name)).count_death(run, model.epoch, model.deaths))

        if model.held_by(self.life(name), model.epoch):
            model.deaths += 1
            assert outcome == model.deaths
        else:
            assert outcome is JournalConflict

    @rule(name=NAMES, run=RUNS, signal=SIGNALS)
    def send(self, name: str, run: str, signal: str) -> None:
        outcome = self.do(self.world.driver(self.life(name)).send(run, InboxSignal(signal, "승인")))

        if run not in self.runs:
            assert outcome is UnknownRun
        else:
            assert outcome is (signal not in self.runs[run].inbox)
            self.runs[run].inbox.setdefault(signal, True)

    @rule(name=NAMES, run=RUNS)
    def delete(self, name: str, run: str) -> None:
        outcome = self.do(self.world.driver(self.life(name)).delete(run))

        if run not in self.runs:
            assert outcome is UnknownRun
        elif not self.runs[run].ended:
            assert outcome is RunUnfinished
        else:
            assert outcome is None
            del self.runs[run]

    @rule(name=NAMES)
    def kill(self, name: str) -> None:
        self.world.driver(self.life(name))
        self.world.kill(self.life(name))
        self.lives[name] = self.lives.get(name, 0) + 1

    def is_alive(self, owner: str | None) -> bool:
        return owner is not None and owner == self.life(owner[0])

    @invariant()
    def all_agree(self) -> None:
        journal = self.world.driver("watcher")
        unfinished = {run: model for run, model in self.runs.items() if not model.ended}
        free = {run: model for run, model in unfinished.items() if not self.is_alive(model.owner)}
        for run, model in self.runs.items():
            row = self.do(journal.row(run))
            assert (row.head, row.epoch, row.deaths) == (model.head, model.epoch, model.deaths)
            assert (row.owner is None, row.wake_at) == (model.owner is None, model.wake_at)
            assert self.do(numbers(journal, run)) == list(range(model.head))
            assert [signal.id for signal in self.do(journal.inbox(run))] == model.waiting
        has_work = {
            run
            for run, model in free.items()
            if model.owner is not None or model.waiting or (model.wake_at is not None and model.wake_at <= 15.0)
        }
        assert set(self.do(journal.claimable(15.0))) == has_work
        times = [model.wake_at for model in unfinished.values() if model.wake_at is not None]
        assert self.do(journal.next_wake()) == min(times, default=None)


@pytest.mark.parametrize("world", WORLDS)
def test_every_journal_behaves_like_the_model(world: str):
    machine = type("Machine", (JournalMachine,), {"world_type": WORLDS[world]})

    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=8 if world == "postgres" else 25, stateful_step_count=40, deadline=None),
    )
