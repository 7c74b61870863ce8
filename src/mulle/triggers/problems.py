"""What the calendar finds wrong with a document's schedules, where the document alone cannot know. Knows no clock."""

from datetime import UTC, datetime

from mulle.document.problem import Problem
from mulle.document.triggers import trigger_problems
from mulle.document.workflow import AtTrigger, CronTrigger, RRuleTrigger, Workflow
from mulle.errors import ScheduleError
from mulle.triggers.schedule import next_firings, schedule_from_trigger

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def schedule_problems(workflow: Workflow) -> list[Problem]:
    """Schedules that cannot be kept or never come; what `document.validate` reports is not said again."""
    found: list[Problem] = []
    for number, trigger in enumerate(workflow.triggers):
        if isinstance(trigger, CronTrigger | RRuleTrigger | AtTrigger) and not any(trigger_problems([trigger])):
            found += _problems(trigger, f"triggers[{number}]")
    return found


def _problems(trigger: CronTrigger | RRuleTrigger | AtTrigger, where: str) -> list[Problem]:
    try:
        schedule = schedule_from_trigger(trigger.model_dump(exclude_none=True), at=where)
        if next_firings(schedule, _LONG_AGO, 1):
            return []
    except ScheduleError as error:
        return [Problem.of(error)]
    message, hint = "This schedule never comes.", "Look at its days, its `filter`, and at `start` and `until`."
    return [Problem("trigger.never_fires", where, message, hint)]
