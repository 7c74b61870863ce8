"""How a person wants things done: in what time, how often, how many at once, at what cost. Part of the document."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d|w)\s*")
_TEN_YEARS = 10 * 365 * 86400


def _seconds(value: Any) -> Any:
    """Read `500ms`, `2m` and `1h`; numbers are seconds already."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
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
    BeforeValidator(_seconds),
    Field(ge=0, le=_TEN_YEARS),
    PlainSerializer(_duration_text, return_type=float | str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": _TEN_YEARS},
                {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d|w)\s*$"},
            ],
            "examples": [30, "500ms", "30s", "5m", "2h", "7d"],
        }
    ),
]
"""Seconds; written as a number or as `30s`, `5m`, `2h`, `7d`."""


def _some_time(value: float) -> float:
    if value <= 0:
        raise ValueError("this time is longer than nothing; leave it out where there is to be none")
    return value


Timeout = Annotated[Duration, AfterValidator(_some_time)]
"""A duration that is not zero."""


class Model(BaseModel):
    """A part of the document: unknown keys are refused, and nothing changes once it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True)


FailureKind = Literal["error", "timeout", "interrupted"]


class Retry(Model):
    """How often and when a failed node is tried again."""

    max: int = Field(default=0, ge=0, le=1000)
    """Tries after the first."""
    delay: Duration = 1.0
    """The wait before the second try."""
    factor: float = Field(default=2.0, ge=1, le=100)
    """Each wait is this much longer than the one before."""
    max_delay: Duration = 300.0
    """No wait is longer than this."""
    jitter: float = Field(default=0.1, ge=0, le=1)
    """The share of each wait that is left to chance, so that many runs do not come back at once."""
    on: tuple[FailureKind, ...] = ()
    """Kinds of failure worth another try; empty means all."""


class Budget(Model):
    """What one run may use up before it is cut off."""

    steps: int | None = Field(default=None, ge=1)
    """Steps begun, repeats and rounds of loops among them."""
    seconds: Timeout | None = None
    """The same as `timeout`; the shorter one counts."""
    tokens: int | None = Field(default=None, ge=1)
    """Tokens of language models, in and out."""
    money: float | None = Field(default=None, gt=0)
    """US dollars for language models, as far as their prices are known."""


class Debounce(Model):
    """Calls that come one after the other become one run, with the inputs of the last."""

    wait: Timeout
    """The run begins when no further call came for so long."""
    at_most: Timeout | None = None
    """It begins so long after the first call at the latest, however many follow."""
    key: str = ""
    """A template over the run's inputs; only calls with the same value become one. Empty: all of the workflow."""


class Queue(Model):
    """How runs of a workflow are let in. A run that waits for a time or a person does not hold its place."""

    concurrency: int | None = Field(default=None, ge=1)
    """How many runs of the workflow are at work at a time; the others are queued."""
    key: str = ""
    """A template over the run's inputs, such as `{{ start.customer }}`: a queue of its own for each value."""
    per_key: int = Field(default=1, ge=1)
    """How many runs with the same `key` are at work at a time."""
    priority: int = Field(default=0, ge=-1000, le=1000)
    """Of queued runs the one with the highest goes first, and of equal ones the oldest."""
    dedup: str = ""
    """A template over the run's inputs: a second call with the same value gets the first one's run."""
    debounce: Debounce | None = None
    """Wait for a quiet moment before a run begins."""


class Rate(Model):
    """An allowance that all runs share, such as an API's limit."""

    most: int = Field(ge=1, le=100_000)
    """So many steps may begin …"""
    per: Timeout
    """… in this time."""
    name: str = Field(default="", max_length=200)
    """Steps of any workflow with the same name share one allowance; by default those of the same type."""
