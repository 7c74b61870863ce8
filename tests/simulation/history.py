"""All that really happened in a world: what the store took, what steps did outside, what was told to people.

It sees everything at the instant at which it happens, and folds each run along: what is durable and what is not, who
owns which run, is known here without asking the code that is tested.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from tests.engine.reference import Data
from tests.simulation.keeping import KeepWatch
from tests.simulation.queues import QueueWatch
from tests.simulation.rules import Blobs, Standing
from tests.simulation.workload import TYPES, Workload

from mulle.engine.blobs import Unpacked, whole
from mulle.engine.facts import AnyFact, NodeStarted, Path, RunEnded, RunStarted
from mulle.engine.journal import Batch, Claim, Debounce, InboxSignal, Keep, NewRun
from mulle.engine.run import Run
from mulle.engine.scope import NodeState
from mulle.sdk import Context

GOES_ON = "With a run end its children: no child goes on that has not been told to stop."

_fact = msgspec.json.Decoder(AnyFact)


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that a step began, or did, to the world outside."""

    at: float
    process: str
    path: Path
    turn: int
    attempt: int
    effect: str
    done: bool
    """It happened; False: the step began."""
    owner: str | None
    """Who owned the run then."""
    licence: str
    """How the durable journal saw the node then: `running` is the licence."""
    outputs: Data | None


@dataclass(slots=True)
class Written:
    """A fact in the journal, with who wrote it when."""

    at: float
    process: str
    epoch: int
    fact: AnyFact


@dataclass
class RunHistory:
    """One run."""

    id: str
    key: str
    work: Workload
    run: Run
    new: NewRun
    owner: str | None = None
    epoch: int = 1
    facts: list[Written] = field(default_factory=list[Written])
    effects: list[Effect] = field(default_factory=list[Effect])
    endings: dict[Path, NodeState] = field(default_factory=dict[Path, NodeState])
    signals: dict[str, float] = field(default_factory=dict[str, float])
    """Ids that the store took, and when."""
    owners: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """Who owned it from when on, as far as it was claimed."""
    kills: list[tuple[float, bool]] = field(default_factory=list[tuple[float, bool]])
    """When a step of it ended its process, and whether that one drove nothing else."""
    results: list[Any] = field(default_factory=list[Any])
    """What those who waited were told."""

    since: float = 0.0
    """When the first call came of those whose place it takes."""
    begins: float = 0.0
    """When a call that may be superseded begins at the earliest, by the clock."""
    superseded: bool = False
    """A later call took its place before it had begun."""
    blobs: set[str] = field(default_factory=set[str])
    """Big values that its facts refer to, by hash."""
    begun_with: int = 0
    """How many facts were written with its creation."""
    given: bool = False
    """A person gave outputs for a step of it, or of a run that it comes from."""
    pinned: bool = False
    """Somebody wants it kept for ever."""
    gone: bool = False
    """It was old, and was swept away."""

    @property
    def is_to_be_cancelled(self) -> bool:
        """Whether somebody said so, and be it a run that took its place."""
        return self.superseded or any(signal.startswith(("cancel/", "poisoned/")) for signal in self.signals)

    @property
    def started(self) -> RunStarted:
        first = self.facts[0].fact
        assert isinstance(first, RunStarted)
        return first

    @property
    def own(self) -> list[Written]:
        """The facts that are not another run's."""
        origin = self.started.origin
        return self.facts[1 + origin.kept if origin else 0 :]

    @property
    def deadline(self) -> float:
        """When it is cut off, by the clock."""
        return math.inf if self.started.deadline is None else self.started.deadline

    @property
    def ended(self) -> RunEnded | None:
        return self.run.ended

    def of(self, kind: type) -> list[Written]:
        return [one for one in self.facts if isinstance(one.fact, kind)]


class History:
    """The runs of a world, and its trouble."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.runs: dict[str, RunHistory] = {}
        self.works: dict[str, Workload] = {}
        """What each client's run is to do, by the client's key, and what all children do."""
        self.lines: list[str] = []
        self.wrong: list[str] = []
        """Promises that were seen broken, with the instant."""
        self.grants: dict[str, dict[str, float]] = {}
        """By allowance: who may use it when, by the clock."""
        self.at_work: dict[tuple[str, str], set[Path]] = {}
        """Steps by process and type, as far as they stop when they are told to."""
        self.most_at_work: dict[str, int] = {}
        """How many of a type were at work at a time in one process."""
        self.queues = QueueWatch(self.broken)
        self.keeping = KeepWatch(self.runs, self.broken)
        self._values: dict[str, Any] = {}
        """All big values that were ever written, by hash."""
        self.deaths: list[tuple[float, str]] = []
        """Unclean ones."""

    def say(self, text: str) -> None:
        self.lines.append(f"{self.now():9.4f}  {text}")

    def broken(self, text: str) -> None:
        self.say(f"BROKEN: {text}")
        self.wrong.append(text)

    # ------------------------------------------------------------------ what the store did

    def created(self, run: NewRun, facts: list[bytes], blobs: Blobs, owner: str) -> None:
        key = run.graph.removeprefix("g")
        work = self.works[key]
        kept = RunHistory(
            run.id,
            f"{run.id} again" if run.forked else run.dedup or key,
            work,
            Run(work.plan, TYPES.describe),
            run,
            owner,
        )
        kept.run.on_ending = lambda path, state: self._ended(kept, path, state)
        if any(other.key == run.dedup and other.new.dedup and not other.gone for other in self.runs.values()):
            self.broken(f"two runs for {run.dedup}")
        if run.parent is not None and run.is_child and self.runs[run.parent].ended:
            self.broken(f"{GOES_ON} {run.id} began after {run.parent} had ended")
        if run.debounce is not None:
            self._supersede(kept, run.debounce)
        self.runs[run.id] = kept
        if run.waits_its_turn:
            kept.owner, kept.epoch = None, 0
        else:
            kept.owners.append((self.now(), owner))
        kept.begun_with = len(facts)
        self._take(kept, facts, blobs, owner, kept.epoch)
        if kept.started.origin:
            kept.given = bool(kept.started.origin.given) or self.runs[run.parent or ""].given

    def _supersede(self, kept: RunHistory, debounce: Debounce) -> None:
        """Note which calls that have not begun a new one takes the place of."""
        since = kept.new.created
        for other in self.runs.values():
            if other.new.debounce is not None and not (other.owners or other.superseded):
                other.superseded = True
                since = min(since, other.since)
        kept.since, kept.begins = since, kept.new.created + debounce.wait
        if debounce.at_most is not None:
            kept.begins = min(kept.begins, since + debounce.at_most)

    def looked(self, standings: Sequence[Standing]) -> None:
        self.queues.look(standings, self.runs)

    def appended(self, batch: Batch, owner: str) -> None:
        kept = self.runs[batch.run]
        if owner != kept.owner or batch.epoch != kept.epoch:
            self.broken(f"{owner} wrote to {batch.run} at epoch {batch.epoch}, which {kept.owner} owns at {kept.epoch}")
        if batch.after != len(kept.facts):
            self.broken(f"{owner} wrote to {batch.run} after {batch.after} facts of {len(kept.facts)}")
        for run, signal in batch.signals:
            if run in self.runs:
                self.sent(run, signal)
        self._take(kept, batch.facts, batch.blobs, owner, batch.epoch)
        if kept.ended:
            self._see_children(kept)

    def _see_children(self, kept: RunHistory) -> None:
        """Of a run that ends in this instant nothing goes on: its children have ended, or have just been told to."""
        for child in self.runs.values():
            if child.new.is_child and child.new.parent == kept.id and not (child.ended or child.is_to_be_cancelled):
                self.broken(f"{GOES_ON} {child.id} does")

    def _take(self, kept: RunHistory, facts: list[bytes], blobs: Blobs, owner: str, epoch: int) -> None:
        self._values |= {name: _value(name, parts) for name, parts in blobs.items() if name not in self._values}
        for encoded in facts:
            fact = _fact.decode(encoded)
            kept.blobs.update(ref.hash for ref in fact.blobs)
            fact = whole(fact, self._values.__getitem__)
            self.say(f"{owner:>5} writes {kept.id} {_told(fact)}")
            kept.facts.append(Written(self.now(), owner, epoch, fact))
            try:
                kept.run.apply(fact)
            except Exception as error:  # noqa: BLE001  # Whatever it is: this journal can no longer be read.
                self.broken(f"{kept.id} has a journal that does not fold: {error}")

    def _ended(self, kept: RunHistory, path: Path, state: NodeState) -> None:
        if path in kept.endings:
            self.broken(f"{kept.id} {path} ended twice")
        kept.endings[path] = msgspec.structs.replace(state)

    def claimed(self, claim: Claim, owner: str) -> None:
        kept = self.runs[claim.row.id]
        self.say(f"{owner:>5} claims {kept.id} at epoch {claim.row.epoch}{' from the dead' if claim.unclean else ''}")
        if claim.row.epoch <= kept.epoch:
            self.broken(f"{kept.id} was claimed at epoch {claim.row.epoch} after {kept.epoch}")
        kept.owner, kept.epoch = owner, claim.row.epoch
        kept.owners.append((self.now(), owner))

    def released(self, run: str, owner: str) -> None:
        kept = self.runs[run]
        self.say(f"{owner:>5} lets go of {run}")
        if owner != kept.owner and not kept.ended:
            self.broken(f"{owner} let go of {run}, which {kept.owner} owns")
        kept.owner = None

    def left(self, owner: str) -> None:
        for kept in self.runs.values():
            if kept.owner == owner:
                kept.owner = None

    def declared_dead(self, owner: str) -> None:
        self.say(f"{owner:>5} is taken for dead")
        self.deaths.append((self.now(), owner))

    def reserved(self, name: str, holder: str, most: int, per: float, at: float) -> None:
        del most, per
        self.say(f"      grants {name} to {holder} at {at:.4f}")
        self.grants.setdefault(name, {})[holder] = at

    def remembered(self, run: str, snapshot: bytes) -> None:
        self.say(f"      keeps a snapshot of {run}")
        if not (self.runs[run].ended or self.runs[run].gone):
            self.keeping.remembered(run, snapshot)

    def pinned(self, run: str) -> None:
        self.say(f"      is to keep {run} for ever")
        self.runs[run].pinned = True

    def swept(self, left: set[str], keep: Keep, now: float) -> None:
        gone = [run for run, kept in self.runs.items() if not (kept.gone or run in left)]
        if gone:
            self.say(f"      {', '.join(gone)} went, being old")
        self.keeping.swept(left, keep, now)

    def kept(self, blobs: set[str]) -> None:
        self.keeping.kept(blobs)

    def sent(self, run: str, signal: InboxSignal) -> None:
        self.say(f"      takes {signal.name!r} for {run} ({signal.id})")
        self.runs[run].signals[signal.id] = self.now()

    # ------------------------------------------------------------------ what steps did

    def effect(self, process: str, effect: str, ctx: Context, *, done: bool, outputs: Data | None) -> None:
        """A step begins, or has its effect, now."""
        kept, path = self.runs[ctx.run_id], ctx.path
        try:
            node = kept.run.at(path)[2]
            fits = (node.turn, node.attempt) == (ctx.turn, ctx.attempt)
            licence = node.status if fits else f"at turn {node.turn}, attempt {node.attempt}"
        except Exception:  # noqa: BLE001  # Its scope is gone, or was never opened.
            licence = "gone"
        does = "DOES" if done else "begins"
        self.say(f"{process:>5} {does} {kept.id} {_place(path)} turn {ctx.turn} attempt {ctx.attempt} {effect}")
        kept.effects.append(
            Effect(self.now(), process, path, ctx.turn, ctx.attempt, effect, done, kept.owner, licence, outputs)
        )

    def effect_begins(self, process: str, ctx: Context) -> None:
        node = self.runs[ctx.run_id].work.nodes[ctx.node_id]
        if not node["data"]["stubborn"]:
            working = self.at_work.setdefault((process, node["type"]), set())
            working.add((ctx.run_id, *ctx.path))
            self.most_at_work[node["type"]] = max(self.most_at_work.get(node["type"], 0), len(working))

    def effect_ends(self, process: str, ctx: Context) -> None:
        node = self.runs[ctx.run_id].work.nodes[ctx.node_id]
        self.at_work.get((process, node["type"]), set()).discard((ctx.run_id, *ctx.path))


def _value(name: str, parts: Sequence[bytes]) -> Any:
    unpacked = Unpacked(name)
    for part in parts:
        unpacked.add(part)
    return unpacked.value()


def _place(path: Path) -> str:
    return "/".join(map(str, path))


def _told(fact: AnyFact) -> str:
    path = getattr(fact, "path", None)
    place = f" {_place(path)}" if path is not None else ""
    match fact:
        case NodeStarted():
            more = f"turn {fact.turn} attempt {fact.attempt} {fact.effect}"
        case RunEnded():
            more = f"{fact.status} {fact.detail}"
        case _:
            found = {
                name: getattr(fact, name, None) for name in ("kind", "retry_at", "ask_until", "until", "id", "detail")
            }
            more = " ".join(f"{name}={value}" for name, value in found.items() if value is not None)
    return f"{type(fact).__name__}{place} {more}"
