"""Some seeds of the simulator; `make soak` looks at as many as there is time for."""

import pytest
from tests.simulation.checker import broken
from tests.simulation.faults import crowd
from tests.simulation.soak import failure
from tests.simulation.world import World

CHUNKS, SEEDS = 40, 50


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_promise_holds_whatever_goes_wrong(chunk: int):
    for seed in range(chunk * SEEDS, (chunk + 1) * SEEDS):
        found = failure(seed)
        assert found is None, found


def test_a_hundred_drivers_keep_every_promise():
    world = World(0, trouble=crowd(seed=1))
    world.live()

    assert broken(world) == []
    assert len(world.history.runs) == world.trouble.runs
    assert len({owner for kept in world.history.runs.values() for _, owner in kept.owners}) > 60
