"""The commands beside `run`: what they print, and how they end."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.program import EXAMPLES, Program, environment

from mulle.app.opening import load
from mulle.cli import COMMANDS

APPROVAL, WAIT, CRON = str(EXAMPLES / "approval.yaml"), str(EXAMPLES / "wait.yaml"), "0 9 * * *"


def started(program: Program, file: str, *arguments: str) -> str:
    """The id of a new run."""
    return program.json("run", file, *arguments).data["run_id"]


def scheduled(folder: Path, name: str = "아침 소식", **trigger: str) -> str:
    """A file with a workflow that is due by `trigger`."""
    document = {
        "mulle": 1,
        "name": name,
        "nodes": [{"id": "end", "type": "end", "data": {"outputs": {"say": "안녕"}}}],
        "edges": [],
        "triggers": [{"type": "cron", "cron": CRON, **trigger}],
    }
    path = folder / "아침.json"
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return str(path)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_a_help_that_says_what_it_does(program: Program, command: str):
    said = program(command, "--help")

    assert (said.code, said.err) == (0, "")
    assert "Usage: mulle " + command in said.out
    assert "--help" in said.out


def test_help_lists_every_command(program: Program):
    listed = program("--help").out

    assert all(f"\n  {name} " in listed for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rnu", "x.yaml"], "Did you mean 'run'?"),
        (["up"], "There is no command 'up'."),
        (["runs", "lst"], "Did you mean 'list'?"),
        (["run", "x.yaml", "--jsno"], "Did you mean '--json'?"),
        (["run"], "Missing argument"),
        (["runs", "list", "--status", "끝남"], "'끝남' is not one of"),
    ],
)
def test_wrong_use_is_exit_2_and_says_what_was_meant(program: Program, arguments: list[str], message: str):
    said = program.json(*arguments)

    assert (said.code, said.error["code"]) == (2, "usage")
    assert message in said.error["message"]
    assert "--help" in said.error["hint"]


def test_without_a_command_the_help_is_shown_and_nothing_was_tried(program: Program):
    said = program()

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Usage: mulle")


def test_an_approval_is_listed_and_given_and_the_run_goes_on(program: Program):
    run = started(program, APPROVAL, "-i", "text=안녕")

    listed = program.json("approvals", "list").data["approvals"]
    approved = program.json("approvals", "approve", run, "--comment", "좋아요")
    again = program.json("approvals", "approve", run)

    assert [(one["run_id"], one["signal"], one["form"]["title"]) for one in listed] == [
        (run, "ask", "이대로 보낼까요?")
    ]
    assert (approved.code, approved.data["outputs"]) == (0, {"sent": True})
    assert (again.code, again.error["code"]) == (2, "approval.unknown")


def test_a_rejected_run_takes_the_other_branch(program: Program):
    run = started(program, APPROVAL, "-i", "text=안녕")

    said = program.json("approvals", "reject", run, "ask", "--comment", "아니요")

    assert said.data["outputs"] == {"sent": False, "why": "아니요"}


def test_a_wait_for_a_signal_is_no_question_to_a_person(program: Program):
    run = started(program, WAIT)

    assert program("approvals", "list").out == "Nothing waits for a person.\n"
    assert program.json("approvals", "approve", run).error["code"] == "approval.unknown"


def test_a_signal_goes_to_the_run_once_an_id(program: Program):
    run = started(program, WAIT)

    wrong = program.json("runs", "signal", run, "paid", "{bad")
    said = program.json("runs", "signal", run, "paid", '{"amount": 3000}', "--id", "입금-1")
    same = program.json("runs", "signal", run, "paid", '{"amount": 9}', "--id", "입금-1")
    late = program.json("runs", "signal", run, "paid", "1")

    assert wrong.error["code"] == "signal.bad_payload"
    assert (said.code, said.data["outputs"]) == (0, {"say": "3,000원 잘 받았습니다"})
    assert same.data["outputs"] == said.data["outputs"]
    assert late.error["code"] == "run.over"


def test_runs_are_listed_shown_resumed_and_cancelled(program: Program):
    run, done = started(program, WAIT), started(program, str(EXAMPLES / "answer.yaml"), "-i", "name=이순신")

    listed = program.json("runs", "list").data["runs"]
    waiting = program.json("runs", "list", "--status", "waiting").data["runs"]
    resumed = program.json("runs", "resume", run)
    cancelled = program.json("runs", "cancel", run, "--reason", "그만")
    shown = program.json("runs", "show", run)
    over = program.json("runs", "cancel", done)

    assert [one["run_id"] for one in listed] == [done, run]
    assert listed[0].keys() == {
        "run_id",
        "workflow",
        "status",
        "detail",
        "created",
        "ended",
        "wake_at",
        "parent",
        "pinned",
    }
    assert [one["run_id"] for one in waiting] == [run]
    assert (resumed.code, resumed.data["status"]) == (0, "waiting")
    assert (cancelled.code, cancelled.data["status"]) == (0, "cancelled")
    assert shown.data["nodes"] == cancelled.data["nodes"]
    assert (over.code, over.error["code"]) == (2, "run.over")


@pytest.mark.parametrize(
    "words", [("run", "\udcff"), ("runs", "show", "\udcff"), ("runs", "list", "--workflow", "\udcff")]
)
def test_an_argument_that_is_no_text_is_refused(program: Program, words: tuple[str, ...]):
    said = program.json(*words)

    assert (said.code, said.error["code"], said.error["message"]) == (2, "input.not_text", "'?' is not UTF-8 text.")


def test_a_day_before_all_calendars_is_refused(program: Program):
    assert program.json("runs", "list", "--before", "0001-01-01").error["where"] == "--before"


def test_a_run_that_is_not_there_is_named(program: Program):
    said = program.json("runs", "show", "없음")

    assert (said.code, said.error["code"]) == (2, "run.unknown")
    assert "없음" in said.error["message"]


def test_a_secret_comes_by_a_pipe_and_is_never_shown(program: Program):
    kept = program.json("secrets", "set", "네이버_키", given="아주비밀\n")
    listed, for_people = program.json("secrets", "list"), program("secrets", "list")
    removed, again = program.json("secrets", "rm", "네이버_키"), program.json("secrets", "rm", "네이버_키")

    assert kept.data == {"name": "네이버_키", "stored": True}
    assert [one["name"] for one in listed.data["secrets"]] == ["네이버_키"]
    assert "네이버_키" in for_people.out
    assert not any("비밀" in said.out + said.err for said in (kept, listed, for_people, removed))
    assert "아주비밀".encode() not in b"".join(path.read_bytes() for path in program.home.rglob("*") if path.is_file())
    assert (removed.code, again.error["code"]) == (0, "secrets.missing")


@pytest.mark.parametrize("value", [b"", b"\xff\xfe", b"x" * 70_000])
def test_a_value_that_is_no_secret_is_refused(program: Program, value: bytes):
    said = program.json("secrets", "set", "KEY", given=value)

    assert (said.code, said.error["code"]) == (2, "secrets.unusable")


def test_the_schema_is_one_json_document(program: Program):
    assert "properties" in json.loads(program("schema").out)


@pytest.mark.parametrize("name", ["map.yaml", "approval.yaml"])
def test_an_exported_document_is_the_same_document(program: Program, tmp_path: Path, name: str):
    copied = tmp_path / "다시.yaml"

    as_json = program("export", str(EXAMPLES / name), "--to", "json")
    program("export", str(EXAMPLES / name), "--out", str(copied))
    again = program("export", str(copied), "--to", "json")

    assert json.loads(as_json.out) == json.loads(again.out)
    assert yaml.safe_load(copied.read_text("utf-8"))["name"] == json.loads(as_json.out)["name"]


def test_an_export_is_one_object_with_json(program: Program):
    said = program.json("export", str(EXAMPLES / "map.yaml")).data

    assert (said["to"], said["out"]) == ("yaml", None)
    assert yaml.safe_load(said["text"])["mulle"] == 1


def test_a_document_is_exported_as_the_python_that_builds_it(program: Program):
    text = program("export", str(EXAMPLES / "map.yaml"), "--to", "builder").out

    names: dict[str, Any] = {}
    exec(compile(text, "built.py", "exec"), names)
    assert names["workflow"].document == load(EXAMPLES / "map.yaml")


def test_a_phrase_is_parsed_into_rules_times_and_both_languages(program: Program):
    said = program.json("schedule", "parse", "매주 월요일 아침 9시", "--after", "2026-01-01T00:00:00+09:00")

    assert said.data["crons"] == ["0 9 * * 1"]
    assert said.data["next"][0] == "2026-01-05T09:00:00+09:00"
    assert len(said.data["next"]) == 5
    assert said.data["timezone"] == "Asia/Seoul"
    assert said.data["readback"].keys() == {"ko", "en"}
    assert {"rrule", "at", "filter"} <= said.data.keys()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["가끔"], "schedule.incomplete"),
        (["안녕하세요"], "schedule.not_a_schedule"),
        (["매일 아침 9시", "--timezone", "Mars/Base"], "schedule.unknown_timezone"),
        (["매일 아침 9시", "--after", "어제"], "input.bad_time"),
    ],
)
def test_a_phrase_that_is_no_schedule_is_answered_with_what_is_missing(
    program: Program, arguments: list[str], code: str
):
    said = program.json("schedule", "parse", *arguments)

    assert (said.code, said.error["code"]) == (2, code)
    assert said.error["hint"]


def test_a_workflow_is_kept_run_by_its_name_switched_off_and_forgotten(program: Program, tmp_path: Path):
    file = scheduled(tmp_path)

    kept = program.json("workflows", "save", file).data
    newer = program.json("workflows", "save", file, "--id", kept["id"]).data
    ran = program.json("run", "아침 소식")
    off = program.json("workflows", "enable", kept["id"], "--off").data
    listed = program.json("workflows", "list").data["workflows"]
    gone = program.json("workflows", "rm", "아침 소식")

    assert kept.keys() == {"id", "name", "version", "enabled", "updated"}
    assert (newer["id"], newer["version"]) == (kept["id"], 2)
    assert ran.data["outputs"] == {"say": "안녕"}
    assert off["enabled"] is False
    assert [(one["name"], one["enabled"]) for one in listed] == [("아침 소식", False)]
    assert gone.code == 0
    assert program.json("run", "아침 소식").error["code"] == "workflow.unknown"


def test_schedules_say_what_comes_next(program: Program, tmp_path: Path):
    program("workflows", "save", scheduled(tmp_path))

    said, for_people = program.json("schedules"), program("schedules")

    (one,) = said.data["schedules"]
    assert said.data.keys() == {"schedules", "firings", "problems"}
    assert one["next"]
    assert "아침 소식" in for_people.out


def test_a_worker_goes_on_with_what_is_there_and_ends_when_idle(program: Program):
    said, for_people = program.json("worker", "--until-idle"), program("worker", "--until-idle")

    assert said.data == {"recovered": [], "started": [], "problems": [], "alerts": []}
    assert for_people.code == 0


def test_doctor_finds_this_machine(program: Program):
    said = program.json("doctor")

    assert {one["about"] for one in said.data["findings"]} >= {"python", "sqlite", "home", "sandbox", "mail"}
    assert said.code == (1 if any(one["state"] == "bad" for one in said.data["findings"]) else 0)


def test_a_reader_that_goes_away_is_no_error(program: Program):
    process = subprocess.Popen(
        [sys.executable, "-m", "mulle.cli", "schema"],
        env=environment(program.home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, complaint = process.communicate(timeout=60)

    assert (process.returncode, complaint) == (0, b"")


def test_a_result_that_cannot_be_written_is_said(program: Program):
    full = os.open("/dev/full", os.O_WRONLY)
    done = subprocess.run(
        [sys.executable, "-m", "mulle.cli", "runs", "list", "--json"],
        env=environment(program.home),
        stdout=full,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(full)

    assert done.returncode == 1
    assert json.loads(done.stderr)["error"]["code"] == "output.lost"
