"""Run a project's tasks as a graph on the engine: each when all it depends on is done, and only if something changed.

A task's result is kept by the content that went into it: what it runs, what its dependencies gave, and the files it
names. Where all of that is the same as the last time, the result is taken from there and nothing is executed.
"""

import asyncio
import hashlib
import inspect
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from mulle.agents.workflow import Workflow
from mulle.app.opening import load
from mulle.app.running import App
from mulle.errors import InputError, StepError
from mulle.projects.project import FlowProject
from mulle.projects.rules import Data, in_order, task_of
from mulle.runtime.threads import in_thread

INPUTS = "MULLE_TASK_INPUTS"
"""The environment variable in which a command finds what its dependencies gave, as JSON."""
LONGEST_ERROR = 2_000


class NothingToRun(InputError):
    """No task of the project says what to run."""

    code = "project.nothing_to_run"
    message = "No task says what it runs."
    hint = "Give one a `run`: {{workflow: FILE}}, {{function: module:name}} or {{command: [program, argument]}}."


class TaskNotDone(InputError):
    """A task depends on one that only a person can do."""

    code = "project.task_not_done"
    message = "'{task}' waits for '{other}', which nobody but a person can do."
    hint = "Do it, then `flowctl update-task {other} --status done`."


class TaskFailed(StepError):
    """What a task runs did not succeed."""

    code = "project.task_failed"
    message = "{task}: {why}"


@dataclass
class ProjectRun:
    """What came of running a project's tasks."""

    run_id: str
    status: str
    error: dict[str, str] | None
    results: dict[str, Any] = field(default_factory=dict[str, Any])
    """By task; only of those that came to a result."""
    executed: list[str] = field(default_factory=list[str])
    cached: list[str] = field(default_factory=list[str])
    """Tasks whose result was taken from the last time."""


async def run_project(app: App, project: FlowProject, only: Sequence[str] = (), *, fresh: bool = False) -> ProjectRun:
    """Run tasks in the order of their dependencies, side by side where that is possible.

    Args:
        app: Where to run them.
        project: Whose.
        only: These tasks and all they depend on; none: every task that says what it runs.
        fresh: Take no result from the last time.

    Raises:
        NothingToRun, TaskNotDone, UnknownTask.
    """
    tasks = _wanted(project.reload().data, only)
    done = ProjectRun("", "", None)
    workflow = Workflow(f"{project.name}")
    runnable = {task["id"] for task in tasks if "run" in task}
    for task in tasks:
        if task["id"] in runnable:
            after = [dependency for dependency in task["deps"] if dependency in runnable]
            workflow.add_step(task["id"], _Task(app, project, task, after, done, fresh=fresh), after=after or "start")
    result = await app.run(workflow)
    done.run_id, done.status, done.error = result.id, result.status, result.error
    return done


def _wanted(data: Data, only: Sequence[str]) -> list[Data]:
    """The tasks to look at, each behind what it depends on. Raises NothingToRun, TaskNotDone, UnknownTask."""
    wanted = list(only) or [task["id"] for task in data["tasks"] if "run" in task]
    if not wanted:
        raise NothingToRun
    found: dict[str, Data] = {}
    while wanted:
        task = task_of(data, wanted.pop())
        if task["id"] not in found:
            found[task["id"]] = task
            wanted += task["deps"]
    for task in found.values():
        for dependency in task["deps"]:
            if "run" not in found[dependency] and found[dependency]["status"] != "done":
                raise TaskNotDone(task=task["id"], other=dependency, at=task["id"])
    return in_order(list(found.values()))


class _Task:
    """One task as a step: its result from the last time, or executed now."""

    def __init__(
        self, app: App, project: FlowProject, task: Data, after: Sequence[str], done: ProjectRun, *, fresh: bool
    ) -> None:
        self._app = app
        self._project = project
        self._task = task
        self._after = after
        self._done = done
        self._fresh = fresh

    async def execute(self, data: Any) -> Any:
        """The task's result; `data` is what those before it gave."""
        task_id, run = self._task["id"], self._task["run"]
        results = data if len(self._after) > 1 else [data]
        inputs = dict(zip(self._after, results, strict=True)) if self._after else dict[str, Any]()
        key = _content_key(run, inputs, self._project.path)
        kept = None if self._fresh or run.get("cache") is False else self._project.cache_get(f"task/{task_id}")
        if kept is not None and kept.get("key") == key:
            self._done.cached.append(task_id)
            self._set("done")
            self._done.results[task_id] = kept["result"]
            return kept["result"]
        self._set("doing")
        try:
            result = await _executed(self._app, run, inputs, self._project.path)
        except asyncio.CancelledError:
            self._set("todo")
            raise
        except Exception as error:
            self._set("blocked")
            raise TaskFailed(task=task_id, why=str(error) or type(error).__name__, at=task_id) from error
        self._done.executed.append(task_id)
        self._done.results[task_id] = result
        self._project.cache_set(f"task/{task_id}", {"key": key, "result": result})
        self._set("done")
        return result

    def _set(self, status: str) -> None:
        if self._project.task(self._task["id"])["status"] != status:
            self._project.update_task(self._task["id"], status=status)


def _content_key(run: Data, inputs: Mapping[str, Any], folder: Path) -> str:
    """A name for everything that a task's result depends on."""
    files = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in _files(run, folder)}
    whole = json.dumps([run, inputs, files], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _files(run: Data, folder: Path) -> list[Path]:
    """The files that a task names, and those that hold what it runs."""
    names = [*run.get("files", ()), *run.get("command", ()), *([run["workflow"]] if "workflow" in run else [])]
    found = {folder / name for name in names if name and "\0" not in name}
    if "function" in run:
        source = folder / (run["function"].partition(":")[0].replace(".", "/") + ".py")
        found.add(source)
    return sorted(path for path in found if path.is_file())


async def _executed(app: App, run: Data, inputs: Mapping[str, Any], folder: Path) -> Any:
    if "workflow" in run:
        return await _workflow(app, run, inputs, folder)
    if "function" in run:
        return await asyncio.wait_for(_function(run, inputs, folder), run.get("timeout"))
    return await _command(run, inputs, folder)


async def _workflow(app: App, run: Data, inputs: Mapping[str, Any], folder: Path) -> Any:
    file = folder / run["workflow"]
    document = load(file) if file.is_file() else app.workflows.document(run["workflow"])
    ports = {port.name for node in document.nodes if node.type == "start" for port in node.ports.outputs}
    given = run.get("inputs", {}) | ({"inputs": dict(inputs)} if "inputs" in ports else {})
    result = await app.run(document, given)
    if result.status != "succeeded":
        error = result.error or {"message": f"its run {result.id} is {result.status}"}
        raise StepError(error["message"])
    return result.outputs


async def _function(run: Data, inputs: Mapping[str, Any], folder: Path) -> Any:
    """Call `module:name` with the task's arguments, and with `inputs` if it takes something of that name."""
    module, _, name = run["function"].partition(":")
    function: Any = _module(module, folder)
    for part in name.split("."):
        function = getattr(function, part)
    arguments = dict(run.get("arguments", {}))
    if "inputs" in inspect.signature(function).parameters:
        arguments.setdefault("inputs", dict(inputs))
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    return await in_thread(lambda: function(**arguments))


def _module(name: str, folder: Path) -> Any:
    """A module of the project's folder, else an installed one."""
    place = str(folder.resolve())
    if place not in sys.path:
        sys.path.insert(0, place)
    return import_module(name)


async def _command(run: Data, inputs: Mapping[str, Any], folder: Path) -> Any:
    """Run a program without a shell; what it prints is its result, as JSON if it is that."""
    environment = os.environ | {INPUTS: json.dumps(dict(inputs), ensure_ascii=False)}
    process = await asyncio.create_subprocess_exec(
        *run["command"], cwd=folder, env=environment, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), run.get("timeout"))
    except (asyncio.CancelledError, TimeoutError) as error:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if isinstance(error, TimeoutError):
            raise StepError(f"It did not finish within {run['timeout']:g} s.") from error
        raise
    if process.returncode:
        said = err.decode("utf-8", "replace").strip()[-LONGEST_ERROR:]
        raise StepError(
            f"It ended with {process.returncode}: {said}" if said else f"It ended with {process.returncode}."
        )
    text = out.decode("utf-8", "replace").strip()
    try:
        return json.loads(text)
    except ValueError:
        return text
