"""Tell a run what happened, step by step, and look at what it wants next.

Every fact also goes through the codec into a second run: what a test shows holds for a run that was read back from its
journal, too.
"""

from collections.abc import Sequence
from typing import Any

from tests.engine.graphs import describe

from mulle.document.variables import Write
from mulle.engine.codec import decode, encode
from mulle.engine.facts import (
    AnyFact,
    Budget,
    Effect,
    Failure,
    Kind,
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
from mulle.engine.plan import ScopePlan
from mulle.engine.run import Run
from mulle.engine.scope import NodeState


def path_of(text: str) -> Path:
    return tuple(int(step) if step.isdigit() else step for step in text.split("/"))


def text_of(path: Path) -> str:
    return "/".join(map(str, path))


class Play:
    """A run, and all it was told."""

    def __init__(
        self, plan: ScopePlan, *, conversation: dict[str, Any] | None = None, budget: Budget | None = None
    ) -> None:
        self.run = Run(plan, describe)
        self.run.on_ending = self._ended
        self.read_back = Run(plan, describe)
        self.journal: list[AnyFact] = []
        self.endings: dict[str, NodeState] = {}
        """Of every node that has one, in the order in which they came."""
        self.apply(RunStarted(at=0.0, run="r", graph="g", conversation=conversation or {}, budget=budget))

    def _ended(self, path: Path, state: NodeState) -> None:
        assert text_of(path) not in self.endings, f"{path} ended twice"
        self.endings[text_of(path)] = state

    # -- what happened

    def apply(self, fact: AnyFact) -> None:
        self.run.apply(fact)
        self.journal.append(fact)
        for read in decode(encode([fact])):
            self.read_back.apply(read)
        assert picture(self.read_back) == picture(self.run)

    def start(self, *nodes: str, effect: Effect = "pure") -> None:
        for node in nodes:
            command = self.run.commands[path_of(node)]
            self.apply(
                NodeStarted(at=self._now, path=command.path, turn=command.turn, attempt=command.attempt, effect=effect)
            )

    def done(self, node: str, outputs: dict[str, Any] | None = None, *writes: Write) -> None:
        self.apply(NodeDone(at=self._now, path=path_of(node), outputs=outputs or {}, writes=writes))

    def does(self, node: str, outputs: dict[str, Any] | None = None, *writes: Write) -> None:
        """Start and finish a turn."""
        self.start(node)
        self.done(node, outputs, *writes)

    def expand(self, node: str, scopes: int | Sequence[dict[str, Any]], **more: Any) -> None:
        """Start a turn that asks for scopes."""
        self.start(node)
        self.apply_expand(node, scopes, **more)

    def apply_expand(self, node: str, scopes: int | Sequence[dict[str, Any]], **more: Any) -> None:
        """A number asks for so many scopes without names."""
        asked: Sequence[dict[str, Any]] = [dict[str, Any]()] * scopes if isinstance(scopes, int) else scopes
        self.apply(NodeExpanded(at=self._now, path=path_of(node), scopes=tuple(asked), **more))

    def check_expand(self, node: str, scopes: Sequence[dict[str, Any]], **more: Any) -> None:
        self.run.check(NodeExpanded(at=self._now, path=path_of(node), scopes=tuple(scopes), **more))

    def wait(self, node: str, **more: Any) -> None:
        """Start a turn that asks to wait."""
        self.start(node)
        self.apply_wait(node, **more)

    def apply_wait(self, node: str, **more: Any) -> None:
        self.apply(NodeWaiting(at=self._now, path=path_of(node), **more))

    def start_again(self, node: str) -> None:
        """Start an interrupted turn once more, as a person said."""
        command = self.run.commands[path_of(node)]
        attempt = command.attempt + 1
        self.apply(NodeStarted(at=self._now, path=command.path, turn=command.turn, attempt=attempt, effect="once"))

    def fail(self, node: str, kind: Kind = "error", error: Failure | None = None, **more: Any) -> None:
        failure = error or Failure("boom", "터졌습니다.", node)
        self.apply(NodeFailed(at=self._now, path=path_of(node), kind=kind, error=failure, **more))

    def stop(self, *nodes: str) -> None:
        for node in nodes:
            self.fail(node, "stopped")

    def signal(self, name: str, payload: Any = None, *, id: str | None = None) -> None:  # noqa: A002  # The fact's own word.
        self.apply(Signalled(at=self._now, id=id or f"s{self.run.head}", name=name, payload=payload))

    def cancel(self, **more: Any) -> None:
        self.apply(RunCancelled(at=self._now, **more))

    def end(self) -> None:
        finish = self.run.finish
        assert finish is not None
        self.apply(RunEnded(at=self._now, status=finish.status, detail=finish.detail, outputs=finish.outputs))

    @property
    def _now(self) -> float:
        return float(self.run.head)

    # -- what it wants

    @property
    def listed(self) -> list[str]:
        """What should be running, by path."""
        return [text_of(path) for path in self.run.commands]

    @property
    def stopping(self) -> list[str]:
        return [text_of(path) for path in self.run.to_stop]

    def state(self, node: str) -> NodeState:
        ended = self.endings.get(node)
        return self.run.at(path_of(node))[2] if ended is None else ended

    def status(self, node: str) -> str:
        return self.state(node).status

    def statuses(self, *nodes: str) -> list[str]:
        return [self.status(node) for node in nodes]

    @property
    def outcome(self) -> tuple[str, str, dict[str, Any]]:
        finish = self.run.finish
        assert finish is not None, f"the run goes on: {self.listed}, {self.stopping}"
        return finish.status, finish.detail, finish.outputs


def picture(run: Run) -> tuple[Any, ...]:
    """All that a driver sees of a run."""
    return (
        list(run.commands.items()),
        list(run.to_stop),
        run.finish,
        run.conversation,
        run.written,
        run.waiting(),
        run.deadline,
    )
