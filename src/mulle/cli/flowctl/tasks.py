"""`flowctl add-task`, `update-task`, `rm-task`, `status`, `next`: the tasks of a project."""

import json
import shlex
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from mulle.cli.flowctl.places import opened, project_option
from mulle.cli.printing import json_option, show, table
from mulle.errors import InputError, MulleError
from mulle.projects.rules import STATUSES


class BadField(InputError):
    """A value on the command line is not of the form NAME=VALUE, or no JSON."""

    code = "project.bad_field"
    message = "'{text}' cannot be used: {why}."
    hint = 'Write --meta owner=jun, or --meta \'tags=["a", "b"]\'.'


def _task_ids(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    try:
        tasks = opened(ctx.params.get("named")).data["tasks"]
    except MulleError:
        return []
    return [CompletionItem(task["id"], help=task["name"]) for task in tasks if task["id"].startswith(incomplete)]


def fields(command: Any) -> Any:
    """The options that say what a task is."""
    for option in (
        click.option("--function", metavar="MODULE:NAME", help="What it runs: a Python function of the folder."),
        click.option("--workflow", metavar="FILE|ID", help="What it runs: a workflow."),
        click.option(
            "--command", metavar="COMMAND", help="What it runs: a program with its arguments, without a shell."
        ),
        click.option("--meta", metavar="NAME=VALUE", multiple=True, help="Anything else worth keeping; JSON or text."),
        click.option(
            "--dep", "deps", metavar="TASK", multiple=True, shell_complete=_task_ids, help="What it waits for."
        ),
        click.option("--status", type=click.Choice(STATUSES)),
    ):
        command = option(command)
    return command


@click.command("add-task")
@click.argument("name")
@click.option("--id", "task_id", metavar="ID", help="By default T001, T002 …")
@fields
@project_option
@json_option
def add_task(name: str, task_id: str | None, named: str | None, as_json: bool, **given: Any) -> int:
    """Add a task."""
    made = ({"id": task_id} if task_id else {}) | {"name": name} | _given(**given)
    task = opened(named).add_task(made)
    show({"task": task}, as_json, lambda: f"✓ {task['id']} {task['name']}")
    return 0


@click.command("update-task")
@click.argument("task_id", metavar="TASK", shell_complete=_task_ids)
@click.option("--name")
@fields
@click.option("--no-deps", is_flag=True, help="Let it wait for nothing.")
@click.option("--no-run", is_flag=True, help="Let it run nothing.")
@project_option
@json_option
def update_task(
    task_id: str, *, name: str | None, no_deps: bool, no_run: bool, named: str | None, as_json: bool, **given: Any
) -> int:
    """Change a task; what is not named stays."""
    project = opened(named)
    changes = ({"name": name} if name else {}) | _given(**given)
    if "meta" in changes:
        changes["meta"] = project.task(task_id)["meta"] | changes["meta"]
    changes |= ({"deps": []} if no_deps else {}) | ({"run": None} if no_run else {})
    if not changes:
        raise BadField(text=task_id, why="nothing says what to change", hint="`flowctl update-task --help` lists it.")
    task = project.update_task(task_id, **changes)
    show({"task": task}, as_json, lambda: f"✓ {task['id']} {task['name']} · {task['status']}")
    return 0


@click.command("rm-task")
@click.argument("task_id", metavar="TASK", shell_complete=_task_ids)
@project_option
@json_option
def rm_task(task_id: str, named: str | None, as_json: bool) -> int:
    """Take a task away; `flowctl undo` brings it back."""
    task = opened(named).remove_task(task_id)
    show({"task": task}, as_json, lambda: f"✓ {task['id']} {task['name']} is gone. `flowctl undo` brings it back.")
    return 0


@click.command()
@project_option
@json_option
def status(named: str | None, as_json: bool) -> int:
    """Show all tasks."""
    project = opened(named)
    data = {"project": project.name, "version": project.version, "tasks": project.data["tasks"]}
    show(data, as_json, lambda: str(project.status()).rstrip())
    return 0


@click.command("next")
@project_option
@json_option
def next_tasks(named: str | None, as_json: bool) -> int:
    """Show what can be done now."""
    found = opened(named).next_tasks()
    rows = [[task["id"], task["name"], "run" if "run" in task else ""] for task in found]
    none = "Nothing can be done now: everything is done, at work, or waits for something."
    show({"tasks": found}, as_json, lambda: table(rows, ["id", "task", ""]) if rows else none)
    return 0


def _given(
    *,
    status: str | None,
    deps: Sequence[str],
    meta: Sequence[str],
    command: str | None,
    workflow: str | None,
    function: str | None,
) -> dict[str, Any]:
    """What the options say of a task."""
    found: dict[str, Any] = {}
    if status:
        found["status"] = status
    if deps:
        found["deps"] = list(dict.fromkeys(deps))
    if meta:
        found["meta"] = dict(map(_meta, meta))
    runs = {"command": _words(command) if command else None, "workflow": workflow, "function": function}
    said = {kind: value for kind, value in runs.items() if value}
    if said:
        found["run"] = said
    return found


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BadField(text=text, why=str(error).lower()) from error


def _meta(pair: str) -> tuple[str, Any]:
    name, sign, text = pair.partition("=")
    if not name or not sign:
        raise BadField(text=pair, why="it is not NAME=VALUE")
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text
