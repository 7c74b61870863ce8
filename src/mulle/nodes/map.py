"""The same steps for every item of a list, several at a time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from mulle.document.expressions.values import kind
from mulle.document.ports import is_array, is_object
from mulle.document.problem import Problem
from mulle.document.signature import Signature
from mulle.document.workflow import Body, NodeSpec
from mulle.errors import BodyFailed, StepError
from mulle.nodes.spreading import Spread, spreading
from mulle.sdk import Context, Done, Expand, Node, Settings, Wait
from mulle.sdk.context import ChildRuns, Ending
from mulle.sdk.node import Effect


class NoList(StepError):
    """What a map goes through is no list."""

    code = "map.no_list"
    message = "A map goes through a list, and `items` is {kind}."
    hint = "values(…) makes a list of an object; a skipped step gives null."


class Map(Node):
    """Run my body once for each item; what its End receives is that item's result."""

    type = "map"
    title = {"en": "For each", "ko": "각각 반복"}
    effect = "pure"

    class Config(Settings):
        items: Any = None
        """The list; one that arrives at the port comes before it. Inside, `item` and `index` refer to it."""
        concurrency: int = Field(default=10, ge=1, le=1000)
        """How many items are at work at a time."""
        on_item_error: Literal["fail", "null", "drop"] = "fail"
        """What a failed item does: it fails the map, its result is null, or it has none."""
        enough: int | None = Field(default=None, ge=1)
        """A race: after so many items succeeded the rest is stopped, and only those that succeeded have results."""
        collect: str = ""
        """Which of the End's values is the result; empty: all of them, as an object."""
        flatten: bool = False
        """Where every result is a list, make one list of them all; results that are null fall away."""
        spread: bool = False
        """Give the items to child runs, which any worker may drive. Inside, only `item`, `index`, `env` and `sys` are
        known of what is outside."""
        chunk: int = Field(default=100, ge=1)
        """How many items a child run gets."""

        @model_validator(mode="after")
        def _no_race_over_runs(self) -> Self:
            if self.spread and self.enough is not None:
                raise ValueError("`enough` cannot be asked of items that are spread over runs")
            return self

    class Inputs(BaseModel):
        items: Any = None
        first: int = 0
        """What `index` begins with."""

    class Outputs(BaseModel):
        results: list[Any]
        """In the order of the items, whichever was done first."""
        errors: list[Any]
        """Of failed items: `{index, type, message, node}`."""

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done | Expand | Wait:
        if ctx.memo is None or is_object(ctx.memo):
            items = inputs.items if "items" in inputs.model_fields_set else config.items
            if not is_array(items):
                raise NoList(kind=kind(items))
            if not items:
                return Done({"results": [], "errors": []})
            if config.spread and (runs := await spreading(ctx)):
                return await _spread(items, config, runs, ctx)
            scopes = [{"item": item, "index": index} for index, item in enumerate(items, inputs.first)]
            tolerant = config.on_item_error != "fail" or config.enough is not None
            return Expand(scopes, limit=config.concurrency, enough=config.enough, tolerant=tolerant, memo=len(items))
        first = inputs.first
        made = _collected(ctx.endings, config, first) if config.enough is None else _raced(ctx.endings, config, first)
        return Done(made | {"results": flat(made["results"])} if config.flatten else made)

    def effect_of(self, config: Config) -> Effect:
        return "repeatable" if config.spread else self.effect

    def signature(self, spec: NodeSpec) -> Signature:
        signature = super().signature(spec)
        wanted, there = spec.data.get("collect"), collected(spec.body)
        problems = signature.problems
        if isinstance(wanted, str) and wanted and "{{" not in wanted and there and wanted not in there:
            message = f"No end inside receives '{wanted}', so every result would be null."
            hint = f"There is: {', '.join(sorted(there))}."
            where = f"nodes.{spec.id}.data.collect"
            problems = (*problems, Problem("map.collects_nothing", where, message, hint, "warning"))
        names = frozenset({"item", "index"})
        return replace(signature, container=True, body_names=names, problems=problems)


def collected(body: Body | None) -> set[str]:
    """What the Ends of a body give, by name; nothing where that is not written down."""
    ends = {node.id: node for node in body.nodes if node.type == "end"} if body else {}
    if not body or len(ends) == 0 or any(node.type == "answer" for node in body.nodes):
        return set()
    names = {edge.target_port for edge in body.edges if edge.target in ends and edge.target_port}
    for node in ends.values():
        outputs = node.data.get("outputs")
        names |= outputs.keys() if is_object(outputs) else set()
        names |= {one.target_port or name for name, one in node.variable_mappings.items()}
    return names


def flat(results: list[Any]) -> list[Any]:
    """One list of the lists; the results as they are when something else is among them."""
    some = [one for one in results if one is not None]
    if not some or not all(map(is_array, some)):
        return results
    return [item for one in some for item in one]


async def _spread(items: list[Any], config: Map.Config, runs: ChildRuns, ctx: Context) -> Done | Wait:
    """Give the items to child runs, chunk by chunk, and put together what these give."""
    firsts = range(0, len(items), config.chunk)
    inputs: list[dict[str, Any]] = [{"items": items[first : first + config.chunk], "first": first} for first in firsts]
    settings = config.model_dump(include={"concurrency", "on_item_error", "collect"})
    endings = await Spread(runs, ctx, inputs, settings).go_on(tolerant=config.on_item_error != "fail")
    if isinstance(endings, Wait):
        return endings
    results: list[Any] = []
    errors: list[Any] = []
    for given, ending in zip(inputs, endings, strict=True):
        if ending.succeeded:
            results += ending.outputs["results"]
            errors += ending.outputs["errors"]
        else:  # The whole run: it was cancelled, took too long, or killed its workers.
            errors += [_error(ending, index) for index, _ in enumerate(given["items"], given["first"])]
            results += [None for _ in given["items"]] if config.on_item_error == "null" else []
    return Done({"results": flat(results) if config.flatten else results, "errors": errors})


def _collected(endings: Sequence[Ending], config: Map.Config, first_index: int) -> dict[str, list[Any]]:
    """The results and the errors; raises BodyFailed for the first failure when none is allowed."""
    results: list[Any] = []
    errors: list[Any] = []
    for index, ending in enumerate(endings, first_index):
        if ending.succeeded:
            results.append(ending.outputs.get(config.collect) if config.collect else ending.outputs)
            continue
        errors.append(_error(ending, index))
        if config.on_item_error == "null":
            results.append(None)
    if errors and config.on_item_error == "fail":
        first = next((error for error in errors if error["type"] != "stopped"), errors[0])
        place: int = first["index"] - first_index
        cause = _cause(endings[place])
        raise BodyFailed(
            f"Item {first['index']} failed at '{first['node']}': {first['message']}", hint=_HINT, cause=cause
        )
    return {"results": results, "errors": errors}


def _raced(endings: Sequence[Ending], config: Map.Config, first_index: int) -> dict[str, list[Any]]:
    """What the winners gave, in the order of their items; raises BodyFailed when too few succeeded."""
    lost = [_error(ending, index) for index, ending in enumerate(endings, first_index) if ending.error is not None]
    won = [ending.outputs for ending in endings if ending.succeeded]
    if len(won) < (config.enough or 0) and config.on_item_error == "fail":
        cause = f"; item {lost[0]['index']} failed at '{lost[0]['node']}': {lost[0]['message']}" if lost else ""
        raise BodyFailed(f"{len(won)} of the items succeeded and {config.enough} were asked for{cause}", hint=_HINT)
    return {"results": [one.get(config.collect) if config.collect else one for one in won], "errors": lost}


_HINT = "With `on_item_error: drop` or `null` the others go on."


def _cause(ending: Ending) -> str:
    return ending.error.cause or ending.error.message if ending.error else ""


def _error(ending: Ending, index: int) -> dict[str, Any]:
    failure = ending.error
    if failure is None:
        return {"index": index, "type": "stopped", "message": "It was stopped.", "node": ""}
    return {"index": index, "type": failure.type, "message": failure.message, "node": failure.node}
