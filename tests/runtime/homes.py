"""Homes for runs, in memory and on disk, whose journals can be watched, delayed, broken and killed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mulle.app import App
from mulle.engine.facts import AnyFact
from mulle.engine.facts import Path as NodePath
from mulle.engine.journal import Batch, Claim, Journal, NewRun
from mulle.errors import JournalConflict, StoreError, StoreUnavailable
from mulle.runtime.memory_journal import MemoryJournal
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.context import Services
from mulle.store.owners import Owners
from mulle.store.sqlite_journal import SqliteJournal
from mulle.store.sqlite_workflows import SqliteWorkflows

_facts = msgspec.json.Decoder(AnyFact)


class WatchedJournal:
    """A real journal that can be held up, made to fail, or killed; everything else is its own doing."""

    def __init__(self, journal: Any) -> None:
        self.real = journal
        self.written: list[AnyFact] = []
        """All facts that were acknowledged, in order."""
        self.born_with: list[AnyFact] = []
        """Those of them that were written together with their run."""
        self.open = asyncio.Event()
        self.open.set()
        self.fails: StoreError | None = None
        self.goes_after_claim = False
        """Let the store be gone as soon as a run was claimed."""
        self.gone = False
        self.loses_answer = False
        """Let the next run be created, or claimed, and say that the store cannot be used."""
        self.reading: Callable[[], Awaitable[None]] | None = None
        """What happens before facts are read."""
        self.lose: Callable[[], None] = lambda: None
        """Tell the runtime that others may take over everything."""
        self.dead = False

    def append(self, batch: Batch) -> Awaitable[None]:
        return self._append(batch)

    async def _append(self, batch: Batch) -> None:
        await self.open.wait()
        if self.dead:
            raise JournalConflict(run=batch.run)
        if self.fails is not None:
            raise self.fails
        await self.real.append(batch)
        self.written += [_facts.decode(fact) for fact in batch.facts]

    async def create(self, new: NewRun, facts: list[bytes], blobs: Mapping[str, Sequence[bytes]]) -> bool:
        await self.open.wait()
        if self.fails is not None:
            raise self.fails
        created = await self.real.create(new, facts, blobs)
        self._may_lose_answer()
        if created:
            self.born_with = [_facts.decode(fact) for fact in facts]
            self.written += self.born_with
        return created

    def on_loss(self, listener: Callable[[], None]) -> None:
        self.lose = listener

    def _may_lose_answer(self) -> None:
        if self.loses_answer:
            self.loses_answer = False
            raise StoreUnavailable("잠김")

    async def claim(self, run: str) -> Claim | None:
        claim = await self.real.claim(run)
        self._may_lose_answer()
        self.gone = self.goes_after_claim
        return claim

    async def claim_due(self, now: float, limit: int = 40, besides: Collection[str] = ()) -> list[Claim]:
        claims = await self.real.claim_due(now, limit, besides)
        if claims:
            self._may_lose_answer()
        self.gone = self.gone or (self.goes_after_claim and bool(claims))
        return claims

    async def read(self, run: str, *position: int, previews: bool = False) -> list[AnyFact]:
        if self.gone:
            raise StoreUnavailable("잠김")
        if self.reading is not None:
            await self.reading()
        return await self.real.read(run, *position, previews=previews)

    async def release(self, run: str, epoch: int, wake_at: float | None) -> bool:
        if self.dead:
            raise JournalConflict(run=run)
        if self.gone:
            raise StoreUnavailable("잠김")
        return await self.real.release(run, epoch, wake_at)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def on_disk(self, kind: type, path: NodePath) -> bool:
        """Whether a fact of this kind about that node was acknowledged."""
        return any(isinstance(fact, kind) and getattr(fact, "path", None) == path for fact in self.written)


class Outside:
    """What nodes may use: two secrets, and nothing else."""

    def __init__(self) -> None:
        self.secrets = {"TOKEN": "열려라-참깨-9137"}
        self.services = Services(secret=self._secret)

    def _secret(self, name: str) -> str:
        return self.secrets[name]

    def redact(self, text: str) -> str:
        for name, value in self.secrets.items():
            text = text.replace(value, f"[secret {name}]")
        return text

    async def close(self) -> None:
        pass


class Home:
    """One place for runs that several apps may open, one after the other or at once."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self._folder = folder
        self._shelf = MemoryJournal("nobody")
        self._names = 0
        self._apps: list[tuple[App, WatchedJournal, Owners | None]] = []

    def open(self, **options: Any) -> tuple[App, WatchedJournal]:
        """An app as of a process of its own; it looks for work only when asked, unless `by_itself`."""
        self._names += 1
        owners = None
        real: Journal
        if self.kind == "memory":
            real = self._shelf.as_owner(f"process {self._names}")
        else:
            owners = Owners(self._folder / "owners")
            real = SqliteJournal(self._folder / "mulle.db", owners)
        journal = WatchedJournal(real)
        seen: Any = journal  # Delegates what it does not watch, which no type checker can know.
        app = App(seen, Catalogue.installed(), Outside(), SqliteWorkflows(":memory:"), again=self._again, **options)
        self._apps.append((app, journal, owners))
        return app, journal

    def _again(self) -> Journal:
        if self.kind == "memory":
            return self._shelf.as_owner("twin")
        return SqliteJournal(self._folder / "mulle.db", Owners(self._folder / "owners"))

    async def kill(self, app: App) -> None:
        """What `kill -9` leaves behind: nothing more is written, and the lock is free."""
        journal, owners = next((journal, owners) for one, journal, owners in self._apps if one is app)
        journal.dead = True
        if owners is not None:
            owners.close()
        else:
            journal.real.die()
        runtime = app._runtime
        if runtime is not None:
            await runtime.close()
        self._apps = [each for each in self._apps if each[0] is not app]

    async def close(self) -> None:
        for app, journal, _ in self._apps:
            journal.open.set()
            journal.fails = None
            with contextlib.suppress(StoreError):
                await app.close()


async def until(holds: Callable[[], bool]) -> None:
    """Let others have their turn until something holds."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event: it happens in threads and drivers.
            await asyncio.sleep(0.002)


class Gate:
    """An async step that says when it began and goes on when it may."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.calls = 0

    async def __call__(self, value: Any) -> Any:
        self.calls += 1
        self.began.set()
        await self.may_go_on.wait()
        return value


def soon(work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    return asyncio.create_task(work)
