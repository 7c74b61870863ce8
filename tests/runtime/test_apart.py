"""A run under suspicion has a process of its own, which is not taken for dead because its server was."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash.cluster import Cluster, _begin
from tests.postgres_server import Server

from mulle.store.postgres_lease import LEASE


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr("tests.crash.cluster.PACE", LEASE + 1)
    server = Server()  # Of its own: it goes away.
    cluster = Cluster(tmp_path, server)
    yield cluster
    cluster.close()
    server.stop()


async def lines(cluster: Cluster, count: int) -> list[int]:
    """The processes in which steps began, when there are so many."""
    async with asyncio.timeout(60):
        while len(cluster.lines()) < count:  # noqa: ASYNC110 - it happens in other processes.
            await asyncio.sleep(0.02)
    return [line["process"] for line in cluster.lines()]


async def test_a_server_that_stays_away_is_no_death_of_a_run_that_is_driven_apart(cluster: Cluster):
    async with cluster.app() as app:
        (run,) = await _begin(app, 1)
        cluster.server.say("UPDATE runs SET deaths = 2", url=cluster.url)
        cluster.start_worker()
        await lines(cluster, 1)
        cluster.start_worker()  # Another one who might take it over.
        await asyncio.sleep(1.0)

        await asyncio.to_thread(cluster.server.halt)
        await asyncio.sleep(LEASE + 1.5)
        await asyncio.to_thread(cluster.server.go_on)
        first, again = await lines(cluster, 2)
        row = await app.journal.row(run)

        assert first not in {worker.pid for worker in cluster.workers}
        os.kill(first, signal.SIGKILL)  # It would wait for its store a long while after this.
        assert first == again
        assert (row.status, row.detail) == ("running", "")
