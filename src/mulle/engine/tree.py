"""The open scopes of a run, nested in each other: how nodes become ready, how they end, and what that leads to.

A node's ending settles what lies behind it. With its last ending a scope is over: its container goes on, or the run
ends. A scope that is *closing* lets nothing new start; what is under way is stopped or, if it is `once`, may finish.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from mulle.engine import scope as at
from mulle.engine.agenda import Agenda
from mulle.engine.deadlines import Deadlines
from mulle.engine.facts import Execute, NodeFailed, Outputs, Path, Signalled
from mulle.engine.plan import PlanNode, ScopePlan
from mulle.engine.scope import Expansion, NodeState, Scope, ending_of, open_scope, settle
from mulle.engine.signals import Signals, question_name
from mulle.errors import BrokenJournal

Place = tuple[Scope, PlanNode, NodeState]
"""Where a path leads: the scope, the plan and the state of a node."""

OnEnding = Callable[[Path, NodeState], None]
"""Told of every node's ending, skips among them."""


class Tree:
    """Every open scope by its path, containers before what is inside them."""

    def __init__(self) -> None:
        self.scopes: dict[Path, Scope] = {}
        self.agenda = Agenda()
        self.deadlines: Deadlines | None = None
        """None: no node had a time to keep so far."""
        self.on_ending: OnEnding | None = None
        self._signals: Signals | None = None
        self._last_path: Path | None = None
        """The path that was looked up last, and where it leads: the same is asked for several times in a row."""
        self._last_place: Place
        self.emptied: list[Scope] = []
        """Scopes whose nodes all have their ending, to be left."""

    @property
    def signals(self) -> Signals:
        """Who listens to what; most runs never ask."""
        if self._signals is None:
            self._signals = Signals()
        return self._signals

    def at(self, path: Path) -> Place:
        """The scope, the plan and the state of the node at a path; raises BrokenJournal when there is none."""
        if path is self._last_path:
            return self._last_place
        try:
            scope = self.scopes[path[:-1]]
            position = scope.plan.position[path[-1]]  # pyright: ignore[reportArgumentType]  # A wrong step is a KeyError.
        except (KeyError, IndexError) as error:
            raise BrokenJournal(f"No open node at {spoken(path)}.") from error
        place = scope, scope.plan.nodes[position], scope.nodes[position]
        self._last_path, self._last_place = path, place
        return place

    def around(self, path: Path) -> list[Scope]:
        """The scopes that a node sees, its own first, the run's own last."""
        return [self.scopes[path[:length]] for length in range(len(path) - 1, -1, -2)]

    # ------------------------------------------------------------------ turns

    def ready(self, path: Path, node: NodeState) -> None:
        """Let a node's next turn start."""
        node.status = at.READY
        node.turn += 1
        self.agenda.add(Execute(path, node.turn, node.attempt))

    def listen(self, path: Path, node: NodeState, name: str) -> None:
        """Let a node wait for a signal, or its time; a signal that came before is heard at once."""
        self.agenda.remove(path)
        early = self.signals.listen(path, name)
        if early:
            self.wake(path, early)
            return
        node.listens_to = name
        if node.until is not None:
            self.agenda.add(Execute(path, _next_turn(node), node.attempt, node.until))

    def wake(self, path: Path, signal: Signalled) -> None:
        """Let a node go on with what it heard."""
        node = self.at(path)[2]
        node.listens_to = ""
        heard: dict[str, Any] = {"id": signal.id, "name": signal.name, "payload": signal.payload}
        if node.status == at.ASKING:
            node.answer = heard
        else:
            node.signal = heard
        self.agenda.add(Execute(path, _next_turn(node), node.attempt))

    def stop_listening(self, path: Path, node: NodeState) -> None:
        if node.listens_to:
            self.signals.leave(path, node.listens_to)
            node.listens_to = ""

    # ------------------------------------------------------------------ time

    def bound(self, path: Path, node: NodeState) -> None:
        """Let a node that is expanded or waits have until its time is up, if there is such a time."""
        if node.due is not None:
            self.deadlines = self.deadlines or Deadlines()
            self.deadlines.set(node.due, path)

    def deadline(self) -> tuple[float, Path] | None:
        """When the next node's time is up while it is expanded or waits, and which node it is."""
        while self.deadlines:
            due, path = self.deadlines.first
            if self._is_bound(due, path):
                return due, path
            self.deadlines.take()
        return None

    def _is_bound(self, due: float, path: Path) -> bool:
        scope = self.scopes.get(path[:-1])
        if scope is None or scope.closing:
            return False
        node = self.at(path)[2]
        if node.due != due:
            return False
        if node.status == at.WAITING:  # A wait that is over before that, or in the same instant, has its own outputs.
            return bool(node.listens_to) and (node.until is None or due < node.until)
        return node.status == at.EXPANDED and node.overdue is None

    # ------------------------------------------------------------------ failures

    def overrun(self, failure: NodeFailed, node: NodeState, expansion: Expansion) -> None:
        """Stop what is inside of a node whose time is up; it fails when all of that has its ending."""
        node.overdue = failure
        self.close(*self._inside(failure.path, expansion))

    def fail(self, fact: NodeFailed, place: Place) -> None:
        """Let a node be tried again, ask a person, or end it as its `on_error` says."""
        scope, plan, node = place
        node.overdue = None
        if fact.retry_at is not None:
            self._retry(fact, node, fact.retry_at)
        elif fact.ask_until is not None:
            node.status = at.ASKING
            node.until, node.answer = fact.ask_until, None
            self.listen(fact.path, node, question_name(fact.path))
        elif plan.spec.on_error == "default":
            node.outputs = dict(plan.spec.default_outputs or {})
            self.end(fact.path, place, at.DONE)
        elif plan.spec.on_error == "branch":
            node.outputs = {"error": fact.error.to_dict()}
            self.end(fact.path, place, at.DONE)
        else:
            scope.failure = fact.error
            self.close(scope)
            self.end(fact.path, place, at.FAILED)

    def _retry(self, fact: NodeFailed, node: NodeState, retry_at: float) -> None:
        self.stop_listening(fact.path, node)
        node.status = at.RETRYING
        node.attempt += 1
        node.due = None
        if fact.from_turn is not None:
            node.turn, node.memo, node.expansion, node.signal = fact.from_turn, None, None, None
        self.agenda.add(Execute(fact.path, node.turn, node.attempt, retry_at))

    # ------------------------------------------------------------------ endings

    def end(self, path: Path, place: Place, status: str) -> None:
        """Give a node its ending, and what lies behind it its start or its skip."""
        scope, plan, node = place
        self.agenda.drop(path)
        if node.listens_to:
            self.stop_listening(path, node)
        node.status = status
        node.memo = node.expansion = node.form = node.answer = node.overdue = None
        self._count_out(scope, plan, node)
        ended = [] if scope.closing else [plan.position]
        while ended:
            for follower, reason in settle(scope, ended.pop()):
                behind, state = scope.plan.nodes[follower], scope.nodes[follower]
                if reason:
                    self._skip(scope, behind, state, reason)
                    ended.append(follower)
                else:
                    self.ready((*scope.path, behind.id), state)

    def _skip(self, scope: Scope, plan: PlanNode, node: NodeState, reason: str) -> None:
        node.status, node.reason = at.SKIPPED, reason
        self._count_out(scope, plan, node)

    def _count_out(self, scope: Scope, plan: PlanNode, node: NodeState) -> None:
        scope.open -= 1
        if not scope.open:
            self.emptied.append(scope)
        if self.on_ending:
            self.on_ending((*scope.path, plan.id), node)

    def _stop(self, scope: Scope, plan: PlanNode, node: NodeState, *, once_too: bool) -> list[Scope]:
        """Bring one node of a closing scope to its end: what has not started is skipped, the rest stopped.

        Gives the scopes inside of it, which are to be closed for that.
        """
        path = (*scope.path, plan.id)
        if node.status in at.ENDINGS:
            return []
        if node.status == at.PENDING or (node.status == at.READY and node.turn == 1):
            self.agenda.remove(path)
            self._skip(scope, plan, node, "its scope ended before it started")
        elif node.status == at.EXPANDED and node.expansion:
            return self._inside(path, node.expansion)
        elif node.status != at.RUNNING or node.effect != "once" or once_too:
            self.stop_listening(path, node)
            self.agenda.stop(path)
        return []

    def _inside(self, path: Path, expansion: Expansion) -> list[Scope]:
        """The scopes of an expansion that are still at work; no more are opened."""
        expansion.closing = True
        scopes = (self.scopes[*path, number] for number in sorted(expansion.open))
        # One that ended in this same instant has its results, and keeps them.
        return [scope for scope in scopes if scope.open]

    # ------------------------------------------------------------------ scopes

    def open(self, path: Path, plan: ScopePlan, values: Outputs) -> None:
        """Open a graph: what nothing leads to becomes ready."""
        scope = self.scopes[path] = open_scope(path, plan, values)
        for position in plan.unreachable:
            self._skip(scope, plan.nodes[position], scope.nodes[position], "the start does not lead to it")
        for position in plan.first:
            self.ready((*path, plan.nodes[position].id), scope.nodes[position])
        if not plan.nodes:
            self.emptied.append(scope)

    def close(self, *scopes: Scope, once_too: bool = False) -> None:
        """Let nothing new start in scopes and in all inside them, and stop what is under way.

        A `once` step in flight may finish, unless it is `once_too`.
        """
        closing = deque(scopes)
        while closing:
            scope = closing.popleft()
            scope.closing = True
            for plan, node in zip(scope.plan.nodes, scope.nodes, strict=True):
                closing += self._stop(scope, plan, node, once_too=once_too)

    def go_on(self, scope: Scope, plan: PlanNode, node: NodeState, expansion: Expansion, graph: ScopePlan) -> None:
        """Open an expanded node's next scopes, or give it its next turn when what it asked for is ready."""
        path = (*scope.path, plan.id)
        while expansion.has_next():
            number, values = expansion.next()
            self.open((*path, number), graph, dict(values))
        if expansion.open:
            return
        if scope.closing:
            self.agenda.stop(path)
        elif node.overdue is not None:
            self.fail(node.overdue, (scope, plan, node))
        else:
            self.ready(path, node)

    def leave_emptied(self) -> bool:
        """Take away the scopes whose nodes all have their ending, and go on with what they belong to.

        Gives True when the run's own scope is among them.
        """
        while self.emptied:
            scope = self.emptied.pop(0)
            if not scope.path:
                return True
            self._leave(scope)
        return False

    def _leave(self, scope: Scope) -> None:
        del self.scopes[scope.path]
        self._last_path = None
        parent, container, node = self.at(scope.path[:-1])
        number, expansion = scope.path[-1], node.expansion
        assert isinstance(number, int)
        assert expansion is not None
        expansion.take(number, ending_of(scope))
        if not expansion.closing and expansion.settled_early():
            self.close(*self._inside((*parent.path, container.id), expansion))
        self.go_on(parent, container, node, expansion, scope.plan)


def spoken(path: Path) -> str:
    """A path as people and signals name it: `each/3/summarise`."""
    return "/".join(map(str, path))


def _next_turn(node: NodeState) -> int:
    """A question is about the turn that was cut off; a wait leads to the next one."""
    return node.turn if node.status == at.ASKING else node.turn + 1
