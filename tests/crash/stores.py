"""Where the tormented keep their runs: a SQLite file that processes share, or a Postgres with a group of workers.

Knows who drives what there, and which trouble there is besides kills; torments nobody itself.
"""

from pathlib import Path
from typing import Protocol

from tests.postgres_server import Server
from tests.postgres_wire import PostgresWire

from mulle.app import App, open_app
from mulle.settings import Settings


class Store(Protocol):
    """Runs, and those who drive them, each in a slot of its own."""

    name: str
    folder: Path
    slots: tuple[str, ...]
    """`program` is one of ours, all others are workers. Who stands there twice is tormented twice as often."""
    trouble: tuple[str, ...]
    """What happens here besides kills."""
    server: Server | None
    """The database server, which this store has to itself."""

    def variables(self, slot: str) -> dict[str, str]:
        """What makes a process use this store."""
        ...

    def open(self) -> App:
        """An app that looks at the runs and drives none."""
        ...

    def owners(self, pid: int) -> set[str]:
        """By which ids a living process owns runs."""
        ...

    def cut_off(self, slot: str, *, off: bool) -> None:
        """Let a process hear nothing from its store, nor the store from it; or end that."""
        ...

    def close(self) -> None: ...


class SqliteHome:
    """One home that a program and a worker share, on a disk that is full now and then."""

    name: str = "SQLite"
    slots: tuple[str, ...] = ("program", "program", "worker")
    trouble: tuple[str, ...] = ("stop", "fill")
    server: Server | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._home = folder / "home"

    def variables(self, slot: str) -> dict[str, str]:
        del slot
        return {"MULLE_HOME": str(self._home), "MULLE_DATABASE_URL": ""}

    def open(self) -> App:
        return open_app(given=Settings(home=self._home), by_itself=False)

    def owners(self, pid: int) -> set[str]:
        """Ids whose files this process has locked, as the kernel says."""
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        inodes = {int(words[5].rsplit(":", 1)[1]) for words in locks if words[4] == str(pid)}
        return {file.name for file in (self._home / "owners").glob("*") if file.stat().st_ino in inodes}

    def cut_off(self, slot: str, *, off: bool) -> None:
        raise AssertionError("a file is never far away")

    def close(self) -> None:
        pass


class PostgresGroup:
    """A program and two workers, each with a home and a way to the server of its own; that one crashes now and then."""

    name: str = "Postgres"
    slots: tuple[str, ...] = ("program", "program", "worker 1", "worker 2")
    trouble: tuple[str, ...] = ("freeze", "restart", "cut")

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server: Server | None = server
        self._url = server.schema()
        self._wires = {slot: PostgresWire(server) for slot in self.slots}

    def variables(self, slot: str) -> dict[str, str]:
        return {"MULLE_HOME": str(self.folder / slot), "MULLE_DATABASE_URL": self._wires[slot].url(self._url)}

    def open(self) -> App:
        return open_app(given=Settings(home=self.folder / "person", database_url=self._url), by_itself=False)

    def owners(self, pid: int) -> set[str]:
        """Ids of the workers that this process has been."""
        assert self.server is not None
        there = self.server.say("SELECT id FROM workers WHERE split_part(name, ':', 2) = %s", [str(pid)], self._url)
        return {owner for (owner,) in there}

    def cut_off(self, slot: str, *, off: bool) -> None:
        """The server sees the process's connections end at once, which is told nothing."""
        if off:
            self._wires[slot].cut_off()
        else:
            self._wires[slot].mend()

    def close(self) -> None:
        for wire in self._wires.values():
            wire.close()
