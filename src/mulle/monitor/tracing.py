"""Traces of runs, made from facts: one trace a run, one span an attempt of a node, with the facts' own times.

The ids are derived from the run's, so that a run that goes on elsewhere after a crash goes on in the same trace. Spans
leave in the background when their node has ended; what the collector does not take is dropped, and no run waits for it.
Language models are described by OpenTelemetry's GenAI conventions.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from mulle.engine.facts import (
    AnyFact,
    NodeDone,
    NodeFailed,
    NodeStarted,
    Path,
    RunEnded,
    RunStarted,
)
from mulle.runtime.driver import Published

SCOPE = InstrumentationScope("mulle")
MOST_RUNS = 10_000
"""Runs under way whose spans are open at most; the oldest are forgotten."""
LONGEST = 1_000
"""Characters of a message."""

Redact = Callable[[str], str]


class Tracing:
    """Makes spans of the facts that this process writes: give it to `App.listen`."""

    def __init__(self, processor: SpanProcessor, resource: Resource, redact: Redact = lambda text: text) -> None:
        """Hand spans that have ended to a processor of OpenTelemetry's SDK."""
        self._processor = processor
        self._resource = resource
        self._redact = redact
        self._runs: dict[str, _Open] = {}

    def __call__(self, published: Published) -> None:
        if not published.facts:
            return
        run = self._runs.get(published.run)
        if run is None:
            if len(self._runs) >= MOST_RUNS:
                del self._runs[next(iter(self._runs))]
            run = self._runs[published.run] = _Open(published.run)
        for fact in published.facts:
            for span in run.take(fact, self._resource, self._redact):
                self._processor.on_end(span)
            if isinstance(fact, RunEnded):
                self._runs.pop(published.run, None)

    def read(self, run: str, facts: list[AnyFact]) -> None:
        """Know what happened before in a run that this process goes on with; nothing of it is sent again."""
        known = self._runs[run] = _Open(run)
        for fact in facts:
            known.take(fact, self._resource, self._redact)

    def knows(self, run: str) -> bool:
        """Whether the beginning of a run was seen."""
        return run in self._runs and self._runs[run].started is not None

    def close(self) -> None:
        """Send what is left; waits for the collector for a few seconds at most."""
        self._processor.shutdown()


class _Open:
    """One run under way."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.started: RunStarted | None = None
        self._nodes: dict[Path, NodeStarted] = {}
        self._began: dict[Path, float] = {}

    def take(self, fact: AnyFact, resource: Resource, redact: Redact) -> list[ReadableSpan]:
        """The spans that end with this fact."""
        match fact:
            case RunStarted():
                self.started = fact
            case NodeStarted():
                self._nodes[fact.path] = fact
                self._began.setdefault(fact.path, fact.at)
            case NodeDone() | NodeFailed():
                return [self._node(fact, resource, redact)]
            case RunEnded():
                return [self._whole(fact, resource, redact)]
            case _:
                pass
        return []

    def _node(self, fact: NodeDone | NodeFailed, resource: Resource, redact: Redact) -> ReadableSpan:
        started = self._nodes.pop(fact.path, None)
        began = self._began.pop(fact.path, fact.at)
        attempt = started.attempt if started else 1
        path = "/".join(map(str, fact.path))
        name = "/".join(step for step in fact.path if isinstance(step, str))
        attributes: dict[str, Any] = {
            "mulle.run.id": self.run,
            "mulle.node.path": path,
            "mulle.node.attempt": attempt,
            "mulle.node.effect": started.effect if started else "pure",
        }
        kind, status = SpanKind.INTERNAL, Status(StatusCode.OK)
        if isinstance(fact, NodeDone):
            model = _model(fact.usage or {})
            attributes |= model
            if model:
                kind, name = SpanKind.CLIENT, f"{name} {model['gen_ai.operation.name']} {model['gen_ai.request.model']}"
        else:
            attributes["error.type"] = fact.error.type
            attributes["mulle.node.retried"] = fact.retry_at is not None
            status = Status(StatusCode.ERROR, redact(fact.error.message)[:LONGEST])
        return ReadableSpan(
            name=name,
            context=_context(self.run, f"{path}#{attempt}"),
            parent=self._parent(fact.path),
            resource=resource,
            attributes=attributes,
            kind=kind,
            status=status,
            start_time=_nanoseconds(began),
            end_time=_nanoseconds(fact.at),
            instrumentation_scope=SCOPE,
        )

    def _parent(self, path: Path) -> SpanContext:
        """The container that a node runs in, else the run."""
        container = path[:-2]
        if not container:
            return _context(self.run, "")
        started = self._nodes.get(container)
        return _context(self.run, f"{'/'.join(map(str, container))}#{started.attempt if started else 1}")

    def _whole(self, fact: RunEnded, resource: Resource, redact: Redact) -> ReadableSpan:
        began = self.started.at if self.started else fact.at
        parent = self.started.parent if self.started else None
        attributes: dict[str, Any] = {
            "mulle.run.id": self.run,
            "mulle.run.status": fact.status,
            "mulle.run.detail": fact.detail,
            "mulle.graph": self.started.graph if self.started else "",
        }
        if self.started is not None and self.started.session:
            attributes["gen_ai.conversation.id"] = self.started.session
        status = Status(StatusCode.OK)
        if fact.status == "failed":
            attributes["error.type"] = fact.error.type if fact.error else "failed"
            status = Status(StatusCode.ERROR, redact(fact.error.message)[:LONGEST] if fact.error else None)
        return ReadableSpan(
            name="run",
            context=_context(self.run, ""),
            parent=None,
            resource=resource,
            attributes=attributes,
            links=[Link(_context(parent, ""), {"mulle.link": "parent"})] if parent else [],
            kind=SpanKind.INTERNAL,
            status=status,
            start_time=_nanoseconds(began),
            end_time=_nanoseconds(fact.at),
            instrumentation_scope=SCOPE,
        )


def trace_id(run: str) -> int:
    """The trace of a run: 128 bits of its id's hash."""
    return int.from_bytes(hashlib.sha256(f"trace/{run}".encode()).digest()[:16]) or 1


def _context(run: str, place: str) -> SpanContext:
    span = int.from_bytes(hashlib.sha256(f"span/{run}/{place}".encode()).digest()[:8]) or 1
    return SpanContext(trace_id(run), span, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _model(usage: dict[str, Any]) -> dict[str, Any]:
    """What was asked of a language model, in the words of the GenAI conventions."""
    model = usage.get("model")
    if not isinstance(model, str) or not model:
        return {}
    read, written = usage.get("input_tokens"), usage.get("output_tokens")
    told: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.provider.name": "mulle" if model == "builtin" else "openai",
    }
    if isinstance(read, int):
        told["gen_ai.usage.input_tokens"] = read
    if isinstance(written, int):
        told["gen_ai.usage.output_tokens"] = written
    return told


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
