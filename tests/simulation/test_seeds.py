"""Some seeds of the simulator; `make soak` looks at as many as there is time for."""

from dataclasses import replace

import pytest
from tests.simulation.checker import broken
from tests.simulation.faults import DOINGS, crowd
from tests.simulation.soak import failure
from tests.simulation.world import World

CHUNKS, SEEDS = 40, 50


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_promise_holds_whatever_goes_wrong(chunk: int):
    for seed in range(chunk * SEEDS, (chunk + 1) * SEEDS):
        found = failure(seed)
        assert found is None, found


def test_a_child_whose_store_failed_goes_on_in_the_process_in_which_its_parent_waits_alone():
    assert failure(804_234, DOINGS) is None


@pytest.mark.parametrize("turns", [False, True])
def test_a_hundred_drivers_keep_every_promise(turns: bool):
    """Also when their runs stand in queues, and their steps wait for allowances and places."""
    world = World(0, trouble=replace(crowd(seed=1 + turns), queues=turns, limits=turns))
    world.live()

    assert broken(world) == []
    assert bool(world.history.queues.turns) is turns
    assert len(world.history.runs) == world.trouble.runs
    assert len({owner for kept in world.history.runs.values() for _, owner in kept.owners}) > 60
