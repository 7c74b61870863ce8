"""The journal in a Postgres database. Any number of processes on any number of machines may share one.

Knows what to write, what to ask and whom to tell. What is said to the database is the business of `postgres_writes`,
`postgres_rows` and `postgres_claims`, over which connection that of the writer and the readers, and who we are that of
the membership.
"""

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, LiteralString

import msgspec

from mulle.engine.blobs import BlobLost
from mulle.engine.carrier import Carrier
from mulle.engine.facts import AnyFact
from mulle.engine.journal import Backlog, Batch, Claim, InboxSignal, Keep, NewRun, Room, RunRow, Swept
from mulle.errors import StoreError, UnknownGraph, UnknownRun
from mulle.store import postgres_blobs, postgres_sweep
from mulle.store import postgres_claims as claims
from mulle.store import postgres_items as items
from mulle.store import postgres_queues as queues
from mulle.store import postgres_rows as rows
from mulle.store import postgres_work as work
from mulle.store import postgres_writes as sql
from mulle.store.postgres_carrier import NotifyCarrier
from mulle.store.postgres_database import Address, migrate
from mulle.store.postgres_facts import read
from mulle.store.postgres_lease import LEASE
from mulle.store.postgres_listening import Listening
from mulle.store.postgres_membership import Membership, leave
from mulle.store.postgres_reader import PostgresReader, Rows
from mulle.store.postgres_writer import PostgresWriter, Write

if TYPE_CHECKING:
    from mulle.store.postgres_database import Connection

GRAPHS_AT_HAND = 64
PATIENT_LOOKS, LOOK_AGAIN = 20, 0.01
"""How often runs that have just ended are looked at, and seconds between, until their order is certain."""


class PostgresJournal:
    """Keeps runs, facts, graphs and the inbox in one Postgres database."""

    has_leases = True

    def __init__(
        self, url: str, *, name: str | None = None, carrier: Carrier | None = None, lease: float = LEASE
    ) -> None:
        """Use the database at a `postgresql://` address. It is connected, and its schema made, when first used.

        Args:
            url: Where it is.
            name: What people know this process by.
            carrier: Brings word of work from other processes; None: Postgres itself does.
            lease: Seconds after which others take over what we held, if we are not heard of.

        Raises:
            PostgresMissing: The library that speaks with Postgres is not installed.
            StoreUnavailable: The address cannot be read.
        """
        self._address = Address(url)
        known_as = name or f"{socket.gethostname()}:{os.getpid()}"
        self._membership = Membership(self._address, known_as, lease, lambda: self._listening.tell(None))
        ours = self._membership
        self._writer = PostgresWriter(self._address.place, self._ready, ours.entered, ours.mended, ours.patience)
        self._readers: dict[asyncio.AbstractEventLoop, PostgresReader] = {}
        self._migrated = False
        self._graphs: dict[str, bytes] = {}
        self._in_queues: set[str] = set()
        """Runs of ours that hold places in queues, which others wait for."""
        self._listening = Listening(lambda: carrier or NotifyCarrier(self._address.connect), self._look_around)

    # ------------------------------------------------------------------ writing

    def save_graph(self, graph: str, document: bytes) -> None:
        """Keep a graph under its content hash; again is nothing. Written with the next batch."""
        if graph in self._graphs:
            return
        self._graphs[graph] = document
        if len(self._graphs) > GRAPHS_AT_HAND:
            del self._graphs[next(iter(self._graphs))]
        self._writer.submit(partial(sql.keep_graphs, graphs={graph: document})).add_done_callback(
            lambda written: None if written.cancelled() else written.exception()
        )  # If it cannot be written, it goes with the first run that follows it.

    def create(
        self, run: NewRun, facts: list[bytes], blobs: Mapping[str, Sequence[bytes]] | None = None
    ) -> Awaitable[bool]:
        """Write a run's row, claimed by this process at epoch 1, with its first facts and the big values they refer to.

        False: its `dedup` exists, and nothing was written.
        """
        self._settle()
        item = items.creation(run, facts, self._graphs.get(run.graph), blobs)
        created = self._writer.submit(items.InQueues(item) if run.waits_its_turn or run.is_child else item)
        if not run.waits_its_turn:
            created.add_done_callback(lambda done: self._membership.held.add(run.id) if _succeeded(done) else None)
        return created

    def append(self, batch: Batch) -> Awaitable[None]:
        """Write facts. Batches that gather while one group is on its way share the next one."""
        leaves = batch.ended is not None and batch.run in self._in_queues
        written = self._writer.submit(items.InQueues(batch) if leaves else batch)
        if batch.ended is not None or batch.signals:
            written.add_done_callback(lambda done: self._appended(batch, done))
        return written

    def _appended(self, batch: Batch, done: "asyncio.Future[Any]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        if batch.ended is not None:
            self._forget(batch.run)
        for run, _ in batch.signals:
            self._listening.wake(run)

    def save_snapshot(self, run: str, data: bytes) -> None:
        """Keep the fold of a run's facts so far, instead of an earlier one. If it cannot be written, it is lost."""
        written = self._writer.submit(partial(sql.keep_snapshot, run=run, data=data))
        written.add_done_callback(lambda written: None if written.cancelled() else written.exception())

    async def claim(self, run: str) -> Claim | None:
        """Become the writer of a run that has no living owner."""
        self._settle()
        claimed: claims.Claimed | None = await self._do(lambda db: claims.claim(db, run, self._claimant))
        if claimed is None:
            await self.row(run)  # Raises UnknownRun.
            return None
        return self._known(claimed)

    async def claim_due(self, now: float, limit: int = 40, besides: Collection[str] = ()) -> list[Claim]:
        """Become the writer of runs that are claimable, as many at a time."""
        self._settle()
        claimed: list[claims.Claimed] = await self._do(
            lambda db: claims.claim_due(db, now, limit, besides, self._claimant)
        )
        found = [self._known(each) for each in claimed]
        values = {"now": now, "limit": limit - len(found), "besides": [rows.kept(run) for run in besides]}
        if queued := [rows.told(run) for (run,) in await self._ask(claims.IN_QUEUES, values)]:
            claimed = await self._do(lambda db: claims.claim_queued(db, queued, self._claimant))
            found += [self._known(each) for each in claimed]
        return found

    async def claim_again(self, besides: Collection[str]) -> list[Claim]:
        """Claim what is ours already, but for what is known to be."""
        if self._membership.me is None:
            return []
        self._settle()
        claimed: list[claims.Claimed] = await self._do(lambda db: claims.claim_again(db, besides, self._me))
        return [self._known(each) for each in claimed]

    def _known(self, claimed: claims.Claimed) -> Claim:
        run = claimed.claim.row.id
        self._membership.held.add(run)
        if claimed.in_queues:
            self._in_queues.add(run)
        return claimed.claim

    def _forget(self, run: str) -> None:
        self._membership.held.discard(run)
        self._in_queues.discard(run)

    async def release(self, run: str, epoch: int, wake_at: float | None) -> bool:
        """Let go of a run that has nothing to do before `wake_at`; its status becomes `waiting`.

        False, and still ours, when a signal came meanwhile. Raises JournalConflict when it is not ours.
        """
        item = items.Release(run, epoch, wake_at)
        released: bool = await self._do(items.InQueues(item) if run in self._in_queues else item)
        if released:
            self._forget(run)
        return released

    async def count_death(self, run: str, epoch: int, known: int) -> int:
        """Note that the last driver died with nodes in flight, after `known` others; gives the new count.

        Raises JournalConflict.
        """
        return await self._do(lambda db: sql.count_death(db, run, epoch, known, self._me))

    async def send(self, run: str, signal: InboxSignal) -> bool:
        """Put a signal into a run's inbox and wake the run. False: that id was sent to it before."""
        payload = items.payload_text(signal)
        for text in (run, signal.id, signal.name):
            text.encode()  # What is no text harms nobody else's part of the group.
        sent: bool = await self._writer.submit(items.Sending(run, signal, payload))
        if sent:
            self._listening.wake(run)
        return sent

    async def pin(self, run: str, *, pinned: bool) -> None:
        """Keep a run for ever, or let it grow old again. Raises UnknownRun."""
        await self._do(partial(sql.pin, run=run, pinned=pinned))

    async def reserve(self, name: str, holder: str, most: int, per: float, now: float) -> float:
        """When `holder` may use an allowance of `most` uses in every `per` seconds, shared by all who name it."""
        return await self._do(partial(queues.reserve, name=name, holder=holder, most=most, per=per, now=now))

    async def enter(self, kind: str, holder: str, most: int) -> bool:
        """Whether `holder` may be at work as one of `most` of its kind, over all workers."""
        return await self._do(lambda db: work.enter(db, kind, holder, most=most, me=self._me))

    def leave(self, kind: str, holder: str) -> None:
        """Give the place back. If it cannot be written, it is given back with our end."""
        del kind
        written = self._do(lambda db: work.leave(db, holder, me=self._me))
        written.add_done_callback(lambda written: None if written.cancelled() else written.exception())

    async def delete(self, run: str) -> None:
        """Remove an ended run with all that belongs to it. Raises UnknownRun, RunUnfinished."""
        await self._do(partial(sql.delete, run=run))

    async def close(self) -> None:
        """Write what is pending, let go of every run that is still ours, and of our lease.

        Whoever comes next goes on with those runs at once, and no death is counted.
        """
        self._listening.stop()
        owner = self._membership.begin_to_leave()
        if owner is not None:
            with contextlib.suppress(StoreError):  # As good as dead, then: the lease runs out.
                await self._do(partial(leave, owner=owner))
                self._listening.say(None)
            await self._membership.end()
        await self._writer.close()
        await self._listening.close()
        for loop, reader in self._readers.items():
            if loop is asyncio.get_running_loop():
                await reader.close()
            else:
                reader.abandon()
        self._readers.clear()

    def die(self) -> None:
        """Be heard of no more, without having let go of anything: as after `kill -9`."""
        self._membership.die()

    def _do(self, write: Write) -> asyncio.Future[Any]:
        return self._writer.submit(write)

    # ------------------------------------------------------------------ being a worker

    def holds(self) -> bool:
        """Whether what we claimed is ours for sure: the server would have heard from us before it takes us for dead."""
        return self._membership.holds

    async def confirmed(self) -> bool:
        """Whether what we claimed is ours for sure, after another heartbeat if it takes one."""
        return await self._membership.confirmed()

    def on_loss(self, listener: Callable[[], None]) -> None:
        """Call back, on the loop that drives, when everything we held may be taken over by others."""
        self._membership.on_loss(listener)

    @property
    def _me(self) -> str:
        me = self._membership.me
        assert me is not None, "the writer asks for our place before each group"
        return me

    @property
    def _claimant(self) -> claims.Claimant:
        return claims.Claimant(self._me, self._membership.judges)

    async def _ready(self) -> "Connection":
        if not self._migrated:
            await asyncio.to_thread(migrate, self._address, "journal")
            self._migrated = True
        return await self._address.connect()

    # ------------------------------------------------------------------ reading

    async def graph(self, graph: str) -> bytes:
        """A graph's document; raises UnknownGraph."""
        if graph in self._graphs:
            return self._graphs[graph]
        found = await self._ask(rows.GRAPH, (graph,))
        if not found:
            raise UnknownGraph(graph=graph)
        return found[0][0]

    async def read(
        self, run: str, after: int = 0, limit: int | None = None, *, previews: bool = False
    ) -> list[AnyFact]:
        """A run's facts from position `after` on, whole or with previews; raises UnknownRun, BlobLost."""
        try:
            return await read(self._ask, run, after, limit, previews=previews)
        except BlobLost:
            await self.row(run)  # It may have been deleted while we read.
            raise

    async def snapshot(self, run: str) -> bytes | None:
        """The last snapshot of a run, if there is one."""
        found = await self._ask(rows.SNAPSHOT, (rows.kept(run),))
        return found[0][0] if found else None

    async def row(self, run: str) -> RunRow:
        """A run's row; raises UnknownRun."""
        found = await self._ask(rows.ROW, (rows.kept(run),))
        if not found:
            raise UnknownRun(run=run)
        return rows.run_row(found[0])

    async def run_with(self, dedup: str) -> str:
        """The id of the run that has this `dedup` key; raises UnknownRun."""
        found = await self._ask(rows.RUN_WITH, (rows.key_of(dedup),))
        if not found:
            raise UnknownRun(run=dedup)
        return rows.told(found[0][0])

    async def rows(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        limit: int = 50,
        before: float | None = None,
        behind: str | None = None,
    ) -> list[RunRow]:
        """Runs, newest first, from behind one on; raises UnknownRun when that one is gone."""
        if behind is not None:
            await self.row(behind)
        asked = rows.rows_query(status, workflow, limit, before, behind)
        return [rows.run_row(each) for each in await self._ask(*asked)]

    async def ended_since(self, cursor: str, limit: int) -> tuple[list[RunRow], str]:
        """Ended runs from behind `cursor` on, and the cursor behind the last of them.

        An end has its place once no older transaction is under way; those are waited for a little.
        """
        after = [int(part) for part in cursor.split("/")] if cursor else [0, 0]
        settled: list[Any] = []
        for _ in range(PATIENT_LOOKS):
            found = await self._ask(rows.ENDED_SINCE, (*after, limit))
            settled = list(itertools.takewhile(lambda values: values[-1], found))
            if len(settled) == len(found):
                break
            await asyncio.sleep(LOOK_AGAIN)
        cursor = f"{settled[-1][-3]}/{settled[-1][-2]}" if settled else cursor
        return [rows.run_row(values[:-3]) for values in settled], cursor

    async def backlog(self, now: float) -> Backlog:
        """How many runs are unfinished."""
        ((queued, running, waiting, due, oldest),) = await self._ask(rows.BACKLOG, (now,))
        return Backlog(queued=queued, running=running, waiting=waiting, due=due, oldest=oldest)

    async def room(self) -> Room:
        """How much room everything takes."""
        ((size, runs, blobs, blob_bytes),) = await self._ask(postgres_blobs.ROOM)
        return Room(bytes=size, runs=runs, blobs=blobs, blob_bytes=blob_bytes)

    async def sweep(self, keep: Keep, now: float, *, dry: bool = False, give_back: bool = False) -> Swept:
        """Remove what is older than it is kept, over a connection of its own."""
        async with await self._ready() as db:
            if dry:
                return await postgres_sweep.look(db, keep, now)
            return await postgres_sweep.sweep(db, keep, now, give_back=give_back)

    async def claimable(self, now: float, limit: int = 40) -> list[str]:
        """Unfinished runs without a living owner that have something to do: left by the dead, woken, or due."""
        found = await self._ask(claims.CLAIMABLE, {"now": now, "limit": limit})
        return [rows.told(run) for (run,) in found]

    async def next_wake(self, after: float | None = None) -> float | None:
        """The earliest `wake_at` of all released runs, or of those that are due after a time."""
        return (await self._ask(claims.NEXT_WAKE, (float("-inf") if after is None else after,)))[0][0]

    async def inbox(self, run: str) -> list[InboxSignal]:
        """Signals that no fact has taken in yet, oldest first."""
        found = await self._ask(rows.INBOX, (rows.kept(run),))
        return [
            InboxSignal(rows.told(signal), rows.told(name), msgspec.json.decode(payload))
            for signal, name, payload in found
        ]

    def _ask(self, query: LiteralString, values: Any = ()) -> "asyncio.Future[Rows]":
        """Ask over the connection of the running loop: a history may be read beside the loop that drives."""
        loop = asyncio.get_running_loop()
        reader = self._readers.get(loop)
        if reader is None:
            for gone in [other for other in self._readers if other.is_closed()]:
                self._readers.pop(gone).abandon()
            reader = self._readers[loop] = PostgresReader(self._address.place, self._ready, self._membership.patience)
        return reader.ask(query, values)

    # ------------------------------------------------------------------ listening

    def on_signal(self, listener: Callable[[str | None], None]) -> None:
        """Call back when a run of ours may have new signals, with its id; or with None when a run has work and nobody
        to do it. What the carrier loses is noticed within half a second.
        """
        self._listening.add(listener)

    def _settle(self) -> None:
        """Listen, and watch our lease, on the running loop, which may be another one than before."""
        if self._listening.settle():
            self._membership.watch()

    async def _look_around(self) -> tuple[list[str], bool, float | None]:
        ((woken, work, next_wake),) = await self._ask(claims.LOOK_AROUND, (self._membership.me or "",))
        return [rows.told(run) for run in woken], work, next_wake


def _succeeded(done: "asyncio.Future[Any]") -> bool:
    return not done.cancelled() and done.exception() is None and done.result() is True
