"""What can have happened in a run, in the past tense, and what is to be done next, in the imperative.

A run is the fold of its facts. Facts are never changed, and the format of each is kept for ever: a field may be added
with a default, none may change its meaning (`RULES` tells folds of different ages apart).
"""

from typing import Any, Literal

import msgspec

from mulle.document.variables import Write

FORMAT = 1
"""The version of the facts' format. Adding a field with a default does not change it."""

RULES = 1
"""The version of the fold's rules. A run goes on under the rules it began with."""

Path = tuple[str | int, ...]
"""A node's place in a run: `("each", 3, "summarise")`; numbers are ordinals of scopes in their node's life."""

Outputs = dict[str, Any]
Kind = Literal["error", "timeout", "interrupted", "stopped"]
Effect = Literal["pure", "repeatable", "once"]
Status = Literal["succeeded", "failed", "cancelled"]


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a node failed, as a branch, a person and a machine read it."""

    type: str
    message: str
    node: str = ""
    hint: str = ""
    where: str = ""
    cause: str = ""
    """The error's own words, where `message` says also in which place it happened: `ValueError: boom`."""

    def to_dict(self) -> dict[str, str]:
        cause = {"cause": self.cause} if self.cause else {}
        return {"type": self.type, "message": self.message, "node": self.node} | cause


class BlobRef(msgspec.Struct, frozen=True, array_like=True):
    """Where a big value belongs in its fact: the fact itself holds a preview of it there."""

    at: Path
    """`("outputs", "text")`: the way to it in the fact's JSON."""
    hash: str
    size: int
    """In bytes of JSON."""
    items: bool = False
    """The value is the list of a map's items, and its scopes follow from it: `{"item": …, "index": …}`."""


# `gc=False`: facts are trees of data, none ever stands in a cycle, and there are millions of them.


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="fact", kw_only=True, gc=False):
    at: float
    """When, in seconds since 1970 by the driver's clock. Order is decided by the journal, never by this."""
    blobs: tuple[BlobRef, ...] = ()
    """Values that are kept elsewhere. Only the store sees them: a fact that was read whole has none. They stand beside
    the values, not in them, so that no value of a user can be taken for a reference."""


class Budget(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run may use up; None: as much as it likes."""

    steps: int | None = None
    """Turns begun, repeats among them."""
    tokens: int | None = None
    """Of language models, in and out."""
    money: float | None = None
    """Of language models, in US dollars, as far as prices are known."""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a fork comes from; `RunStarted.parent` says from which run."""

    how: Literal["retry", "fork"]
    at: str = ""
    """The node that was to run again, and all behind it."""
    given: tuple[str, ...] = ()
    """Nodes whose outputs were given."""
    kept: int = 0
    """How many of the facts that follow the first were carried over. They cost nothing here."""


class Caller(msgspec.Struct, frozen=True):
    """Who is told of a child run's end."""

    run: str
    signal: str
    """The name that its parent's node listens to."""


class RunStarted(Fact, frozen=True, kw_only=True, tag="run_started"):
    run: str
    graph: str
    """The content hash of the graph that this run follows."""
    format: int = msgspec.field(default_factory=lambda: FORMAT)
    rules: int = msgspec.field(default_factory=lambda: RULES)
    """Both by a factory, so that they are always written: what is left out takes the default of whoever reads it."""
    inputs: Outputs = {}
    conversation: Outputs = {}
    environment: Outputs = {}
    secret_environment: tuple[str, ...] = ()
    """Environment variables whose values are in the secret store, not here."""
    pins: dict[str, Any] = {}
    """Answers given beforehand, by node id or path: `{"outputs": …}` or `{"runs": [{"outputs" | "error"}, …]}`."""
    user: str | None = None
    session: str | None = None
    parent: str | None = None
    origin: Origin | None = None
    deadline: float | None = None
    """When the run is cut off, in seconds since 1970."""
    budget: Budget | None = None
    """What it may use up before it is cut off."""
    caller: Caller | None = None
    """It does a part of another run's work."""


class NodeStarted(Fact, frozen=True, kw_only=True, tag="node_started"):
    """The licence to run: what is not pure starts only when this is on disk."""

    path: Path
    turn: int = 1
    attempt: int = 1
    effect: Effect = "pure"


class NodeDone(Fact, frozen=True, kw_only=True, tag="node_done"):
    path: Path
    outputs: Outputs = {}
    writes: tuple[Write, ...] = ()
    usage: dict[str, Any] | None = None
    """Tokens, money, what a record wants to show; the fold does not read it."""


class NodeExpanded(Fact, frozen=True, kw_only=True, tag="node_expanded"):
    """The node asked for its body to be run, once for each scope."""

    path: Path
    scopes: tuple[Outputs, ...]
    """For each scope the names its nodes may refer to: `{"item": …, "index": 0}`."""
    limit: int | None = None
    """How many scopes are open at a time."""
    enough: int | None = None
    """After so many succeeded the rest is stopped."""
    tolerant: bool = False
    """A failed scope does not stop the others."""
    plan: dict[str, Any] | None = None
    """A graph to run instead of the node's own body."""
    memo: Any = None
    order: tuple[int, ...] = ()
    """In which order the scopes are opened, by index; empty: as they stand."""


class NodeWaiting(Fact, frozen=True, kw_only=True, tag="node_waiting"):
    path: Path
    until: float | None = None
    signal: str | None = None
    """The name it listens to; None: its path, joined by a slash."""
    form: Any = None
    memo: Any = None


class Signalled(Fact, frozen=True, kw_only=True, tag="signalled"):
    id: str
    """Unique; a second one with the same id changes nothing."""
    name: str
    payload: Any = None


class NodeFailed(Fact, frozen=True, kw_only=True, tag="node_failed"):
    """A turn failed. With the kind `timeout` also of a node that waits, which fails at once, or whose body is at work:
    what is inside is stopped, and when all of it has its ending the node fails with this.
    """

    path: Path
    kind: Kind
    error: Failure
    retry_at: float | None = None
    """When it is tried again; None: it is not."""
    from_turn: int | None = None
    """The turn a retry begins at; None: the one that failed."""
    ask_until: float | None = None
    """An interrupted `once` step waits for a person until then: it happened, do it again, or fail."""


class RunCancelled(Fact, frozen=True, kw_only=True, tag="run_cancelled"):
    reason: str = ""
    detail: Literal["cancelled", "superseded", "timeout", "poisoned", "over_budget"] = "cancelled"


class RunEnded(Fact, frozen=True, kw_only=True, tag="run_ended"):
    status: Status
    detail: str = ""
    outputs: Outputs = {}
    error: Failure | None = None


AnyFact = (
    RunStarted | NodeStarted | NodeDone | NodeExpanded | NodeWaiting | Signalled | NodeFailed | RunCancelled | RunEnded
)


Outcome = NodeDone | NodeExpanded | NodeWaiting | NodeFailed
"""What one turn of a node came to."""


class Execute(msgspec.Struct, frozen=True, gc=False):
    """Run this node's turn, or let it run on if it already does."""

    path: Path
    turn: int
    attempt: int
    not_before: float = 0.0


class Finish(msgspec.Struct, frozen=True):
    """Write the run's end."""

    status: Status
    detail: str
    outputs: Outputs
    error: Failure | None = None
