"""A program that is killed: it starts runs, each once whatever happens, and drives all it finds until then.

python -m tests.crash.program HOME PLACE FIRST COUNT
"""

import asyncio
import sys

from tests.crash.tour import TOUR

import mulle
from mulle.document.reading import read_workflow


async def main(home: str, place: str, first: str, count: str) -> None:
    app = mulle.open(home)
    await app.serve()
    workflow = read_workflow(TOUR.replace("PLACE", place).encode())
    for number in range(int(first), int(first) + int(count)):
        await app.start(workflow, {"n": number}, dedup=f"tour {number}")
        print(number, flush=True)  # noqa: T201  # Whoever reads this was told that the run exists.
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
