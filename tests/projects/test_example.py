import subprocess
import sys
from pathlib import Path

from tests.cli.program import SOURCES

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_older_scripts_import_path_works():
    done = subprocess.run(
        [sys.executable, "projects.py"],
        cwd=EXAMPLES,
        env={"PYTHONPATH": SOURCES, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=True,
    )

    assert "뉴스 · 1/2 done" in done.stdout.decode()
    assert done.stdout.decode().splitlines()[-1] == "demo2 ['demo2', '뉴스']"
