"""All of it holds for an ordinary user as well: when the tests run as root, they run once more as somebody else."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

USER = 65534
TESTS = Path(__file__).parent


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of that user's own."""
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, USER, USER)
        yield Path(folder)


def as_user(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(folder for folder in sys.path if folder)
    environment = {"PYTHONPATH": path, "HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
        env=environment,
        cwd=home,
        user=USER,
        group=USER,
        extra_groups=[],
    )


def interpreter(home: Path) -> str:
    """A Python of this version that the user may run, with the packages these tests need; skips when there is none."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(name, path="/usr/bin:/usr/local/bin")):
        if python and can_run(home, python):
            return python
    pytest.skip("no Python of this version, with our packages, that an ordinary user may read")


def can_run(home: Path, python: str) -> bool:
    try:
        done = as_user(home, python, "-c", "import msgspec, pytest_asyncio, mulle.services.sandbox")
    except PermissionError:
        return False  # The interpreter itself lies where only root may look.
    return done.returncode == 0


@pytest.mark.skipif(os.getuid() != 0, reason="this already is an ordinary user")
@pytest.mark.parametrize(
    "file",
    [
        "test_hostile_files.py",
        "test_hostile_calls.py",
        "test_hostile_load.py",
        "test_hostile_answers.py",
        "test_benign.py",
        "test_lacking_kernel.py",
    ],
)
def test_the_sandbox_holds_for_an_ordinary_user(home: Path, file: str):
    settings = str(TESTS.parents[2] / "pyproject.toml")
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", settings]

    done = as_user(home, interpreter(home), "-m", "pytest", *options, str(TESTS / file))

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "passed" in done.stdout
