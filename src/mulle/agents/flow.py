"""Graphs written as Python functions: `@mulle.step` makes a typed step, `@mulle.workflow` draws what calls what.

    @mulle.step(retry=2)
    async def fetch(topic: str) -> list[str]: ...

    @mulle.step
    def shorten(article: str) -> str: ...

    @mulle.workflow("digest")
    def digest(topic: str):
        articles = fetch(topic)
        with mulle.when(f"length({articles}) > 0") as some:
            texts = mulle.each(articles, shorten)
        with some.otherwise:
            sorry = apologise(topic)
        return mulle.first(texts, sorry)

The function is called once, to draw: a step called in it becomes a node and gives a `Value`, which stands for what the
step will give. Elsewhere a step is the plain function that it was.
"""

import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Generic, Literal, ParamSpec, TypeVar, overload

from mulle.agents.drawing import Branch, Either, Tracing, Value, current, drawing_of
from mulle.agents.steps import DECORATED, Step
from mulle.agents.workflow import Workflow
from mulle.document.workflow import Retry

P = ParamSpec("P")
R = TypeVar("R")

Effect = Literal["pure", "repeatable", "once"]


class StepFunction(Generic[P, R]):
    """A function that is a step where a workflow is drawn, and itself everywhere else."""

    def __init__(self, function: Callable[P, R], policies: Mapping[str, Any]) -> None:
        functools.update_wrapper(self, function)
        setattr(self, DECORATED, function)
        self.policies = dict(policies)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        tracing = current()
        function: Callable[P, R] = getattr(self, DECORATED)
        if tracing is None:
            return function(*args, **kwargs)
        value: Any = tracing.call(Step.of(function).by_ports(), self.policies, args, kwargs)
        return value

    def options(self, **policies: Any) -> "StepFunction[P, R]":
        """The same step with other settings: what `@mulle.step` takes, and `id`."""
        function: Callable[P, R] = getattr(self, DECORATED)
        return StepFunction(function, self.policies | _checked(policies))


_POLICIES = frozenset({"id", "name", "effect", "retry", "timeout", "on_interrupted", "fallback", "critical"})


def _checked(policies: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(policies.keys() - _POLICIES)
    if unknown:
        raise TypeError(f"A step has no setting {unknown[0]!r}; it has: {', '.join(sorted(_POLICIES))}.")
    return dict(policies)


@overload
def step(function: Callable[P, Coroutine[Any, Any, Any]], /) -> StepFunction[P, Any]: ...
@overload
def step(function: Callable[P, R], /) -> StepFunction[P, R]: ...
@overload
def step(
    *,
    effect: Effect = ...,
    retry: int | Mapping[str, Any] | Retry = ...,
    timeout: float | str = ...,
    name: str = ...,
    on_interrupted: Literal["ask", "retry", "fail"] = ...,
    fallback: Callable[..., Any] = ...,
    critical: bool = ...,
) -> Callable[[Callable[P, Any]], StepFunction[P, Any]]: ...
def step(function: Callable[..., Any] | None = None, /, **policies: Any) -> Any:
    """Make a function a typed step: its parameters are its input ports, its answer is the port `output`.

    Args:
        function: Sync or async; annotations become the ports' types and are checked on every value.
        **policies: `effect` ("pure" may be recomputed, "repeatable" may run twice, "once" must never silently run
            twice), `retry` (tries after the first, or a policy), `timeout` (seconds, or "5m"), `name` (what people
            read), `on_interrupted`, `fallback` (a step with the same parameters that is tried when this one has
            failed), `critical` (its result is worth a snapshot).
    """
    checked = _checked(policies)
    if function is not None:
        return StepFunction(function, checked)

    def decorated(function: Callable[..., Any]) -> StepFunction[..., Any]:
        return StepFunction(function, checked)

    return decorated


class DrawnWorkflow(Workflow):
    """A workflow that a decorated function draws, when it is first needed."""

    def __init__(self, function: Callable[..., Any], name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, **settings)
        functools.update_wrapper(self, function, updated=())
        self._function = function

    def _draw(self) -> None:
        if not self._graph.nodes:
            self._graph = drawing_of(self._function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Its steps, drawn into the workflow that is being drawn."""
        if current() is None:
            raise TypeError(f"Run '{self.name}' with `await app.run(…)`, `app.run_sync(…)` or `.execute(…)`.")
        return self._function(*args, **kwargs)


@overload
def workflow(function: Callable[..., Any], /) -> DrawnWorkflow: ...
@overload
def workflow(name: str = "", /, **settings: Any) -> Callable[[Callable[..., Any]], DrawnWorkflow]: ...
def workflow(function: Any = "", /, **settings: Any) -> Any:
    """Make a function a workflow: its parameters are the run's inputs, what it returns are the run's outputs.

    Args:
        function: The function; or the workflow's name, by default the function's.
        **settings: `description`, `triggers`, `variables`, `timeout`, `tags`, as a document has them.
    """
    if callable(function):
        return DrawnWorkflow(function, _named(function), {})

    def decorated(draws: Callable[..., Any]) -> DrawnWorkflow:
        return DrawnWorkflow(draws, function or _named(draws), settings)

    return decorated


def _named(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


def each(
    items: Any,
    body: Callable[..., Any],
    *,
    at_a_time: int = 10,
    on_error: Literal["fail", "null", "drop"] = "fail",
    id: str = "",  # noqa: A002 - the document's own word.
) -> Any:
    """The list of what `body` gives for each item; at run time, several at a time and each item on record.

    Args:
        items: A list: what a step gives, or one written out.
        body: A step, or a function that calls steps; it takes an item, or an item and its index.
        at_a_time: How many items are at work at a time.
        on_error: What a failed item does: it fails everything, gives null, or is left out.
        id: The node's id.
    """
    data = {"concurrency": at_a_time, "on_item_error": on_error}
    return _tracing("each").each(items, body, data, id)


def when(test: Any, id: str = "") -> Branch:  # noqa: A002 - the document's own word.
    """The branch for which a test holds: steps called in `with` are run only then. `.otherwise` is the other one.

    Args:
        test: An expression in text, with values put in (`f"length({articles}) > 3"`); or a value that is true or false.
        id: The node's id.
    """
    return _tracing("when").when(test, id)


def first(*values: Any) -> Any:
    """Of several values the first that there is: what the branch that was taken gave."""
    return Either(tuple(value for one in values for value in (one.values if isinstance(one, Either) else (one,))))


def node(
    type: str,  # noqa: A002 - the document's own word.
    data: Mapping[str, Any] | None = None,
    *,
    id: str = "",  # noqa: A002 - as above.
    inputs: Mapping[str, Any] | None = None,
    after: Value | Sequence[Value] = (),
    **policies: Any,
) -> Value:
    """A node of any installed type; `["port"]` of what it gives is a port's value, `.branch("name")` one of its ways.

    Args:
        type: `approval`, `notification`, `llm`, `http`, …: see docs/node-types.md.
        data: Its settings. Values may stand in it, alone or in text: `{"message": f"{count} articles"}`.
        id: By default the type's name.
        inputs: What goes into its ports.
        after: Steps that come before it although it takes nothing from them.
        **policies: `retry`, `timeout`, `on_error`, `effect` and whatever else a document's node may have.
    """
    before = [after] if isinstance(after, Value) else list(after)
    return _tracing("node").node(type, data or {}, id, inputs=inputs or {}, after=before, **policies)


def _tracing(what: str) -> Tracing:
    tracing = current()
    if tracing is None:
        raise TypeError(f"mulle.{what} draws a workflow; call it in a function under @mulle.workflow.")
    return tracing
