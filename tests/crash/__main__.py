"""Kill real processes over real homes, and tell what the ledger outside says.

python -m tests.crash --kills 300
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.campaign import Campaign
from tests.crash.outside import Outside
from tests.crash.verdict import Verdict, judge

import mulle

HOMES = 3
"""Homes that are tormented at the same time."""


async def campaign(folder: Path, kills: int, seed: int, verdict: Verdict) -> Verdict:
    """Torment one home, and add what it shows to a verdict."""
    chance = random.Random(seed)
    home = folder / f"home{seed}"
    home.mkdir(parents=True)
    outside = Outside(folder / f"ledger{seed}.jsonl", random.Random(seed))
    try:
        tormented = Campaign(home, outside, chance)
        await tormented.run(kills)
        app = mulle.open(home, by_itself=False)
        await judge(tormented, app, outside.effects, verdict)
        await app.close()
        for complaint in tormented.exits:
            verdict.breaks("no process ends by itself", complaint[-2000:])
    finally:
        outside.close()
    return verdict


async def _all(folder: Path, kills: int, seed: int, verdict: Verdict) -> None:
    shares = [kills // HOMES + (number < kills % HOMES) for number in range(HOMES)]
    await asyncio.gather(*(campaign(folder, share, seed + number, verdict) for number, share in enumerate(shares)))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.crash", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep homes and ledgers here")
    asked = parser.parse_args()
    verdict, began = Verdict(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_all(asked.folder or Path(folder), asked.kills, asked.seed, verdict))
    print(verdict.table())
    print(f"\n{'BROKEN' if verdict.broken else 'All held'} after {time.monotonic() - began:.0f} s")
    return bool(verdict.broken)


if __name__ == "__main__":
    sys.exit(main())
