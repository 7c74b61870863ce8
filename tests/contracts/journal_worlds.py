"""Where a journal can live. A new store joins the contract suite by adding its world to `WORLDS`."""

from pathlib import Path
from typing import Protocol

from tests.postgres_server import server

from mulle.engine.codec import encode_one
from mulle.engine.facts import NodeDone
from mulle.engine.journal import Batch, Journal, NewRun
from mulle.runtime.memory_journal import MemoryJournal
from mulle.store.owners import Owners
from mulle.store.postgres_journal import PostgresJournal
from mulle.store.sqlite_journal import SqliteJournal


class World(Protocol):
    """One store, and the drivers that share it."""

    def driver(self, name: str) -> Journal:
        """The journal as that driver sees it; the same one each time."""
        ...

    def kill(self, name: str) -> None:
        """End a driver without letting it clean up."""
        ...

    async def close(self) -> None: ...


class MemoryWorld:
    def __init__(self, _: Path) -> None:
        self._first = MemoryJournal("nobody")
        self._drivers: dict[str, MemoryJournal] = {}

    def driver(self, name: str) -> MemoryJournal:
        return self._drivers.setdefault(name, self._first.as_owner(name))

    def kill(self, name: str) -> None:
        self._drivers[name].die()

    async def close(self) -> None:
        pass


class SqliteWorld:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._drivers: dict[str, tuple[SqliteJournal, Owners]] = {}

    def driver(self, name: str) -> SqliteJournal:
        if name not in self._drivers:
            owners = Owners(self._folder / "owners")
            self._drivers[name] = SqliteJournal(self._folder / "mulle.db", owners), owners
        return self._drivers[name][0]

    def kill(self, name: str) -> None:
        self._drivers[name][1].close()  # What the kernel does to the lock of a dead process.

    async def close(self) -> None:
        for journal, _ in self._drivers.values():
            await journal.close()


class PostgresWorld:
    def __init__(self, _: Path) -> None:
        self._url = server().schema()
        self._drivers: dict[str, PostgresJournal] = {}

    def driver(self, name: str) -> PostgresJournal:
        if name not in self._drivers:
            self._drivers[name] = PostgresJournal(self._url, name=name)
        return self._drivers[name]

    def kill(self, name: str) -> None:
        """Its heart stops, and its lease runs out: both at once, for tests that do not like to wait."""
        self.driver(name).die()
        server().say("UPDATE workers SET lease_until = '-infinity' WHERE name = %s", (name,), self._url)

    async def close(self) -> None:
        for journal in self._drivers.values():
            await journal.close()


WORLDS = {"memory": MemoryWorld, "sqlite": SqliteWorld, "postgres": PostgresWorld}


def new(run: str, **more: object) -> NewRun:
    values: dict[str, object] = {"workflow": "아침 뉴스", "graph": "g", "created": 1.0}
    return NewRun(id=run, **(values | more))  # pyright: ignore[reportArgumentType]  # Test values of the right types.


def fact(number: int, **outputs: object) -> NodeDone:
    return NodeDone(at=float(number), path=("요약", number), outputs=outputs)


def facts(*numbers: int) -> list[bytes]:
    return [encode_one(fact(number)) for number in numbers]


def batch(run: str, after: int, count: int = 1, *, epoch: int = 1, **more: object) -> Batch:
    """So many facts, numbered by their positions."""
    encoded = facts(*range(after, after + count))
    return Batch(run=run, epoch=epoch, after=after, facts=encoded, **more)  # pyright: ignore[reportArgumentType]  # As above.


async def numbers(journal: Journal, run: str, after: int = 0) -> list[float]:
    """The numbers of a run's facts."""
    return [each.at for each in await journal.read(run, after)]
