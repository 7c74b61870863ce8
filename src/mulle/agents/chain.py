"""Agents in a row: each gets what the one before it gave. A workflow of steps without names."""

from dataclasses import asdict, dataclass
from typing import Any

from mulle.agents.execution import Apps
from mulle.agents.results import StepResult, StepState, WorkflowContext, WorkflowResult
from mulle.agents.state import StateStore
from mulle.agents.steps import name_of
from mulle.agents.summary import chain_summary
from mulle.agents.workflow import Workflow
from mulle.document.workflow import Workflow as Document


@dataclass
class ChainResult:
    """How one agent of a chain went."""

    agent_name: str
    status: str
    """completed, failed or skipped; an agent that was not reached has no result."""
    output: Any = None
    duration: float = 0.0
    """Seconds."""
    error: str | None = None


class AgentChain:
    """Agents in the order in which they are added. The first failure ends the chain, or takes another way."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._workflow = Workflow(name)
        self._names: dict[str, str] = {}
        """The agent's name by the step's id."""
        self.results: list[ChainResult] = []
        """How the agents of the last execution went."""

    def add_agent(self, agent: Any, *, name: str = "", alternative: Any = None, **policies: Any) -> "AgentChain":
        """Add an agent.

        Args:
            agent: A function, or an object with `execute(data)`.
            name: What results call it; by default its own `name`, or that of its class or function.
            alternative: An agent (or several) that is tried with the same input when this one has failed.
            **policies: `when`, `effect`, `retry` and `timeout`, as `Workflow.add_step` has them.
        """
        called = name or name_of(agent)
        step_id = self._workflow._chain.graph.free_id(called)  # noqa: SLF001 - a chain is a workflow.
        self._workflow.add_step(step_id, agent, fallback=alternative, **policies)
        self._names[step_id] = called
        return self

    @property
    def document(self) -> Document:
        """The same chain as a document."""
        return self._workflow.document

    def execute(
        self,
        initial_input: Any = None,
        *,
        app: Apps | None = None,
        store: StateStore | None = None,
        logger: Any = None,
        monitor: Any = None,
        raise_on_error: bool = False,
    ) -> dict[str, Any]:
        """Run the chain and wait until it is done; see `Workflow.execute`.

        Returns:
            A dictionary: `chain_name`, `status`, `output`, `results` (a dictionary for each agent), `error`,
            `duration`, `workflow_id`.
        """
        result: WorkflowResult | None = None
        try:
            result = self._workflow.execute(
                initial_input, app=app, store=store, logger=logger, monitor=monitor, raise_on_error=raise_on_error
            )
        finally:
            self.results = self._read(self._workflow.context)
        return {
            "chain_name": self.name,
            "status": result.status,
            "output": result.output,
            "results": [asdict(one) for one in self.results],
            "error": result.error,
            "duration": result["duration"],
            "workflow_id": result.workflow_id,
        }

    def print_summary(self) -> None:
        """Print how the last execution went, agent by agent."""
        context = self._workflow.context
        rows = [
            StepResult(one.agent_name, StepState(one.status), one.output, one.duration, one.error)
            for one in self.results
        ]
        print(chain_summary(self.name, context, rows))  # noqa: T201 - what it is for.

    def _read(self, context: WorkflowContext) -> list[ChainResult]:
        return [
            ChainResult(self._names.get(name, name), one.status.value, one.output, one.duration, one.error)
            for name, one in context.step_results.items()
            if one.status in (StepState.COMPLETED, StepState.FAILED, StepState.SKIPPED)
            and (name in self._names or one.status is not StepState.SKIPPED)
        ]

    def _repr_svg_(self) -> str:
        return self._workflow._repr_svg_()
