"""Steps over data without code. Each operation is a small class; a transform applies them one after the other."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from mulle.document.expressions import as_text, truth
from mulle.document.expressions.values import canonical, joined, kind, nfc, weigh
from mulle.document.ports import Port, PortType, is_array, is_object
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import ExpressionError, ResultTooLarge, StepError
from mulle.sdk import Context, Done, ItemExpression, ItemTemplate, Node, Settings
from mulle.sdk.markup import plain_text

MAX_ITEMS = 100_000
MAX_WEIGHT = 32_000_000
"""About the bytes of JSON that one operation may make."""
BREATH = 1000
"""Items after which other work gets its turn."""


class Untransformable(StepError):
    """An operation of a transform cannot work on what it got."""

    code = "transform.failed"
    message = "Operation {number} ({op}){item}: {problem}"


class Unfit(ExpressionError):
    """What an operation got is of the wrong kind or size."""


class Operation(Settings):
    """One step over the value."""

    async def apply(self, value: Any, ctx: Context) -> Any:
        """The value after this step. Raises ExpressionError or Unfit, whose `item` says which item it was."""
        raise NotImplementedError

    def items(self, value: Any) -> list[Any]:
        """The value as the list that this operation needs."""
        if not is_array(value):
            raise Unfit(
                f"it needs a list, but the value is {kind(value)}.", hint="values(…) makes a list of an object."
            )
        if len(value) > MAX_ITEMS:
            raise Unfit(f"the list has {len(value):,} items, and {MAX_ITEMS:,} is the limit.")
        return value


class Pick(Operation):
    """Keep or compute the named fields, of each item or of a single object."""

    op: Literal["pick"]
    fields: dict[str, ItemExpression] = Field(min_length=1)
    """Name of the new field → expression: `{title: item.title, link: item.originallink}`."""

    async def apply(self, value: Any, ctx: Context) -> Any:
        return await on_each(value, lambda at: {name: ctx.evaluate(text, **at) for name, text in self.fields.items()})


class Set(Operation):
    """Add fields to each item, or to a single object, or replace them."""

    op: Literal["set"]
    fields: dict[str, ItemExpression] = Field(min_length=1)
    """Name of the field → expression: `{price: number(item.price)}`."""

    async def apply(self, value: Any, ctx: Context) -> Any:
        return await on_each(value, lambda at: self._with_fields(at, ctx))

    def _with_fields(self, at: dict[str, Any], ctx: Context) -> dict[str, Any]:
        if not is_object(at["item"]):
            raise Unfit(f"only objects have fields, and this is {kind(at['item'])}.", hint="`pick` makes objects.")
        return at["item"] | {name: ctx.evaluate(text, **at) for name, text in self.fields.items()}


class Filter(Operation):
    """Keep the items for which the test holds."""

    op: Literal["filter"]
    when: ItemExpression
    """`item.price >= 10000 and "비" in item.title`."""

    async def apply(self, value: Any, ctx: Context) -> Any:
        items = self.items(value)
        kept = await results(items, self.when, ctx)
        return [item for item, keeps in zip(items, kept, strict=True) if truth(keeps)]


class Take(Operation):
    """Keep so many items."""

    op: Literal["take"]
    count: int = Field(ge=-MAX_ITEMS, le=MAX_ITEMS)
    """The first so many; with a negative number the last."""
    skip: int = Field(default=0, ge=0)
    """Leave so many out first."""

    async def apply(self, value: Any, ctx: Context) -> Any:
        items = self.items(value)[self.skip :]
        return items[: self.count] if self.count >= 0 else items[self.count :]


class Sort(Operation):
    """Put the items in order: numbers or texts, smallest first, nulls last."""

    op: Literal["sort"]
    by: ItemExpression = "item"
    reverse: bool = False
    """Largest first; nulls stay last."""

    async def apply(self, value: Any, ctx: Context) -> Any:
        items = self.items(value)
        ranks = await results(items, self.by, ctx)
        kinds = {kind(rank) for rank in ranks} - {"null"}
        if len(kinds) > 1 or not kinds <= {"number", "string"}:
            raise Unfit(f"{' and '.join(sorted(kinds))} cannot be put in order; numbers can, and texts.")
        keys: list[Any] = [nfc(rank) if isinstance(rank, str) else rank for rank in ranks]
        known = [place for place, key in enumerate(keys) if key is not None]
        known.sort(key=keys.__getitem__, reverse=self.reverse)
        return [items[place] for place in known] + [items[at] for at, key in enumerate(keys) if key is None]


class Unique(Operation):
    """Keep the first of those that are the same."""

    op: Literal["unique"]
    by: ItemExpression = "item"
    """What has to be the same: `item.link`."""

    async def apply(self, value: Any, ctx: Context) -> Any:
        first: dict[Any, Any] = {}
        items = self.items(value)
        for item, key in zip(items, await results(items, self.by, ctx), strict=True):
            first.setdefault(canonical(key), item)
        return list(first.values())


class Map(Operation):
    """Replace each item by what an expression gives."""

    op: Literal["map"]
    expression: ItemExpression

    async def apply(self, value: Any, ctx: Context) -> Any:
        return await results(self.items(value), self.expression, ctx)


class Flatten(Operation):
    """Turn a list of lists into one list; what is no list stays an item."""

    op: Literal["flatten"]

    async def apply(self, value: Any, ctx: Context) -> Any:
        return [inner for item in self.items(value) for inner in (item if is_array(item) else [item])]


class Group(Operation):
    """Put items with the same key together: `[{key, items}]`, in the order in which the keys first came."""

    op: Literal["group"]
    by: ItemExpression

    async def apply(self, value: Any, ctx: Context) -> Any:
        groups: dict[Any, dict[str, Any]] = {}
        items = self.items(value)
        for item, key in zip(items, await results(items, self.by, ctx), strict=True):
            groups.setdefault(canonical(key), {"key": key, "items": []})["items"].append(item)
        return list(groups.values())


class StripHtml(Operation):
    """Make plain text of texts with markup: `<b>경제</b> &amp; 금융` becomes `경제 & 금융`."""

    op: Literal["strip_html"]
    fields: list[str] = Field(default_factory=list[str])
    """Which fields; empty: the items, or the value, are texts themselves."""

    async def apply(self, value: Any, ctx: Context) -> Any:
        return await on_each(value, lambda at: self._stripped(at["item"]))

    def _stripped(self, item: Any) -> Any:
        if not self.fields:
            return plain_text(item) if isinstance(item, str) else item
        if not is_object(item):
            raise Unfit(f"only objects have fields, and this is {kind(item)}.", hint="Leave `fields` out for texts.")
        return {
            name: plain_text(text) if name in self.fields and isinstance(text, str) else text
            for name, text in item.items()
        }


class Join(Operation):
    """Make one text of the items."""

    op: Literal["join"]
    separator: str = "\n"

    async def apply(self, value: Any, ctx: Context) -> Any:
        return joined(map(as_text, self.items(value)), self.separator)


class Format(Operation):
    """Write each item, or a single object, by a template and join the texts."""

    op: Literal["format"]
    template: ItemTemplate
    r"""`{{ index + 1 }}. {{ item.title }}\n{{ item.link }}`."""
    separator: str = "\n"
    empty: str = ""
    """The text when there are no items."""

    async def apply(self, value: Any, ctx: Context) -> Any:
        texts = await on_each(value, lambda at: as_text(ctx.render(self.template, **at)))
        if not is_array(texts):
            return texts
        return joined(texts, self.separator) if texts else self.empty


class Value(Operation):
    """Replace the whole value by what an expression gives."""

    op: Literal["value"]
    expression: ItemExpression
    """`length(value)`, `{"count": length(value), "first": value[0]}`."""

    async def apply(self, value: Any, ctx: Context) -> Any:
        return ctx.evaluate(self.expression, value=value, item=value, index=0)


AnyOperation = Annotated[
    Pick | Set | Filter | Take | Sort | Unique | Map | Flatten | Group | StripHtml | Join | Format | Value,
    Field(discriminator="op"),
]


class Transform(Node):
    """Reshape data step by step: pick, filter, sort, take, write as text."""

    type = "transform"
    title = {"en": "Transform data", "ko": "데이터 변환"}
    effect = "pure"

    class Config(Settings):
        value: Any = None
        """What to work on; a value that arrives at the port comes before it."""
        operations: list[AnyOperation] = Field(default_factory=list[AnyOperation], max_length=100)
        """Done in this order."""

    class Inputs(BaseModel):
        value: Any = None

    class Outputs(BaseModel):
        value: Any

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        value = inputs.value if "value" in inputs.model_fields_set else config.value
        for number, operation in enumerate(config.operations, 1):
            try:
                value = await operation.apply(value, ctx)
            except ExpressionError as error:
                place = error.facts.get("item")
                item = "" if place is None else f", item {place}"
                raise Untransformable(
                    number=number, op=operation.op, item=item, problem=error.text, hint=error.advice
                ) from error
        return Done({"value": value})

    def signature(self, spec: NodeSpec) -> Signature:
        signature = super().signature(spec)
        operations = spec.data.get("operations")
        last: Any = operations[-1] if is_array(operations) and operations else None
        if is_object(last) and last.get("op") in ("join", "format"):
            return replace(signature, outputs=(Port(name="value", type=PortType.STRING),))
        return signature


Work = Callable[[dict[str, Any]], Any]
"""Takes `{"item", "index", "value"}` and gives what becomes of the item."""


async def on_each(value: Any, work: Work) -> Any:
    """What `work` makes of each item of a list, or of a value that is none."""
    if not is_array(value):
        return work({"item": value, "index": 0, "value": value})
    return await worked(value, work)


async def results(items: Sequence[Any], expression: str, ctx: Context) -> list[Any]:
    """An expression's value for each item."""
    return await worked(items, lambda at: ctx.evaluate(expression, **at))


async def worked(items: Sequence[Any], work: Work) -> list[Any]:
    """What `work` makes of each item, in order; its errors get to know which item it was, counted from 0."""
    made: list[Any] = []
    room = MAX_WEIGHT
    if len(items) > MAX_ITEMS:
        raise Unfit(f"the list has {len(items):,} items, and {MAX_ITEMS:,} is the limit.")
    for index, item in enumerate(items):
        if index % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        try:
            one = work({"item": item, "index": index, "value": items})
            room -= weigh(one, MAX_WEIGHT)
        except ExpressionError as error:
            error.facts["item"] = index
            raise
        if room < 0:
            raise ResultTooLarge("the list that it makes is larger than 32 MB.")
        made.append(one)
    return made
