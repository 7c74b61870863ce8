"""One opened graph: which of its nodes may run, which are skipped, and why. The rules of readiness live here.

    pending ──▶ ready ──▶ running ──▶ done | failed | stopped
       │          ▲         │
       ▼          └── waiting · expanded · retrying · asking
    skipped

A link is settled *alive* when its source port got a value and *dead* when the source was skipped or answered without
that port. When all that leads to a node is settled, `why_skipped` decides.
"""

from typing import Any

import msgspec

from mulle.document.links import dig
from mulle.engine.facts import Effect, Failure, NodeFailed, Outputs, Path
from mulle.engine.plan import PlanLink, PlanNode, ScopePlan

PENDING = "pending"
"""Something that leads to it is not settled yet."""
READY = "ready"
"""Its next turn may start."""
RUNNING = "running"
EXPANDED = "expanded"
"""Its body is at work."""
WAITING = "waiting"
"""For a time or a signal."""
RETRYING = "retrying"
"""It failed and is tried again later."""
ASKING = "asking"
"""It was interrupted, and a person has to say what became of it."""
DONE = "done"
FAILED = "failed"
STOPPED = "stopped"
"""It was cut off because its scope ended."""
SKIPPED = "skipped"

ENDINGS = frozenset({DONE, FAILED, STOPPED, SKIPPED})


# `gc=False`: a wide map makes these by the hundred thousand, none ever stands in a cycle, and the collector would walk
# them all again and again.


class Ending(msgspec.Struct, omit_defaults=True, gc=False):
    """How one scope of an expanded node ended."""

    succeeded: bool
    outputs: Outputs
    state: Any = None
    """The loop state as the scope left it."""
    error: Failure | None = None
    stopped: bool = False
    """It was cut off because enough others had succeeded, or one had failed."""


class Expansion(msgspec.Struct, omit_defaults=True, gc=False):
    """What an expanded node asked for, and what became of it so far."""

    scopes: tuple[Outputs, ...]
    first: int
    """The ordinal of the first scope."""
    limit: int
    enough: int | None = None
    tolerant: bool = False
    plan: dict[str, Any] | None = None
    order: tuple[int, ...] = ()
    """In which order they are opened; empty: as they stand."""
    opened: int = 0
    open: set[int] = msgspec.field(default_factory=set[int])
    endings: dict[int, Ending] = msgspec.field(default_factory=dict[int, Ending])
    succeeded: int = 0
    failed: bool = False
    closing: bool = False
    """No more scopes are opened."""

    def settled_early(self) -> bool:
        """Whether enough scopes succeeded, or one failed that must not."""
        enough = self.enough is not None and self.succeeded >= self.enough
        return enough or (self.failed and not self.tolerant)

    def take(self, number: int, ending: Ending) -> None:
        """Note how a scope ended."""
        self.open.discard(number)
        self.endings[number - self.first] = ending
        self.succeeded += ending.succeeded
        self.failed = self.failed or ending.error is not None

    def next(self) -> tuple[int, Outputs]:
        """Take the next scope as open: its ordinal and its values."""
        index = self.order[self.opened] if self.order else self.opened
        number, values = self.first + index, self.scopes[index]
        self.opened += 1
        self.open.add(number)
        return number, values

    def has_next(self) -> bool:
        """Whether another scope is to be opened now."""
        return not self.closing and self.opened < len(self.scopes) and len(self.open) < self.limit

    def in_order(self) -> list[Ending]:
        """An ending for each scope; those that were never opened count as stopped."""
        return [self.endings.get(i) or Ending(False, {}, stopped=True) for i in range(len(self.scopes))]


class NodeState(msgspec.Struct, omit_defaults=True, gc=False):
    """Where one node stands."""

    status: str = PENDING
    turn: int = 0
    attempt: int = 1
    effect: Effect = "pure"
    outputs: Outputs | None = None
    error: Failure | None = None
    reason: str = ""
    """Why it was skipped."""
    memo: Any = None
    until: float | None = None
    listens_to: str = ""
    form: Any = None
    signal: dict[str, Any] | None = None
    """What ended its last wait, `{id, name, payload}`; None: the time."""
    answer: dict[str, Any] | None = None
    """What a person said about its interruption, in the same form; None: nothing yet."""
    expansion: Expansion | None = None
    next_ordinal: int = 0
    due: float | None = None
    """When the time of this attempt is up; None: it has not begun, or may take as long as it likes."""
    overdue: NodeFailed | None = None
    """Its time was up while its body was at work; it fails with this when all inside has ended."""


class Scope(msgspec.Struct, eq=False, gc=False):
    """One opening of a graph."""

    path: Path
    """The container's path and the scope's ordinal; empty for the run's own graph."""
    plan: ScopePlan
    values: Outputs
    """`item`, `index`, `state`: what nodes here and further inside may refer to."""
    nodes: list[NodeState]
    waits_for: list[int]
    open: int
    """Nodes without an ending."""
    closing: bool = False
    """Nothing new starts here; what is in flight gets its ending."""
    failure: Failure | None = None


def open_scope(path: Path, plan: ScopePlan, values: Outputs) -> Scope:
    count = len(plan.nodes)
    return Scope(path, plan, values, [NodeState() for _ in range(count)], list(plan.waits_for), count)


def reached_end(scope: Scope) -> bool:
    """Whether any End node got there."""
    return any(scope.nodes[position].status == DONE for position in scope.plan.ends)


def end_outputs(scope: Scope) -> Outputs:
    """What the End nodes received; the first alive End in document order wins a name."""
    outputs: Outputs = {}
    for position in scope.plan.ends:
        if scope.nodes[position].status == DONE:
            outputs = (scope.nodes[position].outputs or {}) | outputs
    return outputs


def ending_of(scope: Scope) -> Ending:
    """How a scope ended, for the node it belongs to."""
    return Ending(
        succeeded=not scope.closing,
        outputs={} if scope.closing else end_outputs(scope),
        state=scope.values.get("state"),
        error=scope.failure,
        stopped=scope.closing and scope.failure is None,
    )


def settle(scope: Scope, position: int) -> list[tuple[int, str]]:
    """Tell everything behind a node that it ended.

    Gives each follower that is settled by it, with the reason why it is skipped or an empty text if it may run.
    Whoever takes a skipped one from here settles what lies behind that one too.
    """
    nodes, waits_for = scope.plan.nodes, scope.waits_for
    settled: list[tuple[int, str]] = []
    for follower in nodes[position].followers:
        waits_for[follower] -= 1
        if not waits_for[follower]:
            settled.append((follower, why_skipped(nodes[follower], scope.nodes)))
    return settled


def why_skipped(node: PlanNode, states: list[NodeState]) -> str:
    """The reason why a settled node does not run; an empty text if it does."""
    fed: set[str | None] = set()
    gate_open = False
    for link in node.incoming:
        if is_alive(link, states[link.source]):
            if link.gate:
                gate_open = True
            else:
                fed.add(link.target_port)
    if node.has_gates:
        if not gate_open:
            return "no way to it was taken"
    elif node.incoming and not fed:
        return "nothing arrived"
    for port in node.required:
        if port not in fed:
            return f"its required input {port!r} got nothing"
    if not node.incoming and node.refers_to and all(states[source].status == SKIPPED for source in node.refers_to):
        return "all it refers to was skipped"
    return ""


def is_alive(link: PlanLink, source: NodeState) -> bool:
    """Whether the source gave this link a value."""
    outputs = source.outputs
    if source.status != DONE or outputs is None:
        return False
    if link.source_port is not None:
        return link.source_port in outputs
    return not outputs or not link.branches.issuperset(outputs)


def inputs_of(node: PlanNode, states: list[NodeState]) -> dict[str, Any]:
    """What the alive links carry into a node's ports: the first of several wins, a `multiple` port collects all."""
    collected: dict[str, Any] = {}
    for link in node.incoming:
        port = link.target_port
        if port is None or link.gate or not is_alive(link, states[link.source]):
            continue
        if port in node.multiples:
            collected.setdefault(port, []).append(carried(link, states[link.source]))
        elif port not in collected:
            collected[port] = carried(link, states[link.source])
    return collected


def carried(link: PlanLink, source: NodeState) -> Any:
    """The value on an alive link; raises MissingReference where the path into it leads nowhere."""
    outputs = source.outputs or {}
    value = outputs if link.source_port is None else outputs[link.source_port]
    return dig(value, link.path, link.source_port or "") if link.path else value
