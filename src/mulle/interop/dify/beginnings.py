"""What begins a workflow of Dify besides a person: schedules and webhooks, as triggers of ours and as inputs."""

import re
from typing import Any

from mulle.interop.dify.reading import ROOTS, DifyNode
from mulle.interop.dify.references import References
from mulle.interop.loose import a_list

_TIME = re.compile(r"\s*(\d{1,2}):(\d{2})\s*([AaPp][Mm])?\s*")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def triggers(refs: References) -> list[dict[str, Any]]:
    """The document's `triggers`; what cannot be one is a note."""
    made: list[dict[str, Any]] = []
    first = next((node for node in refs.scopes.nodes.values() if node.type in ROOTS), None)
    for node in refs.app.nodes:
        if node.type not in ROOTS or node.type == "start":
            continue
        if first is not None and node.id != first.id:
            refs.note(f"{refs.shown(node)}: it begins the workflow in Dify, too; only {refs.shown(first)} does here.")
        elif node.type == "trigger-webhook":
            refs.note(f"{refs.shown(node)}: the webhook gets an address of its own here; what is sent are its inputs.")
            made.append({"type": "webhook"})
        elif node.type == "trigger-schedule" and (cron := _cron(node)):
            made.append({"type": "cron", "cron": cron, **_timezone(node)})
        else:
            refs.note(f"{refs.shown(node)}: begins the workflow in Dify; set a trigger of your own (`triggers`).")
    return made


def sent(node: DifyNode) -> list[str]:
    """The names of what a webhook is sent; in those of headers Dify writes `_` for `-`."""
    given = [*node.objects("variables"), *node.objects("params"), *node.objects("body"), *node.objects("headers")]
    names = [one.get("variable") or one.get("name") for one in given]
    return list(dict.fromkeys(name.replace("-", "_") for name in names if isinstance(name, str) and name))


def _cron(node: DifyNode) -> str:
    """Five fields; empty when the schedule cannot be read."""
    if node.text("mode") == "cron" or (node.text("cron_expression") and not node.text("frequency")):
        return node.text("cron_expression")
    shown = node.object("visual_config")
    minute = shown.get("on_minute")
    if node.text("frequency") == "hourly":
        return f"{minute if type(minute) is int and 0 <= minute < 60 else 0} * * * *"
    time = _TIME.fullmatch(str(shown.get("time") or "12:00 AM"))
    if time is None:
        return ""
    hour = int(time[1]) if time[3] is None else int(time[1]) % 12 + 12 * (time[3].lower() == "pm")
    at = f"{int(time[2])} {hour}"
    match node.text("frequency"):
        case "daily":
            return f"{at} * * *"
        case "weekly":
            days = [str(_WEEKDAYS.index(day)) for day in a_list(shown.get("weekdays")) if day in _WEEKDAYS]
            return f"{at} * * {','.join(days)}" if days else ""
        case "monthly":
            days = ["L" if day == "last" else str(day) for day in a_list(shown.get("monthly_days")) if _is_day(day)]
            return f"{at} {','.join(days)} * *" if days else ""
        case _:
            return ""


def _is_day(day: Any) -> bool:
    return day == "last" or (type(day) is int and 1 <= day <= 31)


def _timezone(node: DifyNode) -> dict[str, str]:
    zone = node.text("timezone")
    return {"timezone": zone} if zone else {}
