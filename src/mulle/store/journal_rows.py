"""What the journal says to the database, statement by statement. Sync, and within the caller's transaction.

Knows tables; knows nothing of event loops, threads and groups.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from mulle.engine.codec import text_of
from mulle.engine.journal import CANCEL, Backlog, Batch, InboxSignal, NewRun, RunRow
from mulle.errors import JournalConflict, RunUnfinished, UnknownRun
from mulle.store import blob_rows, queue_rows

COLUMNS = RunRow.__struct_fields__
_SELECT_RUN = f"SELECT {', '.join(COLUMNS)} FROM runs"

# Every batch first proves that its writer still holds the run. Columns that are indexed are named only when they
# change: SQLite would rewrite their indexes all the same.
_PROOF = "WHERE id = ? AND head = ? AND epoch = ? AND owner = ?"
ADVANCE = f"UPDATE runs SET head = ?, deaths = CASE WHEN ? THEN 0 ELSE deaths END {_PROOF}"
_ADVANCE_STATUS = (
    f"UPDATE runs SET head = ?, deaths = CASE WHEN ? THEN 0 ELSE deaths END, status = ?, detail = ? {_PROOF}"
)
ADVANCE_TO_END = (
    "UPDATE runs SET head = ?, deaths = CASE WHEN ? THEN 0 ELSE deaths END, status = ?, detail = ?, ended = ?,"
    " ending = ?,"
    f" owner = NULL, wake_at = NULL, woken = 0 {_PROOF}"
)
INSERT_FACTS = "INSERT INTO facts (run, seq, data) VALUES (?, ?, ?)"


INSERT_RUN = (
    "INSERT INTO runs (id, workflow, graph, status, created, head, epoch, owner, parent, forked, session, dedup)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dedup) WHERE dedup IS NOT NULL DO NOTHING"
)
FACTS_IN_A_ROW = 2000


# ---------------------------------------------------------------------- writing


def keep_graph(db: sqlite3.Connection, graph: str, document: bytes) -> None:
    """Store a graph unless it is there."""
    if not db.execute("SELECT 1 FROM graphs WHERE hash = ?", (graph,)).fetchone():
        db.execute("INSERT INTO graphs (hash, document) VALUES (?, ?)", (graph, document))


def keep_snapshot(db: sqlite3.Connection, run: str, data: bytes) -> None:
    """Store what a run's facts come to; nothing if the run is gone."""
    db.execute(
        "INSERT OR REPLACE INTO snapshots (run, data) SELECT id, ? FROM runs WHERE id = ? AND ended IS NULL",
        (data, run),
    )


def row_of(run: NewRun, head: int, owner: str) -> tuple[Any, ...]:
    """The values of a new run's row, owned unless it waits its turn."""
    status, epoch, owner_now = ("queued", 0, None) if run.waits_its_turn else ("running", 1, owner)
    named = (run.parent, run.forked, run.session, run.dedup)
    return (run.id, run.workflow, run.graph, status, run.created, head, epoch, owner_now, *named)


def create(db: sqlite3.Connection, run: NewRun, facts: Sequence[bytes], owner: str) -> bool:
    """A new run with its first facts, owned unless it waits its turn; False: its `dedup` exists."""
    if run.is_child and db.execute("SELECT 1 FROM runs WHERE id = ? AND ended IS NOT NULL", (run.parent,)).fetchone():
        return False  # Who started it was too late: nobody would tell it to stop.
    if not db.execute(INSERT_RUN, row_of(run, len(facts), owner)).rowcount:
        return False
    # A fork may begin with very many; whoever reads them reads a row at a time.
    rows = ((run.id, at, text_of(facts[at : at + FACTS_IN_A_ROW])) for at in range(0, len(facts), FACTS_IN_A_ROW))
    db.executemany(INSERT_FACTS, rows)
    if run.waits_its_turn:
        queue_rows.enter(db, run)
        for older, signal in queue_rows.debounced(db, run):
            send(db, older, signal.id, signal.name, payload_text(signal))
    return True


def append(db: sqlite3.Connection, batch: Batch, owner: str) -> None:
    """Any batch; raises JournalConflict, having written nothing, if it is stale."""
    head = batch.after + len(batch.facts)
    proof = (batch.run, batch.after, batch.epoch, owner)
    if batch.ended is not None:
        number = db.execute("SELECT last + 1 FROM endings").fetchone()[0]
        end = (batch.status or "succeeded", batch.detail, batch.ended, number)
        advanced = db.execute(ADVANCE_TO_END, (head, int(batch.alive), *end, *proof))
    elif batch.status is not None:
        advanced = db.execute(_ADVANCE_STATUS, (head, int(batch.alive), batch.status, batch.detail, *proof))
    else:
        advanced = db.execute(ADVANCE, (head, int(batch.alive), *proof))
    if not advanced.rowcount:
        raise JournalConflict(run=batch.run)
    if batch.ended is not None:
        db.execute("UPDATE endings SET last = last + 1")
        queue_rows.leave(db, batch.run, for_good=True)
    if batch.facts:
        db.execute(INSERT_FACTS, (batch.run, batch.after, text_of(batch.facts)))
    if batch.blobs:
        blob_rows.keep(db, batch.run, batch.blobs)
    if batch.consumed:
        _consume(db, batch.run, batch.consumed)
    for run, signal in batch.signals:
        if db.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone():
            send(db, run, signal.id, signal.name, payload_text(signal))


def _consume(db: sqlite3.Connection, run: str, signals: Sequence[str]) -> None:
    db.executemany(
        "UPDATE inbox SET consumed = 1, payload = NULL WHERE run = ? AND id = ?", [(run, signal) for signal in signals]
    )
    db.execute(
        "UPDATE runs SET woken = 0 WHERE id = ? AND woken = 1"
        " AND NOT EXISTS (SELECT 1 FROM inbox WHERE run = runs.id AND consumed = 0)",
        (run,),
    )


def payload_text(signal: InboxSignal) -> str:
    """A signal's payload as JSON. Raises TypeError or ValueError for what is no data."""
    return msgspec.json.encode(signal.payload).decode()


def send(db: sqlite3.Connection, run: str, signal: str, name: str, payload: str) -> bool:
    """Put a signal into the inbox of a run and wake it; False: its id is known there. Raises UnknownRun."""
    if not db.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone():
        raise UnknownRun(run=run)
    sent = db.execute(
        "INSERT INTO inbox (run, id, name, payload) VALUES (?, ?, ?, ?) ON CONFLICT (run, id) DO NOTHING",
        (run, signal, name, payload),
    )
    if not sent.rowcount:
        return False
    db.execute("UPDATE runs SET woken = 1 WHERE id = ? AND woken = 0 AND ended IS NULL", (run,))
    return True


def pin(db: sqlite3.Connection, run: str, *, pinned: bool) -> None:
    """Keep a run for ever, or no longer. Raises UnknownRun."""
    if not db.execute("UPDATE runs SET pinned = ? WHERE id = ?", (pinned, run)).rowcount:
        raise UnknownRun(run=run)


def delete(db: sqlite3.Connection, run: str, *, facts: bool = True) -> int:
    """Remove an ended run, its graph if no other run follows it, and its big values if none other refers to them.

    Gives how many big values went. With `facts` False its facts stay, for others to remove. Raises UnknownRun,
    RunUnfinished.
    """
    found = row(db, run)
    if found.ended is None:
        raise RunUnfinished(run=run)
    if facts:
        db.execute("DELETE FROM facts WHERE run = ?", (run,))
    blobs = blob_rows.forget(db, run)
    db.execute("DELETE FROM runs WHERE id = ?", (run,))  # Takes the inbox and the snapshot with it.
    db.execute(
        "DELETE FROM graphs WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM runs WHERE graph = ?1)", (found.graph,)
    )
    return blobs


# ---------------------------------------------------------------------- reading


def row(db: sqlite3.Connection, run: str) -> RunRow:
    """A run's row; raises UnknownRun."""
    found = db.execute(f"{_SELECT_RUN} WHERE id = ?", (run,)).fetchone()
    if found is None:
        raise UnknownRun(run=run)
    return _run_row(found)


def run_with(db: sqlite3.Connection, dedup: str) -> str:
    """The id of the run that has this key; raises UnknownRun."""
    found = db.execute("SELECT id FROM runs WHERE dedup = ?", (dedup,)).fetchone()
    if found is None:
        raise UnknownRun(run=dedup)
    return found[0]


def rows(
    db: sqlite3.Connection,
    *,
    status: str | None,
    workflow: str | None,
    limit: int,
    before: float | None,
    behind: str | None,
) -> list[RunRow]:
    """Runs, newest first; raises UnknownRun when `behind` is gone."""
    filters: dict[str, Any] = {"status = ?": status, "workflow = ?": workflow, "created < ?": before}
    used = {condition: (value,) for condition, value in filters.items() if value is not None}
    if behind is not None:
        last = db.execute("SELECT created, rowid FROM runs WHERE id = ?", (behind,)).fetchone()
        if last is None:
            raise UnknownRun(run=behind)
        used["(created, rowid) < (?, ?)"] = last
    where = f"WHERE {' AND '.join(used)}" if used else ""
    values = [value for some in used.values() for value in some]
    found = db.execute(f"{_SELECT_RUN} {where} ORDER BY created DESC, rowid DESC LIMIT ?", (*values, max(0, limit)))
    return [_run_row(each) for each in found]


def _run_row(values: Sequence[Any]) -> RunRow:
    found = dict(zip(COLUMNS, values, strict=True))
    found["forked"], found["pinned"] = bool(found["forked"]), bool(found["pinned"])  # SQLite has numbers for them.
    return RunRow(**found)


def ended_since(db: sqlite3.Connection, after: int, limit: int) -> list[tuple[int, RunRow]]:
    """Ended runs with their numbers, in the order of their ends."""
    found = db.execute(
        f"SELECT ending, {', '.join(COLUMNS)} FROM runs WHERE ending > ? ORDER BY ending LIMIT ?", (after, limit)
    )
    return [(number, _run_row(values)) for number, *values in found]


def backlog(db: sqlite3.Connection, now: float) -> Backlog:
    """How many runs are unfinished."""
    counted = {
        status: (number, oldest)
        for status, number, oldest in db.execute(
            "SELECT status, count(*), min(created) FROM runs WHERE status IN ('queued', 'running', 'waiting')"
            " GROUP BY status"
        )
    }
    due = db.execute(
        "SELECT (SELECT count(*) FROM runs WHERE wake_at <= ?1 AND woken = 0)"
        " + (SELECT count(*) FROM runs WHERE woken = 1 AND owner IS NULL)",
        (now,),
    ).fetchone()[0]
    return Backlog(
        queued=counted.get("queued", (0, None))[0],
        running=counted.get("running", (0, None))[0],
        waiting=counted.get("waiting", (0, None))[0],
        due=due,
        oldest=min((oldest for _, oldest in counted.values()), default=None),
    )


def snapshot(db: sqlite3.Connection, run: str) -> bytes | None:
    """What a run's facts came to when that was last stored."""
    found = db.execute("SELECT data FROM snapshots WHERE run = ?", (run,)).fetchone()
    return found[0] if found else None


def graph(db: sqlite3.Connection, graph: str) -> bytes | None:
    """A graph's document."""
    found = db.execute("SELECT document FROM graphs WHERE hash = ?", (graph,)).fetchone()
    return found[0] if found else None


def batches(db: sqlite3.Connection, run: str, after: int, room: int) -> list[tuple[int, bytes]]:
    """A run's batches from the one that holds position `after` on, with their positions: about `room` bytes of them."""
    found: list[tuple[int, bytes]] = []
    cursor = db.execute(
        "SELECT seq, CAST(data AS BLOB) FROM facts WHERE run = ?1"
        " AND seq >= ifnull((SELECT max(seq) FROM facts WHERE run = ?1 AND seq <= ?2), ?2) ORDER BY seq",
        (run, after),
    )
    for seq, data in cursor:
        found.append((seq, data))
        room -= len(data)
        if room <= 0:
            break
    cursor.close()
    return found


def inbox(db: sqlite3.Connection, run: str) -> list[InboxSignal]:
    """Signals that wait, oldest first."""
    found = db.execute(
        "SELECT id, name, payload FROM inbox WHERE run = ? AND consumed = 0 ORDER BY number", (run,)
    ).fetchall()
    return [InboxSignal(signal, name, msgspec.json.decode(payload)) for signal, name, payload in found]


def claimable(db: sqlite3.Connection, now: float, limit: int, is_alive: Callable[[str], bool]) -> list[str]:
    """Runs to go on with: first what the dead left, then what was woken, then what is due."""
    found: dict[str, None] = {}
    for owner in _owners(db):
        if not is_alive(owner):
            found |= ids(db, "owner = ? LIMIT ?", (owner, limit))
    found |= ids(db, f"{_WOKEN} LIMIT ?", (limit,))
    found |= ids(db, "wake_at <= ? ORDER BY wake_at LIMIT ?", (now, limit))
    return list(found)[:limit]


# What is queued hears signals when it has its place; but it can be cancelled at once.
_WOKEN = (
    "woken = 1 AND owner IS NULL AND (status <> 'queued' OR EXISTS"
    f" (SELECT 1 FROM inbox WHERE run = runs.id AND consumed = 0 AND name = '{CANCEL}'))"
)


def ids(db: sqlite3.Connection, condition: str, values: tuple[Any, ...]) -> dict[str, None]:
    return dict.fromkeys(run for (run,) in db.execute(f"SELECT id FROM runs WHERE {condition}", values))


def _owners(db: sqlite3.Connection) -> list[str]:
    """Everyone who owns runs. Steps from one to the next in the index, however many runs each one has."""
    found: list[str] = []
    owner = ""
    while True:
        owner = db.execute("SELECT min(owner) FROM runs WHERE owner > ?", (owner,)).fetchone()[0]
        if owner is None:
            return found
        found.append(owner)


def next_wake(db: sqlite3.Connection, after: float | None = None) -> float | None:
    """When the earliest released run is due, or the earliest after a time."""
    if after is None:
        return db.execute("SELECT min(wake_at) FROM runs WHERE wake_at IS NOT NULL").fetchone()[0]
    return db.execute("SELECT min(wake_at) FROM runs WHERE wake_at > ?", (after,)).fetchone()[0]


def woken(db: sqlite3.Connection, owner: str) -> list[str]:
    """An owner's runs that have signals waiting."""
    return list(ids(db, "woken = 1 AND owner = ?", (owner,)))


def anyone_woken(db: sqlite3.Connection) -> bool:
    """Whether a run without an owner has signals waiting."""
    return db.execute(f"SELECT 1 FROM runs WHERE {_WOKEN} LIMIT 1").fetchone() is not None
