"""How much room runs take, how quickly they are listed, and how long a writer waits while old ones are removed.

    python bench/storage.py [--runs 100000]

One run of five steps is really executed; its batches are then written as those of so many runs, through the same
journal, of ten workflows, one in twenty failed. Sizes are of the file with all indexes, its log included.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import mulle
from mulle.engine.codec import decode, encode_one, joined
from mulle.engine.facts import NodeStarted
from mulle.engine.journal import Batch, Keep, NewRun
from mulle.store.journal_rows import batches
from mulle.store.owners import Owners
from mulle.store.sqlite_journal import SqliteJournal

STEPS = 5
AT_ONCE = 500
ENOUGH_ROUNDS = 50


async def one_run(folder: Path) -> list[list[bytes]]:
    """The batches of a real run of five steps."""

    async def step(value: Any) -> dict[str, Any]:
        count: int = 1 if isinstance(value, str) else value["count"] + 1
        return {
            "title": "경제 기사 세 개를 모아 요약합니다",
            "count": count,
            "url": "https://news.example.com/economy/1234567",
        }

    workflow = mulle.Workflow("아침 뉴스")
    for number in range(STEPS):
        workflow.add_step(f"걸음{number}", step)
    app = mulle.open(folder)
    run = await app.run(workflow, "경제")
    journal: Any = app.journal
    with journal._reading() as db:  # noqa: SLF001 - how facts are batched is nobody else's business.
        sizes = [len(decode(data)) for _, data in batches(db, run.id, 0, 1 << 30)]
    facts = await app.journal.read(run.id)
    await app.close()
    made: list[list[bytes]] = []
    for size in sizes:
        made.append([encode_one(fact) for fact in facts[:size]])
        facts = facts[size:]
    return made


async def fill(journal: SqliteJournal, runs: int, made: list[list[bytes]], now: float) -> float:
    """Write so many runs; gives the CPU seconds."""

    async def run(number: int) -> None:
        name = f"{number * 2654435761 % (1 << 64):016x}"
        created = now - (runs - number) * 20.0
        await journal.create(
            NewRun(id=name, workflow=f"workflow {number % 10}", graph="g" * 32, created=created), made[0]
        )
        head = len(made[0])
        for batch in made[1:]:
            last = batch is made[-1]
            status = ("failed" if number % 20 == 0 else "succeeded") if last else None
            ended = created + 1.0 if last else None
            await journal.append(
                Batch(run=name, epoch=1, after=head, facts=batch, alive=True, status=status, ended=ended)
            )
            head += len(batch)

    begun = time.process_time()
    for first in range(0, runs, AT_ONCE):
        await asyncio.gather(*(run(number) for number in range(first, min(runs, first + AT_ONCE))))
    return time.process_time() - begun


async def timed(call: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds, the median."""
    times: list[float] = []
    for _ in range(ENOUGH_ROUNDS):
        begun = time.perf_counter()
        await call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


async def lists(journal: SqliteJournal, now: float, runs: int) -> None:
    middle = now - runs * 10.0
    calls: dict[str, dict[str, Any]] = {
        "first page": {},
        "one status": {"status": "failed"},
        "one workflow": {"workflow": "workflow 3"},
        "before a date": {"before": middle},
        "status, workflow, date": {"status": "failed", "workflow": "workflow 0", "before": middle},
        "a status nobody has": {"status": "waiting"},
    }
    print("\nruns list, 20 a page, median ms")
    for name, filters in calls.items():
        print(f"  {name:<24} {await timed(lambda filters=filters: journal.rows(limit=20, **filters)):8.2f}")


async def sweep(journal: SqliteJournal, keep: Keep, now: float) -> None:
    """Remove old runs while somebody writes."""
    await journal.create(NewRun(id="writer", workflow="w", graph="g", created=now), [])
    sweeping = asyncio.ensure_future(journal.sweep(keep, now, give_back=True))
    fact = encode_one(NodeStarted(at=now, path=("걸음",)))
    waits: list[float] = []
    begun = time.perf_counter()
    while not sweeping.done():
        started = time.perf_counter()
        await journal.append(Batch(run="writer", epoch=1, after=len(waits), facts=[fact]))
        waits.append(time.perf_counter() - started)
        await asyncio.sleep(0.001)
    swept = sweeping.result()
    waits.sort()
    median, late, most = (waits[min(len(waits) - 1, int(len(waits) * part))] * 1000 for part in (0.5, 0.99, 1))
    print(
        f"\nremoved {swept.runs:,} runs in {time.perf_counter() - begun:.1f} s; a commit took meanwhile {median:.1f} ms"
        f" (median), {late:.1f} (p99), {most:.1f} (most)"
    )
    print(f"{swept.room.bytes / max(1, swept.room.runs):,.0f} bytes a run, {swept.room.runs:,} runs left")


async def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = await one_run(folder / "one")
        raw = sum(len(joined(batch)) for batch in made)
        journal = SqliteJournal(folder / "mulle.db", Owners(folder / "owners"))
        now = time.time()
        seconds = await fill(journal, runs, made, now)
        print(f"{runs:,} runs of {STEPS} steps, {raw:,} bytes of facts in {len(made)} batches each")
        print(f"{seconds / runs * 1e6:,.0f} µs of CPU a run to write")
        room = await journal.room()
        print(f"{room.bytes / runs:,.0f} bytes a run just ended")
        ever = Keep(succeeded=1e12, failed=1e12)
        begun = time.perf_counter()
        swept = await journal.sweep(ever, now, give_back=True)
        print(f"{swept.room.bytes / runs:,.0f} bytes a run once packed ({time.perf_counter() - begun:.1f} s for all)")
        await lists(journal, now, runs)
        half = runs * 10.0
        await sweep(journal, Keep(succeeded=half, failed=half), now)
        await journal.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000)
    asyncio.run(main(parser.parse_args().runs))
