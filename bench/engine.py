"""What the engine costs: each figure beside its floor, the least work that any Python engine could do for the same job.

    python bench/engine.py [--repeat 5] [--only chain fan …]

The floor is one asyncio task a step and one commit of plain sqlite3 where a step's result must be on disk. Both are
measured in turns within the same second, so a disk or a processor that others use slows them alike. Steps do nothing.
`cpu` is the processor time of ours in the same unit: on a machine that is busy with other things it says more than the
clock on the wall.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mulle
from mulle.app import App
from mulle.document.reading import read_workflow

SOURCES = str(Path(mulle.__file__).parents[1])
Work = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Row:
    """One figure: ours, the floor, and what the design asks for."""

    work: str
    unit: str
    ours: float
    floor: float | None
    must: float
    aim: float
    more_is_better: bool = False
    cpu: float | None = None

    @property
    def verdict(self) -> str:
        if self.reaches(self.aim):
            return "aim"
        return "must" if self.reaches(self.must) else "MISSED"

    def reaches(self, goal: float) -> bool:
        return self.ours >= goal if self.more_is_better else self.ours <= goal


# ---------------------------------------------------------------------- workflows


async def step(value: dict[str, int]) -> dict[str, int]:
    return {**value, "x": value["x"] + 1}


def plain_step(value: dict[str, int]) -> dict[str, int]:
    return {**value, "x": value["x"] + 1}


async def join(values: Any) -> int:
    return len(values)


def chain(length: int, function: Any = step, effect: Any = "repeatable") -> mulle.Workflow:
    workflow = mulle.Workflow(f"chain of {length}")
    for number in range(length):
        workflow.add_step(f"s{number}", function, effect=effect)
    return workflow


def fan(width: int) -> mulle.Workflow:
    workflow = mulle.Workflow(f"fan of {width}").add_step("first", step)
    for number in range(width):
        workflow.add_step(f"s{number}", step, after="first")
    return workflow.add_step("last", join, after=[f"s{number}" for number in range(width)])


# ---------------------------------------------------------------------- floors


class Floor:
    """A task a step, and a commit where results must be on disk."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE t (run TEXT, node INTEGER, data TEXT, PRIMARY KEY (run, node)) WITHOUT ROWID")
        self._runs = 0
        for number in range(1200):  # A commit that makes the log longer costs more; a running engine is past that.
            self._write([("warm", number, "{}")])

    def close(self) -> None:
        self._db.close()

    def _write(self, rows: list[tuple[str, int, str]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def _run(self) -> str:
        self._runs += 1
        return f"run {self._runs}"

    async def chain(self, length: int) -> None:
        value, run = {"x": 0}, self._run()
        for number in range(length):
            value = await asyncio.create_task(step(value))
            self._write([(run, number, json.dumps(value))])

    async def thread_chain(self, length: int) -> None:
        value, run = {"x": 0}, self._run()
        for number in range(length):
            value = await asyncio.to_thread(plain_step, value)
            self._write([(run, number, json.dumps(value))])

    async def pure_chain(self, length: int) -> None:
        value, run = {"x": 0}, self._run()
        for _ in range(length):
            value = await asyncio.create_task(step(value))
        self._write([(run, 0, json.dumps(value))])

    async def fan(self, width: int) -> None:
        run = self._run()
        value = await asyncio.create_task(step({"x": 0}))
        self._write([(run, 0, json.dumps(value))])
        values = await asyncio.gather(*(asyncio.create_task(step(value)) for _ in range(width)))
        self._write([(run, number + 1, json.dumps(each)) for number, each in enumerate(values)])
        await asyncio.create_task(join(values))
        self._write([(run, width + 1, "{}")])

    async def waves(self, items: int, width: int) -> None:
        """So many at a time; one commit a wave."""
        run = self._run()
        for first in range(0, items, width):
            tasks = [asyncio.create_task(step({"x": number})) for number in range(first, min(first + width, items))]
            values = await asyncio.gather(*tasks)
            self._write([(run, first + number, json.dumps(each)) for number, each in enumerate(values)])

    async def many(self, runs: int, length: int) -> None:
        """All runs go on together; one commit for all that are ready."""
        names = [self._run() for _ in range(runs)]
        values = [{"x": 0}] * runs
        for number in range(length):
            values = await asyncio.gather(*(asyncio.create_task(step(value)) for value in values))
            self._write([(name, number, json.dumps(each)) for name, each in zip(names, values, strict=True)])


# ---------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Took:
    """Medians of several measurements, in seconds."""

    ours: float
    floor: float
    cpu: float
    """Of ours."""


async def seconds(work: Work) -> tuple[float, float]:
    """By the wall's clock and by the processor's."""
    gc.collect()
    begun, begun_cpu = time.perf_counter(), time.process_time()
    await work()
    return time.perf_counter() - begun, time.process_time() - begun_cpu


async def side_by_side(ours: Work, floor: Work, repeat: int) -> Took:
    """Both measured in turns; the first turn only warms up."""
    pairs = [(await seconds(ours), await seconds(floor)) for _ in range(repeat + 1)][1:]
    mine, lowest = zip(*pairs, strict=True)
    wall, cpu = zip(*mine, strict=True)
    return Took(statistics.median(wall), statistics.median(each[0] for each in lowest), statistics.median(cpu))


async def succeeded(app: App, workflow: mulle.Workflow) -> None:
    result = await app.run(workflow, {"x": 0})
    assert result.status == "succeeded", result.error


@contextlib.contextmanager
def places() -> Generator[tuple[App, Floor]]:
    """A home for ours and a file for the floor, on the same disk."""
    with tempfile.TemporaryDirectory() as folder:
        floor = Floor(Path(folder) / "floor.db")
        yield mulle.open(Path(folder) / "home"), floor
        floor.close()


async def one_run(workflow: mulle.Workflow, floor: Callable[[Floor], Awaitable[Any]], repeat: int) -> Took:
    with places() as (app, lowest):
        await succeeded(app, chain(300))  # Past the growing of the log, as the floor is.
        both = await side_by_side(lambda: succeeded(app, workflow), lambda: floor(lowest), repeat)
        await app.close()
        return both


async def measure_chain(repeat: int) -> Row:
    took = await one_run(chain(100), lambda floor: floor.chain(100), repeat)
    return Row("chain of 100 steps", "ms", took.ours * 1e3, took.floor * 1e3, 30, 18, cpu=took.cpu * 1e3)


async def measure_def(repeat: int) -> Row:
    took = await one_run(chain(100, plain_step), lambda floor: floor.thread_chain(100), repeat)
    return Row(
        "chain of 100 `def` steps (threads)", "ms", took.ours * 1e3, took.floor * 1e3, 45, 30, cpu=took.cpu * 1e3
    )


async def measure_pure(repeat: int) -> Row:
    took = await one_run(chain(1000, step, "pure"), lambda floor: floor.pure_chain(1000), repeat)
    return Row("a pure step (chain of 1,000)", "µs", took.ours * 1e3, took.floor * 1e3, 60, 25, cpu=took.cpu * 1e3)


async def measure_fan(repeat: int) -> Row:
    took = await one_run(fan(100), lambda floor: floor.fan(100), repeat)
    return Row("fan-out 1 → 100 → 1", "ms", took.ours * 1e3, took.floor * 1e3, 8, 3, cpu=took.cpu * 1e3)


async def measure_many(repeat: int) -> Row:
    workflow = chain(5)
    with places() as (app, lowest):

        async def ours() -> None:
            await asyncio.gather(*(succeeded(app, workflow) for _ in range(1000)))

        took = await side_by_side(ours, lambda: lowest.many(1000, 5), repeat)
        await app.close()
    rates = (5000 / took.ours, 5000 / took.floor)
    goals = (12_000, 20_000)
    return Row("1,000 runs x 5 steps at once", "steps/s", *rates, *goals, more_is_better=True, cpu=5000 / took.cpu)


async def measure_many_frozen(repeat: int) -> Row:
    """As `mulle worker` does it: what the imports left is kept out of the garbage collector's way."""
    gc.collect()
    gc.freeze()
    row = await measure_many(repeat)
    gc.unfreeze()
    return replace(row, work="the same after gc.freeze()")


LOOP = """
mulle: 1
nodes:
  - {id: start, type: start, ports: {outputs: [{name: x, type: any}]}}
  - id: rounds
    type: loop
    data: {state: {n: 0}, max_iterations: 1000}
    body:
      nodes:
        - {id: next, type: transform, effect: repeatable, data: {value: "{{ state.n + 1 }}"}}
        - {id: end, type: end}
      edges:
        - {source: next, source_port: value, target: end, target_port: n}
  - {id: end, type: end}
edges:
  - {source: start, target: rounds}
  - {source: rounds, target: end}
"""


async def measure_loop(repeat: int) -> Row | None:
    workflow = read_workflow(LOOP.encode())
    with places() as (app, lowest):
        if any(node.type not in app.catalogue.types for node in workflow.nodes):
            return None

        async def ours() -> None:
            assert (await app.run(workflow, {})).status == "succeeded"

        took = await side_by_side(ours, lambda: lowest.chain(1000), repeat)
        await app.close()
    return Row("loop of 1,000 rounds", "ms", took.ours * 1e3, took.floor * 1e3, 300, 180, cpu=took.cpu * 1e3)


MAP = """
mulle: 1
nodes:
  - {id: start, type: start, ports: {outputs: [{name: items, type: array}]}}
  - id: each
    type: map
    data: {items: "{{ start.items }}", concurrency: 16}
    body:
      nodes:
        - {id: plus, type: transform, effect: repeatable, data: {value: "{{ item + 1 }}"}}
        - {id: end, type: end}
      edges:
        - {source: plus, source_port: value, target: end, target_port: value}
  - {id: end, type: end}
edges:
  - {source: start, target: each}
  - {source: each, source_port: results, target: end, target_port: results}
"""


async def measure_map(repeat: int) -> Row:
    """Its peak of memory is measured in a process of its own, beside that of a map of 1,000 items."""
    workflow = read_workflow(MAP.encode())
    with places() as (app, lowest):

        async def ours() -> None:
            result = await app.run(workflow, {"items": list(range(10_000))})
            assert result.status == "succeeded", result.error

        took = await side_by_side(ours, lambda: lowest.waves(10_000, 16), repeat)
        await app.close()
    small, large = peak_of_map(1_000), peak_of_map(10_000)
    work = f"map of 10,000 items, 16 at a time (+{large - small:.0f} MB)"
    return Row(work, "ms", took.ours * 1e3, took.floor * 1e3, 2000, 1000, cpu=took.cpu * 1e3)


PEAK_OF_MAP = """
import asyncio, resource, sys
sys.path.insert(0, sys.argv[1])
import engine, mulle
async def main():
    app = mulle.open(sys.argv[2])
    items = list(range(int(sys.argv[3])))
    await app.run(engine.read_workflow(engine.MAP.encode()), {"items": items})
    await app.close()
asyncio.run(main())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak_of_map(items: int) -> float:
    """Megabytes of a process that maps so many items."""
    with tempfile.TemporaryDirectory() as home:
        process = program(PEAK_OF_MAP, str(Path(__file__).parent), home, str(items))
        return float(process.communicate()[0])


RESTART = """
import asyncio, sys, time
import mulle
async def slow(value):
    print("step", time.time(), flush=True)
    await asyncio.sleep(60 if sys.argv[2] == "first" else 0)
async def main():
    app = mulle.open(sys.argv[1])
    workflow = mulle.Workflow("restart").add_step("slow", slow)
    if sys.argv[2] == "first":
        await app.run(workflow, 1)
    else:
        await app.recover([workflow])
        await app.idle()
    await app.close()
asyncio.run(main())
"""
BARE = "import sqlite3, asyncio; print('step', flush=True)"


async def measure_restart(repeat: int) -> Row:
    """From the kill to the first new step, with the start of the new process in it; the floor only starts Python."""
    ours: list[float] = []
    floor: list[float] = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as home:
            first = program(RESTART, home, "first")
            assert first.stdout is not None
            first.stdout.readline()
            first.send_signal(signal.SIGKILL)
            begun = time.perf_counter()
            ours.append(until_first_line(program(RESTART, home, "again"), begun))
            first.communicate()
        floor.append(until_first_line(program(BARE), time.perf_counter()))
    mine, lowest = statistics.median(ours), statistics.median(floor)
    return Row("kill -9 → first new step, embedded", "ms", mine * 1e3, lowest * 1e3, 1000, 400)


def program(text: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", text, *arguments], env={"PYTHONPATH": SOURCES}, stdout=subprocess.PIPE, text=True
    )


def until_first_line(process: "subprocess.Popen[str]", begun: float) -> float:
    assert process.stdout is not None
    assert process.stdout.readline()
    took = time.perf_counter() - begun
    process.communicate()
    return took


def started(*arguments: str) -> float:
    """Seconds that a Python process takes from its start to its end."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env={"PYTHONPATH": SOURCES}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


async def measure_import(repeat: int) -> Row:
    both = [(started("-c", "import mulle; mulle.open; mulle.Workflow"), started("-c", "pass")) for _ in range(repeat)]
    ours, floor = (statistics.median(times) for times in zip(*both, strict=True))
    return Row("import mulle, and open and Workflow", "ms", ours * 1e3, floor * 1e3, 150, 80)


async def measure_bare_import(repeat: int) -> Row:
    both = [(started("-c", "import mulle"), started("-c", "pass")) for _ in range(repeat)]
    ours, floor = (statistics.median(times) for times in zip(*both, strict=True))
    return Row("import mulle", "ms", ours * 1e3, floor * 1e3, 150, 80)


async def measure_help(repeat: int) -> Row:
    both = [(started("-m", "mulle.cli", "--help"), started("-c", "pass")) for _ in range(repeat)]
    ours, floor = (statistics.median(times) for times in zip(*both, strict=True))
    return Row("mulle --help", "ms", ours * 1e3, floor * 1e3, 300, 200)


MEASURES: dict[str, Callable[[int], Awaitable[Row | None]]] = {
    "chain": measure_chain,
    "def": measure_def,
    "pure": measure_pure,
    "fan": measure_fan,
    "many": measure_many,
    "frozen": measure_many_frozen,
    "loop": measure_loop,
    "map": measure_map,
    "restart": measure_restart,
    "import": measure_bare_import,
    "names": measure_import,
    "help": measure_help,
}


async def measured(name: str, repeat: int) -> Row | None:
    """One row; None if it cannot be measured here."""
    return await MEASURES[name](repeat)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), default=list(MEASURES))
    arguments = parser.parse_args()
    print(f"{'work':<46} {'ours':>10} {'cpu':>10} {'floor':>10} {'ratio':>7} {'must':>8} {'aim':>8}  reached")
    for name in arguments.only:
        row = asyncio.run(measured(name, arguments.repeat))
        if row is None:
            print(f"{name:<46} its node type is not installed")
            continue
        cpu = "" if row.cpu is None else f"{row.cpu:,.1f}"
        ratio = "" if not row.floor else f"{max(row.ours, row.floor) / min(row.ours, row.floor):.1f}x"
        figures = f"{row.ours:>10,.1f} {cpu:>10} {row.floor or 0:>10,.1f} {ratio:>7} {row.must:>8,} {row.aim:>8,}"
        print(f"{row.work:<46} {figures}  {row.unit:<8} {row.verdict}", flush=True)


if __name__ == "__main__":
    main()
