"""The real `flowctl`, in processes of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.program import Said, environment

SUMS = """
def total(inputs, add=0):
    return sum(inputs["T001"]) + add

async def fails():
    raise ValueError("오늘은 안 돼요")
"""


class Flowctl:
    """`flowctl` with a folder of projects and a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "projects" / "뉴스"

    def __call__(self, *arguments: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "mulle.cli.flowctl", *arguments],
            cwd=self.folder,
            env=environment(self.folder / "home", None),
            capture_output=True,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def json(self, *arguments: str) -> dict[str, Any]:
        said = self(*arguments, "--json")
        assert said.code == 0, said.err
        return said.data


@pytest.fixture
def flowctl(tmp_path: Path) -> Flowctl:
    flowctl = Flowctl(tmp_path)
    assert flowctl("new", "뉴스").code == 0
    return flowctl


@pytest.fixture
def with_tasks(flowctl: Flowctl) -> Flowctl:
    flowctl("add-task", "수집", "--command", "cat numbers.json")
    flowctl("add-task", "합계", "--dep", "T001", "--function", "sums:total")
    (flowctl.project / "numbers.json").write_text("[1, 2, 3]")
    (flowctl.project / "sums.py").write_text(SUMS)
    return flowctl


def test_projects_are_made_chosen_and_listed(flowctl: Flowctl):
    flowctl("new", "둘째")
    flowctl("switch", "뉴스")

    rows = flowctl.json("ls")["projects"]

    assert [(row["project"], row["active"]) for row in rows] == [("뉴스", True), ("둘째", False)]


def test_a_task_is_added_changed_and_taken_away(flowctl: Flowctl):
    flowctl("add-task", "수집", "--meta", "owner=jun", "--meta", 'tags=["a"]')
    flowctl("add-task", "요약", "--dep", "T001")
    flowctl("update-task", "T001", "--status", "done", "--meta", "owner=kim")

    first, second = flowctl.json("status")["tasks"]
    assert first["meta"] == {"owner": "kim", "tags": ["a"]}
    assert flowctl.json("next")["tasks"] == [second]
    flowctl("rm-task", "T002")
    flowctl("undo")
    assert len(flowctl.json("status")["tasks"]) == 2


def test_tasks_run_in_order_and_only_what_changed_runs_again(with_tasks: Flowctl):
    first = with_tasks.json("run")
    second = with_tasks.json("run")
    (with_tasks.project / "numbers.json").write_text("[1, 2, 30]")
    third = with_tasks.json("run")
    fourth = with_tasks.json("run", "--fresh")

    assert (first["executed"], first["results"]["T002"]) == (["T001", "T002"], 6)
    assert (second["executed"], second["cached"]) == ([], ["T001", "T002"])
    assert (third["executed"], third["results"]["T002"]) == (["T001", "T002"], 33)
    assert len(fourth["executed"]) == 2
    assert {task["status"] for task in with_tasks.json("status")["tasks"]} == {"done"}


def test_a_changed_function_runs_again_and_what_it_needs_does_not(with_tasks: Flowctl):
    with_tasks.json("run")
    (with_tasks.project / "sums.py").write_text(SUMS.replace("+ add", "* 10"))

    again = with_tasks.json("run")

    assert (again["cached"], again["executed"], again["results"]["T002"]) == (["T001"], ["T002"], 60)


def test_a_failed_task_is_blocked_and_says_why(with_tasks: Flowctl):
    with_tasks("add-task", "실패", "--dep", "T001", "--function", "sums:fails")
    with_tasks("add-task", "그 다음", "--dep", "T003", "--command", "true")

    said = with_tasks("run", "T004", "--json")

    assert said.code == 1
    assert "오늘은 안 돼요" in said.data["error"]["message"]
    assert [task["status"] for task in with_tasks.json("status")["tasks"]] == ["done", "todo", "blocked", "todo"]


def test_a_command_that_fails_shows_what_it_complained_about(flowctl: Flowctl):
    flowctl("add-task", "없음", "--command", "ls /nowhere/at/all")

    assert "No such file" in flowctl("run", "--json").data["error"]["message"]


def test_a_workflow_is_run_and_gives_its_outputs(flowctl: Flowctl):
    document = {
        "nodes": [
            {"id": "start", "type": "start", "ports": {"outputs": [{"name": "inputs", "type": "object"}]}},
            {"id": "end", "type": "end", "data": {"outputs": {"n": "{{ start.inputs.T001 + 1 }}"}}},
        ],
        "edges": [{"source": "start", "target": "end"}],
    }
    (flowctl.project / "plus.json").write_text(json.dumps(document))
    flowctl("add-task", "하나", "--command", "echo 41")
    flowctl("add-task", "둘", "--dep", "T001", "--workflow", "plus.json")

    assert flowctl.json("run")["results"]["T002"] == {"n": 42}


def test_what_only_a_person_can_do_is_asked_of_him(flowctl: Flowctl):
    flowctl("add-task", "전화하기")
    flowctl("add-task", "기록", "--dep", "T001", "--command", "true")

    error = flowctl("run", "--json").error

    assert (error["code"], error["where"]) == ("project.task_not_done", "T002")


def test_the_graph_is_drawn_in_three_ways(with_tasks: Flowctl):
    with_tasks("graph", "--to", "svg", "--out", "picture.svg")

    assert "수집" in with_tasks("graph").out
    assert "n1 --> n2" in with_tasks("graph", "--to", "mermaid").out
    assert (with_tasks.folder / "picture.svg").read_text().startswith("<svg")


def test_memory_cache_history_and_backups_are_there(with_tasks: Flowctl):
    with_tasks("memory", "add", "고객은 아침을 좋아한다")
    with_tasks("cache", "set", "답", "42")

    assert with_tasks.json("memory")["short_term"][0]["text"] == "고객은 아침을 좋아한다"
    assert with_tasks.json("cache", "show", "답")["results"] == {"답": 42}
    assert [event["event"] for event in with_tasks.json("history")["events"]][:2] == ["create_project", "add_task"]
    name = with_tasks.json("backup")["backup"]
    with_tasks("rm-task", "T002")
    assert len(with_tasks.json("restore", name)["tasks"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("status", "-p", "없음"), "project.unknown"),
        (("new", "../밖"), "project.bad_name"),
        (("new", "뉴스"), "project.invalid"),
        (("update-task", "T009", "--status", "done"), "project.unknown_task"),
        (("add-task", "x", "--meta", "no value"), "project.bad_field"),
        (("add-task", "x", "--command", "'"), "project.bad_field"),
        (("run",), "project.nothing_to_run"),
        (("undo", "now"), "usage"),
        (("restore", "../../etc/passwd"), "project.unknown_backup"),
    ],
)
def test_what_cannot_be_tried_is_said_and_changes_nothing(flowctl: Flowctl, arguments: tuple[str, ...], code: str):
    said = flowctl(*arguments, "--json")

    assert (said.code, said.error["code"]) == (2, code)
    assert said.error["hint"]
    assert flowctl.json("status")["tasks"] == []


def test_words_are_completed(with_tasks: Flowctl):
    assert "_FLOWCTL_COMPLETE" in with_tasks("completion", "bash").out
