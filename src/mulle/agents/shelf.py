"""Where the records of `mulle.agents` that no journal holds are kept: in memory, or in a home. Knows no record."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from mulle.store.database import connect, migrate, storage

DATABASE = "mulle.db"


class Shelf(Protocol):
    """Records by kind and id, in the order in which they came."""

    def put(self, kind: str, record_id: str, record: dict[str, Any]) -> None:
        """Keep a record, in the place of an earlier one with its id."""
        ...

    def get(self, kind: str, record_id: str) -> dict[str, Any] | None: ...
    def remove(self, kind: str, record_id: str) -> bool: ...
    def all(self, kind: str) -> list[dict[str, Any]]: ...


class MemoryShelf:
    """Keeps records as long as the program runs."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], str] = {}

    def put(self, kind: str, record_id: str, record: dict[str, Any]) -> None:
        self._records[kind, record_id] = json.dumps(record, ensure_ascii=False)

    def get(self, kind: str, record_id: str) -> dict[str, Any] | None:
        text = self._records.get((kind, record_id))
        return None if text is None else json.loads(text)

    def remove(self, kind: str, record_id: str) -> bool:
        return self._records.pop((kind, record_id), None) is not None

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(text) for (of, _), text in list(self._records.items()) if of == kind]


class HomeShelf:
    """Keeps records in a home's database, for any number of programs."""

    def __init__(self, folder: Path) -> None:
        """Open it; raises StoreUnavailable, StoreDamaged, StoreTooNew, StoreFull."""
        self._path = folder / DATABASE
        with self._open() as db:
            migrate(db, self._path, "agents")

    def put(self, kind: str, record_id: str, record: dict[str, Any]) -> None:
        with storage(self._path), self._open() as db:
            db.execute(
                "INSERT INTO agent_records (kind, id, record) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET record = excluded.record",
                (kind, record_id, json.dumps(record, ensure_ascii=False)),
            )

    def get(self, kind: str, record_id: str) -> dict[str, Any] | None:
        with storage(self._path), self._open() as db:
            row = db.execute("SELECT record FROM agent_records WHERE kind = ? AND id = ?", (kind, record_id)).fetchone()
        return None if row is None else json.loads(row[0])

    def remove(self, kind: str, record_id: str) -> bool:
        with storage(self._path), self._open() as db:
            return db.execute("DELETE FROM agent_records WHERE kind = ? AND id = ?", (kind, record_id)).rowcount > 0

    def all(self, kind: str) -> list[dict[str, Any]]:
        with storage(self._path), self._open() as db:
            rows = db.execute("SELECT record FROM agent_records WHERE kind = ? ORDER BY number", (kind,)).fetchall()
        return [json.loads(row[0]) for row in rows]

    def _open(self) -> closing[sqlite3.Connection]:
        """A connection of its own for each call: steps, scripts and notebooks call from any thread."""
        return closing(connect(self._path))


def shelf_at(home: Any) -> Shelf:
    """The shelf of an app or of a home's folder; one in memory for None, and for an app that keeps nothing."""
    folder = home if home is None or isinstance(home, str | Path) else home.home
    return MemoryShelf() if folder is None else HomeShelf(Path(folder))
