"""Facts in words: what a log line says about each. No clock, no logger; whoever writes lines takes secrets out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mulle.engine.facts import (
    AnyFact,
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

Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: float
    """Seconds since 1970."""
    level: Level
    said: str
    node: str = ""
    """Its path, joined by slashes; empty: the run itself."""
    more: dict[str, Any] = field(default_factory=dict[str, Any])

    def readable(self) -> dict[str, Any]:
        """What more there is to say, its times as people write them."""
        return {
            key: local_time(value) if key in _TIMES and isinstance(value, float) else value
            for key, value in self.more.items()
        }


class Telling:
    """Tells one run's facts in order; remembers only since when nodes are at work."""

    def __init__(self) -> None:
        self._since: dict[Path, float] = {}
        self._began: float | None = None

    def lines(self, fact: AnyFact) -> list[Line]:
        """What a fact has to say."""
        match fact:
            case RunStarted():
                self._began = fact.at
                more = {"inputs": fact.inputs} | ({"parent": fact.parent} if fact.parent else {})
                return [Line(fact.at, "info", "run began", more=more)]
            case NodeStarted():
                self._since.setdefault(fact.path, fact.at)
                more = {} if fact.attempt == 1 else {"attempt": fact.attempt}
                return [Line(fact.at, "debug", "node started", _node(fact.path), more)]
            case NodeDone():
                return self._done(fact)
            case NodeFailed():
                return [self._failed(fact)]
            case NodeExpanded():
                return [Line(fact.at, "debug", "node opened its body", _node(fact.path), {"scopes": len(fact.scopes)})]
            case NodeWaiting():
                more = {"until": fact.until, "signal": fact.signal, "asks": bool(fact.form) or None}
                return [Line(fact.at, "info", "node waits", _node(fact.path), _set(more))]
            case Signalled():
                return [Line(fact.at, "info", "signal came", more={"name": fact.name, "payload": fact.payload})]
            case RunCancelled():
                more = _set({"reason": fact.reason})
                return [Line(fact.at, "warning", f"run is to end: {fact.detail.replace('_', ' ')}", more=more)]
            case RunEnded():
                return [self._ended(fact)]

    def _done(self, fact: NodeDone) -> list[Line]:
        node, usage = _node(fact.path), dict(fact.usage or {})
        printed = usage.pop("printed", None)
        lines = [Line(fact.at, "info", "printed", node, {"text": printed})] if isinstance(printed, str) else []
        more = {"seconds": self._took(fact), "outputs": fact.outputs} | ({"usage": usage} if usage else {})
        return [*lines, Line(fact.at, "debug", "node done", node, more)]

    def _failed(self, fact: NodeFailed) -> Line:
        more: dict[str, Any] = {"error": fact.error.type, "message": fact.error.message, "hint": fact.error.hint}
        if fact.retry_at is not None:
            more |= {"again_at": fact.retry_at}
            return Line(fact.at, "warning", "node failed and is tried again", _node(fact.path), _set(more))
        more["seconds"] = self._took(fact)
        if fact.ask_until is not None:
            more |= {"ask_until": fact.ask_until}
            return Line(fact.at, "warning", "node was cut off and asks a person", _node(fact.path), _set(more))
        if fact.kind == "stopped":
            return Line(fact.at, "debug", "node stopped", _node(fact.path), _set({"seconds": more["seconds"]}))
        return Line(fact.at, "warning", "node failed", _node(fact.path), _set(more))

    def _ended(self, fact: RunEnded) -> Line:
        seconds = None if self._began is None else round(fact.at - self._began, 3)
        more: dict[str, Any] = {"detail": fact.detail, "seconds": seconds}
        if fact.error is not None:
            more |= {"error": fact.error.type, "message": fact.error.message}
            more |= {"hint": fact.error.hint, "at": fact.error.node}
        if fact.status == "succeeded":
            more["outputs"] = fact.outputs
        return Line(fact.at, "error" if fact.status == "failed" else "info", f"run {fact.status}", more=_set(more))

    def _took(self, fact: NodeDone | NodeFailed) -> float | None:
        since = self._since.pop(fact.path, None)
        return None if since is None else round(fact.at - since, 3)


_TIMES = frozenset({"until", "again_at", "ask_until"})
Redact = Callable[[str], str]


def without_secrets(value: Any, redact: Redact) -> Any:
    """Plain data whose every text went through `redact`."""
    match value:
        case str():
            return redact(value)
        case dict():
            return {redact(str(key)): without_secrets(item, redact) for key, item in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # JSON
        case list() | tuple():
            return [without_secrets(item, redact) for item in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
        case _:
            return value


def local_time(seconds: float) -> str:
    """A time as ISO 8601 in this machine's zone."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="milliseconds")


def _node(path: Path) -> str:
    return "/".join(map(str, path))


def _set(more: dict[str, Any]) -> dict[str, Any]:
    """What there is to say."""
    return {key: value for key, value in more.items() if value not in (None, "", {}, [])}
