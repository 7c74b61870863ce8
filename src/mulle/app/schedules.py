"""Fire the schedules of a home: exactly one run a due time, whoever looks and however often."""

import asyncio
from datetime import UTC, datetime

from mulle.app.running import App
from mulle.errors import MulleError
from mulle.store.workflows import Firing, StoredWorkflow
from mulle.triggers.fire import Due, Timed, due_times, next_time, timed_triggers

LOOK_AGAIN = 30.0
"""Seconds after which new and changed workflows are noticed at the latest."""


class Scheduler:
    """Looks at every stored workflow's schedules and starts what is due."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.started: list[str] = []
        """Ids of the runs that were started here."""
        self.problems: dict[str, MulleError] = {}
        """Workflows whose schedules cannot be kept, or whose runs could not be started, and why."""

    async def keep_firing(self) -> None:
        """Fire on time until cancelled."""
        while True:
            await self.fire_due()
            upcoming = [at for _, timed in self._timed() if (at := next_time(timed, self._app.now())) is not None]
            wait = min([LOOK_AGAIN, *(max(0.05, at - self._app.now()) for at in upcoming)])
            await asyncio.sleep(wait)

    async def fire_due(self) -> list[str]:
        """Start every run that is due now; gives the ids of the new ones."""
        started: list[str] = []
        for stored, timed in self._timed():
            now = self._app.now()
            looked = self._app.workflows.looked_until(stored.id, timed.key, now)
            due = due_times(timed, looked, now)
            if due:
                noted = [await self._settle(stored, timed, one) for one in due]
                self._app.workflows.note(noted, stored.id, timed.key, due[-1].at, now)
                started += [one.run for one in noted if one.outcome == "started" and one.run]
        self.started += started
        return started

    def _timed(self) -> list[tuple[StoredWorkflow, Timed]]:
        found: list[tuple[StoredWorkflow, Timed]] = []
        for stored in self._app.workflows.all():
            if stored.enabled:
                try:
                    found += [(stored, one) for one in timed_triggers(self._app.workflows.document(stored.id))]
                except MulleError as error:
                    self.problems[stored.id] = error
        return found

    async def _settle(self, stored: StoredWorkflow, timed: Timed, due: Due) -> Firing:
        """Start a due time's run, unless it comes too late or the run before it is still under way."""
        if due.decision == "missed":
            return Firing(stored.id, timed.key, due.at, "missed")
        if await self._is_under_way(stored, timed):
            return Firing(stored.id, timed.key, due.at, "skipped")
        moment = datetime.fromtimestamp(due.at, UTC).isoformat()
        try:
            run = await self._app.start(
                self._app.workflows.document(stored.id),
                timed.inputs,
                workflow_id=stored.id,
                dedup=f"schedule/{stored.id}/{timed.key}/{moment}",
            )
        except MulleError as error:
            self.problems[stored.id] = error
            return Firing(stored.id, timed.key, due.at, "failed")
        return Firing(stored.id, timed.key, due.at, "started", run)

    async def _is_under_way(self, stored: StoredWorkflow, timed: Timed) -> bool:
        """Whether this schedule's last run has not ended."""
        last = next(
            (one for one in self._app.workflows.firings(stored.id) if one.trigger == timed.key and one.run), None
        )
        return last is not None and last.run is not None and (await self._app.journal.row(last.run)).ended is None
