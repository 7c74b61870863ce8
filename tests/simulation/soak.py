"""Look at many seeds, on all cores, until one of them breaks a promise.

python -m tests.simulation --soak 1000000 --from 5000
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.checker import broken
from tests.simulation.faults import KINDS
from tests.simulation.world import World

CHUNK = 200
"""Seeds that a core looks at before it says how far it is."""


def failure(seed: int, without: tuple[str, ...] = ()) -> str | None:
    """What a seed breaks, and how to see it again with as little trouble as still breaks it; None if all holds."""
    found = problems(seed, without)
    if not found:
        return None
    for kind in KINDS:
        fewer = (*without, kind)
        less = problems(seed, fewer)
        if less:
            without, found = fewer, less
    command = " ".join(
        [f"python -m tests.simulation --seed {seed} --trace", *(f"--without {kind}" for kind in without)]
    )
    return "\n".join([*found[:5], f"Replay it: {command}"])


def problems(seed: int, without: tuple[str, ...]) -> list[str]:
    """The promises that a world breaks, in words."""
    world = World(seed, without=without)
    try:
        world.live()
    except Exception as error:  # noqa: BLE001  # Whatever brings a world down is a finding.
        return [f"{type(error).__name__}: {error}"]
    return broken(world)


def first_failure(seeds: range) -> str | None:
    return next((found for seed in seeds if (found := failure(seed))), None)


def soak(start: int, count: int) -> Iterator[str]:
    """Go through seeds and tell, chunk by chunk, how it went; ends with the first failure."""
    began = time.monotonic()
    chunks = [range(first, min(first + CHUNK, start + count)) for first in range(start, start + count, CHUNK)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        done = 0
        for seeds, found in zip(chunks, pool.map(first_failure, chunks), strict=True):
            done += len(seeds)
            if found:
                pool.shutdown(cancel_futures=True)
                yield f"FAILED after {done:,} seeds\n{found}"
                return
            pace = done / (time.monotonic() - began)
            yield f"{done:,} of {count:,} seeds hold, {pace:,.0f} a second"
