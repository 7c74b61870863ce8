"""The queues of runs in memory: who is at work, who waits for a place, who is next. No clock, no journal."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from mulle.engine.journal import Queue


class Place(Enum):
    """Where a run stands in its queues."""

    AWAY = 0
    """It waits for a time or a signal, and keeps nobody from working."""
    AT_WORK = 1
    QUEUED = 2


@dataclass(slots=True)
class _Member:
    queues: Sequence[Queue]
    order: tuple[int, int]
    """The smallest goes first."""
    place: Place = Place.AWAY


class MemoryQueues:
    """Every unfinished run that stands in queues."""

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}
        self._number = 0

    def enter(self, run: str, queues: Sequence[Queue], priority: int) -> None:
        """Let a run belong to queues; it has no place yet."""
        self._number += 1
        self._members[run] = _Member(queues, (-priority, self._number))

    def take(self, run: str) -> bool:
        """A place in every queue of a run, if there is one in all of them; else it is queued. True without queues."""
        member = self._members.get(run)
        if member is None or member.place is Place.AT_WORK:
            return True
        member.place = Place.AT_WORK if self._has_room(member) else Place.QUEUED
        return member.place is Place.AT_WORK

    def leave(self, run: str) -> list[str]:
        """Give a run's places to whoever is next; gives those runs."""
        member = self._members.get(run)
        if member is None:
            return []
        had, member.place = member.place, Place.AWAY
        freed = {queue.name for queue in member.queues} if had is Place.AT_WORK else set[str]()
        following: list[str] = []
        while (first := self._next(freed)) is not None:
            following.append(first)
        return following

    def forget(self, run: str) -> None:
        self._members.pop(run, None)

    def _next(self, freed: Collection[str]) -> str | None:
        """The first of all that stand in one of these queues and have room in all of theirs."""
        queued = [
            (member.order, run)
            for run, member in self._members.items()
            if member.place is Place.QUEUED
            and any(one.name in freed for one in member.queues)
            and self._has_room(member)
        ]
        if not queued:
            return None
        run = min(queued)[1]
        self._members[run].place = Place.AT_WORK
        return run

    def _has_room(self, member: _Member) -> bool:
        return all(self._working(queue.name) < queue.most for queue in member.queues)

    def _working(self, queue: str) -> int:
        return sum(
            member.place is Place.AT_WORK and any(one.name == queue for one in member.queues)
            for member in self._members.values()
        )


class Allowances:
    """Who may use a shared allowance when."""

    def __init__(self) -> None:
        self._uses: dict[str, dict[str, float]] = {}
        """By name: holders with their times, in the order of asking."""

    def reserve(self, name: str, holder: str, most: int, per: float, now: float) -> float:
        """Not before `per` seconds after the use that came `most` uses earlier."""
        uses = self._uses.setdefault(name, {})
        if holder in uses:
            return uses[holder]
        times = list(uses.values())
        begins = max(now, times[-most] + per) if len(times) >= most else now
        for one, at in list(uses.items())[: len(uses) + 1 - most]:
            if at < now - per:
                del uses[one]
        uses[holder] = begins
        return begins


class AtWork:
    """Steps of a kind of which only so many may be at work, in the order of asking."""

    def __init__(self) -> None:
        self._lines: dict[str, list[tuple[str, str]]] = {}
        """By kind: owners with their steps."""

    def enter(self, kind: str, me: str, holder: str, most: int, living: Collection[str]) -> bool:
        """Whether fewer than `most` of the living asked before."""
        line = [one for one in self._lines.get(kind, []) if one[0] in living]
        if (me, holder) not in line:
            line.append((me, holder))
        self._lines[kind] = line
        return line.index((me, holder)) < most

    def leave(self, kind: str, me: str, holder: str) -> None:
        """Give a place back."""
        line = self._lines.get(kind, [])
        if (me, holder) in line:
            line.remove((me, holder))
