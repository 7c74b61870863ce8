"""Where the kernel gives less, code is refused, or locked by what there is: tried under kernels that say no."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from mulle.services.sandbox import available

NO_LANDLOCK = "rule(ERRNO(38), 'landlock_create_ruleset')"
NO_FILTER = "rule(ERRNO(22), 'prctl', Arg(0, EQ, 22))"
NO_NAMESPACES = "rule(ERRNO(1), 'unshare')"
NO_OTHER_USER = "rule(ERRNO(22), 'setresuid')"

PROGRAM = """
import asyncio, dataclasses, json
from pyseccomp import ALLOW, EQ, ERRNO, Arg, SyscallFilter
from mulle.errors import MulleError
from mulle.services.sandbox import Sandbox, available

def rule(*words): kernel.add_rule(*words)
kernel = SyscallFilter(ALLOW)
{rules}
kernel.load()

async def main():
    found = []
    async with Sandbox(mode={mode!r}) as sandbox:
        for source in {sources!r}:
            try:
                found.append((await sandbox.call(source, timeout=5)).value)
            except MulleError as error:
                found.append(error.to_dict())
    return found
print(json.dumps([dataclasses.asdict(available()), asyncio.run(main())]))
"""

READ = "def main():\n    return open('/etc/passwd').read(4)"
WRITE = "def main():\n    return open('mine', 'w').write('x')"
FILL = """
import time
def main():
    open('mine', 'wb').write(b'x' * (63 << 20))
    open('more', 'wb').write(b'x' * (63 << 20))
    time.sleep(30)
"""
FORK = "import os\ndef main():\n    return os.fork()"


def under(rules: str, *sources: str, mode: str = "auto") -> tuple[dict[str, Any], list[Any]]:
    """What holds and what comes of each source on a kernel that refuses these calls."""
    if not available().ok:
        pytest.skip("this machine has nothing that could be taken away")
    program = PROGRAM.format(rules=rules, mode=mode, sources=list(sources))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.returncode, done.stderr
    holds, found = json.loads(done.stdout)
    return holds, found


@pytest.mark.parametrize(("rules", "missing"), [(NO_LANDLOCK, "Landlock"), (NO_FILTER, "cannot be filtered")])
def test_without_landlock_or_filter_code_is_refused(rules: str, missing: str):
    holds, (error,) = under(rules, READ)

    assert not holds["ok"]
    assert missing in " ".join(holds["missing"])
    assert error["code"] == "sandbox.unavailable"
    assert missing in error["message"]
    assert "MULLE_SANDBOX=container" in error["hint"]


def test_without_namespaces_landlock_alone_holds():
    holds, (read, write, full, fork) = under(NO_NAMESPACES, READ, WRITE, FILL, FORK)

    assert holds["ok"]
    assert not holds["private_root"]
    assert (read["code"], write, full["code"], fork["code"]) == (
        "sandbox.forbidden",
        1,
        "sandbox.scratch_full",
        "sandbox.forbidden",
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_as_root_that_cannot_become_another_user_everything_else_holds():
    holds, (read, write, full, fork) = under(NO_OTHER_USER, READ, WRITE, FILL, FORK)

    assert (holds["ok"], holds["user"]) == (True, "root, kept")
    assert (read["code"] != "", write, full["code"], fork["code"]) == (
        True,
        1,
        "sandbox.scratch_full",
        "sandbox.forbidden",
    )


def test_in_a_container_code_runs_with_what_locks_there_are():
    _, (write, full, fork) = under(f"{NO_LANDLOCK}; {NO_NAMESPACES}", WRITE, FILL, FORK, mode="container")

    assert (write, full["code"], fork["code"]) == (1, "sandbox.scratch_full", "sandbox.forbidden")


def test_in_a_container_without_any_lock_limits_hold():
    eat = "def main():\n    return len(bytearray(10**10))"
    rules = f"{NO_LANDLOCK}; {NO_FILTER}; {NO_NAMESPACES}"

    _, (write, memory) = under(rules, WRITE, eat, mode="container")

    assert (write, memory["code"]) == (1, "sandbox.memory")
