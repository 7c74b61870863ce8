"""`mulle runs`: what ran, and what one can still do about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from mulle.app import App
from mulle.app.forks import Earlier, earlier
from mulle.cli.comparing import diff_runs, pins_of_run
from mulle.cli.home import document, with_app
from mulle.cli.printing import json_option, show, table
from mulle.cli.run import UnreadableInput, described, for_people, parsed_value
from mulle.cli.run_log import log_run
from mulle.cli.value import value
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
    """List, show, resume, retry, fork, cancel, signal and pin runs."""


runs.add_command(log_run)
runs.add_command(value)
runs.add_command(diff_runs)
runs.add_command(pins_of_run)


@runs.command("list")
@click.option("--status", type=click.Choice(STATUSES))
@click.option("--workflow", help="Only runs of this workflow.")
@click.option("--before", metavar="TIME", type=click.DateTime(), help="Only runs created before this time.")
@click.option("--behind", metavar="RUN", help="The next page: what follows this run in the list.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@json_option
def list_runs(
    *, status: str | None, workflow: str | None, before: datetime | None, behind: str | None, limit: int, as_json: bool
) -> int:
    """The newest runs first."""
    until = None if before is None else _seconds(before)
    filters = {"status": status, "workflow": workflow, "before": until, "behind": behind, "limit": limit}
    rows = with_app(lambda app: app.runs(**filters))
    more = rows[-1].id if len(rows) == limit else None
    filtered = any((status, workflow, before, behind))
    empty = "No such runs." if filtered else "No runs yet. `mulle run FILE` starts one."
    shown = {"runs": [row_data(row) for row in rows], "next": more}
    show(shown, as_json, lambda: _rows_for_people(rows) if rows else empty)
    return 0


def _seconds(moment: datetime) -> float:
    """A time as seconds since 1970; raises UnreadableInput for one that no calendar of a machine reaches."""
    try:
        return moment.timestamp()
    except (ValueError, OverflowError, OSError) as error:
        hint = "Write a day such as 2026-11-01."
        raise UnreadableInput(f"{moment.date()} is too long ago.", at="--before", hint=hint) from error


@runs.command("show")
@click.argument("run")
@click.option("--full", is_flag=True, help="With all of every value, however big.")
@json_option
def show_run(run: str, full: bool, as_json: bool) -> int:
    """Everything a run did, node by node."""

    async def work(app: App) -> dict[str, Any]:
        return await described(app, await app.standing(run), "", full=full)

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


@runs.command()
@click.argument("run")
@json_option
def retry(run: str, as_json: bool) -> int:
    """Go on, in a new run, where one failed or was cancelled."""

    async def work(app: App) -> dict[str, Any]:
        return await described(app, await app.retry(run), "")

    return _tell(with_app(work), as_json)


@runs.command()
@click.argument("run")
@click.option("--at", metavar="PATH", help="The node to begin at, `summarise` or `each/3/summarise`.")
@click.option("--set", "given", metavar="NODE.PORT=VALUE", multiple=True, help="An output instead of what came out.")
@click.option("--on", metavar="FILE|ID[@VERSION]", help="The workflow, changed; what is the same in it is kept.")
@json_option
def fork(run: str, at: str | None, given: Sequence[str], on: str | None, as_json: bool) -> int:
    """Do a part of a run again, in a new run; what does not lie behind the change is kept."""
    if not (at or given or on):
        raise click.UsageError("Say what is to be different: --at, --set or --on.")

    async def work(app: App) -> dict[str, Any]:
        before = await earlier(app.journal, app.graphs, run)
        values = dict(_given(before, pair) for pair in given)
        other = document(app, on) if on else None
        return await described(app, await app.fork(run, at=at, set=values, on=other), "")

    return _tell(with_app(work), as_json)


def _given(before: Earlier, pair: str) -> tuple[str, Any]:
    """`NODE.PORT=VALUE`, read by the port's type; raises UnreadableInput, UnknownNode, BadOutput."""
    place, sign, text = pair.partition("=")
    if not sign:
        hint = "Write --set NODE.PORT=VALUE; `mulle runs show RUN` has the nodes and what came out."
        raise UnreadableInput(f"'{pair}' is not of the form NODE.PORT=VALUE.", at="--set", hint=hint)
    return place, parsed_value(text, before.port(place)[1])


def _tell(shown: dict[str, Any], as_json: bool) -> int:
    show(shown, as_json, lambda: for_people(shown))
    return 1 if shown["status"] in ("failed", "cancelled") else 0


@runs.command()
@click.argument("run")
@click.option("--off", is_flag=True, help="Let it grow old again.")
@json_option
def pin(run: str, off: bool, as_json: bool) -> int:
    """Keep a run for ever, whatever the retention says."""

    async def work(app: App) -> RunRow:
        await app.pin(run, pinned=not off)
        return await app.journal.row(run)

    row = with_app(work)
    show(row_data(row), as_json, lambda: f"✓ run {run} is {'kept for ever' if row.pinned else 'no longer pinned'}.")
    return 0


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
        "parent": row.parent,
        "pinned": row.pinned,
    }


def iso(seconds: float | None) -> str | None:
    """A time as ISO 8601 in this machine's zone."""
    return None if seconds is None else datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def _rows_for_people(rows: list[RunRow]) -> str:
    cells = [
        [row.id, row.status, row.detail, (iso(row.created) or "")[:19].replace("T", " "), row.workflow, _marks(row)]
        for row in rows
    ]
    return table(cells, ["run", "status", "detail", "created", "workflow", ""])


def _marks(row: RunRow) -> str:
    """What is special about a run: whom it was forked from, and whether it is kept for ever."""
    fork = f"⑂ {row.parent}" if row.parent and row.forked else ""
    return " ".join(filter(None, [fork, "pinned" if row.pinned else ""]))
