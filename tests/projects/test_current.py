from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

import pytest

from mulle.projects import current, fp, list_projects, load_project, new_project, switch_project
from mulle.projects.current import BadProjectName
from mulle.projects.files import NoProject


@pytest.fixture(autouse=True)
def nothing_active() -> Iterator[None]:
    current._current = None
    yield
    current._current = None


def test_without_an_active_project_fp_says_what_to_do():
    with pytest.raises(RuntimeError) as raised:
        fp()

    assert str(raised.value) == "No active project, call load_project or new_project."


def test_a_new_project_is_the_active_one(tmp_path: Path):
    made = new_project("하나", root=tmp_path)

    assert fp() is made


def test_switching_saves_first(tmp_path: Path):
    new_project("둘", root=tmp_path)
    first = new_project("하나", root=tmp_path)
    fp().add_task({"name": "a"})
    fp().data["tasks"][0]["name"] = "changed by hand"

    switch_project("둘", root=tmp_path)

    assert fp().name == "둘"
    assert first.tasks()[0]["name"] == "changed by hand"
    assert switch_project("둘", root=tmp_path) is fp()


def test_projects_are_listed_by_name(tmp_path: Path):
    for name in ("나", "가"):
        new_project(name, root=tmp_path)
    (tmp_path / "no project").mkdir()

    assert list_projects(tmp_path) == ["가", "나"]
    assert list_projects(tmp_path / "nowhere") == []


def test_a_korean_name_is_found_however_it_was_typed(tmp_path: Path):
    new_project(normalize("NFD", "한글 프로젝트"), root=tmp_path)

    assert load_project(normalize("NFD", "한글 프로젝트"), root=tmp_path).name == "한글 프로젝트"
    (tmp_path / normalize("NFC", "한글 프로젝트")).rename(tmp_path / normalize("NFD", "한글 프로젝트"))
    assert load_project("한글 프로젝트", root=tmp_path).tasks() == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "/etc", ".hidden", "x" * 101, "a\n", "con", "NUL.txt", " a"])
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, name: str):
    with pytest.raises(BadProjectName):
        new_project(name, root=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_project_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(NoProject):
        load_project("nowhere", root=tmp_path)
