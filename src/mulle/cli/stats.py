"""`mulle stats`: how often workflows run, how they end, how long they take and what they cost."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import click

from mulle.app import App
from mulle.app.monitoring import Monitoring
from mulle.app.opening import settings
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, short, show, table
from mulle.errors import InputError
from mulle.monitor.report import BY, By

HEADS = ["runs", "ok", "mean", "p50", "p95", "p99", "max", "retries", "tokens", "cost"]
SHOWN = 5
"""Causes of failure and slow nodes that people see; --json has more."""
MOST_DAYS = 3660


class BadSince(InputError):
    """The first day cannot be read."""

    code = "stats.bad_since"
    message = "'{text}' is no day."
    hint = "Write a number of days, such as 7d (today is the first), or a date, such as 2026-11-01."


@click.command()
@click.argument("workflow", required=False)
@click.option("--since", default="7d", show_default=True, metavar="DAYS|DATE", help="7d: today and six days before.")
@click.option("--by", type=click.Choice(BY), default="workflow", show_default=True, help="What is told apart.")
@json_option
def stats(workflow: str | None, since: str, by: By, as_json: bool) -> int:
    """Success, duration, causes of failure, slow steps, tokens and money, from what runs left in their journals."""

    async def work(app: App) -> Mapping[str, Any]:
        monitoring = Monitoring(app, settings())
        try:
            first = first_day(since, monitoring.today())
            return await monitoring.stats(since=first.isoformat(), workflow=workflow, by=by)
        finally:
            monitoring.close()

    shown = with_app(work)
    show(shown, as_json, lambda: for_people(shown))
    return 0


def first_day(text: str, today: date) -> date:
    """`7d` or `2026-11-01` as a date; raises BadSince."""
    days = re.fullmatch(r"([0-9]{1,4})d", text.strip())
    try:
        if days is None:
            return date.fromisoformat(text.strip())
        if not 1 <= int(days[1]) <= MOST_DAYS:
            raise BadSince(text=text)
        return date.fromordinal(today.toordinal() - int(days[1]) + 1)
    except ValueError as error:
        raise BadSince(text=text) from error


def for_people(shown: Mapping[str, Any]) -> str:
    """Tables of the figures, of what went wrong and of what is slow."""
    span = shown["since"] if shown["since"] == shown["until"] else f"{shown['since']} to {shown['until']}"
    now = shown["now"]
    lines = [
        f"{span} ({shown['timezone']}) · now: {now['running']} running, {now['waiting']} waiting, {now['due']} due"
    ]
    if not shown["groups"]:
        of = f" of '{shown['workflow']}'" if shown["workflow"] else ""
        return "\n".join([*lines, f"No run{of} ended in this time."])
    lines += ["", _groups(shown)]
    if shown["failures"]:
        lines += ["", click.style("What went wrong", bold=True), _failures(shown["failures"][:SHOWN])]
    if shown["slowest"]:
        lines += ["", click.style("Slowest steps", bold=True), _slowest(shown["slowest"][:SHOWN])]
    if shown["unpriced"]:
        lines += ["", f"No price is known for {', '.join(shown['unpriced'])}: MULLE_PRICES names a file of your own."]
    if shown["unread"]:
        lines += ["", f"{len(shown['unread'])} run(s) could not be read here: {shown['unread'][0]['why']}"]
    return "\n".join(lines)


def _groups(shown: Mapping[str, Any]) -> str:
    by = shown["by"]
    names = {"workflow": ["workflow"], "version": ["workflow", "version"], "node": ["workflow", "node", "type"]}
    heads = names.get(by, [by])
    rows = [[*(short(group[head], 40) for head in heads), *_figures(group)] for group in shown["groups"]]
    if len(rows) > 1 and by not in {"type", "node"}:
        rows.append([*("all" if head == heads[0] else "" for head in heads), *_figures(shown["total"])])
    return table(rows, [*heads, *HEADS])


def _figures(one: Mapping[str, Any]) -> list[str]:
    timed = one["successes"] + one["failures"]
    tokens = one.get("input_tokens", 0) + one.get("output_tokens", 0)
    spans = [seconds(one[f"{name}_duration"]) if timed else "–" for name in ("avg", "p50", "p95", "p99", "max")]
    return [
        f"{one['executions']:,}",
        f"{one['success_rate']:.1f}%" if timed else "–",
        *spans,
        f"{one['retries']:,}" if one["retries"] else "",
        f"{tokens:,}" if tokens else "",
        money(one.get("cost_usd")) if tokens else "",
    ]


def _failures(failures: list[dict[str, Any]]) -> str:
    rows = [
        [
            f"{one['count']:,}×",
            f"(+{one['retried']:,} tried again)" if one["retried"] else "",
            short(one["node"] or "the run", 24),
            one["error"],
            short(one["message"], 60),
            one["run"],
        ]
        for one in failures
    ]
    return table(rows, ["", "", "where", "error", "message", "for example"])


def _slowest(slowest: list[dict[str, Any]]) -> str:
    rows = [
        [short(one["node"], 30), one["type"], short(one["workflow"], 30), *_spans(one), f"{one['executions']:,}"]
        for one in slowest
    ]
    return table(rows, ["node", "type", "workflow", "p95", "max", "mean", "runs"])


def _spans(one: Mapping[str, Any]) -> list[str]:
    return [seconds(one[f"{name}_duration"]) for name in ("p95", "max", "avg")]


def seconds(value: float) -> str:
    """A duration as people read it: 240 µs, 18 ms, 3.2 s, 5 min, 2.5 h."""
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1000:.3g} ms"
    if value < 60:
        return f"{value:.3g} s"
    return f"{value / 60:.3g} min" if value < 3600 else f"{value / 3600:.3g} h"


def money(dollars: float | None) -> str:
    """Dollars, with as many digits as small sums need."""
    if dollars is None:
        return "?"
    return f"${dollars:,.2f}" if dollars >= 1 or dollars == 0 else f"${dollars:.4f}"
