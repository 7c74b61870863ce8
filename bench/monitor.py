"""What statistics cost: telling a day of a million node records, and counting a run into the index.

    python bench/monitor.py [--records 1000000] [--runs 300]

A day is filled through the index's own door with what 100,000 runs of 10 nodes in 50 workflows came to, and then told
as `mulle stats` tells it. Counting is measured on real runs of 5 steps, beside what the runs themselves took.
Times are CPU times, so that a busy machine does not count.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

import mulle
from mulle.app.monitoring import Monitoring
from mulle.app.opening import open_app
from mulle.monitor.reading import Cause, Figures, Place, Tokens
from mulle.monitor.report import BY, Names, report
from mulle.monitor.statistics import Choice, Statistics
from mulle.monitor.tally import Tally
from mulle.services.llm.prices import Prices
from mulle.settings import Settings

WORKFLOWS, NODES = 50, 10
DAY = "2026-11-30"
LIMIT_MS = 200


def fill(statistics: Statistics, records: int) -> None:
    """A day's figures: every record is counted one by one, as if read from journals."""
    chance = random.Random(7)
    runs = records // NODES
    cursor = ""
    for slice_ in range(0, runs, 5000):
        figures = Figures()
        for number in range(slice_, min(slice_ + 5000, runs)):
            workflow = f"workflow-{number % WORKFLOWS}"
            for node in range(-1, NODES):
                name = "" if node < 0 else f"node-{node}"
                place = Place(DAY, workflow, f"graph-{number % WORKFLOWS}", name, "run" if node < 0 else "http")
                failed = chance.random() < 0.02
                tally = figures.tallies.setdefault(place, Tally())
                tally.count("failed" if failed else "succeeded", chance.lognormvariate(-3, 1.5))
                if failed and node >= 0:
                    mark = f"{chance.randrange(20):012x}"
                    cause = Cause(
                        "net.failed", "No answer from <url>", 1, 0, float(number), float(number), f"{number:016x}"
                    )
                    key = (place, mark)
                    if key in figures.causes:
                        figures.causes[key].add(cause)
                    else:
                        figures.causes[key] = cause
                if node == 0:
                    figures.tokens.setdefault((place, "gpt-5-mini"), Tokens()).add(Tokens(1, 900, 120))
        after = str(slice_ + 5000)
        assert statistics.add(figures, cursor, after)
        cursor = after


def telling(folder: Path, records: int) -> dict[str, float]:
    """Milliseconds for a report, by what is told apart; the best of five with the file opened anew."""
    path = folder / "day.db"
    statistics = Statistics(path)
    fill(statistics, records)
    statistics.close()
    price = Prices.configured().of
    best: dict[str, float] = {}
    for by in BY:
        for _ in range(5):
            opened = Statistics(path)
            begun = time.process_time()
            told = report(opened, Choice(DAY, DAY), by, Names({}, {}), price)
            spent = (time.process_time() - begun) * 1000
            opened.close()
            assert told["total"]["executions"] == records // NODES
            best[by] = min(best.get(by, spent), spent)
    return best


def same(value: int) -> int:
    return value


async def counting(folder: Path, runs: int) -> tuple[float, float]:
    """Microseconds of CPU a run: to run it, and to count it."""
    settings = Settings(home=folder)
    flow = mulle.Workflow("five")
    for step in range(5):
        flow.add_step(f"step-{step}", same, effect="repeatable")
    app = open_app(folder, given=settings, by_itself=False)
    begun = time.process_time()
    await asyncio.gather(*(app.run(flow, number) for number in range(runs)))
    ran = time.process_time() - begun
    monitoring = Monitoring(app, settings)
    begun = time.process_time()
    counted = await monitoring.index.catch_up()
    read = time.process_time() - begun
    monitoring.close()
    await app.close()
    assert counted == runs
    return ran / runs * 1e6, read / runs * 1e6


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=300)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        best = telling(Path(folder), chosen.records)
        print(f"a day of {chosen.records:,} node records, told by")
        for by, spent in best.items():
            print(f"  {by:<9} {spent:7.1f} ms of CPU (must be under {LIMIT_MS} ms)")
        ran, read = asyncio.run(counting(Path(folder) / "home", chosen.runs))
        print(f"a run of 5 steps: {ran:,.0f} µs of CPU to run it, {read:,.0f} µs to count it ({read / ran:.0%})")
    return int(max(best.values()) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
