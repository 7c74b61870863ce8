"""Snapshots: what is worth keeping of an execution, by name and time, and found again after a crash."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from mulle.agents.results import StepResult, StepState, WorkflowContext, WorkflowResult
from mulle.agents.shelf import Shelf, shelf_at
from mulle.document.ports import is_object
from mulle.errors import InputError
from mulle.sdk.fit import plain

KIND = "snapshot"

Strategy = Literal["each_step", "critical"] | int


class UnknownSnapshot(InputError):
    """There is no snapshot with this id."""

    code = "snapshot.unknown"
    message = "There is no snapshot '{snapshot}'."
    hint = "`list_snapshots()` gives the ids of all."


@dataclass(frozen=True)
class StateSnapshot:
    """A state as it was at one time."""

    snapshot_id: str
    name: str
    timestamp: str
    """ISO 8601."""
    execution_state: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])


class StateStore:
    """Keeps snapshots: by hand, or of every execution that it is given to (`workflow.execute(store=store)`)."""

    def __init__(
        self,
        home: Any = None,
        *,
        save: Strategy = "each_step",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open a store.

        Args:
            home: An app or a home's folder, in which snapshots outlive the program; None: in memory.
            save: When an execution is saved: `each_step` (as `step_ID_complete`), after every N steps as a whole
                (`checkpoint_COUNT`), or `critical` (`critical_ID`: steps added with `is_critical=True`). What failed
                is saved as `error_ID` in any case.
            clock: The time.
        """
        if isinstance(save, int) and save < 1:
            raise ValueError("A checkpoint comes after one step or more.")
        self._shelf: Shelf = shelf_at(home)
        self._save = save
        self._clock = clock

    def save_snapshot(self, name: str, state: Any, metadata: Mapping[str, Any] | None = None) -> StateSnapshot:
        """Keep a state: a dictionary, or what becomes one. Raises TypeError, ValueError for what is no data."""
        data = state.to_dict() if isinstance(state, StepResult | WorkflowContext) else state
        if is_dataclass(data) and not isinstance(data, type):
            data = asdict(data)
        kept: Any = plain(data)
        snapshot = StateSnapshot(
            snapshot_id=uuid.uuid4().hex[:16],
            name=name,
            timestamp=self._clock().isoformat(timespec="milliseconds"),
            execution_state=kept if is_object(kept) else {"value": kept},
            metadata=plain(dict(metadata or {})),
        )
        self._shelf.put(KIND, snapshot.snapshot_id, asdict(snapshot))
        return snapshot

    def load_snapshot(self, snapshot_id: str) -> StateSnapshot:
        """A snapshot by its id; raises UnknownSnapshot."""
        found = self._shelf.get(KIND, snapshot_id)
        if found is None:
            raise UnknownSnapshot(snapshot=snapshot_id)
        return StateSnapshot(**found)

    def delete_snapshot(self, snapshot_id: str) -> bool:
        """Forget a snapshot; whether there was one."""
        return self._shelf.remove(KIND, snapshot_id)

    def list_snapshots(self) -> list[dict[str, Any]]:
        """All snapshots in the order in which they were taken, without their states."""
        return [{key: one[key] for key in _LISTED} for one in self._shelf.all(KIND)]

    # ------------------------------------------------------------------ executions

    def step_ended(self, context: WorkflowContext, result: StepResult, *, is_critical: bool) -> None:
        """Take the snapshots that are due after a step of an execution."""
        about = {"workflow": context.workflow_name, "run": context.workflow_id, "input": context.initial_input}
        finished = sum(one.status is StepState.COMPLETED for one in context.step_results.values())
        if result.status is StepState.FAILED:
            self.save_snapshot(f"error_{result.step_id}", result, about)
        elif result.status is not StepState.COMPLETED:
            return
        elif self._save == "each_step":
            self.save_snapshot(f"step_{result.step_id}_complete", result, about)
        elif self._save == "critical":
            if is_critical:
                self.save_snapshot(f"critical_{result.step_id}", result, about)
        elif isinstance(self._save, int) and finished % self._save == 0:
            self.save_snapshot(f"checkpoint_{finished}", context, about)

    def outputs_of(self, run: str) -> dict[str, Any]:
        """What the finished steps of an execution gave, and its input under "": all that its snapshots tell."""
        found: dict[str, Any] = {}
        for one in self._shelf.all(KIND):
            if one["metadata"].get("run") == run:
                state = one["execution_state"]
                for result in state.get("step_results", {state.get("step_id", ""): state}).values():
                    if result.get("status") == StepState.COMPLETED:
                        found[result["step_id"]] = {"output": result["output"]}
                found[""] = one["metadata"].get("input")
        return found


_LISTED = ("snapshot_id", "name", "timestamp", "metadata")


def last_step(resume: Any) -> dict[str, Any] | None:
    """The step that a snapshot says was finished last, with its output; None for what says nothing of it."""
    if not isinstance(resume, StateSnapshot):
        return None
    state = resume.execution_state
    results = state.get("step_results") or ({state["step_id"]: state} if "step_id" in state else {})
    done = [one for one in results.values() if one.get("status") == StepState.COMPLETED]
    return {"step": done[-1]["step_id"], "output": done[-1]["output"]} if done else None


def run_of(resume: Any) -> str | None:
    """The execution that somebody means: by its id, its result, its context, or a snapshot."""
    if isinstance(resume, WorkflowResult | WorkflowContext):
        return resume.workflow_id
    if isinstance(resume, StateSnapshot):
        run = resume.metadata.get("run") or resume.execution_state.get("workflow_id")
        if not run:
            raise ValueError(f"The snapshot '{resume.name}' is of no execution that can be gone on with.")
        return str(run)
    return resume
