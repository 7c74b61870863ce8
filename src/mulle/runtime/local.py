"""Drive many runs in this process: start them, wait for them, wake them on time, and go on with what others left."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any

from mulle.engine.facts import AnyFact, RunStarted
from mulle.engine.journal import CANCEL, Claim, InboxSignal, Journal, NewRun, RunRow
from mulle.errors import DriverBroken, JournalConflict, LeaseLost, MulleError, StoreError
from mulle.runtime.apart import ALONE_AT, Apart
from mulle.runtime.driver import Driver
from mulle.runtime.eager import Eager
from mulle.runtime.endings import RunEnding, ending_of, standing
from mulle.runtime.heavy import packed_together
from mulle.runtime.ledger import NOTHING, Published, Unwritten
from mulle.runtime.loaded import Load, LoadedGraph, recalled
from mulle.runtime.lookout import Lookout
from mulle.runtime.undriven import PASSING, Undriven, broken

FIRST_EPOCH = 1
LOOK_AROUND = 5.0
"""Seconds after which drivers that died elsewhere are noticed at the latest, and a failed store is tried again."""
LOOK_AGAIN = 0.1
"""Seconds between two looks at a run that another process drives."""
POISONED_AT = 3
"""Deaths after which a run is given up."""

Driving = asyncio.Task[Any]
"""What drives one run."""


class LocalRuntime:
    """The runs of this process, on one event loop."""

    def __init__(
        self,
        journal: Journal,
        load: Load,
        *,
        publish: Callable[[Published], None] = lambda _: None,
        alone: Callable[[str], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.time,
        before: "LocalRuntime | None" = None,
    ) -> None:
        """Drive runs.

        Args:
            journal: Where facts are kept.
            load: A graph by its hash; raises MulleError when this program cannot run it.
            publish: Told of every fact that is on disk and of every streamed text.
            alone: Drives a run that killed its drivers in a process of its own, and returns when that process has
                ended; None: such runs are driven here.
            clock: Seconds since 1970.
            before: The runtime of an event loop that is closed; its runs are still ours.
        """
        self._journal = journal
        self._load = load
        self._publish = publish
        self._clock = clock
        self._drivers: dict[str, Driver] = {}
        self._tasks: dict[str, Driving] = {}
        self._driver_of: dict[Driving, Driver] = {}
        self._waiting: dict[Driving, list[asyncio.Future[None]]] = {}
        """Who waits for the end of each."""
        self._apart = Apart(journal, alone, clock, self._back)
        self._undriven = Undriven(before.left_behind() if before else {}, unsure=before is not None)
        self._lookout = Lookout(
            journal, self._undriven, load, clock, driven=lambda: {*self._tasks, *self._starting}, go_on=self._take_over
        )
        self._taken: list[str] = []
        self._starting: dict[str, Driver] = {}
        """Those of runs whose first fact is being written."""
        self._turns: dict[str, asyncio.Event] = {}
        """Queued runs that somebody waits for here; set when they are driven."""
        self._eager = Eager()
        self._new_driver = partial(Driver, publish=publish, eager=self._eager)
        self._alarm: asyncio.Task[None] | None = None
        self._retry: asyncio.Task[None] | None = None
        self._stirred = asyncio.Event()
        self._closed = False
        self.problems: dict[str, MulleError] = {}
        """Runs that could not be driven here, and why."""
        journal.on_signal(self._signalled)
        journal.on_loss(self._lose)

    # ------------------------------------------------------------------ one run

    async def start(self, new: NewRun, first: RunStarted, graph: LoadedGraph, kept: Sequence[AnyFact] = ()) -> bool:
        """Begin a run, at once or when its turn comes; a fork with the facts that it keeps.

        False when a run with its `dedup` key exists already. A child run is left to whoever looks for work first.
        """
        facts, blobs = await packed_together((first, *kept))
        if new.waits_its_turn:
            created = await self._journal.create(new, facts, blobs)
            if created:
                self._publish(Published(new.id, (first,)))
            if created and new.debounce is None and (first.caller is None or self._alarm is None):
                await self.take(new.id)
            self._stirred.set()
            return created
        run = graph.new_run()
        for fact in (first, *kept):
            run.apply(fact)
        driver = self._new_driver(run, FIRST_EPOCH, self._journal, graph.executor, inbox_is_empty=True)
        if driver.pins:
            driver.pins.count(kept)
        self._starting[new.id], losses, driven = driver, self._undriven.losses, False
        try:
            ahead = await driver.ahead() if new.dedup is None else NOTHING
            if not await self._journal.create(new, [*facts, *ahead.encoded], {**blobs, **ahead.blobs}):
                return False
            self._publish(Published(new.id, (first, *ahead.facts)))
            if losses != self._undriven.losses or self._closed:  # Whoever finds it goes on with it.
                await self._drop(new.id, FIRST_EPOCH)
                return True
            self._drive(driver)
            driven = True
        except (*PASSING, asyncio.CancelledError):  # It may be written all the same; then it is ours.
            self._undriven.unsure = True
            raise
        finally:
            del self._starting[new.id]
            if not driven:
                await driver.dismiss()
        return True

    async def take(self, run_id: str, *, here: bool = False) -> bool:
        """Go on with a run that nobody drives; why it could not be is in `problems`.

        Args:
            run_id: Which.
            here: In this process from now on, even if it killed the last ones that drove it.

        Returns:
            False when somebody else drives it, when it has ended or cannot be driven by this program.
        """
        if here:
            self._apart.but.add(run_id)
        if run_id in self._tasks:
            return True
        if run_id in self._apart.tasks or run_id in self._undriven.in_hand:
            return False
        self.problems.pop(run_id, None)
        self._undriven.broken.pop(run_id, None)
        try:
            if self._undriven.unsure or run_id in self._undriven.stalled:
                await self._lookout.take_up_ours()
                if run_id in self._tasks or run_id in self.problems:
                    return run_id in self._tasks
            with self._undriven.holding([run_id]):
                losses = self._undriven.losses
                with self._undriven.claiming():
                    claim = await self._journal.claim(run_id)
                return claim is not None and await self._go_on(claim, losses)
        except JournalConflict:
            return False
        except MulleError as error:
            self.problems[run_id] = error
            return False

    async def wait(self, run_id: str, *, here: bool = False) -> RunEnding:
        """The run's end, or where it stands when only time or a signal can move it. Raises what stopped its driver.

        `here`: as for `take`, should it be left meanwhile.
        """
        while True:
            if run_id in self._tasks:
                return await self._end_of(self._drivers[run_id], self._tasks[run_id])
            if run_id in self._apart.tasks:
                await asyncio.wait([self._apart.tasks[run_id]])
            row = await self._journal.row(run_id)
            if row.ended is not None:
                return ending_of(run_id, await self._journal.read(run_id))
            due = row.wake_at is not None and row.wake_at <= self._clock()
            rests = row.status == "waiting" and not due and run_id not in self._undriven.stalled
            if rests and not await self._journal.inbox(run_id):
                return RunEnding(id=run_id, status="waiting", head=row.head)
            if row.status == "queued" and not due:
                await self._turn_of(run_id, row.wake_at)
                continue
            if not await self.take(run_id, here=here):
                if run_id in self.problems:
                    raise self.problems[run_id]
                await asyncio.sleep(LOOK_AGAIN)

    async def _turn_of(self, run_id: str, wake_at: float | None) -> None:
        """Wait until a queued run is driven here, until its time comes, or for as long as others may go unnoticed."""
        turn = self._turns.setdefault(run_id, asyncio.Event())
        longest = LOOK_AROUND if self._alarm else LOOK_AGAIN
        pause = longest if wake_at is None else min(longest, max(0.0, wake_at - self._clock()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await turn.wait()

    async def signal(self, run_id: str, signal: InboxSignal) -> bool:
        """Send a run a signal. It is kept if the run does not wait for it yet; the same id counts once."""
        return await self._journal.send(run_id, signal)

    async def cancel(self, run_id: str, reason: str = "") -> bool:
        """Ask a run to end as cancelled, whatever its steps do."""
        return await self.signal(run_id, InboxSignal(f"cancel/{run_id}", CANCEL, {"reason": reason}))

    # ------------------------------------------------------------------ all runs

    async def recover(self) -> list[str]:
        """Go on with every run that has something to do and no living driver.

        Gives the ids of all that were taken up since this was last asked; what had problems is tried once more.
        """
        self.problems.clear()
        self._undriven.broken.clear()
        await self._look_for_work(stalled=True)
        taken, self._taken = self._taken, []
        return taken

    def watch(self) -> None:
        """Keep going on with runs by themselves: when their time comes, a signal arrives or their driver died."""
        if self._alarm is None:
            self._alarm = asyncio.create_task(self._watch(), name="mulle-alarm")

    async def idle(self) -> None:
        """Wait until no run is being driven by us."""
        while working := [*self._tasks.values(), *self._apart.tasks.values()]:
            await asyncio.wait(working)

    async def close(self) -> None:
        """Stop every step, and let go of each run as soon as its own steps have ended: others go on with it at once.

        What is started or claimed from now on is left to others, too.
        """
        self._closed = True
        working: list[asyncio.Task[Any]] = [*self._apart.tasks.values(), *filter(None, [self._alarm, self._retry])]
        self._alarm = None
        for task in working:
            task.cancel()
        await asyncio.gather(*map(self._let_go, list(self._tasks)), *working, return_exceptions=True)
        self._undriven.stalled.clear()
        self._eager.close()

    async def _let_go(self, run_id: str) -> None:
        driver, task = self._drivers[run_id], self._tasks[run_id]
        task.cancel()
        await asyncio.wait([task])
        if task.cancelled():
            with contextlib.suppress(StoreError):  # The journal lets go of what is still ours when it is closed.
                await self._journal.release(run_id, driver.unwritten.epoch, 0.0)

    def left_behind(self) -> dict[str, Unwritten]:
        """Runs that are ours and that nobody drives any more, when this runtime's event loop is closed."""
        return self._undriven.stalled | {run_id: driver.unwritten for run_id, driver in self._drivers.items()}

    @property
    def driven(self) -> Collection[str]:
        """Ids of the runs that are driven here now."""
        return self._tasks.keys()

    # ------------------------------------------------------------------ driving

    def _drive(self, driver: Driver) -> None:
        task = asyncio.create_task(driver.drive(), name=f"mulle-run-{driver.run_id}")
        self._drivers[driver.run_id], self._tasks[driver.run_id] = driver, task
        if turn := self._turns.pop(driver.run_id, None):
            turn.set()
        self._driver_of[task] = driver
        task.add_done_callback(self._over)

    async def _end_of(self, driver: Driver, task: Driving) -> RunEnding:
        if not task.done():  # As `asyncio.shield` does it, with less around it.
            over = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(task, []).append(over)
            await over
        if task.cancelled():
            return RunEnding(id=driver.run_id, status="waiting", detail="closed")
        task.result()
        return standing(driver.run)

    def _over(self, task: Driving) -> None:
        self._left(self._driver_of.pop(task), task)
        for waiting in self._waiting.pop(task, ()):
            if not waiting.done():
                waiting.set_result(None)

    def _left(self, driver: Driver, task: Driving) -> None:
        run_id = driver.run_id
        if self._drivers.get(run_id) is not driver:
            return  # It was let go and taken up again before its task had ended.
        del self._drivers[run_id], self._tasks[run_id]
        if task.cancelled():
            self._undriven.stalled[run_id] = driver.unwritten
            return
        error = task.exception()
        if isinstance(error, JournalConflict):
            return
        if isinstance(error, StoreError):
            self._undriven.stalled[run_id] = driver.unwritten
            if self._alarm is None and driver.run.started and driver.run.started.caller and not self._closed:
                self._retry = self._retry or asyncio.create_task(self._try_ours_again())
        elif isinstance(error, DriverBroken):  # As if it had died: what it could not write may be what broke it.
            self._undriven.stalled[run_id] = Unwritten(driver.unwritten.epoch, driver.unwritten.after, ())
            self._undriven.count_broken(run_id)
        if isinstance(error, MulleError):
            self.problems[run_id] = error
        else:
            self._undriven.broken.pop(run_id, None)
            self._stirred.set()

    # ------------------------------------------------------------------ going on with what stands still

    async def _go_on(self, claim: Claim, losses: int) -> bool:
        """Drive a run that was claimed when so many losses were known."""
        row = claim.row
        try:
            return await self._drive_claimed(claim, losses)
        except asyncio.CancelledError:
            self._undriven.unsure = True
            raise
        except PASSING:
            self._undriven.stall(row)
            raise
        except MulleError:
            self._undriven.stalled.pop(row.id, None)
            raise
        except Exception as error:
            self._undriven.stall(row)
            self._undriven.count_broken(row.id)
            raise broken(row.id, error) from error

    async def _drive_claimed(self, claim: Claim, losses: int) -> bool:
        row = claim.row
        graph, driver = await self._ready(row)
        deaths, died = row.deaths, claim.unclean and driver.run.in_flight()
        if died and deaths < ALONE_AT:
            deaths = await self._journal.count_death(row.id, row.epoch, deaths)
        if died and deaths >= POISONED_AT:
            payload = {"detail": "poisoned", "reason": f"It ended its process {deaths} times without finishing a step."}
            await self._journal.send(row.id, InboxSignal(f"poisoned/{row.id}", CANCEL, payload))
        elif deaths >= ALONE_AT:
            if graph.portable and await self._apart.take(driver, row):
                return False
            # Counted beforehand: who claims it only to give it away may be killed meanwhile, and that is not its fault.
            await self._journal.count_death(row.id, row.epoch, POISONED_AT - 1)
        if losses != self._undriven.losses or self._closed:
            await self._drop(row.id, row.epoch)
            raise LeaseLost(run=row.id)
        left = self._undriven.stalled.pop(row.id, None)
        if left is not None and left.after == row.head:
            driver.bring(left.facts)
        self._drive(driver)
        return True

    async def _back(self, run_id: str, problem: StoreError | None) -> None:
        """A process that drove one run alone has ended, or could not begin."""
        if problem:
            self.problems[run_id] = problem
        self._stirred.set()
        row = await self._journal.row(run_id)
        if row.ended is None and row.owner is not None:  # That process died with it.
            await self._take_up(run_id)

    async def _ready(self, row: RunRow) -> tuple[LoadedGraph, Driver]:
        """A run of ours ready to be driven. One that this program cannot drive is let go of: others may be able to."""
        try:
            graph = await self._load(row.graph)
            run = await recalled(self._journal, row, graph)
            driver = self._new_driver(run, row.epoch, self._journal, graph.executor)
            if driver.pins:
                driver.pins.count(await self._journal.read(row.id, previews=True))
        except PASSING:
            raise
        except MulleError:
            await self._journal.release(row.id, row.epoch, self._clock())
            raise
        return graph, driver

    async def _look_for_work(self, *, stalled: bool = False) -> None:
        await self._lookout.look({*self.problems, *self._apart.tasks}, stalled=stalled)

    async def _take_over(self, claim: Claim, losses: int) -> None:
        """Go on with a run that is ours since a moment ago; why it could not be driven is in `problems`."""
        run_id = claim.row.id
        try:
            if await self._go_on(claim, losses):
                self._taken.append(run_id)
        except JournalConflict:
            self._undriven.stalled.pop(run_id, None)
        except MulleError as error:
            self.problems[run_id] = error

    async def _drop(self, run_id: str, epoch: int) -> None:
        """Let go of a run that was ours a moment ago: our lease was lost, or we were closed, before it was driven."""
        try:
            with contextlib.suppress(StoreError):
                await self._journal.release(run_id, epoch, 0.0)
        finally:  # Who has a signal waiting is not let go of.
            self._undriven.unsure = True
            self._stirred.set()

    def _lose(self) -> None:
        """Others may go on with everything that we drive."""
        self._undriven.losses += 1
        for driver in self._drivers.values():
            driver.lose()

    async def _try_ours_again(self) -> None:
        """Nobody asks for a child run, and its parent may wait for it in this very process, which watches nothing."""
        while self._undriven.stalled:
            await asyncio.sleep(LOOK_AROUND)
            with contextlib.suppress(MulleError):
                await self._lookout.take_up_ours()
        self._retry = None

    async def _take_up(self, run_id: str) -> None:
        if await self.take(run_id):
            self._taken.append(run_id)

    def _signalled(self, run_id: str | None) -> None:
        for drivers in (self._starting, self._drivers):
            for driver in drivers.values() if run_id is None else filter(None, [drivers.get(run_id)]):
                driver.look_into_inbox()
        self._stirred.set()

    async def _watch(self) -> None:
        time_of = asyncio.get_running_loop().time  # What people do to the clock on the wall does not change pauses.
        next_try = time_of() + LOOK_AROUND
        while True:
            self._stirred.clear()
            now, again = self._clock(), time_of() >= next_try
            if again:
                next_try = time_of() + LOOK_AROUND
                self.problems = {
                    run: error for run, error in self.problems.items() if not self._undriven.passes(run, error)
                }
            next_wake = None
            try:
                await self._look_for_work(stalled=again)
                next_wake = await self._journal.next_wake(now)  # What is due and still there is not for us.
            except StoreError:
                pass
            except Exception as error:  # noqa: BLE001 - whoever waits for his time must not wait for ever.
                told = {"message": "Looking for work broke, and is tried again.", "exception": error}
                asyncio.get_running_loop().call_exception_handler(told)
            pause = LOOK_AROUND if next_wake is None else min(LOOK_AROUND, max(0.0, next_wake - self._clock()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()
