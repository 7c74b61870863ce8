"""Mulle in one process: documents and Python workflows go in, runs come out."""

import asyncio
import random
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar

from mulle.agents.steps import FUNCTION, FunctionNode, UnboundFunction
from mulle.agents.workflow import Workflow as PythonWorkflow
from mulle.document.ports import Port, accepts, is_object, type_of
from mulle.document.problem import Problem, errors
from mulle.document.reading import InvalidDocument, read_workflow
from mulle.document.validate import validate
from mulle.document.versions import graph_hash, graph_text
from mulle.document.workflow import Workflow
from mulle.engine.facts import RunStarted
from mulle.engine.journal import InboxSignal, Journal, NewRun, RunRow
from mulle.engine.plan import compile_body
from mulle.errors import InputError
from mulle.runtime.driver import Published
from mulle.runtime.executor import Executor
from mulle.runtime.history import History, NodeRecord
from mulle.runtime.local import LoadedGraph, LocalRuntime, RunEnding
from mulle.runtime.pins import check_pins
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.context import Services
from mulle.sdk.fit import NOT_DATA, plain
from mulle.store.workflows import Workflows

T = TypeVar("T")


class World(Protocol):
    """Through what nodes touch the world."""

    services: Services

    def redact(self, text: str) -> str: ...
    async def close(self) -> None: ...


class BadAnswer(InputError):
    """A person's word about an interrupted step cannot be understood."""

    code = "run.bad_answer"
    message = "The answer to '{question}' must have a `decision`: happened, again or fail."
    hint = 'For example {{"decision": "happened", "outputs": {{…}}}}, with what the step would have given.'


class BadRunInput(InputError):
    """A run was asked for with inputs that its start does not take."""

    code = "run.bad_input"
    message = "{detail}"
    hint = "The start node's output ports say what a run takes."


@dataclass(frozen=True)
class RunResult:
    """A run as its caller sees it."""

    id: str
    status: str
    """succeeded, failed, cancelled or waiting."""
    detail: str
    outputs: dict[str, Any]
    error: dict[str, str] | None
    conversation: dict[str, Any]
    _history: Callable[[], History] = field(repr=False, compare=False)

    @property
    def nodes(self) -> list[NodeRecord]:
        """What each node did, in the order in which they began."""
        return list(self._history().records.values())


@dataclass(frozen=True, slots=True)
class _Ready:
    """A workflow that was validated and can be run."""

    graph: str
    text: bytes
    document: Workflow
    loaded: LoadedGraph


READY_KEPT = 256
"""How many prepared workflows an App remembers."""
QUESTION = "interrupted/"
"""How the names of questions about interrupted steps begin."""
DECISIONS = ("happened", "again", "fail")
DATA_HINT = "Give text, numbers, true/false, null, lists and dictionaries with text keys."


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
        """
        self.journal = journal
        self.catalogue = catalogue
        self.outside = outside
        self.workflows = workflows
        self.now = clock
        self._chance = chance
        self._alone = alone
        self._again = again
        self._by_itself = by_itself
        self._twin: App | None = None
        self._ready: dict[int, _Ready] = {}
        self._loaded: dict[str, LoadedGraph] = {}
        self._listeners: list[Callable[[Published], None]] = []
        self._runtime: LocalRuntime | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._door: asyncio.AbstractEventLoop | None = None

    # ------------------------------------------------------------------ running

    async def run(
        self,
        workflow: Workflow | PythonWorkflow,
        inputs: Any = None,
        *,
        pins: Mapping[str, Any] | None = None,
        conversation: Mapping[str, Any] | None = None,
        user: str | None = None,
        session: str | None = None,
        dedup: str | None = None,
    ) -> RunResult:
        """Run a workflow until it ended, or until only time or a signal can move it.

        Args:
            workflow: A document, or a workflow made of Python functions.
            inputs: By the start's ports; for a Python workflow any value: its first step gets it.
            pins: Answers given beforehand; see `mulle.runtime.pins`.
            conversation: Conversation variables to begin with, instead of the document's.
            user: Who runs it: `sys.user_id`.
            session: The chat it belongs to: `sys.session_id`.
            dedup: A key; a second run with the same one is not started, and the first one's result is given.

        Raises:
            InvalidDocument: The document has errors.
            BadRunInput: The start does not take these inputs.
            StoreError: The database failed; nothing that was learnt is lost.
        """
        run_id = await self.start(
            workflow, inputs, pins=pins, conversation=conversation, user=user, session=session, dedup=dedup
        )
        return await self.wait(run_id)

    async def start(
        self,
        workflow: Workflow | PythonWorkflow,
        inputs: Any = None,
        *,
        pins: Mapping[str, Any] | None = None,
        conversation: Mapping[str, Any] | None = None,
        user: str | None = None,
        session: str | None = None,
        dedup: str | None = None,
        workflow_id: str = "",
    ) -> str:
        """Begin a run and give its id; see `run`. `workflow_id`: under what lists show it, if not its name."""
        ready = self._prepared(workflow)
        given = {"input": inputs} if isinstance(workflow, PythonWorkflow) else dict(inputs or {})
        now, document = self.now(), ready.document
        environment = document.variables.environment
        run_id = uuid.uuid4().hex[:16]
        first = RunStarted(
            at=now,
            run=run_id,
            graph=ready.graph,
            inputs=checked_inputs(ready.loaded, as_data(given, "inputs")),
            conversation={name: one.value for name, one in document.variables.conversation.items()}
            | as_data(dict(conversation or {}), "conversation"),
            environment={name: one.value for name, one in environment.items() if not one.secret},
            secret_environment=tuple(name for name, one in environment.items() if one.secret),
            pins=check_pins(dict(pins or {})),
            user=user,
            session=session,
            deadline=None if document.timeout is None else now + document.timeout,
        )
        new = NewRun(
            id=run_id,
            workflow=workflow_id or document.name,
            graph=ready.graph,
            created=now,
            session=session,
            dedup=dedup,
        )
        return await self._inside(self._begin(new, first, ready))

    async def _begin(self, new: NewRun, first: RunStarted, ready: _Ready) -> str:
        self.journal.save_graph(ready.graph, ready.text)
        if await self._running().start(new, first, ready.loaded):
            return new.id
        assert new.dedup is not None
        return await self.journal.run_with(new.dedup)

    async def wait(self, run_id: str) -> RunResult:
        """A run's result, when it has ended or only time or a signal can move it."""
        return self._result(await self._inside(self._running().wait(run_id)))

    def run_sync(self, workflow: Workflow | PythonWorkflow, inputs: Any = None, **options: Any) -> RunResult:
        """The same as `run`, for scripts; works in a notebook's running loop too. Blocks until the run stands still."""
        if self._loop is not None and self._loop is _running_loop():
            return self._beside().run_sync(workflow, inputs, **options)
        return self._from_outside(self.run(workflow, inputs, **options))

    def _beside(self) -> "App":
        """A second app on the same home: this one's own loop stands still while somebody blocks it."""
        if self._twin is None:
            assert self._again is not None, "This app was made without a way to open its journal again."
            parts = (self._again(), self.catalogue, self.outside, self.workflows)
            self._twin = App(*parts, clock=self.now, chance=self._chance)
        return self._twin

    async def recover(self, workflows: Sequence[Workflow | PythonWorkflow] = ()) -> list[str]:
        """Go on with every unfinished run that nobody drives; gives their ids.

        Args:
            workflows: Workflows made of Python functions whose runs this program can go on with.
        """
        for workflow in workflows:
            self._prepared(workflow)
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

    async def go_on(self, run_id: str) -> RunResult:
        """Drive an unfinished run until it stands still; raises what keeps this program from driving it."""
        return self._result(await self._inside(self._go_on(run_id)))

    async def _go_on(self, run_id: str) -> RunEnding:
        runtime = self._running()
        if not await runtime.take(run_id, here=True) and run_id in runtime.problems:
            raise runtime.problems[run_id]
        return await runtime.wait(run_id)

    async def signal(self, run_id: str, name: str, payload: Any = None, *, signal_id: str | None = None) -> bool:
        """Send a run a signal; the same `signal_id` counts once. Raises UnknownRun, BadAnswer, BadRunInput."""
        data = as_data(payload, "payload")
        if name.startswith(QUESTION) and not (is_object(data) and data.get("decision") in DECISIONS):
            raise BadAnswer(question=name)
        signal = InboxSignal(signal_id or uuid.uuid4().hex, name, data)
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

    def listen(self, listener: Callable[[Published], None]) -> None:
        """Be told of every fact that is on disk and of every piece of streamed text, in order."""
        self._listeners.append(listener)

    # ------------------------------------------------------------------ looking

    def problems(self, workflow: Workflow | PythonWorkflow) -> list[Problem]:
        """Everything that can be known to be wrong with a workflow before it runs."""
        catalogue, document = self._document(workflow)
        return validate(document, catalogue.describe)

    async def history(self, run_id: str) -> History:
        """What a run did, node by node. Raises UnknownRun."""
        row = await self.journal.row(run_id)
        loaded = self._loaded.get(row.graph) or await self._compiled(row.graph, self._readable)
        return self._history(loaded, await self.journal.read(run_id))

    async def runs(self, **filters: Any) -> list[RunRow]:
        """Newest first; filters: `status`, `workflow`, `limit`, `before`."""
        return await self.journal.rows(**filters)

    # ------------------------------------------------------------------ closing

    async def close(self) -> None:
        """Stop driving; unfinished runs go on when someone opens this home again."""
        if self._twin is not None:
            await asyncio.to_thread(self._twin.close_beside)
        if self._runtime is not None:
            await self._inside(self._runtime.close())
        await self.outside.close()
        await self.journal.close()
        self.workflows.close()
        if self._door is not None and self._door is not asyncio.get_running_loop():
            self._close_door()

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

        self._from_outside(work())
        self._close_door()

    def close_sync(self) -> None:
        """The same as `close`, for scripts."""
        self._from_outside(self.close())
        self._close_door()

    # ------------------------------------------------------------------ inside

    def _document(self, workflow: Workflow | PythonWorkflow) -> tuple[Catalogue, Workflow]:
        if isinstance(workflow, PythonWorkflow):
            return workflow.bound(self.catalogue), workflow.document
        return self.catalogue, workflow

    def _prepared(self, workflow: Workflow | PythonWorkflow) -> _Ready:
        """Validate and compile a workflow once for as long as it does not change; raises InvalidDocument."""
        document = workflow.document if isinstance(workflow, PythonWorkflow) else workflow
        known = self._ready.get(id(document))  # The entry keeps its document alive, so the id stays its own.
        if known is not None:
            return known
        catalogue, _ = self._document(workflow)
        wrong = errors(validate(document, catalogue.describe))
        if wrong:
            raise InvalidDocument(wrong)
        text = graph_text(document)
        portable = not isinstance(workflow, PythonWorkflow)
        loaded = LoadedGraph(compile_body(document, catalogue.describe), self._executor(catalogue), portable)
        ready = _Ready(graph_hash(text), text, document, loaded)
        if len(self._ready) >= READY_KEPT:
            del self._ready[next(iter(self._ready))]
        self._ready[id(document)] = ready
        self._loaded[ready.graph] = loaded
        return ready

    async def _load(self, graph: str) -> LoadedGraph:
        """A graph ready to be driven; raises UnboundFunction for one of functions that nobody has shown us."""
        if graph not in self._loaded:
            loaded = await self._compiled(graph, self.catalogue)
            if len(self._loaded) >= READY_KEPT:
                del self._loaded[next(iter(self._loaded))]
            self._loaded[graph] = loaded
        return self._loaded[graph]

    async def _compiled(self, graph: str, catalogue: Catalogue) -> LoadedGraph:
        document = read_workflow(await self.journal.graph(graph))
        function = next((node for node in document.nodes if node.type not in catalogue.types), None)
        if function is not None and function.type == FUNCTION:
            raise UnboundFunction(at=function.id, name=function.data.get("name", function.id))
        return LoadedGraph(compile_body(document, catalogue.describe), self._executor(catalogue))

    @property
    def _readable(self) -> Catalogue:
        """The node types with which any run can be read, if not driven: Python's functions need not be here."""
        return self.catalogue.with_types({FUNCTION: FunctionNode()})

    def _executor(self, catalogue: Catalogue) -> Executor:
        return Executor(
            catalogue, self.outside.services, clock=self.now, chance=self._chance, redact=self.outside.redact
        )

    def _publish(self, published: Published) -> None:
        for listener in self._listeners.copy():
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
            _history=lambda: self._from_outside(self.history(ending.id)),
        )

    @staticmethod
    def _history(loaded: LoadedGraph, facts: Sequence[Any]) -> History:
        history = History.of(facts, loaded.plan, loaded.executor.catalogue.describe)
        history.still_open()
        return history

    def _running(self) -> LocalRuntime:
        """The runtime, which lives on one loop: the first that uses it, or its successor when that one is closed."""
        loop = asyncio.get_running_loop()
        if self._runtime is None or self._loop is None or self._loop.is_closed():
            self._loop = loop
            self._runtime = LocalRuntime(
                self.journal,
                self._load,
                publish=self._publish,
                alone=self._alone,
                clock=self.now,
                before=self._runtime,
            )
            if self._by_itself:
                self._runtime.watch()
        return self._runtime

    async def _inside(self, work: Coroutine[Any, Any, T]) -> T:
        """Await something on the runtime's own loop, whichever loop the caller is on."""
        home = self._loop
        if home is None or home.is_closed() or home is asyncio.get_running_loop():
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, home))

    def _close_door(self) -> None:
        if self._door is not None and self._thread is not None:
            self._door.call_soon_threadsafe(self._door.stop)
            self._thread.join()
            self._door.close()
            self._door = self._thread = None

    def _from_outside(self, work: Coroutine[Any, Any, T]) -> T:
        """Block until something is done, on the loop of a helper thread."""
        if self._thread is None or self._door is None:
            loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=loop.run_forever, name="mulle-loop", daemon=True)
            self._thread.start()
            if self._loop is None or self._loop.is_closed():
                self._loop = loop
            self._door = loop
        assert self._door is not None
        return asyncio.run_coroutine_threadsafe(work, self._door).result()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def as_data(value: Any, what: str) -> Any:
    """A caller's value as plain data; raises BadRunInput."""
    try:
        return plain(value)
    except NOT_DATA as error:
        raise BadRunInput(f"The {what} cannot be kept: {error}.", at=what, hint=DATA_HINT) from error


def checked_inputs(graph: LoadedGraph, inputs: dict[str, Any]) -> dict[str, Any]:
    """A run's inputs with the defaults of the start's ports; raises BadRunInput."""
    start = next((node for node in graph.plan.nodes if node.signature.start), None)
    ports = start.signature.outputs if start else ()
    for port in ports:
        _check_input(port, inputs)
    unknown = inputs.keys() - {port.name for port in ports}
    if start and ports and unknown:
        there = ", ".join(port.name for port in ports)
        raise BadRunInput(f"The workflow takes no input '{min(unknown)}'; it takes: {there}.")
    return inputs


def _check_input(port: Port, inputs: dict[str, Any]) -> None:
    if port.name not in inputs:
        if port.required and port.default_value is None:
            raise BadRunInput(f"The input '{port.name}' ({port.type}) is required.", at=port.name)
        inputs[port.name] = port.default_value
    elif not accepts(port, inputs[port.name]):
        got = type_of(inputs[port.name])
        raise BadRunInput(f"The input '{port.name}' takes {port.type}, not {got}.", at=port.name)
