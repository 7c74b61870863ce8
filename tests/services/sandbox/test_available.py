"""What `mulle doctor` shows is what the sandbox does."""

import subprocess
import sys

import pytest

from mulle.errors import SandboxUnavailable
from mulle.services.sandbox import Sandbox, available


async def test_what_is_said_to_hold_is_what_happens():
    found = available()

    async with Sandbox() as sandbox:
        if found.ok:
            assert (await sandbox.call("def main():\n    return 1")).value == 1
        else:
            with pytest.raises(SandboxUnavailable):
                await sandbox.call("def main():\n    return 1")


def test_every_lock_has_its_line():
    lines = available().lines()

    assert len(lines) == 6
    assert lines[0].startswith("code steps: ")


def test_importing_the_service_loads_nothing_heavy():
    program = (
        "import sys, mulle.services.sandbox; print([m for m in ('pyseccomp', 'jinja2', 'sqlite3') if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )

    assert done.stdout.strip() == "[]"
