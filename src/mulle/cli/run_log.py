"""`mulle runs log`: what happened in one run, line by line, from its journal."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import click

from mulle.app import App
from mulle.cli.home import with_app
from mulle.cli.printing import short, write
from mulle.monitor.telling import Line, Telling, local_time, without_secrets

PIECE = 500
"""Facts that are read at a time."""
LOOK_AGAIN = 0.3
"""Seconds between two looks at a run that is followed."""
COLOURS = {"warning": "yellow", "error": "red", "debug": "bright_black"}


@click.command("log")
@click.argument("run")
@click.option("--follow", "-f", is_flag=True, help="Stay until the run has ended.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def log_run(run: str, follow: bool, as_json: bool) -> int:
    """Tell what happened in a run, line by line."""

    async def work(app: App) -> None:
        await app.journal.row(run)
        async for line in lines_of(app, run, follow=follow):
            shown = without_secrets(data(run, line), app.outside.redact)
            write((json.dumps(shown, ensure_ascii=False, default=str) if as_json else for_people(shown)) + "\n")

    with_app(work)
    return 0


async def lines_of(app: App, run: str, *, follow: bool) -> AsyncGenerator[Line]:
    """A run's lines as far as they are there; with `follow` until it has ended. Raises UnknownRun."""
    telling = Telling()
    position = 0
    while True:
        facts = await app.journal.read(run, position, PIECE, previews=True)
        position += len(facts)
        for fact in facts:
            for line in telling.lines(fact):
                yield line
        if not facts:
            row = await app.journal.row(run)
            if row.head > position:
                continue
            if row.ended is not None or not follow:
                return
            await asyncio.sleep(LOOK_AGAIN)


def data(run: str, line: Line) -> dict[str, Any]:
    """A line as plain data."""
    shown = {"timestamp": local_time(line.at), "level": line.level, "event": line.said, "run": run, "node": line.node}
    return shown | line.readable()


def for_people(shown: dict[str, Any]) -> str:
    """`14:03:22.123 each/0/fetch  node failed: …`."""
    known = ("timestamp", "level", "event", "run", "node", "message", "text")
    more = "  ".join(f"{key}={short(value, 160)}" for key, value in shown.items() if key not in known)
    what = click.style(shown["event"], fg=COLOURS.get(shown["level"]), bold=not shown["node"])
    said = shown.get("message") or shown.get("text", "").rstrip()
    parts = [shown["timestamp"][11:23], f"{shown['node'] or 'run':<16}", what + (f": {said}" if said else ""), more]
    return "  ".join(part for part in parts if part)
