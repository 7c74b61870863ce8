"""What a worker looks after besides its runs: statistics kept up, alerts judged, schedules and problems logged."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from mulle.app.alerting import Alerting, Change
from mulle.app.monitoring import Monitoring
from mulle.app.schedules import Scheduler
from mulle.errors import MulleError

EVERY = 5.0
"""Seconds between two looks, at least."""
SHARE = 20
"""A look that took long is followed by a pause that is this many times as long."""
REST = 4.0
"""While runs are counted, four fifths of the time are left to the runs at work."""
FORGET_EVERY = 3600.0

Log = Callable[..., None]
"""`log(level, said, **more)`."""


class Watching:
    """Looks after a home until it is cancelled. What fails is said and tried again; runs never suffer for it."""

    def __init__(self, monitoring: Monitoring, alerting: Alerting, scheduler: Scheduler, log: Log) -> None:
        """Look after the home of `monitoring`; `log` is told what is found."""
        self._monitoring = monitoring
        self._alerting = alerting
        self._scheduler = scheduler
        self._log = log
        self._started = 0
        self._problems: Mapping[str, MulleError] = {}
        self._forgot = 0.0
        self._last_problem = ""

    async def keep_watching(self) -> None:
        """Look again and again until cancelled; first what is due gets its time to fire."""
        spent = 0.0
        while True:
            await asyncio.sleep(max(EVERY, SHARE * spent))
            begun = time.perf_counter()
            await self.look()
            spent = time.perf_counter() - begun

    async def look(self) -> list[Change]:
        """Look once; gives the alerts that changed."""
        self._tell_of_schedules()
        try:
            await self._monitoring.index.catch_up(rest=REST)
            changes = await self._alerting.check()
            self._forget()
        except MulleError as error:
            if error.text != self._last_problem:
                self._log(logging.ERROR, "the runs cannot be watched", code=error.code, message=error.text)
            self._last_problem = error.text
            return []
        self._last_problem = ""
        for change in changes:
            self._tell(change)
        return changes

    def _tell(self, change: Change) -> None:
        level = logging.ERROR if change.firing else logging.INFO
        said = "alert" if change.firing else "alert recovered"
        self._log(level, said, rule=change.name, detail=change.detail, told_to=(change.told_to or "").partition(":")[0])
        if change.problem:
            self._log(logging.ERROR, "alert could not be told", rule=change.name, message=change.problem)

    def _tell_of_schedules(self) -> None:
        for run in self._scheduler.started[self._started :]:
            self._log(logging.INFO, "schedule fired", run=run)
        self._started = len(self._scheduler.started)
        for workflow, error in self._scheduler.problems.items():
            if self._problems.get(workflow) is not error:
                self._log(
                    logging.ERROR, "schedule has a problem", workflow=workflow, code=error.code, message=error.text
                )
        self._problems = dict(self._scheduler.problems)

    def _forget(self) -> None:
        now = self._monitoring.app.now()
        if now - self._forgot > FORGET_EVERY:
            self._monitoring.statistics.forget(now)
            self._forgot = now
