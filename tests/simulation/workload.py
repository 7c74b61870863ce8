"""What runs in a simulated world: random documents, and a node type that does what they say and leaves marks outside.

The documents are those of the engine's tests, dressed with policies. What they must give is computed by the naive
`Reference`; `Steps` does the same with effects, waits, failures and time.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict
from tests.engine.documents import document
from tests.engine.graphs import compiled, describe
from tests.engine.miniature import behave as answered
from tests.engine.reference import Data, Reference, all_links, branches, carried, mentioned

from mulle.document.signature import Signature
from mulle.document.variables import Write
from mulle.document.workflow import NodeSpec
from mulle.engine.plan import ScopePlan
from mulle.errors import MissingReference, StepError
from mulle.nodes.spreading import Spread, spreading
from mulle.sdk import Context, Done, Expand, Node, Wait
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.node import Answer, Effect

BIG: tuple[Any, ...] = ("가나다 " * 40, "a" * 700, [{"줄": "가" * 150, "n": n} for n in range(9)], "라" * 3000)
"""Values that are big where little is much: light ones and heavy ones, of one part and of several."""
LIMIT = 4.0
"""Seconds that a step with a time limit may take."""


class Outside(Protocol):
    """What a step may use of its world."""

    def begins(self, ctx: Context, effect: Effect) -> None:
        """A step that is not pure starts."""
        ...

    def happens(self, ctx: Context, effect: Effect, outputs: Data | None) -> None:
        """Its effect happens, now; without outputs when it fails after that."""
        ...

    def ends(self, ctx: Context) -> None:
        """It is over, however it went."""
        ...

    def takes(self) -> float:
        """Seconds, drawn."""
        ...


class Boom(StepError):
    """A failure as the reference tells it; nobody knows what it left."""

    code = "boom"
    message = ""


class NothingSent(Boom):
    """A failure that says that nothing was done yet."""

    sent = False


@dataclass(frozen=True)
class Workload:
    """A document, ready to run, and what it must give."""

    name: str
    document: Data
    plan: ScopePlan
    nodes: Mapping[str, Data]
    """By id, at any depth."""
    reference: Reference | None
    """None: what it gives depends on others."""
    pins: Mapping[str, Data] = field(default_factory=dict[str, Data])
    """Answers given beforehand, by node."""


def behave(node: Data, inputs: Data, names: Data) -> tuple[str, Data]:
    """What a step answers: a number made of all it saw; some add a big value, the same in many runs, or are pinned."""
    if "pinned" in node["data"]:
        status, outputs = node["data"]["pinned"]
        return status, dict(outputs)
    status, outputs = answered(node, inputs, names)
    if status == "done" and node["data"].get("big"):
        outputs["big"] = BIG[outputs.get("out", 0) % len(BIG)]
    return status, outputs


@lru_cache(maxsize=600)
def workload(seed: int, size: int, special: str = "") -> Workload:
    """The same for the same seed; `special`: with `big_values`, `time_limits` of bodies and waits, or `pins`."""
    made = document(seed, size)
    nodes: dict[str, Data] = {}
    dress(made, Random(f"{seed}/dress"), nodes)
    chance, pins = Random(f"{seed}/{special}"), dict[str, Data]()
    if special == "big_values":
        _enlarge(nodes, chance)
    elif special == "time_limits":
        _bound(nodes, chance)
    elif special == "pins":
        pins = _pin(nodes, {node["id"] for node in made["nodes"]}, chance)
    return Workload(f"{seed}-{size}{special}", made, compiled(made), nodes, Reference(made, behave), pins)


def _enlarge(nodes: Mapping[str, Data], chance: Random) -> None:
    """Let some steps give big values."""
    for node in nodes.values():
        if "ends" in node["data"] and "container" not in node["data"]:
            node["data"]["big"] = chance.random() < 0.5


def _bound(nodes: Mapping[str, Data], chance: Random) -> None:
    """Give bodies and waits a time limit that is often too short."""
    for node in nodes.values():
        data = node["data"]
        if data.get("container"):
            node["timeout"] = chance.choice([None, 1.5, LIMIT, 8.0])
            node["retry"]["max"] += chance.choice([0, 1])
        elif data.get("waits"):
            node["timeout"] = chance.choice([None, 1.5, LIMIT])


def _pin(nodes: Mapping[str, Data], outermost: Collection[str], chance: Random) -> dict[str, Data]:
    """Answer for some steps beforehand; by id."""
    pins: dict[str, Data] = {}
    for name, node in nodes.items():
        data = node["data"]
        if "ends" not in data or data.get("container") or chance.random() < 0.6:
            continue
        given: Data = {"out": chance.randrange(1000)} | dict.fromkeys(sorted(branches(node) - {"error"})[:1], True)
        answer, failure = {"outputs": given}, {"error": {"type": "boom", "message": ""}}
        kinds = ["always", "always", "never", "later"] if name in outermost else ["always"]
        kind = chance.choice(kinds)
        pins[name] = {"always": answer, "never": failure, "later": {"runs": [failure, answer]}}[kind]
        data |= {"total": 0, "n": 0, "pinned": ("failed", {}) if kind == "never" else ("done", given)}
        node["retry"]["max"] = max(1, node["retry"]["max"])
    return pins


def dress(body: Data, chance: Random, nodes: dict[str, Data]) -> None:
    """Give the nodes of a graph their policies, and take away what the runtime takes in another way than the engine."""
    beside = {node["id"] for node in body["nodes"]}
    for node in body["nodes"]:
        mappings = node.get("variable_mappings", {})
        node["variable_mappings"] = {
            port: mapping for port, mapping in mappings.items() if mapping["source"]["variable"].split(".")[0] in beside
        }
    links = all_links(body)
    for node in body["nodes"]:
        nodes[node["id"]] = node
        fed = {link["to"] for link in links if link["target"] == node["id"] and not link["gate"]}
        for port in node["ports"]["inputs"]:
            port["required"] = port.get("required", False) and port["name"] in fed
        if "ends" in node["data"]:
            _dress_step(node, chance)
        inside = node.get("body") or node["data"].get("plan")
        if inside:
            dress(inside, chance, nodes)


def _dress_step(node: Data, chance: Random) -> None:
    data = node["data"]
    node.pop("timeout", None)
    data["hangs_first"] = data["stubborn"] = 0
    if data.get("container"):
        node["retry"] = {"max": data["fails_first"], "delay": chance.choice([0.0, 0.5])}
        return
    if data["effect"] == "once":
        data["total"] = data["n"] = 0  # A person who says that it happened gives outputs, and no writes.
        node["on_interrupted"] = chance.choice(["ask", "ask", "ask", "retry", "fail"])
    open_ended = data["waits"] == "signal"  # A limit would bound the wait, too.
    if data["effect"] != "pure" and chance.random() < 0.15:
        data["hangs_first"] = 0 if open_ended else 1
    if data["hangs_first"] or chance.random() < 0.15:
        node["timeout"] = None if open_ended else LIMIT
    data["stubborn"] = chance.choice([0.0] * 8 + [2.0, 20.0])
    tries = data["fails_first"] + (5 if node.get("timeout") else 0)
    node["retry"] = {"max": tries, "delay": chance.choice([0.0, 0.3, 4.0]), "jitter": 0.5}


class Step(Node):
    """Does what its document's data say."""

    type = "step"

    class Config(BaseModel):
        model_config = ConfigDict(extra="allow")

    def effect_of(self, config: Any) -> Effect:
        return getattr(config, "effect", "pure")

    async def run(self, config: Any, inputs: Mapping[str, Any], ctx: Context) -> Answer:
        outside: Outside = ctx.services.extra["outside"]
        nodes: Mapping[str, Data] = ctx.services.extra["nodes"]
        me = nodes[ctx.node_id]
        data = me["data"]
        effect: Effect = data.get("effect", "pure")
        if effect == "pure":
            return await self._do(me, nodes, inputs, ctx, outside)
        outside.begins(ctx, effect)
        try:
            return await self._do(me, nodes, inputs, ctx, outside)
        finally:
            outside.ends(ctx)

    async def _do(
        self, me: Data, nodes: Mapping[str, Data], inputs: Mapping[str, Any], ctx: Context, outside: Outside
    ) -> Answer:
        data = me["data"]
        effect: Effect = data.get("effect", "pure")
        if ctx.attempt <= data.get("fails_first", 0):
            raise NothingSent
        if data.get("container") == "spread":
            return await _spread(data, ctx)
        if data.get("container"):
            return _container(me, ctx)
        if data.get("waits") and ctx.turn == 1:
            until = ctx.now + data.get("rests", 3.0) if data["waits"] != "signal" else None
            return Wait(until=until, signal=None if len(ctx.node_id) % 2 else "모두", memo="쪽지")
        arrived: Data = {} if me["type"] == "start" else dict(inputs)  # A start hands on what its scope was given.
        status, outputs = behave(me, arrived, _names(me, nodes, ctx))
        if effect != "pure":
            await self._act(me, ctx, effect, outputs if status == "done" else None, outside)
        if status == "failed":
            raise Boom
        return Done(outputs, writes=_writes(data, ctx), usage=None if effect == "pure" else _usage(outputs))

    async def _act(self, me: Data, ctx: Context, effect: Effect, outputs: Data | None, outside: Outside) -> None:
        """Take a while, with the effect in it: of a `once` step at its beginning, where the licence was looked at."""
        data = me["data"]
        if effect == "repeatable":
            await _rest(outside.takes(), data["stubborn"])
        outside.happens(ctx, effect, outputs)
        await ctx.stream(ctx.node_id)
        hangs = ctx.attempt <= data["hangs_first"] + data["fails_first"]
        await _rest(1000.0 if hangs else outside.takes(), data["stubborn"])


async def _rest(seconds: float, stubborn: float) -> None:
    """Take time; a stubborn step goes on for a while when it is told to stop."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if not stubborn:
            raise
        await asyncio.sleep(stubborn)
        raise


def _usage(outputs: Data) -> Data:
    """What a step says that it has cost."""
    number = outputs.get("out", 0)
    return {"input_tokens": number % 50, "output_tokens": number % 7, "cost": number % 3 / 100}


def _writes(data: Data, ctx: Context) -> list[Write]:
    writes = [Write("add", "conversation.total", data["total"])] if data.get("total") else []
    if data.get("n") and _seen("state", ctx) is not None:
        writes.append(Write("add", "state.n", data["n"]))
    return writes


def _seen(name: str, ctx: Context) -> Any:
    try:
        return ctx.lookup(name)
    except MissingReference:
        return None


def _names(me: Data, nodes: Mapping[str, Data], ctx: Context) -> Data:
    """What the step sees, as the reference has it."""
    names = {name: _seen(name, ctx) for name in ("item", "index", "carry")}
    seen: Data = {}
    for name in sorted(mentioned(me)):
        try:
            outputs: Data = ctx.lookup(name) or {}
        except MissingReference:
            continue
        hidden = (
            {"error"} if nodes[name].get("on_error") == "default" else set[str]()
        )  # Says what the defaults are for.
        seen[name] = {port: value for port, value in outputs.items() if value is not None and port not in hidden}
    return {name: value for name, value in names.items() if value is not None} | {"seen": seen}


def _container(me: Data, ctx: Context) -> Answer:
    data = me["data"]
    kind, made = data["container"], None if me.get("body") else data["plan"]
    if data.get("ends") == "fail":
        raise Boom
    if kind == "loop":
        return _round(data, made, ctx)
    if ctx.memo is None and data["count"]:
        scopes = [{"item": number, "index": number} for number in range(data["count"])]
        race: Data = {"enough": 1, "tolerant": True} if kind == "race" else {"tolerant": data["tolerant"]}
        return Expand(scopes, limit=data["limit"], plan=made, memo=1, **race)
    endings = ctx.endings
    if kind == "race":
        if not any(one.succeeded for one in endings):
            raise Boom
        return Done({"out": "raced"})
    results = [one.outputs if one.succeeded else None for one in endings]
    if None in results and not data["tolerant"]:
        raise Boom
    return Done({"out": results}, writes=_writes(data, ctx))


async def _spread(data: Data, ctx: Context) -> Answer:
    """Let child runs do it; what it gives is what each of them gave."""
    runs = await spreading(ctx)
    assert runs is not None
    inputs = [{"number": number} for number in range(data["count"])]
    endings = await Spread(runs, ctx, inputs, {}).go_on(tolerant=data["tolerant"])
    if isinstance(endings, Wait):
        return endings
    return Done({"out": [ending.outputs if ending.succeeded else None for ending in endings]})


def _round(data: Data, made: Data | None, ctx: Context) -> Answer:
    number: int = ctx.memo or 0
    state: Data = {"n": 0}
    if number:
        (ending,) = ctx.endings
        if not ending.succeeded:
            raise Boom
        state = ending.state | ending.outputs
    if number == data["count"]:
        return Done({"out": carried(state)}, writes=_writes(data, ctx))
    names = {"item": number, "index": number, "carry": carried(state), "state": state}
    return Expand([names], plan=made, memo=number + 1)


class Types(Catalogue):
    """Every type is a `Step`, whose openings are those that its document declares."""

    def __init__(self) -> None:
        step = Step()
        super().__init__(dict.fromkeys(("step", "단계", "start", "end", "subflow"), step))

    def describe(self, spec: NodeSpec) -> Signature:
        return describe(spec)


TYPES = Types()
