"""The simulated store as one process sees it, with its place among the workers. See `mulle.engine.journal.Journal`."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from tests.simulation.loop import Place
from tests.simulation.rules import Slice
from tests.simulation.store import LEASE, SimulatedStore, Wire

from mulle.engine.facts import AnyFact
from mulle.engine.journal import Batch, Claim, InboxSignal, Keep, NewRun, RunRow
from mulle.errors import StoreError
from mulle.store.postgres_lease import HEARTBEAT, MARGIN, SLOW, SURE

POLL = 0.5
"""Seconds after which a lost wake-up is made good for."""


class SimulatedJournal:
    """What a runtime knows as its journal."""

    has_leases = True

    def __init__(self, store: SimulatedStore, place: Place, name: str) -> None:
        self._store = store
        self._rules = store.rules
        self._place = place
        self._loop = store.loop
        self._wire = Wire(store, place)
        self._ask = self._wire.ask
        self.owner = name
        """Who we are: somebody else each time that we were declared dead."""
        self._listener: Callable[[str | None], None] | None = None
        self._loser: Callable[[], None] | None = None
        self._lost = self._dead = self._closed = self._leaving = False
        self._entering = asyncio.Lock()
        self._graphs: dict[str, bytes] = {}
        store.enter(name)
        store.journals.append(self)
        self.lease_until = self.sure_until = self._loop.time() + LEASE * (1 - MARGIN)
        """Until when this process may take itself for alive, and until when it is sure."""
        self._quick = True
        self._back = -math.inf
        """When we were in touch again after we had not been."""
        self._beating: asyncio.Task[None] | None = None
        self._next_wake: float | None = None
        if store.trouble.leases:
            self._loop.spawn(place, self._stay_alive())
            if store.trouble.wakeup_lost:
                self._loop.spawn(place, self._poll())

    def cut(self, chance: Any) -> None:
        """The process has died."""
        self._wire.cut(chance)
        self._closed = True
        if self in self._store.journals:
            self._store.journals.remove(self)
        if not self._store.workers[self.owner].dead:
            self._store.silent(self.owner)

    def cut_off(self, until: float) -> None:
        """A black hole: the store sees our connection end, and we hear nothing for a while, not even that."""
        self._wire.cut_until = until
        self._store.disconnected(self.owner)

    def mend(self) -> None:
        self._wire.cut_until = 0.0

    # ------------------------------------------------------------------ wake-ups

    def on_signal(self, listener: Callable[[str | None], None]) -> None:
        self._listener = listener

    def woken(self, run: str | None) -> None:
        """The store has news for us: they come late, twice or never."""
        trouble, chance = self._store.trouble, self._store.trouble.chance("wakeups")
        times = 1
        if not self._store.over:
            times = 0 if chance.random() < trouble.wakeup_lost else 1 + (chance.random() < trouble.wakeup_doubled)
        for _ in range(times):
            self._loop.at(self._place, self._loop.time() + chance.random() * 0.1, self._tell, run)

    def _tell(self, run: str | None) -> None:
        if self._listener is not None and not self._closed:
            self._listener(run)

    async def _poll(self) -> None:
        while not self._closed:
            await asyncio.sleep(POLL)
            for run in self._rules.woken(self.owner):
                self._tell(run)
            before, self._next_wake = self._next_wake, self._rules.next_wake(None)
            if self._rules.has_work() or self._next_wake != before:
                self._tell(None)

    # ------------------------------------------------------------------ our place among the workers

    def holds(self) -> bool:
        """Whether what we claimed is ours for sure by what we know: all is counted from before we asked for it."""
        return not self._store.trouble.leases or (not self._dead and self._loop.time() < self.sure_until)

    async def confirmed(self) -> bool:
        owner = self.owner
        while owner == self.owner and not (self.holds() or self._is_lost()):
            if self._beating is None or self._beating.done():
                self._beating = asyncio.create_task(self._beat(owner))
            await asyncio.wait([self._beating], timeout=max(0.0, self.lease_until - self._loop.time()))
        return owner == self.owner and self.holds()

    def _declare(self, me: str) -> None:
        self._store.declare(me, judges=self._loop.time() - self._back >= LEASE)

    def _is_lost(self) -> bool:
        return self._dead or self._loop.time() >= self.lease_until

    def on_loss(self, listener: Callable[[], None]) -> None:
        self._loser = listener

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            if self._loser is not None:
                self._loser()

    async def _stay_alive(self) -> None:
        while not self._closed:
            if self._is_lost():
                self._lose()
            elif self._lost:
                self._lost = False
                self._tell(None)
            if not self._dead:
                await self._beat(self.owner)
            await asyncio.sleep(HEARTBEAT)

    async def _beat(self, owner: str) -> None:
        sent, named = self._loop.time(), self._quick
        if named:
            self.sure_until = min(self.sure_until, sent + SURE)
        with contextlib.suppress(StoreError):
            lives = await self._ask("beat", lambda: self._store.beat(owner, named=named))
            if owner == self.owner:
                self._dead, self._quick = not lives, self._loop.time() - sent < SLOW
                if lives:
                    if self._is_lost():
                        self._back = self._loop.time()
                    self.lease_until = sent + LEASE * (1 - MARGIN)
                    self.sure_until = sent + SURE if named else self.lease_until

    async def _change(self, what: str, do: Callable[[str], Any]) -> Any:
        """Have something changed by us, as somebody new if we were declared dead."""
        async with self._entering:
            owner = self.owner
            if not (self.holds() or self._dead):
                self._dead = await self._ask("look", lambda: self._store.workers[owner].dead)
            if self._dead and not self._leaving:
                await self._enter(f"{owner}'")
            owner = self.owner
            changed = self._ask(what, lambda: do(owner))
        return await changed

    async def _enter(self, owner: str) -> None:
        sent = self._loop.time()
        if owner not in self._store.workers:  # Or the answer to that was lost.
            await self._ask("enter", lambda: self._store.enter(owner))
        self._lost = False  # What was claimed since the loss is lost as well.
        self._lose()
        self.owner, self._dead, self._lost, self._back = owner, False, False, self._loop.time()
        self.lease_until = self.sure_until = sent + LEASE * (1 - MARGIN)

    # ------------------------------------------------------------------ what is written

    def save_graph(self, graph: str, document: bytes) -> None:
        """As the journals do it: again is nothing, and what could not be written goes with its run."""
        if graph in self._graphs:
            return
        self._graphs[graph] = document
        self._ask("graph", lambda: self._rules.save_graph(graph, document))

    def save_snapshot(self, run: str, data: bytes) -> None:
        def save() -> None:
            self._rules.save_snapshot(run, data)
            self._store.witness.remembered(run, data)

        self._ask("snapshot", save)

    async def create(self, run: NewRun, facts: list[bytes], blobs: Mapping[str, Sequence[bytes]] | None = None) -> bool:
        document = self._graphs.get(run.graph)

        def create(me: str) -> bool:
            created = self._rules.create(me, run, facts, blobs or {}, document)
            if created:
                self._store.witness.created(run, facts, blobs or {}, me)
                if run.waits_its_turn:
                    self._store.news(None, self)
            return created

        return await self._change("create", create)

    async def append(self, batch: Batch) -> None:
        def append(me: str) -> None:
            self._rules.append(me, batch)
            self._store.witness.appended(batch, me)
            for run, _ in batch.signals:
                self._store.news(run, self)
            if batch.ended is not None:
                self._store.news(None, self)

        await self._change("append", append)

    async def claim(self, run: str) -> Claim | None:
        def claim(me: str) -> Claim | None:
            self._declare(me)
            return next(iter(self._seen([self._rules.claim(me, run)], me)), None)

        return await self._change("claim", claim)

    async def claim_due(self, now: float, limit: int = 40, besides: Collection[str] = ()) -> list[Claim]:
        def claim_due(me: str) -> list[Claim]:
            self._declare(me)
            return self._seen(self._rules.claim_due(me, now, limit, besides), me)

        return await self._change("claim", claim_due)

    async def claim_again(self, besides: Collection[str]) -> list[Claim]:
        return await self._change("claim", lambda me: self._seen(self._rules.claim_again(me, besides), me))

    def _seen(self, claims: Sequence[Claim | None], me: str) -> list[Claim]:
        found = [claim for claim in claims if claim is not None]
        for claim in found:
            self._store.witness.claimed(claim, me)
        return found

    async def release(self, run: str, epoch: int, wake_at: float | None) -> bool:
        def release(me: str) -> bool:
            released = self._rules.release(me, run, epoch, wake_at)
            if released:
                self._store.witness.released(run, me)
                self._store.news(None, self)
            return released

        return await self._change("release", release)

    async def count_death(self, run: str, epoch: int, known: int) -> int:
        return await self._change("count", lambda me: self._rules.count_death(me, run, epoch, known))

    async def reserve(self, name: str, holder: str, most: int, per: float, now: float) -> float:
        def reserve(_: str) -> float:
            at = self._rules.reserve(name, holder, most, per, now)
            self._store.witness.reserved(name, holder, most, per, at)
            return at

        return await self._change("reserve", reserve)

    async def enter(self, kind: str, holder: str, most: int) -> bool:
        """Yes: what a process counts for itself is simulated, what all share is not."""
        del kind, holder, most
        return True

    def leave(self, kind: str, holder: str) -> None:
        """As little."""

    async def send(self, run: str, signal: InboxSignal) -> bool:
        def send(_: str) -> bool:
            sent = self._rules.send(run, signal)
            if sent:
                self._store.witness.sent(run, signal)
                self._store.news(run, self)
            return sent

        return await self._change("send", send)

    async def pin(self, run: str) -> None:
        """Keep a run for ever."""

        def pin(_: str) -> None:
            self._rules.pin(run)
            self._store.witness.pinned(run)

        await self._change("pin", pin)

    async def sweep(self, keep: Keep, now: float) -> None:
        """Remove what is older than it is kept, slice by slice."""
        for some in await self._ask("sweep", lambda: self._rules.sweep(keep, now)):

            def one(some: Slice = some) -> bool:
                more = some()
                self._store.witness.swept(self._rules.runs(), keep, now)
                return more

            while await self._ask("sweep", one):
                pass

    async def close(self) -> None:
        def leave(me: str) -> None:
            self._store.leave(me)
            self._store.news(None, self)

        self._leaving = True
        try:
            await self._change("close", leave)
        except StoreError:  # As good as dead, then.
            self._store.witness.declared_dead(self.owner)
        self._closed = True

    # ------------------------------------------------------------------ what is read

    async def graph(self, graph: str) -> bytes:
        return await self._ask("read", lambda: self._rules.graph(graph))

    async def run_with(self, dedup: str) -> str:
        return await self._ask("read", lambda: self._rules.run_with(dedup))

    async def read(
        self, run: str, after: int = 0, limit: int | None = None, *, previews: bool = False
    ) -> list[AnyFact]:
        del previews
        return await self._ask("read", lambda: self._rules.read(run, after, limit))

    async def snapshot(self, run: str) -> bytes | None:
        return await self._ask("read", lambda: self._rules.snapshot(run))

    async def row(self, run: str) -> RunRow:
        return await self._ask("read", lambda: self._rules.row(run))

    async def next_wake(self, after: float | None = None) -> float | None:
        return await self._ask("read", lambda: self._rules.next_wake(after))

    async def inbox(self, run: str) -> list[InboxSignal]:
        return await self._ask("read", lambda: self._rules.inbox(run))
