"""`mulle alerts`: rules that tell somebody when runs go wrong, or do not go at all."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from mulle.app import App
from mulle.app.alerting import AGAIN, Alerting
from mulle.app.monitoring import DATABASE, Monitoring
from mulle.app.opening import settings
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, short, show, table
from mulle.monitor.telling import local_time

T = TypeVar("T")


def with_alerts(work: Callable[[App, Alerting], Awaitable[T]]) -> T:
    """Do something with the alerts of the opened home."""

    async def inside(app: App) -> T:
        chosen = settings()
        monitoring = Monitoring(app, chosen)
        try:
            alerting = Alerting(monitoring, chosen, path=chosen.make_home() / DATABASE)
            try:
                return await work(app, alerting)
            finally:
                alerting.close()
        finally:
            monitoring.close()

    return with_app(inside)


@click.group()
def alerts() -> None:
    """Rules that tell somebody when runs go wrong, or do not go at all."""


@alerts.command()
@click.argument("rule")
@click.option("--workflow", help="Only of this one, by name or id; by default of all runs together.")
@click.option("--to", "told_to", metavar="CHANNEL:ADDRESS", help="mail:…, webhook:…; by default MULLE_ALERTS_TO.")
@click.option("--again", type=click.FloatRange(0.1, 720), default=AGAIN / 3600, show_default=True, help="Hours.")
@json_option
def add(rule: str, workflow: str | None, told_to: str | None, again: float, as_json: bool) -> int:
    """Keep a rule: "failure_rate > 30 over 1h", "p95 > 5s over 1d", "no run for 25h", "cost > 10 usd over 1d"."""

    async def work(_app: App, alerting: Alerting) -> dict[str, Any]:
        kept = alerting.add(rule, workflow=workflow, told_to=told_to, again=again * 3600)
        return {"id": kept.id, "rule": kept.rule, "workflow": kept.workflow, "to": kept.told_to}

    kept = with_alerts(work)
    show(kept, as_json, lambda: f"{kept['id']}  {kept['rule']}")
    return 0


@alerts.command("list")
@json_option
def list_alerts(as_json: bool) -> int:
    """The rules, and what fires."""

    async def work(_app: App, alerting: Alerting) -> dict[str, Any]:
        fires = {state.key: state for state in alerting.firing()}
        rules = [
            {"id": one.id, "rule": one.rule, "workflow": one.workflow, "to": one.told_to, "firing": one.id in fires}
            for one in alerting.rules.all()
        ]
        firing = [{"rule": one.name, "since": local_time(one.since), "detail": one.detail} for one in alerting.firing()]
        return {"rules": rules, "firing": firing}

    found = with_alerts(work)
    show(found, as_json, lambda: _for_people(found))
    return 0


@alerts.command("rm")
@click.argument("alert")
@json_option
def remove(alert: str, as_json: bool) -> int:
    """Forget a rule."""

    async def work(_app: App, alerting: Alerting) -> dict[str, Any]:
        alerting.rules.remove(alert)
        return {"removed": alert}

    done = with_alerts(work)
    show(done, as_json, lambda: f"Removed {alert}.")
    return 0


@alerts.command()
@json_option
def check(as_json: bool) -> int:
    """Judge every rule now, and tell what changed. A worker does so by itself."""

    async def work(_app: App, alerting: Alerting) -> dict[str, Any]:
        changes = [
            {"rule": one.name, "firing": one.firing, "detail": one.detail, "problem": one.problem}
            for one in await alerting.check()
        ]
        firing = [{"rule": one.name, "since": local_time(one.since), "detail": one.detail} for one in alerting.firing()]
        return {"changes": changes, "firing": firing}

    found = with_alerts(work)
    show(found, as_json, lambda: _checked(found))
    return 1 if found["firing"] else 0


def _for_people(found: dict[str, Any]) -> str:
    rows = [
        [one["id"], "FIRES" if one["firing"] else "ok", one["rule"], one["workflow"] or "all", one["to"] or "default"]
        for one in found["rules"]
    ]
    rules = (
        table(rows, ["id", "state", "rule", "workflow", "to"])
        if rows
        else "No rules of your own yet: `mulle alerts add`."
    )
    return rules + _firing(found["firing"])


def _checked(found: dict[str, Any]) -> str:
    lines = [
        f"{'✗' if one['firing'] else '✓'} {one['rule']}: {one['detail']}"
        + (f"\n  → could not be told: {one['problem']}" if one["problem"] else "")
        for one in found["changes"]
    ]
    return ("\n".join(lines) or "Nothing changed.") + _firing(found["firing"])


def _firing(firing: list[dict[str, Any]]) -> str:
    if not firing:
        return ""
    rows = [[short(one["rule"], 50), one["since"][:19].replace("T", " "), short(one["detail"], 70)] for one in firing]
    return "\n\n" + table(rows, ["fires", "since", "because"])
