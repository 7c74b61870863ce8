"""Real processes over real homes, ended by `kill -9` at any instant: the next one that opens the home goes on.

The ledger of `kills.py` is the world outside: it shows what was done, how often, whatever the journal says.
"""

import collections
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.stories.kills import ONCE, STEPS

import mulle

PROGRAM = Path(__file__).with_name("kills.py")
ENVIRONMENT = {"PYTHONPATH": str(Path(mulle.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}


class Processes:
    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: object) -> "subprocess.Popen[str]":
        command = [sys.executable, str(PROGRAM), *map(str, arguments)]
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._started.append(process)
        return process

    def finish(self, workflow: str, homes: Sequence[Path]) -> list[dict[str, Any]]:
        """Open the homes in a new process, and see how their runs end."""
        process = self.start("go_on", workflow, *homes)
        said, complaints = process.communicate(timeout=100)
        assert process.returncode == 0, complaints
        return json.loads(said)

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.close()


def lines(home: Path) -> list[str]:
    """What was done in the world outside, in order."""
    file = home / "ledger.txt"
    return file.read_text().splitlines() if file.exists() else []


def kill_when(process: "subprocess.Popen[str]", home: Path, count: int) -> None:
    """End a process at the instant when the ledger has so many lines."""
    give_up = time.monotonic() + 60
    while len(lines(home)) < count and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.0005)
    assert len(lines(home)) >= count
    process.send_signal(signal.SIGKILL)
    process.wait()


def homes_in(folder: Path, count: int) -> list[Path]:
    homes = [folder / f"home{number}" for number in range(count)]
    for home in homes:
        home.mkdir()
    return homes


def assert_chain_was_done_right(before: list[str], after: list[str], result: dict[str, Any]) -> None:
    counts = collections.Counter(after)
    assert (result["status"], result["outputs"]) == ("succeeded", {"output": len(STEPS)})
    assert list(dict.fromkeys(after)) == STEPS
    assert all(counts[step] == 1 for step in before[:-1]), "a finished step was repeated"
    assert all(counts[step] <= 2 for step in STEPS)
    assert all(counts[step] == 1 for step in ONCE), "a once step ran twice"


def test_a_chain_killed_at_every_kind_of_step_goes_on_where_it_was(tmp_path: Path, processes: Processes):
    points = [1, 3, 6, 11]  # In a repeatable step, in a once step, in one behind it, near the end.
    homes = homes_in(tmp_path, len(points))
    for home, point in zip(homes, points, strict=True):
        kill_when(processes.start("begin", "chain", 0.02, home), home, point)
    before = [lines(home) for home in homes]

    results = processes.finish("chain", homes)

    for home, done, result in zip(homes, before, results, strict=True):
        assert_chain_was_done_right(done, lines(home), result)
    assert results[1]["asked"] == ["interrupted/걸음2"]
    assert results[0]["asked"] == []


def test_a_chain_killed_at_random_instants_goes_on_where_it_was(tmp_path: Path, processes: Processes):
    homes = homes_in(tmp_path, 10)
    chance = random.Random(20261121)
    for number in range(0, 10, 2):
        pair = homes[number : number + 2]
        process = processes.start("begin", "chain", chance.uniform(0.001, 0.01), *pair)
        give_up = time.monotonic() + 60
        while not lines(pair[0]) and time.monotonic() < give_up:
            time.sleep(0.0005)
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = [lines(home) for home in homes]

    results = processes.finish("chain", homes)

    for home, done, result in zip(homes, before, results, strict=True):
        if result["status"] != "none":  # It was killed before the run's first fact was written.
            assert_chain_was_done_right(done, lines(home), result)
        else:
            assert done == []


def test_a_run_killed_again_and_again_gets_done(tmp_path: Path, processes: Processes):
    (home,) = homes_in(tmp_path, 1)
    kill_when(processes.start("begin", "loop", 0.005, home), home, 2)
    for count in (5, 8):
        kill_when(processes.start("begin", "loop", 0.005, home), home, count)

    (result,) = processes.finish("loop", [home])

    assert (result["status"], result["outputs"]) == ("succeeded", {"output": 10})
    assert set(lines(home)) == {f"돌기{number}" for number in range(10)}
    assert len(lines(home)) <= 13


def test_a_map_killed_in_the_middle_repeats_only_what_was_in_flight(tmp_path: Path, processes: Processes):
    homes = homes_in(tmp_path, 2)
    kill_when(processes.start("begin", "map", 0.01, homes[0]), homes[0], 5)
    kill_when(processes.start("begin", "map", 0.01, homes[1]), homes[1], 2)

    for home, result in zip(homes, processes.finish("map", homes), strict=True):
        assert (result["status"], result["outputs"]) == ("succeeded", {"output": list(range(10))})
        assert len(lines(home)) <= 13
        assert len(set(lines(home))) == 10


def test_once_items_of_a_map_make_one_question(tmp_path: Path, processes: Processes):
    (home,) = homes_in(tmp_path, 1)
    kill_when(processes.start("begin", "once_map", 0.05, home), home, 3)

    (result,) = processes.finish("once_map", [home])

    assert (result["status"], result["asked"]) == ("succeeded", ["interrupted/each/쪽"])


def test_a_run_killed_while_it_waits_is_woken_by_time_in_the_next_process(tmp_path: Path, processes: Processes):
    (home,) = homes_in(tmp_path, 1)
    process = processes.start("begin", "wait", 0, home)
    give_up = time.monotonic() + 60
    database = home / "mulle.db"
    while not database.exists() and time.monotonic() < give_up:
        time.sleep(0.005)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()

    (result,) = processes.finish("wait", [home])

    assert result["status"] in {"succeeded", "none"}


LETTERS = """
mulle: 1
name: 편지
nodes:
  - {id: start, type: start}
  - id: each
    type: map
    data: {items: [0, 1, 2, 3, 4, 5], concurrency: 1}
    body:
      nodes:
        - {id: note, type: notification, effect: repeatable,
           data: {channel: file, to: ledger.txt, text: "편지 {{ index }}"}}
        - {id: rest, type: wait, data: {for: 50ms}}
        - {id: end, type: end}
      edges:
        - {source: note, target: rest}
        - {source: rest, source_port: received, target: end, target_port: received}
  - {id: end, type: end}
edges:
  - {source: start, target: each}
  - {source: each, source_port: results, target: end, target_port: results}
"""


def mulle_command(home: Path, *arguments: str, plugins: Path | None = None) -> "subprocess.Popen[str]":
    environment = ENVIRONMENT | {"MULLE_HOME": str(home)}
    if plugins is not None:
        environment["PYTHONPATH"] += f":{plugins}"
    return subprocess.Popen(
        [sys.executable, "-m", "mulle.cli", *arguments],
        env=environment,
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_worker_finishes_what_a_killed_command_began(tmp_path: Path):
    (tmp_path / "letters.yaml").write_text(LETTERS)
    began = mulle_command(tmp_path, "run", "letters.yaml", "--json")
    give_up = time.monotonic() + 60
    while not list(tmp_path.rglob("ledger.txt")) and began.poll() is None and time.monotonic() < give_up:
        time.sleep(0.002)
    began.send_signal(signal.SIGKILL)
    began.communicate()

    worker = mulle_command(tmp_path, "worker", "--until-idle", "--json")
    said, complaints = worker.communicate(timeout=60)
    assert worker.returncode == 0, complaints
    listed, _ = mulle_command(tmp_path, "runs", "list", "--json").communicate(timeout=60)

    (ledger,) = tmp_path.rglob("ledger.txt")
    letters = [line for line in ledger.read_text().splitlines() if line.startswith("편지")]
    assert len(json.loads(said)["recovered"]) == 1
    assert list(dict.fromkeys(letters)) == [f"편지 {number}" for number in range(6)]
    assert len(letters) <= 7
    assert '"succeeded"' in listed


BOMB = """
import os
import signal
from mulle.sdk import Node

class Bomb(Node):
    type = "bomb"

    async def run(self, config, inputs, ctx):
        with open(os.environ["MULLE_HOME"] + "/ledger.txt", "a") as file:
            file.write(f"{os.getppid()}\\n")
        os.kill(os.getpid(), signal.SIGKILL)
"""
DEADLY = "mulle: 1\nname: 폭탄\nnodes: [{id: 펑, type: bomb}, {id: end, type: end}]\nedges: [{source: 펑, target: end}]"


def test_a_run_that_kills_its_process_is_driven_apart_and_then_given_up(tmp_path: Path):
    plugins, home = tmp_path / "plugins", tmp_path / "home"
    (plugins / "bomb-1.0.dist-info").mkdir(parents=True)
    (plugins / "bomb.py").write_text(BOMB)
    (plugins / "bomb-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: bomb\nVersion: 1.0\n")
    (plugins / "bomb-1.0.dist-info" / "entry_points.txt").write_text("[mulle.nodes]\nbomb = bomb:Bomb\n")
    home.mkdir()
    (home / "deadly.yaml").write_text(DEADLY)

    codes: list[int] = []
    for arguments in (["run", "deadly.yaml"], ["worker", "--until-idle"], ["worker", "--until-idle", "--json"]):
        process = mulle_command(home, *arguments, plugins=plugins)
        _, complaints = process.communicate(timeout=60)
        codes.append(process.returncode)
    listed, _ = mulle_command(home, "runs", "list", "--json", plugins=plugins).communicate(timeout=60)

    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0], complaints
    assert len(lines(home)) == 3
    assert '"failed"' in listed
    assert '"poisoned"' in listed
