"""What is different between two runs: what they were given and followed, what came out, how long it took."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mulle.app.running import App
from mulle.author.diff import Change, changes
from mulle.engine.journal import RunRow
from mulle.errors import InputError
from mulle.runtime.history import History, NodeRecord

SLOWER_BY = 2.0
"""So many times as long is worth a word."""
SLOWER_MS = 100.0
"""Milliseconds below which a difference is chance."""


class NoGoodRun(InputError):
    """There is no earlier run that succeeded to compare with."""

    code = "run.no_good_run"
    message = "No run of '{workflow}' succeeded before '{run}'."
    hint = "Name two runs: `mulle runs diff A B`; `mulle runs list` shows them."


async def last_good(app: App, run_id: str) -> str:
    """The id of the last run of the same workflow that succeeded before this one. Raises UnknownRun, NoGoodRun."""
    row = await app.journal.row(run_id)
    found = await app.journal.rows(status="succeeded", workflow=row.workflow, before=row.created, limit=1)
    if not found:
        raise NoGoodRun(workflow=row.workflow, run=run_id)
    return found[0].id


async def compared(app: App, first: str, second: str) -> dict[str, Any]:
    """The differences from one run to another, as data. Raises UnknownRun."""
    rows = await app.journal.row(first), await app.journal.row(second)
    old, new = await app.history(first), await app.history(second)
    return {
        "runs": [_about(row) for row in rows],
        "workflow": _told(await _graphs(app, *rows)),
        "inputs": _told(changes(_inputs(old), _inputs(new))),
        "outputs": _told(changes(_outputs(old), _outputs(new))),
        "nodes": list(_nodes(old, new)),
    }


def _about(row: RunRow) -> dict[str, Any]:
    return {"run_id": row.id, "workflow": row.workflow, "status": row.status, "detail": row.detail, "graph": row.graph}


async def _graphs(app: App, old: RunRow, new: RunRow) -> list[Change]:
    if old.graph == new.graph:
        return []
    return list(changes(*[json.loads(await app.journal.graph(row.graph)) for row in (old, new)]))


def _inputs(history: History) -> Any:
    started = history.run.started
    if started is None:
        return {}
    return started.inputs | {f"env.{name}": value for name, value in started.environment.items()}


def _outputs(history: History) -> Any:
    return history.run.ended.outputs if history.run.ended else {}


def _told(found: Iterable[Change]) -> list[dict[str, Any]]:
    return [change.to_dict() | {"text": change.text} for change in found]


def _nodes(old: History, new: History) -> Iterator[dict[str, Any]]:
    """Each node that did not do the same in both, in the order of the later run."""
    before = {_place(record): record for record in old.records.values()}
    after = {_place(record): record for record in new.records.values()}
    for place in {**after, **before}:
        different = _node(before.get(place), after.get(place))
        if different:
            yield {"path": place} | different


def _place(record: NodeRecord) -> str:
    return "/".join(map(str, record.path))


def _node(old: NodeRecord | None, new: NodeRecord | None) -> dict[str, Any]:
    shown = [record.to_dict() if record else {} for record in (old, new)]
    found: dict[str, Any] = {}
    if shown[0].get("status") != shown[1].get("status"):
        found["status"] = [one.get("status") for one in shown]
    outputs = _told(changes(shown[0].get("outputs") or {}, shown[1].get("outputs") or {}))
    if outputs:
        found["outputs"] = outputs
    errors = [_message(one) for one in shown]
    if errors[0] != errors[1]:
        found["error"] = errors
    times = [float(one.get("elapsed_ms") or 0) for one in shown]
    if min(times) > 0 and max(times) > SLOWER_BY * min(times) and max(times) - min(times) > SLOWER_MS:
        found["elapsed_ms"] = times
    return found


def _message(shown: Mapping[str, Any]) -> str | None:
    return shown["error"]["message"] if shown.get("error") else None


def pins_of(history: History) -> dict[str, Any]:
    """Answers of a run's finished nodes, as `--pins` takes them; several of one place in the order of their starts."""
    found: dict[str, list[dict[str, Any]]] = {}
    for record in history.records.values():
        if record.status == "succeeded" and record.outputs is not None and record.error is None:
            place = "/".join(step for step in record.path if isinstance(step, str))
            found.setdefault(place, []).append({"outputs": record.outputs})
    return {place: answers[0] if len(answers) == 1 else {"runs": answers} for place, answers in found.items()}
