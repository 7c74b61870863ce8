"""`mulle runs value`: one value of a run, whole, however big it is."""

import json
import re
from typing import Any

import click

from mulle.app import App
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, show
from mulle.document.links import dig
from mulle.errors import InputError
from mulle.runtime.history import History, NodeRecord


class UnknownNode(InputError):
    """The run has no such node."""

    code = "run.unknown_node"
    message = "Run '{run}' has nothing at '{path}'."
    hint = "`mulle runs show {run}` lists the paths of its nodes, such as: {known}."


@click.command()
@click.argument("run")
@click.argument("path", required=False)
@click.argument("field", default="outputs")
@json_option
def value(run: str, path: str | None, field: str, as_json: bool) -> int:
    """Print one value of a run, whole.

    PATH is a node as `mulle runs show` names it; without it, the run itself is meant. FIELD leads to the value:
    `text`, `pages[0].title`, `error.message`; without it, all outputs.
    """

    async def work(app: App) -> Any:
        if path is None:
            found = await app.standing(run)
            return _field({"outputs": found.outputs, "error": found.error}, field)
        return _field(_shown(_record(await app.history(run), run, path)), field)

    found = with_app(work)
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, indent=1)
    show({"run_id": run, "path": path, "field": field, "value": found}, as_json, lambda: text)
    return 0


def _record(history: History, run: str, path: str) -> NodeRecord:
    """The record of the node at a path as people write it; raises UnknownNode."""
    by_path = {"/".join(map(str, record.path)): record for record in history.records.values()}
    if path not in by_path:
        raise UnknownNode(run=run, path=path, known=", ".join(list(by_path)[:5]))
    return by_path[path]


def _shown(record: NodeRecord) -> dict[str, Any]:
    return {"outputs": record.outputs, "error": record.error and record.error.to_dict(), "usage": record.usage}


def _field(fields: dict[str, Any], named: str) -> Any:
    """What a field leads to: `outputs.text`, or `text` for short. Raises MissingReference."""
    steps = [int(number) if number else word for number, word in re.findall(r"\[(\d+)\]|([^.\[\]]+)", named)]
    if steps[:1] and steps[0] not in fields:
        return dig(fields["outputs"], steps, "outputs")
    return dig(fields, steps, "")
