"""Appends a second of the SQLite journal, beside what plain `begin; insert; commit` gives on the same disk.

    python bench/journal.py [--runs 1 10 100 1000] [--seconds 1.0]

Every run appends one batch of two facts and waits until it is on disk, again and again. The floor writes the same bytes
as rows of one table: for one run a commit a row, for many a commit a round.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from pathlib import Path

from mulle.engine.codec import encode_one, joined
from mulle.engine.facts import NodeDone, NodeStarted
from mulle.engine.journal import Batch, Journal, NewRun
from mulle.runtime.memory_journal import MemoryJournal
from mulle.store.owners import Owners
from mulle.store.sqlite_journal import SqliteJournal

FACTS = [
    encode_one(NodeDone(at=1763707000.123456, path=("요약",), outputs={"text": "경제 기사 세 개", "count": 3})),
    encode_one(NodeStarted(at=1763707000.123456, path=("메일",), effect="once")),
]


async def appends(journal: Journal, runs: int, seconds: float) -> float:
    """Appends a second with so many runs at once."""
    names = [f"{time.time_ns():x}-{number}" for number in range(runs)]
    created = [journal.create(NewRun(id=name, workflow="bench", graph="g", created=time.time()), []) for name in names]
    await asyncio.gather(*created)

    async def run(name: str, until: float) -> int:
        head = 0
        while time.perf_counter() < until:
            await journal.append(Batch(run=name, epoch=1, after=head, facts=FACTS, alive=True))
            head += len(FACTS)
        return head // len(FACTS)

    begun = time.perf_counter()
    counts = await asyncio.gather(*(run(name, begun + seconds) for name in names))
    return sum(counts) / (time.perf_counter() - begun)


def floor(path: Path, runs: int, seconds: float) -> float:
    """Rows a second of plain sqlite3, one commit for `runs` of them."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE IF NOT EXISTS t (run TEXT, seq INTEGER, data TEXT, PRIMARY KEY (run, seq))")
    data = joined(FACTS).decode()
    rounds = 0
    begun = time.perf_counter()
    while time.perf_counter() < begun + seconds:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO t VALUES (?, ?, ?)", [(f"{begun}-{run}", rounds, data) for run in range(runs)])
        db.execute("COMMIT")
        rounds += 1
    rate = rounds * runs / (time.perf_counter() - begun)
    db.close()
    return rate


async def on_disk(folder: Path, runs: int, seconds: float) -> float:
    journal = SqliteJournal(folder / "mulle.db", Owners(folder / "owners"))
    try:
        return await appends(journal, runs, seconds)
    finally:
        await journal.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    print(
        f"{'runs':>6} {'SQLite floor':>14} {'SqliteJournal':>14} {'of floor':>9} {'µs an append':>13} {'in memory':>12}"
    )
    for runs in arguments.runs:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            lowest = floor(folder / "floor.db", runs, arguments.seconds)
            ours = asyncio.run(on_disk(folder, runs, arguments.seconds))
            memory = asyncio.run(appends(MemoryJournal(), runs, arguments.seconds / 4))
        print(f"{runs:>6} {lowest:>14,.0f} {ours:>14,.0f} {ours / lowest:>8.0%} {1e6 / ours:>13.1f} {memory:>12,.0f}")


if __name__ == "__main__":
    main()
