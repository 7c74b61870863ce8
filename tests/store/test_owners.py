import json
import os
import signal
from pathlib import Path

import pytest
from tests.store.processes import Processes, said

from mulle.errors import StoreUnavailable
from mulle.store import owners as module
from mulle.store.owners import HALF_BORN, Owners


def test_an_owner_lives_until_it_closes(tmp_path: Path):
    me, other = Owners(tmp_path), Owners(tmp_path)
    name = me.me

    assert me.is_alive(name)
    assert other.is_alive(name)
    me.close()

    assert not other.is_alive(name)
    assert not list(tmp_path.iterdir())
    assert me.me != name


def test_who_only_looks_leaves_no_trace(tmp_path: Path):
    owners = Owners(tmp_path / "owners")

    assert not owners.is_alive("somebody")
    owners.clean()
    owners.close()

    assert not (tmp_path / "owners").exists()


def test_an_owner_is_dead_as_soon_as_its_process_is_killed(tmp_path: Path, processes: Processes):
    child = processes.start("own", tmp_path)
    name = said(child)
    owners = Owners(tmp_path / "owners")
    before = owners.is_alive(name)

    child.send_signal(signal.SIGKILL)
    child.wait()

    assert before
    assert not owners.is_alive(name)
    assert not (tmp_path / "owners" / name).exists()


def test_asking_about_itself_does_not_give_its_lock_away(tmp_path: Path, processes: Processes):
    child = processes.start("own", tmp_path)
    name = said(child)

    assert said(child) == "asked"

    assert Owners(tmp_path / "owners").is_alive(name)


def test_a_forked_child_keeps_no_dead_owner_alive(tmp_path: Path, processes: Processes):
    parent = processes.start("own_and_fork", tmp_path)
    told = json.loads(said(parent))
    owners = Owners(tmp_path / "owners")
    before = owners.is_alive(told["me"])

    parent.kill()
    parent.wait()

    try:
        assert told["alive_to_child"]
        assert told["child_is"] != told["me"]
        assert before
        assert not owners.is_alive(told["me"])
        assert owners.is_alive(told["child_is"])
    finally:
        os.kill(told["pid"], signal.SIGKILL)


def test_the_files_of_the_dead_are_cleaned_up_and_no_others(tmp_path: Path):
    living = Owners(tmp_path)
    keep = living.me
    for name in ("dead", ".being-born", ".never-born"):
        (tmp_path / name).touch()
    long_ago = (tmp_path / ".never-born").stat().st_mtime - 2 * HALF_BORN
    os.utime(tmp_path / ".never-born", (long_ago, long_ago))

    Owners(tmp_path).clean()

    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([keep, ".being-born"])


def test_a_name_from_the_database_leads_nowhere_else(tmp_path: Path):
    outside = tmp_path / "precious"
    outside.touch()

    assert not Owners(tmp_path / "owners").is_alive("../precious")

    assert outside.exists()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match="file"):
        _ = Owners(tmp_path / "file" / "owners").me


def test_nothing_is_held_after_the_tests(tmp_path: Path):
    owners = Owners(tmp_path)
    path = tmp_path / owners.me
    assert path in module._held

    owners.close()

    assert path not in module._held
