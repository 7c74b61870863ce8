"""`mulle publish`: a document becomes the newest version of its workflow, which it has by its name."""

from typing import Any

import click

from mulle.app import App
from mulle.app.schedules import keep
from mulle.author.diff import Change, changes
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, show
from mulle.cli.workflows import described, sound
from mulle.document.reading import workflow_data, write_json
from mulle.errors import InputError
from mulle.store.workflows import StoredWorkflow


class Nameless(InputError):
    """A document does not say of which workflow it is a version."""

    code = "publish.nameless"
    message = "The document has no name, so it is not clear of which workflow it is a version."
    hint = "Give it a `name`, or say the workflow with --id."


@click.command()
@click.argument("file")
@click.option("--id", "workflow_id", metavar="ID", help="Its workflow; by default the one that is called as it is.")
@json_option
def publish(file: str, workflow_id: str | None, as_json: bool) -> int:
    """Make a document the newest version of its workflow, or a new workflow. One that is unchanged stays as it is."""

    async def work(app: App) -> dict[str, Any]:
        document = sound(app, file, as_json=as_json)
        stored = _workflow(app, document.name, workflow_id)
        changed: list[Change] = []
        if stored is not None:
            newest = app.workflows.document(stored.id)
            if write_json(newest) == write_json(document):
                return described(stored) | {"published": False, "changes": []}
            changed = list(changes(workflow_data(newest), workflow_data(document)))
        stored = keep(app, document, stored and stored.id)
        told = [one.to_dict() | {"text": one.text} for one in changed]
        return described(stored) | {"published": True, "changes": told}

    shown = with_app(work)
    show(shown, as_json, lambda: _for_people(shown))
    return 0


def _workflow(app: App, name: str, workflow_id: str | None) -> StoredWorkflow | None:
    """Whose version a document is; None for a new one's. Raises UnknownWorkflow, AmbiguousWorkflow, Nameless."""
    if workflow_id is not None:
        return app.workflows.get(workflow_id)
    if not name:
        raise Nameless
    return app.workflows.get(name) if any(one.name == name for one in app.workflows.all()) else None


def _for_people(shown: dict[str, Any]) -> str:
    named = shown["name"] or shown["id"]
    if not shown["published"]:
        return f"✓ {named} is unchanged: {shown['id']}, v{shown['version']}."
    done = f"✓ {named} is published as {shown['id']}, v{shown['version']}."
    return "\n".join([done, *(f"  {one['text']}" for one in shown["changes"])])
