"""A workflow written in Python: steps that follow each other, run durably by the engine like any other document."""

from collections.abc import Sequence
from typing import Any, Literal

from mulle.agents.steps import FUNCTION, FunctionNode, Step
from mulle.document.ports import Port
from mulle.document.workflow import Edge, NodeSpec, Ports, Retry
from mulle.document.workflow import Workflow as Document
from mulle.sdk.catalogue import Catalogue

START, END = "start", "end"
"""The ids of the first and the last node of every Python workflow."""


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

    def bound(self, catalogue: Catalogue) -> Catalogue:
        """A catalogue that also knows this workflow's functions."""
        return catalogue.with_types({FUNCTION: FunctionNode(self._steps)})

    def _last(self) -> list[str]:
        return [self._nodes[-1].id] if self._nodes else [START]


def _edge(source: str, target: str, port: str) -> Edge:
    source_port = "input" if source == START else "output"
    return Edge(source=source, source_port=source_port, target=target, target_port=port)
