"""examples/plugin: a real package with a node of its own is built, installed, found, tested and run by a document."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "examples" / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, installed by pip without a network."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(PLUGIN, folder / "source")
    options = [
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--disable-pip-version-check",
        "--no-cache-dir",
    ]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", folder / "site", folder / "source"]
    subprocess.run(command, check=True, timeout=100, capture_output=True)
    return folder


def python(installed: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(installed / "site"), "MULLE_HOME": str(installed / "home")}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_document_runs_the_node_of_an_installed_package(installed: Path):
    readme = (PLUGIN / "README.md").read_text("utf-8")
    told_run = r"^```yaml\n(.*?)^```.*?`mulle run won\.yaml ([^`]*)` gives `([^`]*)`"
    document = re.search(told_run, readme, re.MULTILINE | re.DOTALL)
    assert document is not None
    text, arguments, told = document.groups()
    (installed / "won.yaml").write_text(text, "utf-8")

    done = python(installed, "-m", "mulle.cli", "run", "won.yaml", *arguments.split(), "--json")

    answer: dict[str, Any] = json.loads(done.stdout)
    assert (answer["status"], answer["outputs"]) == ("succeeded", {"text": told}), done.stderr


def test_the_tests_of_the_package_pass(installed: Path):
    done = python(
        installed,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "asyncio_mode=auto",
        installed / "source" / "tests",
    )

    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


def test_the_page_on_nodes_leads_to_the_package():
    page = (ROOT / "docs" / "nodes.md").read_text("utf-8")

    assert "../examples/plugin" in page
    for file in ("pyproject.toml", "src/mulle_won/__init__.py", "tests/test_won.py"):
        assert file in page
        assert (PLUGIN / file).is_file()
