"""Several real workers on one real Postgres."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.program import environment, mulle_said
from tests.crash.cluster import story
from tests.crash.outside import Outside
from tests.postgres_server import Server, server

from mulle.app import App, open_app
from mulle.app.beginning import RunOptions, beginning
from mulle.document.reading import read_workflow
from mulle.engine.codec import encode_one
from mulle.engine.facts import AnyFact, NodeFailed
from mulle.engine.journal import RunRow
from mulle.settings import Settings

PATIENCE = 60
PAYMENT = """
mulle: 1
name: 결제
nodes:
  - {id: pay, type: http, data: {method: POST, url: "http://PLACE/pay", json: 1}}
  - {id: tell, type: http, data: {method: POST, url: "http://PLACE/tell", json: 2}}
  - {id: end, type: end}
edges:
  - {source: pay, target: tell}
  - {source: tell, source_port: json, target: end, target_port: told}
"""
LETTERS = """
mulle: 1
name: 편지
nodes:
  - {id: start, type: start}
  - id: each
    type: map
    data: {items: [0, 1, 2, 3, 4, 5, 6, 7], concurrency: 1}
    body:
      nodes:
        - {id: note, type: notification, effect: repeatable,
           data: {channel: file, to: letters.txt, text: "편지 {{ index }}"}}
        - {id: rest, type: wait, data: {for: 200ms}}
        - {id: end, type: end}
      edges:
        - {source: note, target: rest}
        - {source: rest, source_port: received, target: end, target_port: received}
  - {id: end, type: end}
edges:
  - {source: start, target: each}
  - {source: each, source_port: results, target: end, target_port: results}
"""


class Machines:
    """Workers, each with a home of its own, and one database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = {"MULLE_DATABASE_URL": server().schema()}
        self._started: list[subprocess.Popen[str]] = []

    def worker(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "mulle.cli", "worker", *arguments]
        home = self.folder / f"machine{len(self._started)}"
        process = subprocess.Popen(
            command, env=environment(home, self.variables), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._started.append(process)
        return process

    def said(self, *arguments: str) -> Any:
        said = mulle_said(self.folder / "desk", *arguments, "--json", variables=self.variables)
        assert said.code == 0, said.err
        return said.data

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    made = Machines(tmp_path)
    yield made
    made.close()


def soon(look: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + PATIENCE
    while not (found := look()) and time.monotonic() < give_up:
        time.sleep(0.1)
    return found


def asked(port: int, path: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_kills_a_freeze_and_a_restart_cost_nothing_but_time(tmp_path: Path):
    started = Server()
    try:
        report = asyncio.run(story(tmp_path, started, runs=40, kills=3, seed=20261129))
    finally:
        started.stop()

    assert report.ended == {"succeeded": 40}
    assert (report.repeated, report.not_once, report.without_right) == ([], [], [])


def test_a_worker_that_is_told_to_stop_hands_its_runs_on_at_once(machines: Machines):
    (machines.folder / "letters.yaml").write_text(LETTERS)
    run = subprocess.Popen(
        [sys.executable, "-m", "mulle.cli", "run", str(machines.folder / "letters.yaml"), "--json"],
        env=environment(machines.folder / "desk", machines.variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert soon(lambda: _lines(machines))
    run.send_signal(signal.SIGKILL)
    run.communicate()
    first = machines.worker("--json")
    assert soon(lambda: len(_lines(machines)) >= 3)
    first.send_signal(signal.SIGTERM)
    said, _ = first.communicate(timeout=PATIENCE)
    stopped_at = len(_lines(machines))
    row = machines.said("runs", "list")["runs"][0]
    second = machines.worker("--until-idle", "--json")
    second.communicate(timeout=PATIENCE)

    assert first.returncode == 0
    assert json.loads(said)["problems"] == []
    assert row["status"] == "waiting"
    assert stopped_at < 8
    assert machines.said("runs", "list")["runs"][0]["status"] == "succeeded"
    lines = _lines(machines)  # Each machine's own.
    assert sorted(set(lines)) == [f"편지 {number}" for number in range(8)]
    assert len(lines) <= 10


def test_a_worker_that_is_told_to_stop_finishes_what_must_not_happen_twice(machines: Machines, tmp_path: Path):
    outside = Outside(tmp_path / "ledger.jsonl", Steady(), slow=2.0)  # A second before the effect, and one after it.
    machines.variables["MULLE_ALLOW_HOSTS"] = outside.place
    run = asyncio.run(begun(machines, PAYMENT.replace("PLACE", outside.place)))
    first = machines.worker("--json")
    assert soon(lambda: outside.asked)
    second = machines.worker("--json")
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=PATIENCE)
    given, _ = asyncio.run(read(machines, run))
    succeeded = soon(lambda: machines.said("runs", "list")["runs"][0]["status"] == "succeeded")
    ended, facts = asyncio.run(read(machines, run))
    second.terminate()
    outside.close()

    assert first.returncode == 0
    assert given.owner is None or given.epoch == 3
    assert succeeded
    assert (ended.epoch, ended.deaths) == (3, 0)
    assert [one.key.split("/")[1] for one in outside.effects] == ["pay", "tell"]
    assert not [fact for fact in facts if isinstance(fact, NodeFailed)]


class Steady(random.Random):
    """No chance at all."""

    def random(self) -> float:
        return 0.5


def _app(machines: Machines) -> App:
    home = machines.folder / "harness"
    return open_app(given=Settings(home=home, database_url=machines.variables["MULLE_DATABASE_URL"]), by_itself=False)


async def begun(machines: Machines, document: str) -> str:
    """Begin a run for whoever works."""
    async with _app(machines) as app:
        ready = app.graphs.ready(read_workflow(document.encode()))
        app.journal.save_graph(ready.graph, ready.text)
        new, first = beginning("결제-1", ready, {}, RunOptions(), app.now())
        assert await app.journal.create(new, [encode_one(first)])
        assert await app.journal.release(new.id, 1, 0.0)
        return new.id


async def read(machines: Machines, run: str) -> tuple[RunRow, list[AnyFact]]:
    async with _app(machines) as app:
        return await app.journal.row(run), await app.journal.read(run)


def _lines(machines: Machines) -> list[str]:
    return [
        line
        for file in machines.folder.rglob("letters.txt")
        for line in file.read_text().splitlines()
        if line.startswith("편지")
    ]


def test_probes_hear_whether_a_worker_lives_and_can_work(machines: Machines):
    worker = machines.worker("--health", "0")
    assert worker.stdout is not None
    port = int(worker.stdout.readline().rsplit(":", 1)[1].split("/")[0])

    assert asked(port, "/health/live") == (200, {"status": "live"})
    assert soon(lambda: asked(port, "/health/ready")[0] == 200)
    assert asked(port, "/health/other")[0] == 404
    status, ready = asked(port, "/health/ready")
    assert (status, ready["status"], ready["database"], ready["lease"]) == (200, "ready", True, True)


def test_probes_hear_that_the_database_is_away_and_that_it_is_back(machines: Machines):
    started = Server()
    machines.variables["MULLE_DATABASE_URL"] = started.schema()
    worker = machines.worker("--health", "0")
    assert worker.stdout is not None
    port = int(worker.stdout.readline().rsplit(":", 1)[1].split("/")[0])
    assert soon(lambda: asked(port, "/health/ready")[0] == 200)

    try:
        started.halt()
        away, why = asked(port, "/health/ready")
        live, _ = asked(port, "/health/live")
        started.go_on()
        back = soon(lambda: asked(port, "/health/ready")[0] == 200)
    finally:
        started.stop()

    assert (away, why["database"], live, back) == (503, False, 200, True)
    assert why["why"]
    assert worker.poll() is None


def test_several_workers_start_one_run_a_due_time(machines: Machines):
    when = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8 + step)) for step in range(2)]
    document = {
        "mulle": 1,
        "name": "곧",
        "nodes": [{"id": "end", "type": "end"}],
        "edges": [],
        "triggers": [{"type": "at", "at": at} for at in when],
    }
    file = machines.folder / "곧.json"
    file.write_text(json.dumps(document), "utf-8")
    machines.said("workflows", "save", str(file))
    for _ in range(3):
        machines.worker()

    firings = soon(lambda: len(found := machines.said("schedules")["firings"]) == 2 and found)
    runs = soon(
        lambda: (
            (found := machines.said("runs", "list")["runs"])
            and all(one["status"] == "succeeded" for one in found)
            and found
        )
    )

    assert [one["outcome"] for one in firings] == ["started"] * 2
    assert sorted(one["run_id"] for one in firings) == sorted(one["run_id"] for one in runs)
