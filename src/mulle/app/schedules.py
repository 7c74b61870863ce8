"""Fire the schedules of a home: exactly one run a due time, whoever looks and however often."""

import asyncio
from datetime import UTC, datetime

from mulle.app.running import App
from mulle.app.turns import dedup_key
from mulle.document.workflow import Workflow
from mulle.errors import MulleError, StoreError, UnknownRun
from mulle.store.workflows import Firing, StoredWorkflow
from mulle.triggers.fire import Due, Timed, due_times, next_time, timed_triggers

LOOK_AGAIN = 30.0
"""Seconds after which new and changed workflows are noticed at the latest."""
TRY_AGAIN = 1.0
"""Seconds after which a store that failed is tried again."""


def keep(app: App, document: Workflow, workflow_id: str | None = None) -> StoredWorkflow:
    """Save a document in this home; schedules that are new in it begin now. Raises UnknownWorkflow, ScheduleError."""
    triggers = [timed.key for timed in timed_triggers(document)]
    stored = app.workflows.save(document, app.now(), workflow_id=workflow_id)
    app.workflows.keep_schedules(stored.id, triggers, app.now())
    return stored


class Scheduler:
    """Looks at every stored workflow's schedules and starts what is due."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.started: list[str] = []
        """Ids of the runs that were started here."""
        self.problems: dict[str, MulleError] = {}
        """Workflows whose schedules cannot be kept, or whose runs could not be started, and why."""

    async def keep_firing(self) -> None:
        """Fire on time until cancelled. While the store fails, everything stays due and is tried again."""
        while True:
            try:
                await self.fire_due()
                wait = self._until_next()
            except StoreError as error:
                self.problems["store"] = error
                wait = TRY_AGAIN
            else:
                self.problems.pop("store", None)
            await asyncio.sleep(wait)

    def _until_next(self) -> float:
        now = self._app.now()
        upcoming = [at for _, timed in self._timed() if (at := next_time(timed, now)) is not None]
        return min([LOOK_AGAIN, *(max(0.05, at - now) for at in upcoming)])

    async def fire_due(self) -> list[str]:
        """Start every run that is due now; gives the ids of the new ones."""
        before = len(self.started)
        for stored, timed in self._timed():
            now = self._app.now()
            due = due_times(timed, self._app.workflows.looked_until(stored.id, timed.key, now), now)
            missed = [await self._settle(stored, timed, one) for one in due if one.decision == "missed"]
            if missed:
                self._app.workflows.note(missed, stored.id, timed.key, missed[-1].due, now)
            for one in due:
                if one.decision == "fire":  # Noted one by one: the next has to see that this one's run is under way.
                    settled = await self._settle(stored, timed, one)
                    self._app.workflows.note([settled], stored.id, timed.key, one.at, now)
        return self.started[before:]

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
        dedup = f"schedule/{timed.key}/{datetime.fromtimestamp(due.at, UTC).isoformat()}"
        # Of another worker, or of one that died before it could note it.
        there = await self._run_with(stored.id, dedup)
        if there is not None:
            return Firing(stored.id, timed.key, due.at, "started", there)
        if due.decision == "missed":
            return Firing(stored.id, timed.key, due.at, "missed")
        if await self._is_under_way(stored, timed):
            return Firing(stored.id, timed.key, due.at, "skipped")
        try:
            document = self._app.workflows.document(stored.id)
            run = await self._app.start(document, timed.inputs, workflow_id=stored.id, dedup=dedup)
        except StoreError:
            raise
        except MulleError as error:
            self.problems[stored.id] = error
            return Firing(stored.id, timed.key, due.at, "failed")
        self.started.append(run)
        return Firing(stored.id, timed.key, due.at, "started", run)

    async def _run_with(self, workflow: str, dedup: str) -> str | None:
        key = dedup_key(workflow, dedup)
        assert key is not None
        try:
            return await self._app.journal.run_with(key)
        except UnknownRun:
            return None

    async def _is_under_way(self, stored: StoredWorkflow, timed: Timed) -> bool:
        """Whether this schedule's last run has not ended."""
        last = self._app.workflows.last_run(stored.id, timed.key)
        try:
            return last is not None and (await self._app.journal.row(last)).ended is None
        except UnknownRun:
            return False
