"""What one ended run adds to the statistics: its facts, folded once. No store, no clock.

Memory is flat: a node is counted when it ends and then forgotten, however many rounds its loop has.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from mulle.document.signature import Describe
from mulle.engine import scope as at
from mulle.engine.facts import AnyFact, Failure, NodeDone, NodeFailed, NodeStarted, Path, RunEnded, RunStarted
from mulle.engine.journal import RunRow
from mulle.engine.plan import ScopePlan
from mulle.engine.run import Run
from mulle.engine.scope import NodeState
from mulle.monitor.fingerprint import fingerprint, without_particulars
from mulle.monitor.tally import MICRO, Tally

Price = Callable[[str, int, int], float | None]
"""Dollars for a model's tokens of input and output; None where no price is known."""

MOST_PLACES = 500
"""Nodes of one run that are told apart; a graph that a model makes while running could have any number."""
QUARTER = 900
"""Seconds: every time zone's days begin at a quarter of an hour."""
ELSEWHERE = "…"
"""The place of all beyond that."""
RUN = ""
"""The place of the run itself."""
STATUSES = {at.DONE: "succeeded", at.FAILED: "failed"}


@dataclass(frozen=True, slots=True)
class Place:
    """What is counted together: a day in the operator's time zone, a workflow's graph, a node of it (or the run)."""

    day: str
    workflow: str
    graph: str
    node: str = RUN
    type: str = "run"


@dataclass(slots=True)
class Cause:
    """Failures that are the same one."""

    error: str
    message: str
    """Without its particulars."""
    count: int = 0
    retried: int = 0
    """Times after which it was tried again; they are not in `count`."""
    first: float = 0.0
    last: float = 0.0
    run: str = ""
    """The last run that had it, to look at."""

    def add(self, other: "Cause") -> None:
        """Count what was counted elsewhere."""
        self.count += other.count
        self.retried += other.retried
        self.first = min(self.first, other.first)
        self.last, self.run = max((self.last, self.run), (other.last, other.run))


@dataclass(slots=True)
class Tokens:
    """What was asked of one language model."""

    calls: int = 0
    input: int = 0
    output: int = 0

    def add(self, other: "Tokens") -> None:
        """Count what was counted elsewhere."""
        self.calls += other.calls
        self.input += other.input
        self.output += other.output


@dataclass(slots=True)
class Figures:
    """What runs add to the statistics."""

    tallies: dict[Place, Tally] = field(default_factory=dict[Place, Tally])
    causes: dict[tuple[Place, str], Cause] = field(default_factory=dict[tuple[Place, str], Cause])
    tokens: dict[tuple[Place, str], Tokens] = field(default_factory=dict[tuple[Place, str], Tokens])
    """By place and model."""
    ended: list["Ended"] = field(default_factory=list["Ended"])

    def add(self, other: "Figures") -> None:
        """Count what was counted elsewhere, and leave that to us."""
        _add(self.tallies, other.tallies)
        _add(self.causes, other.causes)
        _add(self.tokens, other.tokens)
        self.ended += other.ended


@dataclass(frozen=True, slots=True)
class Ended:
    """One ended run, for windows of time."""

    run: str
    workflow: str
    status: str
    detail: str
    created: float
    ended: float
    tokens: int
    cost: int
    """Millionths of a dollar, as far as prices are known."""
    empty: bool
    """It succeeded, and every one of its outputs is empty."""
    unread: str = ""
    """Why its facts could not be read here; only its row is counted then."""


class Reading:
    """One run on its way into the figures: give it the facts in order, then finish."""

    def __init__(self, row: RunRow, zone: tzinfo, price: Price, figures: Figures) -> None:
        """Read the run of this row into `figures`; a day is one of `zone`."""
        self._row = row
        self._carried = 0
        """Facts still to come that a fork brought with it: they were counted in the run that it comes from."""
        self._price = price
        self._zone = zone
        self._figures = figures
        self._started: dict[Path, tuple[float, int]] = {}
        """When each node in flight began, and at which attempt it is."""
        self._places: set[str] = set()
        self._tokens = self._cost = 0
        self._end: RunEnded | None = None
        self._failing: set[Path] = set()
        """Nodes that failed for good and are to have their ending; it is a failure, whoever handles the error."""
        self._now = row.created
        self._run: Run | None = None

    def begin(self, plan: ScopePlan, describe: Describe) -> None:
        """Get ready for the facts of a run that follows this graph."""
        self._run = Run(plan, describe)
        self._run.on_ending = self._ended

    def take(self, facts: Iterable[AnyFact]) -> None:
        """Take the next facts in. Raises BrokenJournal, NewerJournal."""
        run = self._run
        assert run is not None
        for fact in facts:
            self._now = fact.at
            if isinstance(fact, RunStarted):
                self._carried = fact.origin.kept if fact.origin else 0
            elif self._carried:
                self._carried -= 1
            elif isinstance(fact, NodeStarted):
                began, attempts = self._started.get(fact.path, (fact.at, 1))
                self._started[fact.path] = (began, max(attempts, fact.attempt))
            elif isinstance(fact, NodeDone):
                if fact.usage:
                    self._use(fact.path, fact.usage, run.at(fact.path)[1].spec.type)
            elif isinstance(fact, NodeFailed):
                self._fail(fact, run.at(fact.path)[1].spec.type)
            elif isinstance(fact, RunEnded):
                self._end = fact
            run.apply(fact)

    def finish(self, unread: str = "") -> None:
        """Count the run itself."""
        row, end = self._row, self._end
        ended = self._now if row.ended is None else row.ended
        self._tally(RUN, "run", ended).count(row.status, ended - row.created)
        if end is not None and end.error is not None and not end.error.node:  # Else it was counted at its node.
            self._cause(end.error, RUN, "run", ended).count += 1
        outputs = list(end.outputs.values()) if end is not None and row.status == "succeeded" else []
        empty = bool(outputs) and all(value in _NOTHING for value in outputs)
        self._figures.ended.append(
            Ended(
                run=row.id,
                workflow=row.workflow,
                status=row.status,
                detail=row.detail,
                created=row.created,
                ended=ended,
                tokens=self._tokens,
                cost=self._cost,
                empty=empty,
                unread=unread,
            )
        )

    def _ended(self, path: Path, state: NodeState) -> None:
        if path not in self._started:
            return  # It was skipped.
        began, attempts = self._started.pop(path)
        assert self._run is not None
        node_type = self._run.at(path)[1].spec.type
        status = "failed" if path in self._failing else STATUSES.get(state.status, "stopped")
        self._failing.discard(path)
        self._tally(self._node(path), node_type, self._now).count(status, self._now - began, attempts - 1)

    def _fail(self, fact: NodeFailed, node_type: str) -> None:
        if fact.kind == "stopped" or fact.ask_until is not None:
            return
        cause = self._cause(fact.error, self._node(fact.path), node_type, fact.at)
        if fact.retry_at is None:
            cause.count += 1
            self._failing.add(fact.path)
        else:
            cause.retried += 1

    def _use(self, path: Path, usage: dict[str, Any], node_type: str) -> None:
        model = str(usage.get("model") or "")[:100]
        read, written = _whole(usage.get("input_tokens")), _whole(usage.get("output_tokens"))
        if not (model or read or written):
            return  # Usage of another kind: what a code step printed.
        tokens = self._tokens_of(self._node(path), node_type, model)
        tokens.calls += 1
        tokens.input += read
        tokens.output += written
        self._tokens += read + written
        told = usage.get("cost")
        cost = told if isinstance(told, int | float) else self._price(model, read, written)
        self._cost += round(cost * MICRO) if cost and 0 < cost < MICRO else 0

    # ------------------------------------------------------------------ where it is counted

    def _node(self, path: Path) -> str:
        """The node's place in its workflow: its path without the numbers of scopes."""
        node = "/".join(step for step in path if isinstance(step, str))
        if node not in self._places:
            if len(self._places) >= MOST_PLACES:
                return ELSEWHERE
            self._places.add(node)
        return node

    def _place(self, node: str, node_type: str, when: float) -> Place:
        return Place(
            _day(int(when // QUARTER), self._zone),
            self._row.workflow,
            self._row.graph,
            node,
            "" if node == ELSEWHERE else node_type,
        )

    def _tally(self, node: str, node_type: str, when: float) -> Tally:
        return self._figures.tallies.setdefault(self._place(node, node_type, when), Tally())

    def _tokens_of(self, node: str, node_type: str, model: str) -> Tokens:
        return self._figures.tokens.setdefault((self._place(node, node_type, self._now), model), Tokens())

    def _cause(self, error: Failure, node: str, node_type: str, when: float) -> Cause:
        mark = fingerprint(error.type, node_type, node, error.message)
        key = (self._place(node, node_type, when), mark)
        cause = self._figures.causes.get(key)
        if cause is None:
            cause = self._figures.causes[key] = Cause(error.type, without_particulars(error.message), first=when)
        cause.first = min(cause.first, when)
        cause.last, cause.run = max((cause.last, cause.run), (when, self._row.id))
        return cause


@lru_cache(maxsize=1024)
def _day(quarter: int, zone: tzinfo) -> str:
    """The date on which a quarter of an hour since 1970 lies."""
    return datetime.fromtimestamp(quarter * QUARTER, zone).date().isoformat()


_NOTHING: tuple[Any, ...] = (None, "", [], {})


def _add(into: dict[Any, Any], others: dict[Any, Any]) -> None:
    for key, other in others.items():
        if key in into:
            into[key].add(other)
        else:
            into[key] = other


def _whole(value: Any) -> int:
    """A count that somebody else's model reported."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40 else 0
