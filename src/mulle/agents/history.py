"""Executions as logs: those that are written by hand, and the runs of an app, whose logs its journal is."""

import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from mulle.agents.execution import Apps
from mulle.agents.results import RUN_STATES, StepResult, moment
from mulle.agents.shelf import Shelf, shelf_at
from mulle.engine.journal import RunRow
from mulle.errors import InputError, UnknownRun

KIND = "log"


class UnknownLog(InputError):
    """There is no log with this id."""

    code = "log.unknown"
    message = "There is no log '{log}'."
    hint = "`list_logs()` gives the ids of all."


@dataclass
class ExecutionLog:
    """One execution: when, what, and how its steps went."""

    log_id: str
    workflow_name: str
    start_time: str
    """ISO 8601."""
    end_time: str = ""
    """Empty while it has not ended."""
    status: str = "running"
    steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """`step_name`, `status`, `duration` in seconds and `timestamp` of each."""


class ExecutionHistory:
    """The logs of executions."""

    def __init__(self, home: Any = None, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Open a history.

        Args:
            home: An app, whose runs are logs here by themselves, or a home's folder; None: in memory, by hand.
            clock: The time.
        """
        self._shelf: Shelf = shelf_at(home)
        self._app: Apps | None = None if home is None or isinstance(home, str | Path) else home
        self._clock = clock

    def create_log(self, workflow_name: str) -> ExecutionLog:
        """Begin a log."""
        log = ExecutionLog(uuid.uuid4().hex[:16], workflow_name, self._now())
        self._shelf.put(KIND, log.log_id, asdict(log))
        return log

    def add_step_result(self, log_id: str, step_name: str, status: str, duration: float) -> None:
        """Add a step to a log that is written by hand; raises UnknownLog."""
        log = self._own(log_id)
        step = {"step_name": step_name, "status": str(status), "duration": duration, "timestamp": self._now()}
        log.steps.append(step)
        self._shelf.put(KIND, log_id, asdict(log))

    def complete_log(self, log_id: str, status: str = "completed") -> None:
        """End a log that is written by hand; raises UnknownLog."""
        log = self._own(log_id)
        log.status, log.end_time = str(status), self._now()
        self._shelf.put(KIND, log_id, asdict(log))

    def get_log(self, log_id: str) -> ExecutionLog:
        """A log by its id, or by the id of a run; raises UnknownLog."""
        if self._shelf.get(KIND, log_id) is not None or self._app is None:
            return self._own(log_id)
        try:
            return self._app.blocking(partial(_read, run_id=log_id))
        except UnknownRun as error:
            raise UnknownLog(log=log_id) from error

    def list_logs(self, limit: int = 1000) -> list[dict[str, Any]]:
        """All logs, those by hand first, then the app's runs, newest first; without their steps."""
        own = [{key: one[key] for key in _LISTED} for one in self._shelf.all(KIND)]
        if self._app is None:
            return own
        rows: list[RunRow] = self._app.blocking(partial(_rows, limit=limit))
        return own + [{key: getattr(_log(row), key) for key in _LISTED} for row in rows]

    def _own(self, log_id: str) -> ExecutionLog:
        found = self._shelf.get(KIND, log_id)
        if found is None:
            raise UnknownLog(log=log_id)
        return ExecutionLog(**found)

    def _now(self) -> str:
        return self._clock().isoformat(timespec="milliseconds")


_LISTED = ("log_id", "workflow_name", "start_time", "end_time", "status")


async def _rows(app: Apps, limit: int) -> list[RunRow]:
    return await app.runs(limit=limit)


async def _read(app: Apps, run_id: str) -> ExecutionLog:
    history, log = await app.history(run_id), _log(await app.journal.row(run_id))
    for record in history.records.values():
        if record.type not in ("start", "end"):
            result = StepResult.of(record)
            place = "/".join(map(str, record.path))
            step = {"step_name": place, "status": result.status.value, "duration": result.duration}
            log.steps.append(step | {"timestamp": result.timestamp, "error": result.error})
    return log


def _log(row: RunRow) -> ExecutionLog:
    status = RUN_STATES[row.status].value
    return ExecutionLog(row.id, row.workflow, moment(row.created), moment(row.ended), status)
