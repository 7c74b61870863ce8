"""Three real workers, a real Postgres, and trouble: what is promised of a cluster, proved by a ledger outside of it.

    python -m tests.crash --kills 0 [--runs 500] [--seed 1]

Each run notes a step, waits an hour for a signal, does something that must never happen twice, waits an hour that is
cut short, and notes two more steps. Meanwhile workers are killed (one of them for good), one is frozen past its lease,
and the server is restarted, in any order. The ledger holds a line for every effect that began, with the process it
began in; a trigger in the database logs who claimed which run when. What comes out:

    every run ends as it should, no finished step is repeated, no `once` effect happens twice,
    and no effect begins in a process that had lost the run by then
"""

import asyncio
import collections
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.crash.verdict import EFFECTS, LOST, ONCE, REPEATED, RIGHT, RUNS, Verdict
from tests.postgres_server import Server

import mulle
from mulle.app import open_app
from mulle.app.beginning import RunOptions, beginning
from mulle.app.running import App
from mulle.document.reading import read_workflow
from mulle.engine.codec import encode_one
from mulle.engine.facts import NodeDone
from mulle.engine.journal import InboxSignal
from mulle.sdk import Done, Node
from mulle.settings import Settings

COLUMN = "three workers"
"""Where the verdict tells of this story."""
WORDS = {"kill": "kills", "freeze": "freezes past the lease", "restart": "database restarts"}
SOURCES = Path(mulle.__file__).parents[1]
WORKERS = 3
FROZEN = 6.0
"""Seconds that a worker stands still: longer than its lease."""
PACE = 0.4
"""Seconds that a step takes."""

DOCUMENT = """
mulle: 1
name: 주문
nodes:
  - {id: 하나, type: ledger, effect: repeatable}
  - {id: 승인, type: wait, data: {signal: 승인, for: 1h}}
  - {id: 결제, type: ledger, effect: once}
  - {id: 하루, type: wait, data: {for: 1h, signal: 깨움}}
  - {id: 둘, type: ledger, effect: repeatable}
  - {id: 셋, type: ledger, effect: repeatable}
  - {id: end, type: end}
edges:
  - {source: 하나, target: 승인}
  - {source: 승인, target: 결제}
  - {source: 결제, target: 하루}
  - {source: 하루, target: 둘}
  - {source: 둘, target: 셋}
  - {source: 셋, target: end}
"""
PLUGIN = """
import asyncio, json, os, time
from mulle.sdk import Done, Node

class Ledger(Node):
    type = "ledger"

    async def run(self, config, inputs, ctx):
        line = json.dumps({"run": ctx.run_id, "step": ctx.node_id, "process": os.getpid(), "at": time.time()})
        file = os.open(os.environ["LEDGER"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(file, f"{line}\\n".encode())
        os.close(file)
        await asyncio.sleep(float(os.environ["PACE"]))
        return Done({})
"""
CLAIMS = """
CREATE TABLE claims_seen (run text, owner text, process text, at double precision);
CREATE FUNCTION see_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO claims_seen VALUES (
        NEW.id, NEW.owner, (SELECT split_part(name, ':', 2) FROM workers WHERE id = NEW.owner),
        extract(epoch FROM clock_timestamp())
    );
    RETURN NEW;
END $$;
CREATE TRIGGER claims BEFORE UPDATE OF epoch ON runs FOR EACH ROW EXECUTE FUNCTION see_claim();
"""


class Ledger(Node):
    """So that the harness knows the type; it drives nothing."""

    type = "ledger"

    async def run(self, config: Any, inputs: Any, ctx: Any) -> Done:
        raise AssertionError("the harness drives no run")


@dataclasses.dataclass
class Report:
    """What came of it."""

    runs: int
    effects: int
    ended: collections.Counter[str]
    not_succeeded: list[str]
    """Runs that have not ended as they should, and how."""
    seconds: float
    repeated: list[str]
    """Finished steps that were done again."""
    not_once: list[str]
    """`once` effects that happened twice, or not at all."""
    without_right: list[str]
    """Effects that began in a process that had lost the run."""
    asked: int
    """Questions what became of an interrupted `once` step."""
    takeovers: list[float]
    """Seconds that runs stood still whose worker was killed in the middle of a step."""
    trouble: list[str]

    def add_to(self, verdict: Verdict) -> None:
        """Tell it beside what campaigns have shown."""
        for event, times in collections.Counter(self.trouble).items():
            verdict.count(COLUMN, WORDS[event], times)
        verdict.count(COLUMN, RUNS, self.runs)
        verdict.count(COLUMN, EFFECTS, self.effects)
        for case in self.not_succeeded:
            verdict.breaks(LOST, f"{COLUMN}: {case}")
        for promise, cases in ((REPEATED, self.repeated), (ONCE, self.not_once), (RIGHT, self.without_right)):
            for case in cases:
                verdict.breaks(promise, f"{COLUMN}: {case}")
        times = sorted(self.takeovers)
        waited = f"{times[len(times) // 2]:.2f} s (median), {times[-1]:.2f} s (longest)" if times else "nobody waited"
        verdict.notes += [
            f"{COLUMN}: {self.runs} runs in {self.seconds:.1f} s; trouble: {', '.join(self.trouble)}",
            f"{COLUMN}: questions about interrupted steps, answered from the ledger: {self.asked}",
            f"{COLUMN}: runs cut off in a step by a kill: {len(times)}, driven again after {waited}",
        ]


class Cluster:
    """A server, its workers, and the ledger of what they did."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.ledger = folder / "ledger.jsonl"
        self.ledger.touch()
        self.server = server
        self.url = server.schema()
        self._folder = folder
        plugins = folder / "plugins"
        (plugins / "ledger-1.0.dist-info").mkdir(parents=True)
        (plugins / "ledger_plugin.py").write_text(PLUGIN)
        (plugins / "ledger-1.0.dist-info" / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: ledger\nVersion: 1.0\n"
        )
        entry = "[mulle.nodes]\nledger = ledger_plugin:Ledger\n"
        (plugins / "ledger-1.0.dist-info" / "entry_points.txt").write_text(entry)
        self._environment = {
            "PYTHONPATH": f"{SOURCES}:{plugins}",
            "MULLE_DATABASE_URL": self.url,
            "LEDGER": str(self.ledger),
            "PACE": str(PACE),
            "PATH": os.environ["PATH"],
        }
        self.workers: list[subprocess.Popen[bytes]] = []
        self._started: list[subprocess.Popen[bytes]] = []

    def app(self) -> App:
        settings = Settings(home=self._folder / "harness", database_url=self.url)
        app = open_app(given=settings, by_itself=False)
        app.catalogue = app.catalogue.with_types({"ledger": Ledger()})
        return app

    def start_worker(self) -> None:
        number = len(self._started)
        home = self._folder / f"machine{number}"
        log = (self._folder / f"worker{number}.log").open("wb")
        command = [sys.executable, "-m", "mulle.cli", "worker", "--json"]
        environment = self._environment | {"MULLE_HOME": str(home)}
        process = subprocess.Popen(command, env=environment, cwd=self._folder, stdout=log, stderr=log)
        log.close()
        self.workers.append(process)
        self._started.append(process)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ledger.read_text().splitlines()]

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()


async def story(folder: Path, server: Server, *, runs: int, kills: int, seed: int) -> Report:
    """Begin runs, make trouble, and see what came of it: `kills`, a freeze and a restart."""
    chance = random.Random(seed)
    cluster = Cluster(folder, server)
    try:
        async with cluster.app() as app:
            await app.runs(limit=1)  # Makes the schema.
            cluster.server.say(CLAIMS, url=cluster.url)
            begun = time.monotonic()
            names = await _begin(app, runs)
            for _ in range(WORKERS):
                cluster.start_worker()
            person = Person(app, cluster, names, chance)
            trouble = asyncio.create_task(_trouble(cluster, kills, chance))
            await person.until_all_ended()
            killed, told = await trouble
            return await _report(app, cluster, names, person.asked, killed, told, time.monotonic() - begun)
    finally:
        cluster.close()


async def _begin(app: App, count: int) -> list[str]:
    ready = app.graphs.ready(read_workflow(DOCUMENT.encode()))
    app.journal.save_graph(ready.graph, ready.text)
    names = [f"주문-{number}" for number in range(count)]

    async def begin(run: str) -> None:
        new, first = beginning(run, ready, {}, RunOptions(), app.now())
        assert await app.journal.create(new, [encode_one(first)])
        assert await app.journal.release(run, 1, 0.0)

    await asyncio.gather(*map(begin, names))
    return names


class Person:
    """Sends each run its signals, and answers what became of interrupted steps after a look into the ledger."""

    def __init__(self, app: App, cluster: Cluster, names: list[str], chance: random.Random) -> None:
        self._app = app
        self._cluster = cluster
        self._names = names
        self._chance = chance
        self.asked = 0

    async def until_all_ended(self) -> None:
        """For three minutes at most; who has not ended by then is counted as such."""
        todo = [(run, name) for name in ("승인", "깨움") for run in self._names]
        block = max(1, len(todo) // 40)
        give_up = time.monotonic() + 180
        while time.monotonic() < give_up:
            some, todo = todo[:block], todo[block:]
            await asyncio.gather(*(self._send(run, name) for run, name in some))
            rows = await self._app.runs(limit=len(self._names))
            if all(row.ended is not None for row in rows):
                return
            if not todo:
                await self._answer([row.id for row in rows if row.status == "waiting" and row.ended is None])
            await asyncio.sleep(0.3)

    async def _send(self, run: str, name: str) -> None:
        await self._app.journal.send(run, InboxSignal(f"{name}/{run}", name, {}))

    async def _answer(self, runs: list[str]) -> None:
        done = {line["run"] for line in self._cluster.lines() if line["step"] == "결제"}
        for run in runs:
            facts = await self._app.journal.read(run)
            last = [fact for fact in facts if getattr(fact, "path", None) == ("결제",)][-1:]
            if last and getattr(last[0], "ask_until", None) is not None:
                decision = "happened" if run in done else "again"
                signal_id = f"answer/{run}/{len(facts)}"
                answer = InboxSignal(signal_id, "interrupted/결제", {"decision": decision, "outputs": {}})
                self.asked += await self._app.journal.send(run, answer)


async def _trouble(cluster: Cluster, kills: int, chance: random.Random) -> tuple[list[tuple[int, float]], list[str]]:
    """Kills, a freeze and a restart, in any order; the first worker killed is never replaced. Gives who died when."""
    plan = ["freeze", "restart", *["kill"] * kills]
    chance.shuffle(plan)
    killed: list[tuple[int, float]] = []
    while len(cluster.lines()) < WORKERS * 3:  # noqa: ASYNC110 - what is waited for happens in other processes.
        await asyncio.sleep(0.05)
    for event in plan:
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        if event == "restart":
            await asyncio.to_thread(cluster.server.restart)
            continue
        worker = chance.choice(cluster.workers)
        if event == "freeze":
            worker.send_signal(signal.SIGSTOP)
            await asyncio.sleep(FROZEN)
            worker.send_signal(signal.SIGCONT)
            continue
        killed.append((worker.pid, time.time()))
        worker.kill()
        worker.wait()
        cluster.workers.remove(worker)
        if len(killed) > 1:
            cluster.start_worker()
    return killed, plan


async def _report(  # noqa: PLR0917 - the parts of a story that is over.
    app: App,
    cluster: Cluster,
    names: list[str],
    asked: int,
    killed: list[tuple[int, float]],
    trouble: list[str],
    seconds: float,
) -> Report:
    rows = {row.id: row for row in await app.runs(limit=len(names))}
    finished: dict[tuple[str, str], float] = {}
    for run in names:
        for fact in await app.journal.read(run):
            if isinstance(fact, NodeDone):
                finished[run, str(fact.path[-1])] = fact.at
    lines = cluster.lines()
    effects = collections.Counter((line["run"], line["step"]) for line in lines)
    seen = cluster.server.say("SELECT run, process, at FROM claims_seen ORDER BY at", url=cluster.url)
    claims: dict[str, list[tuple[float, int]]] = collections.defaultdict(list)
    for run, process, at in seen:
        claims[run].append((at, int(process)))

    def drives(run: str, at: float) -> int:
        return next((process for since, process in reversed(claims[run]) if since <= at), 0)

    late = 0.001  # Seconds: the clock of an effect is read after it began to be one.
    return Report(
        runs=len(names),
        effects=len(lines),
        ended=collections.Counter(row.status for row in rows.values()),
        not_succeeded=[
            f"{row.id}: {row.status} {row.detail}, {row.deaths} deaths, epoch {row.epoch}"
            for row in rows.values()
            if row.status != "succeeded"
        ],
        seconds=seconds,
        repeated=[str(line) for line in lines if line["at"] > finished.get((line["run"], line["step"]), 1e18)],
        not_once=[f"{run} 결제: {effects[run, '결제']} times" for run in names if effects[run, "결제"] != 1],
        without_right=[str(line) for line in lines if drives(line["run"], line["at"] - late) != line["process"]],
        asked=asked,
        takeovers=_takeovers(claims, killed, lines, finished),
        trouble=trouble,
    )


def _takeovers(
    claims: dict[str, list[tuple[float, int]]],
    killed: list[tuple[int, float]],
    lines: list[dict[str, Any]],
    finished: dict[tuple[str, str], float],
) -> list[float]:
    """How long each run stood still that was in the middle of a step when its worker was killed."""
    gaps: list[float] = []
    for process, at in killed:
        in_flight = {
            line["run"]
            for line in lines
            if line["process"] == process and line["at"] <= at < finished.get((line["run"], line["step"]), 0)
        }
        gaps += [next((since for since, _ in claims[run] if since > at), at) - at for run in in_flight]
    return gaps
