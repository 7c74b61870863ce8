"""What the runs of the last hours come to: a window that begins at any instant, over runs one by one. No store."""

from collections.abc import Iterable
from typing import Any

from mulle.monitor.reading import Ended
from mulle.monitor.tally import MICRO, Tally


def window(ended: Iterable[Ended]) -> dict[str, Any]:
    """The figures of `tally` of some runs, with their `tokens` and `cost_usd`."""
    tally = Tally()
    tokens = cost = 0
    for one in ended:
        tally.count(one.status, one.ended - one.created)
        tokens += one.tokens
        cost += one.cost
    return tally.told() | {"tokens": tokens, "cost_usd": round(cost / MICRO, 6)}


def by_workflow(ended: Iterable[Ended]) -> dict[str, list[Ended]]:
    """Runs by workflow, the busiest first."""
    groups: dict[str, list[Ended]] = {}
    for one in ended:
        groups.setdefault(one.workflow, []).append(one)
    return dict(sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])))
