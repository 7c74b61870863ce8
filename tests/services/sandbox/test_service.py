"""What a caller may rely on: clear errors, sure endings, a sandbox that comes back."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mulle.errors import (
    CodeFunctionMissing,
    CodeNotData,
    CodeRaised,
    CodeSyntax,
    CodeTimedOut,
    MulleError,
    SandboxLost,
    SandboxUnavailable,
)
from mulle.services.sandbox import Sandbox, available
from mulle.services.sandbox.forked import Forked
from mulle.services.sandbox.plain import Plain

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLEEP = "import time\ndef main():\n    time.sleep(60)"
NEXT = "def main():\n    return 'next'"


def runner_of(sandbox: Sandbox) -> Forked:
    assert isinstance(sandbox._runner, Forked)
    return sandbox._runner


def zygote(sandbox: Sandbox) -> int:
    nursery = runner_of(sandbox)._nursery
    assert nursery
    return nursery._process.pid


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_for_sure(pid: int) -> None:
    """Returns when it is dead, before the loop can have noticed."""
    os.kill(pid, signal.SIGKILL)
    while ") Z " not in Path(f"/proc/{pid}/stat").read_text():
        time.sleep(0.001)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def settles(claim: Callable[[], bool]) -> bool:
    """Whether it comes true soon."""
    for _ in range(200):
        if claim():
            return True
        await asyncio.sleep(0.02)
    return False


async def test_an_error_names_the_line_and_shows_only_the_frames_of_the_code(sandbox: Sandbox):
    source = """import json
def inner(text):
    return json.loads(text)

def main(text):
    print('before')
    return inner(text)
"""

    with pytest.raises(CodeRaised) as error:
        await sandbox.call(source, "main", {"text": "{깨진"})

    facts = error.value.facts
    assert (facts["type"], facts["line"], facts["stdout"]) == ("JSONDecodeError", 3, "before\n")
    assert facts["traceback"].splitlines()[:4] == [
        "step.py, line 7, in main",
        "    return inner(text)",
        "step.py, line 3, in inner",
        "    return json.loads(text)",
    ]
    assert "json/" not in facts["traceback"]
    assert error.value.text.startswith("JSONDecodeError on line 3: ")


async def test_source_that_is_no_python_is_named_with_its_line(sandbox: Sandbox):
    with pytest.raises(CodeSyntax) as error:
        await sandbox.call("def main():\n    return (")

    assert error.value.facts["line"] == 2


@pytest.mark.parametrize("source", ["\0", "(" * 9999, "-" * 99_999 + "1", "x = '\ud800'", "a" + ".b" * 50_000])
async def test_source_that_breaks_parsers_is_an_error(sandbox: Sandbox, source: str):
    with pytest.raises((CodeSyntax, CodeNotData)):
        await sandbox.call(source)


async def test_a_missing_function_is_named_with_what_there_is(sandbox: Sandbox):
    with pytest.raises(CodeFunctionMissing) as error:
        await sandbox.call("def mian():\n    pass\nmain = 3")

    assert "'main'" in error.value.text
    assert "mian" in error.value.advice


async def test_arguments_that_do_not_fit_are_an_error_of_the_call(sandbox: Sandbox):
    with pytest.raises(CodeRaised, match="unexpected keyword argument 'b'"):
        await sandbox.call("def main(a):\n    pass", "main", {"b": 1})


async def test_an_argument_that_is_no_data_is_refused(sandbox: Sandbox):
    with pytest.raises(CodeNotData):
        await sandbox.call(NEXT, "main", {"a": object()})


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("import requests", "http step"),
        ("import socket\nsocket.socket()", "http step"),
        ("open('data.csv')", "scratch folder"),
    ],
)
async def test_what_is_not_there_comes_with_a_way_to_go_on(sandbox: Sandbox, source: str, hint: str):
    with pytest.raises(CodeRaised) as error:
        await sandbox.call(source)

    assert hint in error.value.advice


async def test_braces_in_what_the_code_says_stay_as_they_are(sandbox: Sandbox):
    with pytest.raises(CodeRaised, match=r"\{0\} \{text\}"):
        await sandbox.call("def main():\n    raise ValueError('{0} {text}')")


async def test_a_cancelled_call_ends_its_process(sandbox: Sandbox):
    await sandbox.start()
    idle = set(children(zygote(sandbox)))
    task = asyncio.create_task(sandbox.call(SLEEP, timeout=60))
    assert await settles(lambda: bool(set(children(zygote(sandbox))) - idle))

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await settles(lambda: not idle & set(children(zygote(sandbox))))
    assert (await sandbox.call(NEXT)).value == "next"


async def test_a_call_cancelled_at_any_moment_leaves_nothing_behind(sandbox: Sandbox):
    for pause in (0, 0, 0.0005, 0.001, 0.002, 0.005):
        task = asyncio.create_task(sandbox.call(SLEEP, timeout=60))
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert await settles(lambda: len(children(zygote(sandbox))) <= 1)


async def test_two_hundred_calls_at_once_get_their_own_answers(sandbox: Sandbox):
    source = "def main(n):\n    return n * 2"

    results = await asyncio.gather(*(sandbox.call(source, "main", {"n": n}, timeout=30) for n in range(200)))

    assert [result.value for result in results] == [n * 2 for n in range(200)]
    assert await settles(lambda: len(children(zygote(sandbox))) <= 1)


async def test_many_calls_leave_no_descriptors_open(sandbox: Sandbox):
    await sandbox.call(NEXT)
    before = descriptors()

    for _ in range(20):
        await sandbox.call(NEXT)
        with pytest.raises(CodeTimedOut):
            await sandbox.call(SLEEP, timeout=0.01)

    assert descriptors() <= before + 2


async def test_a_lost_zygote_is_noticed_and_started_again(sandbox: Sandbox):
    await sandbox.call(NEXT)
    first = zygote(sandbox)
    held = runner_of(sandbox)._held
    taken = held[0]
    running = asyncio.create_task(sandbox.call(SLEEP, timeout=60))
    assert await settles(lambda: bool(held) and held[0] is not taken)  # It has its job.
    orphans = children(first)

    os.kill(first, signal.SIGKILL)

    with pytest.raises(SandboxLost):
        await running
    assert (await sandbox.call(NEXT)).value == "next"
    assert zygote(sandbox) != first
    assert await settles(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))


async def test_a_zygote_lost_before_the_code_began_is_no_error(sandbox: Sandbox):
    await sandbox.call(NEXT)
    kill_for_sure(zygote(sandbox))

    results = await asyncio.gather(*(sandbox.call(NEXT) for _ in range(3)))

    assert [result.value for result in results] == ["next"] * 3


async def test_a_held_child_that_died_is_not_given_a_call(sandbox: Sandbox):
    await sandbox.call(NEXT)
    held = runner_of(sandbox)._held

    def held_is_dead() -> bool:
        for child in children(zygote(sandbox)):
            os.kill(child, signal.SIGKILL)
        return held[0].ended.done()

    assert await settles(held_is_dead)

    assert (await sandbox.call(NEXT)).value == "next"


async def test_closing_ends_calls_and_processes():
    if not available().ok:
        pytest.skip("this machine cannot lock code in")
    sandbox = Sandbox(ready=2)
    await sandbox.start()
    first = zygote(sandbox)
    running = asyncio.create_task(sandbox.call(SLEEP, timeout=60))
    assert await settles(lambda: len(children(first)) == 3)
    await asyncio.sleep(0.1)  # By then it has its job.
    processes = [first, *children(first)]

    await sandbox.close()
    await sandbox.close()

    with pytest.raises(SandboxLost):
        await running
    assert await settles(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))
    with pytest.raises(SandboxUnavailable):
        await sandbox.call(NEXT)


async def test_killing_mulle_ends_the_sandbox_and_what_runs_in_it():
    if not available().ok:
        pytest.skip("this machine cannot lock code in")
    program = """
import asyncio
from mulle.services.sandbox import Sandbox
async def main():
    sandbox = Sandbox()
    await sandbox.start()
    task = asyncio.create_task(sandbox.call("import time\\ndef main():\\n    time.sleep(60)", timeout=60))
    await asyncio.sleep(0.5)
    print(sandbox._runner._nursery._process.pid, flush=True)
    await task
asyncio.run(main())
"""
    mulle = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=subprocess.PIPE, env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert mulle.stdout
    pid = int(await mulle.stdout.readline())
    processes = [pid, *children(pid)]
    mulle.kill()
    await mulle.wait()

    assert len(processes) >= 2
    assert await settles(lambda: not any(Path(f"/proc/{process}").exists() for process in processes))


async def test_unsafe_runs_code_without_locks_but_within_time_and_size():
    async with Sandbox(mode="unsafe") as sandbox:
        assert (
            await sandbox.call(
                "import os\ndef main(a):\n    print('x')\n    return [a, len(os.listdir('/')) > 0]", "main", {"a": "가"}
            )
        ).value == ["가", True]
        assert await sandbox.render("{{ 이름 }}", {"이름": "철수"}) == "철수"
        for source, error in [
            (SLEEP, CodeTimedOut),
            ("def main():\n    1 / 0", CodeRaised),
            ("import os\ndef main():\n    os._exit(3)", MulleError),
            ("def main():\n    return 'x' * (20 << 20)", MulleError),
            ("def main():\n    return len(bytearray(10**9))", MulleError),
        ]:
            with pytest.raises(error):
                await sandbox.call(source, timeout=2)


async def test_unsafe_calls_end_when_cancelled():
    async with Sandbox(mode="unsafe") as sandbox:
        task = asyncio.create_task(sandbox.call(SLEEP, timeout=60))
        await asyncio.sleep(0.3)
        assert isinstance(sandbox._runner, Plain)
        running = list(sandbox._runner._running)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert [process.returncode for process in running] == [-signal.SIGKILL]


async def test_a_time_zone_can_be_set():
    if not available().ok:
        pytest.skip("this machine cannot lock code in")
    source = "import datetime\ndef main():\n    return str(datetime.datetime.now().astimezone().utcoffset())"

    async with Sandbox(timezone="Asia/Seoul") as sandbox:
        assert (await sandbox.call(source)).value == "9:00:00"


async def test_waiting_for_a_place_does_not_count_as_time_of_the_call():
    if not available().ok:
        pytest.skip("this machine cannot lock code in")
    source = "import time\ndef main():\n    time.sleep(0.3)"

    async with Sandbox(at_once=1) as sandbox:
        begun = time.monotonic()
        await asyncio.gather(*(sandbox.call(source, timeout=0.8) for _ in range(4)))

        assert time.monotonic() - begun > 1.1


async def test_a_call_that_is_closed_while_it_waits_leaves_the_next_ones_to_be_heard(sandbox: Sandbox):
    """As the engine does with a pure step that turns out to wait: it begins it anew, in a task."""
    for _ in range(8):
        await sandbox.call(NEXT)
        await runner_of(sandbox)._held[0].locked()
        waiting = sandbox.call(SLEEP)
        waiting.send(None)  # It has given its job, and listens for the reply.
        waiting.close()
        result = await asyncio.wait_for(sandbox.call(NEXT), 5)

        assert result.value == "next"
