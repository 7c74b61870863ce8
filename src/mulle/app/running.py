"""Mulle in one process: documents and Python workflows go in, runs come out."""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar, Unpack

from mulle.agents.workflow import Workflow as PythonWorkflow
from mulle.app.beginning import RunOptions, beginning
from mulle.app.children import with_children
from mulle.app.forks import Fork, forked, retried
from mulle.app.given import checked_payload
from mulle.app.graphs import Graphs, Ready
from mulle.app.results import Records, RunResult
from mulle.app.taped import RunTape, World, recording, replaying
from mulle.app.thread_loop import ThreadLoop, goes_on, running_loop
from mulle.document.composed import Found
from mulle.document.problem import Problem
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.engine.facts import AnyFact, RunStarted
from mulle.engine.journal import InboxSignal, Journal, NewRun, RunRow
from mulle.runtime.endings import RunEnding
from mulle.runtime.executor import Executor
from mulle.runtime.history import History
from mulle.runtime.ledger import Published
from mulle.runtime.limits import Limits
from mulle.runtime.loaded import LoadedGraph
from mulle.runtime.local import LocalRuntime
from mulle.sdk.catalogue import Catalogue
from mulle.store.workflows import Workflows

T = TypeVar("T")


class App:
    """Mulle in one process: documents in, runs out. Made by `mulle.open`."""

    def __init__(
        self,
        journal: Journal,
        catalogue: Catalogue,
        outside: World,
        workflows: Workflows,
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        alone: Callable[[str], Awaitable[None]] | None = None,
        again: Callable[[], Journal] | None = None,
        by_itself: bool = False,
        home: Path | None = None,
        limits: Limits | None = None,
        tape: RunTape | None = None,
    ) -> None:
        """Wire the parts together; `mulle.open` does it by the settings.

        Args:
            journal: Where runs are kept.
            catalogue: The node types.
            outside: The services that nodes use.
            workflows: Where documents are kept.
            clock: Seconds since 1970.
            chance: Numbers from 0 to 1, for jitter.
            alone: Drives a run that killed its drivers in a process of its own.
            again: Opens the journal once more, for `run_sync` within the loop that this app lives on.
            by_itself: Go on with unfinished runs, due timers and signals as soon as the app is first used.
            home: The folder in which everything is kept.
            limits: How often and how many at once steps of each type may begin.
            tape: The recording that runs are written into, or follow; see `taped`.
        """
        self.journal = journal
        self.graphs = Graphs(journal, catalogue, self._executor, self._stored)
        self.outside = outside
        self.workflows = workflows
        self.home = home
        """The folder in which this app keeps everything; None: in memory."""
        self.now = clock
        self._chance = chance
        self._alone = alone
        self._again = again
        self._by_itself = by_itself
        self._limits = limits or Limits()
        self._tape = tape
        self._twin: App | None = None
        self._listeners: list[Callable[[Published], None]] = []
        self._runtime: LocalRuntime | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = ThreadLoop()
        """Where scripts wait."""
        self._records = Records(self._thread.run, self.history, self.followed)

    @property
    def catalogue(self) -> Catalogue:
        """The node types that documents may use."""
        return self.graphs.catalogue

    @catalogue.setter
    def catalogue(self, catalogue: Catalogue) -> None:
        self.graphs.catalogue = catalogue

    # ------------------------------------------------------------------ running

    async def run(
        self,
        workflow: Workflow | PythonWorkflow,
        inputs: Any = None,
        *,
        record: str | Path | None = None,
        replay: str | Path | None = None,
        **options: Unpack[RunOptions],
    ) -> RunResult:
        """Run a workflow until it ended, or until only time or a signal can move it. A queued run is waited for.

        Args:
            workflow: A document, or a workflow made of Python functions.
            inputs: By the start's ports; for a Python workflow of steps any value: its first step gets it.
            record: A file into which all answers of the outside are written; see `taped`.
            replay: Such a file, out of which they are taken.
            **options: See `RunOptions`: `pins conversation user session dedup priority workflow_id`.

        Raises:
            InvalidDocument: The document has errors.
            BadRunInput: The start does not take these inputs.
            StoreError: The database failed; nothing that was learnt is lost.
        """
        if record is None and replay is None:
            return await self.wait(await self.start(workflow, inputs, **options))
        acting = self.taped(record=record, replay=replay)
        try:
            return await acting.wait(await acting.start(workflow, inputs, **options))
        finally:
            await acting.rest()

    async def start(
        self, workflow: Workflow | PythonWorkflow, inputs: Any = None, **options: Unpack[RunOptions]
    ) -> str:
        """Begin a run and give its id; see `run`."""
        ready = self.graphs.ready(workflow)
        if inputs is None and self._tape and self._tape.inputs is not None:
            given = self._tape.inputs
        else:
            given = workflow.given(inputs) if isinstance(workflow, PythonWorkflow) else inputs
        new, first = beginning(_new_id(), ready, given, options, self.now())
        if self._tape:
            new, first = self._tape.begin(new, first)
        return await self._inside(self._begin(new, first, ready))

    async def _begin(self, new: NewRun, first: RunStarted, ready: Ready, kept: Sequence[AnyFact] = ()) -> str:
        self.journal.save_graph(ready.graph, ready.text)
        if await self._running().start(new, first, ready.loaded, kept):
            return new.id
        assert new.dedup is not None
        return await self.journal.run_with(new.dedup)

    async def wait(self, run_id: str) -> RunResult:
        """A run's result, when it has ended or only time or a signal can move it."""
        return self._result(await self._inside(self._running().wait(run_id)))

    def taped(self, *, record: str | Path | None = None, replay: str | Path | None = None) -> "App":
        """This app, with all answers of the outside written into a file, or taken from one; `rest` it in the end.

        A repeated run has the id, the times and, unless others are given, the inputs of the recorded one; nothing
        leaves the machine, and nothing is kept. Raises OSError, BadRecording.
        """
        if replay is not None:
            stage = replaying(Path(replay), self.outside, self.now)
        else:
            assert record is not None, "Name a file to record into, or one to replay."
            stage = recording(Path(record), self.journal, self.outside, self.now)
        taped = App(
            stage.journal,
            self.catalogue,
            stage.outside,
            self.workflows,
            clock=self.now,
            chance=self._chance,
            home=self.home,
            limits=self._limits,
            tape=stage.tape,
        )
        taped._listeners = self._listeners
        return taped

    async def rest(self) -> None:
        """Stop driving, and leave everything open that another app shares."""
        if self._runtime is not None and goes_on(self._loop):
            await self._inside(self._runtime.close())

    def run_sync(self, workflow: Workflow | PythonWorkflow, inputs: Any = None, **options: Any) -> RunResult:
        """The same as `run`, for scripts; works in a notebook's running loop too. Blocks until the run stands still."""
        return self.blocking(lambda app: app.run(workflow, inputs, **options))

    def blocking(self, work: "Callable[[App], Coroutine[Any, Any, T]]") -> T:
        """Block until something is done with this app, for scripts: `app.blocking(lambda app: app.runs())`.

        In the loop that this app lives on, which then stands still, it is done by a second app on the same home.
        """
        if self._loop is not None and self._loop is running_loop():
            return self._beside().blocking(work)
        return self._thread.run(work(self))

    def _beside(self) -> "App":
        """A second app on the same home: this one's own loop stands still while somebody blocks it."""
        if self._twin is None:
            assert self._again is not None, "This app was made without a way to open its journal again."
            parts = (self._again(), self.catalogue, self.outside, self.workflows)
            self._twin = App(*parts, clock=self.now, chance=self._chance, home=self.home, limits=self._limits)
        return self._twin

    async def recover(self, workflows: Sequence[Workflow | PythonWorkflow] = ()) -> list[str]:
        """Go on with every unfinished run that nobody drives; gives their ids.

        Args:
            workflows: Workflows made of Python functions whose runs this program can go on with.
        """
        for workflow in workflows:
            self.graphs.ready(workflow)
        return await self._inside(self._recover())

    async def _recover(self) -> list[str]:
        return await self._running().recover()

    async def standing(self, run_id: str) -> RunResult:
        """Where a run stands, without driving it. Raises UnknownRun."""
        row = await self.journal.row(run_id)
        ending = RunEnding(id=run_id, status=row.status, detail=row.detail, head=row.head)
        if row.ended is not None:
            return await self.wait(run_id)
        return self._result(ending)

    async def go_on(self, run_id: str, workflows: Sequence[Workflow | PythonWorkflow] = ()) -> RunResult:
        """Drive an unfinished run until it stands still; raises what keeps this program from driving it.

        Args:
            run_id: Which.
            workflows: As for `recover`: those whose functions it may need.
        """
        for workflow in workflows:
            self.graphs.ready(workflow)
        return self._result(await self._inside(self._go_on(run_id)))

    async def _go_on(self, run_id: str) -> RunEnding:
        runtime = self._running()
        if not await runtime.take(run_id, here=True) and run_id in runtime.problems:
            raise runtime.problems[run_id]
        return await runtime.wait(run_id, here=True)  # Whom it was given to must not give it away again.

    async def signal(self, run_id: str, name: str, payload: Any = None, *, signal_id: str | None = None) -> bool:
        """Send a run a signal; the same `signal_id` counts once. Raises UnknownRun, BadAnswer, BadRunInput."""
        signal = InboxSignal(signal_id or secrets.token_hex(16), name, checked_payload(name, payload))
        return await self._inside(self._running().signal(run_id, signal))

    async def cancel(self, run_id: str, reason: str = "") -> bool:
        """Ask a run to end as cancelled, whatever its steps do. Raises UnknownRun."""
        return await self._inside(self._running().cancel(run_id, reason))

    async def serve(self) -> None:
        """Go on with what is unfinished, and keep waking runs when their time comes or a signal arrives."""
        await self._recover()
        self._running().watch()

    async def idle(self) -> None:
        """Wait until nothing can go on by itself here."""
        await self._inside(self._running().idle())

    def listen(self, listener: Callable[[Published], None]) -> Callable[[], None]:
        """Be told of every fact that is on disk and of every piece of streamed text, in order; gives what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    # ------------------------------------------------------------------ running again

    async def retry(self, run_id: str) -> RunResult:
        """Go on, in a new run, where one failed or was cancelled; what it had done is kept and not done again.

        Raises UnknownRun, NothingToRetry.
        """
        return await self._follow(await retried(self.journal, self.graphs, run_id, _new_id(), self.now()))

    async def fork(
        self,
        run_id: str,
        *,
        at: str | None = None,
        set: Mapping[str, Any] | None = None,  # noqa: A002  # The word of the command.
        on: Workflow | PythonWorkflow | None = None,
    ) -> RunResult:
        """Do a part of a run again, in a new run; what does not lie behind the change is kept and not done again.

        Args:
            run_id: A run, ended or not. It stays as it is.
            at: The node to begin at: `"summarise"`, or inside of a body `"each/3/summarise"`.
            set: Outputs instead of what nodes gave: `{"fetch.status": 500}`; what lies behind these runs again.
            on: The workflow, changed: nodes that are the same in it are kept.

        Raises:
            UnknownRun, UnknownNode, BadOutput, WouldNotRun: What was asked for is not there.
            InvalidDocument, BadRunInput: The workflow has errors, or does not take the run's inputs.
        """
        fork = await forked(
            self.journal, self.graphs, run_id, _new_id(), now=self.now(), again=at, given=set or {}, on=on
        )
        return await self._follow(fork)

    async def _follow(self, fork: Fork) -> RunResult:
        return await self.wait(await self._inside(self._begin(fork.new, fork.first, fork.ready, fork.kept)))

    async def pin(self, run_id: str, *, pinned: bool = True) -> None:
        """Keep a run for ever, whatever the retention says, or no longer. Raises UnknownRun."""
        await self._inside(self._pin(run_id, pinned))

    async def _pin(self, run_id: str, pinned: bool) -> None:
        await self.journal.pin(run_id, pinned=pinned)

    # ------------------------------------------------------------------ looking

    def problems(self, workflow: Workflow | PythonWorkflow) -> list[Problem]:
        """Everything that can be known to be wrong with a workflow before it runs."""
        return self.graphs.problems(workflow)

    async def history(self, run_id: str, *, previews: bool = False) -> History:
        """What a run did, node by node. Raises UnknownRun.

        With `previews`, values of more than 64 KiB are shortened, and each record's `truncated_fields` says which.
        """
        row = await self.journal.row(run_id)
        facts = await self.journal.read(run_id, previews=previews)
        return self._history(await self.graphs.readable(row.graph), facts)

    async def followed(self, run_id: str) -> Workflow:
        """The graph that a run follows, as a document without a name. Raises UnknownRun."""
        return read_workflow(await self.journal.graph((await self.journal.row(run_id)).graph))

    async def runs(self, **filters: Any) -> list[RunRow]:
        """Newest first; filters: `status`, `workflow`, `limit`, `before`."""
        return await self.journal.rows(**filters)

    # ------------------------------------------------------------------ closing

    async def close(self) -> None:
        """Stop driving; unfinished runs go on when someone opens this home again."""
        if self._twin is not None:
            await asyncio.to_thread(self._twin.close_beside)
        await self.rest()
        await self.outside.close()
        await self.journal.close()
        self.workflows.close()
        self._thread.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def close_beside(self) -> None:
        """Close what belongs to this app alone, and leave what it shares with its twin."""

        async def work() -> None:
            if self._runtime is not None:
                await self._runtime.close()
            await self.journal.close()

        self._thread.run(work())
        self._thread.close()

    def close_sync(self) -> None:
        """The same as `close`, for scripts; raises RuntimeError in the loop that this app lives on."""
        if self._loop is not None and self._loop is running_loop():
            raise RuntimeError("This app lives on the running loop; write `await app.close()` here.")
        self._thread.run(self.close())
        self._thread.close()

    # ------------------------------------------------------------------ inside

    def _stored(self, named: str, version: int | None) -> Found:
        """A version of a workflow of this home, for those that run it inside."""
        stored = self.workflows.get(named)
        number = stored.version if version is None else version
        return Found(stored.id, number, self.workflows.document(stored.id, number))

    def _executor(self, catalogue: Catalogue) -> Executor:
        services = self.outside.services
        spread = with_children(services, self.journal, self.graphs, self._running, self.now)
        return Executor(
            catalogue,
            services if self._tape else spread,
            clock=self.now,
            chance=self._chance,
            redact=self.outside.redact,
            limits=self._limits,
            tape=self._tape,
        )

    def _publish(self, published: Published) -> None:
        for listener in self._listeners.copy() if self._listeners else ():
            try:
                listener(published)
            except Exception as error:  # noqa: BLE001 - who only watches a run must not be able to stop it.
                self._listeners.remove(listener)
                told = {"message": "A listener of runs failed and is not called again.", "exception": error}
                asyncio.get_running_loop().call_exception_handler(told)

    def _result(self, ending: RunEnding) -> RunResult:
        return RunResult(
            id=ending.id,
            status=ending.status,
            detail=ending.detail,
            outputs=ending.outputs,
            error=ending.error.to_dict() if ending.error else None,
            conversation=ending.conversation,
            _records=self._records,
        )

    @staticmethod
    def _history(loaded: LoadedGraph, facts: Sequence[Any]) -> History:
        history = History.of(facts, loaded.plan, loaded.executor.catalogue.describe)
        history.still_open()
        return history

    def _running(self) -> LocalRuntime:
        """The runtime, which lives on one loop: the first that uses it, or its successor when that one has ended."""
        loop = asyncio.get_running_loop()
        if self._runtime is None or not (self._loop is loop or goes_on(self._loop)):
            self._loop = loop
            self._runtime = LocalRuntime(
                self.journal,
                self.graphs.load,
                publish=self._publish,
                alone=self._alone,
                clock=self.now,
                before=self._runtime,
            )
            if self._by_itself:
                self._runtime.watch()
        return self._runtime

    def _inside(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Something to await that is done on the runtime's own loop, whichever loop the caller is on."""
        home = self._loop
        if home is None or home is asyncio.get_running_loop() or not goes_on(home):
            return work
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, home))


def _new_id() -> str:
    return secrets.token_hex(8)
