"""What a home allows its steps: how often they begin, over all runs, and how many are at work in this process.

Counts and hands places on; knows no run, no clock and no journal.
"""

from collections import deque
from collections.abc import Mapping
from typing import Protocol

from mulle.document.policies import Rate
from mulle.document.workflow import NodeSpec
from mulle.engine.facts import Path
from mulle.engine.plan import PlanNode


class Waiter(Protocol):
    """Somebody who wants a place at a gate."""

    def granted(self, path: Path, kind: str) -> None:
        """The place is yours; give it back if you do not want it any more."""
        ...


class Gates:
    """How many steps of a type are at work in this process, and who wants to be next."""

    def __init__(self, at_once: Mapping[str, int]) -> None:
        self._at_once = at_once
        self._inside: dict[str, int] = {}
        self._waiting: dict[str, deque[tuple[Waiter, Path]]] = {}

    def enter(self, kind: str, waiter: Waiter, path: Path) -> bool:
        """Take a place; if there is none, `waiter` is granted one later, in the order of asking."""
        inside = self._inside.get(kind, 0)
        if inside >= self._at_once[kind]:
            self._waiting.setdefault(kind, deque()).append((waiter, path))
            return False
        self._inside[kind] = inside + 1
        return True

    def leave(self, kind: str) -> None:
        """Give a place to whoever is next."""
        if waiting := self._waiting.get(kind):
            waiter, path = waiting.popleft()
            waiter.granted(path, kind)
        else:
            self._inside[kind] -= 1

    def forget(self, kind: str, waiter: Waiter, path: Path) -> None:
        """Grant somebody nothing any more."""
        waiting = self._waiting[kind]
        if (waiter, path) in waiting:
            waiting.remove((waiter, path))

    def most(self, kind: str) -> int:
        """How many steps of a type may be at work."""
        return self._at_once[kind]

    def has(self, kind: str) -> bool:
        """Whether steps of a type are counted at all."""
        return kind in self._at_once


class Limits:
    """What the owner of a home allows its steps, by node type."""

    def __init__(self, rates: Mapping[str, Rate] | None = None, at_once: Mapping[str, int] | None = None) -> None:
        self.rates = dict(rates or {})
        self.gates = Gates(at_once or {})
        self._limited = {*self.rates, *(at_once or {})}

    def concern(self, plan: PlanNode) -> bool:
        """Whether a step may have to be held back at all."""
        return plan.rate is not None or plan.type in self._limited

    def rate_of(self, spec: NodeSpec) -> tuple[str, Rate] | None:
        """The allowance that a step needs, with the name under which it is shared; None: none."""
        rate = spec.rate or self.rates.get(spec.type)
        return None if rate is None else (f"name/{rate.name}" if rate.name else f"type/{spec.type}", rate)
