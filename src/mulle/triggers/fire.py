"""Which due times of a schedule start a run now, which come too late, and which comes next. Starts nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from mulle.document.workflow import AtTrigger, CronTrigger, RRuleTrigger, Trigger, Workflow
from mulle.triggers.schedule import Schedule, firings, schedule_from_trigger

ON_TIME = 60.0
"""Seconds of lateness that nobody calls late."""
MOST_MISSED = 1000
"""How many missed times of one schedule are written down at most; after that the oldest are left out."""


@dataclass(frozen=True, slots=True)
class Due:
    """One due time, and what is to be done about it."""

    at: float
    """Seconds since 1970."""
    decision: Literal["fire", "missed"]


@dataclass(frozen=True, slots=True)
class Timed:
    """One schedule of a workflow."""

    key: str
    """Stays the same as long as the rule does, so that editing something else does not fire anything again."""
    schedule: Schedule
    catch_up: float
    inputs: dict[str, Any]


def timed_triggers(workflow: Workflow) -> list[Timed]:
    """The schedules of a workflow that are switched on; raises ScheduleError for one that cannot be kept."""
    return [_timed(trigger) for trigger in workflow.triggers if _is_timed(trigger) and trigger.enabled]


def due_times(timed: Timed, looked_until: float, now: float) -> list[Due]:
    """What became due after `looked_until` and up to now.

    Every time that is still on time fires. Of those that were missed while nothing ran, the latest fires once if it is
    less than `catch_up` late; the others are missed.
    """
    times = list(_between(timed.schedule, looked_until, now))[-MOST_MISSED:]
    late = [at for at in times if now - at > ON_TIME]
    made_up = late[-1:] if late and len(late) == len(times) and now - late[-1] <= timed.catch_up else []
    return [Due(at, "missed" if at in late and at not in made_up else "fire") for at in times]


def next_time(timed: Timed, after: float) -> float | None:
    """The next due time after a moment, in seconds since 1970; None when it never comes again."""
    found = next(firings(timed.schedule, datetime.fromtimestamp(after, UTC)), None)
    return None if found is None else found.timestamp()


def _between(schedule: Schedule, after: float, until: float) -> Iterator[float]:
    for moment in firings(schedule, datetime.fromtimestamp(after, UTC)):
        at = moment.timestamp()
        if at > until:
            return
        yield at


def _is_timed(trigger: Trigger) -> bool:
    return isinstance(trigger, CronTrigger | RRuleTrigger | AtTrigger)


def _timed(trigger: Trigger) -> Timed:
    assert isinstance(trigger, CronTrigger | RRuleTrigger | AtTrigger)
    rule = trigger.model_dump(mode="json", exclude_defaults=True, exclude={"inputs", "catch_up", "enabled"})
    rule |= {"type": trigger.type, "timezone": trigger.timezone}
    key = " ".join(f"{name}={value}" for name, value in sorted(rule.items()))
    return Timed(key, schedule_from_trigger(rule), trigger.catch_up, trigger.inputs)
