"""Start the programs in `children.py` as processes of their own."""

import subprocess
import sys
from pathlib import Path

import mulle

CHILDREN = Path(__file__).with_name("children.py")
SOURCES = str(Path(mulle.__file__).parents[1])


class Processes:
    """Processes of one test; what still runs at its end is killed."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, program: str, home: Path, *arguments: object) -> "subprocess.Popen[str]":
        """Start a program of `children.py`, with pipes for its input and output."""
        process = subprocess.Popen(
            [sys.executable, str(CHILDREN), program, str(home), *map(str, arguments)],
            env={"PYTHONPATH": SOURCES, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


def said(process: "subprocess.Popen[str]") -> str:
    """The next line that a process says."""
    assert process.stdout is not None
    return process.stdout.readline().strip()
