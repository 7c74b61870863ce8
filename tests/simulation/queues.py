"""Looks at the queues of a simulated store after each change, and says at once what must not be.

Who is at work and who waits is told by the store itself; whether that may be so is decided here anew, by counting.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from tests.simulation.rules import Standing

if TYPE_CHECKING:
    from tests.simulation.history import RunHistory

TOO_MANY = "Never more runs of a queue are at work than may be."
NO_PLACE = "Who works has a place in its queues, or is to be cancelled."
OUT_OF_TURN = "Of those queued the highest goes first, and of equal ones the oldest."
IDLE = "No place stays free while somebody waits who could take it."


class QueueWatch:
    """What the queues of one world were a moment ago."""

    def __init__(self, broken: Callable[[str], None]) -> None:
        self._broken = broken
        self._last: tuple[Sequence[Standing], list[str | None]] = ((), [])
        self._queued: set[str] = set()
        self.turns = 0
        """How many got a place for which they had waited."""

    def look(self, standings: Sequence[Standing], runs: "dict[str, RunHistory]") -> None:
        """See what became of everybody's place."""
        owners = [runs[one.run].owner for one in standings]
        if (standings, owners) == self._last:
            return
        self._last = (standings, owners)
        working = Counter(one.queue for one in standings if one.state == "at work")
        for one in standings:
            if working[one.queue] > one.most:
                self._broken(f"{TOO_MANY} {working[one.queue]} of {one.queue}")
        by_run = {run: list(places) for run, places in groupby(standings, lambda one: one.run)}
        for run, places in by_run.items():
            kept = runs[run]
            if kept.owner and places[0].state != "at work" and not kept.is_to_be_cancelled:
                self._broken(f"{NO_PLACE} {kept.owner} drives {run}, which is {places[0].state}")
        queued = {run for run, places in by_run.items() if places[0].state == "queued"}
        free = [run for run in queued if _has_room(by_run[run], working)]
        if free:
            self._broken(f"{IDLE} {free}")
        for run in self._queued - queued & by_run.keys():
            if by_run[run][0].state == "at work":
                self.turns += 1
                self._judge(by_run[run], [by_run[other] for other in queued & self._queued], working)
        self._queued = queued

    def _judge(self, chosen: list[Standing], others: list[list[Standing]], working: Counter[str]) -> None:
        """Whether somebody before it could have had the place that a run was given."""
        names = {one.queue for one in chosen}
        before = Counter({name: count - (name in names) for name, count in working.items()})
        for other in others:
            if names & {one.queue for one in other} and other[0].order < chosen[0].order and _has_room(other, before):
                self._broken(f"{OUT_OF_TURN} {chosen[0].run} went before {other[0].run}")


def _has_room(places: list[Standing], working: Counter[str]) -> bool:
    return all(working[one.queue] < one.most for one in places)
