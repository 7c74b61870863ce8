"""The fold of a run's facts: what happened goes in, what is to be done next comes out.

    run = Run(plan, describe)
    run.apply(fact) …         every fact, in journal order
    run.commands              what should be running now: {path: Execute}
    run.to_stop               what has started and should not go on: it needs an ending
    run.finish                set when nothing is left but to write the run's end

Whoever drives a run makes the world look like this: starts what is listed and not running, stops what runs and is not
listed. That is all there is to recovery (nothing is running) and to cancelling (nothing is listed).
"""

from collections.abc import Mapping
from typing import NoReturn, Self

from mulle.document.signature import Describe
from mulle.document.variables import WriteRefused, written
from mulle.engine import scope as at
from mulle.engine import snapshot
from mulle.engine.agenda import Agenda
from mulle.engine.budget import Spent
from mulle.engine.facts import (
    FORMAT,
    RULES,
    AnyFact,
    Execute,
    Failure,
    Finish,
    NodeDone,
    NodeExpanded,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    Outputs,
    Path,
    RunCancelled,
    RunEnded,
    RunStarted,
    Signalled,
)
from mulle.engine.plan import MadeGraphs, PlanNode, ScopePlan
from mulle.engine.scope import Expansion, NodeState, Scope
from mulle.engine.signals import signal_name
from mulle.engine.tree import OnEnding, Place, Tree, spoken
from mulle.errors import BrokenJournal, NewerJournal, StepError


class NothingToRun(StepError):
    """A step asked for its body to be run and has none."""

    code = "step.no_body"
    message = "The step asked for its body to be run, and it has none."
    hint = "Give the node a `body`."


class Run:
    """One run, as far as its facts tell."""

    written: frozenset[str] = frozenset()
    """Conversation variables that it changed."""

    def __init__(self, plan: ScopePlan, describe: Describe) -> None:
        self.plan = plan
        self.started: RunStarted | None = None
        self.cancelled: RunCancelled | None = None
        self.ended: RunEnded | None = None
        self.finish: Finish | None = None
        self.conversation: Outputs = {}
        self.spent = Spent()
        """What it has used up so far."""
        self.head = 0
        """How many facts were applied."""
        self._carried = 0
        """How many facts after the first are another run's: they cost nothing here."""
        self._tree = Tree()
        self._describe = describe
        self._graphs: MadeGraphs | None = None
        """What its nodes made; few make any."""

    # ------------------------------------------------------------------ reading

    @property
    def commands(self) -> Mapping[Path, Execute]:
        """What should be running."""
        return self._tree.agenda.commands

    @property
    def to_stop(self) -> Mapping[Path, None]:
        """What has begun and needs its ending, because its scope ended."""
        return self._tree.agenda.to_stop

    @property
    def agenda(self) -> Agenda:
        """What is to be done, and what of it changed."""
        return self._tree.agenda

    def at(self, path: Path) -> Place:
        """The scope, the plan and the state of the node at a path; raises BrokenJournal when there is none."""
        return self._tree.at(path)

    def neighbours(self, scope: Scope) -> Mapping[str, int]:
        """The nodes of an open scope: ids and positions."""
        return scope.plan.position

    def scopes_around(self, path: Path) -> list[tuple[Scope, ScopePlan]]:
        """The open scopes that a node sees, its own first, the run's own last."""
        return [(scope, scope.plan) for scope in self._tree.around(path)]

    def over_budget(self) -> str:
        """Why no further turn may begin: what the run may use up is used up. Empty while there is something left."""
        budget = self.started.budget if self.started else None
        return self.spent.beyond(budget) if budget else ""

    def in_flight(self) -> bool:
        """Whether a node has started and not ended its turn."""
        return any(state.status == at.RUNNING for scope in self._tree.scopes.values() for state in scope.nodes)

    def waiting(self) -> dict[Path, NodeState]:
        """Every node that listens for a signal or a person's word; with `until` time moves it too."""
        return {path: self.at(path)[2] for names in self._tree.signals.listeners.values() for path in names}

    @property
    def deadline(self) -> tuple[float, Path] | None:
        """When the next node's time is up while its body is at work or it waits, and which node it is."""
        return self._tree.deadline() if self._tree.deadlines else None

    def listening_to(self, name: str) -> list[Path]:
        """Who is woken by a signal of this name."""
        return self._tree.signals.listening(name)

    @property
    def unheard(self) -> set[str]:
        """Ids of signals that nobody has waited for yet."""
        return {signal.id for kept in self._tree.signals.early.values() for signal in kept}

    @property
    def on_ending(self) -> OnEnding | None:
        """Told of every node's ending, skips among them; for those who keep records."""
        return self._tree.on_ending

    @on_ending.setter
    def on_ending(self, told: OnEnding | None) -> None:
        self._tree.on_ending = told

    # ------------------------------------------------------------------ asking beforehand

    def check(self, fact: AnyFact) -> None:
        """Ask whether a node's answer can be taken in, before it becomes history.

        Raises StepError (WriteRefused, NothingToRun, UnrunnableStepGraph) for an answer that has to be turned into the
        node's failure: once it is in the journal, it is a BrokenJournal.
        """
        if isinstance(fact, NodeDone) and fact.writes:
            self.variables_after(fact)
        elif isinstance(fact, NodeExpanded):
            self._graph_of(self.at(fact.path)[1], fact.plan)

    def variables_after(self, fact: NodeDone) -> tuple[Outputs, Outputs | None]:
        """The conversation variables and the loop state as a node's writes would leave them; raises WriteRefused."""
        conversation = dict(self.conversation)
        owner = self._state_owner(fact.path)
        state: Outputs | None = dict(owner.values["state"] or {}) if owner else None
        for write in fact.writes:
            place, _, name = write.target.partition(".")
            held = {"conversation": conversation, "state": state}.get(place)
            if held is None:
                raise WriteRefused(op=write.op, value=write.value, target=write.target, held="nothing here")
            held[name] = written(held.get(name), write)
        return conversation, state

    def _state_owner(self, path: Path) -> Scope | None:
        """The innermost open scope around a node that has a loop state."""
        return next((scope for scope in self._tree.around(path) if "state" in scope.values), None)

    def _graph_of(self, plan: PlanNode, made: Outputs | None) -> ScopePlan:
        if made is None:
            graph = plan.body
        else:
            self._graphs = self._graphs or MadeGraphs(self._describe)
            graph = self._graphs.ready(made)
        if graph is None:
            raise NothingToRun(at=plan.id)
        return graph

    # ------------------------------------------------------------------ folding

    def apply(self, fact: AnyFact) -> None:
        """Take one fact in. Raises BrokenJournal for a fact that cannot follow those before it, NewerJournal."""
        if self.ended or (self.started is None and type(fact) is not RunStarted):
            self._misplaced(fact)
        match fact:
            case NodeStarted():
                self._node_started(fact)
            case NodeDone():
                self._node_done(fact)
            case NodeExpanded():
                self._node_expanded(fact)
            case NodeWaiting():
                self._node_waiting(fact)
            case NodeFailed():
                self._node_failed(fact)
            case Signalled():
                self._signalled(fact)
            case RunStarted():
                self._run_started(fact)
            case RunCancelled():
                self._run_cancelled(fact)
            case _:
                self._run_ended(fact)
        if self._tree.emptied and self._tree.leave_emptied():
            self._finish()
        self.head += 1

    def _misplaced(self, fact: AnyFact) -> NoReturn:
        raise BrokenJournal(f"{type(fact).__name__} cannot stand at position {self.head}.")

    def _run_started(self, fact: RunStarted) -> None:
        if self.started:
            self._misplaced(fact)
        if fact.rules > RULES or fact.format > FORMAT:
            raise NewerJournal(rules=fact.rules, format=fact.format, known=f"{RULES} and {FORMAT}")
        self.started = fact
        self._carried = fact.origin.kept if fact.origin else 0
        self.conversation = fact.conversation
        self._tree.open((), self.plan, {})

    def _node_started(self, fact: NodeStarted) -> None:
        _, plan, node = self._tree.at(fact.path)
        command = self._tree.agenda.commands.get(fact.path)
        if command is None or node.status == at.RUNNING:
            _impossible(fact, node)
        # Doing an interrupted step again is another attempt; only a person's word leads to it.
        again = node.status == at.ASKING
        if (fact.turn, fact.attempt) != (command.turn, command.attempt + again) or (again and node.answer is None):
            _impossible(fact, node)
        if node.listens_to:
            self._tree.stop_listening(fact.path, node)
        node.status = at.RUNNING
        node.turn, node.attempt, node.effect = fact.turn, fact.attempt, fact.effect
        if plan.timeout is not None and (again or node.due is None):
            assert self.started is not None
            # What a fork kept may be long ago; its own time begins with itself.
            node.due = max(fact.at, self.started.at) + plan.timeout
        self.spent.steps += self.head > self._carried
        if again or command.not_before:
            command = Execute(fact.path, fact.turn, fact.attempt)
        self._tree.agenda.began(command)

    def _node_done(self, fact: NodeDone) -> None:
        place = self._tree.at(fact.path)
        node = place[2]
        if node.status != at.RUNNING and (node.status != at.ASKING or node.answer is None):
            _impossible(fact, node)
        if fact.writes:
            self._write(fact)
        if fact.usage:
            self.spent.take(fact.usage)
        node.outputs = fact.outputs
        self._tree.end(fact.path, place, at.DONE)

    def _node_expanded(self, fact: NodeExpanded) -> None:
        scope, plan, node = self._running(fact)
        try:
            graph = self._graph_of(plan, fact.plan)
        except StepError as error:
            raise BrokenJournal(error.text, at=error.at) from error
        if fact.order and sorted(fact.order) != list(range(len(fact.scopes))):
            raise BrokenJournal(f"{spoken(fact.path)} opens its scopes in an order that leaves some out.")
        node.status = at.EXPANDED
        node.memo = fact.memo
        node.expansion = expansion = Expansion(
            scopes=fact.scopes,
            first=node.next_ordinal,
            limit=fact.limit if fact.limit and fact.limit > 0 else len(fact.scopes),
            enough=fact.enough,
            tolerant=fact.tolerant,
            plan=fact.plan,
            order=fact.order,
        )
        expansion.closing = scope.closing or expansion.settled_early()
        node.next_ordinal += len(fact.scopes)
        self._tree.agenda.remove(fact.path)
        self._tree.bound(fact.path, node)
        self._tree.go_on(scope, plan, node, expansion, graph)

    def _node_waiting(self, fact: NodeWaiting) -> None:
        scope, _, node = self._running(fact)
        node.status = at.WAITING
        node.until, node.form, node.memo, node.signal = fact.until, fact.form, fact.memo, None
        if scope.closing:
            self._tree.agenda.stop(fact.path)
        else:
            self._tree.listen(fact.path, node, signal_name(fact.signal or spoken(fact.path)))
            self._tree.bound(fact.path, node)

    def _running(self, fact: NodeExpanded | NodeWaiting) -> tuple[Scope, PlanNode, NodeState]:
        scope, plan, node = self._tree.at(fact.path)
        if node.status != at.RUNNING:
            _impossible(fact, node)
        return scope, plan, node

    def _node_failed(self, fact: NodeFailed) -> None:
        place = scope, _, node = self._tree.at(fact.path)
        late = fact.kind == "timeout" and (
            node.status == at.WAITING or (node.status == at.EXPANDED and node.overdue is None)
        )
        if node.status not in (at.RUNNING, at.ASKING) and fact.path not in self.to_stop and (scope.closing or not late):
            _impossible(fact, node)
        node.error = fact.error
        if scope.closing:
            self._tree.end(fact.path, place, at.STOPPED if fact.kind == "stopped" else at.FAILED)
        elif node.status == at.EXPANDED and node.expansion is not None:
            self._tree.overrun(fact, node, node.expansion)
        else:
            self._tree.fail(fact, place)

    def _signalled(self, fact: Signalled) -> None:
        for path in self._tree.signals.deliver(fact):
            self._tree.wake(path, fact)

    def _run_cancelled(self, fact: RunCancelled) -> None:
        """Stop everything. What is not written as ended yet ends as cancelled, even if nothing was left to do."""
        if self.cancelled:
            return
        self.cancelled = fact
        root = self._tree.scopes[()]
        if root.open:
            self._tree.close(root, once_too=True)
        else:
            self._finish()

    def _run_ended(self, fact: RunEnded) -> None:
        if self.finish is None or fact.status != self.finish.status:
            raise BrokenJournal(f"The run cannot have {fact.status} at position {self.head}.")
        self.ended = fact
        self.finish = None

    def _finish(self) -> None:
        root = self._tree.scopes[()]
        if self.cancelled:
            code = _CUT_OFF.get(self.cancelled.detail)
            error = Failure(code, self.cancelled.reason) if code else None
            self.finish = Finish("failed" if code else "cancelled", self.cancelled.detail, {}, error)
        elif root.failure:
            self.finish = Finish("failed", "", {}, root.failure)
        else:
            detail = "" if at.reached_end(root) else "no_end_reached"
            self.finish = Finish("succeeded", detail, at.end_outputs(root))

    def _write(self, fact: NodeDone) -> None:
        try:
            self.conversation, state = self.variables_after(fact)
        except WriteRefused as error:
            raise BrokenJournal(error.text) from error
        places = [write.target.partition(".") for write in fact.writes]
        self.written |= {name for place, _, name in places if place == "conversation"}
        owner = self._state_owner(fact.path)
        if owner is not None:
            owner.values["state"] = state

    # ------------------------------------------------------------------ remembering

    def snapshot(self) -> bytes:
        """The fold so far as bytes: a cache of a long journal, good for this release's rules only."""
        return snapshot.encoded(
            snapshot.State(
                head=self.head,
                started=self.started,
                cancelled=self.cancelled,
                ended=self.ended,
                finish=self.finish,
                conversation=self.conversation,
                written=self.written,
                spent=self.spent,
                tree=snapshot.tree_state(self._tree),
            )
        )

    @classmethod
    def restored(cls, data: bytes, plan: ScopePlan, describe: Describe) -> Self:
        """A run as its snapshot left it, to go on with the facts after `head`.

        Raises StaleSnapshot for one of other rules, of another graph, or damaged: fold from the first fact then.
        """
        state = snapshot.decoded(data)
        run = cls(plan, describe)
        run.head = state.head
        run.started, run.cancelled, run.ended, run.finish = state.started, state.cancelled, state.ended, state.finish
        run._carried = state.started.origin.kept if state.started and state.started.origin else 0
        run.conversation, run.written, run.spent = state.conversation, state.written, state.spent
        run._tree = snapshot.tree_of(state.tree, plan, run._graph_of)
        return run


_CUT_OFF = {"timeout": "run.timed_out", "poisoned": "run.poisoned", "over_budget": "run.over_budget"}
"""Of what type the error of a run is that was cut off and not cancelled."""


def _impossible(fact: NodeStarted | NodeDone | NodeExpanded | NodeWaiting | NodeFailed, node: NodeState) -> NoReturn:
    raise BrokenJournal(f"{type(fact).__name__} cannot happen to {spoken(fact.path)}: it is {node.status}.")
