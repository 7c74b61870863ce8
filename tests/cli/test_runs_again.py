"""`mulle runs retry|fork|pin|diff|pins` and `mulle run --record|--replay` from a terminal."""

import json
from pathlib import Path

import pytest
from tests.cli.program import Program

DIVIDED = """
name: 나누기
nodes:
  - {id: start, type: start, ports: {outputs: [{name: n, type: number, required: true}]}}
  - {id: one, type: transform, data: {value: "{{ start.n + 1 }}"}}
  - {id: check, type: condition, data: {cases: [{name: fine, when: "one.value != 1"}]}}
  - {id: share, type: transform, data: {value: "{{ 100 / one.value }}"}}
  - {id: end, type: end}
edges:
  - {source: start, target: one}
  - {source: one, target: check}
  - {source: one, target: share}
  - {source: share, source_port: value, target: end, target_port: share}
"""


@pytest.fixture
def workflow(tmp_path: Path) -> str:
    file = tmp_path / "나누기.yaml"
    file.write_text(DIVIDED)
    return str(file)


def run(program: Program, workflow: str, n: int) -> str:
    return program.json("run", workflow, "-i", f"n={n}").data["run_id"]


def test_a_failed_run_is_retried_and_a_good_one_is_not(program: Program, workflow: str):
    failed, good = run(program, workflow, -1), run(program, workflow, 1)

    retried = program.json("runs", "retry", failed)
    refused = program.json("runs", "retry", good)

    assert (retried.code, retried.data["status"]) == (1, "failed")
    assert retried.data["origin"] == {"run_id": failed, "how": "retry"}
    kept = {node["path"]: node.get("kept", False) for node in retried.data["nodes"]}
    assert (kept["one"], kept["share"]) == (True, False)
    assert (refused.code, refused.error["code"]) == (2, "run.nothing_to_retry")
    assert f"mulle runs fork {good}" in refused.error["hint"]


def test_a_fork_with_another_output_is_told_from_its_parent(program: Program, workflow: str):
    failed = run(program, workflow, -1)

    forked = program.json("runs", "fork", failed, "--set", "one.value=4")
    shown = program("runs", "show", forked.data["run_id"])
    program("runs", "pin", failed)
    listed = program("runs", "list")

    assert forked.data["outputs"] == {"share": 25}
    assert forked.data["origin"] == {"run_id": failed, "how": "fork", "set": ["one.value"]}
    assert f"⑂ a fork of run {failed} with another one.value" in shown.out
    assert "kept" in shown.out
    assert f"⑂ {failed}" in listed.out
    assert "pinned" in listed.out


def test_a_fork_goes_on_with_another_version(program: Program, workflow: str):
    failed = run(program, workflow, -1)
    Path(workflow).write_text(DIVIDED.replace("100 / one.value", "100 + one.value"))
    kept = program.json("workflows", "save", workflow).data["id"]

    by_file = program.json("runs", "fork", failed, "--on", workflow)
    by_version = program.json("runs", "fork", failed, "--on", f"{kept}@1")

    assert by_file.data["outputs"] == by_version.data["outputs"] == {"share": 100}
    assert by_file.data["steps"] == 2


def test_wrong_forks_say_what_is_wrong(program: Program, workflow: str):
    good = run(program, workflow, 1)

    errors = [
        program.json("runs", "fork", good, *arguments).error["code"]
        for arguments in (
            ["--at", "shrae"],
            ["--set", "start.n=text"],
            ["--set", "start.m=1"],
            ["--set", "nothing"],
            ["--on", "nowhere@3"],
            [],
        )
    ]

    assert errors == [
        "run.unknown_node",
        "input.unreadable",
        "fork.bad_output",
        "input.unreadable",
        "workflow.unknown",
        "usage",
    ]


def test_a_run_is_compared_with_the_last_good_one(program: Program, workflow: str):
    good, bad = run(program, workflow, 1), run(program, workflow, -1)

    told = program("runs", "diff", bad)
    data = program.json("runs", "diff", good, bad).data
    same = program("runs", "diff", good, good)
    nothing = program.json("runs", "diff", good)

    assert "n: 1 → -1" in told.out
    assert "succeeded → failed" in told.out
    assert [one["run_id"] for one in data["runs"]] == [good, bad]
    assert data["workflow"] == []
    assert {node["path"] for node in data["nodes"]} >= {"one", "share", "end"}
    assert "Nothing is different" in same.out
    assert nothing.error["code"] == "run.no_good_run"


def test_a_changed_workflow_is_shown_node_by_node(program: Program, workflow: str):
    old = run(program, workflow, 1)
    Path(workflow).write_text(DIVIDED.replace("100 /", "200 /"))

    data = program.json("runs", "diff", old, run(program, workflow, 1)).data

    assert [change["path"] for change in data["workflow"]] == ["nodes.share.data.value"]
    assert [change["path"] for change in data["outputs"]] == ["share"]


def test_a_runs_answers_are_pins_for_the_next(program: Program, workflow: str, tmp_path: Path):
    good = run(program, workflow, 1)
    pins = tmp_path / "pins.json"
    pins.write_text(program("runs", "pins", good).out)

    again = program.json("run", workflow, "-i", "n=1000", "--pins", str(pins))

    assert json.loads(pins.read_text())["one"] == {"outputs": {"value": 2}}
    assert again.data["outputs"] == {"share": 50}


def test_a_run_is_recorded_and_repeated(program: Program, workflow: str, tmp_path: Path):
    file = str(tmp_path / "calls.jsonl")

    first = program.json("run", workflow, "-i", "n=3", "--record", file).data
    again = program.json("run", workflow, "--replay", file).data
    both = program.json("run", workflow, "--replay", file, "--record", file)
    nowhere = program.json("run", workflow, "-i", "n=3", "--record", "/nowhere/at/all")

    assert (again["run_id"], again["outputs"]) == (first["run_id"], first["outputs"])
    assert [node["outputs"] for node in again["nodes"]] == [node["outputs"] for node in first["nodes"]]
    assert both.error["code"] == "usage"
    assert nowhere.error["code"] == "input.unreadable"
    assert len(program.json("runs", "list").data["runs"]) == 1
