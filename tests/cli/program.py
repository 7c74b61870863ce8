"""Run the real `mulle` in a process of its own, on a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mulle

SOURCES = str(Path(mulle.__file__).parents[1])
EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """What stands in `{"error": …}` on stderr; stdout is empty then."""
        assert not self.out, self.out
        told = json.loads(self.err)
        assert told.keys() == {"error"}
        return told["error"]


def mulle_said(
    home: Path,
    *arguments: str,
    given: str | bytes = b"",
    variables: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Said:
    """Run `mulle` to its end.

    Args:
        home: Its MULLE_HOME.
        arguments: The command line.
        given: What stands on stdin.
        variables: More of the environment.
        before: Called in the new process before the program begins.
    """
    done = subprocess.run(
        [sys.executable, "-m", "mulle.cli", *arguments],
        env=environment(home, variables),
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        check=False,
        timeout=60,
        preexec_fn=before,
    )
    said = Said(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in said.err, said.err
    return said


def environment(home: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """A bare environment for `mulle`."""
    kept = {name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_START") if name in os.environ}
    return {**kept, "PYTHONPATH": SOURCES, "LANG": "C.UTF-8", "HOME": str(home), "MULLE_HOME": str(home)} | dict(
        variables or {}
    )


@dataclass(frozen=True)
class Program:
    """`mulle` on one home."""

    home: Path

    def __call__(self, *arguments: str, **options: Any) -> Said:
        """What it says to a person."""
        return mulle_said(self.home, *arguments, **options)

    def json(self, *arguments: str, **options: Any) -> Said:
        """What it says with --json."""
        return mulle_said(self.home, *arguments, "--json", **options)
