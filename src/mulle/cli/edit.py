"""`mulle edit`: change a workflow by a sentence, and see the difference."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from mulle.app import App
from mulle.app.opening import secret_store, settings
from mulle.app.schedules import keep
from mulle.author.edit import Edited
from mulle.author.edit import edit as changed
from mulle.cli.author import for_people, parsed_answers, tools_of
from mulle.cli.documents import write_file
from mulle.cli.home import document, with_app
from mulle.cli.printing import json_option, show
from mulle.document.reading import parse_workflow, write_json, write_yaml


@click.command()
@click.argument("workflow", metavar="FILE|ID")
@click.argument("sentence")
@click.option("--answer", "given", metavar="KEY=VALUE", multiple=True, help="An answer to a question.")
@click.option("--timezone", help="Whose clock the sentence means; by default MULLE_TIMEZONE.")
@click.option("--out", metavar="FILE", help="Write the changed workflow to a file.")
@click.option("--save", is_flag=True, help="Change the file, or keep a new version of the stored workflow.")
@json_option
def edit(
    *,
    workflow: str,
    sentence: str,
    given: Sequence[str],
    timezone: str | None,
    out: str | None,
    save: bool,
    as_json: bool,
) -> int:
    """Change a workflow by a sentence such as "메일 말고 슬랙으로" or "make it 5 articles"; shows the difference."""
    answers = parsed_answers(given)

    async def work(app: App) -> Edited:
        zone = timezone or settings().timezone
        now = datetime.fromtimestamp(app.now(), ZoneInfo(zone))
        old = document(app, workflow)
        edited = await changed(old, sentence, answers=answers, now=now, timezone=zone, tools=tools_of(app, settings()))
        for name, value in edited.secrets.items():
            secret_store(settings()).set(name, value)
        if edited.status == "ready":
            _write(app, edited, workflow, out, save=save)
        return edited

    edited = with_app(work)
    show(edited.to_dict(), as_json, lambda: "\n".join([*_diff(edited), for_people(edited.result)]))
    return 1 if edited.status == "not_understood" else 0


def _write(app: App, edited: Edited, workflow: str, out: str | None, *, save: bool) -> None:
    """Put the changed document where it was asked for: a file, the file it came from, or the home."""
    assert edited.workflow is not None
    new = parse_workflow(edited.workflow)
    in_place = save and Path(workflow).is_file()
    for target in [name for name in (out, workflow if in_place else None) if name]:
        text = write_json(new) if target.endswith(".json") else write_yaml(new)
        write_file(target, text)
    if save and not in_place:
        keep(app, new, app.workflows.get(workflow).id)


def _diff(edited: Edited) -> list[str]:
    return [click.style(change.text, fg="cyan") for change in edited.diff]
