"""What is told of an execution, to whom, and in which order: the flows of data and of errors in one place."""

from typing import Protocol

from mulle.agents.results import StepResult, StepState, WorkflowContext, WorkflowState


class Store(Protocol):
    """Takes snapshots; see `StateStore`."""

    def step_ended(self, context: WorkflowContext, result: StepResult, *, is_critical: bool) -> None: ...


class Log(Protocol):
    """Takes entries; see `Logger`."""

    def debug(self, component: str, message: str, data: dict[str, object] | None = None) -> None: ...
    def info(self, component: str, message: str, data: dict[str, object] | None = None) -> None: ...
    def error(self, component: str, message: str, data: dict[str, object] | None = None) -> None: ...


class Metrics(Protocol):
    """Counts executions; see `Monitor`."""

    def start_workflow(self, workflow_id: str, workflow_name: str) -> None: ...
    def end_workflow(self, workflow_name: str, duration: float, success: bool) -> None: ...
    def log_agent_execution(self, workflow_name: str, agent_name: str, duration: float, success: bool) -> None: ...
    def check_alerts(self) -> object: ...


class Watch:
    """Tells a store, a logger and a monitor, as far as they are there.

    A step that ends: state, log, metrics. A step that fails: log, metrics, state, alerts; then the execution fails.
    """

    def __init__(self, store: Store | None, logger: Log | None, monitor: Metrics | None) -> None:
        self._store, self._log, self._monitor = store, logger, monitor

    def began(self, context: WorkflowContext) -> None:
        if self._log:
            self._log.info("Workflow", f"시작: {context.workflow_name}", {"workflow_id": context.workflow_id})
        if self._monitor:
            self._monitor.start_workflow(context.workflow_id, context.workflow_name)

    def step_ended(self, context: WorkflowContext, result: StepResult, *, is_critical: bool) -> None:
        if result.status is StepState.FAILED:
            self._failed(context, result)
            return
        if self._store:
            self._store.step_ended(context, result, is_critical=is_critical)
        if self._log:
            said = f"{result.step_id}: {result.status.name}"
            self._log.debug("Step", said, {"workflow_id": context.workflow_id, "duration": result.duration})
        if self._monitor and result.status is StepState.COMPLETED:
            self._monitor.log_agent_execution(context.workflow_name, result.step_id, result.duration, success=True)

    def _failed(self, context: WorkflowContext, result: StepResult) -> None:
        if self._log:
            data: dict[str, object] = {"workflow_id": context.workflow_id, "duration": result.duration}
            self._log.error("Step", f"{result.step_id}: 실행 실패: {result.error}", data)
        if self._monitor:
            self._monitor.log_agent_execution(context.workflow_name, result.step_id, result.duration, success=False)
        if self._store:
            self._store.step_ended(context, result, is_critical=True)
        if self._monitor:
            self._monitor.check_alerts()

    def ended(self, context: WorkflowContext) -> None:
        succeeded = context.workflow_state is WorkflowState.COMPLETED
        if self._log:
            data: dict[str, object] = {"workflow_id": context.workflow_id, "duration": context.duration}
            said = f"{context.workflow_state.name}: {context.workflow_name}"
            if succeeded or context.workflow_state is WorkflowState.WAITING:
                self._log.info("Workflow", said, data)
            else:
                self._log.error("Workflow", f"{said}: {context.error}", data)
        if self._monitor and context.workflow_state is not WorkflowState.WAITING:
            self._monitor.end_workflow(context.workflow_name, context.duration, success=succeeded)
            self._monitor.check_alerts()
