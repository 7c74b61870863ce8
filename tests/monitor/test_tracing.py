"""Traces, as a real collector receives them."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.monitor.home import MONDAY, home, workflow

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from mulle.app.tracing import Traced, TracingMissing, traced
from mulle.engine.facts import Failure, NodeDone, NodeExpanded, NodeFailed, NodeStarted, RunEnded, RunStarted
from mulle.monitor.tracing import trace_id
from mulle.runtime.driver import Published


class Collector:
    """A small OTLP/HTTP collector that decodes what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resources: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = ExportTraceServiceRequest()
                request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
                for group in request.resource_spans:
                    outer.resources.append({one.key: one.value.string_value for one in group.resource.attributes})
                    outer.spans += [span for scope in group.scope_spans for span in scope.spans]
                self.send_response(200)
                self.end_headers()

            def log_request(self, code: Any = "-", size: Any = "-") -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.server_port}"}

    def named(self, name: str) -> Any:
        return next(span for span in self.spans if span.name == name)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    yield made
    made.close()


def attributes(span: Any) -> dict[str, Any]:
    kinds = ("string_value", "int_value", "bool_value", "double_value")
    return {
        one.key: next(getattr(one.value, kind) for kind in kinds if one.value.HasField(kind)) for one in span.attributes
    }


async def test_a_run_is_one_trace_with_a_span_a_node_by_the_facts_own_times(tmp_path: Path, collector: Collector):
    async with home(tmp_path) as here:
        tracing = traced(collector.environ | {"OTEL_SERVICE_NAME": "물레"})
        assert tracing is not None
        here.app.listen(tracing)
        run = await here.ran(seconds=2.0, tokens=7)
        await asyncio.to_thread(tracing.close)

    whole, work = collector.named("run"), collector.named("work chat gpt-5-mini")
    assert {span.trace_id for span in collector.spans} == {trace_id(run).to_bytes(16)}
    assert work.parent_span_id == whole.span_id
    assert (work.start_time_unix_nano, work.end_time_unix_nano) == (round(MONDAY * 1e9), round((MONDAY + 2) * 1e9))
    told = attributes(work)
    assert told["gen_ai.request.model"] == "gpt-5-mini"
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (7, 7)
    assert attributes(whole)["mulle.run.status"] == "succeeded"
    assert collector.resources[0]["service.name"] == "물레"


async def test_each_attempt_has_a_span_and_failures_say_why(tmp_path: Path, collector: Collector):
    async with home(tmp_path) as here:
        tracing = traced(collector.environ, redact=lambda text: text.replace("hunter22", "[secret]"))
        assert tracing is not None
        here.app.listen(tracing)
        await here.ran(workflow(retry={"max": 1, "delay": "0s"}), fails="the key is hunter22")
        await asyncio.to_thread(tracing.close)

    attempts = [attributes(span) for span in collector.spans if span.name == "work"]
    assert [(one["mulle.node.attempt"], one["mulle.node.retried"]) for one in attempts] == [(1, True), (2, False)]
    assert collector.named("work").status.message == "the key is [secret]"
    assert collector.named("run").status.code == 2


def test_what_runs_in_a_body_hangs_on_its_container_and_a_child_is_linked_to_its_parent(collector: Collector):
    tracing = traced(collector.environ)
    assert tracing is not None
    facts = [
        RunStarted(at=1.0, run="child", graph="g", parent="mother"),
        NodeStarted(at=1.0, path=("each",)),
        NodeExpanded(at=1.1, path=("each",), scopes=({},)),
        NodeStarted(at=1.2, path=("each", 0, "step")),
        NodeDone(at=1.3, path=("each", 0, "step")),
        NodeStarted(at=1.4, path=("each",), turn=2),
        NodeDone(at=1.5, path=("each",)),
        RunEnded(at=1.6, status="succeeded"),
    ]
    tracing(Published("child", facts))
    tracing.close()

    each = collector.named("each")
    assert collector.named("each/step").parent_span_id == each.span_id
    assert each.start_time_unix_nano == 1_000_000_000
    assert collector.named("run").links[0].trace_id == trace_id("mother").to_bytes(16)


def test_a_run_that_another_process_goes_on_with_stays_in_its_trace(collector: Collector):
    before = [RunStarted(at=1.0, run="r", graph="g"), NodeStarted(at=1.0, path=("a",)), NodeDone(at=2.0, path=("a",))]
    after = [
        NodeStarted(at=5.0, path=("b",)),
        NodeFailed(at=6.0, path=("b",), kind="error", error=Failure("x", "y", "b")),
        RunEnded(at=6.0, status="failed", error=Failure("x", "y", "b")),
    ]
    first, second = traced(collector.environ), traced(collector.environ)
    assert first is not None
    assert second is not None
    first(Published("r", before))
    first.close()
    second(Published("r", after))
    second.close()

    assert len({span.trace_id for span in collector.spans}) == 1
    assert sorted(span.name for span in collector.spans) == ["a", "b", "run"]
    assert len({span.span_id for span in collector.spans}) == 3


async def test_what_happened_before_is_read_once_in_a_run_that_was_begun_elsewhere(
    tmp_path: Path, collector: Collector
):
    async with home(tmp_path) as here:
        run = await here.ran(seconds=2.0)
        facts = await here.app.journal.read(run)
        tracing = traced(collector.environ)
        assert tracing is not None
        spans = Traced(tracing, here.app.journal)

        spans(Published(run, facts[3:5]))
        spans(Published(run, facts[5:]))
        await spans.close()

    assert collector.named("run").start_time_unix_nano == round(facts[0].at * 1e9)
    assert sorted(span.name for span in collector.spans) == ["end", "run", "work"]


def test_without_an_endpoint_nothing_is_traced():
    assert traced({}) is None
    assert traced({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}) is None
    assert traced({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}) is None


def test_without_the_extra_the_way_to_it_is_said(monkeypatch: pytest.MonkeyPatch):
    def nothing(_name: str) -> None:
        return None

    monkeypatch.setattr("mulle.app.tracing.find_spec", nothing)

    with pytest.raises(TracingMissing) as missing:
        traced({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})

    assert "mulle[tracing]" in missing.value.advice
