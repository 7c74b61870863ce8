"""One project: a folder with tasks, their history, caches and a memory. Every change is an event, and none is lost.

    project = FlowProject.create("projects/뉴스")
    project.add_task({"name": "데이터 수집"})
    project.update_task("T001", status="done")
    print(project.status())

Several programs may change one project at once: each change is made, under the folder's lock, to what is on disk then.
"""

import getpass
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from mulle.document.ports import is_object
from mulle.errors import InputError
from mulle.projects import rules
from mulle.projects.caches import CacheStore, JSONCache, MarkdownCache
from mulle.projects.files import CACHE, ProjectFiles
from mulle.projects.hooks import Hooks
from mulle.projects.memory import MemoryContext
from mulle.projects.rules import Data
from mulle.projects.table import StatusTable
from mulle.projects.undoing import undone
from mulle.settings import Settings

T = TypeVar("T")


class ProjectChanged(InputError):
    """Somebody else changed the project since it was read."""

    code = "project.changed"
    message = "The project was changed by somebody else: you have version {mine}, it is at {theirs}."
    hint = "`project.reload()` and change it again; `add_task`, `update_task` and `remove_task` do that by themselves."


class FlowProject:
    """A project folder."""

    def __init__(self, path: str | Path, data: Data) -> None:
        self.path = Path(path)
        self.data: Data = data
        """What `workflow.json` held when it was last read or written here."""
        self.cache: dict[str, CacheStore] = {
            "memory": MarkdownCache(self.path / CACHE / "memory_cache.md"),
            "results": JSONCache(self.path / CACHE / "results_cache.json"),
        }
        self.files = ProjectFiles(self.path)
        self.hooks = Hooks(self.path, with_plugins=Settings.from_environ(os.environ).project_plugins)
        self._memory: MemoryContext | None = None

    # ------------------------------------------------------------------ making and loading

    @classmethod
    def create(cls, path: str | Path, template: str | Path | Mapping[str, Any] | None = None) -> "FlowProject":
        """Make a project.

        Args:
            path: Its folder; the last part is its name.
            template: Tasks to begin with, as data or as a file like `workflow.json`.

        Raises:
            ProjectInvalid: There is a project in the folder already, or the template does not fit.
        """
        folder = Path(path)
        content = _template(template)
        data: Data = rules.new_data(folder.name, _now(), content) | {"version": 1}
        ProjectFiles(folder).create(data, _event("create_project", {"tasks": len(data["tasks"])}, 1))
        project = cls.load(folder)
        project.hooks.after("create_project", project)
        return project

    @classmethod
    def load(cls, path: str | Path) -> "FlowProject":
        """Open a project; what is missing beside its tasks is made. Raises NoProject, ProjectInvalid."""
        files = ProjectFiles(Path(path))
        data = files.read()
        files.complete()
        return cls(path, data)

    @property
    def name(self) -> str:
        return self.data["project"]

    @property
    def version(self) -> int:
        """How often the project was changed."""
        return self.data.get("version", 0)

    def reload(self) -> "FlowProject":
        """Read what is on disk; own changes of `data` that were not saved are gone."""
        self.data = self.files.read()
        return self

    # ------------------------------------------------------------------ tasks

    def add_task(self, task_dict: Mapping[str, Any] | None = None, **fields: Any) -> Data:
        """Add a task: `{"name": …, "status": "todo", "deps": […], "meta": {…}, "run": {…}}`; gives it with its id.

        Raises ProjectInvalid, UnknownTask (a dependency), CircularTasks, HookRefused.
        """
        given = {**(task_dict or {}), **fields}

        def change(data: Data) -> tuple[Data, Data, Data]:
            changed, task = rules.added(data, given)
            return changed, {"task_id": task["id"], "task": task}, task

        return self._change("add_task", change, task=given)

    def update_task(self, task_id: str, **changes: Any) -> Data:
        """Change fields of a task: name, status, deps, meta, run. Raises UnknownTask, ProjectInvalid, CircularTasks."""

        def change(data: Data) -> tuple[Data, Data, Data]:
            changed, before = rules.updated(data, task_id, changes)
            return changed, {"task_id": task_id, "changes": changes, "before": before}, rules.task_of(changed, task_id)

        return self._change("update_task", change, task_id=task_id, changes=changes)

    def remove_task(self, task_id: str) -> Data:
        """Take a task away. Raises UnknownTask, TaskNeeded."""

        def change(data: Data) -> tuple[Data, Data, Data]:
            changed, task, place = rules.removed(data, task_id)
            return changed, {"task_id": task_id, "task": task, "place": place}, task

        return self._change("remove_task", change, task_id=task_id)

    def task(self, task_id: str) -> Data:
        """One task as it is on disk; raises UnknownTask."""
        return rules.task_of(self.reload().data, task_id)

    def tasks(self) -> "list[Data]":
        """All tasks as they are on disk."""
        found: list[Data] = self.reload().data["tasks"]
        return found

    def next_tasks(self) -> list[Data]:
        """What can be done now: to do, and all that it depends on is done."""
        return rules.can_be_done(self.reload().data)

    def status(self) -> StatusTable:
        """All tasks as a table for the terminal; `print` shows it."""
        return StatusTable.of(self.reload().data)

    # ------------------------------------------------------------------ saving, and going back

    def save(self) -> None:
        """Write `data`, and keep the state before as a backup. Nothing is written if nothing changed.

        Raises ProjectChanged when somebody else changed the project meanwhile, ProjectInvalid when it does not fit.
        """
        mine: Data = self.data

        def change(data: Data) -> tuple[Data, Data, None]:
            if data.get("version", 0) != mine.get("version", 0):
                raise ProjectChanged(mine=mine.get("version", 0), theirs=data.get("version", 0), at=str(self.path))
            before: dict[str, Data] = {task["id"]: task for task in data["tasks"]}
            after: dict[str, Data] = {task["id"]: task for task in mine["tasks"]}
            ids = sorted(one for one in before.keys() | after.keys() if before.get(one) != after.get(one))
            return rules.consistent(mine), {"tasks": ids, "before": data["tasks"]}, None

        if _without_stamp(self.files.read()) != _without_stamp(mine):
            self._change("save", change)

    def history(self) -> list[Data]:
        """Every event, the oldest first: `{ts, event, user, detail, version}`."""
        with self.files.locked():
            self.files.mend_history(self.files.read())
        return self.files.history()

    def undo(self) -> Data:
        """Take the last change back that was not taken back yet; gives its event. Raises NothingToUndo."""

        def change(data: Data) -> tuple[Data, Data, Data]:
            changed, event = undone(data, self.files.history())
            return rules.consistent(changed), {"of": event.get("version", 0), "event": event["event"]}, event

        return self._change("undo", change)

    def backup(self) -> str:
        """Keep the tasks as they are now; gives the backup's name. The last 20 states are kept anyway."""
        with self.files.locked():
            return self.files.back_up()

    def backups(self) -> list[str]:
        """The names of all backups, the newest first."""
        return self.files.backups()

    def restore(self, name: str | None = None) -> Data:
        """Bring the tasks of a backup back, by default of the newest. Works on a damaged `workflow.json`, too.

        Raises UnknownBackup, ProjectInvalid.
        """
        names = self.files.backups()
        wanted = name or (names[0] if names else "")
        with self.files.locked():
            content = self.files.backup(wanted)
            version = max(self.version, content.get("version", 0)) + 1
            try:
                before = self.files.read()
                version, held = max(version, before.get("version", 0) + 1), before["tasks"]
            except InputError:
                held = None
            self.data = content | {"version": version}
            detail = {"backup": wanted} | ({} if held is None else {"before": held})
            self.files.write(self.data, _event("restore", detail, version))
        return self.data

    # ------------------------------------------------------------------ caches and memory

    def cache_get(self, key: str, default: Any = None) -> Any:
        """A result that was kept."""
        return self.cache["results"].get(key, default)

    def cache_set(self, key: str, value: Any) -> None:
        """Keep a result; raises NotKeepable."""
        self.cache["results"].set(key, value)

    @property
    def memory(self) -> MemoryContext:
        """What is remembered of this project; replace it to use another limit or summariser."""
        if self._memory is None:
            store = self.cache["memory"]
            assert isinstance(store, MarkdownCache)
            self._memory = MemoryContext(store)
        return self._memory

    @memory.setter
    def memory(self, memory: MemoryContext) -> None:
        self._memory = memory

    def memory_retrieve(self) -> str:
        """Summary and last entries as one text, to be put into a prompt."""
        return self.memory.retrieve()

    def memory_update(self, event: Mapping[str, Any]) -> None:
        """Remember something."""
        self.memory.update(event)

    # ------------------------------------------------------------------ inside

    def _change(self, event: str, change: Callable[[Data], tuple[Data, Data, T]], **facts: Any) -> T:
        """Make one change to what is on disk, whole or not at all, and write it into the history."""
        self.hooks.before(event, self, **facts)
        with self.files.locked():
            data = self.files.read()
            self.files.mend_history(data)
            changed, detail, answer = change(data)
            self.hooks.before("save", self, data=changed)
            version = data.get("version", 0) + 1
            self.data = rules.checked(changed | {"version": version})
            self.files.write(self.data, _event(event, detail, version))
        self.hooks.after("save", self)
        self.hooks.after(event, self, **(facts | {"detail": detail}))
        return answer


def _template(template: str | Path | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if template is None or isinstance(template, Mapping):
        return template
    path = Path(template)
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise rules.ProjectInvalid(
            file=str(path), problem=f"the template cannot be read ({error})", at=str(path)
        ) from error
    if not is_object(content):
        raise rules.ProjectInvalid(file=str(path), problem="a template is a JSON object with `tasks`", at=str(path))
    return content


def _without_stamp(data: Data) -> Data:
    return {key: value for key, value in data.items() if key not in ("version", "last_event")}


def _event(event: str, detail: Data, version: int) -> Data:
    return {"ts": _now(), "event": event, "user": _user(), "detail": detail, "version": version}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
