"""What a call of a trivial code step costs, beside the floor: a bare fork, and a fresh Python.

python bench/sandbox.py
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

from mulle.services.sandbox import Sandbox, available

STEP = "def main(a: int, b: int) -> dict:\n    return {'sum': a + b}"
ROUNDS = 300


async def main() -> None:
    print("\n".join(available().lines()), "\n")
    print(f"{'':46}{'p50':>9}{'p95':>9}")
    async with Sandbox() as held, Sandbox(ready=0) as cold, Sandbox(ready=4, at_once=8) as many:
        for sandbox in (held, cold, many):
            await sandbox.start()
            await sandbox.call(STEP, "main", {"a": 1, "b": 2})
        show("floor: fork and wait", [forked() for _ in range(ROUNDS)])
        show("floor: python -I -S -c pass", [fresh() for _ in range(20)])
        show("call, a process held ready", await times(lambda: call(held), pause=0.01))
        show("call, one after another (1 held)", await times(lambda: call(held)))
        show("call, none held: fork and locks on the way", await times(lambda: call(cold)))
        show("template, a process held ready", await times(lambda: held.render("{{ a }}", {"a": "물레"}), pause=0.01))
        begun = time.perf_counter()
        await asyncio.gather(*(call(many) for _ in range(200)))
        print(f"200 calls at once: {200 / (time.perf_counter() - begun):.0f} calls/s")
    show("start of the zygote", [await started() for _ in range(5)])


async def call(sandbox: Sandbox) -> None:
    await sandbox.call(STEP, "main", {"a": 1, "b": 2})


async def times(work: Callable[[], Awaitable[object]], pause: float = 0) -> list[float]:
    found: list[float] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await work()
        found.append(time.perf_counter() - begun)
        await asyncio.sleep(pause)
    return found


async def started() -> float:
    begun = time.perf_counter()
    async with Sandbox() as sandbox:
        await sandbox.start()
        return time.perf_counter() - begun


def forked() -> float:
    begun = time.perf_counter()
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return time.perf_counter() - begun


def fresh() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], check=True)
    return time.perf_counter() - begun


def show(what: str, seconds: list[float]) -> None:
    p95 = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
    print(f"{what:46}{statistics.median(seconds) * 1e3:6.2f} ms{p95 * 1e3:6.2f} ms")


if __name__ == "__main__":
    asyncio.run(main())
