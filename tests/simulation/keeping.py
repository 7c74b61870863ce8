"""Looks at what a simulated store keeps after each change: snapshots, old runs, big values; says what must not be.

What a snapshot must be, which runs may go and which values are wanted is decided here anew, from the facts on disk.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.engine.play import picture
from tests.simulation.workload import TYPES

from mulle.engine.journal import Keep
from mulle.engine.run import Run

if TYPE_CHECKING:
    from tests.simulation.history import RunHistory

OTHERWISE = "A snapshot is what the facts on disk come to, and nothing else."
TOO_EARLY = "A run goes when it is older than it is kept and neither a person nor a run needs it, and not before."
STAYS = "Of runs that are all old nothing stays but what a person wants kept, with its children."
LOST = "A big value is there for as long as a run refers to it."
LEFT = "A big value goes with the last run that refers to it."


class KeepWatch:
    """What one world has kept so far."""

    def __init__(self, runs: "dict[str, RunHistory]", broken: Callable[[str], None]) -> None:
        self._runs = runs
        self._broken = broken
        self.snapshots = 0
        """How many were kept."""

    def remembered(self, run: str, snapshot: bytes) -> None:
        """A snapshot is kept from now on."""
        self.snapshots += 1
        kept = self._runs[run]
        restored = Run.restored(snapshot, kept.work.plan, TYPES.describe)
        if restored.head > len(kept.facts):
            self._broken(f"{OTHERWISE} {run} has {len(kept.facts)} facts, and its snapshot knows {restored.head}")
            return
        for written in kept.facts[restored.head :]:
            restored.apply(written.fact)
        if picture(restored) != picture(kept.run):
            self._broken(f"{OTHERWISE} {run} comes to {picture(restored)}, not to {picture(kept.run)}")

    def swept(self, left: set[str], keep: Keep, now: float) -> None:
        """These are the runs that a slice of a sweep has left."""
        gone = [kept for run, kept in self._runs.items() if not (kept.gone or run in left)]
        for kept in gone:
            if not self._may_go(kept, keep, now) or any(not child.ended for child in self._children(kept)):
                self._broken(f"{TOO_EARLY} {kept.id} went at {now:.4f}: {kept.ended}, pinned: {kept.pinned}")
            parent = self._runs.get(kept.new.parent or "") if kept.new.is_child else None
            if parent and not (parent.gone or self._may_go(parent, keep, now)):
                self._broken(f"{TOO_EARLY} {kept.id} went before its parent {parent.id} may go")
        for kept in gone:
            kept.gone = True

    def _may_go(self, kept: "RunHistory", keep: Keep, now: float) -> bool:
        if kept.ended is None or kept.pinned:
            return False
        return kept.ended.at < now - (keep.failed if kept.ended.status == "failed" else keep.succeeded)

    def _children(self, kept: "RunHistory") -> "list[RunHistory]":
        return [child for child in self._runs.values() if child.new.is_child and child.new.parent == kept.id]

    def all_old(self, left: set[str]) -> None:
        """These are the runs that a sweep of nothing but old ones has left."""
        wanted = {run for run, kept in self._runs.items() if kept.pinned and not kept.gone}
        more = wanted
        while more:
            more = {child.id for run in more for child in self._children(self._runs[run]) if not child.gone} - wanted
            wanted |= more
        if left != wanted:
            self._broken(f"{STAYS} There are {sorted(left)}, not {sorted(wanted)}")

    def kept(self, blobs: set[str]) -> None:
        """These are the big values that the store has now."""
        wanted = {name for kept in self._runs.values() if not kept.gone for name in kept.blobs}
        if wanted - blobs:
            self._broken(f"{LOST} {sorted(wanted - blobs)} are gone")
        if blobs - wanted:
            self._broken(f"{LEFT} {sorted(blobs - wanted)} are left")
