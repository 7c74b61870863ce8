"""Open the home that the environment names, for one command."""

import asyncio
import os
import re
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
    """A workflow by its file, or by the id or name under which this home keeps it, `@VERSION` behind it or not.

    Raises UnknownWorkflow, UnknownVersion.
    """
    if Path(named).is_file() or Path(named).suffix in (".yaml", ".yml", ".json"):
        return load(named)
    name, version = _parted(named)
    if version is not None and not any(named in (one.id, one.name) for one in app.workflows.all()):
        return app.workflows.document(name, version)
    return app.workflows.document(named)


def _parted(named: str) -> tuple[str, int | None]:
    """`digest@3` as name and version."""
    parts = re.fullmatch(r"(.+)@([0-9]{1,9})", named, re.DOTALL)
    return (parts[1], int(parts[2])) if parts else (named, None)
