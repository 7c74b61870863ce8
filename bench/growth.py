"""How cost grows: nodes, runs at once, facts of a journal. Each series has to be linear; its exponent says if it is.

    python bench/growth.py [--repeat 3] [--most 10000] [--picture docs/pictures/growth.png]

The exponent is the slope of the least-squares line through the logarithms of sizes and processor times, from the size
on where the work itself outweighs what every run costs: 1.0 is linear, 2.0 quadratic. Processor time is measured, so
other programs disturb little.
"""

import argparse
import asyncio
import gc
import math
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import mulle
from engine import chain, fan, step
from mulle.app import App
from mulle.document.reading import read_workflow
from mulle.engine.run import Run

STEEPEST = 1.15
"""An exponent above this is no longer called linear."""


@dataclass(frozen=True)
class Series:
    """The same work in several sizes."""

    name: str
    sizes: tuple[int, ...]
    measure: Callable[[App, int], Awaitable[float]]
    """Gives seconds of processor time."""
    linear_from: int
    """Below it the fixed cost of a run outweighs the work."""


async def spent(work: Callable[[], Awaitable[object]]) -> float:
    """Processor seconds of some work; what was left before it is not counted."""
    gc.collect()
    begun = time.process_time()
    await work()
    return time.process_time() - begun


async def succeeded(app: App, workflow: mulle.Workflow, value: object = None) -> str:
    result = await app.run(workflow, {"x": 0} if value is None else value)
    assert result.status == "succeeded", result.error
    return result.id


async def a_chain(app: App, size: int) -> float:
    workflow = chain(size)
    app.graphs.ready(workflow)
    return await spent(lambda: succeeded(app, workflow))


async def a_pure_chain(app: App, size: int) -> float:
    workflow = chain(size, step, "pure")
    app.graphs.ready(workflow)
    return await spent(lambda: succeeded(app, workflow))


async def a_fan(app: App, size: int) -> float:
    workflow = fan(size)
    app.graphs.ready(workflow)
    return await spent(lambda: succeeded(app, workflow))


async def made_ready(app: App, size: int) -> float:
    """Validated and compiled, without a run."""
    workflow = chain(size)

    async def ready() -> None:
        app.graphs.ready(workflow)

    return await spent(ready)


async def runs_at_once(app: App, size: int) -> float:
    workflow = chain(5)
    await succeeded(app, workflow)
    return await spent(lambda: asyncio.gather(*(succeeded(app, workflow) for _ in range(size))))


async def a_fold(app: App, size: int) -> float:
    """Of a journal with so many facts, in memory: what a driver does before it goes on with a run."""
    workflow = chain(max(1, size // 2), step, "pure")
    run_id = await succeeded(app, workflow)
    facts = (await app.journal.read(run_id))[:size]
    loaded = app.graphs.ready(workflow).loaded

    async def fold() -> None:
        run = Run(loaded.plan, loaded.executor.catalogue.describe)
        for fact in facts:
            run.apply(fact)

    return await spent(fold)


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


async def a_map(app: App, size: int) -> float:
    workflow = read_workflow(MAP.encode())
    app.graphs.ready(workflow)

    async def work() -> None:
        result = await app.run(workflow, {"items": list(range(size))})
        assert result.status == "succeeded", result.error

    return await spent(work)


NODES = (10, 100, 1_000, 10_000)
SERIES = (
    Series("nodes of a chain", NODES, a_chain, 100),
    Series("nodes of a pure chain", NODES, a_pure_chain, 100),
    Series("nodes side by side", NODES, a_fan, 100),
    Series("nodes, validated and compiled", NODES, made_ready, 100),
    Series("items of a map, 16 at a time", NODES, a_map, 100),
    Series("runs of 5 steps at once", (1, 10, 100, 1_000, 10_000), runs_at_once, 10),
    Series("facts of a journal, folded", (1, 10, 100, 1_000, 10_000, 100_000), a_fold, 1_000),
)


def exponent(points: Sequence[tuple[int, float]]) -> float:
    """The slope of the least-squares line through the points' logarithms."""
    xs, ys = [math.log(size) for size, _ in points], [math.log(seconds) for _, seconds in points]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


async def measured(series: Series, most: int, repeat: int) -> list[tuple[int, float]]:
    """The best of several measurements, size by size."""
    points: list[tuple[int, float]] = []
    for size in (size for size in series.sizes if size <= most):
        best = math.inf
        for _ in range(repeat if size < 10_000 else 1):
            with tempfile.TemporaryDirectory() as home:
                app = mulle.open(Path(home) / "home", by_itself=False)
                best = min(best, await series.measure(app, size))
                await app.close()
        points.append((size, best))
    return points


def draw(found: dict[str, list[tuple[int, float]]], picture: Path) -> None:
    """All series on logarithmic axes, where linear growth is a straight line of slope one."""
    plt: Any = import_module("matplotlib.pyplot")  # Only who wants a picture needs it.

    figure, axes = plt.subplots(figsize=(8, 6))
    for name, points in found.items():
        sizes, seconds = zip(*points, strict=True)
        axes.plot(sizes, [each * 1e3 for each in seconds], marker="o", label=name)
    axes.plot((10, 10_000), (1.5, 1_500), color="grey", linestyle=":", label="linear")
    axes.set(xscale="log", yscale="log", xlabel="how many", ylabel="processor time, ms", title="How cost grows")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize="small")
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--most", type=int, default=100_000, help="leave larger sizes out")
    parser.add_argument("--picture", type=Path, help="draw it there, as .png or .svg")
    arguments = parser.parse_args()
    found: dict[str, list[tuple[int, float]]] = {}
    for series in SERIES:
        points = found[series.name] = asyncio.run(measured(series, arguments.most, arguments.repeat))
        counted = [point for point in points if point[0] >= series.linear_from]
        if len(counted) < 2:
            continue
        slope = exponent(counted)
        each = "  ".join(f"{size:,}: {seconds * 1e3:,.1f} ms" for size, seconds in points)
        print(f"{series.name:<32} n^{slope:.2f} {'linear' if slope <= STEEPEST else 'STEEPER'}   {each}", flush=True)
    if arguments.picture:
        draw(found, arguments.picture)


if __name__ == "__main__":
    main()
