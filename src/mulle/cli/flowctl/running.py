"""`flowctl run`, `graph`: a project's tasks as a graph."""

from typing import Any

import click

from mulle.app import App
from mulle.app.project_runs import run_project
from mulle.cli.documents import write_file
from mulle.cli.flowctl.places import opened, project_option
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, short, show, table, write
from mulle.document.drawing import Arrow, Box, Picture, as_mermaid, as_svg, as_text
from mulle.projects.project import FlowProject

STATUS = {"todo": "", "doing": "running", "done": "succeeded", "blocked": "failed"}
"""A task's status as pictures know it."""


@click.command()
@click.argument("tasks", metavar="[TASK]...", nargs=-1)
@click.option("--fresh", is_flag=True, help="Take no result from the last time.")
@project_option
@json_option
def run(tasks: tuple[str, ...], fresh: bool, named: str | None, as_json: bool) -> int:
    """Run the tasks that say what they run, in their order; what has not changed is not run again."""
    project = opened(named)

    async def work(app: App) -> dict[str, Any]:
        done = await run_project(app, project, tasks, fresh=fresh)
        return {
            "run_id": done.run_id,
            "status": done.status,
            "error": done.error,
            "executed": done.executed,
            "cached": done.cached,
            "results": done.results,
        }

    shown = with_app(work)
    show(shown, as_json, lambda: _for_people(project, shown))
    return 0 if shown["status"] == "succeeded" else 1


def _for_people(project: FlowProject, shown: dict[str, Any]) -> str:
    names = {task["id"]: task["name"] for task in project.tasks()}
    rows = [
        ["=" if task in shown["cached"] else "✓", task, names[task], short(shown["results"][task], 60)]
        for task in [*shown["cached"], *shown["executed"]]
    ]
    lines = [table(rows, ["", "id", "task", "result"])] if rows else []
    if shown["error"]:
        lines.append(f"✗ {shown['error']['message']}")
    kept = f", {len(shown['cached'])} unchanged (=)" if shown["cached"] else ""
    return "\n".join([*lines, f"{shown['status']}: {len(shown['executed'])} executed{kept}"])


@click.command()
@click.option("--to", "form", type=click.Choice(["text", "svg", "mermaid"]), default="text", show_default=True)
@click.option("--out", metavar="FILE", help="Write to a file instead of the terminal.")
@project_option
@json_option
def graph(form: str, out: str | None, named: str | None, as_json: bool) -> int:
    """Draw the tasks and what they wait for."""
    project = opened(named)
    drawn = {"text": as_text, "svg": as_svg, "mermaid": as_mermaid}[form](picture(project))
    if out:
        write_file(out, drawn)
    if as_json:
        show({"project": project.name, "form": form, "picture": drawn, "out": out}, as_json, str)
    elif not out:
        write(drawn if drawn.endswith("\n") else drawn + "\n")
    return 0


def picture(project: FlowProject) -> Picture:
    """The tasks as boxes, their dependencies as arrows."""
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    for task in project.data["tasks"]:
        boxes.append(Box(task["id"], task["name"], task["id"], STATUS[task["status"]]))
        arrows += [Arrow(dependency, task["id"]) for dependency in task["deps"]]
    return Picture(tuple(boxes), tuple(arrows), project.name)
