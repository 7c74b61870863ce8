"""What can be known to be wrong with a trigger before anything fires."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from dateutil.rrule import rrulestr

from mulle.document.problem import Problem
from mulle.document.workflow import AtTrigger, CronTrigger, RRuleTrigger, Trigger

_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def trigger_problems(triggers: Sequence[Trigger]) -> Iterator[Problem]:
    """Problems of all triggers, in their order."""
    for number, trigger in enumerate(triggers):
        where = f"triggers[{number}]"
        if isinstance(trigger, CronTrigger | RRuleTrigger | AtTrigger):
            yield from _timezone(trigger.timezone, where)
        if isinstance(trigger, CronTrigger):
            yield from _cron(trigger.cron, where)
        elif isinstance(trigger, RRuleTrigger):
            yield from _rrule(trigger.rrule, where)
        elif isinstance(trigger, AtTrigger):
            yield from _at(trigger.at, where)


def _timezone(name: str, where: str) -> Iterator[Problem]:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = f"'{name}' is no time zone."
        yield Problem("trigger.bad_timezone", f"{where}.timezone", message, "Write one such as Asia/Seoul.")


def _cron(text: str, where: str) -> Iterator[Problem]:
    hint = "Five fields: minute hour day month weekday. `mulle schedule parse` turns words into one."
    if len(text.split()) != 5:
        yield Problem("trigger.bad_cron", f"{where}.cron", f"'{text}' does not have five fields.", hint)
        return
    try:
        next(CronSim(text, _ANY_TIME))
    except CronSimError as error:
        yield Problem("trigger.bad_cron", f"{where}.cron", f"'{text}' is no cron expression: {error}.", hint)
    except StopIteration:
        yield Problem("trigger.never_fires", f"{where}.cron", f"'{text}' never comes.", "Choose a day that exists.")


def _rrule(text: str, where: str) -> Iterator[Problem]:
    try:
        rrulestr(text, dtstart=_ANY_TIME.replace(tzinfo=None), ignoretz=True)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"'{text}' is no recurrence rule: {error}."
        yield Problem(
            "trigger.bad_rrule", f"{where}.rrule", message, "Write it as RFC 5545 says: FREQ=WEEKLY;BYDAY=MO."
        )


def _at(text: str, where: str) -> Iterator[Problem]:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        message = f"'{text}' is no point in time."
        yield Problem("trigger.bad_time", f"{where}.at", message, "Write it as 2026-12-24T18:00:00+09:00.")
