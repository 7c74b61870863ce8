"""Executions that are gone on with: after a real death, after a failure, after an approval, and those that are done."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mulle
from mulle.agents import ExecutionHistory, Logger, StateStore, Workflow

PROGRAM = """
import os, signal, sys
from pathlib import Path
import mulle
from mulle.agents import StateStore, Workflow

home, ledger = Path(sys.argv[1]), Path(sys.argv[2])

def load(value):
    ledger.open("a").write("load\\n")
    return value + 1

def die_once(value):
    ledger.open("a").write("die\\n")
    if ledger.read_text().count("die") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return value * 10

workflow = Workflow("죽음").add_step("load", load).add_step("die", die_once)

if __name__ == "__main__":
    app = mulle.open(home)
    store = StateStore(app)
    snapshots = store.list_snapshots()
    if snapshots:
        result = workflow.execute(resume=store.load_snapshot(snapshots[-1]["snapshot_id"]), app=app, store=store)
    else:
        result = workflow.execute(4, app=app, store=store)
    print(result.status, result.output)
    app.close_sync()
"""


def test_a_killed_program_goes_on_behind_its_last_finished_step(tmp_path: Path):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "program.py", tmp_path / "home", tmp_path / "ledger"]

    first = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, timeout=60)
    second = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, timeout=60, text=True)

    assert first.returncode == -signal.SIGKILL
    assert second.stdout == "completed 50\n", second.stderr
    assert (tmp_path / "ledger").read_text().split() == ["load", "die", "die"]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[mulle.App]:
    app = mulle.open(tmp_path)
    yield app
    app.close_sync()


def test_a_failed_execution_is_gone_on_with_at_the_step_that_failed(app: mulle.App):
    calls: list[str] = []

    def first(value: int) -> int:
        calls.append("first")
        return value + 1

    def second(value: int) -> int:
        calls.append("second")
        if len(calls) < 3:
            raise OSError("끊김")
        return value * 10

    workflow = Workflow("다시").add_step("첫째", first).add_step("둘째", second)

    failed = workflow.execute(4, app=app)
    result = workflow.execute(resume=failed, app=app)

    assert (failed.status, result.status, result.output) == ("failed", "completed", 50)
    assert calls == ["first", "second", "second"]
    assert workflow.context.initial_input == 4


def test_a_snapshot_that_the_journal_has_outrun_is_noticed_and_the_journal_counts(app: mulle.App):
    store, logger = StateStore(app), Logger()
    workflow = Workflow("둘").add_step("갑", abs).add_step("을", str)
    done = workflow.execute(-1, app=app, store=store)
    first, second = (store.load_snapshot(one["snapshot_id"]) for one in store.list_snapshots())

    again = workflow.execute(resume=second, app=app, logger=logger)
    assert logger.get_logs("warning") == []
    outrun = workflow.execute(resume=first, app=app, logger=logger)

    assert done.output == again.output == outrun.output == "1"
    assert logger.get_logs("warning")[0].data == {
        "saved": {"step": "갑", "output": 1},
        "actual": {"step": "을", "output": "1"},
    }


def test_a_finished_execution_gives_its_result_again(app: mulle.App):
    calls: list[int] = []
    workflow = Workflow("한 번").add_step("갑", calls.append)
    done = workflow.execute(1, app=app)

    again = workflow.execute(resume=done.workflow_id, app=app)

    assert (again.status, again.workflow_id, calls) == ("completed", done.workflow_id, [1])


def test_an_execution_that_waits_for_a_person_is_gone_on_with(app: mulle.App):
    @mulle.step
    def send(topic: str) -> str:
        return f"{topic} 보냄"

    @mulle.workflow
    def asking(topic: str):
        with mulle.node("approval", {"title": topic}, id="확인").branch("approved"):
            return send(topic)

    waiting = asking.execute("경제", app=app)
    assert (waiting.status, waiting["steps"][0]["status"]) == ("waiting", "waiting")

    asyncio.run(app.signal(waiting.workflow_id, "확인", {"decision": "yes"}))
    result = asking.execute(resume=waiting, app=app)

    assert (result.status, result.output) == ("completed", "경제 보냄")


def test_runs_of_an_app_are_logs_by_themselves(app: mulle.App):
    def fail(_: int) -> None:
        raise OSError("끊김")

    history = ExecutionHistory(app)
    by_hand = history.create_log("손으로")
    result = Workflow("사슬").add_step("갑", abs).add_step("을", fail).execute(-1, app=app, store=StateStore(app))

    listed = history.list_logs()
    assert [(one["workflow_name"], one["status"]) for one in listed] == [("손으로", "running"), ("사슬", "failed")]
    log = history.get_log(result.workflow_id)
    assert [(step["step_name"], step["status"], step["error"]) for step in log.steps] == [
        ("갑", "completed", None),
        ("을", "failed", "끊김"),
    ]
    assert log.end_time > log.start_time
    assert history.get_log(by_hand.log_id) == by_hand
