"""Exactly one run a due time, whoever looks and however often."""

import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.program import Program, environment
from tests.nodes.whole import Outside

from mulle.app import App
from mulle.app.schedules import Scheduler, keep
from mulle.document.reading import parse_workflow
from mulle.document.workflow import Workflow
from mulle.errors import StoreUnavailable
from mulle.nodes.end import End
from mulle.nodes.wait import Wait
from mulle.sdk.catalogue import Catalogue
from mulle.store.owners import Owners
from mulle.store.sqlite_journal import SqliteJournal
from mulle.store.sqlite_workflows import SqliteWorkflows

NINE = datetime(2026, 1, 5, 0, 0, tzinfo=UTC).timestamp()
"""Nine o'clock in Seoul."""
DAY = 86400.0


@dataclass
class Clock:
    now: float = NINE - 600

    def __call__(self) -> float:
        return self.now


def document(*nodes: dict[str, Any], triggers: list[dict[str, Any]] | None = None, name: str = "아침") -> Workflow:
    daily = {"type": "cron", "cron": "0 9 * * *", "timezone": "Asia/Seoul"}
    steps = [*nodes, {"id": "end", "type": "end"}]
    edges = [{"source": node["id"], "target": "end"} for node in nodes]
    return parse_workflow(
        {
            "mulle": 1,
            "name": name,
            "nodes": steps,
            "edges": edges,
            "triggers": [daily] if triggers is None else triggers,
        }
    )


WAITING = {"id": "rest", "type": "wait", "data": {"signal": "계속"}}


@asynccontextmanager
async def opened(home: Path, clock: Clock) -> AsyncGenerator[App]:
    catalogue = Catalogue({node.type: node for node in (End(), Wait())})
    journal = SqliteJournal(home / "mulle.db", Owners(home / "owners"))
    async with App(journal, catalogue, Outside(), SqliteWorkflows(home / "mulle.db"), clock=clock) as app:
        yield app


def outcomes(app: App) -> list[str]:
    """What became of the due times, the earliest first."""
    return [one.outcome for one in reversed(app.workflows.firings())]


async def test_a_due_time_starts_one_run_however_often_one_looks(tmp_path: Path):
    clock = Clock()
    async with opened(tmp_path, clock) as app:
        keep(app, document())
        scheduler = Scheduler(app)
        assert await scheduler.fire_due() == []
        clock.now = NINE + 1

        first, second, other = await scheduler.fire_due(), await scheduler.fire_due(), await Scheduler(app).fire_due()
        await app.idle()

        assert (len(first), second, other) == (1, [], [])
        assert [row.id for row in await app.runs()] == first


async def test_a_worker_that_died_before_noting_does_not_start_a_second_run(tmp_path: Path):
    clock = Clock()
    async with opened(tmp_path, clock) as app:
        kept = keep(app, document())
        clock.now = NINE + 1
        (run,) = await Scheduler(app).fire_due()
        await app.idle()
        with_nothing_noted = "DELETE FROM firings; UPDATE schedules SET looked_until = looked_until - 3600"
        assert isinstance(app.workflows, SqliteWorkflows)
        app.workflows._db.executescript(with_nothing_noted)  # pyright: ignore[reportPrivateUsage]  # the crash.
        clock.now = NINE + DAY / 2

        assert await Scheduler(app).fire_due() == []
        assert [(one.outcome, one.run) for one in app.workflows.firings(kept.id)] == [("started", run)]


async def test_one_missed_time_is_made_up_and_the_others_are_recorded(tmp_path: Path):
    clock = Clock()
    async with opened(tmp_path, clock) as app:
        keep(app, document())
    clock.now = NINE + 2 * DAY + 3600

    async with opened(tmp_path, clock) as app:
        await Scheduler(app).fire_due()
        await app.idle()

        assert outcomes(app) == ["missed", "missed", "started"]


async def test_a_due_time_is_skipped_while_the_run_before_it_is_under_way(tmp_path: Path):
    clock = Clock()
    async with opened(tmp_path, clock) as app:
        keep(app, document(WAITING))
        scheduler = Scheduler(app)
        clock.now = NINE + 1
        (run,) = await scheduler.fire_due()
        clock.now += DAY
        assert await scheduler.fire_due() == []
        await app.signal(run, "계속")
        await app.go_on(run)
        clock.now += DAY
        assert len(await scheduler.fire_due()) == 1

        assert outcomes(app) == ["started", "skipped", "started"]


async def test_two_times_that_are_due_at_once_do_not_overlap(tmp_path: Path):
    clock = Clock()
    async with opened(tmp_path, clock) as app:
        rule = "DTSTART:20260105T090000 RRULE:FREQ=SECONDLY;INTERVAL=10;COUNT=3"
        keep(app, document(WAITING, triggers=[{"type": "rrule", "rrule": rule, "timezone": "Asia/Seoul"}]))
        clock.now = NINE + 25

        await Scheduler(app).fire_due()

        assert outcomes(app) == ["started", "skipped", "skipped"]


async def test_a_workflow_that_is_off_does_not_fire_and_makes_nothing_up_when_it_is_on_again(tmp_path: Path):
    clock = Clock()
    async with opened(tmp_path, clock) as app:
        kept = keep(app, document())
        app.workflows.enable(kept.id, clock.now, enabled=False)
        clock.now = NINE + 60
        assert await Scheduler(app).fire_due() == []
        app.workflows.enable(kept.id, clock.now, enabled=True)

        assert await Scheduler(app).fire_due() == []
        assert outcomes(app) == []


async def test_an_edited_workflow_does_not_fire_again_what_it_fired(tmp_path: Path):
    clock = Clock()
    async with opened(tmp_path, clock) as app:
        kept = keep(app, document())
        clock.now = NINE + 1
        assert len(await Scheduler(app).fire_due()) == 1
        keep(app, document(name="아침 2"), kept.id)
        clock.now = NINE + 30

        assert await Scheduler(app).fire_due() == []


async def test_a_single_time_fires_once(tmp_path: Path):
    clock = Clock()
    async with opened(tmp_path, clock) as app:
        keep(app, document(triggers=[{"type": "at", "at": "2026-01-05T09:00:00+09:00"}]))
        clock.now = NINE + 1
        first = await Scheduler(app).fire_due()
        clock.now += 365 * DAY

        assert len(first) == 1
        assert await Scheduler(app).fire_due() == []


async def test_a_workflow_that_cannot_fire_does_not_hinder_the_others(tmp_path: Path):
    clock = Clock()
    async with opened(tmp_path, clock) as app:
        broken = app.workflows.save(document(triggers=[{"type": "cron", "cron": "99 9 * * *"}]), clock.now)
        unrunnable = keep(app, document({"id": "x", "type": "lllm"}))
        keep(app, document())
        clock.now = NINE + 1
        scheduler = Scheduler(app)

        assert len(await scheduler.fire_due()) == 1
        assert scheduler.problems.keys() == {broken.id, unrunnable.id}
        assert sorted(outcomes(app)) == ["failed", "started"]


async def test_while_the_store_fails_everything_stays_due(tmp_path: Path):
    clock = Clock()
    async with opened(tmp_path, clock) as app:
        keep(app, document())
        clock.now = NINE + 1
        start, failed = app.start, False

        async def fails_once(*arguments: Any, **options: Any) -> str:
            nonlocal failed
            if not failed:
                failed = True
                raise StoreUnavailable("locked")
            return await start(*arguments, **options)

        app.start = fails_once
        scheduler = Scheduler(app)
        with pytest.raises(StoreUnavailable):
            await scheduler.fire_due()

        assert outcomes(app) == []
        assert len(await scheduler.fire_due()) == 1


def test_two_workers_on_one_home_start_one_run_a_due_time(tmp_path: Path):
    program, due = Program(tmp_path / "집"), datetime.now(UTC) + timedelta(seconds=4)
    triggers = [{"type": "at", "at": (due + timedelta(seconds=step)).isoformat()} for step in range(3)]
    file = tmp_path / "곧.json"
    file.write_text(document(triggers=triggers).model_dump_json(exclude_defaults=True), "utf-8")
    kept = program.json("workflows", "save", str(file))
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "mulle.cli", "worker"],
            env=environment(program.home),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]

    deadline, firings = time.monotonic() + 40, list[Any]()
    while len(firings) < 3 and time.monotonic() < deadline:
        time.sleep(0.5)
        firings = program.json("schedules").data["firings"]
    for worker in workers:
        worker.terminate()
        worker.wait(30)

    assert kept.code == 0, kept.err
    runs = program.json("runs", "list").data["runs"]
    assert [one["outcome"] for one in firings] == ["started"] * 3
    assert sorted(one["run_id"] for one in firings) == sorted(one["run_id"] for one in runs)
    assert {one["status"] for one in runs} == {"succeeded"}
