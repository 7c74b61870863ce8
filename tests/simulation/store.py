"""The store of a simulated world: the real rules behind a wire that is slow, breaks and loses answers.

Two kinds. With *locks* (SQLite) an owner lives as long as its process. With *leases* (Postgres) it lives until somebody
who wants its runs finds its lease run out and declares it dead; it comes back as somebody else then, as in
`mulle.store.postgres_membership`. A request that was on its way when its process died may still be done.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from tests.simulation.faults import Fate, Trouble
from tests.simulation.loop import Place, SimulatedLoop
from tests.simulation.rules import Blobs, MemoryRules, Rules, SqliteRules, Standing

from mulle.engine.journal import Batch, Claim, InboxSignal, Keep, NewRun
from mulle.errors import StoreFull, StoreUnavailable

if TYPE_CHECKING:
    import asyncio

    from tests.simulation.journal import SimulatedJournal

LEASE = 6.0
"""Seconds."""
SILENCE = 0.7
"""Seconds after its last heartbeat at which the server takes a process for dead whose connection is gone."""


class Witness(Protocol):
    """Sees what the store really did, and when."""

    def created(self, run: NewRun, facts: list[bytes], blobs: Blobs, owner: str) -> None: ...
    def appended(self, batch: Batch, owner: str) -> None: ...
    def claimed(self, claim: Claim, owner: str) -> None: ...
    def released(self, run: str, owner: str) -> None: ...
    def left(self, owner: str) -> None: ...
    def looked(self, standings: Sequence[Standing]) -> None: ...
    def declared_dead(self, owner: str) -> None: ...
    def sent(self, run: str, signal: InboxSignal) -> None: ...
    def reserved(self, name: str, holder: str, most: int, per: float, at: float) -> None: ...
    def remembered(self, run: str, snapshot: bytes) -> None: ...
    def pinned(self, run: str) -> None: ...
    def swept(self, left: set[str], keep: Keep, now: float) -> None: ...
    def kept(self, blobs: set[str]) -> None: ...


@dataclass(slots=True)
class Worker:
    """An owner as a server knows it."""

    until: float
    """When its lease runs out."""
    beat: float
    """When it was last heard of."""
    named: bool = False
    """It told its session, and the server judges it by that, too."""
    killed_at: float = math.inf
    """When it is dead if it is not heard of, because its session is gone."""
    dead: bool = False


class SimulatedStore:
    """What all processes share."""

    def __init__(self, loop: SimulatedLoop, trouble: Trouble, witness: Witness, kill: Callable[[Place], None]) -> None:
        self.loop = loop
        self.trouble = trouble
        self.witness = witness
        self.kill = kill
        self.rules: Rules = MemoryRules() if trouble.leases else SqliteRules()
        self.down_until = 0.0
        self.over = False
        """The trouble has ended."""
        self.workers: dict[str, Worker] = {}
        self.journals: list[SimulatedJournal] = []
        """Those of living processes."""

    def enter(self, owner: str) -> None:
        """Let somebody new be an owner."""
        assert owner not in self.workers
        self.workers[owner] = Worker(self.loop.time() + LEASE, self.loop.time())
        self._say_who_lives()

    def beat(self, owner: str, *, named: bool) -> bool:
        """Renew a lease, and tell a session that lives; False: somebody has declared the owner dead."""
        worker = self.workers[owner]
        if not worker.dead:
            worker.beat, worker.named, worker.killed_at = self.loop.time(), named, math.inf
            worker.until = worker.beat + LEASE
        return not worker.dead

    def declare(self, me: str, *, judges: bool) -> None:
        """Find out who is dead, for somebody who wants runs; `judges`: he looks at leases, too."""
        if self.trouble.leases:
            now = self.loop.time()
            for owner, worker in self.workers.items():
                gone = worker.killed_at < now or (judges and worker.until < now)
                if owner != me and not worker.dead and gone:
                    worker.dead = True
                    self.witness.declared_dead(owner)
            self._say_who_lives()

    def silent(self, owner: str) -> None:
        """An owner's process was killed: the kernel frees its lock, and closes its connection."""
        if not self.trouble.leases:
            self.workers[owner].dead = True
        else:
            self.disconnected(owner)
        self._say_who_lives()

    def disconnected(self, owner: str) -> None:
        """An owner's connection is gone. The server looks at that if it knew it."""
        worker = self.workers[owner]
        if self.trouble.sessions and worker.named:
            worker.killed_at = worker.beat + SILENCE

    def leave(self, owner: str) -> None:
        """Let an owner go in peace."""
        self.rules.let_go(owner)
        self.workers[owner].dead = True
        self.witness.left(owner)
        self._say_who_lives()

    def _say_who_lives(self) -> None:
        self.rules.alive = {owner for owner, worker in self.workers.items() if not worker.dead}

    def look(self) -> None:
        """Show the witness what a change has come to."""
        if self.trouble.queues:
            self.witness.looked(self.rules.standings())
        if self.trouble.documents == "big_values":
            self.witness.kept(self.rules.blobs())

    def news(self, run: str | None, sender: "SimulatedJournal") -> None:
        """Tell all of a signal, and all but its sender of work."""
        for journal in self.journals:
            if run is not None or journal is not sender:
                journal.woken(run)


@dataclass(slots=True)
class Request:
    """Something that is on its way to the store."""

    what: str
    do: Callable[[], Any]
    answer: "asyncio.Future[Any]"
    fate: Fate
    done: bool = False


class Wire:
    """How one process speaks with the store: in order, and each answer may be late or lost."""

    def __init__(self, store: SimulatedStore, place: Place) -> None:
        self._store = store
        self._place = place
        self._loop = store.loop
        self._pending: list[Request] = []
        self.cut_until = 0.0
        """Nothing that is said arrives before, nor does any answer."""
        self._last_arrival: dict[str, float] = {}
        """By connection: what is written, what is read and heartbeats overtake each other."""

    def ask(self, what: str, do: Callable[[], Any]) -> "asyncio.Future[Any]":
        """Have something done; `what` is `read`, `beat`, or a change."""
        reads = what == "read"
        fate = self._store.trouble.fate(reads=reads, over=self._store.over)
        if self._place is self._loop.world:  # People do not die.
            fate = replace(fate, kills="")
        answer = self._loop.create_future()
        request = Request(what, do, answer, fate)
        if reads and not self._store.trouble.leases:
            self._arrived(request, at_once=True)
            return answer
        connection = what if what in {"read", "beat"} else "write"
        if connection == "write":
            self._pending.append(request)
        arrival = max(self._last_arrival.get(connection, 0.0), self._loop.time() + fate.there)
        self._last_arrival[connection] = arrival
        self._loop.at(self._loop.world, arrival, self._arrived, request)
        return answer

    def cut(self, chance: Any) -> None:
        """The process has died. A file's last writes are on it or not; a server may still get what was sent."""
        pending, self._pending = self._pending, []
        arrives = chance.randint(0, len(pending))
        for number, request in enumerate(pending):
            if number >= arrives:
                request.done = True
            elif not self._store.trouble.leases:
                self._outcome(request)

    def _arrived(self, request: Request, *, at_once: bool = False) -> None:
        if request.done:
            return
        fate, place = request.fate, self._place
        if self._loop.time() < self.cut_until:
            request.done = True
            self._answer(request, None, StoreUnavailable("nothing is heard of it"))
            return
        if fate.kills == "before" and place.alive:
            self._store.kill(place)
            return
        outcome, error = self._outcome(request)
        if fate.kills == "after" and place.alive:
            self._store.kill(place)
        elif at_once:
            _settle(request.answer, outcome, error)
        elif place.alive:
            self._answer(request, outcome, error)

    def _answer(self, request: Request, outcome: Any, error: BaseException | None) -> None:
        arrival = max(self._loop.time() + request.fate.back, self.cut_until)
        self._loop.at(self._place, arrival, self._heard, request, outcome, error)

    def _heard(self, request: Request, outcome: Any, error: BaseException | None) -> None:
        if self._loop.time() < self.cut_until:  # Cut off meanwhile.
            self._loop.at(self._place, self.cut_until, self._heard, request, outcome, error)
        else:
            _settle(request.answer, outcome, error)

    def _outcome(self, request: Request) -> tuple[Any, BaseException | None]:
        request.done = True
        if request in self._pending:
            self._pending.remove(request)
        if request.fate.fails == "full" and request.what != "read":
            return None, StoreFull("the disk is full")
        if request.fate.fails or self._loop.time() < self._store.down_until:
            return None, StoreUnavailable("it is locked")
        try:
            outcome = request.do()
            if request.what not in {"read", "beat"}:
                self._store.look()
        except Exception as error:  # noqa: BLE001  # The answer of the store, whatever it is.
            return None, error
        if request.fate.answer_lost:
            return None, StoreUnavailable("the connection broke")
        return outcome, None


def _settle(answer: "asyncio.Future[Any]", outcome: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(outcome)
    else:
        answer.set_exception(error)
        answer.exception()  # Who is killed in this instant does not hear of it, and need not.
