"""Kill real processes over real stores, and tell what the ledgers outside say.

python -m tests.crash [--kills 300] [--seed 1] [--runs 500]

First homes on SQLite and a group of workers on Postgres are tormented side by side, over runs that go through every
kind of step; then three workers with many runs have their own story (tests/crash/cluster.py). One verdict on all: the
last line says `All promises held.`, and the command ends with 0, or what is broken, and it ends with 1.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.crash.campaign import Campaign
from tests.crash.cluster import story
from tests.crash.outside import Outside
from tests.crash.stores import PostgresGroup, SqliteHome, Store
from tests.crash.verdict import Verdict, judge
from tests.postgres_server import Server

HOMES = 3
"""Homes on SQLite that are tormented at the same time."""
TOLD_EVERY = 25
"""Kills after which one line says how far it is."""
STORY_KILLS = 8


async def campaign(
    store: Store, kills: int, seed: int, verdict: Verdict, progress: Callable[[], None] = lambda: None
) -> Verdict:
    """Torment one store, and add what it shows to a verdict."""
    outside = Outside(store.folder / "ledger.jsonl", random.Random(seed))
    try:
        tormented = Campaign(store, outside, random.Random(seed), progress)
        await tormented.run(kills)
        app = store.open()
        await judge(tormented, app, outside.effects, verdict)
        await app.close()
    finally:
        outside.close()
    return verdict


async def all_campaigns(folder: Path, server: Server, kills: int, seed: int, verdict: Verdict) -> None:
    """Torment several stores at the same time, each with its share of the kills."""
    begun, done = time.monotonic(), 0

    def progress() -> None:
        nonlocal done
        done += 1
        if done % TOLD_EVERY == 0:
            told(f"{done} of {kills} kills after {time.monotonic() - begun:.0f} s")

    stores: list[Store] = [SqliteHome(_made(folder / f"sqlite{number}")) for number in range(HOMES)]
    stores.append(PostgresGroup(_made(folder / "postgres"), server))
    for store in stores:
        verdict.count(store.name, "kills", 0)  # The columns stand in this order, whoever is ready first.
    shares = [kills // len(stores) + (number < kills % len(stores)) for number in range(len(stores))]
    await asyncio.gather(
        *(
            campaign(store, share, seed + number, verdict, progress)
            for number, (store, share) in enumerate(zip(stores, shares, strict=True))
            if share
        )
    )
    verdict.has_met_all()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def told(text: str) -> None:
    """Say how far it is, beside the verdict."""
    print(f"… {text}", file=sys.stderr, flush=True)  # A command.


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=500, help="of the three workers' story; 0 leaves it out")
    parser.add_argument("--folder", type=Path, help="keep homes and ledgers here")
    asked = parser.parse_args()
    verdict, begun = Verdict(), time.monotonic()
    server = Server()
    try:
        with tempfile.TemporaryDirectory(prefix="mulle-crash-") as temporary:
            folder: Path = asked.folder or Path(temporary)
            if asked.kills:
                asyncio.run(all_campaigns(folder, server, asked.kills, asked.seed, verdict))
            if asked.runs:
                told(f"three workers and {asked.runs} runs, {time.monotonic() - begun:.0f} s after the beginning")
                report = asyncio.run(
                    story(_made(folder / "story"), server, runs=asked.runs, kills=STORY_KILLS, seed=asked.seed)
                )
                report.add_to(verdict)
    finally:
        server.stop()
    print(f"{verdict.table()} ({time.monotonic() - begun:.0f} s)")  # A command.
    return bool(verdict.broken)


if __name__ == "__main__":
    sys.exit(main())
