"""`mulle gc`, `mulle runs value` and big values in `mulle runs show`, as a person at a terminal meets them."""

import json
from pathlib import Path

import pytest
from tests.cli.program import Program

LONG = {
    "mulle": 1,
    "name": "긴 글",
    "nodes": [
        {"id": "start", "type": "start", "ports": {"outputs": [{"name": "text", "type": "string", "required": True}]}},
        {
            "id": "end",
            "type": "end",
            "data": {"outputs": {"text": "{{ start.text }}", "pages": ["{{ start.text }}", 2]}},
        },
    ],
    "edges": [{"source": "start", "target": "end"}],
}
TEXT = "물레가 돈다\n" * 9_000


@pytest.fixture
def run(program: Program, tmp_path: Path) -> str:
    """A run with big values."""
    (tmp_path / "긴 글.json").write_text(json.dumps(LONG, ensure_ascii=False), "utf-8")
    (tmp_path / "inputs.json").write_text(json.dumps({"text": TEXT}), "utf-8")
    ran = program.json("run", str(tmp_path / "긴 글.json"), "--inputs", str(tmp_path / "inputs.json"))
    assert ran.data["outputs"] == {"text": TEXT, "pages": [TEXT, 2]}
    return ran.data["run_id"]


def test_a_run_is_shown_with_previews_that_say_so(program: Program, run: str):
    start, end = program.json("runs", "show", run).data["nodes"]

    assert (start["is_truncated"], start["truncated_fields"]) == (True, ["outputs.text"])
    assert end["truncated_fields"] == ["outputs.text", "outputs.pages[0]"]
    assert start["outputs"]["text"] == TEXT[:500] + "…"
    assert end["outputs"]["pages"][1] == 2


def test_a_run_is_shown_whole_on_demand(program: Program, run: str):
    start, end = program.json("runs", "show", run, "--full").data["nodes"]

    assert (start["is_truncated"], start["truncated_fields"]) == (False, [])
    assert end["outputs"] == {"text": TEXT, "pages": [TEXT, 2]}


@pytest.mark.parametrize("field", ["text", "outputs.text", "pages[0]"])
def test_one_value_is_printed_whole(program: Program, run: str, field: str):
    said = program("runs", "value", run, "end", field)

    assert (said.code, said.out) == (0, TEXT + "\n")
    assert program.json("runs", "value", run, "end", field).data["value"] == TEXT


def test_without_a_path_the_runs_own_outputs_are_meant(program: Program, run: str):
    assert program.json("runs", "value", run).data["value"] == {"text": TEXT, "pages": [TEXT, 2]}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("nobody",), "run.unknown_node"), (("end", "title"), "expression.missing_reference")],
)
def test_what_is_not_there_is_said(program: Program, run: str, arguments: tuple[str, ...], code: str):
    said = program.json("runs", "value", run, *arguments)

    assert said.code == 2
    assert said.error["code"] == code
    assert "end" in said.error["hint"] or "text" in said.error["hint"]


def test_old_runs_go_when_asked_and_the_room_comes_back(program: Program, run: str):
    looked = program.json("gc", "--dry-run", "--older-than", "0").data
    assert (looked["dry_run"], looked["runs"], looked["blobs"], looked["runs_left"]) == (True, 1, 1, 0)
    assert program.json("runs", "show", run).code == 0

    done = program.json("gc", "--older-than", "0").data

    assert (done["runs"], done["blobs"], done["runs_left"], done["busy"]) == (1, 1, 0, False)
    assert done["freed_bytes"] > 100_000
    assert done["unused_bytes"] == 0
    assert program.json("runs", "list").data == {"runs": [], "next": None}


def test_young_runs_stay_and_are_packed(program: Program, run: str):
    said = program("gc")

    assert said.code == 0
    assert "Removed 0 run(s)" in said.out
    assert "packed 1 run(s)" in said.out
    assert program.json("runs", "value", run, "end", "text").data["value"] == TEXT
    assert "Would remove 0 run(s)" in program("gc", "--dry-run").out


def test_the_doctor_says_how_big_the_home_is(program: Program, run: str):
    found = {one["about"]: one["text"] for one in program.json("doctor").data["findings"]}

    assert "1 run(s)" in found["home"]
    assert "1 big value(s)" in found["storage"]
    assert "MB" in found["storage"] or "kB" in found["storage"]
    assert run


def test_the_list_of_runs_is_turned_page_by_page(program: Program, run: str, tmp_path: Path):
    file = tmp_path / "긴 글.json"
    ids = [run, *(program.json("run", str(file), "-i", "text=kurz").data["run_id"] for _ in range(2))]

    first = program.json("runs", "list", "--limit", "2").data
    second = program.json("runs", "list", "--limit", "2", "--behind", first["next"]).data

    assert [one["run_id"] for one in first["runs"] + second["runs"]] == ids[::-1]
    assert second["next"] is None
    assert program.json("runs", "list", "--before", "2020-01-01").data["runs"] == []
    assert program.json("runs", "list", "--behind", "nobody").error["code"] == "run.unknown"
