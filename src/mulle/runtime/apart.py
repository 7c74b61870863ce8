"""Runs that killed their drivers, each driven in a process of its own, away from the others."""

import asyncio
from collections.abc import Awaitable, Callable

from mulle.engine.journal import Journal, RunRow
from mulle.errors import StoreError
from mulle.runtime.driver import Driver

ALONE_AT = 2
"""Deaths after which a run is driven in a process of its own."""
AT_ONCE = 4
"""Processes that drive one run each, at a time: a death may leave hundreds of runs under suspicion."""
HEARINGS = 100
"""How often signals may come between before such a run is driven here after all."""
HAND_OVER = 10.0
"""Seconds after which a run that was given to a process of its own is looked at again, if that one never began."""


class Apart:
    """The runs of one runtime that are driven elsewhere."""

    def __init__(
        self,
        journal: Journal,
        alone: Callable[[str], Awaitable[None]] | None,
        clock: Callable[[], float],
        over: Callable[[str, StoreError | None], Awaitable[None]],
    ) -> None:
        """Drive runs apart.

        Args:
            journal: Where they are kept.
            alone: Drives one in a process of its own, and returns when that process has ended; None: not here.
            clock: Seconds since 1970.
            over: Told when that process has ended, or why there was none.
        """
        self.tasks: dict[str, asyncio.Task[None]] = {}
        """By run."""
        self.but: set[str] = set()
        """Runs that are driven here all the same: somebody wants it, or this process is the one they were given to."""
        self._journal = journal
        self._alone = alone
        self._clock = clock
        self._over = over
        self._room = asyncio.Semaphore(AT_ONCE)

    async def take(self, driver: Driver, row: RunRow) -> bool:
        """Let go of a run of ours for a process of its own. False, and still ours, if it has to be driven here.

        One that has signals waiting cannot be let go of, so these are taken in first.
        """
        for _ in range(HEARINGS if self._alone and row.id not in self.but else 0):
            if await self._journal.release(row.id, row.epoch, self._clock() + HAND_OVER):
                self.tasks[row.id] = asyncio.create_task(self._drive(row.id))
                return True
            await driver.hear()
        return False

    async def _drive(self, run_id: str) -> None:
        assert self._alone is not None
        problem = None
        try:
            async with self._room:
                await self._alone(run_id)
        except OSError as error:
            problem = StoreError(f"No process of its own could be started for the run: {error}.")
        finally:
            del self.tasks[run_id]
        await self._over(run_id, problem)
