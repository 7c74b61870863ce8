"""The monitoring of one home: its journal, its statistics and what people call things, brought together."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mulle.app.running import App
from mulle.document.versions import graph_hash, graph_text
from mulle.engine.facts import RunEnded
from mulle.errors import MulleError
from mulle.monitor.index import Graph, Index
from mulle.monitor.metrics import exposition
from mulle.monitor.reading import Ended
from mulle.monitor.report import By, Names, iso, report
from mulle.monitor.statistics import Choice, Statistics
from mulle.monitor.window import by_workflow, window
from mulle.services.llm.prices import Prices
from mulle.settings import Settings
from mulle.store.alerts import AlertRules, AlertState
from mulle.store.database import MEMORY
from mulle.store.workflows import UnknownWorkflow

STATISTICS = "statistics.db"
DATABASE = "mulle.db"
MINUTE, HOUR = 60.0, 3600.0


class Monitoring:
    """What the runs of a home came to."""

    def __init__(self, app: App, settings: Settings, *, path: Path | str | None = None) -> None:
        """Open a home's statistics.

        Args:
            app: The home.
            settings: Time zone and prices.
            path: The file; None: in the home. ":memory:" keeps nothing.
        """
        self.app = app
        self.zone = ZoneInfo(settings.timezone)
        self._alerts = MEMORY if app.home is None else app.home / DATABASE
        self.price = Prices.configured(settings.prices).of
        self.statistics = Statistics(settings.make_home() / STATISTICS if path is None else path)
        self._versions: dict[str, str] = {}
        """Versions by the hash of their graph."""
        self._seen: dict[str, int] = {}
        """Up to which version each workflow's were read."""
        self.index = Index(app.journal, self._graph, self.statistics, zone=self.zone, price=self.price)

    def close(self) -> None:
        self.statistics.close()

    async def stats(
        self, *, since: str, until: str | None = None, workflow: str | None = None, by: By = "workflow"
    ) -> Mapping[str, Any]:
        """The figures of whole days, after everything that has ended by now was counted.

        Args:
            since: The first day, as 2026-11-29.
            until: The last day; None: today.
            workflow: Only this one, by id or name. Raises UnknownWorkflow if nothing was ever called so.
            by: What is told apart.
        """
        await self.index.catch_up()
        choice = Choice(since, until or self.today().isoformat(), self.called(workflow) if workflow else ())
        told = report(self.statistics, choice, by, self.names(versions=by == "version"), self.price)
        return told | {
            "workflow": workflow,
            "timezone": self.zone.key,
            "now": {name: value for name, value in (await self.now()).items() if name != "age"},
            "unread": [{"run": run, "why": why} for run, why in self.statistics.unread()[:10]],
        }

    async def now(self) -> dict[str, Any]:
        """The runs that have not ended."""
        now = self.app.now()
        backlog = await self.app.journal.backlog(now)
        return {
            "age": None if backlog.oldest is None else max(0.0, now - backlog.oldest),
            "running": backlog.running,
            "waiting": backlog.waiting,
            "due": backlog.due,
            "oldest": None if backlog.oldest is None else iso(backlog.oldest),
        }

    async def top(self, rows: int) -> dict[str, Any]:
        """What goes on right now and what the last hour was like: at most so many rows of everything."""
        await self.index.catch_up()
        now, names, today = self.app.now(), self.names(), self.today().isoformat()
        hour = [replace(one, workflow=names.of_workflow(one.workflow)) for one in self.statistics.ended(now - HOUR)]
        standing = await self.now()
        told = report(self.statistics, Choice(today, today), "node", names, self.price)
        running = await self.app.journal.rows(status="running", limit=rows)
        return {
            "at": self._local(now),
            "now": standing | {"oldest_seconds": standing.pop("age")},
            "runs_per_second": round(sum(one.ended > now - MINUTE for one in hour) / MINUTE, 3),
            "workflows": [
                {"workflow": workflow} | window(ended) for workflow, ended in list(by_workflow(hour).items())[:rows]
            ],
            "running": [
                {"run": one.id, "workflow": names.of_workflow(one.workflow), "seconds": max(0.0, now - one.created)}
                for one in running
            ],
            "failed": [await self._failed(one) for one in [one for one in hour if one.status == "failed"][:rows]],
            "slowest": told["slowest"][:rows],
            "alerts": [
                {"rule": one.name, "since": self._local(one.since), "detail": one.detail} for one in self._firing()
            ],
        }

    def _firing(self) -> list[AlertState]:
        """The alerts that fire."""
        rules = AlertRules(self._alerts)
        try:
            return rules.firing()
        finally:
            rules.close()

    async def _failed(self, one: Ended) -> dict[str, Any]:
        """A failed run with its error."""
        error = ""
        with contextlib.suppress(MulleError):  # It may have been deleted, or be unreadable here.
            row = await self.app.journal.row(one.run)
            last = (await self.app.journal.read(one.run, row.head - 1))[-1]
            error = last.error.message if isinstance(last, RunEnded) and last.error else ""
        return {"run": one.run, "workflow": one.workflow, "ended": self._local(one.ended), "error": error}

    def _local(self, seconds: float) -> str:
        return datetime.fromtimestamp(seconds, self.zone).isoformat(timespec="seconds")

    async def metrics(self) -> str:
        """What a Prometheus scrapes, after everything that has ended by now was counted."""
        await self.index.catch_up()
        now = self.app.now()
        return exposition(
            self.statistics,
            await self.app.journal.backlog(now),
            now=now,
            today=self.today().isoformat(),
            name=self.names().of_workflow,
            price=self.price,
            alerts={one.name: True for one in self._firing()},
        )

    def today(self, days_ago: int = 0) -> date:
        """The date in the time zone of the settings."""
        return datetime.fromtimestamp(self.app.now(), self.zone).date() - timedelta(days=days_ago)

    def names(self, *, versions: bool = False) -> Names:
        """What workflows are called, and their versions too if that is wanted: each of them has to be read once."""
        stored = self.app.workflows.all()
        if versions:
            for one in stored:
                for version in range(self._seen.get(one.id, 0) + 1, one.version + 1):
                    self._see(one.id, version)
        return Names({one.id: one.name for one in stored}, self._versions)

    def _see(self, workflow: str, version: int) -> None:
        self._seen[workflow] = version
        try:
            graph = graph_hash(graph_text(self.app.workflows.document(workflow, version)))
        except MulleError:
            return  # A version that cannot be read any more keeps its hash for a name.
        self._versions.setdefault(graph, f"v{version}")

    def called(self, workflow: str) -> tuple[str, ...]:
        """Under what a workflow's runs are kept: by its id if this home has it, by its name if it came from a file."""
        try:
            stored = self.app.workflows.get(workflow)
        except UnknownWorkflow:
            return (workflow,)
        return (stored.id, stored.name)

    async def _graph(self, graph: str) -> Graph:
        loaded = await self.app.graphs.readable(graph)
        return loaded.plan, loaded.executor.catalogue.describe
