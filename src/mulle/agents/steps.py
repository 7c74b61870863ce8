"""Python functions and objects with `execute(data)` as nodes."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from mulle.agents.calling import Parameter, Taken, taken
from mulle.document.ports import Port, PortType
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.engine.packing import is_heavy
from mulle.errors import DocumentError, StepError
from mulle.runtime.heavy import in_slices, plain_slices
from mulle.runtime.threads import in_thread
from mulle.sdk import Context, Done, Node
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.fit import copied
from mulle.sdk.node import with_ports

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
"""What a function is called with, by place and by name."""

FUNCTION = "function"
"""The node type of Python steps."""
DECORATED = "__mulle_function__"
"""Where something that stands for a function keeps it."""
YES, NO = "yes", "no"
"""The branches of a function that decides whether a step runs."""


class UnboundFunction(DocumentError):
    """A workflow made of Python functions is run by a program that does not have them."""

    code = "function.unbound"
    message = "The step '{at}' is the Python function {name!r}, which this program does not have."
    hint = (
        "Run it in the program that has it: `mulle.Workflow.of(document, functions)`, and for runs that were left"
        " `await app.recover([workflow])`. If the workflow was changed since, such a run still follows the old one:"
        " give `recover` that one too."
    )


class UnknownBranch(StepError):
    """A function that chooses a way named one that is not there."""

    code = "function.unknown_branch"
    message = "The function {name!r} chose {chosen!r}; its branches are: {branches}."
    hint = "Give the name of a branch, or true or false for yes and no."


@dataclass(frozen=True, slots=True)
class Step:
    """A callable and how to call it."""

    call: Callable[..., Any]
    name: str
    """The function's own, for people and for finding it again."""
    is_async: bool
    taken: Taken
    takes: Literal["nothing", "one", "named", "ports"]
    """What it is called with: no argument, the value before it, or keywords: of steps' names, or of its ports'."""
    names: tuple[str, ...] = ()
    first: Parameter | None = None
    """The parameter that gets the value before it."""
    sources: tuple[str, ...] = ()
    """The steps before it, whose results it gets."""

    @classmethod
    def of(cls, agent: Any, names: tuple[str, ...] = ()) -> "Step":
        """A function, or anything with `execute(data)`.

        Args:
            agent: What to call; sync or async.
            names: The steps whose results it gets, if several.
        """
        agent = getattr(agent, DECORATED, agent)
        call = agent if not hasattr(agent, "execute") else agent.execute
        if not callable(call):
            raise TypeError(f"A step is a function or has execute(data); {type(agent).__name__} is neither.")
        found = taken(call)
        listed = [parameter for parameter in found.parameters if parameter.listed]
        takes = "one" if listed else "nothing"
        if names and set(names) <= {parameter.name for parameter in listed}:
            takes = "named"
        is_async = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
        return cls(call, name_of(agent), is_async, found, takes, names, listed[0] if listed else None)

    @classmethod
    def after(cls, agent: Any, sources: Sequence[str]) -> "Step":
        """A function or agent that follows these steps."""
        return replace(cls.of(agent, tuple(sources) if len(sources) > 1 else ()), sources=tuple(sources))

    def by_ports(self) -> "Step":
        """The same, called by the names of its parameters."""
        return replace(self, takes="ports")

    def input_ports(self, sources: Sequence[str]) -> tuple[Port, ...]:
        """The typed ports that a step after these sources has; one without a type needs no mention."""
        if self.takes == "named":
            chosen = [(one, one.name) for one in self.taken.parameters if one.name in sources]
        elif self.takes == "one" and len(sources) == 1:
            assert self.first is not None
            chosen = [(self.first, sources[0])]
        else:
            return ()
        return tuple(port for one, name in chosen if (port := one.port(name)).type is not PortType.ANY)

    def output_ports(self) -> tuple[Port, ...]:
        """The port of what it gives, if it says of which type that is."""
        output = self.taken.output
        return () if output.type is PortType.ANY else (output,)

    def arguments(self, inputs: Mapping[str, Any], ctx: Context) -> Arguments:
        """What it is called with, for what arrived at the ports, which is its own to change."""
        by_name: dict[str, Any] = {self.taken.context: ctx} if self.taken.context else {}
        if self.takes == "nothing":
            return (), by_name
        if self.takes == "one":
            assert self.first is not None
            values = [inputs.get(source) for source in self.sources]
            value = values[0] if len(values) == 1 else values
            return (self.first.fitted(value, self.name),), by_name
        if self.takes == "named":
            given = {name: inputs.get(name) for name in self.names}
        else:
            given = {one.name: inputs[one.name] for one in self.taken.parameters if one.name in inputs and one.named}
        parameters = {one.name: one for one in self.taken.parameters}
        by_name |= {name: parameters[name].fitted(value, self.name) for name, value in given.items()}
        return (), by_name

    async def in_thread(self, arguments: Arguments) -> Any:
        """Its result when it is a sync function, which runs in a thread that may be abandoned."""
        by_place, by_name = arguments
        result = await in_thread(lambda: self.call(*by_place, **by_name), now=True)
        return await result if inspect.isawaitable(result) else result


async def _heavy_copies(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What arrived, to be used up: what a step does to it must not reach other steps."""
    return {
        name: await in_slices(plain_slices(value)) if is_heavy({name: value}) else copied(value)
        for name, value in inputs.items()
    }


def name_of(agent: Any) -> str:
    """What a function or an agent is called: by its own `name`, or by its function or class."""
    agent = getattr(agent, DECORATED, agent)
    own = getattr(agent, "name", None)
    return own if isinstance(own, str) and own else getattr(agent, "__qualname__", type(agent).__qualname__)


class FunctionNode(Node):
    """A step of a workflow made in Python."""

    type = FUNCTION
    title = {"en": "Python function", "ko": "파이썬 함수"}  # noqa: RUF012 - declared a ClassVar by `Node`.

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        name: str
        """The function's name, for people and for finding it again."""
        sources: list[str] | None = None
        """The steps it follows, in order; without them its ports are its parameters."""
        branches: list[str] = []
        """Ways that its answer chooses from: by name, or with true and false the first and the second."""
        critical: bool = False
        """Its result is worth a snapshot of its own."""

    def __init__(self, steps: Mapping[str, Step] | None = None) -> None:
        self._steps = dict(steps or {})

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        step = self._steps.get(ctx.node_id)
        if step is None:
            raise UnboundFunction(at=ctx.node_id, name=config.name)
        mine = await _heavy_copies(inputs) if is_heavy(inputs) else copied(inputs)
        arguments = by_place, by_name = step.arguments(mine, ctx)
        answer = await (step.call(*by_place, **by_name) if step.is_async else step.in_thread(arguments))
        chosen = {_chosen(answer, config): True} if config.branches else {}
        return Done({"output": answer, **chosen})

    def waits(self, spec: NodeSpec) -> bool:
        """A sync function does, for its thread."""
        step = self._steps.get(spec.id)
        return step is not None and not step.is_async

    def signature(self, spec: NodeSpec) -> Signature:
        is_open = not spec.ports.inputs or spec.data.get("sources") is not None
        branches: list[str] = spec.data.get("branches") or []
        ports = (Port(name="output"), *(Port(name=name, type=PortType.BOOLEAN, branch=True) for name in branches))
        return with_ports(Signature(outputs=ports, open_inputs=is_open), spec)


def describing(catalogue: Catalogue) -> Catalogue:
    """A catalogue that can also describe Python functions; one that cannot run them, if it could not before."""
    return catalogue if FUNCTION in catalogue.types else catalogue.with_types({FUNCTION: FunctionNode()})


def _chosen(answer: Any, config: FunctionNode.Config) -> str:
    """The branch that a function's answer means; raises UnknownBranch."""
    if isinstance(answer, str) and answer in config.branches:
        return answer
    if len(config.branches) == 2 and not isinstance(answer, str):
        return config.branches[0 if answer else 1]
    raise UnknownBranch(name=config.name, chosen=answer, branches=", ".join(config.branches))
