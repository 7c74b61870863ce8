"""`mulle top`: what runs now, how fast, what fails and what is slow, again every second."""

import asyncio
import contextlib
import io
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mulle.app import App
from mulle.app.monitoring import Monitoring
from mulle.app.opening import settings
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, short, show
from mulle.cli.stats import seconds

ROWS = 6
"""Lines of each table."""


@click.command()
@click.option("--once", is_flag=True, help="Print it once, for scripts.")
@click.option("--interval", default=1.0, show_default=True, type=click.FloatRange(0.2, 60), help="Seconds.")
@json_option
def top(once: bool, interval: float, as_json: bool) -> int:
    """Watch this home at work. Ctrl+C ends it."""

    async def work(app: App) -> None:
        monitoring = Monitoring(app, settings())
        try:
            if once or as_json:
                seen = await monitoring.top(ROWS)
                show(seen, as_json, lambda: plain(seen))
                return
            with contextlib.suppress(asyncio.CancelledError), Live(screen=True, auto_refresh=False) as live:
                while True:
                    live.update(picture(await monitoring.top(ROWS)), refresh=True)
                    await asyncio.sleep(interval)
        finally:
            monitoring.close()

    with_app(work)
    return 0


def plain(seen: dict[str, Any]) -> str:
    """The picture as text, in the width of the terminal."""
    console = Console()
    out = Console(file=io.StringIO(), width=console.width if console.is_terminal else 120)
    with out.capture() as captured:
        out.print(picture(seen))
    return captured.get().rstrip("\n")


def picture(seen: dict[str, Any]) -> RenderableType:
    """Everything on one screen, the most urgent first."""
    parts: list[RenderableType] = [_head(seen)]
    if seen["alerts"]:
        parts.append(_alerts(seen["alerts"]))
    parts += [_workflows(seen["workflows"]), _running(seen["running"]), _failed(seen["failed"]), _slow(seen["slowest"])]
    return Group(*parts)


def _head(seen: dict[str, Any]) -> Text:
    now = seen["now"]
    text = Text.assemble(("물레 top", "bold"), f"  {seen['at'][11:19]}  ")
    text.append(f"{now['running']} running", "green" if now["running"] else "")
    text.append(f"  {now['waiting']} waiting")
    text.append(f"  {now['due']} due", "yellow" if now["due"] else "")
    oldest = f"  oldest {seconds(now['oldest_seconds'])}" if now["oldest"] else ""
    text.append(f"{oldest}  {seen['runs_per_second']:.2f} runs/s ended in the last minute\n")
    return text


def _table(title: str, *columns: str, empty: bool) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, expand=False)
    for column in columns:
        number = column in {"runs", "ok", "mean", "p95", "for", "max"}
        table.add_column(column, justify="right" if number else "left", no_wrap=True, header_style="dim")
    if empty:
        table.add_row(Text("–", "dim"))
    return table


def _alerts(alerts: list[dict[str, Any]]) -> Table:
    table = _table("Alerts", "rule", "since", "what", empty=False)
    for one in alerts:
        table.add_row(Text(short(one["rule"], 40), "bold red"), str(one["since"])[11:19], short(one["detail"], 70))
    return table


def _workflows(groups: list[dict[str, Any]]) -> Table:
    table = _table("Last hour", "workflow", "runs", "ok", "mean", "p95", empty=not groups)
    for one in groups:
        ok = Text(f"{one['success_rate']:.1f}%", "red" if one["failures"] else "green")
        spans = [seconds(one["avg_duration"]), seconds(one["p95_duration"])]
        table.add_row(short(one["workflow"], 40), f"{one['executions']:,}", ok, *spans)
    return table


def _running(runs: list[dict[str, Any]]) -> Table:
    table = _table("Running now", "run", "for", "workflow", empty=not runs)
    for one in runs:
        table.add_row(one["run"], seconds(one["seconds"]), short(one["workflow"], 40))
    return table


def _failed(runs: list[dict[str, Any]]) -> Table:
    table = _table("Failed in the last hour", "at", "run", "workflow", "error", empty=not runs)
    for one in runs:
        table.add_row(one["ended"][11:19], one["run"], short(one["workflow"], 30), Text(short(one["error"], 60), "red"))
    return table


def _slow(nodes: list[dict[str, Any]]) -> Table:
    table = _table("Slowest steps today", "node", "type", "workflow", "p95", "max", "runs", empty=not nodes)
    for one in nodes:
        spans = [seconds(one["p95_duration"]), seconds(one["max_duration"])]
        table.add_row(short(one["node"], 30), one["type"], short(one["workflow"], 30), *spans, f"{one['executions']:,}")
    return table
