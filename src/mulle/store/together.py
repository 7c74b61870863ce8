"""What gathers for one transaction, kind by kind: many runs that begin, go on or end, in a few statements for them all.

A run begins, goes on and ends in this order, and the kinds are written in it; whatever is of no such kind is written
alone, after all that came before it.
"""

import sqlite3
from collections.abc import Mapping, Sequence

import msgspec

from mulle.engine.codec import text_of
from mulle.engine.journal import Batch, NewRun
from mulle.store import journal_rows as sql
from mulle.store import queue_rows


class Creation(msgspec.Struct, frozen=True, eq=False):
    """A new run with its first facts."""

    run: NewRun
    facts: Sequence[bytes]
    blobs: Mapping[str, Sequence[bytes]]
    document: bytes | None
    """Its graph, to be stored if it is not."""


class StaleError(Exception):
    """Some batch of a group no longer fits its run."""


class Together:
    """Writes of one transaction that wait for others of their kind."""

    def __init__(self, db: sqlite3.Connection, owner: str) -> None:
        self._db = db
        self._owner = owner
        self._new: list[Creation] = []
        self._plain: list[Batch] = []
        self._ended: list[Batch] = []

    def takes(self, item: object) -> bool:
        """Keep a write for `write`; False: it is of no such kind."""
        if isinstance(item, Batch):
            if not item.facts or item.consumed or item.signals or item.blobs:
                return False
            if item.ended is not None:
                self._ended.append(item)
            elif item.status is None:
                self._plain.append(item)
            return item.ended is not None or item.status is None
        if isinstance(item, Creation) and _is_plain(item):
            self._new.append(item)
            return True
        return False

    def write(self) -> None:
        """Write what was kept. Raises StaleError or sqlite3.Error, saying not of which, if anything is wrong."""
        if self._new:
            self._create(self._new)
            self._new = []
        if self._plain:
            self._append(self._plain)
            self._plain = []
        if self._ended:
            self._end(self._ended)
            self._ended = []

    def _create(self, new: Sequence[Creation]) -> None:
        for graph, document in {each.run.graph: each.document for each in new if each.document is not None}.items():
            sql.keep_graph(self._db, graph, document)
        self._db.executemany(sql.INSERT_RUN, [sql.row_of(each.run, len(each.facts), self._owner) for each in new])
        self._db.executemany(sql.INSERT_FACTS, [(each.run.id, 0, text_of(each.facts)) for each in new if each.facts])

    def _append(self, batches: Sequence[Batch]) -> None:
        values = [(b.after + len(b.facts), int(b.alive), b.run, b.after, b.epoch, self._owner) for b in batches]
        self._check(self._db.executemany(sql.ADVANCE, values), batches)
        self._db.executemany(sql.INSERT_FACTS, [(b.run, b.after, text_of(b.facts)) for b in batches])

    def _end(self, batches: Sequence[Batch]) -> None:
        last = self._db.execute("SELECT last FROM endings").fetchone()[0]
        ends = [(b.status or "succeeded", b.detail, b.ended, number) for number, b in enumerate(batches, last + 1)]
        proofs = [(b.run, b.after, b.epoch, self._owner) for b in batches]
        heads = [(b.after + len(b.facts), int(b.alive)) for b in batches]
        values = [(*head, *end, *proof) for head, end, proof in zip(heads, ends, proofs, strict=True)]
        self._check(self._db.executemany(sql.ADVANCE_TO_END, values), batches)
        self._db.execute("UPDATE endings SET last = last + ?", (len(batches),))
        self._db.executemany(sql.INSERT_FACTS, [(b.run, b.after, text_of(b.facts)) for b in batches])
        if self._db.execute("SELECT 1 FROM queues LIMIT 1").fetchone():
            for batch in batches:
                queue_rows.leave(self._db, batch.run, for_good=True)

    @staticmethod
    def _check(advanced: sqlite3.Cursor, batches: Sequence[Batch]) -> None:
        if advanced.rowcount != len(batches):
            raise StaleError


def _is_plain(new: Creation) -> bool:
    """Whether a run begins at once, and nothing speaks against it."""
    run = new.run
    return not (run.waits_its_turn or run.dedup or run.is_child or new.blobs) and len(new.facts) <= sql.FACTS_IN_A_ROW
