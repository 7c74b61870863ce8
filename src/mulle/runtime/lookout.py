"""Find the runs that nobody drives, and hand them to whoever goes on with them: what is due, what the dead left,
and what is ours without our knowing it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence

from mulle.engine.journal import Claim, Journal
from mulle.errors import JournalConflict
from mulle.runtime.loaded import Load
from mulle.runtime.undriven import Undriven

MOST_AT_A_TIME = 40
"""Runs that are taken up before others are looked for."""


class Lookout:
    """Claims runs for one runtime."""

    def __init__(
        self,
        journal: Journal,
        undriven: Undriven,
        load: Load,
        clock: Callable[[], float],
        *,
        driven: Callable[[], Collection[str]],
        go_on: Callable[[Claim, int], Awaitable[None]],
    ) -> None:
        """Look for runs.

        Args:
            journal: Where they are kept.
            undriven: Those that were ours and stand still.
            load: A graph by its hash.
            clock: Seconds since 1970.
            driven: Those that are driven here now, or about to be.
            go_on: Drives a run that was claimed when so many losses were known.
        """
        self._journal = journal
        self._undriven = undriven
        self._load = load
        self._clock = clock
        self._driven = driven
        self._go_on = go_on
        self._looking = asyncio.Lock()
        """Held by whoever claims runs without knowing which."""

    async def look(self, aside: Collection[str], *, stalled: bool) -> None:
        """Go on with every run that has something to do and no living driver, but for those `aside`.

        `stalled`: try those of ours that stand still, too.
        """
        async with self._looking:
            if stalled or self._undriven.unsure:
                await self._take_up_ours()
            seen = {*aside, *self._undriven.stalled}
            while True:
                losses = self._undriven.losses
                with self._undriven.claiming():
                    claims = await self._journal.claim_due(self._clock(), MOST_AT_A_TIME, besides=seen)
                    await self._take_over(claims, losses)
                if not claims:
                    break
                seen.update(claim.row.id for claim in claims)

    async def take_up_ours(self) -> None:
        """Go on with what is ours and not driven: its store failed, or nobody told us that it is ours."""
        async with self._looking:
            await self._take_up_ours()

    async def _take_up_ours(self) -> None:
        if not self._undriven.stalled and not self._undriven.unsure:
            return
        losses = self._undriven.losses
        # What somebody has in hand may be ours by another claim, whose answer was lost: then he finds it taken.
        self._undriven.unsure = bool(self._undriven.in_hand)
        with self._undriven.claiming():
            given_up = await self._give_up()
            stalled = self._undriven.stalled.keys() - given_up - self._undriven.in_hand
            claims = await self._journal.claim_again({*self._driven(), *self._undriven.in_hand, *given_up})
            for run_id in stalled - {claim.row.id for claim in claims}:  # It has ended, or is somebody else's.
                self._undriven.stalled.pop(run_id, None)
            for start in range(0, len(claims), MOST_AT_A_TIME):
                await self._take_over(claims[start : start + MOST_AT_A_TIME], losses)

    async def _give_up(self) -> set[str]:
        """Let others try runs whose drivers ended in unexpected errors again and again; gives all that are left alone.

        One that has a signal waiting cannot be let go of; it stays ours until we are asked for it, or end.
        """
        given_up = self._undriven.given_up
        for run_id in given_up & self._undriven.stalled.keys():
            with contextlib.suppress(JournalConflict):
                if await self._journal.release(run_id, self._undriven.stalled[run_id].epoch, self._clock()):
                    del self._undriven.stalled[run_id]
        return given_up

    async def _take_over(self, claims: Sequence[Claim], losses: int) -> None:
        """Go on with runs that are ours since a moment ago."""
        with self._undriven.holding([claim.row.id for claim in claims]):
            for graph in {claim.row.graph for claim in claims}:
                with contextlib.suppress(Exception):  # Each run that follows it will say why it cannot be driven.
                    await self._load(graph)
            if len(claims) == 1:
                await self._go_on(claims[0], losses)
            else:  # Their journals are read in one round trip, where the store can do that.
                await asyncio.gather(*(self._go_on(claim, losses) for claim in claims))
