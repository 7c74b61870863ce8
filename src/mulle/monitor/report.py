"""What statistics are told: whole days, in total and by workflow, version, node, type of node or day.

Plain data under the names that monitoring code knows (see `tally`); no clock, no terminal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from mulle.monitor.reading import RUN, Cause, Place, Price, Tokens
from mulle.monitor.statistics import Choice, Statistics
from mulle.monitor.tally import Tally

By = Literal["workflow", "version", "node", "type", "day"]
BY: tuple[By, ...] = get_args(By)

MOST = 10
"""Causes of failure and slow nodes that are told."""


@dataclass(frozen=True, slots=True)
class Names:
    """What ids and hashes are called."""

    workflow: Mapping[str, str]
    """Names of workflows by id."""
    version: Mapping[str, str]
    """Versions by the hash of their graph: `v3`."""

    def of_workflow(self, workflow: str) -> str:
        return self.workflow.get(workflow, workflow)

    def of_version(self, graph: str) -> str:
        return self.version.get(graph, graph[:8])


def report(statistics: Statistics, choice: Choice, by: By, names: Names, price: Price) -> dict[str, Any]:
    """Everything `mulle stats` shows of what has ended, as plain data."""
    counted = statistics.tallies(choice)
    groups = _added_up(counted, by, names)
    whole = Tally()
    for place, tally in counted:
        if place.node == RUN:
            whole.add(tally)
    spent: dict[Key, dict[str, Tokens]] = {}
    everything: dict[str, Tokens] = {}
    for place, model, tokens in statistics.tokens(choice):
        everything.setdefault(model, Tokens()).add(tokens)
        spent.setdefault(_key(by, place, names), {}).setdefault(model, Tokens()).add(tokens)
    return {
        "since": choice.since,
        "until": choice.until,
        "by": by,
        "total": whole.told() | told_tokens(everything, price),
        "groups": [
            dict(key) | groups[key].told() | told_tokens(spent.get(key, {}), price)
            for key in sorted(groups, key=lambda key: _order(by, key, groups[key]))
        ],
        "failures": _failures(statistics, choice, names),
        "slowest": _slowest(groups if by == "node" else _added_up(counted, "node", names)),
        "unpriced": sorted(model for model in everything if price(model, 0, 0) is None),
    }


def told_tokens(models: Mapping[str, Tokens], price: Price) -> dict[str, Any]:
    """Tokens and dollars; `cost_usd` is of the models whose prices are known, None when that is none of them."""
    prices = [price(model, one.input, one.output) for model, one in models.items()]
    known = [one for one in prices if one is not None]
    return {
        "input_tokens": sum(one.input for one in models.values()),
        "output_tokens": sum(one.output for one in models.values()),
        "cost_usd": round(sum(known), 6) if known or not models else None,
    }


Key = tuple[tuple[str, str], ...]
"""A group, as the names and values that tell it from others."""


def _added_up(counted: Sequence[tuple[Place, Tally]], by: By, names: Names) -> dict[Key, Tally]:
    """What was counted, group by group: of runs or, for nodes and their types, of nodes."""
    of_runs = by in ("workflow", "version", "day")
    groups: dict[Key, Tally] = {}
    for place, tally in counted:
        if (place.node == RUN) is of_runs:
            groups.setdefault(_key(by, place, names), Tally()).add(tally)
    return groups


def _key(by: By, place: Place, names: Names) -> Key:
    workflow = ("workflow", names.of_workflow(place.workflow))
    match by:
        case "workflow":
            return (workflow,)
        case "version":
            return (workflow, ("version", names.of_version(place.graph)))
        case "node":
            return (workflow, ("node", place.node), ("type", place.type))
        case "type":
            return (("type", place.type),)
        case "day":
            return (("day", place.day),)


def _order(by: By, key: Key, tally: Tally) -> Any:
    """Days in their order; everything else by how much of it there was."""
    return (0, key) if by == "day" else (-tally.executions, key)


def _failures(statistics: Statistics, choice: Choice, names: Names) -> list[dict[str, Any]]:
    """What went wrong most, each cause once."""
    causes: dict[tuple[str, str, str, str], Cause] = {}
    for (workflow, node, node_type, mark), cause in statistics.causes(choice).items():
        key = (names.of_workflow(workflow), node, node_type, mark)
        if key in causes:
            causes[key].add(cause)
        else:
            causes[key] = cause
    worst = sorted(causes.items(), key=lambda one: (-one[1].count, -one[1].retried, one[0]))[:MOST]
    return [
        {
            "fingerprint": mark,
            "workflow": workflow,
            "node": node,
            "type": node_type,
            "error": cause.error,
            "message": cause.message,
            "count": cause.count,
            "retried": cause.retried,
            "first": iso(cause.first),
            "last": iso(cause.last),
            "run": cause.run,
        }
        for (workflow, node, node_type, mark), cause in worst
    ]


def _slowest(nodes: Mapping[Key, Tally]) -> list[dict[str, Any]]:
    """The nodes of which the slowest twentieth takes longest."""
    timed = [(tally.quantiles(0.95)[0], key, tally) for key, tally in nodes.items() if tally.high is not None]
    return [dict(key) | tally.told() for _, key, tally in sorted(timed, key=lambda one: (-one[0], one[1]))[:MOST]]


def iso(seconds: float) -> str:
    """A time as ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
