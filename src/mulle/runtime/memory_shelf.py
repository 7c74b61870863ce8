"""What the journal in memory holds: runs with all that belongs to them, and what they share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mulle.engine.journal import CANCEL, Keep, RunRow
from mulle.runtime.memory_blobs import MemoryBlobs
from mulle.runtime.memory_queues import Allowances, AtWork, MemoryQueues


@dataclass(slots=True)
class Kept:
    """One run: its row, its facts as they were written, and all signals ever sent to it."""

    row: RunRow
    number: int
    """The order of creation."""
    facts: list[bytes] = field(default_factory=list[bytes])
    inbox: dict[str, tuple[str, bytes] | None] = field(default_factory=dict[str, tuple[str, bytes] | None])
    """Name and payload by id, in the order of arrival; None once a fact has taken it in."""

    snapshot: bytes | None = None
    ending: int | None = None
    """The how manyth run it was to end."""

    @property
    def woken(self) -> bool:
        return self.row.ended is None and any(self.inbox.values())

    @property
    def is_to_be_cancelled(self) -> bool:
        return any(signal is not None and signal[0] == CANCEL for signal in self.inbox.values())

    @property
    def hears(self) -> bool:
        """A signal moves it now: what is queued hears others when it has its place, but can be cancelled at once."""
        return self.woken and (self.row.status != "queued" or self.is_to_be_cancelled)

    def change(self, **values: Any) -> RunRow:
        self.row = msgspec.structs.replace(self.row, **values)
        return self.row


@dataclass(slots=True)
class Shelf:
    """What all owners share."""

    runs: dict[str, Kept] = field(default_factory=dict[str, Kept])
    graphs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    dedup: dict[str, str] = field(default_factory=dict[str, str])
    """The run by its key."""
    living: set[str] = field(default_factory=set[str])
    listeners: list[tuple[str, Callable[[str | None], None]]] = field(
        default_factory=list[tuple[str, Callable[[str | None], None]]]
    )
    created: int = 0
    queues: MemoryQueues = field(default_factory=MemoryQueues)
    allowances: Allowances = field(default_factory=Allowances)
    at_work: AtWork = field(default_factory=AtWork)
    debounced: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])
    """By run that waits for a quiet moment: its key, and when the first call of its series came."""
    ended: int = 0
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)

    def old(self, keep: Keep, now: float) -> set[str]:
        """Runs that are older than they are kept and that no other run still needs."""
        rows = {kept.row.id: kept.row for kept in self.runs.values()}
        old = {run for run, row in rows.items() if _is_old(row, keep, now)}
        waiting = {row.parent for row in rows.values() if row.ended is None and not row.forked}
        kept = rows.keys() - old
        return {run for run in old - waiting if rows[run].forked or rows[run].parent not in kept}


def place(kept: Kept) -> tuple[float, int]:
    """Where a run stands in the list of all."""
    return kept.row.created, kept.number


def _is_old(row: RunRow, keep: Keep, now: float) -> bool:
    """Whether a run may go, as far as it alone is concerned."""
    kept = keep.failed if row.status == "failed" else keep.succeeded
    return row.ended is not None and not row.pinned and row.ended < now - kept
