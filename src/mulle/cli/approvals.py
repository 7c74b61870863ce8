"""`mulle approvals`: what waits for a person's word, and giving it."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from mulle.app import App
from mulle.app.forks import earlier
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, short, show, table
from mulle.cli.run import UnreadableInput, described, for_people, parsed_value
from mulle.cli.waiting import form_kind, items_of, question, together, waiting_for
from mulle.document.expressions import as_text
from mulle.document.ports import Port, PortType
from mulle.engine.run import Run
from mulle.engine.signals import QUESTION
from mulle.errors import InputError
from mulle.nodes.approval import FormField, wrong_value

LISTED = 20
"""Items of one question that are shown to people, each with a name of its own."""


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


class NotFilledIn(InputError):
    """The form beside a question is not filled in as it has to be."""

    code = "approval.not_filled_in"
    message = "{problem}"
    hint = "Fill it in with --set NAME=VALUE; the form has: {fields}."


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
    found: list[dict[str, Any]] = []
    for row in await app.runs(status="waiting", limit=1000):
        history = await app.history(row.id)
        for group in together(waiting_for(history.run.waiting())):
            if form_kind(group[0]):
                paths = [one["path"] for one in group]
                asked: dict[str, Any] = {"question": question(group).removesuffix(":"), "paths": paths}
                if len(group) > 1:
                    asked["items"] = items_of(group, _items(history.run))
                found.append({"run_id": row.id, "workflow": row.workflow, **group[0], **asked})
    return found


def _items(run: Run) -> dict[str, Any]:
    """What the innermost body around each waiting node has as its `item`, by path; not those without one."""
    found: dict[str, Any] = {}
    for path in run.waiting():
        values = run.at(path)[0].values
        if "item" in values:
            found["/".join(map(str, path))] = values["item"]
    return found


@approvals.command()
@click.argument("run")
@click.argument("name", required=False)
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="Fill in a field of the form.")
@click.option("--comment", default="", help="Kept with the answer.")
@click.option("--by", default="", help="Who answers.")
@json_option
def approve(*, run: str, name: str | None, given: Sequence[str], comment: str, by: str, as_json: bool) -> int:
    """Say yes, and go on with the run."""
    return _decide(run, name, {"decision": "approved", "comment": comment, "by": by}, given, as_json=as_json)


@approvals.command()
@click.argument("run")
@click.argument("name", required=False)
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="Fill in a field of the form.")
@click.option("--comment", default="", help="Kept with the answer.")
@click.option("--by", default="", help="Who answers.")
@json_option
def reject(*, run: str, name: str | None, given: Sequence[str], comment: str, by: str, as_json: bool) -> int:
    """Say no, and go on with the run."""
    return _decide(run, name, {"decision": "rejected", "comment": comment, "by": by}, given, as_json=as_json)


@approvals.command()
@click.argument("run")
@click.argument("name", required=False)
@click.option("--decision", type=click.Choice(["happened", "again", "fail"]), required=True)
@click.option(
    "--set", "given", metavar="PORT=VALUE", multiple=True, help="What the step gave, if it happened; else it is null."
)
@json_option
def interrupted(*, run: str, name: str | None, decision: str, given: Sequence[str], as_json: bool) -> int:
    """Say what became of a step that was cut off: it happened, do it again, or it failed.

    NAME is one of those in `mulle approvals list`: that of a question, for all items of a map, or that of one item.
    """
    if given and decision != "happened":
        raise click.UsageError("Only a step that happened gave something: --set goes with --decision happened.")

    async def work(app: App) -> dict[str, Any]:
        one = await _asked(app, run, name, "interrupted")
        before = await earlier(app.journal, app.graphs, run)
        outputs: dict[str, Any] = {}
        for port, text in map(_pair, given):
            outputs[port] = parsed_value(text, before.port(f"{one['path']}.{port}")[1])
        said = {"decision": decision} | ({"outputs": outputs} if outputs else {})
        await app.signal(run, name or one["signal"], said)
        return await described(app, await app.go_on(run), "")

    return _tell(with_app(work), as_json)


def _decide(run: str, name: str | None, said: dict[str, Any], given: Sequence[str], *, as_json: bool) -> int:
    async def work(app: App) -> dict[str, Any]:
        one = await _asked(app, run, name, "approval")
        fields = [FormField.model_validate(field) for field in one["form"].get("fields") or ()]
        values = dict(_filled(pair, fields) for pair in given)
        problem = wrong_value(fields, values)
        if problem and said["decision"] == "approved":
            raise NotFilledIn(at=one["path"], problem=problem, fields=_names(fields))
        await app.signal(run, one["signal"], said | {"values": values})
        return await described(app, await app.go_on(run), "")

    return _tell(with_app(work), as_json)


async def _asked(app: App, run: str, name: str | None, kind: str) -> Mapping[str, Any]:
    """The open question of a kind that is meant; raises NothingWaits, SeveralWait, UnknownRun."""
    groups = together(waiting_for((await app.history(run)).run.waiting()))
    groups = [group for group in groups if form_kind(group[0]) == kind]
    open_now = {group[0]["signal"]: group[0] for group in groups}
    if kind == "interrupted":
        alone = {f"{QUESTION}{one['path']}": one for group in groups for one in group}
        if name in alone:
            return alone[name]
    if name is None and len(open_now) > 1:
        raise SeveralWait(run=run, names=", ".join(sorted(open_now)))
    signal = name or next(iter(open_now), "")
    if signal not in open_now:
        raise NothingWaits(run=run, named=f" under the name '{name}'" if name else "")
    return open_now[signal]


def _filled(pair: str, fields: Sequence[FormField]) -> tuple[str, Any]:
    """A field of a form as it was filled in, read by its type; raises NotFilledIn, UnreadableInput."""
    name, text = _pair(pair)
    field = next((field for field in fields if field.name == name), None)
    if field is None:
        raise NotFilledIn(problem=f"The form has no field '{name}'.", fields=_names(fields))
    return name, parsed_value(text, Port(name=name, type=PortType(field.type)))


def _names(fields: Sequence[FormField]) -> str:
    return ", ".join(field.name for field in fields) or "nothing to fill in"


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise UnreadableInput(f"'{text}' is not of the form NAME=VALUE.", at="--set", hint="Write --set NAME=VALUE.")
    return name, value


def _tell(shown: dict[str, Any], as_json: bool) -> int:
    show(shown, as_json, lambda: for_people(shown))
    return 1 if shown["status"] in ("failed", "cancelled") else 0


def _for_people(found: list[dict[str, Any]]) -> str:
    if not found:
        return "Nothing waits for a person."
    rows: list[list[str]] = []
    for one in found:
        rows.append([one["run_id"], one["signal"], short(one["question"], 80), one["workflow"]])
        items = one.get("items") or ()
        rows += [["", item["signal"], f"  item {short(as_text(item['item']), 70)}", ""] for item in items[:LISTED]]
        if len(items) > LISTED:
            rows.append(["", "…", f"  and {len(items) - LISTED} more: --json lists them all", ""])
    return table(rows, ["run", "name", "question", "workflow"])
