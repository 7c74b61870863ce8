"""The active project: `fp()` gives it, `switch_project` saves it and takes another."""

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mulle.errors import InputError
from mulle.projects.files import WORKFLOW
from mulle.projects.project import FlowProject

ROOT = "projects"
LONGEST_NAME = 100
_NO_FILE_NAMES = {"con", "prn", "aux", "nul", *(f"{word}{digit}" for word in ("com", "lpt") for digit in range(1, 10))}


class BadProjectName(InputError):
    """This is no name for a folder."""

    code = "project.bad_name"
    message = "'{name}' is no name for a project: {why}."
    hint = 'Use words, 한글 too, without / \\ : * ? " < > | and without a dot at the beginning or end.'


_current: FlowProject | None = None


def fp() -> FlowProject:
    """The active project."""
    if _current is None:
        raise RuntimeError("No active project, call load_project or new_project.")
    return _current


def new_project(
    name: str, template: str | Path | Mapping[str, Any] | None = None, root: str | Path = ROOT
) -> FlowProject:
    """Make a project and make it the active one. Raises BadProjectName, ProjectInvalid if it is there already."""
    return _activate(FlowProject.create(folder_of(name, root), template))


def load_project(name: str, root: str | Path = ROOT) -> FlowProject:
    """Open a project and make it the active one. Raises BadProjectName, NoProject, ProjectInvalid."""
    return _activate(FlowProject.load(folder_of(name, root)))


def switch_project(name: str, root: str | Path = ROOT) -> FlowProject:
    """Save the active project and make another one active; the active one stays if it has that name and root.

    Raises RuntimeError when none is active, ProjectChanged when the active one cannot be saved.
    """
    active = fp()
    if folder_of(name, root).resolve() == active.path.resolve():
        return active
    active.save()
    return load_project(name, root)


def list_projects(root: str | Path = ROOT) -> list[str]:
    """The names of all projects in a folder, in their order."""
    folder = Path(root)
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(unicodedata.normalize("NFC", path.name) for path in found if (path / WORKFLOW).is_file())


def folder_of(name: str, root: str | Path = ROOT) -> Path:
    """The folder of a project by its name, however its letters are put together; raises BadProjectName."""
    name = unicodedata.normalize("NFC", name)
    why = _why_no_name(name)
    if why:
        raise BadProjectName(name=name[:LONGEST_NAME], why=why, at=name[:LONGEST_NAME])
    folder = Path(root) / name
    apart = folder.with_name(unicodedata.normalize("NFD", name))  # As some programs and file systems write it.
    return apart if not folder.exists() and apart.exists() else folder


def _why_no_name(name: str) -> str:
    if not name or name != name.strip() or len(name) > LONGEST_NAME or len(name.encode()) > 240:
        return f"it has 1 to {LONGEST_NAME} characters and no space around it"
    if name.startswith(".") or name.endswith("."):
        return "it begins or ends with a dot"
    if any(letter in '/\\:*?"<>|' or not letter.isprintable() for letter in name):
        return "it has a letter that folders cannot have"
    return "some systems cannot have such a folder" if name.split(".", maxsplit=1)[0].lower() in _NO_FILE_NAMES else ""


def _activate(project: FlowProject) -> FlowProject:
    global _current  # noqa: PLW0603 - the pointer that this module is about.
    _current = project
    return project
