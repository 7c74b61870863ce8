"""What a fork begins with: the facts of an earlier run that do not lie behind a change, in an order that folds.

What "behind" means is said nowhere but in the rules of readiness. The old facts are told to a new fold, one after the
other: those of nodes that are cut are left out, and what lies behind such a node then cannot happen, because nothing
has led to it. Knows no store, no clock and nobody who asks for forks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mulle.document.signature import Describe
from mulle.document.workflow import Body, NodeSpec
from mulle.engine import scope as at
from mulle.engine.facts import (
    AnyFact,
    NodeDone,
    NodeExpanded,
    NodeFailed,
    NodeStarted,
    Outputs,
    Path,
    RunCancelled,
    RunEnded,
    RunStarted,
    Signalled,
)
from mulle.engine.past import OfNode, Past
from mulle.engine.plan import PlanNode, ScopePlan
from mulle.engine.run import Run
from mulle.engine.scope import Expansion
from mulle.engine.tree import spoken
from mulle.errors import BrokenJournal, InputError


class WouldNotRun(InputError):
    """A fork was asked for at a node that would not run in it."""

    code = "fork.would_not_run"
    message = "'{node}' would not run: {why}."
    hint = "Fork at a node that decides whether it runs, or give that one other outputs with `--set`."


@dataclass(frozen=True, slots=True)
class Change:
    """What makes a fork different from the run it comes from. Nothing of all: it goes on where that one stopped."""

    again: Path | None = None
    """This node and all that lies behind it run again."""
    given: Mapping[Path, Outputs] = field(default_factory=dict[Path, Outputs])
    """Outputs that take the place of what nodes answered; what lies behind these runs again."""


def kept_facts(
    facts: Sequence[AnyFact],
    old: ScopePlan,
    new: ScopePlan,
    *,
    describe: Describe,
    first: RunStarted,
    change: Change,
) -> list[AnyFact]:
    """The facts that follow a fork's first one.

    Every ending is kept that is not behind a change. A failure that ended the old run, and what was stopped by it or by
    a cancel, is undone: those turns run again. A `once` step that was cut off is left as if it were under way, so that
    whoever drives the fork asks what became of it.

    Args:
        facts: All of the old run.
        old: The graph that it followed.
        new: The graph that the fork follows; nodes that are not the same in both run again.
        describe: Of the node types.
        first: The fork's RunStarted.
        change: What is to be different.

    Raises:
        WouldNotRun: The change is about a node that the fork would not come to.
        BrokenJournal: The facts are not those of a run of `old`.
    """
    past = Past(facts, old, describe)
    cuts = _first_cuts(past, change) | dict.fromkeys(_changed(old, new, past.started, first), 0)
    unheard: set[str] = set()
    while True:
        replay = _Replay(past, Run(new, describe), cuts, unheard, change.given)
        replay.play(first)
        for path, index in replay.found.items():
            cuts[path] = min(index, cuts.get(path, index))
        # A signal that woke somebody who runs again is not for whoever comes next.
        late = past.taken_early.intersection(replay.run.unheard)
        if not replay.found and not late:
            break
        unheard |= late
    replay.check(change)
    return replay.kept


# ---------------------------------------------------------------------- where to cut


def _first_cuts(past: Past, change: Change) -> dict[Path, int]:
    """For each node that runs again: from which of the old facts on its own are left out."""
    cuts = past.undone(())
    for path in filter(None, [change.again, *change.given]):
        for length in range(len(path) - 1, 0, -2):
            cuts |= past.undone(path[:length], beside=True)
        cuts[path] = 0
    return cuts


def _changed(old: ScopePlan, new: ScopePlan, before: RunStarted, first: RunStarted) -> list[Path]:
    """The nodes that are not the same in both graphs: their settings, what leads to them, the environment they see."""
    if old is new and before.environment == first.environment:
        return []
    names = before.environment.keys() | first.environment.keys()
    other = {name for name in names if before.environment.get(name) != first.environment.get(name)}
    found: list[Path] = []
    for node in new.nodes:
        position = old.position.get(node.id)
        same = position is not None and _seen(old.nodes[position], old) == _seen(node, new)
        if not same or not other.isdisjoint(_environment(node)):
            found.append((node.id,))
    return found


def _seen(node: PlanNode, plan: ScopePlan) -> tuple[Any, ...]:
    """All of a node that decides what it does."""
    links = [
        (plan.nodes[link.source].id, link.source_port, link.target_port, link.path, link.gate) for link in node.incoming
    ]
    return _bare(node.spec), links, {plan.nodes[source].id for source in node.refers_to}


def _bare(spec: NodeSpec) -> NodeSpec:
    """A node without what is only for eyes."""
    body = spec.body
    if body is not None:
        edges = tuple(edge.model_copy(update={"id": None}) for edge in body.edges)
        body = Body(nodes=tuple(map(_bare, body.nodes)), edges=edges)
    return spec.model_copy(update={"position": None, "ui": None, "body": body})


def _environment(node: PlanNode) -> Iterable[str]:
    """The environment variables that a node, or something inside of it, refers to."""
    for item in node.signature.references:
        if item.reference.root == "env" and item.reference.path:
            yield str(item.reference.path[0])
    for inner in node.body.nodes if node.body else ():
        yield from _environment(inner)


# ---------------------------------------------------------------------- telling it again


class _Replay:
    """One attempt to tell the old facts to a new fold."""

    def __init__(
        self, past: Past, run: Run, cuts: Mapping[Path, int], unheard: set[str], given: Mapping[Path, Outputs]
    ) -> None:
        self.run = run
        self.kept: list[AnyFact] = []
        self.found: dict[Path, int] = {}
        """Further cuts that turned out to be needed."""
        self._past = past
        self._cuts = cuts
        self._unheard = unheard
        self._given = dict(given)
        self._began: dict[Path, int] = {}
        """Where the last start stands that was told of a node."""
        self._over: set[Path] = set()
        """Nodes of whose old facts no more are taken."""
        self._touched = {path[:length] for path in cuts for length in range(2, len(path), 2)}
        """Scopes in which something runs again."""

    def play(self, first: RunStarted) -> None:
        self.run.apply(first)
        told = enumerate(self._past.facts)
        left = [(index, fact) for index, fact in told if not isinstance(fact, (RunStarted, RunCancelled, RunEnded))]
        while True:
            before = len(left)
            left = self._told(left)
            if len(left) == before and not self._give(first.at):
                break
        for path in self.run.commands:
            _, _, node = self.run.at(path)
            if node.status == at.RUNNING and node.effect != "once":
                self.found[path] = self._past.turn_began(path, self._began[path] + 1)

    def check(self, change: Change) -> None:
        """Raises WouldNotRun for a change that changes nothing."""
        for path in self._given:
            raise WouldNotRun(node=spoken(path), why=self._why_not(path) or "nothing leads to it yet")
        why = self._why_not(change.again) if change.again else ""
        if change.again and why:
            raise WouldNotRun(node=spoken(change.again), why=why)

    def _why_not(self, path: Path) -> str:
        for length in range(1, len(path) + 1, 2):
            try:
                _, _, node = self.run.at(path[:length])
            except BrokenJournal:
                return "" if length > 1 else "the graph has no such node"
            if node.status in at.ENDINGS:
                return node.reason or f"'{spoken(path[:length])}' has ended without it"
        return ""

    def _told(self, left: Sequence[tuple[int, AnyFact]]) -> list[tuple[int, AnyFact]]:
        """Tell facts in their order; gives those that cannot be told yet, or at all."""
        later: list[tuple[int, AnyFact]] = []
        held_up: set[Path] = set()
        for index, fact in left:
            if isinstance(fact, Signalled):
                if fact.id not in self._unheard and not self._signalled(index, fact):
                    later.append((index, fact))
                continue
            assert isinstance(fact, OfNode)
            path = fact.path
            if path in self._over or self._cuts.get(path, index + 1) <= index:
                continue
            if path in held_up or not self._apply(index, fact):
                held_up.add(path)
                later.append((index, fact))
        return later

    def _signalled(self, index: int, fact: Signalled) -> bool:
        woken = self._past.woken.get(index)
        if woken and not any(path in woken for path in self.run.listening_to(fact.name)):
            return False
        self._tell(fact)
        return True

    def _apply(self, index: int, fact: AnyFact) -> bool:
        """Take a fact in, unless it cannot have happened here, or not yet."""
        try:
            if isinstance(fact, NodeFailed) and index in self._past.cut_off and not self._is_cut_off(index, fact):
                return False
            if isinstance(fact, NodeExpanded):
                fact = self._in_order(index, fact)
            elif isinstance(fact, NodeDone) and fact.usage:
                fact = msgspec.structs.replace(fact, usage=None)  # It was paid for once.
            self._tell(fact)
        except BrokenJournal:
            return False
        if isinstance(fact, NodeStarted):
            self._began[fact.path] = index
        return True

    def _tell(self, fact: AnyFact) -> None:
        self.run.apply(fact)
        self.kept.append(fact)

    def _is_cut_off(self, index: int, fact: NodeFailed) -> bool:
        """Whether a node that ended with its scope is to end here as well; if not, its turn is undone."""
        scope, _, node = self.run.at(fact.path)
        if scope.closing:
            return True
        if node.status not in (at.PENDING, at.READY):
            self.found[fact.path] = self._past.undone_turn(fact.path, index)
        return False

    def _in_order(self, index: int, fact: NodeExpanded) -> NodeExpanded:
        """Let the scopes that are kept whole open before those that run again: these would keep their places.

        With as many places as before, every whole one finds one at the latest when it found one then.
        """
        expansion = self._past.expansions[index]
        count = len(fact.scopes)
        if expansion.limit >= count or not self._is_touched(index, fact.path, expansion):
            return fact
        numbers = fact.order or tuple(range(count))
        whole = [number for number in numbers if self._is_whole(fact.path, expansion, number)]
        others = [number for number in numbers if number not in set(whole)]
        begun = set(numbers[: expansion.opened])
        order = (*whole, *sorted(others, key=lambda number: (number not in begun, number in expansion.endings)))
        return msgspec.structs.replace(fact, order=() if order == tuple(range(count)) else order)

    def _is_touched(self, index: int, path: Path, expansion: Expansion) -> bool:
        if self._cuts.get(path, 0) and self._past.was_last_of(path, index):
            return True
        return any((*path, expansion.first + number) in self._touched for number in range(len(expansion.scopes)))

    def _is_whole(self, path: Path, expansion: Expansion, number: int) -> bool:
        ending = expansion.endings.get(number)
        return ending is not None and not ending.stopped and (*path, expansion.first + number) not in self._touched

    def _give(self, now: float) -> bool:
        """Answer for nodes whose outputs are given, as soon as they are ready; whether there were any."""
        ready = [path for path in self._given if path in self.run.commands]
        for path in ready:
            command, (scope, plan, _) = self.run.commands[path], self.run.at(path)
            outputs = self._past.outputs_with(path, plan, self._given.pop(path))
            self._tell(NodeStarted(at=now, path=path, turn=command.turn, attempt=command.attempt))
            self._over.update((*scope.path, scope.plan.nodes[follower].id) for follower in plan.followers)
            self._over.update(path[:length] for length in range(len(path) - 2, 0, -2))
            self._tell(NodeDone(at=now, path=path, outputs=outputs, writes=self._past.writes(path)))
        return bool(ready)
