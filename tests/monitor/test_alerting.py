"""Alerts: rules judged on real runs, each change told once."""

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.monitor.home import Home, document, home, workflow

from mulle.app.alerting import Alerting, BadAddress, Change
from mulle.app.schedules import Scheduler, keep
from mulle.app.watching import Watching
from mulle.errors import NetworkError, StoreError
from mulle.monitor.rules import BadRule
from mulle.store.alerts import UnknownAlert
from mulle.store.workflows import Firing

HOUR = 3600.0


class Post:
    """Takes what is told; refuses it while it is out of order."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, Any]]] = []
        self.broken = False

    async def send(self, channel: str, settings: Mapping[str, Any], *, idempotency_key: str) -> dict[str, Any]:
        if self.broken:
            raise NetworkError("Nobody answers.")
        self.sent.append((channel, settings))
        return {}


class Watched:
    """A home with alerts."""

    def __init__(self, here: Home, folder: Path) -> None:
        self.home, self.clock, self.post, self._path = here, here.clock, Post(), folder / "alerts.db"
        services = here.app.outside.services
        here.app.outside.services = type(services)(notify=self.post)
        self.alerting = self.another()

    def another(self) -> Alerting:
        """The same rules, seen by another process."""
        return Alerting(self.home.monitoring, self.home.settings, path=self._path)

    async def changes(self) -> list[tuple[bool, str]]:
        return [(one.firing, one.name) for one in await self.alerting.check()]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Watched]:
    async with home(tmp_path, alerts_to="mail:ops@example.com") as opened:
        watched = Watched(opened, tmp_path)
        yield watched
        watched.alerting.close()


async def test_a_rule_fires_once_and_its_recovery_is_told_once(here: Watched):
    here.alerting.add("failure_rate > 30 over 1h")
    await here.home.ran(fails="broken")
    rule = "failure_rate > 30% over 1h"

    seen = [await here.changes(), await here.changes()]
    here.clock.now += 2 * HOUR
    seen += [await here.changes(), await here.changes()]

    assert seen == [[(True, rule)], [], [(False, rule)], []]
    assert [channel for channel, _ in here.post.sent] == ["mail", "mail"]
    assert here.post.sent[0][1]["subject"] == f"[mulle] ALERT: {rule}"
    assert "failure_rate is 100% over 1 run(s)" in here.post.sent[0][1]["text"]
    assert here.post.sent[1][1]["subject"].startswith("[mulle] recovered:")


async def test_of_several_processes_one_tells(here: Watched):
    here.alerting.add("failures > 0 over 1h")
    await here.home.ran(fails="broken")
    others = [here.another() for _ in range(3)]

    told = [change for one in (here.alerting, *others) for change in await one.check()]

    assert len(told) == len(here.post.sent) == 1
    for one in others:
        one.close()


async def test_what_still_fires_is_told_again_after_a_while(here: Watched):
    here.alerting.add("no run for 2h", again=HOUR)
    here.clock.now += 2.5 * HOUR
    first = await here.changes()
    here.clock.now += 0.5 * HOUR
    soon = await here.changes()
    here.clock.now += 0.6 * HOUR
    later = await here.changes()

    assert (first, soon, later) == ([(True, "no run for 2h")], [], [(True, "no run for 2h")])


async def test_what_could_not_be_told_is_tried_again(here: Watched):
    here.alerting.add("failures > 0 over 1h")
    await here.home.ran(fails="broken")
    here.post.broken = True
    (refused,) = await here.alerting.check()
    here.post.broken = False
    (told,) = await here.alerting.check()

    assert refused.problem == "Nobody answers."
    assert (told.problem, len(here.post.sent)) == ("", 1)


async def test_a_rule_of_one_workflow_looks_at_that_one(here: Watched):
    here.alerting.add("failures > 0 over 1h", workflow="b")
    here.alerting.add("no success for 1h", workflow="b", told_to="webhook:https://example.com/hook")
    await here.home.ran(workflow("a"), fails="broken")
    assert await here.changes() == []

    await here.home.ran(workflow("b"))
    here.clock.now += 1.5 * HOUR

    assert await here.changes() == [(True, "no success for 1h (b)")]
    assert here.post.sent[0][0] == "webhook"
    assert here.post.sent[0][1]["to"] == "https://example.com/hook"
    assert here.post.sent[0][1]["data"]["firing"] is True


async def test_slow_runs_tokens_and_money_are_watched(here: Watched):
    for rule in ("p95 > 5s over 1d", "tokens > 1k over 1d", "cost > 2 usd over 1d"):
        here.alerting.add(rule)
    await here.home.ran(seconds=9.0, tokens=1_000_000)

    assert [name for _, name in await here.changes()] == [
        "p95 > 5 s over 1d",
        "tokens > 1000 over 1d",
        "cost > 2 usd over 1d",
    ]


async def test_a_rule_that_is_removed_is_forgotten_with_its_state(here: Watched):
    kept = here.alerting.add("failures > 0 over 1h")
    await here.home.ran(fails="broken")
    await here.changes()

    here.alerting.rules.remove(kept.id)

    assert here.alerting.firing() == []
    with pytest.raises(UnknownAlert):
        here.alerting.rules.remove(kept.id)


def test_a_rule_or_an_address_that_is_none_is_refused(here: Watched):
    with pytest.raises(BadRule):
        here.alerting.add("whatever")
    for wrong in ("ops@example.com", "pigeon:home", "mail:"):
        with pytest.raises(BadAddress):
            here.alerting.add("failures > 0", told_to=wrong)


# ---------------------------------------------------------------------- functions


async def test_functions_of_the_figures_are_rules_too(here: Watched):
    here.alerting.add_rule(lambda stats: stats["failure_rate"] > 30)
    here.alerting.add_rule(lambda stats: stats["avg_duration"] > 5.0, name="slow")
    here.alerting.add_rule(lambda stats: any(agent["success_rate"] < 50 for agent in stats["agents"].values()))
    await here.home.ran(fails="broken")

    assert await here.changes() == [(True, "rule 1 (아침 뉴스)"), (True, "rule 3 (아침 뉴스)")]


async def test_a_function_that_raises_is_told_and_hides_nothing_else(here: Watched):
    here.alerting.add_rule(lambda stats: stats["no such figure"] > 1, name="broken rule")
    here.alerting.add("runs > 0 over 1h")
    await here.home.ran()

    changes = {change.name: change.detail for change in await here.alerting.check()}

    assert changes["broken rule (아침 뉴스) is broken"] == "KeyError: 'no such figure'"
    assert "runs > 0 over 1h" in changes


# ---------------------------------------------------------------------- out of the box


async def test_a_schedule_that_did_not_fire_is_an_alert_until_it_fires_again(here: Watched):
    stored = here.home.app.workflows.save(workflow(), here.clock())
    due = here.clock()
    here.home.app.workflows.note([Firing(stored.id, "cron", due, "missed")], stored.id, "cron", due, due)
    missed = await here.changes()
    run = await here.home.ran()
    here.home.app.workflows.note([Firing(stored.id, "cron", due + 60, "started", run)], stored.id, "cron", due, due)

    assert missed == [(True, "아침 뉴스 did not run on schedule")]
    assert await here.changes() == [(False, "아침 뉴스 did not run on schedule")]


async def test_a_due_time_that_nobody_dealt_with_is_an_alert_although_nothing_noted_it(here: Watched):
    flow = document(
        {
            "mulle": 1,
            "name": "매시간",
            "nodes": [{"id": "end", "type": "end"}],
            "triggers": [{"type": "cron", "cron": "0 * * * *", "timezone": "Asia/Seoul"}],
        }
    )
    kept = keep(here.home.app, flow)
    here.clock.now += 3610
    soon = await here.changes()
    here.clock.now += 600

    (change,) = await here.alerting.check()
    await Scheduler(here.home.app).fire_due()
    await here.home.app.idle()

    assert soon == []
    assert change.detail == "due 2026-11-30T11:00+09:00: nothing fired it; is a worker running?"
    assert await here.changes() == [(False, "매시간 did not run on schedule")]
    here.home.app.workflows.enable(kept.id, here.clock(), enabled=False)
    here.clock.now += 7200
    assert await here.changes() == []


SILENT = document(
    {
        "mulle": 1,
        "name": "조용",
        "nodes": [
            {"id": "start", "type": "start", "ports": {"outputs": [{"name": "text", "type": "string"}]}},
            {"id": "end", "type": "end"},
        ],
        "edges": [{"source": "start", "source_port": "text", "target": "end", "target_port": "text"}],
    }
)


async def test_a_scheduled_run_with_only_empty_results_is_an_alert(here: Watched):
    stored = here.home.app.workflows.save(SILENT, here.clock())
    run = (await here.home.app.run(SILENT, {"text": ""})).id
    note = Firing(stored.id, "cron", here.clock(), "started", run)
    here.home.app.workflows.note([note], stored.id, "cron", here.clock(), here.clock())

    (change,) = await here.alerting.check()

    assert (change.firing, change.name) == (True, "조용 came to nothing")
    assert change.detail == f"run {run} gave only empty results"


# ---------------------------------------------------------------------- watching


class Lines:
    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, _level: int, said: str, **more: Any) -> None:
        self.said.append(f"{said}: {more.get('rule') or more.get('message') or more.get('run')}")


async def test_a_worker_says_what_it_finds_and_goes_on_when_the_store_fails(
    here: Watched, monkeypatch: pytest.MonkeyPatch
):
    here.alerting.add("failures > 0 over 1h")
    run = await here.home.ran(fails="broken")
    scheduler, lines = Scheduler(here.home.app), Lines()
    scheduler.started.append(run)
    watching = Watching(here.home.monitoring, here.alerting, scheduler, lines)

    changes = await watching.look()
    await watching.look()

    async def fails(_self: Any) -> list[Change]:
        raise StoreError("The disk is gone.")

    monkeypatch.setattr(Alerting, "check", fails)
    assert [await watching.look() for _ in range(2)] == [[], []]
    assert len(changes) == 1
    assert lines.said == [
        f"schedule fired: {run}",
        "alert: failures > 0 over 1h",
        "the runs cannot be watched: The disk is gone.",
    ]
