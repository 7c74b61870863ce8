"""`mulle workflows` and `mulle schedules`: what this home keeps, and when it fires."""

from typing import Any

import click

from mulle.app import App
from mulle.app.opening import load
from mulle.app.schedules import keep
from mulle.cli.documents import listed
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, show, table
from mulle.cli.runs import iso
from mulle.document.problem import errors
from mulle.document.reading import InvalidDocument
from mulle.document.workflow import Workflow
from mulle.errors import MulleError
from mulle.store.workflows import StoredWorkflow
from mulle.triggers.fire import next_time, timed_triggers


@click.group()
def workflows() -> None:
    """List, save and remove the workflows of this home."""


@workflows.command("list")
@json_option
def list_workflows(as_json: bool) -> int:
    """Every workflow, the one changed last first."""

    async def work(app: App) -> list[StoredWorkflow]:
        return app.workflows.all()

    found = with_app(work)
    rows = [[one.id, f"v{one.version}", "on" if one.enabled else "off", one.name] for one in found]
    empty = "No workflows yet. `mulle author` makes one, `mulle workflows save FILE` keeps one."
    people = table(rows, ["id", "version", "schedules", "name"]) if rows else empty
    show({"workflows": [described(one) for one in found]}, as_json, lambda: people)
    return 0


@workflows.command()
@click.argument("file")
@click.option("--id", "workflow_id", help="Save it as the newest version of this workflow.")
@json_option
def save(file: str, workflow_id: str | None, as_json: bool) -> int:
    """Keep a document in this home; its schedules fire from now on while a worker runs."""

    async def work(app: App) -> StoredWorkflow:
        stored = keep(app, sound(app, file, as_json=as_json), workflow_id)
        if stored.name and not as_json and sum(one.name == stored.name for one in app.workflows.all()) > 1:
            told = (
                f"! Another workflow is called '{stored.name}', too; `mulle publish FILE` makes a newer version of one."
            )
            click.secho(told, err=True, fg="yellow")
        return stored

    stored = with_app(work)
    show(described(stored), as_json, lambda: f"✓ {stored.name or stored.id} is kept as {stored.id}, v{stored.version}.")
    return 0


def sound(app: App, file: str, *, as_json: bool) -> Workflow:
    """A document that can be kept; raises InvalidDocument for one with errors, having told people all of them."""
    document = load(file)
    wrong = errors(app.problems(document))
    if wrong:
        if not as_json:
            click.echo(listed(wrong), err=True)
        raise InvalidDocument(wrong)
    return document


@workflows.command()
@click.argument("workflow")
@json_option
def rm(workflow: str, as_json: bool) -> int:
    """Forget a workflow; its runs stay."""

    async def work(app: App) -> StoredWorkflow:
        return app.workflows.remove(workflow)

    stored = with_app(work)
    show(described(stored), as_json, lambda: f"✓ {stored.name or stored.id} is gone.")
    return 0


@workflows.command()
@click.argument("workflow")
@click.option("--on/--off", "enabled", default=True, help="Whether its schedules fire.")
@json_option
def enable(workflow: str, enabled: bool, as_json: bool) -> int:
    """Switch a workflow's schedules on or off."""

    async def work(app: App) -> StoredWorkflow:
        return app.workflows.enable(workflow, app.now(), enabled=enabled)

    stored = with_app(work)
    show(described(stored), as_json, lambda: f"✓ schedules of {stored.id} are {'on' if stored.enabled else 'off'}.")
    return 0


@click.command()
@json_option
def schedules(as_json: bool) -> int:
    """Show what fires when, and what became of the last due times."""
    shown = with_app(_schedules)
    show(shown, as_json, lambda: _schedules_for_people(shown))
    return 0


async def _schedules(app: App) -> dict[str, Any]:
    upcoming: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    for stored in app.workflows.all():
        about = {"workflow": stored.id, "name": stored.name}
        try:
            for timed in timed_triggers(app.workflows.document(stored.id)):
                next_one = iso(next_time(timed, app.now()))
                upcoming.append({**about, "rule": timed.key, "enabled": stored.enabled, "next": next_one})
        except MulleError as error:
            problems.append(about | error.to_dict())
    past = [
        {"workflow": one.workflow, "due": iso(one.due), "outcome": one.outcome, "run_id": one.run}
        for one in app.workflows.firings()
    ]
    return {"schedules": upcoming, "firings": past, "problems": problems}


def _schedules_for_people(shown: dict[str, Any]) -> str:
    wrong = [f"✗ {one['name'] or one['workflow']}: {one['message']}" for one in shown["problems"]]
    if not shown["schedules"]:
        return "\n".join([*wrong, "Nothing is scheduled."])
    rows = [
        [one["workflow"], (one["next"] or "never") if one["enabled"] else "off", one["name"], one["rule"]]
        for one in shown["schedules"]
    ]
    lines = [*wrong, table(rows, ["workflow", "next", "name", "rule"])]
    if shown["firings"]:
        past = [[one["due"], one["outcome"], one["workflow"], one["run_id"] or ""] for one in shown["firings"][:10]]
        lines += ["", table(past, ["due", "outcome", "workflow", "run"])]
    return "\n".join([*lines, "", "Schedules fire while `mulle worker` runs."])


def described(stored: StoredWorkflow) -> dict[str, Any]:
    """A stored workflow as JSON shows it."""
    return {
        "id": stored.id,
        "name": stored.name,
        "version": stored.version,
        "enabled": stored.enabled,
        "updated": iso(stored.updated),
    }
