"""`flowctl new`, `switch`, `ls`: which projects there are and which one is meant."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from mulle.app.opening import settings
from mulle.cli.printing import json_option, show, table
from mulle.errors import InputError, MulleError
from mulle.projects.current import folder_of, list_projects
from mulle.projects.files import NoProject, replace
from mulle.projects.project import FlowProject

F = TypeVar("F", bound=Callable[..., Any])

ACTIVE = ".active"
"""The file in the root that names the active project."""


class NoActiveProject(InputError):
    """Nobody said which project is meant."""

    code = "project.none_active"
    message = "There is no active project in {at}."
    hint = "`flowctl new NAME` makes one, `flowctl switch NAME` chooses one."


class BadShell(InputError):
    """We cannot complete words in this shell."""

    code = "completion.unknown_shell"
    message = "There is no completion for {shell}."


def root() -> Path:
    """The folder that holds the projects."""
    return settings().projects


def project_option(command: F) -> F:
    """Let a command name another project than the active one."""
    help_text = "Another project than the active one."
    return click.option("--project", "-p", "named", metavar="NAME", help=help_text, shell_complete=_names)(command)


def _names(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in list_projects(root()) if name.startswith(incomplete)]


def opened(named: str | None) -> FlowProject:
    """The project that is meant. Raises NoActiveProject, NoProject, ProjectInvalid."""
    return FlowProject.load(meant(named))


def meant(named: str | None) -> Path:
    """Its folder."""
    name = named or active()
    if name is None:
        raise NoActiveProject(at=str(root()))
    return folder_of(name, root())


def active() -> str | None:
    """The name of the active project, if it is still there."""
    try:
        name = (root() / ACTIVE).read_text("utf-8").strip()
    except OSError:
        return None
    return name if name in list_projects(root()) else None


@click.command()
@click.argument("name")
@click.option("--template", metavar="FILE", help="A file like workflow.json whose tasks it begins with.")
@json_option
def new(name: str, template: str | None, as_json: bool) -> int:
    """Make a project and make it the active one."""
    project = FlowProject.create(folder_of(name, root()), template)
    replace(root() / ACTIVE, f"{project.path.name}\n")
    made = {"project": project.name, "path": str(project.path), "tasks": len(project.data["tasks"])}
    show(
        made, as_json, lambda: f"✓ {project.name} ({project.path}), {made['tasks']} task(s). It is the active project."
    )
    return 0


@click.command()
@click.argument("name", shell_complete=_names)
@json_option
def switch(name: str, as_json: bool) -> int:
    """Choose the active project."""
    folder = folder_of(name, root())
    if folder.name not in list_projects(root()):
        raise NoProject(file=name, problem="", at=str(folder))
    replace(root() / ACTIVE, f"{folder.name}\n")
    show({"project": folder.name, "path": str(folder)}, as_json, lambda: f"✓ {folder.name} is the active project.")
    return 0


@click.command()
@json_option
def ls(as_json: bool) -> int:
    """List the projects."""
    rows = [_row(name) for name in list_projects(root())]
    show({"projects": rows}, as_json, lambda: _for_people(rows))
    return 0


def _row(name: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"project": name, "active": name == active(), "tasks": None, "done": None, "problem": ""}
    try:
        tasks = FlowProject.load(folder_of(name, root())).data["tasks"]
        return shown | {"tasks": len(tasks), "done": sum(task["status"] == "done" for task in tasks)}
    except MulleError as error:
        return shown | {"problem": error.text}


def _for_people(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return f"No projects in {root()}. `flowctl new NAME` makes one."
    cells = [
        ["*" if row["active"] else "", row["project"], row["problem"] or f"{row['done']}/{row['tasks']}"]
        for row in rows
    ]
    return table(cells, ["", "project", "done"])
