"""What can be known to be wrong with a trigger before anything fires. Knows no clock and no calendar."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from dateutil.rrule import rrulestr

from mulle.document.ports import accepts, type_of
from mulle.document.problem import Problem, nearest
from mulle.document.signature import Signature
from mulle.document.workflow import AtTrigger, CronTrigger, RRuleTrigger, Trigger

_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_TIME_HINT = "Write it as 2026-12-24T18:00:00+09:00."
_SHOWN = 80


def trigger_problems(triggers: Sequence[Trigger], start: Signature | None = None) -> Iterator[Problem]:
    """Problems of all triggers, in their order. `start` says what a run takes."""
    for number, trigger in enumerate(triggers):
        where = f"triggers[{number}]"
        if isinstance(trigger, CronTrigger | RRuleTrigger | AtTrigger):
            yield from _timed(trigger, where)
        match trigger:
            case CronTrigger():
                yield from _cron(trigger.cron, f"{where}.cron")
            case RRuleTrigger():
                yield from _rrule(trigger.rrule, f"{where}.rrule")
            case AtTrigger():
                yield from _time(trigger.at, f"{where}.at")
            case _:
                continue  # Its caller brings the inputs, and nobody knows them yet.
        if start is not None:
            yield from _inputs(trigger.inputs, start, f"{where}.inputs")


def _timed(trigger: CronTrigger | RRuleTrigger | AtTrigger, where: str) -> Iterator[Problem]:
    yield from _timezone(trigger.timezone, f"{where}.timezone")
    for name, text in (("start", trigger.start), ("until", trigger.until)):
        if text is not None:
            yield from _time(text, f"{where}.{name}")
    if trigger.roll and not trigger.filter:
        message = "`roll` moves a firing to a day that counts, and no `filter` says which days count."
        yield Problem("trigger.roll_without_filter", f"{where}.roll", message, "Add one: `filter: business_days`.")
    if trigger.nth > 1 and not trigger.roll:
        message, hint = "`nth` counts days from a firing on, and needs `roll`.", "Add `roll: following`."
        yield Problem("trigger.nth_without_roll", f"{where}.nth", message, hint)


def _timezone(name: str, where: str) -> Iterator[Problem]:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = f"'{name[:_SHOWN]}' is no time zone."
        yield Problem("trigger.bad_timezone", where, message, "Write one such as Asia/Seoul.")


def _cron(text: str, where: str) -> Iterator[Problem]:
    shown, hint = (
        text[:_SHOWN],
        "Five fields: minute hour day month weekday. `mulle schedule parse` turns words into one.",
    )
    if len(text.split()) != 5:
        yield Problem("trigger.bad_cron", where, f"'{shown}' does not have five fields.", hint)
        return
    try:
        CronSim(text, _ANY_TIME)
    except CronSimError as error:
        yield Problem("trigger.bad_cron", where, f"'{shown}' is no cron expression: {error}.", hint)


def _rrule(text: str, where: str) -> Iterator[Problem]:
    shown, hint = text[:_SHOWN], "Write it as RFC 5545 says: FREQ=WEEKLY;BYDAY=MO."
    if len(text) > _LONGEST_RULE:
        yield Problem("trigger.bad_rrule", where, f"'{shown}…' is too long for a recurrence rule.", hint)
        return
    try:
        rrulestr(text, dtstart=_ANY_TIME.replace(tzinfo=None), ignoretz=True)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        yield Problem("trigger.bad_rrule", where, f"'{shown}' is no recurrence rule: {error}.", hint)


_LONGEST_RULE = 2000


def _time(text: str, where: str) -> Iterator[Problem]:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        yield Problem("trigger.bad_time", where, f"'{text[:_SHOWN]}' is no point in time.", _TIME_HINT)


def _inputs(inputs: Mapping[str, Any], start: Signature, where: str) -> Iterator[Problem]:
    """Whether the start would take what the trigger gives; nobody is there to add what is missing."""
    ports = {port.name: port for port in start.outputs}
    for name, value in inputs.items():
        if name not in ports and ports:
            message = f"The workflow takes no input '{name[:_SHOWN]}'."
            yield Problem("trigger.unknown_input", f"{where}.{name[:_SHOWN]}", message, nearest(name, ports))
        elif name in ports and not accepts(ports[name], value):
            message = f"The input '{name}' takes {ports[name].type}, not {type_of(value)}."
            yield Problem("trigger.wrong_input", f"{where}.{name}", message, "Change the value or the port's type.")
    for port in start.outputs:
        if port.required and port.default_value is None and port.name not in inputs:
            message = f"Nothing gives the required input '{port.name}' when this fires."
            hint = "Write it under `inputs`, or give the start's port a default."
            yield Problem("trigger.missing_input", where, message, hint, "warning")
