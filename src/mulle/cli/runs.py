"""`mulle runs`: what ran, and what one can still do about it."""

from datetime import datetime
from typing import Any

import click

from mulle.app import App
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, show, table
from mulle.cli.run import UnreadableInput, described, for_people, parsed_value
from mulle.document.ports import Port, PortType
from mulle.engine.journal import RunRow
from mulle.errors import InputError

STATUSES = ("queued", "running", "waiting", "succeeded", "failed", "cancelled")


class BadPayload(InputError):
    """What is sent with a signal is not JSON."""

    code = "signal.bad_payload"
    message = "'{text}' is no JSON."
    hint = 'Quote it for the shell: \'{{"decision": "approved"}}\'.'


class RunIsOver(InputError):
    """A run that has ended cannot be moved any more."""

    code = "run.over"
    message = "Run '{run}' has ended already: {status}."
    hint = "`mulle runs show {run}` shows what it did."


@click.group()
def runs() -> None:
    """List, show, resume, cancel and signal runs."""


@runs.command("list")
@click.option("--status", type=click.Choice(STATUSES))
@click.option("--workflow", help="Only runs of this workflow.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@json_option
def list_runs(status: str | None, workflow: str | None, limit: int, as_json: bool) -> int:
    """The newest runs first."""
    rows = with_app(lambda app: app.runs(status=status, workflow=workflow, limit=limit))
    empty = "No such runs." if status or workflow else "No runs yet. `mulle run FILE` starts one."
    show({"runs": [row_data(row) for row in rows]}, as_json, lambda: _rows_for_people(rows) if rows else empty)
    return 0


@runs.command("show")
@click.argument("run")
@json_option
def show_run(run: str, as_json: bool) -> int:
    """Everything a run did, node by node."""

    async def work(app: App) -> dict[str, Any]:
        return await described(app, await app.standing(run), "")

    shown = with_app(work)
    show(shown, as_json, lambda: for_people(shown))
    return 0


@runs.command()
@click.argument("run")
@json_option
def resume(run: str, as_json: bool) -> int:
    """Go on with an unfinished run until it stands still."""

    async def work(app: App) -> dict[str, Any]:
        return await described(app, await app.go_on(run), "")

    shown = with_app(work)
    show(shown, as_json, lambda: for_people(shown))
    return 1 if shown["status"] in ("failed", "cancelled") else 0


@runs.command()
@click.argument("run")
@click.option("--reason", default="", help="Kept with the run.")
@json_option
def cancel(run: str, reason: str, as_json: bool) -> int:
    """End a run, whatever its steps do."""

    async def work(app: App) -> dict[str, Any]:
        row = await app.journal.row(run)
        if row.ended is not None and row.status != "cancelled":
            raise RunIsOver(run=run, status=row.status)
        await app.cancel(run, reason)
        return await described(app, await app.go_on(run), "")

    shown = with_app(work)
    show(shown, as_json, lambda: for_people(shown))
    return 0


@runs.command()
@click.argument("run")
@click.argument("name")
@click.argument("payload", required=False)
@click.option("--id", "signal_id", help="The same id counts once.")
@json_option
def signal(run: str, name: str, payload: str | None, signal_id: str | None, as_json: bool) -> int:
    """Send a run a signal, with JSON if you like, and go on with it."""

    async def work(app: App) -> dict[str, Any]:
        sent = parsed_payload(payload)
        row = await app.journal.row(run)
        if row.ended is not None and signal_id is None:
            raise RunIsOver(run=run, status=row.status)
        await app.signal(run, name, sent, signal_id=signal_id)
        return await described(app, await app.go_on(run), "")

    shown = with_app(work)
    show(shown, as_json, lambda: for_people(shown))
    return 1 if shown["status"] in ("failed", "cancelled") else 0


def parsed_payload(text: str | None) -> Any:
    """What follows a signal's name; raises BadPayload."""
    if text is None:
        return None
    try:
        return parsed_value(text, Port(name="payload", type=PortType.OBJECT))
    except UnreadableInput as error:
        raise BadPayload(text=text) from error


def row_data(row: RunRow) -> dict[str, Any]:
    """A run in a list."""
    return {
        "run_id": row.id,
        "workflow": row.workflow,
        "status": row.status,
        "detail": row.detail,
        "created": iso(row.created),
        "ended": iso(row.ended),
        "wake_at": iso(row.wake_at),
    }


def iso(seconds: float | None) -> str | None:
    """A time as ISO 8601 in this machine's zone."""
    return None if seconds is None else datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def _rows_for_people(rows: list[RunRow]) -> str:
    cells = [
        [row.id, row.status, row.detail, (iso(row.created) or "")[:19].replace("T", " "), row.workflow] for row in rows
    ]
    return table(cells, ["run", "status", "detail", "created", "workflow"])
