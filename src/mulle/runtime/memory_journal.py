"""The journal in memory: for tests, and for programs that want to keep nothing. No file, no thread, no clock.

Several drivers may share one: `journal.as_owner("b")` sees the same runs under another name.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from mulle.engine.blobs import wanted, whole
from mulle.engine.codec import decode, joined
from mulle.engine.facts import AnyFact
from mulle.engine.journal import (
    Backlog,
    Batch,
    Claim,
    InboxSignal,
    Keep,
    NewRun,
    Room,
    RunRow,
    Swept,
    superseded,
)
from mulle.errors import JournalConflict, RunUnfinished, StoreUnavailable, UnknownGraph, UnknownRun
from mulle.runtime.memory_shelf import Kept, Shelf, place


class MemoryJournal:
    """Keeps runs, facts, graphs and the inbox for as long as someone holds it."""

    has_leases = True

    def __init__(self, owner: str = "memory", *, _shelf: Shelf | None = None) -> None:
        self._owner = owner
        self._shelf = _shelf or Shelf()
        self._shelf.living.add(owner)

    def as_owner(self, owner: str) -> "MemoryJournal":
        """The same runs, seen by another driver."""
        return MemoryJournal(owner, _shelf=self._shelf)

    def die(self) -> None:
        """Be dead without having let go of anything, as after `kill -9`."""
        shelf = self._shelf
        shelf.living.discard(self._owner)
        shelf.listeners = [(owner, listener) for owner, listener in shelf.listeners if owner != self._owner]

    # ------------------------------------------------------------------ writing

    def save_graph(self, graph: str, document: bytes) -> None:
        """Keep a graph under its content hash; again is nothing."""
        self._shelf.graphs.setdefault(graph, document)

    def create(
        self, run: NewRun, facts: list[bytes], blobs: Mapping[str, Sequence[bytes]] | None = None
    ) -> Awaitable[bool]:
        """Write a run's row, claimed by this owner at epoch 1, with its first facts. False: its `dedup` exists."""
        return _answered(lambda: self._create(run, facts, blobs or {}))

    def _create(self, run: NewRun, facts: list[bytes], blobs: Mapping[str, Sequence[bytes]]) -> bool:
        shelf = self._shelf
        if run.dedup is not None and run.dedup in shelf.dedup:
            return False
        if run.is_child and (parent := shelf.runs.get(run.parent or "")) and parent.row.ended is not None:
            return False
        if run.id in shelf.runs:
            raise StoreUnavailable(f"there is a run '{run.id}' already")
        waits = run.waits_its_turn
        row = RunRow(
            id=run.id,
            workflow=run.workflow,
            graph=run.graph,
            status="queued" if waits else "running",
            created=run.created,
            head=len(facts),
            epoch=0 if waits else 1,
            owner=None if waits else self._owner,
            parent=run.parent,
            forked=run.forked,
            session=run.session,
        )
        shelf.created += 1
        shelf.blobs.keep(run.id, blobs)
        shelf.runs[run.id] = Kept(row, shelf.created, list(facts))
        if run.dedup is not None:
            shelf.dedup[run.dedup] = run.id
        if waits:
            self._let_in(run, shelf.runs[run.id])
        return True

    def _let_in(self, run: NewRun, kept: Kept) -> None:
        """Say when a run that waits its turn may begin: now, when others make room, or after a pause."""
        shelf = self._shelf
        shelf.queues.enter(run.id, run.queues, run.priority)
        if run.debounce is None:
            kept.change(wake_at=run.created if shelf.queues.take(run.id) else None)
            return
        earlier = {older: since for older, (key, since) in shelf.debounced.items() if key == run.debounce.key}
        since = min(earlier.values(), default=run.created)
        begins = run.created + run.debounce.wait
        if run.debounce.at_most is not None:
            begins = min(begins, since + run.debounce.at_most)
        kept.change(wake_at=begins)
        shelf.debounced[run.id] = (run.debounce.key, since)
        for older in earlier:
            del shelf.debounced[older]
            self._send(older, superseded(older, run.id))

    def _leave(self, run: str) -> None:
        """Give a run's places in its queues to whoever is next."""
        for following in self._shelf.queues.leave(run):
            kept = self._shelf.runs[following]
            if kept.row.owner is None:
                kept.change(wake_at=0.0)

    def append(self, batch: Batch) -> Awaitable[None]:
        """Write facts; raises JournalConflict."""
        return _answered(lambda: self._append(batch))

    def _append(self, batch: Batch) -> None:
        kept = self._shelf.runs.get(batch.run)
        if kept is None or not self._holds(kept, batch.epoch) or kept.row.head != batch.after:
            raise JournalConflict(run=batch.run)
        self._shelf.blobs.keep(batch.run, batch.blobs)
        kept.facts += batch.facts
        kept.change(head=len(kept.facts))
        if batch.alive:
            kept.change(deaths=0)
        for signal in batch.consumed:
            if signal in kept.inbox:
                kept.inbox[signal] = None
        if batch.status is not None:
            kept.change(status=batch.status, detail=batch.detail)
        if batch.ended is not None:
            kept.change(status=batch.status or "succeeded", detail=batch.detail, ended=batch.ended, owner=None)
            self._shelf.ended += 1
            kept.ending = self._shelf.ended
            self._leave(batch.run)
            self._shelf.queues.forget(batch.run)
        for run, signal in batch.signals:
            if run in self._shelf.runs:
                self._send(run, signal)

    async def claim(self, run: str) -> Claim | None:
        """Become the writer of a run that has no living owner, and a place in its queues."""
        kept = self._kept(run)
        owner = kept.row.owner
        if kept.row.ended is not None or owner in self._shelf.living:
            return None
        if owner is None and not self._shelf.queues.take(run) and not kept.is_to_be_cancelled:
            kept.change(status="queued", wake_at=None)
            return None
        self._shelf.debounced.pop(run, None)
        row = kept.change(status="running", owner=self._owner, epoch=kept.row.epoch + 1, wake_at=None)
        return Claim(row=row, unclean=owner is not None)

    async def claim_due(self, now: float, limit: int = 40, besides: Collection[str] = ()) -> list[Claim]:
        """Become the writer of runs that are claimable, as many at a time."""
        due = [run for run in await self.claimable(now, limit + len(besides)) if run not in besides]
        claims = [await self.claim(run) for run in due[:limit]]
        return [claim for claim in claims if claim is not None]

    async def claim_again(self, besides: Collection[str]) -> list[Claim]:
        """Claim what is ours already, but for what is known to be."""
        ours = [kept for kept in self._shelf.runs.values() if kept.row.owner == self._owner]
        unknown = [kept for kept in ours if kept.row.id not in besides]
        return [Claim(row=kept.change(epoch=kept.row.epoch + 1), unclean=False) for kept in unknown]

    def holds(self) -> bool:
        """What we claimed is ours for as long as we live."""
        return self._owner in self._shelf.living

    async def confirmed(self) -> bool:
        """As little is to be asked."""
        return self.holds()

    def on_loss(self, listener: Callable[[], None]) -> None:
        """Nothing is ever lost: there are no leases here."""

    async def release(self, run: str, epoch: int, wake_at: float | None) -> bool:
        """Let go of a run; its status becomes `waiting`. False, and still ours, when a signal came meanwhile."""
        kept = self._shelf.runs.get(run)
        if kept is not None and kept.row.ended is not None and kept.row.epoch == epoch:
            return True
        if kept is None or not self._holds(kept, epoch):
            raise JournalConflict(run=run)
        if kept.woken:
            return False
        kept.change(status="waiting", owner=None, wake_at=wake_at)
        self._leave(run)
        self._tell(None)
        return True

    async def reserve(self, name: str, holder: str, most: int, per: float, now: float) -> float:
        """When `holder` may use an allowance of `most` uses in every `per` seconds, shared by all who name it."""
        return self._shelf.allowances.reserve(name, holder, most, per, now)

    async def enter(self, kind: str, holder: str, most: int) -> bool:
        """Whether `holder` may be at work as one of `most` of its kind."""
        return self._shelf.at_work.enter(kind, self._owner, holder, most, self._shelf.living)

    def leave(self, kind: str, holder: str) -> None:
        """Give the place back."""
        self._shelf.at_work.leave(kind, self._owner, holder)

    async def count_death(self, run: str, epoch: int, known: int) -> int:
        """Note that the last driver died with nodes in flight, after `known` others; gives the new count."""
        kept = self._shelf.runs.get(run)
        if kept is None or not self._holds(kept, epoch):
            raise JournalConflict(run=run)
        return kept.change(deaths=known + 1).deaths

    async def send(self, run: str, signal: InboxSignal) -> bool:
        """Put a signal into a run's inbox. False: that id was sent to it before."""
        self._kept(run)
        return self._send(run, signal)

    def _send(self, run: str, signal: InboxSignal) -> bool:
        inbox = self._shelf.runs[run].inbox
        if signal.id in inbox:
            return False
        inbox[signal.id] = (signal.name, msgspec.json.encode(signal.payload))
        self._tell(run)
        return True

    async def pin(self, run: str, *, pinned: bool) -> None:
        """Keep a run for ever, or let it grow old again. Raises UnknownRun."""
        self._kept(run).change(pinned=pinned)

    async def sweep(self, keep: Keep, now: float, *, dry: bool = False, give_back: bool = False) -> Swept:
        """Remove ended runs that are older than they are kept. Nothing is packed, and all room is given back anyway."""
        del give_back
        old = self._shelf.old(keep, now)
        before = await self.room()
        if not dry:
            for run in old:
                await self.delete(run)
        room = await self.room()
        return Swept(runs=len(old), blobs=before.blobs - room.blobs, freed=before.bytes - room.bytes, room=room)

    async def delete(self, run: str) -> None:
        """Remove an ended run, and its graph if no other run follows it. Raises UnknownRun, RunUnfinished."""
        shelf, kept = self._shelf, self._kept(run)
        if kept.row.ended is None:
            raise RunUnfinished(run=run)
        del shelf.runs[run]
        shelf.blobs.forget(run)
        shelf.dedup = {key: other for key, other in shelf.dedup.items() if other != run}
        if all(other.row.graph != kept.row.graph for other in shelf.runs.values()):
            shelf.graphs.pop(kept.row.graph, None)

    async def close(self) -> None:
        """Let go of every run that is still ours; the others go on with them. The shelf stays."""
        self.die()
        for kept in self._shelf.runs.values():
            if kept.row.owner == self._owner:
                kept.change(status="waiting", owner=None, wake_at=0.0)

    # ------------------------------------------------------------------ reading

    async def graph(self, graph: str) -> bytes:
        """A graph's document; raises UnknownGraph."""
        if graph not in self._shelf.graphs:
            raise UnknownGraph(graph=graph)
        return self._shelf.graphs[graph]

    async def read(
        self, run: str, after: int = 0, limit: int | None = None, *, previews: bool = False
    ) -> list[AnyFact]:
        """A run's facts from position `after` on, whole or with previews; raises UnknownRun, BlobLost."""
        facts = decode(joined(self._kept(run).facts[after:][:limit]))
        names = {ref.hash for fact in facts if fact.blobs for ref in wanted(fact, previews=previews)}
        values = {name: self._shelf.blobs.value(name) for name in names}
        return [whole(fact, values.__getitem__, previews=previews) if fact.blobs else fact for fact in facts]

    def save_snapshot(self, run: str, data: bytes) -> None:
        """Keep the fold of a run's facts so far, instead of an earlier one."""
        if run in self._shelf.runs:
            self._shelf.runs[run].snapshot = data

    async def snapshot(self, run: str) -> bytes | None:
        """The last snapshot of a run, if there is one."""
        kept = self._shelf.runs.get(run)
        return kept.snapshot if kept else None

    async def row(self, run: str) -> RunRow:
        """A run's row; raises UnknownRun."""
        return self._kept(run).row

    async def run_with(self, dedup: str) -> str:
        """The id of the run that has this `dedup` key; raises UnknownRun."""
        if dedup not in self._shelf.dedup:
            raise UnknownRun(run=dedup)
        return self._shelf.dedup[dedup]

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
        last = None if behind is None else place(self._kept(behind))
        found = [
            kept
            for kept in self._shelf.runs.values()
            if status in {None, kept.row.status}
            and workflow in {None, kept.row.workflow}
            and (before is None or kept.row.created < before)
            and (last is None or place(kept) < last)
        ]
        found.sort(key=place, reverse=True)
        return [kept.row for kept in found[: max(0, limit)]]

    async def ended_since(self, cursor: str, limit: int) -> tuple[list[RunRow], str]:
        """Ended runs from behind `cursor` on, and the cursor behind the last of them."""
        after = int(cursor or 0)
        behind = [(kept.ending, kept.row) for kept in self._shelf.runs.values() if kept.ending and kept.ending > after]
        found = sorted(behind, key=lambda one: one[0])[:limit]
        return [row for _, row in found], str(found[-1][0]) if found else cursor

    async def backlog(self, now: float) -> Backlog:
        """How many runs are unfinished."""
        unfinished = [kept for kept in self._shelf.runs.values() if kept.row.ended is None]
        waiting = [kept for kept in unfinished if kept.row.status == "waiting"]
        queued = sum(kept.row.status == "queued" for kept in unfinished)
        due = [kept for kept in waiting if kept.woken or (kept.row.wake_at is not None and kept.row.wake_at <= now)]
        return Backlog(
            queued=queued,
            running=len(unfinished) - len(waiting) - queued,
            waiting=len(waiting),
            due=len(due),
            oldest=min((kept.row.created for kept in unfinished), default=None),
        )

    async def claimable(self, now: float, limit: int = 40) -> list[str]:
        """Unfinished runs without a living owner that have something to do: left by the dead, woken, or due."""
        unfinished = [kept for kept in self._shelf.runs.values() if kept.row.ended is None]
        left = [kept for kept in unfinished if kept.row.owner is not None and kept.row.owner not in self._shelf.living]
        woken = [kept for kept in unfinished if kept.row.owner is None and kept.hears]
        due = [kept for kept in unfinished if kept.row.wake_at is not None and kept.row.wake_at <= now]
        due.sort(key=lambda kept: kept.row.wake_at or 0.0)
        return list(dict.fromkeys(kept.row.id for kept in [*left, *woken, *due]))[:limit]

    async def next_wake(self, after: float | None = None) -> float | None:
        """The earliest `wake_at` of all released runs, or of those that are due after a time."""
        times = (kept.row.wake_at for kept in self._shelf.runs.values() if kept.row.ended is None)
        later = (time for time in times if time is not None and (after is None or time > after))
        return min(later, default=None)

    async def inbox(self, run: str) -> list[InboxSignal]:
        """Signals that no fact has taken in yet, oldest first."""
        kept = self._shelf.runs.get(run)
        waiting = kept.inbox.items() if kept else ()
        return [
            InboxSignal(signal, each[0], msgspec.json.decode(each[1])) for signal, each in waiting if each is not None
        ]

    async def room(self) -> Room:
        """How much room everything takes; what Python itself needs for it is not counted."""
        shelf = self._shelf
        blobs = shelf.blobs.size
        facts = sum(len(fact) for kept in shelf.runs.values() for fact in kept.facts)
        graphs = sum(map(len, shelf.graphs.values()))
        return Room(bytes=blobs + facts + graphs, runs=len(shelf.runs), blobs=len(shelf.blobs), blob_bytes=blobs)

    # ------------------------------------------------------------------ inside

    def on_signal(self, listener: Callable[[str | None], None]) -> None:
        """Call back when a run may have new signals, or with None when another owner changed what is due."""
        self._shelf.listeners.append((self._owner, listener))

    def _tell(self, run: str | None) -> None:
        """Signals are told to all; a change of what is due only to the others."""
        for owner, listener in list(self._shelf.listeners):
            if run is not None or owner != self._owner:
                listener(run)

    def _kept(self, run: str) -> Kept:
        if run not in self._shelf.runs:
            raise UnknownRun(run=run)
        return self._shelf.runs[run]

    def _holds(self, kept: Kept, epoch: int) -> bool:
        return kept.row.ended is None and kept.row.epoch == epoch and kept.row.owner == self._owner


def _answered(write: Callable[[], Any]) -> "asyncio.Future[Any]":
    """Done at once; the answer comes as a future, as from any journal."""
    future = asyncio.get_running_loop().create_future()
    try:
        future.set_result(write())
    except (JournalConflict, StoreUnavailable) as error:
        future.set_exception(error)
    return future
