"""What a project's tasks may be and how they change: plain functions on the data of `workflow.json`."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator, exceptions

from mulle.document.ports import is_array, is_object
from mulle.document.problem import nearest
from mulle.errors import InputError

Data = dict[str, Any]
"""What stands in a `workflow.json`, or one task of it."""

STATUSES = ("todo", "doing", "done", "blocked")
CHANGEABLE = frozenset({"name", "status", "deps", "meta", "run"})
_best = cast("Callable[[Iterable[Any]], Any]", exceptions.best_match)  # pyright: ignore[reportUnknownMemberType]
SCHEMAS = Path(__file__).parent / "schemas"


class ProjectInvalid(InputError):
    """A file of a project, or a change of it, is not of the form it must have."""

    code = "project.invalid"
    message = "{file}: {problem}."
    hint = "A task is {{name, status: todo|doing|done|blocked, deps: [ids], meta, run}}; docs/projects.md."


class UnknownTask(InputError):
    """The project has no task with this id."""

    code = "project.unknown_task"
    message = "There is no task '{task}'."
    hint = "{nearest}"


class TaskNeeded(InputError):
    """A task that others depend on cannot be taken away."""

    code = "project.task_needed"
    message = "'{task}' is needed by {others}."
    hint = "Take it out of their `deps` first."


class CircularTasks(InputError):
    """Tasks depend on each other in a circle."""

    code = "project.circular"
    message = "These tasks wait for each other: {circle}."
    hint = "Take one of the dependencies away."


def checked(data: Any, file: str = "workflow.json") -> Any:
    """The data of a file, if it fits the file's schema; raises ProjectInvalid at the place that does not."""
    fresh, keys = _unseen(data)
    if keys and _best(_validator(file).iter_errors(fresh)) is None:
        _seen.update(keys)
        return data
    error = _best(_validator(file).iter_errors(data))
    if error is not None:
        steps: list[Any] = list(error.absolute_path)
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
        raise ProjectInvalid(file=file, problem=_said(error.message), at=f"{file}{place}")
    return data


_seen: set[str] = set()
"""Tasks, as text, that were found to fit: a change of one does not look at thousands of others again."""
MOST_SEEN = 50_000


def _unseen(data: Any) -> tuple[Any, list[str]]:
    """The data with those tasks only that were not looked at before, and all tasks as text; no text: look at all."""
    if not is_object(data) or not is_array(data.get("tasks")):
        return data, []
    if len(_seen) > MOST_SEEN:
        _seen.clear()
    keys = [json.dumps(task, ensure_ascii=False, default=repr) for task in data["tasks"]]
    fresh = [task for task, key in zip(data["tasks"], keys, strict=True) if key not in _seen]
    return data | {"tasks": fresh}, keys


@cache
def _validator(file: str) -> Any:
    return Draft202012Validator(json.loads((SCHEMAS / file).read_text("utf-8")))


def _said(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:200]}…"


def new_data(name: str, now: str, template: Mapping[str, Any] | None = None) -> Data:
    """An empty project, or one with the tasks of a template. Raises ProjectInvalid, CircularTasks, UnknownTask."""
    data: Data = {"project": name, "created": now, "version": 0, "tasks": []}
    for task in (template or {}).get("tasks", ()):
        data, _ = added(data, task)
    return data


def task_of(data: Data, task_id: str) -> Data:
    """One task; raises UnknownTask."""
    for task in data["tasks"]:
        if task["id"] == task_id:
            return task
    there = nearest(task_id, [task["id"] for task in data["tasks"]])
    raise UnknownTask(
        task=task_id, at=task_id, nearest=there or "There are no tasks: `flowctl add-task NAME` adds one."
    )


def added(data: Data, task: Mapping[str, Any]) -> tuple[Data, Data]:
    """The data with one task more, and that task with its id (T001 … unless it brings one)."""
    given = dict(task)
    whole: Data = {
        "id": given.get("id") or next_id(data),
        "name": given.get("name"),
        "status": "todo",
        "deps": [],
        "meta": {},
    }
    whole.update(given)
    whole["id"] = given.get("id") or whole["id"]
    if any(other["id"] == whole["id"] for other in data["tasks"]):
        raise ProjectInvalid(file="workflow.json", problem=f"there is a task '{whole['id']}' already", at=whole["id"])
    return consistent(data | {"tasks": [*data["tasks"], whole]}), whole


def updated(data: Data, task_id: str, changes: Mapping[str, Any]) -> tuple[Data, Data]:
    """The data with a changed task, and what the changed fields held before. None takes `run` away."""
    before = task_of(data, task_id)
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        problem = f"a task has no field '{min(unknown)}' that can be changed"
        raise ProjectInvalid(file="workflow.json", problem=problem, at=task_id, hint=nearest(min(unknown), CHANGEABLE))
    after = before | dict(changes)
    if after.get("run", ...) is None:
        del after["run"]
    tasks = [after if task["id"] == task_id else task for task in data["tasks"]]
    held = {name: before.get(name) for name in changes}
    return consistent(data | {"tasks": tasks}), held


def removed(data: Data, task_id: str) -> tuple[Data, Data, int]:
    """The data without a task, the task and where it stood. Raises UnknownTask, TaskNeeded."""
    task = task_of(data, task_id)
    others = [other["id"] for other in data["tasks"] if task_id in other["deps"]]
    if others:
        raise TaskNeeded(task=task_id, others=", ".join(others), at=task_id)
    tasks = [other for other in data["tasks"] if other["id"] != task_id]
    return data | {"tasks": tasks}, task, data["tasks"].index(task)


def consistent(data: Data) -> Data:
    """The data, if every dependency is there and none leads back; raises ProjectInvalid, UnknownTask, CircularTasks."""
    checked(data)
    ids = {task["id"] for task in data["tasks"]}
    if len(ids) < len(data["tasks"]):
        raise ProjectInvalid(file="workflow.json", problem="two tasks have the same id", at="workflow.json.tasks")
    for task in data["tasks"]:
        for dependency in task["deps"]:
            if dependency not in ids:
                raise UnknownTask(task=dependency, at=task["id"], nearest=nearest(dependency, ids))
    in_order(data["tasks"])
    return data


def in_order(tasks: Sequence[Data]) -> list[Data]:
    """The tasks, each behind those that it depends on. Raises CircularTasks."""
    left = {task["id"]: task for task in tasks}
    waits_for = {task_id: set(cast("Iterable[str]", task["deps"])) for task_id, task in left.items()}
    ordered: list[Data] = []
    while left:
        ready = [task_id for task_id in left if not waits_for[task_id] & left.keys()]
        if not ready:
            raise CircularTasks(circle=" → ".join(_circle(waits_for, left)))
        ordered += [left.pop(task_id) for task_id in ready]
    return ordered


def _circle(waits_for: Mapping[str, set[str]], left: Mapping[str, Data]) -> list[str]:
    walked = [next(iter(left))]
    while walked.count(walked[-1]) == 1:
        walked.append(min(waits_for[walked[-1]] & left.keys()))
    return walked[walked.index(walked[-1]) :]


def can_be_done(data: Data) -> list[Data]:
    """The tasks that wait for nothing: to do, and all that they depend on is done."""
    done = {task["id"] for task in data["tasks"] if task["status"] == "done"}
    return [task for task in data["tasks"] if task["status"] == "todo" and done.issuperset(task["deps"])]


def next_id(data: Data) -> str:
    """T001, T002 …: one more than the highest."""
    numbers = [int(task["id"][1:]) for task in data["tasks"] if task["id"][:1] == "T" and task["id"][1:].isdecimal()]
    return f"T{max(numbers, default=0) + 1:03}"
