"""A driver in miniature: pure, synchronous, as unlucky as a random number generator can make it.

It starts what is listed, finishes what runs in any order, stops what is to be stopped, answers waits and questions,
lets bodies and waits take too long, dies and begins anew. After every fact it checks what must always hold.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.engine.graphs import compiled, describe
from tests.engine.play import picture
from tests.engine.reference import Data, Outputs, branches, carried, mentioned

from mulle.document.variables import Write
from mulle.engine import scope as at
from mulle.engine.codec import decode, encode
from mulle.engine.facts import (
    AnyFact,
    Execute,
    Failure,
    NodeDone,
    NodeExpanded,
    NodeFailed,
    NodeStarted,
    NodeWaiting,
    Path,
    RunCancelled,
    RunEnded,
    RunStarted,
    Signalled,
)
from mulle.engine.plan import PlanNode
from mulle.engine.run import Run
from mulle.engine.scope import NodeState, Scope, inputs_of

MOST = 20_000
"""Steps after which a run is taken to hang."""
MOST_LATE = 6
"""How often something takes too long in one run."""


def behave(node: Data, inputs: Data, names: Data) -> tuple[str, Outputs]:
    """What a step answers: a number made of all it saw, on ports chosen by that number."""
    if node["type"] == "end":
        return "done", inputs
    seen = json.dumps([node["id"], inputs, names], sort_keys=True, ensure_ascii=False)
    number = zlib.crc32(seen.encode())
    ends = node["data"].get("ends", "done")
    if ends == "fail" or (ends == "sometimes" and number % 2):
        return "failed", {}
    ways = sorted(branches(node) - {"error"})
    outputs: Outputs = {"out": number} if not ways or number % 3 else {}
    return "done", outputs | ({ways[number % len(ways)]: True} if ways else {})


class Miniature:
    """Drives one document to its end."""

    def __init__(
        self,
        document: Data,
        chance: Random,
        *,
        deadly: bool = False,
        cancel_at: int | None = None,
        begin: Sequence[AnyFact] = (),
        late: Callable[[Path, PlanNode], Data | None] = lambda _path, _plan: None,
    ) -> None:
        """Drive it.

        Args:
            document: As data.
            chance: Decides what happens next.
            deadly: It dies now and then.
            cancel_at: It is cancelled after so many facts.
            begin: The facts that a fork begins with, its RunStarted among them.
            late: What the failure of a node says whose body or wait takes too long; None: none does.
        """
        self._chance = chance
        self._deadly = deadly
        self._cancel_at = cancel_at
        self._late = late
        self.timed_out: list[Path] = []
        """Nodes whose body or wait took too long."""
        self._document = document
        self.plan = compiled(document)
        self.journal: list[AnyFact] = []
        self.endings: dict[Path, NodeState] = {}
        self.states: dict[Path, int] = {}
        """The sum each loop had in its state when it was done."""
        self.began: set[Path] = set()
        self._running: set[Path] = set()
        self.run = Run(self.plan, describe)
        self.run.on_ending = self._ended
        self.shadow = Run(self.plan, describe)
        """Fed from bytes, and now and then from a snapshot of itself."""
        for fact in begin or [RunStarted(at=0.0, run="r", graph="g", conversation={"total": 0})]:
            self._tell(fact)
        if begin:
            self._die()

    def drive(self) -> None:
        for _ in range(MOST):
            if self.run.finish:
                break
            self._step()
        finish = self.run.finish
        assert finish is not None, f"it hangs: {list(self.run.commands)}, {list(self.run.to_stop)}"
        self._tell(RunEnded(at=1.0, status=finish.status, detail=finish.detail, outputs=finish.outputs))

    # ------------------------------------------------------------------ facts and what always holds

    def _tell(self, fact: AnyFact) -> None:
        if isinstance(fact, NodeStarted):
            self._check_that_all_it_needs_is_there(fact.path)
            self.began.add(fact.path)
        self.run.check(fact)
        self.run.apply(fact)
        self.journal.append(fact)
        [read] = decode(encode([fact]))
        self.shadow.apply(read)
        if self._chance.random() < 0.1:
            self.shadow = Run.restored(self.shadow.snapshot(), self.plan, describe)
        assert picture(self.shadow) == picture(self.run)
        for path in self.run.commands:
            assert path not in self.endings, f"{path} is listed and ended"
            assert path not in self.run.to_stop, f"{path} is to run and to be stopped"
        assert not self.run.cancelled or not self.run.commands

    def _ended(self, path: Path, state: NodeState) -> None:
        assert path not in self.endings, f"{path} ended twice"
        self.endings[path] = state

    def _check_that_all_it_needs_is_there(self, path: Path) -> None:
        scope, plan, _ = self.run.at(path)
        beside = self.run.neighbours(scope)
        data = plan.spec.model_dump()
        sources = {edge["source"] for edge in self._edges_of(path[:-1]) if edge["target"] == path[-1]}
        sources |= {mapping["source"]["variable"].partition(".")[0] for mapping in data["variable_mappings"].values()}
        for name in (sources | mentioned(data)) & beside.keys():
            assert (*path[:-1], name) in self.endings, f"{path} started before {name} ended"

    def _edges_of(self, path: Path) -> list[Data]:
        body = self._document
        for step in path[::2]:
            node = next(one for one in body["nodes"] if one["id"] == step)
            body = node.get("body") or node["data"]["plan"]
        return body["edges"]

    # ------------------------------------------------------------------ what happens next

    def _step(self) -> None:
        if self._cancel_at is not None and len(self.journal) >= self._cancel_at:
            self._cancel_at = None
            self._tell(RunCancelled(at=1.0, reason="그만"))
            return
        if self._deadly and self._chance.random() < 0.02:
            self._die()
            return
        if len(self.timed_out) < MOST_LATE and self._chance.random() < 0.1 and self._run_late():
            return
        if self._chance.random() < 0.05:
            self._tell(Signalled(at=1.0, id=f"n{self._chance.randint(0, 3)}", name="모두"))
        self._move(self._chance.choice([*self.run.commands, *self.run.to_stop, *self.run.waiting()]))

    def _move(self, path: Path) -> None:
        _, plan, node = self.run.at(path)
        command = self.run.commands.get(path)
        if node.status == at.RUNNING:
            stop = path in self.run.to_stop and self._chance.random() < 0.7
            self._fail(path, "stopped") if stop else self._finish_turn(path)
        elif path in self.run.to_stop:
            self._fail(path, "stopped")
        elif node.status == at.ASKING:
            self._answer(path, node, plan)
        elif node.listens_to and (command is None or self._chance.random() < 0.5):
            self._tell(Signalled(at=1.0, id=f"s{len(self.journal)}", name=node.listens_to, payload="네"))
        else:
            assert command is not None
            self._start(command, plan)

    def _run_late(self) -> bool:
        """Let the time of a node be up whose body is at work or that waits; whether there was one."""
        bounded: list[tuple[Path, Data]] = []
        for path in dict.fromkeys([*self._began_in_order(), *self.run.waiting()]):
            scope, plan, node = self.run.at(path)
            at_work = node.status == at.WAITING or (node.status == at.EXPANDED and node.overdue is None)
            if at_work and not scope.closing and (said := self._late(path, plan)) is not None:
                bounded.append((path, said))
        if not bounded:
            return False
        path, said = self._chance.choice(bounded)
        self.timed_out.append(path)
        self._fail(path, "timeout", **said)
        return True

    def _began_in_order(self) -> list[Path]:
        """The nodes under way, those inside of others among them."""
        return sorted(self.began - self.endings.keys(), key=str)

    def _start(self, command: Execute, plan: PlanNode) -> None:
        effect = plan.spec.data.get("effect", "pure")
        self._tell(NodeStarted(at=1.0, path=command.path, turn=command.turn, attempt=command.attempt, effect=effect))
        self._running.add(command.path)

    def _fail(self, path: Path, kind: Any, **more: Any) -> None:
        self._running.discard(path)
        self._tell(NodeFailed(at=1.0, path=path, kind=kind, error=Failure("boom", "", str(path[-1])), **more))

    def _answer(self, path: Path, node: NodeState, plan: PlanNode) -> None:
        """Play the person who is asked about an interrupted step."""
        if node.answer is None:
            self._tell(Signalled(at=1.0, id=f"a{len(self.journal)}", name=node.listens_to, payload="again"))
            return
        command = self.run.commands[path]
        self._start(Execute(path, command.turn, command.attempt + 1), plan)

    def _die(self) -> None:
        """Forget everything but the journal, as a killed process does."""
        self._running.clear()
        self.run = Run(self.plan, describe)
        for fact in decode(encode(self.journal)):
            self.run.apply(fact)
        self.run.on_ending = self._ended
        for path in list(self.run.commands):
            if path not in self.run.commands:
                continue  # Its scope ended with the one before.
            _, _, node = self.run.at(path)
            if node.status == at.RUNNING and node.effect == "once":
                self._fail(path, "interrupted", ask_until=9.0)

    # ------------------------------------------------------------------ what nodes do

    def _finish_turn(self, path: Path) -> None:
        self._running.discard(path)
        scope, plan, node = self.run.at(path)
        data = plan.spec.data
        if node.effect == "once" and self._chance.random() < 0.1:
            self._fail(path, "interrupted", ask_until=9.0)
        elif node.attempt <= data.get("fails_first", 0):
            self._fail(path, "error", retry_at=9.0)
        elif data.get("container"):
            self._container_turn(path, plan, node)
        elif data.get("waits") and node.turn == 1:
            until = 9.0 if data["waits"] != "signal" else None
            name = self._chance.choice([None, "모두"])
            self._tell(NodeWaiting(at=1.0, path=path, until=until, signal=name, memo="쪽지"))
        else:
            names = self._names(path, plan)
            spec = plan.spec.model_dump(mode="json")
            self._conclude(path, plan, *behave(spec, inputs_of(plan, scope.nodes), names))

    def _conclude(self, path: Path, plan: PlanNode, status: str, outputs: Outputs) -> None:
        if status == "failed":
            self._fail(path, "error")
            return
        data, writes = plan.spec.data, list[Write]()
        if total := data.get("total"):
            writes.append(Write("add", "conversation.total", total))
        if (n := data.get("n")) and any("state" in scope.values for scope, _ in self.run.scopes_around(path)):
            writes.append(Write("add", "state.n", n))
        self._tell(NodeDone(at=1.0, path=path, outputs=outputs, writes=tuple(writes)))

    def _names(self, path: Path, plan: PlanNode) -> Data:
        names: Data = {}
        visible: Data = {}
        for scope, graph in reversed(self.run.scopes_around(path)):
            names |= {name: value for name, value in scope.values.items() if name != "state"}
            visible |= {one.id: self._outputs(scope, one) for one in graph.nodes}
        seen = mentioned(plan.spec.model_dump(mode="json"))
        return names | {"seen": {name: visible[name] for name in sorted(seen) if name in visible}}

    def _outputs(self, scope: Scope, plan: PlanNode) -> Outputs:
        return scope.nodes[plan.position].outputs or {}

    def _container_turn(self, path: Path, plan: PlanNode, node: NodeState) -> None:
        data = plan.spec.data
        kind, count, endings = data["container"], data["count"], node.expansion.in_order() if node.expansion else None
        if data.get("ends") == "fail":
            self._fail(path, "error")
        elif kind == "loop":
            self._loop_turn(path, plan, node)
        elif endings is None:
            scopes: list[Data] = [{"item": number, "index": number} for number in range(count)]
            race: Data = {"enough": 1, "tolerant": True} if kind == "race" else {"tolerant": data["tolerant"]}
            self._expand(path, plan, scopes, limit=data["limit"], **race)
        elif kind == "race":
            self._conclude(path, plan, *_outcome(any(one.succeeded for one in endings), "raced"))
        else:
            results = [one.outputs if one.succeeded else None for one in endings]
            self._conclude(path, plan, *_outcome(data["tolerant"] or None not in results, results))

    def _loop_turn(self, path: Path, plan: PlanNode, node: NodeState) -> None:
        number: int = node.memo or 0
        state: Data = {"n": 0}
        if node.expansion:
            [ending] = node.expansion.in_order()
            if not ending.succeeded:
                self._fail(path, "error")
                return
            state = ending.state | ending.outputs
        if number == plan.spec.data["count"]:
            self.states[path] = state["n"]
            self._conclude(path, plan, "done", {"out": carried(state)})
            return
        names = {"item": number, "index": number, "carry": carried(state), "state": state}
        self._expand(path, plan, [names], memo=number + 1)

    def _expand(self, path: Path, plan: PlanNode, scopes: list[Data], **more: Any) -> None:
        made = plan.spec.data.get("plan") if plan.body is None else None
        self._tell(NodeExpanded(at=1.0, path=path, scopes=tuple(scopes), plan=made, **more))


def _outcome(good: bool, out: Any) -> tuple[str, Outputs]:
    return ("done", {"out": out}) if good else ("failed", {})
