"""Programs that the store's tests start as processes of their own: to kill, to starve, to set upon each other.

python children.py NAME HOME [ARGUMENT …]
"""

import asyncio
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from mulle.engine.codec import encode_one
from mulle.engine.facts import NodeDone
from mulle.engine.journal import Batch, NewRun
from mulle.errors import JournalConflict, MulleError, StoreFull
from mulle.store.owners import Owners
from mulle.store.sqlite_journal import SqliteJournal


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def opened(home: Path) -> SqliteJournal:
    return SqliteJournal(home / "mulle.db", Owners(home / "owners"))


def batch(run: str, epoch: int, after: int, count: int = 1, size: int = 100) -> Batch:
    """Facts numbered by their positions."""
    numbers = range(after, after + count)
    facts = [NodeDone(at=float(number), path=("쓰기",), outputs={"text": "가" * size}) for number in numbers]
    return Batch(run=run, epoch=epoch, after=after, facts=[encode_one(fact) for fact in facts])


async def write_for_ever(home: Path, mode: str) -> None:
    """Append to new runs and to all that others left, saying of each run how many facts are acknowledged."""
    journal = opened(home)
    if mode == "thread":
        journal._writer._slow_until = float("inf")

    async def drive(run: str, epoch: int, head: int) -> None:
        while True:
            await journal.append(batch(run, epoch, head, 1 + head % 3))
            head += 1 + head % 3
            say(run, head)

    drives: list[Coroutine[Any, Any, None]] = []
    for run in await journal.claimable(0.0, limit=1000):
        claim = await journal.claim(run)
        assert claim is not None
        assert claim.unclean
        drives.append(drive(run, claim.row.epoch, claim.row.head))
    for number in range(10):
        name = f"{os.getpid()}-{number}"
        await journal.create(NewRun(id=name, workflow="w", graph="g", created=time.time()), [])
        drives.append(drive(name, 1, 0))
    await asyncio.gather(*drives)


async def take_turns(home: Path, runs: str, goal: str) -> None:
    """Claim whichever run is free, add a fact, let go; until each has `goal` facts."""
    journal = opened(home)
    unfinished = {f"run-{number}" for number in range(int(runs))}
    taken = 0
    while unfinished:
        for run in await journal.claimable(time.time()):
            claim = await journal.claim(run)
            if claim is None:
                continue
            head = len(await journal.read(run))
            assert head == claim.row.head
            if head >= int(goal):
                unfinished.discard(run)
            else:
                await journal.append(batch(run, claim.row.epoch, head))
                taken += 1
            await journal.release(run, claim.row.epoch, 0.0)
        for run in list(unfinished):
            if (await journal.row(run)).head >= int(goal):
                unfinished.discard(run)
    say(taken)
    await journal.close()


async def fill_up(home: Path, limit: str) -> None:
    """Write until files may not grow any more; then get more room and go on."""
    journal = opened(home)
    await journal.create(NewRun(id="r", workflow="w", graph="g", created=1.0), [])
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    head = 0
    refused: list[MulleError] = []
    while not refused:
        group = [batch("r", 1, head + number, size=3000) for number in range(5)]
        outcomes = await asyncio.gather(*map(journal.append, group), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, MulleError)]
        assert len(refused) in {0, 5}
        head += 5 - len(refused)
    assert all(type(error) is StoreFull for error in refused)
    kept = len(await journal.read("r"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await journal.append(batch("r", 1, head))
    say(
        json.dumps({"acknowledged": head, "kept": kept, "after": (await journal.row("r")).head, **refused[0].to_dict()})
    )
    await journal.close()


async def open_as_nobody(home: Path) -> None:
    """Try to open a journal, as an ordinary user, where that user may not write."""
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    try:
        journal = opened(home)
        await journal.create(NewRun(id="mine", workflow="w", graph="g", created=1.0), [])
        say(json.dumps({"code": "none"}))
    except MulleError as error:
        say(json.dumps(error.to_dict()))


async def open_at_once(home: Path, begin: str) -> None:
    """Open a new home together with others, and write a run."""
    await asyncio.sleep(float(begin) - time.time())
    journal = opened(home)
    await journal.create(NewRun(id=str(os.getpid()), workflow="w", graph="g", created=1.0), [])
    await journal.close()


async def lose_a_race(home: Path) -> None:
    """Claim a run, say so, sleep until told to go on, and try to write."""
    journal = opened(home)
    claim = await journal.claim("r")
    say("claimed" if claim else "refused")
    sys.stdin.readline()
    try:
        await journal.append(batch("r", claim.row.epoch if claim else 0, 0))
        say("written")
    except JournalConflict:
        say("conflict")
    await journal.close()


async def own_and_fork(home: Path) -> None:
    """Become an owner, leave a child behind that outlives us, and die."""
    owners = Owners(home / "owners")
    me = owners.me
    child = os.fork()
    if child == 0:
        alive = owners.is_alive(me)
        say(json.dumps({"me": me, "alive_to_child": alive, "child_is": owners.me, "pid": os.getpid()}))
        sys.stdout.close()
        os.close(1)
        signal.pause()
    sys.stdin.readline()
    os._exit(0)


async def own(home: Path) -> None:
    """Become an owner and stay one until killed."""
    owners = Owners(home / "owners")
    say(owners.me)
    Owners(home / "owners").is_alive(owners.me)  # Asking must not give the lock away.
    owners.clean()
    say("asked")
    sys.stdin.readline()


PROGRAMS: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    program.__name__: program
    for program in (
        write_for_ever,
        take_turns,
        fill_up,
        open_as_nobody,
        open_at_once,
        lose_a_race,
        own_and_fork,
        own,
    )
}

if __name__ == "__main__":
    asyncio.run(PROGRAMS[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:]))
