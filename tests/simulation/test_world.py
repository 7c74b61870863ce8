"""The simulator itself: the same seed is the same world, death is sudden, and virtual time costs nothing."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from tests.simulation.loop import SimulatedLoop
from tests.simulation.world import World

ROOT = Path(__file__).parents[2]


def lines(seed: int) -> list[str]:
    world = World(seed)
    world.live()
    return world.history.lines


def test_a_seed_is_the_same_world_again_even_where_hashes_differ():
    program = "from tests.simulation.test_world import lines; print(*lines(7), sep='\\n')"
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    }

    assert len(told) == 1
    assert told.pop().splitlines() == lines(7)


def test_an_hour_passes_in_an_instant():
    loop = SimulatedLoop(Random(1))
    woken: list[float] = []

    async def sleeper() -> None:
        await asyncio.sleep(3600.0)
        woken.append(loop.time())

    before = time.monotonic()
    loop.spawn(loop.world, sleeper())
    loop.run(lambda: bool(woken), 1e9)
    loop.end()

    assert 3600.0 <= woken[0] < 3601.0
    assert time.monotonic() - before < 60.0


def test_the_killed_do_nothing_any_more_and_the_frozen_do_it_later():
    loop = SimulatedLoop(Random(1))
    killed, frozen = loop.place("killed"), loop.place("frozen")
    did: list[tuple[str, float]] = []

    async def step(name: str) -> None:
        try:
            await asyncio.sleep(1.0)
            did.append((name, loop.time()))
        finally:
            did.append((f"{name} cleaned up", loop.time()))

    loop.spawn(killed, step("killed"))
    loop.spawn(frozen, step("frozen"))
    loop.run(lambda: False, 0.5)
    loop.kill(killed)
    frozen.frozen = True
    loop.run(lambda: False, 10.0)
    frozen.frozen = False
    loop.run(lambda: False, 20.0)
    seen = list(did)
    loop.end()

    assert [name for name, _ in seen] == ["frozen", "frozen cleaned up"]
    assert seen[0][1] >= 1.0
