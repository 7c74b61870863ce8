"""docs/python.md: its Python runs in order, prints what the page shows, and its program goes on after a real kill."""

import ast
import contextlib
import inspect
import io
import re
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")
FENCES: list[tuple[str, str]] = re.findall(
    r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", PAGE, re.MULTILINE | re.DOTALL
)
PROGRAM = next(code for code, _ in FENCES if code.startswith("# durable.py"))
TUTORIAL = [fence for fence in FENCES if fence[0] != PROGRAM]


async def run_cell(code: str, names: dict[str, Any]) -> str:
    """What a piece of Python prints, run as a notebook runs it."""
    compiled = compile(code, "python.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        result = FunctionType(compiled, names)()
        if inspect.isawaitable(result):
            await result
    return out.getvalue()


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d{3}초", "_초", text)


async def test_the_python_of_the_page_prints_what_it_shows():
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}

    printed = [(await run_cell(code, names), shown) for code, shown in TUTORIAL]

    assert len(printed) >= 8
    for given, shown in printed:
        assert without_times(given) == without_times(shown)


def test_the_program_of_the_page_goes_on_after_a_kill(tmp_path: Path):
    (tmp_path / "durable.py").write_text(PROGRAM, "utf-8")
    command = [sys.executable, "durable.py"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        lines = [first.stdout.readline(), first.stdout.readline()]
        first.kill()
    second = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    shown = next(
        text for text in re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) if "Killed" in text
    )
    told = [line for line in shown.splitlines() if not line.startswith("$") and line != "Killed"]
    assert [*"".join(lines).splitlines(), *second.stdout.splitlines()] == told, second.stderr


@pytest.mark.parametrize("name", [name for name in __import__("mulle.agents").agents.__all__ if name[0].isupper()])
def test_the_page_names_every_class(name: str):
    assert f"`{name}`" in PAGE or name in {"RunFailed", "StepState", "WorkflowResult", "WorkflowState"}
