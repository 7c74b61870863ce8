"""Whether a rule that was broken on purpose is seen: `caught(promise)` goes through worlds until one of them tells."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.simulation.checker import broken
from tests.simulation.faults import Trouble
from tests.simulation.soak import problems
from tests.simulation.world import World

SEEDS = 300
"""Within so many every mutation must be caught."""


def caught(promise: Callable[..., Any] | str, troubles: Iterable[Trouble] = ()) -> bool:
    """Whether some seed, or some world with trouble of our choice, sees the promise broken."""
    sentence = promise if isinstance(promise, str) else (promise.__doc__ or "").splitlines()[0]
    worlds = (World(trouble.seed, trouble=trouble) for trouble in troubles)
    seen = map(seen_broken, worlds) if troubles else (problems(seed, ()) for seed in range(SEEDS))
    return any(sentence in found for wrong in seen for found in wrong)


def seen_broken(world: World) -> list[str]:
    world.live()
    return broken(world)
