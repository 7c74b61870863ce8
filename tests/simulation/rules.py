"""What a simulated store decides when a request has arrived: the real rules, over tables in memory. Knows no wire.

Files are decided by the very statements that `SqliteJournal` sends, servers by those of `MemoryJournal`.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from mulle.engine.blobs import Unpacked, wanted, whole
from mulle.engine.codec import decode
from mulle.engine.facts import AnyFact
from mulle.engine.journal import Batch, Claim, InboxSignal, Keep, NewRun, RunRow
from mulle.errors import UnknownGraph
from mulle.runtime.memory_journal import MemoryJournal
from mulle.runtime.memory_queues import Place
from mulle.store import blob_rows, claim_rows, queue_rows
from mulle.store import journal_rows as sql
from mulle.store.database import PRAGMAS, migrate, transaction
from mulle.store.sweep import Sweep

Blobs = Mapping[str, Sequence[bytes]]
Slice = Callable[[], bool]
"""A piece of a sweep, done within one transaction; whether there is more of it."""
ENDLESS = 1 << 40


class Standing(NamedTuple):
    """Where a run stands in a queue."""

    run: str
    queue: str
    most: int
    state: str
    """away, at work, queued."""
    order: tuple[int, int]
    """The smallest goes first."""


class Rules(Protocol):
    """One store. Whoever acts is named first. See `mulle.engine.journal.Journal`."""

    @property
    def alive(self) -> set[str]:
        """Owners that nobody may take for dead."""
        ...

    @alive.setter
    def alive(self, owners: set[str]) -> None: ...

    def create(self, me: str, run: NewRun, facts: list[bytes], blobs: Blobs, graph: bytes | None) -> bool: ...
    def save_graph(self, graph: str, document: bytes) -> None: ...
    def graph(self, graph: str) -> bytes: ...
    def append(self, me: str, batch: Batch) -> None: ...
    def claim(self, me: str, run: str) -> Claim | None: ...
    def claim_due(self, me: str, now: float, limit: int, besides: Collection[str]) -> list[Claim]: ...
    def claim_again(self, me: str, besides: Collection[str]) -> list[Claim]: ...
    def release(self, me: str, run: str, epoch: int, wake_at: float | None) -> bool: ...
    def count_death(self, me: str, run: str, epoch: int, known: int) -> int: ...
    def send(self, run: str, signal: InboxSignal) -> bool: ...
    def reserve(self, name: str, holder: str, most: int, per: float, now: float) -> float: ...
    def let_go(self, me: str) -> None: ...
    def read(self, run: str, after: int, limit: int | None) -> list[AnyFact]: ...
    def row(self, run: str) -> RunRow: ...
    def run_with(self, dedup: str) -> str: ...
    def inbox(self, run: str) -> list[InboxSignal]: ...
    def next_wake(self, after: float | None) -> float | None: ...

    def woken(self, me: str) -> list[str]:
        """Runs of an owner that have signals waiting."""
        ...

    def has_work(self) -> bool:
        """Whether a run without an owner has signals waiting, or was left by the dead."""
        ...

    def standings(self) -> list[Standing]:
        """Who stands where in all queues."""
        ...

    def save_snapshot(self, run: str, data: bytes) -> None: ...
    def snapshot(self, run: str) -> bytes | None: ...
    def pin(self, run: str) -> None: ...

    def sweep(self, keep: Keep, now: float) -> list[Slice]:
        """A sweep, to be done piece by piece."""
        ...

    def runs(self) -> set[str]:
        """All that are kept."""
        ...

    def with_facts(self) -> set[str]:
        """All of which any fact is kept."""
        ...

    def blobs(self) -> set[str]:
        """All big values, by hash."""
        ...


class MemoryRules:
    """The journal in memory."""

    def __init__(self) -> None:
        self._root = MemoryJournal("nobody")
        self.shelf = self._root._shelf
        self._seen: dict[str, MemoryJournal] = {}
        self.alive = set()

    @property
    def alive(self) -> set[str]:
        return self.shelf.living

    @alive.setter
    def alive(self, owners: set[str]) -> None:
        self.shelf.living = owners

    def _as(self, me: str) -> MemoryJournal:
        if me not in self._seen:
            alive = set(self.alive)
            self._seen[me] = self._root.as_owner(me)
            self.alive = alive
        return self._seen[me]

    def create(self, me: str, run: NewRun, facts: list[bytes], blobs: Blobs, graph: bytes | None) -> bool:
        if graph is not None:
            self.save_graph(run.graph, graph)
        return _at_once(self._as(me).create(run, facts, blobs))

    def save_graph(self, graph: str, document: bytes) -> None:
        self._root.save_graph(graph, document)

    def graph(self, graph: str) -> bytes:
        return _at_once(self._root.graph(graph))

    def append(self, me: str, batch: Batch) -> None:
        _at_once(self._as(me).append(batch))

    def claim(self, me: str, run: str) -> Claim | None:
        return _at_once(self._as(me).claim(run))

    def claim_due(self, me: str, now: float, limit: int, besides: Collection[str]) -> list[Claim]:
        return _at_once(self._as(me).claim_due(now, limit, besides))

    def claim_again(self, me: str, besides: Collection[str]) -> list[Claim]:
        return _at_once(self._as(me).claim_again(besides))

    def release(self, me: str, run: str, epoch: int, wake_at: float | None) -> bool:
        return _at_once(self._as(me).release(run, epoch, wake_at))

    def count_death(self, me: str, run: str, epoch: int, known: int) -> int:
        return _at_once(self._as(me).count_death(run, epoch, known))

    def send(self, run: str, signal: InboxSignal) -> bool:
        return _at_once(self._root.send(run, signal))

    def reserve(self, name: str, holder: str, most: int, per: float, now: float) -> float:
        return _at_once(self._root.reserve(name, holder, most, per, now))

    def let_go(self, me: str) -> None:
        alive = set(self.alive)
        _at_once(self._as(me).close())
        self.alive = alive

    def read(self, run: str, after: int, limit: int | None) -> list[AnyFact]:
        return _at_once(self._root.read(run, after, limit))

    def row(self, run: str) -> RunRow:
        return _at_once(self._root.row(run))

    def run_with(self, dedup: str) -> str:
        return _at_once(self._root.run_with(dedup))

    def inbox(self, run: str) -> list[InboxSignal]:
        return _at_once(self._root.inbox(run))

    def next_wake(self, after: float | None) -> float | None:
        return _at_once(self._root.next_wake(after))

    def woken(self, me: str) -> list[str]:
        return [kept.row.id for kept in self.shelf.runs.values() if kept.row.owner == me and kept.woken]

    def has_work(self) -> bool:
        return any(
            kept.hears if kept.row.owner is None else kept.row.owner not in self.alive
            for kept in self.shelf.runs.values()
        )

    def standings(self) -> list[Standing]:
        names = {Place.AWAY: "away", Place.AT_WORK: "at work", Place.QUEUED: "queued"}
        return [
            Standing(run, queue.name, queue.most, names[member.place], member.order)
            for run, member in self.shelf.queues._members.items()
            for queue in member.queues
        ]

    def save_snapshot(self, run: str, data: bytes) -> None:
        self._root.save_snapshot(run, data)

    def snapshot(self, run: str) -> bytes | None:
        return _at_once(self._root.snapshot(run))

    def pin(self, run: str) -> None:
        _at_once(self._root.pin(run, pinned=True))

    def sweep(self, keep: Keep, now: float) -> list[Slice]:
        def everything() -> bool:
            _at_once(self._root.sweep(keep, now))
            return False

        return [everything]

    def runs(self) -> set[str]:
        return set(self.shelf.runs)

    def with_facts(self) -> set[str]:
        return self.runs()

    def blobs(self) -> set[str]:
        return set(self.shelf.blobs._parts)


class SqliteRules:
    """The statements that are sent to a file, sent to a database in memory."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None, cached_statements=256)
        self.db.deserialize(_empty())
        self.db.execute("PRAGMA foreign_keys = ON")
        self.alive: set[str] = set()

    def _is_alive(self, owner: str) -> bool:
        return owner in self.alive

    def create(self, me: str, run: NewRun, facts: list[bytes], blobs: Blobs, graph: bytes | None) -> bool:
        with transaction(self.db):
            if graph is not None:
                sql.keep_graph(self.db, run.graph, graph)
            created = sql.create(self.db, run, facts, me)
            if created and blobs:
                blob_rows.keep(self.db, run.id, blobs)
            return created

    def save_graph(self, graph: str, document: bytes) -> None:
        with transaction(self.db):
            sql.keep_graph(self.db, graph, document)

    def graph(self, graph: str) -> bytes:
        found = sql.graph(self.db, graph)
        if found is None:
            raise UnknownGraph(graph=graph)
        return found

    def append(self, me: str, batch: Batch) -> None:
        with transaction(self.db):
            sql.append(self.db, batch, me)

    def claim(self, me: str, run: str) -> Claim | None:
        with transaction(self.db):
            return claim_rows.claim(self.db, run, me, self._is_alive)

    def claim_due(self, me: str, now: float, limit: int, besides: Collection[str]) -> list[Claim]:
        found = sql.claimable(self.db, now, limit + len(besides), self._is_alive)
        claims = [self.claim(me, run) for run in [run for run in found if run not in besides][:limit]]
        return [claim for claim in claims if claim is not None]

    def claim_again(self, me: str, besides: Collection[str]) -> list[Claim]:
        with transaction(self.db):
            unknown = [run for run in claim_rows.owned(self.db, me) if run not in besides]
            return claim_rows.claim_again(self.db, unknown, me)

    def release(self, me: str, run: str, epoch: int, wake_at: float | None) -> bool:
        with transaction(self.db):
            return claim_rows.release(self.db, run, epoch, wake_at, me)

    def count_death(self, me: str, run: str, epoch: int, known: int) -> int:
        with transaction(self.db):
            return claim_rows.count_death(self.db, run, epoch, known, me)

    def send(self, run: str, signal: InboxSignal) -> bool:
        with transaction(self.db):
            return sql.send(self.db, run, signal.id, signal.name, sql.payload_text(signal))

    def reserve(self, name: str, holder: str, most: int, per: float, now: float) -> float:
        with transaction(self.db):
            return queue_rows.reserve(self.db, name, holder, most=most, per=per, now=now)

    def let_go(self, me: str) -> None:
        with transaction(self.db):
            claim_rows.let_go(self.db, me)

    def read(self, run: str, after: int, limit: int | None) -> list[AnyFact]:
        sql.row(self.db, run)
        found: list[AnyFact] = []
        for position, data in sql.batches(self.db, run, after, ENDLESS):
            found += decode(data)[max(0, after - position) :]
        return [self._whole(fact) if fact.blobs else fact for fact in found[:limit]]

    def _whole(self, fact: AnyFact) -> AnyFact:
        values = {ref.hash: self._value(ref.hash) for ref in wanted(fact)}
        return whole(fact, values.__getitem__)

    def _value(self, name: str) -> Any:
        unpacked = Unpacked(name)
        for number in range(blob_rows.parts(self.db, name)):
            unpacked.add(blob_rows.part(self.db, name, number) or b"")
        return unpacked.value()

    def row(self, run: str) -> RunRow:
        return sql.row(self.db, run)

    def run_with(self, dedup: str) -> str:
        return sql.run_with(self.db, dedup)

    def inbox(self, run: str) -> list[InboxSignal]:
        return sql.inbox(self.db, run)

    def next_wake(self, after: float | None) -> float | None:
        return sql.next_wake(self.db, after)

    def woken(self, me: str) -> list[str]:
        return sql.woken(self.db, me)

    def has_work(self) -> bool:
        owners = {owner for (owner,) in self.db.execute("SELECT DISTINCT owner FROM runs WHERE owner IS NOT NULL")}
        return sql.anyone_woken(self.db) or not owners <= self.alive

    def standings(self) -> list[Standing]:
        names = {queue_rows.AWAY: "away", queue_rows.AT_WORK: "at work", queue_rows.QUEUED: "queued"}
        found = self.db.execute("SELECT run, queue, most, state, priority, number FROM queues ORDER BY number, queue")
        return [
            Standing(run, queue, most, names[state], (-priority, number))
            for run, queue, most, state, priority, number in found
        ]

    def save_snapshot(self, run: str, data: bytes) -> None:
        with transaction(self.db):
            sql.keep_snapshot(self.db, run, data)

    def snapshot(self, run: str) -> bytes | None:
        return sql.snapshot(self.db, run)

    def pin(self, run: str) -> None:
        with transaction(self.db):
            sql.pin(self.db, run, pinned=True)

    def sweep(self, keep: Keep, now: float) -> list[Slice]:
        return _Slices(self.db, keep, now).all

    def runs(self) -> set[str]:
        return {run for (run,) in self.db.execute("SELECT id FROM runs")}

    def with_facts(self) -> set[str]:
        return {run for (run,) in self.db.execute("SELECT DISTINCT run FROM facts")}

    def blobs(self) -> set[str]:
        return {name for (name,) in self.db.execute("SELECT hash FROM blobs UNION SELECT hash FROM blob_parts")}


class _Slices(Sweep):
    """A sweep whose slices somebody else asks for, one by one."""

    def __init__(self, db: sqlite3.Connection, keep: Keep, now: float) -> None:
        super().__init__(Path(":memory:"), keep, now)
        self.all: list[Slice] = []
        self._delete(db)
        self._tighten(db)

    def _in_slices(self, db: sqlite3.Connection, step: Slice) -> None:
        def one() -> bool:
            with transaction(db):
                return step()

        self.all.append(one)


@cache
def _empty() -> bytes:
    """A database with the tables of this release and nothing in them."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for pragma in PRAGMAS:
        db.execute(f"PRAGMA {pragma}")
    migrate(db, Path(":memory:"), "journal")
    return db.serialize()


def _at_once(work: Any) -> Any:
    """The answer of the journal in memory, which never waits."""
    if isinstance(work, asyncio.Future):
        return cast("asyncio.Future[Any]", work).result()
    if not isinstance(work, Coroutine):
        return work
    try:
        cast("Coroutine[Any, Any, Any]", work).send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the journal in memory waited")
