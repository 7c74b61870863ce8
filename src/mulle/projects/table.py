"""A project's tasks as a table for the terminal."""

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mulle.document.ports import is_array
from mulle.projects.rules import Data, can_be_done

MARKS = {"todo": ("○", "default"), "doing": ("◐", "yellow"), "done": ("●", "green"), "blocked": ("✗", "red")}
WIDTH = 100


class StatusTable(Table):
    """A Rich table that `print` shows, too."""

    @classmethod
    def of(cls, data: Data) -> "StatusTable":
        """All tasks of a project, in their order."""
        tasks, done = data["tasks"], sum(task["status"] == "done" for task in data["tasks"])
        table = cls(title=f"{data['project']} · {done}/{len(tasks)} done", title_justify="left")
        for name in ("id", "task", "status", "after", "runs"):
            table.add_column(name, overflow="fold")
        ready = {task["id"] for task in can_be_done(data)}
        for task in tasks:
            mark, colour = MARKS[task["status"]]
            word = "todo, can be done" if task["id"] in ready else task["status"]
            runs = next((f"{kind}: {_said(task['run'][kind])}" for kind in task.get("run", ()) if kind in _KINDS), "")
            cells = (task["id"], task["name"], f"{mark} {word}", ", ".join(task["deps"]), runs)
            table.add_row(*(Text(cell, style=colour if number == 2 else "") for number, cell in enumerate(cells)))
        return table

    def __str__(self) -> str:
        page = io.StringIO()
        Console(file=page, width=WIDTH, color_system=None).print(self)
        return page.getvalue()


_KINDS = ("workflow", "function", "command")


def _said(value: object) -> str:
    return " ".join(map(str, value)) if is_array(value) else str(value)
