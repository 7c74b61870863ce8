"""`mulle versions`, `diff` and `restore`: what a workflow was, what changed, and back again."""

from collections.abc import Sequence
from typing import Any

import click

from mulle.app import App
from mulle.app.schedules import keep
from mulle.author.diff import changes
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, show, table
from mulle.cli.workflows import described
from mulle.document.reading import workflow_data
from mulle.store.workflows import StoredWorkflow


@click.command()
@click.argument("workflow", metavar="ID")
@json_option
def versions(workflow: str, as_json: bool) -> int:
    """List the versions of a workflow, the newest first."""

    async def work(app: App) -> list[dict[str, Any]]:
        stored = app.workflows.get(workflow)
        return [_version(app, stored, number) for number in range(stored.version, 0, -1)]

    found = with_app(work)
    rows = [[f"v{one['version']}", str(one["nodes"]), str(one["changes"]), one["name"]] for one in found]
    show({"versions": found}, as_json, lambda: table(rows, ["version", "steps", "changes", "name"]))
    return 0


def _version(app: App, stored: StoredWorkflow, number: int) -> dict[str, Any]:
    document = app.workflows.document(stored.id, number)
    changed = len(_changes(app, stored.id, number - 1, number)) if number > 1 else 0
    return {"version": number, "name": document.name, "nodes": len(document.nodes), "changes": changed}


@click.command()
@click.argument("workflow", metavar="ID")
@click.argument("old", metavar="A", type=click.IntRange(min=1))
@click.argument("new", metavar="B", type=click.IntRange(min=1))
@json_option
def diff(workflow: str, old: int, new: int, as_json: bool) -> int:
    """What changed from one version of a workflow to another."""

    async def work(app: App) -> Sequence[dict[str, Any]]:
        return _changes(app, workflow, old, new)

    found = with_app(work)
    people = "\n".join(one["text"] for one in found) or "Nothing is different."
    show({"changes": found}, as_json, lambda: people)
    return 0


def _changes(app: App, workflow: str, old: int, new: int) -> list[dict[str, Any]]:
    before, after = (workflow_data(app.workflows.document(workflow, number)) for number in (old, new))
    return [change.to_dict() | {"text": change.text} for change in changes(before, after)]


@click.command()
@click.argument("workflow", metavar="ID")
@click.argument("version", type=click.IntRange(min=1))
@json_option
def restore(workflow: str, version: int, as_json: bool) -> int:
    """Make an older version of a workflow its newest one; none is lost."""

    async def work(app: App) -> StoredWorkflow:
        stored = app.workflows.get(workflow)
        return keep(app, app.workflows.document(stored.id, version), stored.id)

    stored = with_app(work)
    show(
        described(stored), as_json, lambda: f"✓ v{version} of {stored.id} is its newest version now, v{stored.version}."
    )
    return 0
