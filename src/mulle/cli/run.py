"""`mulle run`: run a workflow until it ends, or until only a signal can move it."""

import contextlib
import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mulle.app import App, RunResult
from mulle.app.opening import settings
from mulle.app.retention import clean_a_little, keep
from mulle.cli.home import document, with_app
from mulle.cli.printing import OutputLost, json_option, short, show, width, write
from mulle.cli.waiting import told, waiting_for
from mulle.document.plain_data import WHOLE_NUMBERS
from mulle.document.ports import Port, PortType, is_object
from mulle.document.reading import UnreadableDocument, read_data
from mulle.document.workflow import Workflow
from mulle.engine.facts import RunStarted
from mulle.errors import InputError
from mulle.runtime.history import NodeRecord
from mulle.runtime.ledger import Published

MOST_NODES = 1000
"""How many nodes a result lists at most."""

MOST_DIGITS = 20
"""Of a whole number of 64 bits, its sign included."""

MARKS = {"succeeded": "✓", "failed": "✗", "skipped": "·", "stopped": "■", "waiting": "…", "asking": "?"}


class UnreadableInput(InputError):
    """A file or a value given on the command line cannot be used."""

    code = "input.unreadable"
    hint = "Write -i NAME=VALUE, or name a file that holds one JSON object."


class NumberTooLarge(UnreadableInput):
    """A number on the command line is beyond what a run can keep."""

    code = "input.number_too_large"
    message = "The number {number} is too large: whole numbers have 64 bits, others go to about 1.8e308."
    hint = "Give it in quotes, as text, if nobody computes with it."


@click.command()
@click.argument("workflow", metavar="FILE|ID[@VERSION]")
@click.option("-i", "values", metavar="NAME=VALUE", multiple=True, help="An input, read by its port's type.")
@click.option("--inputs", "inputs_file", metavar="FILE", help="A JSON file with all inputs.")
@click.option("--pins", "pins_file", metavar="FILE", help="A JSON file with answers given beforehand, by node.")
@click.option("--conversation", "conversation_file", metavar="FILE", help="A JSON file with conversation variables.")
@click.option(
    "--dedup", metavar="KEY", help="A second run of it with this key is not started: the first one's result is given."
)
@click.option(
    "--priority", type=click.IntRange(-1000, 1000), help="Of queued runs the one with the highest goes first."
)
@click.option("--record", metavar="FILE", help="Write down all that the outside answers.")
@click.option("--replay", metavar="FILE", help="Answer out of such a file: the recorded run once more, offline.")
@json_option
def run(
    *,
    workflow: str,
    values: Sequence[str],
    inputs_file: str | None,
    pins_file: str | None,
    conversation_file: str | None,
    dedup: str | None,
    priority: int | None,
    record: str | None,
    replay: str | None,
    as_json: bool,
) -> int:
    """Run a workflow until it ends, or until only a signal can move it."""
    if record and replay:
        raise click.UsageError("A run is either recorded or repeated: --record or --replay.")
    streamed: list[str] = []

    async def work(app: App) -> dict[str, Any]:
        found = document(app, workflow)
        app.listen(lambda published: _watch(published, streamed, as_json=as_json))
        inputs = (read_json(inputs_file) if inputs_file else {}) | parsed_inputs(found, values)
        acting = taped(app, record, replay)
        pins = read_json(pins_file) if pins_file else None
        for name in strangers(found, pins or {}) if not as_json else ():
            click.echo(f"! There is no node '{name}': its pin stands for nothing.", err=True)
        result = await acting.run(
            found,
            inputs or None,
            pins=pins,
            conversation=read_json(conversation_file) if conversation_file else None,
            dedup=dedup,
            priority=priority,
        )
        shown = await described(acting, result, "".join(streamed))
        await acting.rest()
        await clean_a_little(app, keep(settings()), random.random())  # noqa: S311 - nothing hangs on who cleans up.
        return shown

    shown = with_app(work)
    if streamed and not as_json:
        write("\n")
    show(shown, as_json, lambda: for_people(shown))
    return 0 if shown["status"] in ("succeeded", "waiting") else 1


def strangers(workflow: Workflow, pins: Mapping[str, Any]) -> list[str]:
    """The pins that are for no node of a workflow, as far as it says which there are: a subflow's may be elsewhere."""
    nodes, known = [(node.id, node) for node in workflow.nodes], set[str]()
    while nodes:
        place, node = nodes.pop()
        if node.type == "subflow" and node.body is None:
            return []
        known |= {place, node.id}
        nodes += [(f"{place}/{inner.id}", inner) for inner in node.body.nodes] if node.body else []
    return [name for name in pins if name not in known]


def taped(app: App, record: str | None, replay: str | None) -> App:
    """The app that records or repeats, if one of them is asked for; raises UnreadableInput, BadRecording."""
    if not record and not replay:
        return app
    try:
        return app.taped(record=record, replay=replay)
    except OSError as error:
        hint = "Name a file in a folder that is there and that you may write."
        raise UnreadableInput(
            f"The recording cannot be written: {error.strerror}.", at=record or "", hint=hint
        ) from error


def read_json(name: str) -> dict[str, Any]:
    """A JSON or YAML file that holds one object; raises UnreadableInput."""
    try:
        data = read_data(Path(name).read_bytes())
    except OSError as error:
        raise UnreadableInput(f"The file cannot be read: {error.strerror}.", at=name) from error
    except UnreadableDocument as error:
        raise UnreadableInput(error.text, at=f"{name}, {error.at}" if error.at else name) from error
    if not is_object(data):
        raise UnreadableInput("The file must hold one JSON object.", at=name)
    return data


def parsed_inputs(workflow: Workflow, values: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE` pairs, each read by the type of its port on the start node; raises UnreadableInput."""
    ports = {port.name: port for node in workflow.nodes if node.type == "start" for port in node.ports.outputs}
    inputs: dict[str, Any] = {}
    for pair in values:
        name, sign, text = pair.partition("=")
        if not sign:
            raise UnreadableInput(f"'{pair}' is not of the form NAME=VALUE.", at="-i")
        inputs[name] = parsed_value(text, ports.get(name) or Port(name=name or "?"))
    return inputs


def parsed_value(text: str, port: Port) -> Any:
    """A text as its port's type: JSON where the type is not text; for `any` JSON if it parses, else the text."""
    if port.type is PortType.STRING or (port.json_schema or {}).get("type") == "string":
        return text
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_whole)
    except NumberTooLarge as error:
        if port.type is PortType.ANY and text[0] not in "[{":
            return text
        error.at = port.name
        raise
    except (ValueError, RecursionError) as error:
        if port.type is PortType.ANY:
            return text
        shown, hint = short(text, 60), "Write it as JSON."
        raise UnreadableInput(f"'{shown}' is no {port.type}.", at=port.name, hint=hint) from error


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NumberTooLarge(number=short(text, 60))
    return number


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS or int(text) not in WHOLE_NUMBERS:
        raise NumberTooLarge(number=short(text, 60))
    return int(text)


async def described(app: App, result: RunResult, streamed: str, *, full: bool = False) -> dict[str, Any]:
    """A run as `mulle run --json` prints it; its nodes' big values shortened, unless it is to be `full`."""
    history = await app.history(result.id, previews=not full)
    records = list(history.records.values())
    began = history.run.started.at if history.run.started else 0
    times = [time for record in records for time in (record.started, record.ended) if time and time >= began]
    shown: dict[str, Any] = {
        "run_id": result.id,
        "status": result.status,
        "detail": result.detail,
        "outputs": result.outputs,
        "error": result.error and result.error | {"hint": _hint(records, result)},
        "steps": history.executions,
        "elapsed_ms": round((max(times) - min(times)) * 1000, 3) if times else 0,
        "nodes": [record.to_dict() for record in records[:MOST_NODES]],
        "streamed_text": streamed,
        "conversation": history.run.conversation,
    }
    if history.run.cancelled and history.run.cancelled.reason and not result.error:
        shown["reason"] = history.run.cancelled.reason
    if origin := origin_of(history.run.started):
        shown["origin"] = origin
    if len(records) > MOST_NODES:
        shown["nodes_truncated"] = len(records)
    if result.status == "waiting":
        shown["waiting_for"] = waiting_for(history.run.waiting())
    return shown


def origin_of(started: RunStarted | None) -> dict[str, Any]:
    """Where a forked run comes from; nothing for any other."""
    if started is None or started.origin is None:
        return {}
    origin = started.origin
    kept = {"run_id": started.parent, "how": origin.how, "at": origin.at, "set": list(origin.given)}
    return {name: value for name, value in kept.items() if value}


CUT_OFF = {
    "run.timed_out": "Give it a longer `timeout` or budget of `seconds`. `mulle runs retry {run}` goes on from here.",
    "run.over_budget": "`mulle runs retry {run}` goes on from here, with its budget anew.",
}
"""What to do about a run that was cut off, by its error."""


def _hint(records: Sequence[NodeRecord], result: RunResult) -> str:
    """What to do about a failed run: the advice of the last failure that has any."""
    if result.error and result.error["type"] in CUT_OFF:
        return CUT_OFF[result.error["type"]].format(run=result.id)
    hints = (record.error.hint for record in reversed(records) if record.status == "failed" and record.error)
    return next(filter(None, hints), "")


def _watch(published: Published, streamed: list[str], *, as_json: bool) -> None:
    if published.text:
        streamed.append(published.text)
        if not as_json:
            with contextlib.suppress(
                OutputLost
            ):  # The run goes on; that its result cannot be shown is said at its end.
                write(published.text)


def for_people(shown: Mapping[str, Any]) -> str:
    """A run in a few lines: each node, then what came out."""
    paths = max((width(node["path"]) for node in shown["nodes"]), default=0)
    lines = [_node_line(node, min(max(paths, 24), 48)) for node in shown["nodes"]]
    lines += [f"  ⑂ {_came_from(shown['origin'])}"] if "origin" in shown else []
    color = "green" if shown["status"] == "succeeded" else "yellow" if shown["status"] == "waiting" else "red"
    detail = f" ({shown['detail']})" if shown["detail"] not in ("", shown["status"]) else ""
    status = click.style(shown["status"] + detail, fg=color, bold=True)
    steps = f"{shown['steps']} step{'' if shown['steps'] == 1 else 's'}"
    lines.append(f"{status}  run {shown['run_id']}  {steps} in {shown['elapsed_ms']:.0f} ms")
    lines += [f"  because: {short(shown['reason'], 300)}"] if "reason" in shown else []
    lines += [f"  {name}: {short(value, 300)}" for name, value in shown["outputs"].items()]
    if shown["error"]:
        lines.append(f"  {shown['error']['type']}: {short(shown['error']['message'], 500)}")
        lines += [f"  → {shown['error']['hint']}"] if shown["error"]["hint"] else []
    lines += [f"  {line}" for line in told(shown["run_id"], shown.get("waiting_for", []))]
    return "\n".join(lines)


def _came_from(origin: Mapping[str, Any]) -> str:
    how = {"retry": "a retry of", "fork": "a fork of"}[origin["how"]]
    at = f" at {origin['at']}" if "at" in origin else ""
    given = f" with another {', '.join(origin['set'])}" if "set" in origin else ""
    return f"{how} run {origin['run_id']}{at}{given}"


def _node_line(node: Mapping[str, Any], column: int) -> str:
    mark = MARKS.get(node["status"], "▸")
    failure = short(node["error"]["message"], 200) if node["error"] else ""
    about: str = node.get("reason") or failure or short(node["outputs"] or {}, 90)
    path = node["path"] + " " * (column - width(node["path"]))
    took = "kept" if node.get("kept") else f"{node['elapsed_ms']:.1f} ms"
    return f"  {mark} {path} {node['type']:<13} {took:>11}  {about}"
