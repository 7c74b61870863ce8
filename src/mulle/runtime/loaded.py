"""A graph made ready to run, and a run of it brought back from its journal."""

from collections.abc import Awaitable, Callable

import msgspec

from mulle.engine.journal import Journal, RunRow
from mulle.engine.plan import ScopePlan
from mulle.engine.run import Run
from mulle.errors import StaleSnapshot
from mulle.runtime.executor import Executor

READ_AT_A_TIME = 500
"""Facts of a run that is taken up."""


class LoadedGraph(msgspec.Struct, frozen=True):
    """A graph ready to run, with whatever executes its nodes."""

    plan: ScopePlan
    executor: Executor
    portable: bool = True
    """Any program can drive it; False: it needs functions of this one."""

    def new_run(self) -> Run:
        """A run of it that knows nothing yet."""
        return Run(self.plan, self.executor.catalogue.describe)


Load = Callable[[str], Awaitable[LoadedGraph]]
"""Gives a graph by its hash; raises MulleError when this program cannot run it."""


async def recalled(journal: Journal, row: RunRow, graph: LoadedGraph) -> Run:
    """A run that knows all that it has learnt; raises BrokenJournal, UnreadableJournal, NewerJournal."""
    run = await _remembered(journal, row, graph) or graph.new_run()
    # Piece by piece: of all the big values that a long run once held, only the last ones are still wanted.
    while facts := await journal.read(row.id, run.head, READ_AT_A_TIME):
        for fact in facts:
            run.apply(fact)
    return run


async def _remembered(journal: Journal, row: RunRow, graph: LoadedGraph) -> Run | None:
    """The run as its snapshot left it; None if there is none that this release can use."""
    data = await journal.snapshot(row.id)
    if data is None:
        return None
    try:
        return Run.restored(data, graph.plan, graph.executor.catalogue.describe)
    except StaleSnapshot:
        return None
