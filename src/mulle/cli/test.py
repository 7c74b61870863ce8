"""`mulle test`: one node of a workflow alone, on stand-ins."""

from collections.abc import Sequence
from typing import Any

import click

from mulle.app import App
from mulle.app.alone import Seen, Tried, port_of, seen_in, spec_at, take, tried_alone
from mulle.app.forks import earlier
from mulle.cli.home import document, with_app
from mulle.cli.printing import json_option, show
from mulle.cli.run import UnreadableInput, for_people, parsed_value
from mulle.cli.waiting import waiting_for
from mulle.document.workflow import Workflow


@click.command("test")
@click.argument("workflow", metavar="FILE|ID[@VERSION]")
@click.argument("node", metavar="NODE")
@click.option("--from", "run", metavar="RUN", help="Let it see what it saw in this run.")
@click.option("-i", "values", metavar="NAME=VALUE", multiple=True, help="A port of the node, `other.port` or `item`.")
@click.option("--live", is_flag=True, help="Really do it, instead of asking stand-ins.")
@json_option
def test(*, workflow: str, node: str, run: str | None, values: Sequence[str], live: bool, as_json: bool) -> int:
    """Run one node alone; the outside is answered by stand-ins, and nothing is kept."""

    async def work(app: App) -> dict[str, Any]:
        found = document(app, workflow)
        spec_at(found, node)
        seen = seen_in(await earlier(app.journal, app.graphs, run), node) if run else Seen()
        for pair in values:
            _take(app, found, node, seen, pair)
        if live and _acts(app, found, node):
            click.secho(f"! '{node}' really acts on the world outside, and that is not undone.", err=True, fg="yellow")
        return _described(await tried_alone(app, found, node, seen, live=live))

    shown = with_app(work)
    show(shown, as_json, lambda: for_people(shown))
    return 0 if shown["status"] in ("succeeded", "waiting") else 1


def _take(app: App, document: Workflow, node: str, seen: Seen, pair: str) -> None:
    name, sign, text = pair.partition("=")
    if not sign:
        raise UnreadableInput(f"'{pair}' is not of the form NAME=VALUE.", at="-i")
    take(seen, name, parsed_value(text, port_of(app, document, node, name)), document)


def _acts(app: App, document: Workflow, node: str) -> bool:
    """Whether a node may do something that must not happen twice."""
    spec = spec_at(document, node)[1]
    effect = spec.effect or app.catalogue.node(spec).effect
    return effect == "once" or str(spec.data.get("method", "")).upper() in ("POST", "PATCH")


def _described(tried: Tried) -> dict[str, Any]:
    """As `mulle run --json`, with the node's outputs for the run's."""
    result, record = tried.result, tried.records[0] if tried.records else None
    failed = record.error if record and record.status == "failed" else None
    shown: dict[str, Any] = {
        "run_id": result.id,
        "status": result.status,
        "detail": "" if result.detail == "no_end_reached" else result.detail,
        "outputs": (record.outputs if record else None) or {},
        "error": failed.to_dict() | {"hint": failed.hint} if failed else result.error and result.error | {"hint": ""},
        "steps": sum(one.turns for one in tried.records),
        "elapsed_ms": record.elapsed_ms if record else 0,
        "nodes": [one.to_dict() for one in tried.records],
        "streamed_text": "",
        "conversation": tried.history.run.conversation,
    }
    if result.status == "waiting":
        shown["waiting_for"] = waiting_for(tried.history.run.waiting())
    return shown
