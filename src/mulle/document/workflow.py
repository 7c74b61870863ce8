"""The document a person owns: one workflow as plain, validated data.

Unknown keys are refused, so a misspelt `on_eror` is an error and not a silent default. Keys that only a canvas needs
live in `position` and `ui`, which nothing else reads.
"""

import re
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from mulle.document.ports import Port, PortType

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

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*")


def _seconds(value: Any) -> Any:
    """Read `500ms`, `2m` and `1h`; numbers are seconds already."""
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value)
    if not found:
        raise ValueError("a duration is a number of seconds or text such as 500ms, 30s, 5m, 2h, 7d")
    return float(found[1]) * _UNITS[found[2]]


def _duration_text(seconds: float) -> float | str:
    for unit in ("w", "d", "h", "m", "s"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{int(seconds // _UNITS[unit])}{unit}"
    return seconds


Duration = Annotated[
    float,
    BeforeValidator(_seconds, json_schema_input_type=float | str),
    Field(ge=0, le=10 * 365 * 86400),
    PlainSerializer(_duration_text, return_type=float | str),
]
"""Seconds; written as a number or as `30s`, `5m`, `2h`, `7d`."""


def _node_id(value: str) -> str:
    value = unicodedata.normalize("NFC", value)
    if not value or len(value) > 200:
        raise ValueError("a node id has 1 to 200 characters")
    if "." in value or "/" in value:
        raise ValueError("a node id has no dot and no slash, because references and paths are built with them")
    if value in RESERVED_NAMES:
        raise ValueError(f"{value!r} already means something in references; choose another id")
    return value


NodeId = Annotated[str, AfterValidator(_node_id)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True)


class ValueSelector(_Model):
    """Where a value comes from: `node.port`, deeper, or `env.X`, `sys.X`, `item` and the like."""

    variable: str
    value_type: PortType = PortType.ANY


class VariableMapping(_Model):
    """A data edge written at its target."""

    target_port: str | None = None
    source: ValueSelector


class Ports(_Model):
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()


FailureKind = Literal["error", "timeout", "interrupted"]


class Retry(_Model):
    """How often and when a failed node is tried again."""

    max: int = Field(default=0, ge=0, le=1000)
    """Tries after the first."""
    delay: Duration = 1.0
    factor: float = Field(default=2.0, ge=1, le=100)
    """Each wait is this much longer than the one before."""
    max_delay: Duration = 300.0
    jitter: float = Field(default=0.1, ge=0, le=1)
    """The share of each wait that is left to chance, so that many runs do not come back at once."""
    on: tuple[FailureKind, ...] = ()
    """Kinds of failure worth another try; empty means all."""


class NodeSpec(_Model):
    """One node of a workflow: its type, its settings and its policies."""

    id: NodeId
    type: Annotated[str, AfterValidator(lambda value: TYPE_ALIASES.get(value, value))]
    name: str = ""
    description: str = ""
    data: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What the type's own `Config` describes."""
    ports: Ports = Ports()
    variable_mappings: dict[str, VariableMapping] = Field(default_factory=dict[str, VariableMapping])
    body: "Body | None" = None
    retry: Retry = Retry()
    timeout: Duration | None = None
    on_error: Literal["fail", "default", "branch"] = "fail"
    default_outputs: dict[str, Any] | None = None
    """The node's outputs when it failed and `on_error` is `default`."""
    on_interrupted: Literal["ask", "retry", "fail"] = "ask"
    """What becomes of a step that must not run twice and was cut off while running."""
    effect: Literal["pure", "repeatable", "once"] | None = None
    """Overrules what the type says about running twice."""
    position: dict[str, float] | None = None
    ui: dict[str, Any] | None = None


class Edge(_Model):
    id: str | None = None
    source: str
    target: str
    source_port: str | None = None
    target_port: str | None = None
    data_type: PortType | None = None


class Body(_Model):
    """A graph: the workflow's own, or the inside of a loop, a map or a subflow."""

    nodes: tuple[NodeSpec, ...] = ()
    edges: tuple[Edge, ...] = ()


class Variable(_Model):
    type: PortType = PortType.ANY
    value: Any = None
    secret: bool = False
    """The value is in the secret store under this name, not here."""
    description: str = ""


class Variables(_Model):
    environment: dict[str, Variable] = Field(default_factory=dict[str, Variable])
    conversation: dict[str, Variable] = Field(default_factory=dict[str, Variable])


class _Timed(_Model):
    timezone: str = "Asia/Seoul"
    filter: str | None = None
    """Days that do not count: `business_days`, `not_holidays` …"""
    catch_up: Duration = 6 * 3600.0
    """A firing missed by less than this is made up once."""
    inputs: dict[str, Any] = Field(default_factory=dict[str, Any])
    enabled: bool = True


class CronTrigger(_Timed):
    type: Literal["cron"] = "cron"
    cron: str


class RRuleTrigger(_Timed):
    type: Literal["rrule"] = "rrule"
    rrule: str


class AtTrigger(_Timed):
    type: Literal["at"] = "at"
    at: str
    """ISO 8601."""


class _Called(_Model):
    inputs: dict[str, Any] = Field(default_factory=dict[str, Any])
    enabled: bool = True


class WebhookTrigger(_Called):
    type: Literal["webhook"] = "webhook"
    path: str = ""


class EventTrigger(_Called):
    type: Literal["event"] = "event"
    event: str


class ManualTrigger(_Called):
    type: Literal["manual"] = "manual"


class ChatTrigger(_Called):
    type: Literal["chat"] = "chat"


Trigger = Annotated[
    CronTrigger | RRuleTrigger | AtTrigger | WebhookTrigger | EventTrigger | ManualTrigger | ChatTrigger,
    Field(discriminator="type"),
]


class Workflow(Body):
    """A whole document."""

    mulle: Literal[1] = 1
    """The format's version."""
    name: str = Field(default="", max_length=500)
    description: str = ""
    variables: Variables = Variables()
    triggers: tuple[Trigger, ...] = ()
    timeout: Duration | None = None
    """The longest a run may take, waits included."""
    tags: tuple[str, ...] = ()
    ui: dict[str, Any] | None = None
