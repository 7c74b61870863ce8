from collections.abc import Iterator

import pytest
from tests.store.processes import Processes


@pytest.fixture
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.close()
