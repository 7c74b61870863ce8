"""What a sentence asks for, as data: the outcome of understanding, before anything is asked or drafted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mulle.author.domain import Language

TriggerKind = Literal["schedule", "poll", "event", "chat", "webhook", "manual", "unclear"]
StepKind = Literal["take", "sort", "filter", "summarise", "approve", "each", "merge", "model"]


@dataclass(frozen=True, slots=True)
class Source:
    """Something to get."""

    connector: str | None
    """None: nothing here knows it; the person is asked for an address."""
    name: str
    """What the sentence calls it."""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do with what was got."""

    kind: StepKind
    action: str
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Delivery:
    """Somebody to tell, or somewhere to leave it."""

    channel: str | None
    """An id of the vocabulary's channels; None: the sentence does not say."""
    to: tuple[str, ...] = ()
    name: str = ""
    """Whom the sentence names without an address: 재무팀."""


@dataclass(frozen=True, slots=True)
class Test:
    """A condition."""

    kind: Literal["compare", "situation", "contains", "exists", "is", "else", "unknown"]
    text: str
    subject: str = ""
    above: bool = True
    inclusive: bool = False
    value: float = 0.0
    unit: str = ""
    words: tuple[str, ...] = ()
    name: str = ""
    """situation: `connector/name`."""


@dataclass(frozen=True, slots=True)
class Branch:
    """What is done when a test holds."""

    test: Test
    steps: tuple[Step, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Unable:
    """A piece that is understood and that nothing here can do."""

    action: str
    text: str


@dataclass(frozen=True)
class Request:
    """A whole sentence, understood as far as it goes."""

    sentence: str
    language: Language
    trigger: TriggerKind = "manual"
    event: str = ""
    schedule: Any = None
    """A Schedule, or the ScheduleError that says what is missing; None without a time."""
    schedule_text: str = ""
    sources: tuple[Source, ...] = ()
    steps: tuple[Step, ...] = ()
    branches: tuple[Branch, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    retries: int | None = None
    on_failure: tuple[Delivery, ...] = ()
    knowledge: str = ""
    """Documents that answers should come from."""
    unable: tuple[Unable, ...] = ()
    dangers: tuple[str, ...] = ()
    """Changes outside that are confirmed by name before anything is drafted."""
    many: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    temporal: tuple[str, ...] = ()
    """Words for a time that no schedule can be made of: 생일."""
    vague: bool = False
    leftovers: tuple[str, ...] = ()
    """Words that nothing here understood."""
    assumed: tuple[str, ...] = ()

    @property
    def actions(self) -> set[str]:
        """Ids of all actions that the sentence asks for."""
        every = [*self.steps, *(step for branch in self.branches for step in branch.steps)]
        return {step.action for step in every} | {one.action for one in self.unable}

    @property
    def all_deliveries(self) -> tuple[Delivery, ...]:
        return (*self.deliveries, *(one for branch in self.branches for one in branch.deliveries))
