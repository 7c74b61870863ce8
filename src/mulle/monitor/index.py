"""Keep the statistics up with the journal: read every run that has ended since, once, in slices.

Several processes may do so at the same time: what one has read that another had counted already is thrown away.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import tzinfo

from mulle.document.signature import Describe
from mulle.engine.journal import Journal, RunRow
from mulle.engine.plan import ScopePlan
from mulle.errors import BrokenJournal, MulleError, StoreDamaged, StoreFull, StoreUnavailable, UnknownRun
from mulle.monitor.reading import Figures, Price, Reading
from mulle.monitor.statistics import Statistics

RUNS = 200
"""Ended runs that are counted in one transaction."""
SLICE = 300
"""Facts that are folded at a time, a few milliseconds' worth; others have their turn between."""
PIECE = 0.005
"""Seconds that are paused at least: a shorter sleep is none."""
GRAPHS = 256
"""How many graphs are remembered."""

Graph = tuple[ScopePlan, Describe]


class Index:
    """Reads ended runs into the statistics."""

    def __init__(
        self,
        journal: Journal,
        graph: Callable[[str], Awaitable[Graph]],
        statistics: Statistics,
        *,
        zone: tzinfo,
        price: Price,
    ) -> None:
        """Count runs of a journal.

        Args:
            journal: Where they are.
            graph: A graph by its hash; raises MulleError for one that cannot be read here.
            statistics: Where the figures go.
            zone: The time zone of days.
            price: What tokens cost.
        """
        self._journal = journal
        self._graph = graph
        self._statistics = statistics
        self._zone = zone
        self._price = price
        self._graphs: dict[str, Graph] = {}
        self._owed = 0.0
        """Seconds that others are still to be left alone."""

    async def catch_up(self, *, rest: float = 0.0) -> int:
        """Count every run that has ended by now; gives how many it were.

        Args:
            rest: How long to pause after each slice, as a multiple of the time it took: 4 leaves four fifths of a busy
                worker to its runs.

        Raises:
            StoreError: The journal or the statistics cannot be used. Nothing is counted twice for that.
        """
        counted = 0
        while True:
            before = self._statistics.cursor()
            rows, after = await self._journal.ended_since(before, RUNS)
            if not rows:
                return counted
            figures = Figures()
            for row in rows:
                await self._read(row, figures, rest)
            if self._statistics.add(figures, before, after):
                counted += len(rows)
            await asyncio.sleep(0)

    async def _read(self, row: RunRow, figures: Figures, rest: float) -> None:
        """Take one run in; what cannot be read of it is left out whole, and its end alone is counted."""
        own = Figures()
        reading = Reading(row, self._zone, self._price, own)
        try:
            reading.begin(*await self._known(row.graph))
            position = 0
            while position < row.head:
                begun = time.perf_counter()
                facts = await self._journal.read(row.id, position, SLICE, previews=True)
                if not facts:
                    raise BrokenJournal(f"It should hold {row.head} facts, and there are {position}.")
                reading.take(facts)
                position += len(facts)
                await self._pause(rest * (time.perf_counter() - begun))
            reading.finish()
        except UnknownRun:
            return  # It was deleted while we read: there is nothing to count any more.
        except MulleError as error:
            if isinstance(error, StoreUnavailable | StoreFull | StoreDamaged):
                raise
            own = Figures()
            Reading(row, self._zone, self._price, own).finish(unread=error.text)
        figures.add(own)

    async def _pause(self, seconds: float) -> None:
        """Leave the loop to others; in pieces that are worth it."""
        self._owed += seconds
        if self._owed > PIECE:
            owed, self._owed = self._owed, 0.0
            await asyncio.sleep(owed)
        elif not seconds:
            await asyncio.sleep(0)

    async def _known(self, graph: str) -> Graph:
        if graph not in self._graphs:
            if len(self._graphs) >= GRAPHS:
                del self._graphs[next(iter(self._graphs))]
            self._graphs[graph] = await self._graph(graph)
        return self._graphs[graph]
