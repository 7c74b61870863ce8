"""`flowctl history`, `undo`, `backup`, `restore`, `cache`, `memory`: what a project keeps."""

import json
from typing import Any

import click

from mulle.cli.flowctl.places import meant, opened, project_option
from mulle.cli.printing import json_option, short, show, table
from mulle.projects.files import ProjectFiles
from mulle.projects.project import FlowProject


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000))
@project_option
@json_option
def history(limit: int, named: str | None, as_json: bool) -> int:
    """Show what happened, the latest last."""
    events = opened(named).history()[-limit:]
    rows = [[event["ts"][:19], event["event"], event.get("user", ""), _said(event)] for event in events]
    show({"events": events}, as_json, lambda: table(rows, ["when", "event", "who", "what"]))
    return 0


def _said(event: dict[str, Any]) -> str:
    detail = event["detail"]
    shown = [str(detail[name]) for name in ("task_id", "backup", "event") if name in detail]
    if "changes" in detail:
        shown += [
            f"{name}: {short(detail['before'].get(name))} → {short(value)}" for name, value in detail["changes"].items()
        ]
    elif "task" in detail:
        shown.append(detail["task"]["name"])
    return short(" · ".join(shown))


@click.command()
@project_option
@json_option
def undo(named: str | None, as_json: bool) -> int:
    """Take the last change back; again, the one before."""
    event = opened(named).undo()
    show({"undone": event}, as_json, lambda: f"✓ taken back: {event['event']} {_said(event)}")
    return 0


@click.command()
@click.option("--list", "listing", is_flag=True, help="List the backups instead.")
@project_option
@json_option
def backup(listing: bool, named: str | None, as_json: bool) -> int:
    """Keep the tasks as they are now. The last 20 states are kept anyway."""
    project = opened(named)
    made = None if listing else project.backup()
    names = project.backups()
    show({"backup": made, "backups": names}, as_json, lambda: "\n".join(names) if listing else f"✓ {made}")
    return 0


@click.command()
@click.argument("backup_name", metavar="[BACKUP]", required=False)
@project_option
@json_option
def restore(backup_name: str | None, named: str | None, as_json: bool) -> int:
    """Bring the tasks of a backup back, by default of the newest; works on a damaged workflow.json, too."""
    folder = meant(named)
    names = ProjectFiles(folder).backups()
    project = FlowProject(folder, {"project": folder.name, "tasks": []})
    data = project.restore(backup_name)
    shown = {"backup": backup_name or names[0], "version": data["version"], "tasks": data["tasks"]}
    show(shown, as_json, lambda: f"✓ {shown['backup']}: {len(data['tasks'])} task(s)")
    return 0


@click.command()
@click.argument("action", type=click.Choice(["show", "set", "clear"]), default="show")
@click.argument("key", required=False)
@click.argument("value", required=False)
@project_option
@json_option
def cache(action: str, key: str | None, value: str | None, named: str | None, as_json: bool) -> int:
    """Show, set or clear results that are kept."""
    store = opened(named).cache["results"]
    if action == "set":
        if key is None or value is None:
            raise click.UsageError("Say KEY and VALUE.")
        store.set(key, _value(value))
    elif action == "clear":
        store.clear(key)
    values = store.all() if key is None else {key: store.get(key)}
    rows = [[name, short(kept)] for name, kept in values.items()]
    show({"results": values}, as_json, lambda: table(rows, ["key", "value"]) if rows else "No results are kept.")
    return 0


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@click.command()
@click.argument("action", type=click.Choice(["show", "add", "clear"]), default="show")
@click.argument("text", required=False)
@project_option
@json_option
def memory(action: str, text: str | None, named: str | None, as_json: bool) -> int:
    """Show what is remembered, remember something, or forget all."""
    project = opened(named)
    if action == "add":
        if not text:
            raise click.UsageError("Say what to remember.")
        project.memory_update({"text": text})
    elif action == "clear":
        project.memory.clear()
    kept = {"long_term": project.memory.long_term, "short_term": project.memory.short_term}
    show(kept, as_json, lambda: project.memory_retrieve() or "Nothing is remembered.")
    return 0
