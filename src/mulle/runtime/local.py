"""Drive many runs in this process: start them, wait for them, wake them on time, and go on with what others left."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection

import msgspec

from mulle.engine.codec import encode_one
from mulle.engine.facts import Failure, Outputs, RunEnded, RunStarted
from mulle.engine.journal import Claim, InboxSignal, Journal, NewRun
from mulle.engine.plan import ScopePlan
from mulle.engine.run import Run
from mulle.errors import JournalConflict, MulleError, StoreError
from mulle.runtime.driver import CANCEL, Driver, Published
from mulle.runtime.executor import Executor

FIRST_EPOCH = 1
LOOK_AROUND = 5.0
"""Seconds after which drivers that died in other processes are noticed at the latest."""
ALONE_AT = 2
"""Deaths after which a run is driven in a process of its own."""
POISONED_AT = 3
"""Deaths after which a run is given up."""


class RunEnding(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands when there is nothing left to do for now."""

    id: str
    status: str
    """succeeded, failed, cancelled or waiting."""
    detail: str = ""
    outputs: Outputs = {}
    error: Failure | None = None
    conversation: Outputs = {}
    head: int = 0


class LoadedGraph(msgspec.Struct, frozen=True):
    """A graph ready to run, with whatever executes its nodes."""

    plan: ScopePlan
    executor: Executor


Load = Callable[[str], Awaitable[LoadedGraph]]


class LocalRuntime:
    """The runs of this process."""

    def __init__(
        self,
        journal: Journal,
        load: Load,
        *,
        publish: Callable[[Published], None] = lambda _: None,
        alone: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """Drive runs.

        Args:
            journal: Where facts are kept.
            load: A graph by its hash; raises MulleError when this program cannot run it.
            publish: Told of every fact that is on disk and of every streamed text.
            alone: Drives a run that killed its drivers in a process of its own; None: drive it here.
        """
        self._journal = journal
        self._load = load
        self._publish = publish
        self._alone = alone
        self._drivers: dict[str, Driver] = {}
        self._tasks: dict[str, asyncio.Task[RunEnding]] = {}
        self._stalled: dict[str, int] = {}
        self._alarm: asyncio.Task[None] | None = None
        self._stirred = asyncio.Event()
        self.problems: dict[str, MulleError] = {}
        """Runs that could not be driven here, and why."""
        journal.on_signal(self._signalled)

    # ------------------------------------------------------------------ one run

    async def start(self, new: NewRun, first: RunStarted, graph: LoadedGraph) -> bool:
        """Begin a run. False when a run with its `dedup` key exists already."""
        run = Run(graph.plan, graph.executor.catalogue.describe)
        run.apply(first)
        if not await self._journal.create(new, [encode_one(first)]):
            return False
        self._drive(run, FIRST_EPOCH, graph.executor)
        return True

    async def take(self, run_id: str) -> bool:
        """Go on with a run that nobody drives. False when somebody does, or when it has ended."""
        if run_id in self._tasks:
            return True
        claim = await self._journal.claim(run_id)
        if claim is None:
            return False
        try:
            graph = await self._load(claim.row.graph)
            run = await self._folded(claim, graph)
        except MulleError as error:
            self.problems[run_id] = error
            await self._journal.release(run_id, claim.row.epoch, None)
            return False
        if claim.unclean and run.in_flight() and not await self._may_go_on(claim):
            return False
        self._drive(run, claim.row.epoch, graph.executor)
        return True

    async def wait(self, run_id: str) -> RunEnding:
        """The run's end, or where it stands when only time or a signal can move it. Raises what stopped its driver."""
        task = self._tasks.get(run_id)
        if task is not None:
            return await asyncio.shield(task)
        row = await self._journal.row(run_id)
        if row.ended is None:
            return RunEnding(id=run_id, status="waiting", head=row.head)
        last = (await self._journal.read(run_id, row.head - 1))[-1]
        assert isinstance(last, RunEnded)
        return _ending(run_id, last, row.head)

    async def signal(self, run_id: str, signal: InboxSignal) -> bool:
        """Send a run a signal. It is kept if the run does not wait for it yet; the same id counts once."""
        return await self._journal.send(run_id, signal)

    async def cancel(self, run_id: str, reason: str = "") -> bool:
        """Ask a run to end as cancelled, whatever its steps do."""
        return await self.signal(run_id, InboxSignal(f"cancel/{run_id}", CANCEL, {"reason": reason}))

    # ------------------------------------------------------------------ all runs

    async def recover(self) -> list[str]:
        """Go on with every run that has something to do and no living driver; gives their ids."""
        taken: list[str] = []
        while due := [run for run in await self._journal.claimable(time.time()) if run not in self.problems]:
            new = [run_id for run_id in due if run_id not in self._tasks and await self.take(run_id)]
            if not new:
                break
            taken += new
        return taken

    def watch(self) -> None:
        """Keep going on with runs by themselves: when their time comes, a signal arrives or their driver died."""
        if self._alarm is None:
            self._alarm = asyncio.create_task(self._watch(), name="mulle-alarm")

    async def idle(self) -> None:
        """Wait until no run is being driven here."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self) -> None:
        """Stop every step and let go of every run; whoever comes next goes on with them."""
        if self._alarm:
            self._alarm.cancel()
            await asyncio.gather(self._alarm, return_exceptions=True)
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    @property
    def driven(self) -> Collection[str]:
        """Ids of the runs that are driven here now."""
        return self._tasks.keys()

    # ------------------------------------------------------------------ inside

    def _drive(self, run: Run, epoch: int, executor: Executor) -> None:
        driver = Driver(run, epoch, self._journal, executor, self._publish)
        task = asyncio.create_task(self._driven(driver), name=f"mulle-run-{driver.run_id}")
        self._drivers[driver.run_id], self._tasks[driver.run_id] = driver, task
        task.add_done_callback(lambda done: self._left(driver, epoch, done))

    async def _driven(self, driver: Driver) -> RunEnding:
        await driver.drive()
        ended = driver.run.ended
        if ended is None:
            return RunEnding(id=driver.run_id, status="waiting", head=driver.run.head)
        return _ending(driver.run_id, ended, driver.run.head, driver.run.conversation)

    def _left(self, driver: Driver, epoch: int, task: "asyncio.Task[RunEnding]") -> None:
        run_id = driver.run_id
        del self._drivers[run_id], self._tasks[run_id]
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, StoreError) and not isinstance(error, JournalConflict):
            self._stalled[run_id] = epoch
        if isinstance(error, MulleError):
            self.problems[run_id] = error
        self._stirred.set()

    async def _folded(self, claim: Claim, graph: LoadedGraph) -> Run:
        run = Run(graph.plan, graph.executor.catalogue.describe)
        for fact in await self._journal.read(claim.row.id):
            run.apply(fact)
        return run

    async def _may_go_on(self, claim: Claim) -> bool:
        """Count a death, and keep a run that kills its drivers away from the others."""
        row = claim.row
        deaths = await self._journal.count_death(row.id, row.epoch)
        if deaths >= POISONED_AT:
            payload = {"detail": "poisoned", "reason": f"It ended its process {deaths} times without finishing a step."}
            await self._journal.send(row.id, InboxSignal(f"poisoned/{row.id}", CANCEL, payload))
        elif deaths == ALONE_AT and self._alone is not None:
            await self._journal.release(row.id, row.epoch, None)
            await self._alone(row.id)
            return False
        return True

    def _signalled(self, run_id: str | None) -> None:
        for driver in self._drivers.values() if run_id is None else filter(None, [self._drivers.get(run_id)]):
            driver.look_into_inbox()
        self._stirred.set()

    async def _watch(self) -> None:
        while True:
            self._stirred.clear()
            try:
                await self._retry_stalled()
                await self.recover()
                next_wake = await self._journal.next_wake()
            except StoreError:
                next_wake = None
            pause = LOOK_AROUND if next_wake is None else min(LOOK_AROUND, max(0.0, next_wake - time.time()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()

    async def _retry_stalled(self) -> None:
        """Runs whose store failed are still ours; try whether it works again."""
        for run_id, epoch in list(self._stalled.items()):
            del self._stalled[run_id]
            self.problems.pop(run_id, None)
            await self._journal.release(run_id, epoch, 0.0)


def _ending(run_id: str, ended: RunEnded, head: int, conversation: Outputs | None = None) -> RunEnding:
    return RunEnding(
        id=run_id,
        status=ended.status,
        detail=ended.detail,
        outputs=ended.outputs,
        error=ended.error,
        conversation=conversation or {},
        head=head,
    )
