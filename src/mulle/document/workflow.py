"""The document a person owns: one workflow as plain, validated data.

Unknown keys are refused, so a misspelt `on_eror` is an error and not a silent default. Keys that only a canvas needs
live in `position` and `ui`, which nothing else reads.
"""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
)

from mulle.document.policies import Budget, Duration, Model, Queue, Rate, Retry, Timeout
from mulle.document.ports import Name, Port, PortType

RESERVED_NAMES = frozenset({"env", "conversation", "sys", "secret", "item", "index", "state", "nodes"})
"""First words of references that are not node ids."""

TYPE_ALIASES = {
    "LLM_CALL": "llm",
    "API_CALL": "http",
    "PYTHON_SCRIPT": "code",
    "CONDITION": "condition",
    "APPROVAL": "approval",
    "NOTIFICATION": "notification",
    "DATA_TRANSFORM": "transform",
}
"""The seven step kinds a person speaks of."""


def _node_id(value: str) -> str:
    value = unicodedata.normalize("NFC", value)
    if not value or len(value) > 200:
        raise ValueError("a node id has 1 to 200 characters")
    if "." in value or "/" in value:
        raise ValueError("a node id has no dot and no slash, because references and paths are built with them")
    if not value.isprintable() or value != value.strip():
        raise ValueError("a node id has no line breaks or control characters, and no space around it")
    if value in RESERVED_NAMES:
        raise ValueError(f"{value!r} already means something in references; choose another id")
    return value


NodeId = Annotated[str, AfterValidator(_node_id)]
"""Text that a person can read; Korean and emoji are fine."""

NodeType = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(lambda value: TYPE_ALIASES.get(value, value)),
    Field(examples=["start", "end", "condition", *TYPE_ALIASES]),
]


class ValueSelector(Model):
    """Where a value comes from: `node.port`, deeper, or `env.X`, `sys.X`, `item` and the like."""

    variable: str = Field(max_length=4096)
    """The reference: `start.topic`, `news.items[0].title`, `env.REGION`."""
    value_type: PortType = PortType.ANY
    """What old documents said about its type; the ports decide."""


class VariableMapping(Model):
    """A data edge written at its target."""

    target_port: Name | None = None
    """The input port; by default the mapping's own name."""
    source: ValueSelector
    """Where the value comes from."""


class Ports(Model):
    """Openings beside those that the node's type declares, or in their place."""

    inputs: tuple[Port, ...] = ()
    """What goes in."""
    outputs: tuple[Port, ...] = ()
    """What comes out. Those of the start node are the inputs of a run."""


class NodeSpec(Model):
    """One node of a workflow: its type, its settings and its policies."""

    id: NodeId
    """Its name in edges and references; unique in its graph. A body's own node comes before one outside."""
    type: NodeType
    """What it does: a built-in or installed type, or one of the names that people use (`LLM_CALL`)."""
    name: str = ""
    """What people read."""
    description: str = ""
    """What it is for."""
    data: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What the type's own `Config` describes."""
    ports: Ports = Ports()
    """Openings that the document itself declares."""
    variable_mappings: dict[Name, VariableMapping] = Field(default_factory=dict[str, VariableMapping])
    """Input ports fed from variables, items and other nodes, instead of by an edge."""
    body: "Body | None" = None
    """The graph inside a loop, a map or a subflow."""
    retry: Retry = Retry()
    """Whether and how it is tried again; by default not."""
    timeout: Timeout | None = None
    """The longest that its work, its body and its waits may take, from the start of an attempt on."""
    rate: Rate | None = None
    """How often steps like this one may begin, over all runs."""
    on_error: Literal["fail", "default", "branch"] = "fail"
    """After the last try: end the scope, go on with `default_outputs`, or leave by the branch port `error`."""
    default_outputs: dict[str, Any] | None = None
    """The node's outputs when it failed and `on_error` is `default`."""
    derived_outputs: dict[Name, str] = Field(default_factory=dict[str, str])
    """More outputs, each an expression over the type's own: `{first: "value[0]"}`. A silent port is null."""
    on_interrupted: Literal["ask", "retry", "fail"] = "ask"
    """What becomes of a step that must not run twice and was cut off while running."""
    effect: Literal["pure", "repeatable", "once"] | None = None
    """Overrules what the type says about running twice."""
    position: dict[str, float] | None = None
    """Its place on a canvas."""
    ui: dict[str, Any] | None = None
    """Whatever a canvas wants to remember; nothing else reads it."""


class Edge(Model):
    """A way from one node to another."""

    id: str | None = None
    """For a canvas; nothing else reads it."""
    source: Name
    """The id of the node where it begins."""
    target: Name
    """The id of the node where it ends."""
    source_port: Name | None = None
    """The output port whose value it carries, or the branch it follows; without one it carries the whole output."""
    target_port: Name | None = None
    """The input port that gets the value; without one it is a gate and carries nothing."""
    data_type: PortType | None = None
    """What old documents said about its type; the ports decide."""


class Body(Model):
    """A graph: the workflow's own, or the inside of a loop, a map or a subflow."""

    nodes: tuple[NodeSpec, ...] = ()
    """In document order, which decides where several values meet."""
    edges: tuple[Edge, ...] = ()
    """How the nodes hang together."""


class Variable(Model):
    """A named value."""

    type: PortType = PortType.ANY
    """What it may hold."""
    value: Any = None
    """What it holds at the start of a run."""
    secret: bool = False
    """The value is in the secret store under this name, not here."""
    description: str = ""
    """What it is for."""


class Variables(Model):
    """Values beside the graph."""

    environment: dict[Name, Variable] = Field(default_factory=dict[str, Variable])
    """Fixed for a run: `env.NAME`."""
    conversation: dict[Name, Variable] = Field(default_factory=dict[str, Variable])
    """Kept from run to run of one chat, and written by assign nodes: `conversation.NAME`."""


DayFilter = Literal["business_days", "not_holidays", "holidays", "days_off", "not_weekends"]
"""Days on which a trigger fires; the holidays are those of the country."""


class _Timed(Model):
    timezone: str = "Asia/Seoul"
    """Whose clock it follows, by its IANA name."""
    filter: DayFilter | None = None
    """Which days count; on the others it does not fire, or fires elsewhere if `roll` says so."""
    roll: Literal["following", "preceding"] | None = None
    """With `filter`: move a firing to the next or to the last day that counts, instead of leaving it out."""
    nth: int = Field(default=1, ge=1, le=260)
    """With `roll`: the nth day that counts, so that the 1st of a month and 3 is its third business day."""
    country: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$")] | None = None
    """Whose public holidays count, as two letters; by default those of the time zone."""
    start: str | None = None
    """Nothing fires before this time (ISO 8601)."""
    until: str | None = None
    """Nothing fires after this time (ISO 8601)."""
    catch_up: Duration = 6 * 3600.0
    """A firing missed by less than this is made up once."""
    inputs: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What the run gets, by the start's ports."""
    enabled: bool = True
    """Whether it fires at all."""


class CronTrigger(_Timed):
    """Again and again, by five cron fields."""

    type: Literal["cron"]
    """The kind of trigger."""
    cron: str
    """Minute, hour, day of the month, month, weekday: `0 9 * * 1-5`."""


class RRuleTrigger(_Timed):
    """Again and again, where cron cannot say it."""

    type: Literal["rrule"]
    """The kind of trigger."""
    rrule: str
    """An RFC 5545 rule: `FREQ=WEEKLY;INTERVAL=2;BYDAY=MO`, with `DTSTART:…` before it where it counts from a day."""


class AtTrigger(_Timed):
    """Once."""

    type: Literal["at"]
    """The kind of trigger."""
    at: str
    """ISO 8601: `2026-12-24T18:00:00+09:00`."""


class _Called(Model):
    inputs: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What the run gets beside what the caller gives."""
    enabled: bool = True
    """Whether it starts runs at all."""


class WebhookTrigger(_Called):
    """When somebody calls an address."""

    type: Literal["webhook"]
    """The kind of trigger."""
    path: str = ""
    """The end of the address; by default one is made."""


class EventTrigger(_Called):
    """When something happens."""

    type: Literal["event"]
    """The kind of trigger."""
    event: str
    """Its name: `file.created`."""


class ManualTrigger(_Called):
    """When a person says so."""

    type: Literal["manual"]
    """The kind of trigger."""


class ChatTrigger(_Called):
    """When somebody writes a message."""

    type: Literal["chat"]
    """The kind of trigger."""


Trigger = Annotated[
    CronTrigger | RRuleTrigger | AtTrigger | WebhookTrigger | EventTrigger | ManualTrigger | ChatTrigger,
    Field(discriminator="type"),
]


class Workflow(Body):
    """A whole document."""

    mulle: Literal[1] = 1
    """The format's version."""
    name: str = Field(default="", max_length=500)
    """What people call it."""
    description: str = ""
    """What it is for."""
    variables: Variables = Variables()
    """Values that the nodes may refer to."""
    triggers: tuple[Trigger, ...] = ()
    """What starts a run."""
    timeout: Timeout | None = None
    """The longest a run may take, waits included."""
    budget: Budget = Budget()
    """What a run may use up."""
    queue: Queue = Queue()
    """How many runs are at work at a time, and which calls become one."""
    tags: tuple[str, ...] = ()
    """Words to find it by."""
    ui: dict[str, Any] | None = None
    """Whatever a canvas wants to remember; nothing else reads it."""
