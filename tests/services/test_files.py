import os
import resource
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.errors import PathRefused
from mulle.services.files import append, inside, locked, write_whole


def test_a_file_is_replaced_whole_and_for_its_owner_alone(tmp_path: Path):
    place = tmp_path / "새 폴더" / "a.txt"
    write_whole(place, b"old")

    write_whole(place, b"new")

    assert place.read_bytes() == b"new"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert list(place.parent.iterdir()) == [place]


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path):
    place = tmp_path / "a.txt"
    write_whole(place, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # As good as a full disk.
    try:
        with pytest.raises(OSError, match="large"):
            write_whole(place, b"new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert place.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [place]


def test_appending_keeps_what_was_there(tmp_path: Path):
    append(tmp_path / "a.txt", "첫\n".encode())
    append(tmp_path / "a.txt", "둘\n".encode())

    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "첫\n둘\n"


def test_only_one_holds_the_lock(tmp_path: Path):
    inside_now: list[str] = []
    seen: list[list[str]] = []

    def work(name: str) -> None:
        with locked(tmp_path / "lock"):
            inside_now.append(name)
            seen.append(list(inside_now))
            inside_now.remove(name)

    threads = [threading.Thread(target=work, args=(f"{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(len(names) == 1 for names in seen)


@pytest.mark.parametrize("name", ["a.md", "보고서/오늘.md", "./a", "a b/c", "..a", "a..b"])
def test_a_relative_name_lies_inside(tmp_path: Path, name: str):
    assert inside(tmp_path, name).is_relative_to(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "/etc/passwd",
        "../a",
        "a/../../b",
        "..\\a",
        "C:\\a",
        "\\\\host\\a",
        "a\0b",
        "a\nb",
        "a/",
        ".",
        "가" * 67,
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str):
    with pytest.raises(PathRefused):
        inside(tmp_path, name)


def test_a_link_that_leads_outside_is_refused(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "way out").symlink_to(tmp_path)

    with pytest.raises(PathRefused, match="link"):
        inside(tmp_path / "folder", "way out/a.txt")


@given(st.text(alphabet="ab./\\~:가 \0", max_size=12))
def test_no_name_whatever_leads_outside(name: str):
    folder = Path("/nowhere/folder")
    place = folder
    try:
        place = inside(folder, name)
    except PathRefused:
        return

    assert Path(os.path.normpath(place)).is_relative_to(folder)
