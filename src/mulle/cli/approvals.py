"""`mulle approvals`: what waits for a person's word, and giving it."""

from typing import Any

import click

from mulle.app import App
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, short, show, table
from mulle.cli.run import described, for_people, form_kind, waiting_for
from mulle.errors import InputError


class NothingWaits(InputError):
    """Nothing in the run waits for this."""

    code = "approval.unknown"
    message = "Nothing in run '{run}' waits for this{named}."
    hint = "`mulle approvals list` shows what waits."


class SeveralWait(InputError):
    """Several questions of the run are open, and none was named."""

    code = "approval.ambiguous"
    message = "Several questions of run '{run}' are open."
    hint = "Say which one: {names}."


@click.group()
def approvals() -> None:
    """See what waits for a person's word, and give it."""


@approvals.command("list")
@json_option
def list_approvals(as_json: bool) -> int:
    """Every question that is open."""
    found = with_app(open_questions)
    show({"approvals": found}, as_json, lambda: _for_people(found))
    return 0


async def open_questions(app: App) -> list[dict[str, Any]]:
    """What waits for a person, over all runs of this home; one entry a name and run."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in await app.runs(status="waiting", limit=1000):
        history = await app.history(row.id)
        for one in waiting_for(history.run.waiting()):
            if form_kind(one):
                found.setdefault((row.id, one["signal"]), {"run_id": row.id, "workflow": row.workflow, **one})
    return list(found.values())


@approvals.command()
@click.argument("run")
@click.argument("name", required=False)
@click.option("--comment", default="", help="Kept with the answer.")
@json_option
def approve(run: str, name: str | None, comment: str, as_json: bool) -> int:
    """Say yes, and go on with the run."""
    return _answer(run, name, "approval", {"decision": "approved", "comment": comment}, as_json)


@approvals.command()
@click.argument("run")
@click.argument("name", required=False)
@click.option("--comment", default="", help="Kept with the answer.")
@json_option
def reject(run: str, name: str | None, comment: str, as_json: bool) -> int:
    """Say no, and go on with the run."""
    return _answer(run, name, "approval", {"decision": "rejected", "comment": comment}, as_json)


@approvals.command()
@click.argument("run")
@click.argument("name", required=False)
@click.option("--decision", type=click.Choice(["happened", "again", "fail"]), required=True)
@json_option
def interrupted(run: str, name: str | None, decision: str, as_json: bool) -> int:
    """Say what became of a step that was cut off: it happened, do it again, or it failed."""
    return _answer(run, name, "interrupted", {"decision": decision}, as_json)


def _answer(run: str, name: str | None, kind: str, payload: dict[str, Any], as_json: bool) -> int:
    async def work(app: App) -> dict[str, Any]:
        open_now = waiting_for((await app.history(run)).run.waiting())
        waiting = sorted({one["signal"] for one in open_now if form_kind(one) == kind})
        if name is None and len(waiting) > 1:
            raise SeveralWait(run=run, names=", ".join(waiting))
        signal = name or (waiting[0] if waiting else "")
        if signal not in waiting:
            raise NothingWaits(run=run, named=f" under the name '{name}'" if name else "")
        await app.signal(run, signal, payload)
        return await described(app, await app.go_on(run), "")

    shown = with_app(work)
    show(shown, as_json, lambda: for_people(shown))
    return 1 if shown["status"] in ("failed", "cancelled") else 0


def _for_people(found: list[dict[str, Any]]) -> str:
    if not found:
        return "Nothing waits for a person."
    rows = [[one["run_id"], one["signal"], short(one["form"], 60), one["workflow"]] for one in found]
    return table(rows, ["run", "name", "question", "workflow"])
