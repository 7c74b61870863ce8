"""Runs that are ours and that nobody drives: which they are, what they had learnt, and whether more may be ours than we
know. Only keeps count; claiming and driving are done by others.
"""

import asyncio
import contextlib
from collections.abc import Collection, Generator

from mulle.engine.journal import RunRow
from mulle.errors import DriverBroken, MulleError, StoreFull, StoreUnavailable
from mulle.runtime.ledger import Unwritten

TRIES = 3
"""How often a run is taken up by itself whose driver ends in an error that nobody expected."""
PASSING = (StoreFull, StoreUnavailable)
"""What may be gone when one tries again."""


class Undriven:
    """What one runtime has in hand, or let fall."""

    def __init__(self, left: dict[str, Unwritten], *, unsure: bool) -> None:
        """Begin with what a runtime before left behind. `unsure`: it may not have known all that was its own."""
        self.stalled = left
        """Their store failed, their driver broke, or their event loop was closed under them."""
        self.in_hand: set[str] = set()
        """They are being claimed, or brought back from their journals."""
        self.unsure = unsure
        """A run may be ours without our knowing it: the answer to a claim was lost."""
        self.losses = 0
        """How often others could take over all that was ours."""
        self.broken: dict[str, int] = {}
        """How often in a row a run's driver ended in an error that nobody expected."""

    @contextlib.contextmanager
    def claiming(self) -> Generator[None]:
        """Whatever cuts off what is done within may leave a run ours without our knowing it."""
        try:
            yield
        except (*PASSING, asyncio.CancelledError):
            self.unsure = True
            raise

    @contextlib.contextmanager
    def holding(self, runs: Collection[str]) -> Generator[None]:
        """Let nobody else here take up these runs."""
        self.in_hand.update(runs)
        try:
            yield
        finally:
            self.in_hand.difference_update(runs)

    def stall(self, row: RunRow) -> None:
        """Let a run of ours stand still; what a driver before learnt and could not write is not lost."""
        left = self.stalled.get(row.id)
        facts = left.facts if left is not None and left.after == row.head else ()
        self.stalled[row.id] = Unwritten(row.epoch, row.head, facts)

    def count_broken(self, run_id: str) -> None:
        """Driving a run ended in an error that nobody expected."""
        self.broken[run_id] = self.broken.get(run_id, 0) + 1

    @property
    def given_up(self) -> set[str]:
        """Runs that broke their drivers so often that they are left alone until somebody asks for them."""
        return {run_id for run_id, times in self.broken.items() if times >= TRIES}

    def passes(self, run_id: str, problem: MulleError) -> bool:
        """Whether what kept a run from being driven may be gone when one tries again."""
        return isinstance(problem, PASSING) or (isinstance(problem, DriverBroken) and run_id not in self.given_up)


def broken(run_id: str, error: Exception) -> DriverBroken:
    """What is said of an error that nobody expected."""
    return DriverBroken(run=run_id, error=f"{type(error).__name__}: {error}")
