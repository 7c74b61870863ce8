"""What has to be known of a run before its facts can be told again: why it ended, who heard what, what was cut off."""

from bisect import bisect_left
from collections.abc import Sequence

from mulle.document.signature import Describe
from mulle.document.variables import Write
from mulle.engine import scope as at
from mulle.engine.facts import (
    AnyFact,
    NodeDone,
    NodeExpanded,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    Outputs,
    Path,
    RunStarted,
    Signalled,
)
from mulle.engine.plan import PlanNode, ScopePlan
from mulle.engine.run import Run
from mulle.engine.scope import Expansion, NodeState
from mulle.errors import BrokenJournal

OfNode = NodeStarted | NodeDone | NodeExpanded | NodeWaiting | NodeFailed
"""Facts that belong to a node."""


class Past:
    """A run's facts, read once."""

    def __init__(self, facts: Sequence[AnyFact], plan: ScopePlan, describe: Describe) -> None:
        """Fold the facts; raises BrokenJournal."""
        if not facts or not isinstance(facts[0], RunStarted):
            raise BrokenJournal("A run begins with RunStarted.")
        self.facts = facts
        self.started = facts[0]
        self.cut_off: set[int] = set()
        """Failures of nodes that ended because their scope did."""
        self.expansions: dict[int, Expansion] = {}
        """What became of each, by the position of its fact."""
        self.woken: dict[int, frozenset[Path]] = {}
        """Who was woken by a signal, by the position of its fact."""
        self.taken_early: set[str] = set()
        """Ids of signals that came before somebody waited for them."""
        self._own: dict[Path, list[int]] = {}
        self._failed_in: dict[Path, list[Path]] = {}
        """By scope: the node that ended it by its failure, and those that were about to."""
        self._run = Run(plan, describe)
        for index, fact in enumerate(facts):
            self._read(index, fact)

    def _read(self, index: int, fact: AnyFact) -> None:
        run = self._run
        if isinstance(fact, Signalled):
            if listening := run.listening_to(fact.name):
                self.woken[index] = frozenset(listening)
            run.apply(fact)
        elif isinstance(fact, OfNode):
            self._own.setdefault(fact.path, []).append(index)
            scope, plan, node = run.at(fact.path)
            closing = scope.closing
            run.apply(fact)
            if isinstance(fact, NodeExpanded) and node.expansion:
                self.expansions[index] = node.expansion
            elif isinstance(fact, NodeWaiting) and node.signal:
                self.taken_early.add(node.signal["id"])
            elif isinstance(fact, NodeFailed) and closing:
                self.cut_off.add(index)
            elif node.status == at.FAILED or _will_end_it(fact, plan, node):
                self._failed_in.setdefault(fact.path[:-1], []).append(fact.path)
        else:
            run.apply(fact)

    # ------------------------------------------------------------------ turns

    def turn_began(self, path: Path, before: int | None = None) -> int:
        """Where a node's last turn (before a position) was first started."""
        own = self._own[path]
        began, turn = own[0], None
        for index in reversed(own[: len(own) if before is None else bisect_left(own, before)]):
            fact = self.facts[index]
            if isinstance(fact, NodeStarted):
                if turn not in {None, fact.turn}:
                    break
                began, turn = index, fact.turn
        return began

    def undone_turn(self, path: Path, failed: int) -> int:
        """From where on a node that was cut off is undone.

        An expanded one loses its stop alone: what is inside of it is undone by itself. A `once` step that may or may
        not have happened keeps its start.
        """
        own = self._own[path]
        number = bisect_left(own, failed)
        if isinstance(self.facts[own[number - 1]], NodeExpanded):
            return failed
        began, effect = self.turn_began(path, failed), ""
        for index in own[bisect_left(own, began) : number + 1]:
            fact = self.facts[index]
            if isinstance(fact, NodeStarted):
                effect = fact.effect
            elif isinstance(fact, NodeFailed) and fact.kind == "interrupted" and effect == "once":
                return index
        return began

    def was_last_of(self, path: Path, index: int) -> bool:
        """Whether the node never took another turn after this fact."""
        own = self._own[path]
        return not any(isinstance(self.facts[later], NodeStarted) for later in own[bisect_left(own, index) :])

    # ------------------------------------------------------------------ failures

    def undone(self, scope: Path, *, beside: bool = False) -> dict[Path, int]:
        """The turns to be undone so that a scope goes on that failed; none for one that did not.

        Args:
            scope: Its path.
            beside: In the scopes beside it too, where one failure ends them all.
        """
        cuts: dict[Path, int] = {}
        for path in self._failed_in.get(scope, ()):
            cuts |= self._blamed(path)
        if beside and scope:
            for index in self._own[scope[:-1]]:
                expansion = self.expansions.get(index)
                if expansion and not expansion.tolerant and scope[-1] in self._numbers(expansion):
                    cuts |= self._undone_in(scope[:-1], expansion)
        return cuts

    def _numbers(self, expansion: Expansion) -> range:
        return range(expansion.first, expansion.first + len(expansion.scopes))

    def _undone_in(self, path: Path, expansion: Expansion) -> dict[Path, int]:
        cuts: dict[Path, int] = {}
        for number in self._numbers(expansion):
            cuts |= self.undone((*path, number))
        return cuts

    def _blamed(self, path: Path) -> dict[Path, int]:
        """A node that failed: its last turn, or what failed inside of it in the turn before."""
        own, began = self._own[path], self.turn_began(path)
        number = len(own)
        while isinstance(self.facts[own[number - 1]], NodeFailed):
            number -= 1
        if number < len(own) and isinstance(self.facts[own[number - 1]], NodeExpanded):
            return {path: own[number]}  # Its time was up. Its body goes on: what was stopped is undone by itself.
        number = bisect_left(own, began)
        expansion = self.expansions.get(own[number - 1]) if number else None
        inside = self._undone_in(path, expansion) if expansion else {}
        return inside or {path: began}

    # ------------------------------------------------------------------ answers

    def outputs_with(self, path: Path, plan: PlanNode, given: Outputs) -> Outputs:
        """A node's outputs with some of them replaced; a given branch is the only one taken."""
        outputs: Outputs = {port.name: None for port in plan.signature.outputs if not port.branch}
        if answer := self._answer(path):
            outputs = dict(answer.outputs)
        branches = {port.name for port in plan.signature.outputs if port.branch}
        if not branches.isdisjoint(given):
            outputs = {name: value for name, value in outputs.items() if name not in branches}
        return outputs | given

    def writes(self, path: Path) -> tuple[Write, ...]:
        answer = self._answer(path)
        return answer.writes if answer else ()

    def _answer(self, path: Path) -> NodeDone | None:
        last = self.facts[self._own[path][-1]] if path in self._own else None
        return last if isinstance(last, NodeDone) else None


def _will_end_it(fact: OfNode, plan: PlanNode, node: NodeState) -> bool:
    """Whether a node fails its scope as soon as all inside of it is stopped: its time was up."""
    late = node.overdue
    return late is not None and late is fact and late.retry_at is None and plan.spec.on_error == "fail"
