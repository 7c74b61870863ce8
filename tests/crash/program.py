"""A program that is killed: it starts runs, each once whatever happens, and drives all it finds until then.

python -m tests.crash.program PLACE FIRST COUNT

Says `at work` when it is, and then the number of each run of which it knows that it exists.
"""

import asyncio
import sys

from tests.crash.tour import TOUR

import mulle
from mulle.app import App
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow
from mulle.errors import StoreFull, StoreUnavailable

AT_ONCE = 6
"""Unfinished runs at which no further one is started for a while."""
PAUSE = 0.7
"""Seconds between two beginnings, and before a store that failed is tried again."""


async def main(place: str, first: str, count: str) -> None:
    app = mulle.open()
    await app.serve()
    print("at work", flush=True)  # noqa: T201  # The campaign reads it.
    workflow = read_workflow(TOUR.replace("PLACE", place).encode())
    for number in range(int(first), int(first) + int(count)):
        while not await started(app, workflow, number):  # noqa: ASYNC110  # A store cannot say when it is well again.
            await asyncio.sleep(PAUSE)
        print(number, flush=True)  # noqa: T201  # Whoever reads this was told that the run exists.
        await asyncio.sleep(PAUSE * (number % 2))
    await asyncio.Event().wait()


async def started(app: App, workflow: Workflow, number: int) -> bool:
    """Start a run if there is room for it and the store takes it; what is tried again is the same run."""
    try:
        there = await app.journal.backlog(app.now())
        if there.queued + there.running + there.waiting >= AT_ONCE:
            return False
        await app.start(workflow, {"n": number}, dedup=f"tour {number}")
    except (StoreFull, StoreUnavailable):
        return False
    return True


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
