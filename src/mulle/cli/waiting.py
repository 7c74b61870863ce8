"""What a waiting run waits for, in words: people's answers, signals, times, and the commands that give them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mulle.document.expressions import as_text
from mulle.engine.signals import QUESTION

Waiting = Mapping[str, Any]
"""One node that waits: `path`, `signal`, `until`, `form`."""


def waiting_for(states: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """What moves a waiting run: the signals and times its nodes wait for."""
    return [
        {"path": "/".join(map(str, path)), "signal": state.listens_to, "until": state.until, "form": state.form}
        for path, state in states.items()
    ]


def items_of(group: Sequence[Waiting], seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The interrupted items of one question, each with the name that answers it alone; `seen`: its item, by path."""
    return [{"path": one["path"], "signal": f"{QUESTION}{one['path']}", "item": seen.get(one["path"])} for one in group]


def form_kind(one: Waiting) -> str:
    """What a waiting node wants of a person: `approval`, `interrupted`, or nothing but a signal (empty)."""
    if str(one["signal"]).startswith(QUESTION):
        return "interrupted"
    return "approval" if one["form"] else ""


def together(waiting: Iterable[Waiting]) -> list[list[Waiting]]:
    """What one answer moves: the nodes that listen to the same name, such as the interrupted items of a map."""
    found: dict[str, list[Waiting]] = {}
    for one in waiting:
        found.setdefault(one["signal"], []).append(one)
    return list(found.values())


def told(run_id: str, waiting: Sequence[Waiting]) -> list[str]:
    """For each thing that moves a run a line for people, with the command that does it."""
    groups = together(waiting)
    several = sum(form_kind(group[0]) == "interrupted" for group in groups) > 1
    return [_told(run_id, group, several=several) for group in groups]


def _told(run_id: str, group: Sequence[Waiting], *, several: bool) -> str:
    one = group[0]
    name = quoted(one["signal"])
    match form_kind(one):
        case "approval":
            problem = f"  ({one['form']['problem']})" if one["form"].get("problem") else ""
            return f"'{one['signal']}' waits for a person: mulle approvals approve|reject {run_id} {name}{problem}"
        case "interrupted":
            which = f"{run_id} {name}" if several else run_id
            said = f"{question(group)} mulle approvals interrupted {which} --decision happened|again|fail"
            return f"{said} (all of them; for each: mulle approvals list)" if len(group) > 1 else said
        case _:
            until = f", or until {_local(one['until'])}" if one["until"] else ""
            return f"waits for the signal '{one['signal']}'{until}: mulle runs signal {run_id} {name}"


def question(group: Sequence[Waiting]) -> str:
    """What a person is asked, in a line."""
    one = group[0]
    if form_kind(one) == "interrupted":
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        return f"{one['path']}{more} was cut off and may have happened:"
    form: Mapping[str, Any] = one["form"]
    asked = as_text(form.get("title") or form.get("message") or one["signal"])
    wanted = ", ".join(map(_field, form.get("fields") or ()))
    return f"{asked} ({wanted})" if wanted else asked


def _field(field: Mapping[str, Any]) -> str:
    """A field of a form and what may be put in: `금액: number`, `색: 빨강|파랑`."""
    kind = "|".join(field["options"]) or field["type"]
    return f"{field['name']}: {kind}{'' if field['required'] else ', or nothing'}"


def quoted(text: str) -> str:
    """A text as one word of a command line; left alone where no shell reads anything into it."""
    if re.fullmatch(r"[\w@%+=:,./-]+", text):
        return text
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _local(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="seconds")[:19]
