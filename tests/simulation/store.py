"""The store of a simulated world: the real MemoryJournal behind a wire that is slow, breaks and loses answers.

Two kinds. With *locks* (SQLite) an owner lives as long as its process. With *leases* (Postgres) it lives until its
lease has run out, whatever its process does; a request that was on its way when its process died may still be done.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from tests.simulation.faults import Fate, Trouble
from tests.simulation.loop import Place, SimulatedLoop

from mulle.engine.facts import AnyFact
from mulle.engine.journal import Batch, Claim, InboxSignal, NewRun, RunRow
from mulle.errors import StoreError, StoreFull, StoreUnavailable
from mulle.runtime.memory_journal import MemoryJournal

LEASE = 6.0
"""Seconds."""
POLL = 0.5
"""Seconds after which a lost wake-up is made good for."""


class Witness(Protocol):
    """Sees what the store really did, and when."""

    def created(self, run: NewRun, facts: list[bytes], owner: str) -> None: ...
    def appended(self, batch: Batch, owner: str) -> None: ...
    def claimed(self, claim: Claim, owner: str) -> None: ...
    def sent(self, run: str, signal: InboxSignal) -> None: ...


@dataclass(slots=True)
class Request:
    """Something that is on its way to the store."""

    what: str
    do: Callable[[], Any]
    answer: "asyncio.Future[Any]"
    fate: Fate
    done: bool = False


class SimulatedStore:
    """What all processes share."""

    def __init__(self, loop: SimulatedLoop, trouble: Trouble, witness: Witness, kill: Callable[[Place], None]) -> None:
        self.loop = loop
        self.trouble = trouble
        self.witness = witness
        self.kill = kill
        self.root = MemoryJournal("nobody")
        self.down_until = 0.0
        self.over = False
        """The trouble has ended."""
        self.leases: dict[str, float] = {}
        """Until when each owner lives."""

    def living(self) -> None:
        """Let owners be dead whose lease has run out."""
        if self.trouble.leases:
            now = self.loop.time()
            self.leases = {owner: until for owner, until in self.leases.items() if until > now}
            self.root._shelf.living = set(self.leases)


class SimulatedJournal:
    """The store as one process sees it. See `mulle.engine.journal.Journal`."""

    def __init__(self, store: SimulatedStore, place: Place, owner: str, now: Callable[[], float]) -> None:
        """Open the store. `now`: when the process began to live, by the loop's time."""
        self._store = store
        self._place = place
        self.owner = owner
        self._loop = store.loop
        self._memory = store.root.as_owner(owner)
        self._pending: list[Request] = []
        self._last_arrival = 0.0
        self._listener: Callable[[str | None], None] | None = None
        self._lost: Callable[[], None] | None = None
        self.lease_until = now() + LEASE
        """Until when this process may take itself for alive."""
        store.leases[owner] = now() + LEASE
        self._memory.on_signal(self._woken)
        self._closed = False
        if store.trouble.leases:
            self._loop.spawn(place, self._stay_alive())
            if store.trouble.wakeup_lost:
                self._loop.spawn(place, self._poll())

    # ------------------------------------------------------------------ the wire

    def _ask(self, what: str, do: Callable[[], Any], *, reads: bool = False) -> "asyncio.Future[Any]":
        fate = self._store.trouble.fate(reads=reads, over=self._store.over)
        answer = self._loop.create_future()
        request = Request(what, do, answer, fate)
        if reads and not self._store.trouble.leases:
            self._arrived(request, at_once=True)
            return answer
        self._pending.append(request)
        self._last_arrival = max(self._last_arrival, self._loop.time() + fate.there)
        self._loop.at(self._loop.world, self._last_arrival, self._arrived, request)
        return answer

    def _arrived(self, request: Request, *, at_once: bool = False) -> None:
        if request.done:
            return
        fate, place = request.fate, self._place
        if fate.kills == "before" and place.alive:
            self._store.kill(place)
            return
        outcome, error = self._outcome(request)
        if fate.kills == "after" and place.alive:
            self._store.kill(place)
        elif at_once:
            _settle(request.answer, outcome, error)
        elif place.alive:
            self._loop.at(place, self._loop.time() + fate.back, _settle, request.answer, outcome, error)

    def _outcome(self, request: Request) -> tuple[Any, BaseException | None]:
        request.done = True
        if request in self._pending:
            self._pending.remove(request)
        if request.fate.fails == "full" and request.what != "read":
            return None, StoreFull("the disk is full")
        if request.fate.fails or self._loop.time() < self._store.down_until:
            return None, StoreUnavailable("it is locked")
        self._store.living()
        try:
            outcome = _at_once(request.do())
        except Exception as error:  # noqa: BLE001  # The answer of the store, whatever it is.
            return None, error
        if request.fate.answer_lost:
            return None, StoreUnavailable("the connection broke")
        return outcome, None

    def cut(self, chance: Any) -> None:
        """The process has died. A file's last writes are on it or not; a server may still get what was sent."""
        pending, self._pending = self._pending, []
        arrives = chance.randint(0, len(pending))
        for number, request in enumerate(pending):
            if number >= arrives:
                request.done = True
            elif not self._store.trouble.leases:
                self._outcome(request)
        shelf = self._store.root._shelf
        shelf.listeners = [(owner, listener) for owner, listener in shelf.listeners if owner != self.owner]
        if not self._store.trouble.leases:
            shelf.living.discard(self.owner)

    # ------------------------------------------------------------------ wake-ups and leases

    def on_signal(self, listener: Callable[[str | None], None]) -> None:
        self._listener = listener

    def _woken(self, run: str | None) -> None:
        """The store has news for us: they come late, twice or never."""
        trouble, chance = self._store.trouble, self._store.trouble.chance("wakeups")
        times = 1
        if not self._store.over:
            times = 0 if chance.random() < trouble.wakeup_lost else 1 + (chance.random() < trouble.wakeup_doubled)
        if run is None and trouble.wakeup_lost == 0:
            times = 1
        for _ in range(times):
            self._loop.at(self._place, self._loop.time() + chance.random() * 0.1, self._tell, run)

    def _tell(self, run: str | None) -> None:
        if self._listener is not None and not self._closed:
            self._listener(run)

    def holds(self) -> bool:
        """Whether our lease holds by what we know: it began before we asked for it."""
        return not self._store.trouble.leases or self._loop.time() < self.lease_until

    def on_loss(self, listener: Callable[[], None]) -> None:
        self._lost = listener

    async def _poll(self) -> None:
        while not self._closed:
            await asyncio.sleep(POLL)
            for kept in list(self._store.root._shelf.runs.values()):
                if kept.woken and kept.row.owner in {None, self.owner}:
                    self._tell(kept.row.id if kept.row.owner else None)

    async def _stay_alive(self) -> None:
        while not self._closed:
            await asyncio.sleep(LEASE / 4)
            if not self.holds() and self._lost is not None:
                self._lost()
            sent = self._loop.time()
            try:
                await self._ask("beat", self._beat)
            except StoreError:
                continue
            self.lease_until = sent + LEASE

    def _beat(self) -> None:
        self._store.leases[self.owner] = self._loop.time() + LEASE

    # ------------------------------------------------------------------ the protocol

    def save_graph(self, graph: str, document: bytes) -> None:
        self._memory.save_graph(graph, document)

    async def graph(self, graph: str) -> bytes:
        return await self._ask("read", lambda: self._memory.graph(graph), reads=True)

    def create(
        self, run: NewRun, facts: list[bytes], blobs: Mapping[str, Sequence[bytes]] | None = None
    ) -> Awaitable[bool]:
        def create() -> bool:
            created: bool = _at_once(self._memory.create(run, facts, blobs))
            if created:
                self._store.witness.created(run, facts, self.owner)
            return created

        return self._ask("create", create)

    async def run_with(self, dedup: str) -> str:
        return await self._ask("read", lambda: self._memory.run_with(dedup), reads=True)

    def append(self, batch: Batch) -> Awaitable[None]:
        def append() -> None:
            _at_once(self._memory.append(batch))
            self._store.witness.appended(batch, self.owner)

        return self._ask("append", append)

    async def read(
        self, run: str, after: int = 0, limit: int | None = None, *, previews: bool = False
    ) -> list[AnyFact]:
        return await self._ask("read", lambda: self._memory.read(run, after, limit, previews=previews), reads=True)

    def save_snapshot(self, run: str, data: bytes) -> None:
        self._memory.save_snapshot(run, data)

    async def snapshot(self, run: str) -> bytes | None:
        return await self._ask("read", lambda: self._memory.snapshot(run), reads=True)

    async def row(self, run: str) -> RunRow:
        return await self._ask("read", lambda: self._memory.row(run), reads=True)

    async def claim(self, run: str) -> Claim | None:
        def claim() -> Claim | None:
            found: Claim | None = _at_once(self._memory.claim(run))
            if found is not None:
                self._store.witness.claimed(found, self.owner)
            return found

        return await self._ask("claim", claim)

    async def claimable(self, now: float, limit: int = 40) -> list[str]:
        return await self._ask("read", lambda: self._memory.claimable(now, limit), reads=True)

    async def claim_due(self, now: float, limit: int = 40, besides: Collection[str] = ()) -> list[Claim]:
        def claim_due() -> list[Claim]:
            due: list[str] = _at_once(self._memory.claimable(now, limit + len(besides)))
            found = [_at_once(self._memory.claim(run)) for run in due if run not in besides]
            for claim in found:
                self._store.witness.claimed(claim, self.owner)
            return found

        return await self._ask("claim", claim_due)

    async def claim_again(self, besides: Collection[str]) -> list[Claim]:
        def claim_again() -> list[Claim]:
            found: list[Claim] = _at_once(self._memory.claim_again(besides))
            for claim in found:
                self._store.witness.claimed(claim, self.owner)
            return found

        return await self._ask("claim", claim_again)

    async def next_wake(self, after: float | None = None) -> float | None:
        return await self._ask("read", lambda: self._memory.next_wake(after), reads=True)

    async def release(self, run: str, epoch: int, wake_at: float | None) -> bool:
        return await self._ask("release", lambda: self._memory.release(run, epoch, wake_at))

    async def count_death(self, run: str, epoch: int, known: int) -> int:
        return await self._ask("count", lambda: self._memory.count_death(run, epoch, known))

    async def send(self, run: str, signal: InboxSignal) -> bool:
        def send() -> bool:
            sent: bool = _at_once(self._memory.send(run, signal))
            if sent:
                self._store.witness.sent(run, signal)
            return sent

        return await self._ask("send", send)

    async def inbox(self, run: str) -> list[InboxSignal]:
        return await self._ask("read", lambda: self._memory.inbox(run), reads=True)

    async def close(self) -> None:
        def close() -> None:
            _at_once(self._memory.close())
            self._store.leases.pop(self.owner, None)

        with contextlib.suppress(StoreError):  # As good as dead, then.
            await self._ask("close", close)
        self._closed = True


def _settle(answer: "asyncio.Future[Any]", outcome: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(outcome)
    else:
        answer.set_exception(error)


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
