"""Programs that want to confuse whoever reads their answer, or to outlive it: only their own call suffers."""

from pathlib import Path

import pytest
from tests.services.sandbox.attack import ends, untouched, value

from mulle.errors import CodeKilled, CodeMemoryExceeded, CodeNotData, CodeOutputTooLarge, CodeRaised, SandboxError
from mulle.services.sandbox import Limits, Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


FORGED = b'{"type":"value","value":"forged","printed":"","cut":false}'


async def test_a_forged_answer_is_only_its_own_wrong_data(sandbox: Sandbox):
    source = "import os\ndef main(frame):\n    os.write(3, frame.encode('latin-1'))\n    return 'honest'"
    frame = (len(FORGED).to_bytes(4, "big") + FORGED).decode("latin-1")

    assert await value(sandbox, source, frame=frame) == "forged"
    assert await value(sandbox, "def main():\n    return 'next'") == "next"


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (b"\xff\xff\xff\xff", CodeOutputTooLarge),
        (b"\0\0\0\0", CodeNotData),
        (b"\0\0\0\x05hello", CodeNotData),
        (b"\0\0\0\x02{}", CodeNotData),
        (b'\0\0\0\x10{"type":"value"}', CodeNotData),
        (b'\0\0\0\x11{"type":"strange"}', CodeNotData),
        (b"\0\0\x01", CodeKilled),
        (b"\0\0\x01\0half of it", CodeKilled),
    ],
)
async def test_a_broken_answer_is_an_error_of_this_call_alone(
    sandbox: Sandbox, frame: bytes, error: type[SandboxError]
):
    source = "import os\ndef main(frame):\n    os.write(3, frame.encode('latin-1'))\n    os._exit(0)"

    assert isinstance(await ends(sandbox, source, frame=frame.decode("latin-1")), error)
    assert await value(sandbox, "def main():\n    return 'next'") == "next"


async def test_a_deep_forged_answer_is_refused_without_recursion(sandbox: Sandbox):
    source = """
import os
def main(depth):
    frame = b'{"type":"value","value":' + b'[' * depth + b']' * depth + b',"printed":"","cut":false}'
    os.write(3, len(frame).to_bytes(4, 'big') + frame)
"""
    for depth in (65, 900, 50_000):
        assert isinstance(await ends(sandbox, source, depth=depth), CodeNotData)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os._exit(0)", "exit code 0"),
        ("os._exit(77)", "exit code 77"),
        ("os.abort()", "SIGABRT"),
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("os.kill(os.getpid(), 9)", "SIGKILL"),
        ("os.close(3)", "exit code 0"),
        ("os.closerange(0, 64)", "exit code 0"),
    ],
)
async def test_leaving_without_an_answer_says_how(sandbox: Sandbox, body: str, said: str):
    found = await ends(sandbox, f"import ctypes, os\ndef main():\n    {body}")

    assert isinstance(found, CodeKilled)
    assert said in found.text


async def test_endless_recursion_ends(sandbox: Sandbox):
    tame = await ends(sandbox, "def main():\n    return main()")
    wild = await ends(sandbox, "import sys\ndef main(n=0):\n    sys.setrecursionlimit(10**9)\n    return [main(n + 1)]")

    assert isinstance(tame, CodeRaised)
    assert tame.facts["type"] == "RecursionError"
    assert isinstance(wild, SandboxError)


@pytest.mark.parametrize(
    "body",
    [
        "sys.exit(0)",
        "raise SystemExit",
        "raise KeyboardInterrupt",
        "raise GeneratorExit",
        "raise Unspeakable()",
        "sys.stdout.close(); raise ValueError",
        "sys.stdout = sys.stderr = None; raise ValueError",
    ],
)
async def test_every_way_to_raise_is_an_error_of_the_code(sandbox: Sandbox, body: str):
    source = f"""
import sys
class Unspeakable(BaseException):
    def __str__(self): raise SystemExit
def main():
    {body}
"""
    assert isinstance(await ends(sandbox, source), CodeRaised)


async def test_nothing_runs_on_after_the_answer(sandbox: Sandbox, outside: Path):
    source = """
import atexit, os, threading, time
def write(path):
    time.sleep(0.1)
    open(path, 'w').write('late')
class Late:
    def __del__(self): write(self.path)
def main(path):
    late = Late(); late.path = path
    atexit.register(write, path)
    threading.Thread(target=write, args=(path,)).start()
    return [late.path]
"""
    await ends(sandbox, source, path=str(outside))
    await ends(sandbox, source, path="left-behind")

    assert await value(sandbox, "import os\ndef main():\n    return os.listdir('.')") == []
    assert untouched(outside)


async def test_calls_do_not_see_each_other(sandbox: Sandbox):
    poison = """
import builtins, json, os, sys
def main(secret):
    builtins.secret = json.secret = os.environ['SECRET'] = secret
    json.dumps = lambda *a, **k: '"poisoned"'
    sys.modules['re'] = None
    open('secret', 'w').write(secret)
    return 1
"""
    search = """
import builtins, gc, json, os, re
def main():
    seen = [hasattr(builtins, 'secret'), hasattr(json, 'secret'), 'SECRET' in os.environ, os.listdir('.') != []]
    strings = [text for box in gc.get_objects() if type(box) in (list, dict, tuple) for text in
               (list(box.values()) if type(box) is dict else box) if type(text) is str]
    return any(seen), any(text.startswith('열려라') for text in strings if text.endswith('참깨'))
"""
    await ends(sandbox, poison, secret="열려라 참깨")

    assert await value(sandbox, search) == [False, False]


async def test_no_secret_of_the_parent_is_inherited(sandbox: Sandbox):
    found = await value(sandbox, "import os\ndef main():\n    return dict(os.environ)")

    assert set(found) <= {"LC_ALL", "MALLOC_ARENA_MAX", "HOME", "TMPDIR", "TZ"}


async def test_a_call_may_have_limits_of_its_own(sandbox: Sandbox):
    limits = Limits(memory=32 << 20)

    with pytest.raises(CodeMemoryExceeded):
        await sandbox.call("def main():\n    return len(bytearray(48 << 20))", limits=limits)

    assert await value(sandbox, "def main():\n    return len(bytearray(48 << 20))") == 48 << 20
