"""The fold of a run's facts: what happened goes in, what is to be done next comes out.

    run = Run(plan)
    run.apply(fact) …         every fact, in journal order
    run.commands              what should be running now: {path: Execute}
    run.to_stop               what has started and should not go on: it needs an ending
    run.finish                set when nothing is left but to write the run's end

Whoever drives a run makes the world look like this: starts what is listed and not running, stops what runs and is not
listed. That is all there is to recovery (nothing is running) and to cancelling (nothing is listed).
"""

from collections.abc import Callable, Mapping
from typing import Any

from mulle.document.signature import Describe
from mulle.document.variables import Write, WriteRefused, written
from mulle.document.workflow import Body
from mulle.engine import scope as at
from mulle.engine.facts import (
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
from mulle.engine.plan import PlanNode, ScopePlan, compile_body
from mulle.engine.scope import Ending, Expansion, NodeState, Scope
from mulle.errors import StoreError


class BrokenJournal(StoreError):
    """The journal tells something that cannot have happened."""

    code = "journal.broken"
    hint = "The file was changed by hand or damaged, or it belongs to another workflow. Restore a backup."


class Run:
    """One run, as far as its facts tell."""

    def __init__(self, plan: ScopePlan, describe: Describe) -> None:
        self.plan = plan
        self.started: RunStarted | None = None
        self.cancelled: RunCancelled | None = None
        self.ended: RunEnded | None = None
        self.commands: dict[Path, Execute] = {}
        self.to_stop: dict[Path, NodeState] = {}
        self.finish: Finish | None = None
        self.conversation: Outputs = {}
        self.written: set[str] = set()
        """Conversation variables that this run changed."""
        self.head = 0
        """How many facts were applied."""
        self.on_ending: Callable[[Path, NodeState], None] | None = None
        """Told of every node's ending, skips among them; for those who keep records."""
        self._describe = describe
        self._scopes: dict[Path, Scope] = {}
        self._plans: dict[Path, ScopePlan] = {}
        self._listening: dict[str, list[Path]] = {}
        self._kept: list[Signalled] = []
        self._heard: set[str] = set()
        self._changed: dict[Path, None] = {}
        self._emptied: list[Scope] = []
        self._made: dict[Path, tuple[Outputs, ScopePlan]] = {}
        self._rules: dict[type, Callable[[Any], None]] = {
            RunStarted: self._run_started,
            NodeStarted: self._node_started,
            NodeDone: self._node_done,
            NodeExpanded: self._node_expanded,
            NodeWaiting: self._node_waiting,
            NodeFailed: self._node_failed,
            Signalled: self._signalled,
            RunCancelled: self._run_cancelled,
            RunEnded: self._run_ended,
        }

    # ------------------------------------------------------------------ reading

    def changes(self) -> list[Path]:
        """Paths whose command came, changed or went since this was last asked."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def has_changes(self) -> bool:
        return bool(self._changed)

    def at(self, path: Path) -> tuple[Scope, PlanNode, NodeState]:
        """The scope, the plan and the state of the node at a path; raises BrokenJournal when there is none."""
        try:
            scope = self._scopes[path[:-1]]
            position = self._plans[path[:-1]].position[path[-1]]  # pyright: ignore[reportArgumentType]  # A wrong step is a KeyError.
        except (KeyError, IndexError) as error:
            raise BrokenJournal(f"No open node at {'/'.join(map(str, path))}.") from error
        return scope, self._plans[path[:-1]].nodes[position], scope.nodes[position]

    def neighbours(self, scope: Scope) -> Mapping[str, int]:
        """The nodes of an open scope: ids and positions."""
        return self._plans[scope.path].position

    def scopes_around(self, path: Path) -> list[tuple[Scope, ScopePlan]]:
        """The open scopes that a node sees, its own first, the run's own last."""
        around: list[tuple[Scope, ScopePlan]] = []
        inner = path[:-1]
        while inner:
            around.append((self._scopes[inner], self._plans[inner]))
            inner = inner[:-2]
        around.append((self._scopes[()], self._plans[()]))
        return around

    def variables_after(self, fact: NodeDone) -> tuple[Outputs, Outputs | None]:
        """The conversation variables and the loop state as a node's writes would leave them; raises WriteRefused."""
        conversation = dict(self.conversation)
        owner = self._state_owner(fact.path)
        state: Outputs | None = dict(owner.values["state"] or {}) if owner else None
        for write in fact.writes:
            place, _, name = write.target.partition(".")
            held = conversation if place == "conversation" else state
            if held is None or place not in ("conversation", "state"):
                raise WriteRefused(op=write.op, value=write.value, target=write.target, held="nothing here")
            held[name] = written(held.get(name), write)
        return conversation, state

    def in_flight(self) -> bool:
        """Whether a node has started and not ended its turn."""
        return any(state.status == at.RUNNING for scope in self._scopes.values() for state in scope.nodes)

    def waiting(self) -> dict[Path, NodeState]:
        """Every node that waits for a time, a signal or a person's word."""
        return {
            (*scope.path, self._plans[scope.path].nodes[position].id): state
            for scope in self._scopes.values()
            for position, state in enumerate(scope.nodes)
            if state.status in (at.WAITING, at.ASKING)
        }

    # ------------------------------------------------------------------ folding

    def apply(self, fact: AnyFact) -> None:
        """Take one fact in. Raises BrokenJournal for a fact that cannot follow those before it."""
        if self.ended or (self.started is None) is not isinstance(fact, RunStarted):
            raise BrokenJournal(f"{type(fact).__name__} cannot stand at position {self.head}.")
        self._rules[type(fact)](fact)
        while self._emptied:
            self._scope_over(self._emptied.pop())
        self.head += 1

    def _run_started(self, fact: RunStarted) -> None:
        self.started = fact
        self.conversation = dict(fact.conversation)
        self._open((), self.plan, {})

    def _node_started(self, fact: NodeStarted) -> None:
        _, _, node = self.at(fact.path)
        if node.status not in (at.READY, at.WAITING, at.RETRYING, at.ASKING):
            raise BrokenJournal(f"{'/'.join(map(str, fact.path))} started while it was {node.status}.")
        self._stop_listening(fact.path, node)
        node.status = at.RUNNING
        node.turn, node.attempt, node.effect = fact.turn, fact.attempt, fact.effect
        self.commands[fact.path] = Execute(fact.path, fact.turn, fact.attempt)

    def _node_done(self, fact: NodeDone) -> None:
        scope, plan, node = self._begun(fact.path)
        if fact.writes:
            self._write(fact)
        node.outputs = fact.outputs
        self._end(scope, plan, node, at.DONE)

    def _node_expanded(self, fact: NodeExpanded) -> None:
        scope, plan, node = self._begun(fact.path)
        node.status = at.EXPANDED
        node.memo = fact.memo
        node.expansion = Expansion(
            scopes=fact.scopes,
            first=node.next_ordinal,
            limit=fact.limit or len(fact.scopes),
            enough=fact.enough,
            tolerant=fact.tolerant,
            plan=fact.plan,
        )
        node.next_ordinal += len(fact.scopes)
        node.expansion.closing = scope.closing
        self._unlist(fact.path)
        self._go_on(scope, plan, node, node.expansion)

    def _node_waiting(self, fact: NodeWaiting) -> None:
        scope, plan, node = self._begun(fact.path)
        node.status = at.WAITING
        node.until, node.form, node.memo, node.signal = fact.until, fact.form, fact.memo, None
        self._listen(fact.path, node, fact.signal or "/".join(map(str, fact.path)))
        if scope.closing:
            self._stop(scope, plan, node)

    def _node_failed(self, fact: NodeFailed) -> None:
        scope, plan, node = self._begun(fact.path)
        node.error = fact.error
        if fact.retry_at is not None and not scope.closing:
            node.status = at.RETRYING
            node.attempt += 1
            if fact.from_turn is not None:
                node.turn, node.memo, node.expansion, node.signal = fact.from_turn, None, None, None
            self._list(Execute(fact.path, node.turn, node.attempt, fact.retry_at))
        elif fact.ask_until is not None and not scope.closing:
            node.status = at.ASKING
            node.until, node.signal = fact.ask_until, None
            self._listen(fact.path, node, question_name(fact.path))
        else:
            self._fail(scope, plan, node, fact)

    def _fail(self, scope: Scope, plan: PlanNode, node: NodeState, fact: NodeFailed) -> None:
        if fact.kind == "stopped" or scope.closing:
            self._end(scope, plan, node, at.STOPPED if fact.kind == "stopped" else at.FAILED)
        elif plan.spec.on_error == "default":
            node.outputs = dict(plan.spec.default_outputs or {})
            self._end(scope, plan, node, at.DONE)
        elif plan.spec.on_error == "branch":
            node.outputs = {"error": fact.error.to_dict()}
            self._end(scope, plan, node, at.DONE)
        else:
            scope.failure = fact.error
            self._close(scope)
            self._end(scope, plan, node, at.FAILED)

    def _signalled(self, fact: Signalled) -> None:
        if fact.id in self._heard:
            return
        self._heard.add(fact.id)
        listeners = self._listening.get(fact.name, [])
        for path in listeners:
            self._wake(path, self.at(path)[2], fact)
        if not listeners:
            self._kept.append(fact)

    def _run_cancelled(self, fact: RunCancelled) -> None:
        if self.cancelled is None:
            self.cancelled = fact
            if root := self._scopes.get(()):
                self._close(root)
                if not root.open:
                    self._emptied.append(root)

    def _run_ended(self, fact: RunEnded) -> None:
        self.ended = fact
        self.finish = None
        self.commands.clear()

    # ------------------------------------------------------------------ nodes

    def _begun(self, path: Path) -> tuple[Scope, PlanNode, NodeState]:
        """A node that has started and not ended."""
        scope, plan, node = self.at(path)
        if node.status in at.ENDINGS or node.status == at.PENDING or (node.status == at.READY and node.turn == 1):
            raise BrokenJournal(f"{'/'.join(map(str, path))} cannot end: it is {node.status}.")
        return scope, plan, node

    def _make_ready(self, path: Path, node: NodeState) -> None:
        node.status = at.READY
        node.turn += 1
        self._list(Execute(path, node.turn, node.attempt))

    def _end(self, scope: Scope, plan: PlanNode, node: NodeState, status: str) -> None:
        """Give a node its ending, and what lies behind it its start or its skip."""
        self._forget(scope, plan, node)
        node.status = status
        node.memo = node.expansion = node.form = None
        graph = self._plans[scope.path]
        ended = [plan.position]
        while ended:
            position = ended.pop()
            self._count_out(scope, graph.nodes[position], scope.nodes[position])
            if scope.closing:
                continue
            for follower, reason in at.settle(scope, graph, position):
                if reason:
                    scope.nodes[follower].status, scope.nodes[follower].reason = at.SKIPPED, reason
                    ended.append(follower)
                else:
                    self._make_ready((*scope.path, graph.nodes[follower].id), scope.nodes[follower])

    def _count_out(self, scope: Scope, plan: PlanNode, node: NodeState) -> None:
        scope.open -= 1
        if not scope.open:
            self._emptied.append(scope)
        if self.on_ending:
            self.on_ending((*scope.path, plan.id), node)

    def _skip(self, scope: Scope, plan: PlanNode, node: NodeState, reason: str) -> None:
        self._unlist((*scope.path, plan.id))
        node.status, node.reason = at.SKIPPED, reason
        self._count_out(scope, plan, node)

    def _stop(self, scope: Scope, plan: PlanNode, node: NodeState) -> None:
        """Bring one node of a closing scope to its end. What has not started is skipped; a `once` step may finish."""
        path = (*scope.path, plan.id)
        if node.status in at.ENDINGS:
            return
        if node.status == at.PENDING or (node.status == at.READY and node.turn == 1):
            self._skip(scope, plan, node, "its scope ended before it started")
        elif node.status == at.EXPANDED and node.expansion and node.expansion.open:
            self._close_expansion(path, node.expansion)
        elif node.status != at.RUNNING or node.effect != "once" or self.cancelled:
            self._forget(scope, plan, node)
            self.to_stop[path] = node

    def _forget(self, scope: Scope, plan: PlanNode, node: NodeState) -> None:
        """Take a node from every list that would have it go on."""
        path = (*scope.path, plan.id)
        self._unlist(path)
        self.to_stop.pop(path, None)
        self._stop_listening(path, node)

    def _stop_listening(self, path: Path, node: NodeState) -> None:
        if node.listens_to:
            self._listening[node.listens_to].remove(path)
            if not self._listening[node.listens_to]:
                del self._listening[node.listens_to]
            node.listens_to = ""

    # ------------------------------------------------------------------ scopes

    def _open(self, path: Path, plan: ScopePlan, values: Outputs) -> None:
        scope = at.open_scope(path, plan, values)
        self._scopes[path], self._plans[path] = scope, plan
        for position in plan.unreachable:
            self._skip(scope, plan.nodes[position], scope.nodes[position], "the start does not lead to it")
        for position in plan.first:
            self._make_ready((*path, plan.nodes[position].id), scope.nodes[position])
        if not plan.nodes:
            self._emptied.append(scope)

    def _close(self, scope: Scope) -> None:
        """Let nothing new start in a scope, and stop what is under way."""
        scope.closing = True
        for plan, node in zip(self._plans[scope.path].nodes, scope.nodes, strict=True):
            self._stop(scope, plan, node)

    def _close_expansion(self, path: Path, expansion: Expansion) -> None:
        expansion.closing = True
        for number in sorted(expansion.open):
            self._close(self._scopes[*path, number])

    def _scope_over(self, scope: Scope) -> None:
        """Every node of a scope has its ending: the run ends, or the container goes on."""
        if not scope.path:
            self._finish(scope)
            return
        parent, container, node = self.at(scope.path[:-1])
        number, expansion = scope.path[-1], node.expansion
        assert isinstance(number, int)
        assert expansion is not None
        del self._scopes[scope.path]
        graph = self._plans.pop(scope.path)
        expansion.open.discard(number)
        expansion.endings[number - expansion.first] = Ending(
            succeeded=not scope.closing,
            outputs={} if scope.closing else at.end_outputs(scope, graph),
            state=scope.values.get("state"),
            error=scope.failure,
            stopped=scope.closing and scope.failure is None,
        )
        expansion.succeeded += not scope.closing
        expansion.failed = expansion.failed or scope.failure is not None
        self._go_on(parent, container, node, expansion)

    def _go_on(self, scope: Scope, plan: PlanNode, node: NodeState, expansion: Expansion) -> None:
        """Open an expanded node's next scopes, or give it its next turn when what it asked for is ready."""
        path = (*scope.path, plan.id)
        if not expansion.closing and expansion.settled_early():
            self._close_expansion(path, expansion)
        graph = plan.body if expansion.plan is None else self._dynamic(path, expansion.plan)
        assert graph is not None
        while expansion.has_next():
            number = expansion.first + expansion.opened
            values = expansion.scopes[expansion.opened]
            expansion.opened += 1
            expansion.open.add(number)
            self._open((*path, number), graph, dict(values))
        if expansion.open:
            return
        if scope.closing:
            self.to_stop[path] = node
        else:
            self._make_ready(path, node)

    def _dynamic(self, path: Path, body: Outputs) -> ScopePlan:
        """The graph that a node made while running, compiled once."""
        key = (*path, -1)
        if self._made.get(key, (None, None))[0] is not body:
            self._made[key] = (body, compile_body(Body.model_validate(body), self._describe))
        return self._made[key][1]

    def _finish(self, root: Scope) -> None:
        if self.cancelled:
            status = "cancelled" if self.cancelled.detail == "cancelled" else "failed"
            error = Failure(self.cancelled.detail, self.cancelled.reason) if status == "failed" else None
            self.finish = Finish(status, self.cancelled.detail, {}, error)
        elif root.failure:
            self.finish = Finish("failed", "", {}, root.failure)
        else:
            reached = any(root.nodes[position].status == at.DONE for position in self.plan.ends)
            self.finish = Finish("succeeded", "" if reached else "no_end_reached", at.end_outputs(root, self.plan))

    # ------------------------------------------------------------------ lists

    def _list(self, command: Execute) -> None:
        self.commands[command.path] = command
        self._changed[command.path] = None

    def _unlist(self, path: Path) -> None:
        if self.commands.pop(path, None):
            self._changed[path] = None

    def _listen(self, path: Path, node: NodeState, name: str) -> None:
        """Let a waiting node hear a signal; one that came before is heard at once."""
        self._unlist(path)
        node.listens_to = name
        self._listening.setdefault(name, []).append(path)
        early = next((signal for signal in self._kept if signal.name == name), None)
        if early:
            self._kept.remove(early)
            self._wake(path, node, early)
        elif node.until is not None:
            self._list(Execute(path, _next_turn(node), node.attempt, node.until))

    def _wake(self, path: Path, node: NodeState, signal: Signalled) -> None:
        node.signal = {"id": signal.id, "name": signal.name, "payload": signal.payload}
        self._list(Execute(path, _next_turn(node), node.attempt))

    def _write(self, fact: NodeDone) -> None:
        self.conversation, state = self.variables_after(fact)
        self.written |= {write.target.partition(".")[2] for write in fact.writes if _is_conversation(write)}
        if state is not None:
            owner = self._state_owner(fact.path)
            assert owner is not None
            owner.values["state"] = state

    def _state_owner(self, path: Path) -> Scope | None:
        """The innermost open scope around a node that has a loop state."""
        return next((scope for scope, _ in self.scopes_around(path) if "state" in scope.values), None)


def question_name(path: Path) -> str:
    """What a person's answer about an interrupted node is called; one name for all items of a map."""
    return "interrupted/" + "/".join(step for step in path if isinstance(step, str))


def _is_conversation(write: Write) -> bool:
    return write.target.startswith("conversation.")


def _next_turn(node: NodeState) -> int:
    """A question is about the turn that was cut off; a wait leads to the next one."""
    return node.turn if node.status == at.ASKING else node.turn + 1
