"""Some seeds of the simulator; `make soak` looks at as many as there is time for."""

import pytest
from tests.simulation.soak import failure

CHUNKS, SEEDS = 40, 25


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_promise_holds_whatever_goes_wrong(chunk: int):
    for seed in range(chunk * SEEDS, (chunk + 1) * SEEDS):
        found = failure(seed)
        assert found is None, found
