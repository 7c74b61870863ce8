"""Real processes over one store, killed and troubled at random instants, until enough is enough.

Whatever is killed is started again at once; what is left undone in the end is finished by them, without being asked.

A kill strikes a process that stands still already: it is stopped first, so that one can see in the journals what it is
at. Some kills are blind; some wait until it is at work, some until it is at the kind of step that was met least often.
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
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.outside import Outside
from tests.crash.person import Person
from tests.crash.sight import KINDS, in_flight
from tests.crash.stores import Store

from mulle.app import App
from mulle.errors import MulleError

RUNS_A_LIFE = 1000
"""How many runs a program starts at most; each life has numbers of its own."""
BLIND, CHOSEN = 0.2, 0.4
"""Parts of the kills that strike at any instant, and at a certain kind of step; the others strike who is at work."""
LOOKS, PAUSE = 40, 0.04
"""How often one looks for such an instant, and seconds between at most."""
LOOK = 3.0
"""Seconds that a look may take."""
PAST_THE_LEASE = (4.3, 6.0)
"""Seconds for which a worker of a group stands still."""
CUT_OFF = (0.3, 6.0)
"""Seconds for which a worker of a group hears nothing from the server."""
FINISH_IN = 240.0
"""Seconds in which all must be done when nothing is killed any more."""
ROOT = Path(__file__).parents[2]
WANT = {"There is no room left to write": "disk", "The database cannot be used": "server"}
"""What processes complain of that began when something was not there."""


@dataclass
class Slot:
    """A place for a process, and the one that runs there now."""

    name: str
    process: "subprocess.Popen[str]"
    lacked: set[str] = field(default_factory=set[str])
    """What was not there for some of its time: `disk`, `server`."""
    spared: bool = False
    """It stands still or is cut off, and is left alone meanwhile."""


class Campaign:
    """One store and what is done to those who drive its runs."""

    def __init__(
        self, store: Store, outside: Outside, chance: random.Random, progress: Callable[[], None] = lambda: None
    ) -> None:
        self.store = store
        self._outside = outside
        self._chance = chance
        self._progress = progress
        self.done: Counter[str] = Counter()
        """What was done to processes: kills, stops, full disks."""
        self.met: Counter[str] = Counter()
        """At how many kills a kind of step was in flight."""
        self.told: set[int] = set()
        """Numbers of runs of which somebody was told that they exist."""
        self.exits: list[str] = []
        """What processes said that ended by themselves and should not have."""
        self.frozen: list[tuple[float, float]] = []
        """From when to when a process stood still past its lease, in seconds since 1970."""
        self._lives = 0
        self._slots: dict[str, Slot] = {}
        self._sparing: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------ processes

    def _begin(self, name: str, count: int = RUNS_A_LIFE) -> None:
        command = [sys.executable, "-m", "mulle.cli", "worker"]
        if name == "program":
            numbers = (str(self._lives * RUNS_A_LIFE), str(count))
            command = [sys.executable, "-m", "tests.crash.program", self._outside.place, *numbers]
            self._lives += 1
        environment = os.environ | {
            "MULLE_ALLOW_HOSTS": self._outside.place,
            "MULLE_LOG": "error",  # Nobody reads before its end what a process says.
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.store.variables(name),
        }
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.store.folder
        )
        self._slots[name] = Slot(name, process)

    def _ended_by_itself(self, slot: Slot) -> None:
        """Note it: a process may end that began when its disk was full or its server away, and no other."""
        said, complaint = self._gone(slot)
        lacked = {lack for sentence, lack in WANT.items() if sentence in complaint} & slot.lacked
        if lacked and not ("at work" in said or "Working." in said):
            self.done[f"began without {lacked.pop()}, and said so"] += 1
        else:
            self.exits.append(f"{self.store.name}, {slot.name}, exit {slot.process.returncode}: {said}{complaint}")

    def _gone(self, slot: Slot) -> tuple[str, str]:
        """Take note of what a process said before its end; also its complaints."""
        said, complaints = slot.process.communicate()
        if slot.name == "program":
            self.told |= {int(line) for line in said.split() if line.isdigit()}
        return said, complaints

    # ------------------------------------------------------------------ trouble

    async def _kill(self, app: App, slot: Slot, *, last: bool = False) -> None:
        slot, met = (slot, await self._stopped(app, slot)) if last else await self._struck(app, slot)
        if slot.process.poll() is None:
            slot.process.kill()
            self._gone(slot)
            self.done["kills"] += 1
            self.met.update(met or ["nothing"])
            self._progress()
        else:
            self._ended_by_itself(slot)
        self._begin(slot.name, 0 if last else RUNS_A_LIFE)

    async def _struck(self, app: App, slot: Slot) -> tuple[Slot, set[str]]:
        """Stop it at any instant, or somebody at a good one; what it is at then."""
        chance = self._chance.random()
        wanted = min(KINDS, key=lambda kind: (self.met[kind], self._chance.random())) if chance < CHOSEN else None
        for _ in range(LOOKS if chance < 1 - BLIND else 0):
            met = await self._stopped(app, slot)
            if wanted in met or (met and wanted is None):
                return slot, met
            slot.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(self._chance.random() * PAUSE)
            others = [each for each in self._slots.values() if not each.spared and each.process.poll() is None]
            slot = self._chance.choice(others or [slot])
        return slot, await self._stopped(app, slot)

    async def _stopped(self, app: App, slot: Slot) -> set[str]:
        """What it is at, while it stands still."""
        slot.process.send_signal(signal.SIGSTOP)
        with contextlib.suppress(MulleError, OSError, TimeoutError):
            async with asyncio.timeout(LOOK):
                return await in_flight(app, await asyncio.to_thread(self.store.owners, slot.process.pid))
        return {"nobody could look"}

    async def _stop(self, slot: Slot) -> None:
        slot.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self._chance.uniform(0.1, 1.0))
        slot.process.send_signal(signal.SIGCONT)
        self.done["stops"] += 1

    async def _freeze(self, slot: Slot) -> None:
        """Let it stand still past its lease, and go on. The others are troubled meanwhile."""
        stopped = time.time()
        slot.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self._chance.uniform(*PAST_THE_LEASE))
        self.frozen.append((stopped, time.time()))
        slot.process.send_signal(signal.SIGCONT)
        self.done["freezes past the lease"] += 1
        slot.spared = False

    async def _cut_off(self, slot: Slot) -> None:
        """Let the server see its connections end, and let it hear nothing of that for a while."""
        slot.lacked.add("server")
        self.store.cut_off(slot.name, off=True)
        await asyncio.sleep(self._chance.uniform(*CUT_OFF))
        self.store.cut_off(slot.name, off=False)
        self.done["cut off from the server"] += 1
        slot.spared = False

    async def _restart(self) -> None:
        for slot in self._slots.values():
            slot.lacked.add("server")
        assert self.store.server is not None
        await asyncio.to_thread(self.store.server.restart)
        self.done["database restarts"] += 1

    async def _fill_the_disk(self, slot: Slot) -> None:
        slot.lacked.add("disk")
        _, hard = resource.prlimit(slot.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(slot.process.pid, resource.RLIMIT_FSIZE, (4096, hard))
        await asyncio.sleep(self._chance.uniform(0.1, 0.8))
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(slot.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.done["full disks"] += 1

    # ------------------------------------------------------------------ the campaign

    async def run(self, kills: int) -> bool:
        """Kill so many times, then let them finish; whether every run that exists has ended."""
        app = self.store.open()
        person = asyncio.create_task(Person(app, self._outside).answer())
        try:
            for name in dict.fromkeys(self.store.slots):
                self._begin(name)
            while self.done["kills"] < kills - 1:
                await self._wait_for_work()
                await asyncio.sleep(self._chance.choice([0.0, 0.05, 0.3, 0.8]) * self._chance.random())
                await self._disturb(app)
            return await self._finish(app)
        finally:
            person.cancel()
            await asyncio.gather(person, *self._sparing, return_exceptions=True)
            for slot in self._slots.values():
                slot.process.terminate()
                self._gone(slot)
            await app.close()
            self.store.close()

    async def _disturb(self, app: App) -> None:
        slot = self._slots[self._chance.choice(self.store.slots)]
        if slot.spared:
            return
        if slot.process.poll() is not None:
            self._ended_by_itself(slot)
            self._begin(slot.name)
            return
        match self._chance.choice(["kill"] * 8 + list(self.store.trouble)):
            case "stop":
                await self._stop(slot)
            case "freeze":
                self._spare(slot, self._freeze(slot))
            case "cut":
                self._spare(slot, self._cut_off(slot))
            case "restart":
                await self._restart()
            case "fill":
                await self._fill_the_disk(slot)
            case _:
                await self._kill(app, slot)

    def _spare(self, slot: Slot, trouble: Coroutine[None, None, None]) -> None:
        """Let something happen to a process for a while in which nothing else does."""
        slot.spared = True
        sparing = asyncio.create_task(trouble)
        self._sparing.add(sparing)
        sparing.add_done_callback(self._sparing.discard)

    async def _wait_for_work(self) -> None:
        """Wait until something was done to the world since the last kill: what is killed should be at work."""
        seen, give_up = len(self._outside.effects), time.monotonic() + 5.0
        wanted = seen + self._chance.randint(1, 8)
        # What is waited for happens in the server's threads.
        while len(self._outside.effects) < wanted and time.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(0.003)

    async def _finish(self, app: App) -> bool:
        """Kill once more, begin nothing new, and wait for what there is."""
        give_up = time.monotonic() + FINISH_IN
        await asyncio.gather(*self._sparing)
        while (program := self._slots["program"]).process.poll() is not None:
            self._ended_by_itself(program)
            self._begin("program")
        await self._kill(app, program, last=True)
        while time.monotonic() < give_up:
            for slot in list(self._slots.values()):
                if slot.process.poll() is not None:
                    self._ended_by_itself(slot)
                    self._begin(slot.name, count=0)
            with contextlib.suppress(MulleError):
                if all(row.ended is not None for row in await app.runs(limit=100_000)):
                    return True
            await asyncio.sleep(0.3)
        return False
