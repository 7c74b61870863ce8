"""Runs on Postgres, beside what plain psycopg gives on the same server. Starts a server of its own, and stops it.

python bench/postgres.py [--runs 1000] [--repeat 3]

steps/s    1,000 runs of 5 repeatable steps in one worker; the floor inserts the same facts, one statement a round
appends/s  batches of two facts, with so many runs at once; the floor is one `INSERT … unnest` a round
takeover   from the kill of a process to the claim of its run by another
"""

import argparse
import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psycopg

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from bench.journal import FACTS, appends  # noqa: E402 - found by the line above.
from tests.postgres_server import Server  # noqa: E402 - as above.

import mulle  # noqa: E402 - as above.
from mulle.app import open_app  # noqa: E402 - as above.
from mulle.engine.codec import joined  # noqa: E402 - as above.
from mulle.settings import Settings  # noqa: E402 - as above.
from mulle.store.postgres_journal import PostgresJournal  # noqa: E402 - as above.

OWNER = """
import asyncio, sys
from mulle.engine.journal import NewRun
from mulle.store.postgres_journal import PostgresJournal
async def own():
    journal = PostgresJournal(sys.argv[1])
    await journal.create(NewRun(id=sys.argv[2], workflow="w", graph="g", created=1.0), [b"{}"])
    print("owned", flush=True)
    await asyncio.Event().wait()
asyncio.run(own())
"""


async def step(value: Any) -> Any:
    return value


def chain(length: int) -> mulle.Workflow:
    made = mulle.Workflow("chain")
    for number in range(length):
        made.add_step(f"s{number}", step)
    return made


async def many(url: str, runs: int) -> float:
    """Steps a second of so many runs at once, each of 5 steps."""
    with tempfile.TemporaryDirectory() as home:
        app = open_app(given=Settings(home=Path(home), database_url=url), by_itself=False)
        workflow = chain(5)
        await app.run(workflow, 0)
        begun = time.perf_counter()
        results = await asyncio.gather(*(app.run(workflow, 0) for _ in range(runs)))
        took = time.perf_counter() - begun
        assert all(result.status == "succeeded" for result in results)
        await app.close()
    return runs * 5 / took


async def floor(url: str, runs: int, rounds: int) -> float:
    """Batches a second that one connection inserts, `runs` of them in a statement."""
    db = await psycopg.AsyncConnection.connect(url, autocommit=True)
    await db.execute("CREATE TABLE IF NOT EXISTS floor (run text, seq int8, data text, PRIMARY KEY (run, seq))")
    data = joined(FACTS).decode()
    names = [f"{time.time_ns()}-{number}" for number in range(runs)]
    begun = time.perf_counter()
    for number in range(rounds):
        await db.execute(
            "INSERT INTO floor SELECT * FROM unnest(%s::text[], %s::int8[], %s::text[])",
            (names, [number] * runs, [data] * runs),
            prepare=True,
        )
    took = time.perf_counter() - begun
    await db.close()
    return runs * rounds / took


async def appended(url: str, runs: int) -> float:
    journal = PostgresJournal(url)
    try:
        return await appends(journal, runs, 1.0)
    finally:
        await journal.close()


async def takeover(url: str) -> float:
    """Seconds from `kill -9` to the claim, by a journal that looks every 50 ms."""
    run = f"r{time.time_ns()}"
    command = [sys.executable, "-c", OWNER, url, run]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - quick, and nobody waits.
    assert process.stdout is not None
    process.stdout.readline()
    journal = PostgresJournal(url)
    await journal.claimable(0.0)
    await asyncio.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    begun = time.perf_counter()
    while await journal.claim(run) is None:  # noqa: ASYNC110 - what is waited for happens in a server.
        await asyncio.sleep(0.05)
    took = time.perf_counter() - begun
    process.communicate()
    await journal.close()
    return took


def median(work: Callable[[], Coroutine[Any, Any, float]], repeat: int) -> float:
    return statistics.median(asyncio.run(work()) for _ in range(repeat))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    server = Server(durable=True)
    try:
        url = server.schema()
        lowest = median(lambda: floor(url, arguments.runs, 5), arguments.repeat)
        ours = median(lambda: many(url, arguments.runs), arguments.repeat)
        print(
            f"{arguments.runs:,} runs x 5 steps, one worker  {ours:>10,.0f} steps/s  floor {lowest:>10,.0f}  must 3,000"
        )
        for runs in (1, 10, 100, 1000):
            lowest = median(lambda runs=runs: floor(url, runs, max(5, 500 // runs)), arguments.repeat)
            ours = median(lambda runs=runs: appended(url, runs), arguments.repeat)
            each = f"{1e3 * runs / ours:.2f} ms each"
            print(f"appends of {runs:>5} runs at once         {ours:>10,.0f} /s        floor {lowest:>10,.0f}   {each}")
        gone = median(lambda: takeover(url), arguments.repeat)
        print(f"kill -9 → claimed by another           {gone:>10.2f} s                           must 5   aim 1")
        facts, size = server.say("SELECT count(*), pg_total_relation_size('facts') FROM facts", url=url)[0]
        print(json.dumps({"rows of facts": facts, "bytes a row, index included": round(size / max(1, facts))}))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
