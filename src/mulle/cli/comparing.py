"""`mulle runs diff` and `mulle runs pins`: one run beside another, and its answers for the next."""

import json
from collections.abc import Mapping
from typing import Any

import click

from mulle.app import App
from mulle.app.comparing import compared, last_good, pins_of
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, short, show, write


@click.command("diff")
@click.argument("first", metavar="[A]")
@click.argument("second", metavar="B", required=False)
@json_option
def diff_runs(first: str, second: str | None, as_json: bool) -> int:
    """What changed from run A to run B; with B alone, since the last good run of the same workflow."""

    async def work(app: App) -> dict[str, Any]:
        old, new = (first, second) if second else (await last_good(app, first), first)
        return await compared(app, old, new)

    shown = with_app(work)
    show(shown, as_json, lambda: _for_people(shown))
    return 0


@click.command("pins")
@click.argument("run")
def pins_of_run(run: str) -> int:
    """Print a run's answers as `mulle run --pins` takes them."""

    async def work(app: App) -> dict[str, Any]:
        return pins_of(await app.history(run))

    write(json.dumps(with_app(work), ensure_ascii=False, indent=2) + "\n")
    return 0


def _for_people(shown: Mapping[str, Any]) -> str:
    old, new = shown["runs"]
    lines = [f"{_head(old)}  →  {_head(new)}"]
    for name in ("workflow", "inputs", "outputs"):
        lines += _part(name, [change["text"] for change in shown[name]])
    for node in shown["nodes"]:
        lines += _part(node["path"], _node(node))
    if len(lines) == 1:
        lines.append("Nothing is different: the same workflow, inputs, outputs and steps.")
    return "\n".join(lines)


def _head(run: Mapping[str, Any]) -> str:
    return f"{run['run_id']} ({run['status']})"


def _part(name: str, lines: list[str]) -> list[str]:
    return [click.style(name, bold=True), *(f"  {short(line, 160)}" for line in lines)] if lines else []


def _node(node: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    if "status" in node:
        old, new = node["status"]
        lines.append(f"{old or 'not there'} → {new or 'not there'}")
    if "error" in node:
        old, new = node["error"]
        lines += [f"no longer: {old}"] if old else []
        lines += [f"now: {new}"] if new else []
    lines += [change["text"] for change in node.get("outputs", [])]
    if "elapsed_ms" in node:
        old, new = node["elapsed_ms"]
        lines.append(f"{old:.0f} ms → {new:.0f} ms")
    return lines
