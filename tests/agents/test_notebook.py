"""A real notebook, with its own running loop: workflows are executed, awaited and drawn in it."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = [
    """
import mulle

@mulle.step
async def fetch(topic: str) -> list[str]:
    return [f"{topic} {number}" for number in range(3)]

@mulle.step
def count(articles: list[str]) -> int:
    return len(articles)

@mulle.workflow("공책")
def news(topic: str):
    return count(fetch(topic))

steps = mulle.Workflow("사슬").add_step("fetch", fetch).add_step("count", count)
""",
    "print(steps.execute('경제').output)",
    "app = mulle.open(':memory:'); run = await app.run(news, '경제'); print(run.output)",
    "print(app.run_sync(news, '날씨').output, steps.execute('날씨', app=app).status)",
    "news",
    "run",
    "steps.execute('경제', app=app)",
    "await app.close()",
]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("notebook")
    notebook: Any = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])  # pyright: ignore[reportUnknownMemberType]  # nbformat is untyped.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        NotebookClient(
            notebook, timeout=90, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
    return notebook.cells


def printed(cell: Any) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def picture(cell: Any) -> str:
    return next(output.data["image/svg+xml"] for output in cell.outputs if "data" in output)


def test_scripts_and_await_work_in_a_running_loop(cells: list[Any]):
    assert [printed(cell) for cell in cells[1:4]] == ["3\n", "3\n", "3 completed\n"]


def test_a_workflow_shows_itself_and_a_run_what_became_of_it(cells: list[Any]):
    assert "fetch" in picture(cells[4])
    assert "✓" not in picture(cells[4])
    assert picture(cells[5]).count("✓") == 4
    assert "✓" in picture(cells[6])


def test_a_picture_needs_nothing_from_elsewhere(cells: list[Any]):
    shown = picture(cells[5])

    assert "<script" not in shown
    assert {Path(part).name for part in shown.split() if "://" in part} == {'svg"'}
