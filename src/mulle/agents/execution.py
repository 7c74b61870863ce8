"""`execute` for scripts: one run on an app, followed step by step, gone on with where an earlier one stopped."""

from collections.abc import Callable, Container, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, TypeVar

from mulle.agents.checks import sync_states
from mulle.agents.results import (
    RUN_STATES,
    StepResult,
    StepState,
    WorkflowContext,
    WorkflowResult,
    WorkflowState,
    moment,
)
from mulle.document.workflow import Workflow as Document
from mulle.engine.facts import AnyFact, NodeDone, NodeFailed, NodeStarted, RunStarted
from mulle.engine.journal import Journal, RunRow
from mulle.errors import MulleError, StepError, UnknownRun
from mulle.runtime.history import History
from mulle.runtime.ledger import Published

T = TypeVar("T")


class RunFailed(StepError):
    """A run did not come to its end; `node` and `type` of what failed are facts."""

    code = "run.failed"
    message = "{place}{message}"
    hint = "Without `raise_on_error` the result has every step."


class Ending(Protocol):
    """What is needed of a run's result."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def outputs(self) -> dict[str, Any]: ...
    @property
    def error(self) -> dict[str, str] | None: ...


class Apps(Protocol):
    """An `App`, as far as scripts need one."""

    @property
    def journal(self) -> Journal: ...
    def blocking(self, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T: ...
    def listen(self, listener: Callable[[Published], None]) -> Callable[[], None]: ...
    async def start(self, workflow: Any, inputs: Any = None, *, pins: Mapping[str, Any] | None = None) -> str: ...
    async def wait(self, run_id: str) -> Ending: ...
    async def go_on(self, run_id: str, workflows: Sequence[Any] = ()) -> Ending: ...
    async def fork(self, run_id: str, *, on: Any = None) -> Ending: ...
    async def history(self, run_id: str) -> History: ...
    async def runs(self, **filters: Any) -> list[RunRow]: ...


class Runnable(Protocol):
    """A workflow, as far as an execution needs one."""

    name: str
    context: WorkflowContext

    @property
    def document(self) -> Document: ...
    def step_ids(self) -> list[str]: ...


class Watcher(Protocol):
    """Something that is told how an execution goes."""

    def began(self, context: WorkflowContext) -> None: ...
    def step_ended(self, context: WorkflowContext, result: StepResult, *, is_critical: bool) -> None: ...
    def ended(self, context: WorkflowContext) -> None: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What `Workflow.execute` was asked for."""

    watcher: Watcher
    value: Any = None
    resume: str | None = None
    outputs: Callable[[str], Mapping[str, Any]] | None = None
    """What the finished steps of an execution gave, for one that no journal knows any more."""
    saved: dict[str, Any] | None = None
    """The step that was finished last by what somebody kept: `{"step", "output"}`."""
    logger: Any = None
    """Is told when the journal says something else; None: Python's own log."""


def execute(workflow: Runnable, app: Apps | None, asked: Asked, *, raise_on_error: bool) -> WorkflowResult:
    """Run a workflow and wait until it stands still; see `Workflow.execute`."""

    def work(inside: Apps) -> Coroutine[Any, Any, WorkflowResult]:
        return Execution(workflow, inside, asked).done()

    if app is not None:
        result = app.blocking(work)
    else:
        # By its name: the app stands above this floor, and only scripts that make none of their own need it here.
        made = import_module("mulle.app").open_app(":memory:")
        try:
            result = made.blocking(work)
        finally:
            made.close_sync()
    if raise_on_error and result.status != WorkflowState.COMPLETED:
        node = result.context.current_step or ""
        message = result.error or f"the run is {result.status}."
        raise RunFailed(
            at=node, place=f"Step '{node}': " if node else "", message=message, type=result.context.error_type
        )
    return result


class Execution:
    """One execution of a workflow, from its beginning or from where an earlier one stopped."""

    def __init__(self, workflow: Runnable, app: Apps, asked: Asked) -> None:
        self._workflow, self._app, self._asked = workflow, app, asked
        self._steps = {node.id: node for node in workflow.document.nodes if node.type not in ("start", "end")}
        self._began: dict[str, float] = {}
        self._told: set[str] = set()
        self._early: list[Published] = []
        """What was published before this run's id was known."""
        self.context = workflow.context = WorkflowContext(
            workflow_name=workflow.name, workflow_state=WorkflowState.RUNNING, initial_input=asked.value
        )

    async def done(self) -> WorkflowResult:
        """The result; a workflow that could not even be started has failed, too."""
        stop_listening = self._app.listen(self._heard)
        try:
            return await self._followed()
        except MulleError as error:
            self.context.workflow_state, self.context.error = WorkflowState.FAILED, error.text
            self.context.error_type = error.code
            return self._result({})
        finally:
            stop_listening()

    async def _followed(self) -> WorkflowResult:
        run_id, resumes = await self._begun()
        self.context.workflow_id = run_id
        self._asked.watcher.began(self.context)
        early, self._early = self._early, []
        for published in early:
            self._heard(published)
        end = await (self._app.go_on(run_id, [self._workflow]) if resumes else self._app.wait(run_id))
        history = await self._app.history(run_id)
        self._read(history)
        self.context.workflow_state = RUN_STATES[end.status]
        if end.error:
            self.context.error, self.context.error_type = end.error["message"], end.error["type"]
            self.context.current_step = end.error["node"] or self.context.current_step
        return self._result(end.outputs)

    # ------------------------------------------------------------------ beginning

    async def _begun(self) -> tuple[str, bool]:
        """The run to follow, and whether it is an earlier one that has not ended."""
        if self._asked.resume is None:
            return await self._app.start(self._workflow, self._asked.value), False
        run_id = self._asked.resume
        try:
            row = await self._app.journal.row(run_id)
        except UnknownRun:
            finished = dict(self._asked.outputs(run_id)) if self._asked.outputs else {}
            if not finished:
                raise
            value = finished.pop("", None)
            return await self._again(value if self._asked.value is None else self._asked.value, finished), False
        if self._asked.saved is not None:
            sync_states(self._asked.saved, _last_step(await self._app.history(run_id), self._steps), self._asked.logger)
        if row.ended is None or row.status == "succeeded":
            return run_id, row.ended is None
        started = (await self._app.journal.read(run_id))[0]
        assert isinstance(started, RunStarted)
        self.context.initial_input = started.inputs.get("input", started.inputs)
        fork = await self._app.fork(run_id, on=self._workflow)
        return fork.id, False

    async def _again(self, value: Any, finished: Mapping[str, Any]) -> str:
        """A new run in which what snapshots say is finished stands already."""
        pins: dict[str, Any] = {
            name: {"outputs": outputs or {}} for name, outputs in finished.items() if name in self._steps
        }
        return await self._app.start(self._workflow, value, pins=pins)

    # ------------------------------------------------------------------ following

    def _heard(self, published: Published) -> None:
        """Take note of what is on disk: which step is at work, and which has ended."""
        if not self.context.workflow_id:
            self._early.append(published)
        elif published.run == self.context.workflow_id:
            for fact in published.facts:
                self._noted(fact)

    def _noted(self, fact: AnyFact) -> None:
        if not isinstance(fact, NodeStarted | NodeDone | NodeFailed) or len(fact.path) != 1:
            return
        name = str(fact.path[0])
        if name not in self._steps:
            return
        if isinstance(fact, NodeStarted):
            self._began.setdefault(name, fact.at)
            self.context.current_step = name
            return
        took, when = fact.at - self._began.get(name, fact.at), moment(fact.at)
        if isinstance(fact, NodeDone):
            output = fact.outputs.get("output") if "output" in fact.outputs else fact.outputs or None
            self._tell(StepResult(name, StepState.COMPLETED, output, took, None, when))
        elif fact.retry_at is None and fact.ask_until is None:
            self._tell(StepResult(name, StepState.FAILED, None, took, fact.error.message, when))

    def _read(self, history: History) -> None:
        """Take over what the journal says of every step, and tell of those that nobody was told of: the skipped."""
        for record in history.records.values():
            if len(record.path) == 1 and record.path[0] in self._steps:
                result = StepResult.of(record)
                self.context.step_results[result.step_id] = result
                if record.ended is not None and result.step_id not in self._told:
                    self._tell(result)
        run = history.run
        if run.started is not None:
            times = [record.ended or record.started or 0.0 for record in history.records.values()]
            self.context.duration = max([run.started.at, *times]) - run.started.at

    def _tell(self, result: StepResult) -> None:
        self._told.add(result.step_id)
        self.context.step_results[result.step_id] = result
        self._asked.watcher.step_ended(
            self.context, result, is_critical=bool(self._steps[result.step_id].data.get("critical"))
        )

    def _result(self, outputs: Mapping[str, Any]) -> WorkflowResult:
        self._asked.watcher.ended(self.context)
        return WorkflowResult(self.context, outputs, self._workflow.step_ids(), self._workflow.document)


def _last_step(history: History, steps: Container[str | int]) -> dict[str, Any] | None:
    """The step that a journal says was finished last, with its output."""
    done = [
        record
        for record in history.records.values()
        if record.ended is not None
        and len(record.path) == 1
        and record.path[0] in steps
        and record.status == "succeeded"
    ]
    result = StepResult.of(max(done, key=lambda record: record.ended or 0.0)) if done else None
    return {"step": result.step_id, "output": result.output} if result else None
