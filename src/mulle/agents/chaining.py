"""Steps that follow each other as a document: what each gets, when it runs, and what is tried when it fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mulle.agents.graph import Graph, retry_of
from mulle.agents.steps import FUNCTION, NO, YES, Step
from mulle.document.ports import Port
from mulle.document.workflow import Body, NodeSpec, Ports, Retry

START, END = "start", "end"
"""The ids of the first and the last node of every workflow of steps."""

Way = tuple[str, str]
"""A node and the port at which its result is."""


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step as it was asked for; see `Workflow.add_step`."""

    step_id: str
    agent: Any
    input_source: str | Sequence[str] | None = None
    is_critical: bool = False
    when: str | Callable[..., Any] | None = None
    fallback: Any = None
    effect: Literal["pure", "repeatable", "once"] | None = None
    retry: int | Mapping[str, Any] | Retry | None = None
    timeout: float | str | None = None


class Chain:
    """Puts steps into a graph, one behind the other or behind those that they name."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.plans: dict[str, StepPlan] = {}
        self._results: dict[str, list[Way]] = {START: [(START, "input")]}
        """Where the result of a step is: at the first of these that there is."""
        self._passed_on: dict[str, list[Way]] = dict(self._results)
        """The same, and what a step would have got that does not run."""
        self._followed: set[str] = set()

    def add(self, plan: StepPlan) -> None:
        """Add a step; raises ValueError for an id that is taken and for a source that is no step yet."""
        if plan.step_id in self.graph.shared.ids or plan.step_id in (START, END):
            raise ValueError(f"There is a step '{plan.step_id}' already.")
        sources = self._sources(plan)
        in_line = plan.input_source is None
        ways = {name: (self._passed_on if in_line else self._results)[name] for name in sources}
        step = Step.after(plan.agent, sources)
        decides = plan.when or getattr(plan.agent, "should_execute", None)
        gate = self._decision(plan.step_id, decides, ways) if decides is not None else None
        self._place(plan, plan.step_id, step, ways, gate, has_fallback=plan.fallback is not None)
        results: list[Way] = [(plan.step_id, "output")]
        for agent in _several(plan.fallback):
            node, failed = self.graph.free_id(f"{plan.step_id}-fallback"), results[-1][0]
            last = agent is _several(plan.fallback)[-1]
            self._place(plan, node, Step.after(agent, sources), ways, (failed, "error"), has_fallback=not last)
            results.append((node, "output"))
        self._results[plan.step_id] = results
        passes = in_line and gate is not None
        self._passed_on[plan.step_id] = results + (ways[sources[0]] if passes else [])
        self._followed.update(sources)
        self.plans[plan.step_id] = plan

    def _sources(self, plan: StepPlan) -> list[str]:
        asked = plan.input_source
        if asked is None:
            return [list(self.plans)[-1]] if self.plans else [START]
        sources = [asked] if isinstance(asked, str) else list(asked)
        for name in sources:
            if name not in self._results:
                raise ValueError(f"'{plan.step_id}' follows '{name}', which is no step yet.")
        return sources

    def _decision(self, step_id: str, decides: str | Callable[..., Any], ways: Mapping[str, list[Way]]) -> Way:
        """The node that decides whether a step runs, and the branch on which it does."""
        node = self.graph.free_id(f"{step_id}?")
        if isinstance(decides, str):
            cases = [{"name": YES, "when": decides}]
            self.graph.add(NodeSpec(id=node, type="condition", data={"cases": cases}))
            for source in dict.fromkeys(source for each in ways.values() for source, _ in each):
                self.graph.link(source, None, node, None)
            return node, YES
        step = Step.after(decides, list(ways))
        data = {"name": step.name, "sources": list(ways), "branches": [YES, NO]}
        self.graph.add(NodeSpec(id=node, type=FUNCTION, data=data), step)
        self._lead(ways, node)
        return node, YES

    def _place(
        self,
        plan: StepPlan,
        node: str,
        step: Step,
        ways: Mapping[str, list[Way]],
        gate: Way | None,
        *,
        has_fallback: bool,
    ) -> None:
        policies: Mapping[str, Any] = getattr(plan.agent, "policies", {})
        data: dict[str, Any] = {"name": step.name, "sources": list(ways)}
        retry = plan.retry if plan.retry is not None else policies.get("retry", 0)
        spec: dict[str, Any] = {
            "id": node,
            "type": FUNCTION,
            "data": data | ({"critical": True} if plan.is_critical else {}),
            "ports": Ports(inputs=step.input_ports(list(ways)), outputs=step.output_ports()),
            "effect": plan.effect or policies.get("effect", "repeatable"),
            "retry": retry_of(retry),
            "timeout": plan.timeout if plan.timeout is not None else policies.get("timeout"),
            "on_error": "branch" if has_fallback else "fail",
        }
        self.graph.add(NodeSpec.model_validate(spec), step)
        self._lead(ways, node)
        if gate is not None:
            self.graph.link(*gate, node, None)

    def _lead(self, ways: Mapping[str, list[Way]], node: str) -> None:
        for name, each in ways.items():
            for source, port in each:
                self.graph.link(source, port, node, name)

    def body(self) -> Body:
        """The start, the steps, and an end with the port `output`, or with one of the name of each last step."""
        start = NodeSpec(id=START, type="start", ports=Ports(outputs=(Port(name="input"),)))
        steps = self.graph.body()
        whole = Graph()
        whole.edges = list(steps.edges)
        last = [name for name in self.plans if name not in self._followed]
        for name in last:
            for source, port in self._passed_on[name] if len(last) == 1 else self._results[name]:
                whole.link(source, port, END, "output" if len(last) == 1 else name)
        return Body(nodes=(start, *steps.nodes, NodeSpec(id=END, type="end")), edges=tuple(whole.edges))


def _several(fallback: Any) -> list[Any]:
    if fallback is None:
        return []
    return list(fallback) if isinstance(fallback, list | tuple) else [fallback]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # Agents are of any type.
