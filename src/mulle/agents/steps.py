"""Python functions and objects with `execute(data)` as nodes."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from mulle.document.ports import Port
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import DocumentError
from mulle.runtime.threads import in_thread
from mulle.sdk import Context, Done, Node
from mulle.sdk.fit import copied
from mulle.sdk.node import with_ports

FUNCTION = "function"
"""The node type of Python steps."""


class UnboundFunction(DocumentError):
    """A workflow made of Python functions is run by a program that does not have them."""

    code = "function.unbound"
    message = "The step '{at}' is the Python function {name!r}, which this program does not have."
    hint = (
        "Run it in the program that has it: `await app.recover([workflow])`. If the workflow was changed since, this"
        " run still follows the old one: give `recover` that one too."
    )


@dataclass(frozen=True, slots=True)
class Step:
    """A callable and how to call it."""

    call: Callable[..., Any]
    is_async: bool
    takes: Literal["nothing", "one", "named"]
    """What it is called with: no argument, the value before it, or keywords of its own names."""
    names: tuple[str, ...]

    @classmethod
    def of(cls, agent: Any, names: tuple[str, ...] = ()) -> "Step":
        """A function, or anything with `execute(data)`.

        Args:
            agent: What to call; sync or async.
            names: The steps whose results it gets, if several.
        """
        call = agent if not hasattr(agent, "execute") else agent.execute
        if not callable(call):
            raise TypeError(f"A step is a function or has execute(data); {type(agent).__name__} is neither.")
        parameters = [
            name
            for name, parameter in inspect.signature(call).parameters.items()
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
        takes = "one" if parameters else "nothing"
        if names and set(names) <= set(parameters):
            takes = "named"
        is_async = inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
        return cls(call, is_async, takes, names)

    async def __call__(self, value: Any) -> Any:
        """The result for what the steps before gave; sync functions run in a thread that may be abandoned."""
        arguments = () if self.takes != "one" else (value,)
        keywords: Mapping[str, Any] = value if self.takes == "named" else {}
        if self.is_async:
            return await self.call(*arguments, **keywords)
        result = await in_thread(lambda: self.call(*arguments, **keywords))
        return await result if inspect.isawaitable(result) else result


class FunctionNode(Node):
    """A step of a workflow made in Python."""

    type = FUNCTION

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        name: str
        """The function's name, for people."""
        sources: list[str] = []
        """The steps it follows, in order."""

    def __init__(self, steps: Mapping[str, Step] | None = None) -> None:
        self._steps = dict(steps or {})

    async def run(self, config: Config, inputs: dict[str, Any], ctx: Context) -> Done:
        step = self._steps.get(ctx.node_id)
        if step is None:
            raise UnboundFunction(at=ctx.node_id, name=config.name)
        return Done({"output": await step(_argument(step, config.sources, inputs))})

    def signature(self, spec: NodeSpec) -> Signature:
        signature = with_ports(Signature(open_inputs=True), spec)
        return replace(signature, outputs=(Port(name="output"),))


def _argument(step: Step, sources: list[str], inputs: dict[str, Any]) -> Any:
    """What a function is called with; a copy, because what it does to it must not reach other steps."""
    if step.takes == "named":
        return {name: copied(inputs.get(name)) for name in step.names}
    values = [copied(inputs.get(source)) for source in sources]
    return values[0] if len(values) == 1 else values
