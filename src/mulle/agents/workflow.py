"""A workflow written in Python: steps that follow each other, run durably by the engine like any other document."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Literal, Protocol

from mulle.agents.steps import FUNCTION, FunctionNode, Step
from mulle.document.ports import Port
from mulle.document.workflow import Edge, NodeSpec, Ports, Retry
from mulle.document.workflow import Workflow as Document
from mulle.errors import StepError
from mulle.sdk.catalogue import Catalogue

START, END = "start", "end"
"""The ids of the first and the last node of every Python workflow."""


class RunFailed(StepError):
    """A run did not come to its end; `node` and `type` of what failed are facts."""

    code = "run.failed"
    message = "{place}{message}"
    hint = "`app.run(workflow, value)` gives the whole result, with every step."


class Result(Protocol):
    """What `execute` needs to know of a run."""

    @property
    def status(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def outputs(self) -> dict[str, Any]: ...
    @property
    def error(self) -> dict[str, str] | None: ...


class Runs(Protocol):
    """An `App`, as far as `execute` needs one."""

    def run_sync(self, workflow: "Workflow", inputs: Any = None) -> Result: ...


class Workflow:
    """Steps in order. Each gets the result of the one before it, or of those it names in `after`.

    workflow = Workflow("chain")
    workflow.add_step("load", load)
    workflow.add_step("analyse", Analyst())
    result = await app.run(workflow, "some input")
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[NodeSpec] = []
        self._edges: list[Edge] = []
        self._steps: dict[str, Step] = {}
        self._document: Document | None = None

    def add_step(
        self,
        step_id: str,
        agent: Any,
        *,
        after: Sequence[str] | str | None = None,
        effect: Literal["pure", "repeatable", "once"] = "repeatable",
        retry: int | dict[str, Any] = 0,
        timeout: float | None = None,
    ) -> "Workflow":
        """Add a step.

        Args:
            step_id: Its name in the workflow; unique.
            agent: A function, or an object with `execute(data)`; sync ones run in threads.
            after: The step or steps it follows; None: the one added last. Of several it gets the results as a list
                in this order, or by name where its parameters are named so.
            effect: May it run twice? `pure` may be recomputed, `once` must never silently run twice.
            retry: How often it is tried again when it fails, or a whole retry policy.
            timeout: Seconds that it may take.
        """
        if step_id in self._steps or step_id in (START, END):
            raise ValueError(f"There is a step '{step_id}' already.")
        before = [after] if isinstance(after, str) else list(after) if after is not None else self._last()
        for name in before:
            if name not in self._steps and name != START:
                raise ValueError(f"'{step_id}' follows '{name}', which is no step yet.")
        self._steps[step_id] = Step.of(agent, tuple(before) if len(before) > 1 else ())
        name = getattr(agent, "__qualname__", type(agent).__qualname__)
        policy = Retry.model_validate(retry) if isinstance(retry, dict) else Retry(max=retry)
        self._nodes.append(
            NodeSpec(
                id=step_id,
                type=FUNCTION,
                data={"name": name, "sources": before},
                effect=effect,
                retry=policy,
                timeout=timeout,
            )
        )
        self._edges += [_edge(source, step_id, source) for source in before]
        self._document = None
        return self

    @property
    def document(self) -> Document:
        """The same workflow as a document: a start with the port `input`, the steps, an end with the port `output`."""
        if self._document is None:
            self._document = self._assembled()
        return self._document

    def _assembled(self) -> Document:
        start = NodeSpec(id=START, type="start", ports=Ports(outputs=(Port(name="input"),)))
        followed = {edge.source for edge in self._edges}
        last = [node.id for node in self._nodes if node.id not in followed]
        ends = [_edge(step, END, "output" if len(last) == 1 else step) for step in last]
        return Document(
            name=self.name,
            nodes=(start, *self._nodes, NodeSpec(id=END, type="end")),
            edges=(*self._edges, *ends),
        )

    def execute(self, value: Any = None, *, app: Runs | None = None) -> Any:
        """Run it and give what its last step gave; by name, if several are last. For scripts: blocks until it is done.

        Args:
            value: What the first step gets.
            app: Where to run it; None: in memory, and nothing is kept. Within a running event loop, as in a notebook,
                it runs on a loop of its own.

        Raises:
            RunFailed: A step failed, or the run was cancelled or came to wait for somebody.
        """
        if app is not None:
            return _output(app.run_sync(self, value))
        # By its name: the app stands above this floor, and only scripts that make none of their own need it here.
        made = import_module("mulle.app").open_app(":memory:")
        try:
            return _output(made.run_sync(self, value))
        finally:
            made.close_sync()

    def bound(self, catalogue: Catalogue) -> Catalogue:
        """A catalogue that also knows this workflow's functions."""
        return catalogue.with_types({FUNCTION: FunctionNode(self._steps)})

    def _last(self) -> list[str]:
        return [self._nodes[-1].id] if self._nodes else [START]


def _output(result: Result) -> Any:
    if result.status == "succeeded":
        return result.outputs.get("output") if len(result.outputs) == 1 else result.outputs
    error = result.error or {"type": f"run.{result.status}", "message": f"The run is {result.status}.", "node": ""}
    place = f"Step '{error['node']}': " if error["node"] else ""
    raise RunFailed(at=error["node"], place=place, message=error["message"], type=error["type"])


def _edge(source: str, target: str, port: str) -> Edge:
    source_port = "input" if source == START else "output"
    return Edge(source=source, source_port=source_port, target=target, target_port=port)
