"""The journal in the home's SQLite file. Several processes may use one file, each with a SqliteJournal of its own.

Knows what to write and whom to tell; when and where commits happen is `GroupCommit`'s business, what is said to the
database is `journal_rows`'s.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mulle.engine.blobs import BlobLost, Unpacked, wanted, whole
from mulle.engine.codec import decode
from mulle.engine.facts import AnyFact
from mulle.engine.journal import Backlog, Batch, Claim, InboxSignal, Keep, NewRun, Room, RunRow, Swept
from mulle.errors import StoreError, UnknownGraph, UnknownRun
from mulle.store import blob_rows, queue_rows, work_rows
from mulle.store import claim_rows as claims
from mulle.store import journal_rows as sql
from mulle.store.database import connect, migrate, storage
from mulle.store.group_commit import GroupCommit
from mulle.store.owners import Owners
from mulle.store.sweep import Sweep
from mulle.store.together import Creation, Together

Write = Batch | Creation | Callable[[sqlite3.Connection], Any]
"""What the group writes: facts, or something else to be done to the database."""

ROW_SIZE = 500
"""Bytes that a write without facts counts for."""
SLICE = 1 << 17
"""Bytes of facts that are read and decoded at a time, under a millisecond's worth; others have their turn between."""
LISTEN_EVERY = 0.1
"""Seconds between two looks at whether another process wrote."""
GRAPHS_AT_HAND = 64


class SqliteJournal:
    """Keeps runs, facts, graphs and the inbox in one SQLite file."""

    has_leases = False

    def __init__(self, path: Path, owners: Owners, *, patience: float = 15.0) -> None:
        """Open the journal, and bring its schema up to this release.

        Args:
            path: The database's file; made if it is not there.
            owners: Who this process is, and who else lives.
            patience: Seconds to wait for a lock that another program holds.

        Raises:
            StoreUnavailable, StoreDamaged, StoreTooNew, StoreFull: It cannot be used, and why.
        """
        self._path = path
        self._owners = owners
        self._db = connect(path, patience)
        try:
            migrate(self._db, path, "journal")
            self._reader = connect(path, patience)
            self._reader.execute("PRAGMA query_only = ON")
        except BaseException:
            self._db.close()
            raise
        self._writer: GroupCommit[Write] = GroupCommit(path, self._db, self._together, self._alone, patience)
        self._reads = threading.Lock()
        self._graphs: dict[str, bytes] = {}
        self._listeners: list[tuple[asyncio.AbstractEventLoop | None, Callable[[str | None], None]]] = []
        """With the loop that each belongs to: a listener ends with its loop."""
        self._listening: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._version = 0
        self._next_wake: float | None = None

    # ------------------------------------------------------------------ writing

    def save_graph(self, graph: str, document: bytes) -> None:
        """Keep a graph under its content hash; again is nothing. Written with the next batch."""
        if graph in self._graphs:
            return
        self._graphs[graph] = document
        if len(self._graphs) > GRAPHS_AT_HAND:
            del self._graphs[next(iter(self._graphs))]
        self._writer.submit(partial(sql.keep_graph, graph=graph, document=document), len(document)).add_done_callback(
            lambda written: None if written.cancelled() else written.exception()
        )  # If it cannot be written, it goes with the first run that follows it.

    def create(
        self, run: NewRun, facts: list[bytes], blobs: Mapping[str, Sequence[bytes]] | None = None
    ) -> Awaitable[bool]:
        """Write a run's row, claimed by this process at epoch 1, with its first facts. False: its `dedup` exists."""
        self._keep_listening()
        document = self._graphs.get(run.graph)  # A run of the same graph may have been deleted meanwhile.
        return self._writer.submit(Creation(run, facts, blobs or {}, document), _size(facts, blobs))

    def append(self, batch: Batch) -> Awaitable[None]:
        """Write facts. Batches that gather while one commit is under way share the next one."""
        written = self._writer.submit(batch, _size(batch.facts, batch.blobs), batch.run if batch.awaited else None)
        if batch.signals:
            written.add_done_callback(lambda written: self._signalled(written, [run for run, _ in batch.signals]))
        return written

    def save_snapshot(self, run: str, data: bytes) -> None:
        """Keep the fold of a run's facts so far, instead of an earlier one. If it cannot be written, it is lost."""
        written = self._writer.submit(partial(sql.keep_snapshot, run=run, data=data), len(data))
        written.add_done_callback(lambda written: None if written.cancelled() else written.exception())

    async def claim(self, run: str) -> Claim | None:
        """Become the writer of a run that has no living owner."""
        return await self._do(partial(claims.claim, run=run, me=self._owners.me, is_alive=self._owners.is_alive))

    async def claim_due(self, now: float, limit: int = 40, besides: Collection[str] = ()) -> list[Claim]:
        """Become the writer of runs that are claimable, as many at a time."""
        due = [run for run in await self.claimable(now, limit + len(besides)) if run not in besides]
        found: list[Claim] = []
        for run in due[:limit]:
            with contextlib.suppress(UnknownRun):  # It was deleted meanwhile.
                claim = await self.claim(run)
                found += [claim] if claim else []
        return found

    async def claim_again(self, besides: Collection[str]) -> list[Claim]:
        """Claim what is ours already, but for what is known to be."""
        me = self._owners.entered
        if me is None:
            return []
        with self._reading() as db:
            unknown = [run for run in claims.owned(db, me) if run not in besides]
        return await self._do(partial(claims.claim_again, runs=unknown, me=me)) if unknown else []

    def holds(self) -> bool:
        """What we claimed is ours for as long as our lock is, and that is as long as we live."""
        return True

    async def confirmed(self) -> bool:
        """There is nobody to ask."""
        return True

    def on_loss(self, listener: Callable[[], None]) -> None:
        """Nothing is ever lost: the kernel keeps our lock, and there are no leases here."""

    async def release(self, run: str, epoch: int, wake_at: float | None) -> bool:
        """Let go of a run that has nothing to do before `wake_at`; its status becomes `waiting`.

        False, and still ours, when a signal came meanwhile. Raises JournalConflict when it is not ours.
        """
        return await self._do(partial(claims.release, run=run, epoch=epoch, wake_at=wake_at, me=self._owners.me))

    async def reserve(self, name: str, holder: str, most: int, per: float, now: float) -> float:
        """When `holder` may use an allowance of `most` uses in every `per` seconds, shared by all who name it."""
        return await self._do(partial(queue_rows.reserve, name=name, holder=holder, most=most, per=per, now=now))

    async def enter(self, kind: str, holder: str, most: int) -> bool:
        """Whether `holder` may be at work as one of `most` of its kind, over all processes of this home."""
        owners = self._owners
        enter = partial(work_rows.enter, kind=kind, holder=holder, most=most, me=owners.me, is_alive=owners.is_alive)
        return await self._do(enter)

    def leave(self, kind: str, holder: str) -> None:
        """Give the place back. If it cannot be written, it is given back with our end."""
        del kind
        written = self._writer.submit(partial(work_rows.leave, holder=holder, me=self._owners.me), ROW_SIZE)
        written.add_done_callback(lambda written: None if written.cancelled() else written.exception())

    async def count_death(self, run: str, epoch: int, known: int) -> int:
        """Note that the last driver died with nodes in flight, after `known` others. Raises JournalConflict."""
        return await self._do(partial(claims.count_death, run=run, epoch=epoch, known=known, me=self._owners.me))

    async def send(self, run: str, signal: InboxSignal) -> bool:
        """Put a signal into a run's inbox and wake the run. False: that id was sent to it before."""
        payload = sql.payload_text(signal)
        send = partial(sql.send, run=run, signal=signal.id, name=signal.name, payload=payload)
        written = self._writer.submit(send, ROW_SIZE + len(payload))
        written.add_done_callback(lambda written: self._signalled(written, [run]))
        return await written

    async def pin(self, run: str, *, pinned: bool) -> None:
        """Keep a run for ever, or let it grow old again. Raises UnknownRun."""
        await self._do(partial(sql.pin, run=run, pinned=pinned))

    async def sweep(self, keep: Keep, now: float, *, dry: bool = False, give_back: bool = False) -> Swept:
        """Remove what is older than it is kept, pack the rest tight, and give unused room back."""
        stopped = threading.Event()
        sweep = Sweep(self._path, keep, now, stopped=stopped)
        try:
            return await asyncio.to_thread(sweep.look if dry else partial(sweep.do, give_back=give_back))
        finally:
            stopped.set()  # If nobody waits any more, what is done is done and the rest is for the next one.

    async def delete(self, run: str) -> None:
        """Remove an ended run with all that belongs to it. Raises UnknownRun, RunUnfinished."""
        await self._do(partial(sql.delete, run=run))

    async def close(self) -> None:
        """Write what is pending, let go of every run that is still ours, of our place among the owners and of the file.

        Whoever comes next goes on with those runs at once, and no death is counted.
        """
        if self._listening is not None:
            self._listening.cancel()
        self._listeners.clear()
        if self._owners.entered is not None:
            with contextlib.suppress(StoreError):  # As good as dead, then: the runs are found by our freed lock.
                await self._do(partial(claims.let_go, me=self._owners.entered))
        await self._writer.close()
        self._owners.close()
        self._reader.close()
        self._db.close()

    def _do(self, write: Callable[[sqlite3.Connection], Any]) -> asyncio.Future[Any]:
        return self._writer.submit(write, ROW_SIZE)

    def _together(self, db: sqlite3.Connection, items: Sequence[Write]) -> list[Any]:
        """Write a group, what is of one kind in one go. Raises if anything is wrong with anyone's."""
        if len(items) == 1:
            return [self._alone(db, items[0])]
        together = Together(db, self._owners.me)
        outcomes: list[Any] = []
        for item in items:
            if together.takes(item):
                outcomes.append(isinstance(item, Creation) or None)
            else:
                together.write()
                outcomes.append(self._alone(db, item))
        together.write()
        return outcomes

    def _alone(self, db: sqlite3.Connection, item: Write) -> Any:
        me = self._owners.me
        if isinstance(item, Batch):
            return sql.append(db, item, me)
        if not isinstance(item, Creation):
            return item(db)
        if item.document is not None:
            sql.keep_graph(db, item.run.graph, item.document)
        created = sql.create(db, item.run, item.facts, me)
        if created and item.blobs:
            blob_rows.keep(db, item.run.id, item.blobs)
        return created

    # ------------------------------------------------------------------ reading

    async def graph(self, graph: str) -> bytes:
        """A graph's document; raises UnknownGraph."""
        with self._reading() as db:
            document = self._graphs.get(graph) or sql.graph(db, graph)
        if document is None:
            raise UnknownGraph(graph=graph)
        return document

    async def read(
        self, run: str, after: int = 0, limit: int | None = None, *, previews: bool = False
    ) -> list[AnyFact]:
        """A run's facts from position `after` on, whole or with previews; raises UnknownRun, BlobLost."""
        facts: list[AnyFact] = []
        values: dict[str, Any] = {}
        with self._reading() as db:
            head = sql.row(db, run).head
        head = head if limit is None else min(head, after + limit)
        while after < head:
            with self._reading() as db:
                found = sql.batches(db, run, after, SLICE)
            if not found or found[0][0] > after:
                raise UnknownRun(run=run)  # It was deleted while we read.
            for position, data in found:
                batch = decode(data)[: head - position]
                for fact in batch[after - position :]:
                    for ref in wanted(fact, previews=previews):
                        if ref.hash not in values:
                            values[ref.hash] = await self._value(run, ref.hash)
                    facts.append(whole(fact, values.__getitem__, previews=previews))
                after = position + len(batch)
                if after >= head:
                    break
            if after < head:
                await asyncio.sleep(0)
        return facts

    async def _value(self, run: str, name: str) -> Any:
        """A big value of a run, part by part; raises BlobLost, UnknownRun."""
        unpacked, part = Unpacked(name), 0
        with self._reading() as db:
            count = blob_rows.parts(db, name)
        while part < count:
            with self._reading() as db:
                found = blob_rows.part(db, name, part)
            if found is not None:
                unpacked.add(found)
            part += 1
            await asyncio.sleep(0)
        try:
            return unpacked.value()
        except BlobLost:
            await self.row(run)  # It may have been deleted while we read.
            raise

    async def snapshot(self, run: str) -> bytes | None:
        """The last snapshot of a run, if there is one."""
        with self._reading() as db:
            return sql.snapshot(db, run)

    async def row(self, run: str) -> RunRow:
        """A run's row; raises UnknownRun."""
        with self._reading() as db:
            return sql.row(db, run)

    async def run_with(self, dedup: str) -> str:
        """The id of the run that has this `dedup` key; raises UnknownRun."""
        with self._reading() as db:
            return sql.run_with(db, dedup)

    async def rows(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        limit: int = 50,
        before: float | None = None,
        behind: str | None = None,
    ) -> list[RunRow]:
        """Runs, newest first: created before a time, or behind another one in the list; raises UnknownRun."""
        with self._reading() as db:
            return sql.rows(db, status=status, workflow=workflow, limit=limit, before=before, behind=behind)

    async def ended_since(self, cursor: str, limit: int) -> tuple[list[RunRow], str]:
        """Ended runs from behind `cursor` on, and the cursor behind the last of them."""
        with self._reading() as db:
            found = sql.ended_since(db, int(cursor or 0), limit)
        return [row for _, row in found], str(found[-1][0]) if found else cursor

    async def backlog(self, now: float) -> Backlog:
        """How many runs are unfinished."""
        with self._reading() as db:
            return sql.backlog(db, now)

    async def claimable(self, now: float, limit: int = 40) -> list[str]:
        """Unfinished runs without a living owner that have something to do: left by the dead, woken, or due."""
        self._keep_listening()
        with self._reading() as db:
            return sql.claimable(db, now, limit, self._owners.is_alive)

    async def next_wake(self, after: float | None = None) -> float | None:
        """The earliest `wake_at` of all released runs, or of those that are due after a time."""
        with self._reading() as db:
            return sql.next_wake(db, after)

    async def inbox(self, run: str) -> list[InboxSignal]:
        """Signals that no fact has taken in yet, oldest first."""
        with self._reading() as db:
            return sql.inbox(db, run)

    async def room(self) -> Room:
        """How much room everything takes."""
        with self._reading() as db:
            return blob_rows.room(db, self._path)

    @contextlib.contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        """The connection for reading, for one thread at a time: a history may be read from outside the driver's loop.

        Every statement on it runs to its end at once: one left open would make all later ones see the past.
        """
        with self._reads, storage(self._path):
            yield self._reader

    # ------------------------------------------------------------------ listening

    def on_signal(self, listener: Callable[[str | None], None]) -> None:
        """Call back when a run of ours may have new signals, with its id; or with None when another process changed
        what is claimable or due. Other processes are noticed within 0.1 seconds.
        """
        try:
            self._listeners.append((asyncio.get_running_loop(), listener))
            self._keep_listening()
        except RuntimeError:  # No loop runs yet: the first run or look for work is early enough.
            self._listeners.append((None, listener))

    def _keep_listening(self) -> None:
        """Listen on the running loop, which may be another one than before."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop and self._listeners:
            self._loop = loop
            self._listen()

    def _signalled(self, written: "asyncio.Future[Any]", runs: Sequence[str]) -> None:
        if not written.cancelled() and written.exception() is None and written.result() is not False:
            for run in runs:
                self._tell(run)

    def _tell(self, run: str | None) -> None:
        for loop, listener in self._listeners.copy():
            if loop is None or not loop.is_closed():
                listener(run)
            else:
                self._listeners.remove((loop, listener))

    def _listen(self) -> None:
        """Look whether another connection has written, and again in a while."""
        if not self._listeners:
            return
        self._listening = asyncio.get_running_loop().call_later(LISTEN_EVERY, self._listen)
        if not self._writer.free:
            return
        with contextlib.suppress(sqlite3.Error, StoreError):  # Whoever writes or reads next will say it.
            version = self._db.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._look_around()
                self._version = version  # Only now: what could not be read is looked at again.

    def _look_around(self) -> None:
        with self._reading() as db:
            woken, anyone = sql.woken(db, self._owners.me), sql.anyone_woken(db)
            next_wake, before = sql.next_wake(db), self._next_wake
        self._next_wake = next_wake
        for run in woken:
            self._tell(run)
        if anyone or next_wake != before:
            self._tell(None)


def _size(facts: Sequence[bytes], blobs: Mapping[str, Sequence[bytes]] | None = None) -> int:
    size = ROW_SIZE + sum(map(len, facts))
    return size + sum(len(part) for parts in blobs.values() for part in parts) if blobs else size
