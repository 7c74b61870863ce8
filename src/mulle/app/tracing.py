"""Whether runs are traced, by the standard variables of OpenTelemetry; they are not unless an endpoint is named."""

import asyncio
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mulle.engine.facts import RunStarted
from mulle.engine.journal import Journal
from mulle.errors import MulleError, SetupError
from mulle.runtime.driver import Published

if TYPE_CHECKING:
    from mulle.monitor.tracing import Tracing

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class TracingMissing(SetupError):
    """Traces are asked for, and what sends them is not installed."""

    code = "tracing.missing"
    message = "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed."
    hint = "pip install 'mulle[tracing]', or take the variable away."


def traced(environ: Mapping[str, str], redact: Callable[[str], str] = lambda text: text) -> "Tracing | None":
    """What makes traces of runs; None where nobody asked for them. Raises TracingMissing.

    Args:
        environ: The endpoint, its headers, its timeout and the service's name are read from here and, by the exporter
            itself, from the process's environment: OTEL_EXPORTER_OTLP_*, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES.
        redact: Takes secrets out of messages.
    """
    asked = any(environ.get(name) for name in ENDPOINTS)
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
    if off or not asked:
        return None
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter.otlp.proto.http") is None:
        raise TracingMissing
    # Heavy, and an extra: only who traces imports them.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - see above.
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - see above.
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - see above.

    from mulle.monitor.tracing import Tracing  # noqa: PLC0415 - see above.

    resource = Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME") or "mulle"})
    return Tracing(BatchSpanProcessor(OTLPSpanExporter()), resource, redact)


class Traced:
    """Traces what an app publishes: give it to `App.listen`. A run that was begun elsewhere is read once first."""

    def __init__(self, tracing: "Tracing", journal: Journal) -> None:
        """Trace by `tracing`; `journal` tells what happened before."""
        self._tracing = tracing
        self._journal = journal
        self._held: dict[str, list[Published]] = {}
        self._reading: set[asyncio.Task[None]] = set()

    def __call__(self, published: Published) -> None:
        if not published.facts:
            return
        if published.run in self._held:
            self._held[published.run].append(published)
        elif self._tracing.knows(published.run) or isinstance(published.facts[0], RunStarted):
            self._tracing(published)
        else:
            self._held[published.run] = [published]
            task = asyncio.get_running_loop().create_task(self._read(published.run))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    async def _read(self, run: str) -> None:
        try:
            facts = await self._journal.read(run, previews=True)
        except MulleError:
            facts = []  # It is traced from here on, then.
        held = self._held.pop(run)
        first = held[0].facts[0]
        self._tracing.read(run, facts[: facts.index(first)] if first in facts else [])
        for published in held:
            self._tracing(published)

    async def close(self) -> None:
        """Send what is left."""
        await asyncio.gather(*self._reading)
        await asyncio.to_thread(self._tracing.close)
