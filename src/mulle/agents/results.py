"""How executions and their steps stand, as Python people read it: made of what the journal says."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from mulle.document.drawing import as_svg, picture_of
from mulle.document.workflow import Workflow as Document
from mulle.runtime.history import NodeRecord


class StepState(StrEnum):
    """How a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class WorkflowState(StrEnum):
    """How a workflow's execution stands."""

    IDLE = "idle"
    RUNNING = "running"
    WAITING = "waiting"
    """For a person, an event or a time."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


RUN_STATES = {
    "succeeded": WorkflowState.COMPLETED,
    "failed": WorkflowState.FAILED,
    "cancelled": WorkflowState.CANCELLED,
    "waiting": WorkflowState.WAITING,
    "running": WorkflowState.RUNNING,
}
NODE_STATES = {
    "succeeded": StepState.COMPLETED,
    "failed": StepState.FAILED,
    "stopped": StepState.FAILED,
    "skipped": StepState.SKIPPED,
    "running": StepState.RUNNING,
    "expanded": StepState.RUNNING,
    "waiting": StepState.WAITING,
    "asking": StepState.WAITING,
    "retrying": StepState.WAITING,
}


@dataclass
class StepResult:
    """How one step went."""

    step_id: str
    status: StepState = StepState.PENDING
    output: Any = None
    duration: float = 0.0
    """Seconds, tries that failed included."""
    error: str | None = None
    timestamp: str = ""
    """When it ended, ISO 8601."""

    @classmethod
    def of(cls, record: NodeRecord) -> "StepResult":
        """What a run's record of a node says."""
        outputs = record.outputs or {}
        handled = record.error if record.status == "succeeded" else None
        status = StepState.FAILED if handled else NODE_STATES.get(record.status, StepState.PENDING)
        error = record.error.message if record.error else record.reason or None
        output = outputs.get("output") if "output" in outputs else outputs or None
        return cls(
            step_id=str(record.path[-1]),
            status=status,
            output=None if handled else output,
            duration=record.elapsed_ms / 1000,
            error=error,
            timestamp=moment(record.ended),
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"status": self.status.value}


@dataclass
class WorkflowContext:
    """How one execution stands, step by step."""

    workflow_id: str = ""
    """The run's id in the journal."""
    workflow_name: str = ""
    current_step: str | None = None
    """The step that began last; the one that failed, when one did."""
    step_results: dict[str, StepResult] = field(default_factory=dict[str, StepResult])
    workflow_state: WorkflowState = WorkflowState.IDLE
    initial_input: Any = None
    error: str | None = None
    error_type: str = ""
    """The error's code, or the name of the exception's class."""
    duration: float = 0.0

    def get_step_output(self, step_id: str) -> Any:
        """What a step gave, its fallback if it failed; raises KeyError for one that has no result."""
        result = self.step_results[step_id]
        if result.status is StepState.FAILED:
            for name, other in self.step_results.items():
                if name.startswith(f"{step_id}-fallback") and other.status is StepState.COMPLETED:
                    return other.output
        return result.output

    @property
    def statuses(self) -> dict[str, str]:
        """For a picture: each node and its status."""
        return {name: result.status.value for name, result in self.step_results.items()}

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for a snapshot."""
        return {
            "workflow_id": self.workflow_id,
            "workflow_name": self.workflow_name,
            "workflow_state": self.workflow_state.value,
            "current_step": self.current_step,
            "initial_input": self.initial_input,
            "step_results": {name: result.to_dict() for name, result in self.step_results.items()},
            "error": self.error,
        }


class WorkflowResult(dict[str, Any]):
    """How an execution went: a dictionary, with the same things as attributes.

    `status` is a word of `WorkflowState`; `output` is what the last step gave (by name, if several are last);
    `outputs` are the run's outputs; `steps` is a list with a dictionary for each step; `error` says what went wrong.
    """

    def __init__(
        self, context: WorkflowContext, outputs: Mapping[str, Any], order: Iterable[str], document: Document
    ) -> None:
        self.context = context
        self.document = document
        known = context.step_results
        steps = [known.get(name) or StepResult(name) for name in order]
        super().__init__(
            workflow_id=context.workflow_id,
            workflow_name=context.workflow_name,
            status=context.workflow_state.value,
            output=only_output(outputs),
            outputs=dict(outputs),
            steps=[step.to_dict() for step in steps],
            error=context.error,
            duration=context.duration,
        )

    @property
    def status(self) -> str:
        return self["status"]

    @property
    def output(self) -> Any:
        return self["output"]

    @property
    def outputs(self) -> dict[str, Any]:
        return self["outputs"]

    @property
    def error(self) -> str | None:
        return self["error"]

    @property
    def workflow_id(self) -> str:
        return self["workflow_id"]

    def _repr_svg_(self) -> str:
        return as_svg(picture_of(self.document, self.context.statuses))


def only_output(outputs: Mapping[str, Any]) -> Any:
    """The one output, or all of them by name; None if there is none."""
    if not outputs:
        return None
    return next(iter(outputs.values())) if len(outputs) == 1 else dict(outputs)


def moment(seconds: float | None) -> str:
    """A time as ISO 8601 in UTC; nothing for none."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
