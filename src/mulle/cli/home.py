"""Open the home that the environment names, for one command."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from mulle.app import App, open_app
from mulle.app.opening import load, settings
from mulle.app.tracing import Traced, traced
from mulle.document.workflow import Workflow

T = TypeVar("T")


def with_app(work: Callable[[App], Awaitable[T]], *, logs: str | None = None) -> T:
    """Do something with the opened home, and close it again. `logs`: from which level on, if MULLE_LOG does not say."""

    async def inside() -> T:
        app = open_app(by_itself=False)  # A command does what it was asked for, and ends.
        level = settings().log or logs
        if level:
            from mulle.monitor.logs import FactLog, write_log  # noqa: PLC0415 - structlog, which most commands do without.

            write_log(level, redact=app.outside.redact)
            app.listen(FactLog())
        try:
            tracing = traced(os.environ, app.outside.redact)
            if tracing is None:
                return await work(app)
            spans = Traced(tracing, app.journal)
            app.listen(spans)
            try:
                return await work(app)
            finally:
                await spans.close()
        finally:
            await app.close()

    return asyncio.run(inside())


def named_document(named: str) -> Workflow:
    """The same as `document`, for commands that need nothing else of the home."""

    async def work(app: App) -> Workflow:
        return document(app, named)

    return with_app(work)


def document(app: App, named: str) -> Workflow:
    """A workflow by its file, or by the id or name under which this home keeps it; raises UnknownWorkflow."""
    if Path(named).is_file() or Path(named).suffix in (".yaml", ".yml", ".json"):
        return load(named)
    return app.workflows.document(named)


def versioned(app: App, named: str) -> Workflow:
    """The same as `document`; an id or a name may have `@VERSION` behind it."""
    name, sign, version = named.rpartition("@")
    if sign and version.isdigit() and not Path(named).is_file():
        return app.workflows.document(name, int(version))
    return document(app, named)
