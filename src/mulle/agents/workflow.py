"""A workflow written in Python: steps that follow each other, run durably by the engine like any other document."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from mulle.agents.chaining import START, Chain, StepPlan
from mulle.agents.execution import Apps, Asked, RunFailed, execute
from mulle.agents.graph import Graph, bound_steps, functions_by_name
from mulle.agents.results import StepResult, WorkflowContext, WorkflowResult, WorkflowState
from mulle.agents.state import StateStore, last_step, run_of
from mulle.agents.steps import FUNCTION, FunctionNode, Step
from mulle.agents.summary import summary
from mulle.agents.watching import Watch
from mulle.document.drawing import as_svg, picture_of
from mulle.document.workflow import Retry
from mulle.document.workflow import Workflow as Document
from mulle.sdk.catalogue import Catalogue

__all__ = ["RunFailed", "Workflow", "WorkflowStep"]


class WorkflowStep(StepPlan):
    """One step of a workflow, which can also be executed alone."""

    @property
    def id(self) -> str:
        return self.step_id

    def execute(self, input_data: Any = None, *, app: Apps | None = None) -> StepResult:
        """Run this step alone, with its retries, time limit and fallback."""
        alone = Workflow(self.step_id).add_step(
            self.step_id,
            self.agent,
            fallback=self.fallback,
            effect=self.effect,
            retry=self.retry,
            timeout=self.timeout,
        )
        result = alone.execute(input_data, app=app)
        context = result.context
        return context.step_results.get(self.step_id) or StepResult(self.step_id, error=context.error)


class Workflow:
    """Steps in order. Each gets the result of the one before it, or of those it names in `after`.

    workflow = Workflow("chain")
    workflow.add_step("load", load)
    workflow.add_step("analyse", Analyst())
    result = workflow.execute("some input")        # or: run = await app.run(workflow, "some input")
    """

    def __init__(self, name: str = "", **settings: Any) -> None:
        """Begin an empty workflow.

        Args:
            name: What people call it.
            **settings: What a document says as a whole: `description`, `variables`, `triggers`, `timeout`, `tags`, ….
        """
        self.name = name
        self.context = WorkflowContext(workflow_name=name)
        """How its last execution stands."""
        self._settings = Document.model_validate({"name": name, **settings})
        self._chain = Chain()
        self._graph = Graph()
        self._document: Document | None = None
        self._changes = 0
        """How many changes the document holds."""

    # ------------------------------------------------------------------ steps

    def add_step(
        self,
        step_id: str | StepPlan,
        agent: Any = None,
        input_source: str | Sequence[str] | None = None,
        is_critical: bool = False,
        *,
        after: str | Sequence[str] | None = None,
        when: str | Callable[..., Any] | None = None,
        fallback: Any = None,
        effect: Literal["pure", "repeatable", "once"] | None = None,
        retry: int | Mapping[str, Any] | Retry | None = None,
        timeout: float | str | None = None,
    ) -> "Workflow":
        """Add a step.

        Args:
            step_id: Its name in the workflow, unique; or a whole `WorkflowStep`.
            agent: A function, or an object with `execute(data)`; sync ones run in threads. Annotations are checked.
            input_source: The same as `after`.
            is_critical: Its result is worth a snapshot of its own (`StateStore`).
            after: The step or steps it follows; None: the one added last. Of several it gets the results as a list
                in this order, or by name where its parameters are named so. Steps after the same one run side by side.
            when: Whether it runs: an expression ("length(load.output) > 3"), or a function of what the step would
                get. Where it does not run, the step added next gets what this one would have got. An agent with
                `should_execute(data)` decides so by itself.
            fallback: A function or agent, or a list of them, tried with the same input when it has failed.
            effect: May it run twice? `pure` may be recomputed, `once` must never silently run twice.
            retry: How often it is tried again when it fails, or a whole retry policy.
            timeout: Seconds that it may take.
        """
        if self._graph.nodes:
            raise ValueError(_EITHER)
        if isinstance(step_id, StepPlan):
            self._chain.add(step_id)
            return self
        self._chain.add(
            WorkflowStep(
                step_id,
                agent,
                input_source=input_source if after is None else after,
                is_critical=is_critical,
                when=when,
                fallback=fallback,
                effect=effect,
                retry=retry,
                timeout=timeout,
            )
        )
        return self

    @property
    def steps(self) -> list[StepPlan]:
        """Its steps, in the order in which they were added."""
        return list(self._chain.plans.values())

    # ------------------------------------------------------------------ node by node

    def node(self, node_id: str, kind: Any, data: Mapping[str, Any] | None = None, **spec: Any) -> Graph:
        """Add a node with all that a document may say of it, and give the graph inside it; see `Graph.node`."""
        if self._chain.plans:
            raise ValueError(_EITHER)
        return self._graph.node(node_id, kind, data, **spec)

    def edge(self, source: str, target: str, **more: Any) -> None:
        """Draw an edge from "node.port" to "node.port"; a side without a port means the node as a whole."""
        self._graph.edge(source, target, **more)

    @classmethod
    def of(cls, document: Document, functions: Iterable[Callable[..., Any]] | Mapping[str, Any] = ()) -> "Workflow":
        """A document with the functions that its `function` nodes name; raises LookupError for one that is missing."""
        made = cls(document.name)
        made._settings = document
        made._graph.nodes, made._graph.edges = list(document.nodes), list(document.edges)
        made._graph.shared.steps.update(bound_steps(document, functions_by_name(functions)))
        return made

    # ------------------------------------------------------------------ as a document

    @property
    def document(self) -> Document:
        """The same workflow as a document; one of steps has a start with the port `input` and an end with `output`."""
        self._draw()
        graph = self._drawn
        if self._document is None or self._changes != graph.shared.changes:
            self._changes = graph.shared.changes
            body = self._chain.body() if self._chain.plans or not graph.nodes else graph.body()
            update = {"name": self.name, "nodes": body.nodes, "edges": body.edges}
            self._document = self._settings.model_copy(update=update)
        return self._document

    def _draw(self) -> None:
        """Draw what is not drawn yet."""

    @property
    def _drawn(self) -> Graph:
        return self._chain.graph if self._chain.plans else self._graph

    @property
    def _steps(self) -> dict[str, Step]:
        return self._drawn.shared.steps

    def bound(self, catalogue: Catalogue) -> Catalogue:
        """A catalogue that also knows this workflow's functions."""
        return catalogue.with_types({FUNCTION: FunctionNode(self._steps)})

    def given(self, value: Any) -> dict[str, Any]:
        """What a run gets, by the ports of its start: a value for the first step, or values by name."""
        start = next((node for node in self.document.nodes if node.type == START), None)
        if not self._graph.nodes or start is None:
            return {"input": value}
        names = [port.name for port in start.ports.outputs]
        named: dict[str, Any] | None = dict(value) if isinstance(value, Mapping) else None  # pyright: ignore[reportUnknownArgumentType]  # Checked as data.
        if len(names) == 1 and (named is None or names[0] not in named) and value is not None:
            return {names[0]: value}
        if named is None and value is not None:
            raise TypeError(f"'{self.name}' takes its inputs by name: {', '.join(names) or 'none'}.")
        return named or {}

    def step_ids(self) -> list[str]:
        """The steps that people speak of: those that were added, or all nodes but starts and ends."""
        return list(self._chain.plans) or [node.id for node in self.document.nodes if node.type not in ("start", "end")]

    # ------------------------------------------------------------------ running, for scripts

    def execute(
        self,
        initial_input: Any = None,
        *,
        app: Apps | None = None,
        resume: Any = None,
        store: StateStore | None = None,
        logger: Any = None,
        monitor: Any = None,
        raise_on_error: bool = False,
    ) -> WorkflowResult:
        """Run it and wait until it is done; works in a notebook's running loop, too.

        Args:
            initial_input: What the first step gets.
            app: Where to run it; None: in memory, and nothing is kept.
            resume: Go on with an earlier execution instead: its result, its id, or a snapshot of it. Finished steps
                are not repeated.
            store: A `StateStore` that takes snapshots as steps end.
            logger: A `Logger` that is told of every step.
            monitor: A `Monitor` that counts executions and times.
            raise_on_error: Raise `RunFailed` instead of giving a failed result.

        Returns:
            A dictionary: `status`, `output`, `outputs`, `steps`, `error`, `duration`, `workflow_id`, `workflow_name`.
        """
        watch = Watch(store, logger, monitor)
        outputs = store.outputs_of if store else None
        asked = Asked(watch, initial_input, run_of(resume), outputs, last_step(resume), logger)
        return execute(self, app, asked, raise_on_error=raise_on_error)

    def print_summary(self) -> None:
        """Print how the last execution went, step by step."""
        print(summary(self.name, self.context))  # noqa: T201 - what it is for.

    def _repr_svg_(self) -> str:
        started = self.context.workflow_state is not WorkflowState.IDLE
        return as_svg(picture_of(self.document, self.context.statuses if started else {}))


_EITHER = "A workflow is made of add_step, or of nodes and edges, but not of both."
