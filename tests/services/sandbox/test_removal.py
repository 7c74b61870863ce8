"""Whatever a program left in a folder goes, and nothing that its links point at."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mulle.services.sandbox.inside.removal import remove


def test_a_folder_goes_with_everything_in_it(tmp_path: Path):
    room = tmp_path / "room"
    (room / "가" / "b").mkdir(parents=True)
    (room / "가" / "file").write_text("x")
    (tmp_path / "kept").write_text("x")
    (room / "link").symlink_to(tmp_path)
    (room / "가" / "b").chmod(0)

    remove(str(room))

    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]


def test_a_tree_deeper_than_any_path_goes(tmp_path: Path):
    room = tmp_path / "room"
    room.mkdir()
    here = os.open(room, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deep", dir_fd=here)
        inner = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)

    remove(str(room))

    assert not room.exists()


def test_what_is_not_there_is_no_error(tmp_path: Path):
    remove(str(tmp_path / "nothing"))


def test_two_may_remove_the_same_folder(tmp_path: Path):
    room = tmp_path / "room"
    for number in range(300):
        (room / f"{number % 7}" / f"{number}").mkdir(parents=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(remove, [str(room), str(room)]))

    assert not room.exists()
