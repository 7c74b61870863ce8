"""A project folder: what is written, what is refused, and what is never lost."""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from tests.cli.program import SOURCES

from mulle.projects import FlowProject
from mulle.projects.files import HISTORY, KEPT, WORKFLOW
from mulle.projects.hooks import HookRefused
from mulle.projects.project import ProjectChanged
from mulle.projects.rules import CircularTasks, ProjectInvalid, TaskNeeded, UnknownTask
from mulle.projects.undoing import NothingToUndo


@pytest.fixture
def project(tmp_path: Path) -> FlowProject:
    return FlowProject.create(tmp_path / "뉴스")


def on_disk(project: FlowProject, name: str = WORKFLOW) -> Any:
    return json.loads((project.path / name).read_text("utf-8"))


# ---------------------------------------------------------------------- form


def test_a_new_project_has_its_skeleton(project: FlowProject):
    data = on_disk(project)

    assert (data["project"], data["tasks"]) == ("뉴스", [])
    assert data["created"].endswith("Z")
    assert [event["event"] for event in on_disk(project, HISTORY)] == ["create_project"]
    assert (project.path / "cache").is_dir()


def test_a_task_is_kept_as_the_seed_shows_it(project: FlowProject):
    project.add_task({"name": "데이터 수집", "meta": {"owner": "jun", "tags": ["scraping"]}})

    assert on_disk(project)["tasks"] == [
        {
            "id": "T001",
            "name": "데이터 수집",
            "status": "todo",
            "deps": [],
            "meta": {"owner": "jun", "tags": ["scraping"]},
        }
    ]


def test_a_template_brings_its_tasks(tmp_path: Path):
    file = tmp_path / "template.json"
    file.write_text(json.dumps({"tasks": [{"name": "a"}, {"name": "b", "deps": ["T001"]}]}))

    made = [
        FlowProject.create(tmp_path / "one", file),
        FlowProject.create(tmp_path / "two", {"tasks": [{"name": "c"}]}),
    ]

    assert [[task["name"] for task in project.tasks()] for project in made] == [["a", "b"], ["c"]]


def test_what_is_missing_beside_the_tasks_is_made_when_a_project_is_loaded(tmp_path: Path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / WORKFLOW).write_text('{"project": "old", "created": "2024-04-12T08:15:20Z", "tasks": []}')

    project = FlowProject.load(tmp_path / "old")
    project.add_task(name="first")

    assert [event["event"] for event in project.history()] == ["add_task"]
    assert (project.path / "cache").is_dir()


def test_ids_go_on_behind_the_highest(project: FlowProject):
    project.add_task({"name": "a", "id": "T041"})
    project.add_task({"name": "b"})
    project.remove_task("T041")

    assert project.add_task({"name": "c"})["id"] == "T043"


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({}, "None is not of type 'string'"),
        ({"name": "a", "status": "later"}, "'later' is not one of"),
        ({"name": "a", "colour": "red"}, "'colour' was unexpected"),
        ({"name": "a", "run": {"command": ["x"], "workflow": "y"}}, "is valid under each of"),
        ({"name": "a", "run": {"function": "not a name"}}, "does not match"),
    ],
)
def test_a_task_that_does_not_fit_is_refused_at_its_place(project: FlowProject, task: dict[str, Any], said: str):
    with pytest.raises(ProjectInvalid, match=said) as refused:
        project.add_task(task)

    assert refused.value.at.startswith("workflow.json.tasks[0]")
    assert on_disk(project)["tasks"] == []


def test_a_dependency_that_is_not_there_names_what_is(project: FlowProject):
    project.add_task({"name": "a"})

    with pytest.raises(UnknownTask, match="T01") as refused:
        project.add_task({"name": "b", "deps": ["T01"]})

    assert refused.value.advice == "Did you mean 'T001'?"


def test_tasks_cannot_wait_for_each_other(project: FlowProject):
    project.add_task({"name": "a"})
    project.add_task({"name": "b", "deps": ["T001"]})

    with pytest.raises(CircularTasks, match="T001 → T002 → T001"):
        project.update_task("T001", deps=["T002"])


def test_a_task_that_others_need_stays(project: FlowProject):
    project.add_task({"name": "a"})
    project.add_task({"name": "b", "deps": ["T001"]})

    with pytest.raises(TaskNeeded):
        project.remove_task("T001")


def test_a_damaged_file_says_so_and_an_earlier_state_comes_back(project: FlowProject):
    project.add_task({"name": "a"})
    project.add_task({"name": "b"})
    (project.path / WORKFLOW).write_text('{"project": "뉴스", "tasks": [')

    with pytest.raises(ProjectInvalid, match="it is no JSON"):
        project.tasks()
    project.restore()

    assert [task["name"] for task in project.tasks()] == ["a"]


# ---------------------------------------------------------------------- history


def test_every_change_is_an_event_and_nothing_else_is(project: FlowProject):
    project.add_task({"name": "a"})
    project.update_task("T001", status="doing")
    with pytest.raises(UnknownTask):
        project.update_task("T002", status="done")
    project.remove_task("T001")

    assert [(event["event"], event["version"]) for event in project.history()] == [
        ("create_project", 1),
        ("add_task", 2),
        ("update_task", 3),
        ("remove_task", 4),
    ]


def test_an_event_that_its_writer_died_before_is_added_by_the_next_one(project: FlowProject):
    project.add_task({"name": "a"})
    history = project.path / HISTORY
    history.write_text(json.dumps([json.loads(history.read_text())[0]]))

    project.add_task({"name": "b"})

    assert [event["version"] for event in project.history()] == [1, 2, 3]


@pytest.mark.parametrize("torn", [b'[\n{"ts": "1", "event": "x", "detail": {}, "version": 1},\n{"ts": "2', b"[", b""])
def test_a_torn_history_is_mended_with_what_is_whole(project: FlowProject, torn: bytes):
    (project.path / HISTORY).write_bytes(torn)

    project.add_task({"name": "a"})

    whole = [1] if b'"version": 1' in torn else []
    assert [event["version"] for event in project.history()] == [*whole, *([] if whole else [1]), 2]


def test_a_history_that_a_person_laid_out_is_added_to(project: FlowProject):
    history = project.path / HISTORY
    history.write_text(json.dumps(json.loads(history.read_text()), indent=4) + "\n\n")

    project.add_task({"name": "a"})

    assert [event["event"] for event in project.history()] == ["create_project", "add_task"]


def test_undo_goes_back_change_by_change(project: FlowProject):
    project.add_task({"name": "a", "run": {"command": ["true"]}})
    project.add_task({"name": "b"})
    project.update_task("T001", status="done", run=None)
    project.remove_task("T002")
    states = [on_disk(project)["tasks"]]
    for _ in range(4):
        project.undo()
        states.append(on_disk(project)["tasks"])

    assert [[task["name"] for task in state] for state in states] == [["a"], ["a", "b"], ["a", "b"], ["a"], []]
    assert states[2][0]["run"] == {"command": ["true"]}
    assert states[2][0]["status"] == "todo"
    with pytest.raises(NothingToUndo):
        project.undo()


def test_a_restore_can_be_taken_back(project: FlowProject):
    project.add_task({"name": "a"})
    name = project.backup()
    project.add_task({"name": "b"})

    project.restore(name)
    restored = [task["name"] for task in project.tasks()]
    project.undo()

    assert (restored, [task["name"] for task in project.tasks()]) == (["a"], ["a", "b"])


def test_only_the_last_backups_are_kept(project: FlowProject):
    for number in range(KEPT + 5):
        project.add_task({"name": f"{number}"})

    assert len(project.backups()) == KEPT


# ---------------------------------------------------------------------- several at once


def test_save_writes_what_was_changed_by_hand(project: FlowProject):
    project.add_task({"name": "a"})
    project.data["tasks"][0]["name"] = "z"
    project.save()
    version = project.version
    project.save()

    assert on_disk(project)["tasks"][0]["name"] == "z"
    assert project.version == version


def test_save_never_writes_over_somebody_elses_change(project: FlowProject):
    other = FlowProject.load(project.path)
    other.add_task({"name": "theirs"})
    project.data["tasks"].append({"id": "T001", "name": "mine", "status": "todo", "deps": [], "meta": {}})

    with pytest.raises(ProjectChanged):
        project.save()

    assert [task["name"] for task in other.tasks()] == ["theirs"]


CHANGES = """
import sys
from mulle.projects import FlowProject
project = FlowProject.load(sys.argv[1])
for number in range(int(sys.argv[3])):
    task = project.add_task({"name": f"{sys.argv[2]}-{number}"})
    project.cache_set(task["id"], number)
"""


def test_what_many_processes_change_at_once_is_all_there(project: FlowProject):
    processes, each = 6, 12
    working = [
        subprocess.Popen(
            [sys.executable, "-c", CHANGES, str(project.path), str(number), str(each)], env={"PYTHONPATH": SOURCES}
        )
        for number in range(processes)
    ]

    assert [process.wait() for process in working] == [0] * processes
    names = {task["name"] for task in project.tasks()}
    assert names == {f"{process}-{number}" for process in range(processes) for number in range(each)}
    assert [event["version"] for event in project.history()] == list(range(1, processes * each + 2))
    assert len(project.cache["results"].all()) == processes * each


def test_a_process_killed_at_any_moment_leaves_a_whole_project(project: FlowProject):
    for pause in (0.3, 0.33, 0.37, 0.41):
        process = subprocess.Popen(
            [sys.executable, "-c", CHANGES, str(project.path), "x", "100000"], env={"PYTHONPATH": SOURCES}
        )
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(pause)
        process.kill()
        process.wait()
        project.add_task({"name": "after"})

        assert [event["version"] for event in project.history()] == list(range(1, project.version + 1))


# ---------------------------------------------------------------------- hooks

PLUGIN = """
seen = []
def before_save(project, data):
    if any(task["name"] == "forbidden" for task in data["tasks"]):
        raise ValueError("not that one")
def after_add_task(project, task, detail):
    seen.append(detail["task_id"])
    (project.path / "seen.txt").write_text(",".join(seen))
    raise RuntimeError("too late to complain")
"""


@pytest.fixture
def with_plugin(project: FlowProject, monkeypatch: pytest.MonkeyPatch) -> FlowProject:
    (project.path / "plugins").mkdir()
    (project.path / "plugins" / "mine.py").write_text(PLUGIN)
    monkeypatch.setenv("MULLE_PROJECT_PLUGINS", "on")
    return FlowProject.load(project.path)


def test_a_hook_before_a_change_can_refuse_it(with_plugin: FlowProject):
    with pytest.raises(HookRefused, match="not that one"):
        with_plugin.add_task({"name": "forbidden"})

    assert on_disk(with_plugin)["tasks"] == []


def test_a_hook_after_a_change_is_told_and_its_failure_is_a_warning(with_plugin: FlowProject):
    with pytest.warns(RuntimeWarning, match="too late to complain"):
        with_plugin.add_task({"name": "a"})

    assert (with_plugin.path / "seen.txt").read_text() == "T001"
    assert len(on_disk(with_plugin)["tasks"]) == 1


def test_the_folder_of_plugins_is_not_read_unless_that_was_switched_on(project: FlowProject):
    (project.path / "plugins").mkdir()
    (project.path / "plugins" / "mine.py").write_text("raise SystemExit('read')")

    with warnings.catch_warnings():
        FlowProject.load(project.path).add_task({"name": "forbidden"})

    assert len(on_disk(project)["tasks"]) == 1


# ---------------------------------------------------------------------- looking


def test_the_table_shows_every_task_and_what_can_be_done(project: FlowProject):
    project.add_task({"name": "데이터 수집", "status": "done"})
    project.add_task({"name": "요약", "deps": ["T001"], "run": {"command": ["echo", "hi"]}})

    shown = str(project.status())

    assert "뉴스 · 1/2 done" in shown
    assert "todo, can be done" in shown
    assert "echo hi" in shown
    assert [task["id"] for task in project.next_tasks()] == ["T002"]
