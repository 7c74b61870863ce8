"""What the writer of a Postgres journal is given to write, each for one run. Knows no SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from mulle.engine.codec import text_of
from mulle.engine.journal import Batch, InboxSignal, NewRun

ROW_SIZE = 500
"""Bytes that a write without facts counts for."""


@dataclass(frozen=True, slots=True)
class Creation:
    """A run to be created."""

    new: NewRun
    head: int
    facts: list[tuple[int, str]]
    """Its first facts: positions and JSON arrays."""
    document: bytes | None
    """Its graph, if it is at hand."""
    blobs: Mapping[str, Sequence[bytes]]
    """Big values that its first facts refer to."""

    @property
    def run(self) -> str:
        return self.new.id


@dataclass(frozen=True, slots=True)
class Sending:
    """A signal to be put into an inbox."""

    run: str
    signal: InboxSignal
    payload: str


@dataclass(frozen=True, slots=True)
class Release:
    """A run to be let go of."""

    run: str
    epoch: int
    wake_at: float | None


@dataclass(frozen=True, slots=True)
class InQueues:
    """What changes queues as well: a run that waits its turn, or one that gives its places to whoever is next."""

    item: Creation | Batch | Release

    @property
    def run(self) -> str:
        return self.item.run


def payload_text(signal: InboxSignal) -> str:
    """A signal's payload as JSON. Raises TypeError or ValueError for what is no data."""
    return msgspec.json.encode(signal.payload).decode()


FACTS_IN_A_ROW = 2000
"""A fork may begin with very many facts; whoever reads them reads a row at a time."""


def creation(
    run: NewRun, facts: Sequence[bytes], document: bytes | None, blobs: Mapping[str, Sequence[bytes]] | None
) -> Creation:
    """A run with its first facts, ready to be written."""
    starts = range(0, len(facts), FACTS_IN_A_ROW)
    rows = [(start, text_of(facts[start : start + FACTS_IN_A_ROW])) for start in starts]
    return Creation(run, len(facts), rows, document, blobs or {})


def size_of(item: object) -> int:
    """About how many bytes it is to send."""
    match item:
        case Creation():
            facts = sum(len(data) for _, data in item.facts)
            return ROW_SIZE + facts + len(item.document or b"") + _size_of_blobs(item.blobs)
        case Batch():
            return ROW_SIZE + sum(map(len, item.facts)) + (_size_of_blobs(item.blobs) if item.blobs else 0)
        case Sending():
            return ROW_SIZE + len(item.payload)
        case InQueues():
            return size_of(item.item)
        case _:
            return ROW_SIZE


def _size_of_blobs(blobs: Mapping[str, Sequence[bytes]]) -> int:
    return sum(len(part) for parts in blobs.values() for part in parts)
