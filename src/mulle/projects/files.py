"""The folder of a project: one writer at a time, every change whole or not at all, earlier states kept for a while.

Knows files, locks and backups; knows nothing of tasks.

A change is made under the folder's lock and is done when `workflow.json` is replaced; the event that it is stands in
it as `last_event` too. Whoever dies before the history has it leaves it to the next one, who adds it.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import portalocker

from mulle.document.ports import is_array, is_object
from mulle.errors import StoreError
from mulle.projects.rules import Data, ProjectInvalid, checked

WORKFLOW, HISTORY = "workflow.json", "workflow_history.json"
BACKUPS, CACHE = "backups", "cache"
LOCK = ".lock"
KEPT = 20
"""Backups of a project."""
PATIENCE = 60.0
"""Seconds that one waits for others who change the same project."""


class ProjectBusy(StoreError):
    """Somebody else changes the project and does not come to an end."""

    code = "project.busy"
    message = "The project in {at} stays locked by another program."
    hint = "Wait until it has finished, or end it."


class ProjectUnwritable(StoreError):
    """The project's folder cannot be used."""

    code = "project.unwritable"
    message = "{at} cannot be used: {why}."
    hint = "Choose a folder that you may write, with room on its disk."


class NoProject(ProjectInvalid):
    """There is no project in this folder."""

    code = "project.unknown"
    message = "There is no project in {at}."
    hint = "`flowctl ls` shows the projects; `flowctl new NAME` makes one."


class UnknownBackup(ProjectInvalid):
    """The project has no backup of this name."""

    code = "project.unknown_backup"
    message = "There is no backup '{name}'."
    hint = "`flowctl backup --list` shows them."


class ProjectFiles:
    """The files of one project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, data: Data, event: Data) -> None:
        """Make the folder with its skeleton. Raises ProjectInvalid if there is a project already."""
        with self._usable():
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / CACHE).mkdir(exist_ok=True)
        with self.locked():
            if (self.folder / WORKFLOW).exists():
                problem = "there is a project already"
                raise ProjectInvalid(
                    file=str(self.folder), problem=problem, at=str(self.folder), hint="Load it instead."
                )
            self.write(data, event)

    def complete(self) -> None:
        """Make what a project has beside its tasks, if it is missing."""
        with self._usable():
            (self.folder / CACHE).mkdir(exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Keep others, in this and in other processes, from changing the project. Raises ProjectBusy."""
        lock = portalocker.Lock(self.folder / LOCK, "a", timeout=PATIENCE, check_interval=0.005)
        with self._usable():
            try:
                lock.acquire()
            except portalocker.exceptions.LockException as error:
                raise ProjectBusy(at=str(self.folder)) from error
        try:
            yield
        finally:
            lock.release()

    # ------------------------------------------------------------------ tasks

    def read(self) -> Data:
        """What stands in `workflow.json`. Raises NoProject, ProjectInvalid."""
        return checked(self._json(WORKFLOW), WORKFLOW)

    def write(self, data: Data, event: Data) -> None:
        """Replace `workflow.json` and add the event to the history; within the lock."""
        with self._usable():
            path = self.folder / WORKFLOW
            if path.exists():
                self._back_up(path)
            replace(path, _text(data | {"last_event": event}))
            self._add_to_history(event)

    # ------------------------------------------------------------------ history

    def history(self) -> list[Data]:
        """Every event, the oldest first. Raises ProjectInvalid."""
        path = self.folder / HISTORY
        return checked(self._json(HISTORY), HISTORY) if path.exists() else []

    def mend_history(self, data: Data) -> None:
        """Add the event of the last change if whoever made it died before he could; within the lock."""
        event = data.get("last_event")
        if event is None:
            return
        path = self.folder / HISTORY
        with self._usable():
            tail = _last_event(path)
            if tail is None or tail.get("version", -1) < event.get("version", 0):
                self._add_to_history(event)

    def _add_to_history(self, event: Data) -> None:
        """Write over the closing bracket: a history of thousands is not written anew for each event."""
        path = self.folder / HISTORY
        line = json.dumps(event, ensure_ascii=False)
        end = _end_of_list(path)
        if end is None:
            events = _readable_events(path)
            replace(path, "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in [*events, event]) + "\n]\n")
            return
        position, is_empty = end
        with path.open("r+b") as file:
            file.seek(position)
            file.write(f"{'' if is_empty else ','}\n{line}\n]\n".encode())
            file.truncate()
            file.flush()
            os.fsync(file.fileno())

    # ------------------------------------------------------------------ backups

    def backups(self) -> list[str]:
        """The names of all backups, the newest first."""
        folder = self.folder / BACKUPS
        return sorted((path.name for path in folder.glob("workflow.*.bak")), reverse=True) if folder.is_dir() else []

    def back_up(self) -> str:
        """Keep `workflow.json` as it is now; gives the backup's name."""
        with self._usable():
            return self._back_up(self.folder / WORKFLOW)

    def backup(self, name: str) -> Data:
        """What stands in a backup. Raises UnknownBackup, ProjectInvalid."""
        if name not in self.backups():
            raise UnknownBackup(file=WORKFLOW, problem="", name=name, at=name)
        return checked(self._json(f"{BACKUPS}/{name}"), WORKFLOW)

    def _back_up(self, path: Path) -> str:
        folder = self.folder / BACKUPS
        folder.mkdir(exist_ok=True)
        name = f"workflow.{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.bak"
        try:  # The file is never changed, only replaced: another name for it costs nothing and keeps what it held.
            os.link(path, folder / name)
        except OSError:
            shutil.copyfile(path, folder / name)
        for old in self.backups()[KEPT:]:
            (folder / old).unlink(missing_ok=True)
        return name

    # ------------------------------------------------------------------ inside

    def _json(self, name: str) -> Any:
        path = self.folder / name
        try:
            return json.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise NoProject(file=name, problem="", at=str(self.folder)) from error
        except (ValueError, RecursionError) as error:
            hint = "`flowctl restore` brings back an earlier state."
            raise ProjectInvalid(file=name, problem=f"it is no JSON ({error})", at=str(path), hint=hint) from error
        except OSError as error:
            raise ProjectUnwritable(at=str(path), why=error.strerror or str(error)) from error

    @contextlib.contextmanager
    def _usable(self) -> Generator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise NoProject(file=WORKFLOW, problem="", at=str(self.folder)) from error
        except OSError as error:
            raise ProjectUnwritable(at=str(self.folder), why=error.strerror or str(error)) from error


def replace(path: Path, text: str) -> None:
    """Put a text in a file's place: readers see the old one or the new one, whatever happens on the way."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _text(data: Data) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


TAIL = 65_536
"""Bytes at the end of a history in which its last event is looked for."""


def _end_of_list(path: Path) -> tuple[int, bool] | None:
    """Where a history's closing bracket stands and whether it holds nothing; None if it has to be written anew."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL))
            tail = file.read()
    except FileNotFoundError:
        return None
    stripped = tail.rstrip()
    if not stripped.endswith(b"]") or (len(tail) == size and not stripped.startswith(b"[")):
        return None
    before = stripped[:-1].rstrip()
    if not before.endswith((b"}", b"[")):
        return None
    return size - len(tail) + len(before), before.endswith(b"[")


def _last_event(path: Path) -> Data | None:
    """The newest event of a history: usually a line of its own at the end."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            lines = file.read().decode("utf-8", "replace").rstrip().removesuffix("]").rstrip().splitlines()
    except FileNotFoundError:
        return None
    found = [event for line in lines[-1:] if (event := _event(line)) is not None] or _readable_events(path)
    return found[-1] if found else None


def _readable_events(path: Path) -> list[Data]:
    """The events of a history; of a torn one those that stand whole on lines of their own."""
    if not path.exists():
        return []
    text = path.read_text("utf-8", errors="replace")
    try:
        whole = json.loads(text)
        return [event for event in whole if is_object(event)] if is_array(whole) else []
    except (ValueError, RecursionError):
        return [event for line in text.splitlines() if (event := _event(line)) is not None]


def _event(line: str) -> Data | None:
    try:
        event = json.loads(line.strip().rstrip(","))
    except (ValueError, RecursionError):
        return None
    return event if is_object(event) else None
