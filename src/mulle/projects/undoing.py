"""Take a change of a project back by what its event says. Plain functions on data; touches no file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mulle.errors import InputError
from mulle.projects.rules import Data


class NothingToUndo(InputError):
    """Every change that can be taken back was taken back."""

    code = "project.nothing_to_undo"
    message = "There is no change to take back."
    hint = "`flowctl history` shows what happened; `flowctl restore` brings back an earlier state."


def undone(data: Data, history: Sequence[Data]) -> tuple[Data, Data]:
    """The data without its last change, and the event of that change. Raises NothingToUndo.

    An undo is an event of its own; undoing twice goes two changes back.
    """
    taken_back = {event["detail"].get("of") for event in history if event["event"] == "undo"}
    for event in reversed(history):
        way_back = _WAYS_BACK.get(event["event"])
        if way_back is not None and event.get("version") not in taken_back:
            return data | {"tasks": way_back(list(data["tasks"]), event["detail"])}, event
    raise NothingToUndo


def _without(tasks: list[Data], detail: Mapping[str, Any]) -> list[Data]:
    return [task for task in tasks if task["id"] != detail["task_id"]]


def _with(tasks: list[Data], detail: Mapping[str, Any]) -> list[Data]:
    tasks.insert(detail.get("place", len(tasks)), detail["task"])
    return tasks


def _as_before(tasks: list[Data], detail: Mapping[str, Any]) -> list[Data]:
    held = {name: value for name, value in detail["before"].items() if not (name == "run" and value is None)}
    dropped = {"run"} & detail["before"].keys() - held.keys()
    return [
        {name: value for name, value in (task | held).items() if name not in dropped}
        if task["id"] == detail["task_id"]
        else task
        for task in tasks
    ]


def _all_before(_tasks: list[Data], detail: Mapping[str, Any]) -> list[Data]:
    if "before" not in detail:
        raise NothingToUndo
    return detail["before"]


_WAYS_BACK: Mapping[str, Callable[[list[Data], Mapping[str, Any]], list[Data]]] = {
    "add_task": _without,
    "remove_task": _with,
    "update_task": _as_before,
    "save": _all_before,
    "restore": _all_before,
}
