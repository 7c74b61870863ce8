"""Programs that want all the time, memory, disk and threads there are: each is ended at its limit."""

import time

import pytest
from tests.services.sandbox.attack import ends

from mulle.errors import (
    CodeKilled,
    CodeMemoryExceeded,
    CodeNotData,
    CodeOutputTooLarge,
    CodeScratchFull,
    CodeTimedOut,
)
from mulle.services.sandbox import CodeResult, Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHORT = 0.4


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "time.sleep(60)",
        "pow(3, 10**9)",
        "re.match(r'(a+)+$', 'a' * 64 + 'b')",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "signal.pause()",
        "select.select([3], [], [])",
        "threading.Lock().acquire(blocking=True) and [l := threading.Lock(), l.acquire(), l.acquire()]",
        "stubborn()",
        "[signal.signal(number, signal.SIG_IGN) for number in (1, 2, 15, 24)] and time.sleep(60)",
        "os.write(3, (500).to_bytes(4, 'big') + b'half') and time.sleep(60)",
    ],
)
async def test_what_does_not_end_is_ended(sandbox: Sandbox, body: str):
    source = f"""
import os, re, select, signal, threading, time
def stubborn():
    while True:
        try:
            while True: time.sleep(1)
        except BaseException:
            pass
def main():
    {body}
"""
    begun = time.monotonic()

    with pytest.raises(CodeTimedOut):
        await sandbox.call(source, timeout=SHORT)

    assert time.monotonic() - begun < SHORT + 5


@pytest.mark.parametrize(
    "body",
    [
        "return len('a' * 10**10)",
        "return len([bytearray(1 << 20) for _ in range(10**6)])",
        "return list(range(10**9))",
        "import mmap; return len([mmap.mmap(-1, 1 << 24) for _ in range(1000)])",
    ],
)
async def test_memory_is_bounded(sandbox: Sandbox, body: str):
    found = await ends(sandbox, f"def main():\n    {body}")

    assert isinstance(found, CodeMemoryExceeded)


async def test_code_that_eats_all_memory_and_hides_it_still_ends(sandbox: Sandbox):
    source = """
def main():
    kept = []
    while True:
        try:
            kept.append(bytearray(1 << 16))
        except MemoryError:
            return len(kept)
"""
    found = await ends(sandbox, source)

    assert isinstance(found, (CodeMemoryExceeded, CodeResult, CodeKilled))


@pytest.mark.parametrize(
    "body",
    [
        "open('one', 'wb').write(b'x' * (64 << 20))",
        "[open(f'file-{n}', 'wb').write(b'x' * (1 << 20)) for n in range(64)]",
        "[os.mkdir(f'folder-{n}') for n in range(100_000)]",
        "[os.symlink('x', f'link-{n}') for n in range(100_000)]",
        "[(os.mkdir('d'), os.chdir('d')) for n in range(100_000)]",
        "hidden()",
    ],
)
async def test_the_disk_cannot_be_filled(sandbox: Sandbox, body: str):
    source = f"""
import os, time
def hidden():
    files = []
    for n in range(40):
        files.append(open('gone', 'wb'))
        os.unlink('gone')
        files[-1].write(b'x' * (3 << 20))
        files[-1].flush()
        time.sleep(0.05)
def main():
    {body}
    time.sleep(30)
"""
    found = await ends(sandbox, source)

    assert isinstance(found, CodeScratchFull), found


async def test_what_is_printed_without_end_is_cut(sandbox: Sandbox):
    source = """
import os, sys
def main():
    for _ in range(20_000):
        print('가' * 100)
        sys.stderr.write('!' * 100)
        os.write(1, b'x' * 1000)
        os.write(2, b'x' * 1000)
    return 'done'
"""
    result = await sandbox.call(source, timeout=10)

    assert result.value == "done"
    assert result.stdout_cut
    assert len(result.stdout.encode()) <= 4096
    assert result.stdout.startswith("가" * 100)


@pytest.mark.parametrize(
    "body",
    [
        "return 'x' * (2 << 20)",
        "return ['x' * 1000] * 5000",
        "return [[]] * 1_000_000",
    ],
)
async def test_a_huge_result_is_refused(sandbox: Sandbox, body: str):
    assert isinstance(await ends(sandbox, f"def main():\n    {body}"), CodeOutputTooLarge)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("value = []; [value := [value] for _ in range(200)]; return value", "deep"),
        ("value = []; [value := [value] for _ in range(100_000)]; return value", "deep"),
        ("value = {}; value['me'] = value; return value", "circle"),
        ("return float('nan')", "nan"),
        ("return {'a': [1, float('inf')]}", "inf"),
        ("return '\\ud800'", "half a character"),
        ("return {'when': {1, 2}}", "a set"),
        ("return object()", "a object"),
        ("return lambda: 0", "a function"),
        ("return {(1, 2): 3}", "a key that is a tuple"),
    ],
)
async def test_a_result_that_is_no_data_is_refused(sandbox: Sandbox, body: str, found: str):
    error = await ends(sandbox, f"def main():\n    {body}")

    assert isinstance(error, CodeNotData)
    assert found in error.text


async def test_threads_are_bounded(sandbox: Sandbox):
    source = """
import threading, time
def main():
    threading.stack_size(64 * 1024)
    started = 0
    try:
        for _ in range(5000):
            threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
            started += 1
    except RuntimeError:
        return started
    time.sleep(30)
"""
    found = await ends(sandbox, source)

    if isinstance(found, CodeResult):
        assert found.value <= 8
    else:  # Where the kernel cannot count them, they are seen from outside.
        assert isinstance(found, (CodeKilled, CodeMemoryExceeded))
