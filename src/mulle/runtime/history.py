"""What a run did, node by node: the journal read once more, for people."""

from collections.abc import Iterable
from typing import Any

import msgspec

from mulle.document.signature import Describe
from mulle.engine import scope as at
from mulle.engine.facts import AnyFact, Failure, NodeDone, NodeFailed, NodeStarted, Outputs, Path
from mulle.engine.past import OfNode
from mulle.engine.plan import ScopePlan
from mulle.engine.run import Run


class NodeRecord(msgspec.Struct, kw_only=True):
    """One node of a run, from its first start to its ending."""

    path: Path
    type: str
    status: str
    outputs: Outputs | None = None
    error: Failure | None = None
    reason: str = ""
    """Why it was skipped."""
    attempts: int = 0
    turns: int = 0
    started: float | None = None
    ended: float | None = None
    usage: dict[str, Any] | None = None
    kept: bool = False
    """It was carried over from the run that this one was forked from, and was not executed here."""
    truncated_fields: tuple[str, ...] = ()
    """What is shown only in part: `outputs.text`. Nothing, if the history was read whole."""

    @property
    def elapsed_ms(self) -> float:
        if self.started is None or self.ended is None:
            return 0.0
        return max(0.0, round((self.ended - self.started) * 1000, 3))  # A clock may have been put back.

    def to_dict(self) -> dict[str, Any]:
        """As `mulle run --json` shows it; skipped nodes with their reason."""
        shown: dict[str, Any] = {
            "path": "/".join(map(str, self.path)),
            "type": self.type,
            "status": self.status,
            "outputs": self.outputs,
            "error": self.error.to_dict() | {"hint": self.error.hint} if self.error else None,
            "attempts": self.attempts,
            "elapsed_ms": self.elapsed_ms,
            "is_truncated": bool(self.truncated_fields),
            "truncated_fields": list(self.truncated_fields),
        }
        if self.reason:
            shown["reason"] = self.reason
        if self.usage:
            shown["usage"] = self.usage
        if self.kept:
            shown["kept"] = True
        return shown


class History:
    """The records of a run's nodes, in the order in which they began (or were skipped)."""

    def __init__(self, plan: ScopePlan, describe: Describe) -> None:
        self.run = Run(plan, describe)
        self.run.on_ending = self._ended
        self.records: dict[Path, NodeRecord] = {}
        self.executions = 0
        self._now = 0.0

    @classmethod
    def of(cls, facts: Iterable[AnyFact], plan: ScopePlan, describe: Describe) -> "History":
        """Read a whole journal; raises BrokenJournal."""
        history = cls(plan, describe)
        for fact in facts:
            history.apply(fact)
        return history

    def apply(self, fact: AnyFact) -> None:
        self._now = fact.at
        if self._is_carried():
            self._keep(fact)
        elif isinstance(fact, OfNode):
            self._record(fact.path).kept = False
        if isinstance(fact, NodeStarted) and not self._is_carried():
            self.executions += 1
            record = self._record(fact.path)
            record.started = fact.at if record.started is None else record.started
            record.attempts = max(record.attempts, fact.attempt)
            record.turns = fact.turn
        elif isinstance(fact, NodeDone):
            record = self._record(fact.path)
            record.usage, record.error = fact.usage, None  # A retry that succeeds is a success.
            record.truncated_fields = _shortened(fact)
        elif isinstance(fact, NodeFailed):
            record = self._record(fact.path)
            record.error, record.truncated_fields = fact.error, _shortened(fact)
        self.run.apply(fact)

    def _is_carried(self) -> bool:
        """Whether the next fact comes from the run that this one was forked from."""
        started = self.run.started
        return started is not None and started.origin is not None and self.run.head <= started.origin.kept

    def _keep(self, fact: AnyFact) -> None:
        if isinstance(fact, OfNode):
            self._record(fact.path).kept = True

    def still_open(self) -> None:
        """Give every record that has no ending the status it stands at."""
        for path, record in self.records.items():
            if record.ended is None:
                record.status = self.run.at(path)[2].status

    def _record(self, path: Path) -> NodeRecord:
        if path not in self.records:
            self.records[path] = NodeRecord(path=path, type=self.run.at(path)[1].spec.type, status=at.RUNNING)
        return self.records[path]

    def _ended(self, path: Path, state: at.NodeState) -> None:
        record = self._record(path)
        record.status = STATUS_WORDS.get(state.status, state.status)
        record.outputs, record.reason = state.outputs, state.reason
        record.ended = self._now


STATUS_WORDS = {at.DONE: "succeeded"}
"""The fold's words as people read them."""


def _shortened(fact: AnyFact) -> tuple[str, ...]:
    """The fields of a fact that hold previews, as people write them."""
    return tuple(
        "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in ref.at)[1:] for ref in fact.blobs
    )
