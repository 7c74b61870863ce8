"""Real processes over one home, killed, stopped and starved of disk at random instants, until enough is enough.

Two slots share the home: a program of ours and `mulle worker`. Whatever is killed is started again at once; what is
left undone in the end is finished by them, without being asked.
"""

import asyncio
import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.outside import Outside
from tests.crash.tour import answer_of

import mulle
from mulle.app import App
from mulle.engine import scope as at
from mulle.errors import MulleError

RUNS_A_LIFE = 2
"""How many new runs the program starts each time it begins."""
FINISH_IN = 240.0
"""Seconds in which all must be done when nothing is killed any more."""
ROOT = Path(__file__).parents[2]


@dataclass
class Slot:
    """A place for a process, and the one that runs there now."""

    name: str
    process: "subprocess.Popen[str]"
    told: list[int] = field(default_factory=list[int])
    """Numbers of runs of which its processes have said that they exist."""


class Campaign:
    """One home and what is done to those who drive its runs."""

    def __init__(self, home: Path, outside: Outside, chance: random.Random) -> None:
        self.home = home
        self._outside = outside
        self._chance = chance
        self.done: Counter[str] = Counter()
        """What was done to processes: kills, stops, full disks."""
        self.begun = 0
        """Runs that some process was asked to begin."""
        self._slots: dict[str, Slot] = {}
        self.questions = 0
        self.exits: list[str] = []
        """What processes said that ended without being killed, other than for want of disk."""

    @property
    def told(self) -> set[int]:
        """Runs of which somebody was told that they exist."""
        return {number for slot in self._slots.values() for number in slot.told}

    # ------------------------------------------------------------------ processes

    def _begin(self, name: str, count: int = RUNS_A_LIFE) -> None:
        if name == "worker":
            command = [sys.executable, "-m", "mulle.cli", "worker"]
        else:
            numbers = (str(self.begun), str(count))
            command = [sys.executable, "-m", "tests.crash.program", str(self.home), self._outside.place, *numbers]
            self.begun += count
        environment = os.environ | {
            "MULLE_HOME": str(self.home),
            "MULLE_ALLOW_HOSTS": self._outside.place,
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.home
        )
        before = self._slots.get(name)
        self._slots[name] = Slot(name, process, before.told if before else [])

    def _ended_by_itself(self, slot: Slot) -> None:
        complaint = self._gone(slot)
        if "no room left" in complaint:  # Opening a home or starting a run says so, and the program ends with it.
            self.done["ended for want of disk"] += 1
        else:
            self.exits.append(complaint)

    def _gone(self, slot: Slot) -> str:
        """Take note of what a process said before its end; its complaints."""
        said, complaints = slot.process.communicate()
        if slot.name == "program":
            slot.told += [int(line) for line in said.split()]
        return complaints

    def _kill(self, slot: Slot) -> None:
        slot.process.kill()
        self._gone(slot)
        self.done["kills"] += 1
        self._begin(slot.name)

    async def _stop(self, slot: Slot) -> None:
        slot.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self._chance.uniform(0.1, 1.0))
        slot.process.send_signal(signal.SIGCONT)
        self.done["stops"] += 1

    async def _fill_the_disk(self, slot: Slot) -> None:
        _, hard = resource.prlimit(slot.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(slot.process.pid, resource.RLIMIT_FSIZE, (4096, hard))
        await asyncio.sleep(self._chance.uniform(0.1, 0.8))
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(slot.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.done["full disks"] += 1

    # ------------------------------------------------------------------ the campaign

    async def run(self, kills: int) -> bool:
        """Kill so many times, then let them finish; whether every run that exists has ended."""
        app = mulle.open(self.home, by_itself=False)
        person = asyncio.create_task(self._answer(app))
        try:
            self._begin("program")
            self._begin("worker")
            while self.done["kills"] < kills:
                await self._wait_for_work()
                await asyncio.sleep(self._chance.choice([0.0, 0.05, 0.3, 0.8]) * self._chance.random())
                await self._disturb()
            return await self._finish(app)
        finally:
            person.cancel()
            await asyncio.gather(person, return_exceptions=True)
            for slot in self._slots.values():
                slot.process.terminate()
                self._gone(slot)
            await app.close()

    async def _disturb(self) -> None:
        slot = self._slots[self._chance.choice(["program", "program", "worker"])]
        if slot.process.poll() is not None:
            self._ended_by_itself(slot)
            self._begin(slot.name)
            return
        match self._chance.choice(["kill"] * 8 + ["stop", "full"]):
            case "kill":
                self._kill(slot)
            case "stop":
                await self._stop(slot)
            case _:
                await self._fill_the_disk(slot)

    async def _wait_for_work(self) -> None:
        """Wait until something was done to the world since the last kill: what is killed should be at work."""
        seen, give_up = len(self._outside.effects), time.monotonic() + 15.0
        wanted = seen + self._chance.randint(1, 8)
        # What is waited for happens in the server's threads.
        while len(self._outside.effects) < wanted and time.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(0.003)

    async def _finish(self, app: App) -> bool:
        give_up = time.monotonic() + FINISH_IN
        while time.monotonic() < give_up:
            for slot in list(self._slots.values()):
                if slot.process.poll() is not None:
                    self._ended_by_itself(slot)
                    self._begin(slot.name, count=0)
            if not await self._unfinished(app):
                return True
            await asyncio.sleep(0.3)
        return False

    async def _unfinished(self, app: App) -> list[str]:
        return [row.id for row in await app.runs(limit=100_000) if row.ended is None]

    # ------------------------------------------------------------------ the person

    async def _answer(self, app: App) -> None:
        """Approve what asks, and say what became of interrupted steps, having looked at the world."""
        answered: set[str] = set()
        while True:
            await asyncio.sleep(0.2)
            with contextlib.suppress(MulleError):
                for row in await app.runs(status="waiting", limit=1000):
                    await self._answer_run(app, row.id, answered)

    async def _answer_run(self, app: App, run_id: str, answered: set[str]) -> None:
        for path, node in (await app.history(run_id)).run.waiting().items():
            letter = f"{run_id}/{'/'.join(map(str, path))}/{node.listens_to}/{node.turn}/{node.attempt}"
            if letter in answered or not node.listens_to or path[-1] == "pause":
                continue
            payload: Any = {"decision": "approved"}
            if node.status == at.ASKING:
                payload = self._looked(run_id, path, node.turn)
                self.questions += 1
            await app.signal(run_id, node.listens_to, payload, signal_id=letter)
            answered.add(letter)

    def _looked(self, run_id: str, path: tuple[Any, ...], turn: int) -> dict[str, Any]:
        place = "/".join(map(str, path))
        effect = self._outside.happened(f"{run_id}/{place}/{turn}/1")
        # All items of a map are asked about in one question: one answer cannot be true of each.
        if effect is None or any(isinstance(step, int) for step in path):
            return {"decision": "again"}
        return {"decision": "happened", "outputs": answer_of(path, effect.answer)}
