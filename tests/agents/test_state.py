"""Snapshots: by hand and of executions, found again, and gone on with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mulle
from mulle.agents import StateStore, StepResult, Workflow
from mulle.agents.state import UnknownSnapshot, run_of


def double(value: int) -> int:
    return value * 2


def five_steps() -> Workflow:
    workflow = Workflow("다섯")
    for number in range(1, 6):
        workflow.add_step(f"s{number}", double, is_critical=number == 3)
    return workflow


def names(store: StateStore) -> list[str]:
    return [one["name"] for one in store.list_snapshots()]


@pytest.fixture(params=["memory", "folder", "app"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "app":
        app = mulle.open(tmp_path)
        yield app
        app.close_sync()
    else:
        yield None if request.param == "memory" else tmp_path


def test_a_snapshot_is_saved_listed_loaded_and_deleted(home: Any):
    store = StateStore(home)
    first = store.save_snapshot("처리", {"step": "processing", "progress": 60}, {"by": "물레"})
    second = store.save_snapshot("결과", StepResult("갑", output=[1]))
    third = store.save_snapshot("값", (1, 2))

    assert [one["snapshot_id"] for one in store.list_snapshots()] == [
        first.snapshot_id,
        second.snapshot_id,
        third.snapshot_id,
    ]
    assert store.load_snapshot(first.snapshot_id) == first
    assert first.execution_state == {"step": "processing", "progress": 60}
    assert (first.name, first.metadata) == ("처리", {"by": "물레"})
    assert second.execution_state["output"] == [1]
    assert third.execution_state == {"value": [1, 2]}
    assert store.delete_snapshot(first.snapshot_id)
    assert not store.delete_snapshot(first.snapshot_id)
    with pytest.raises(UnknownSnapshot, match=first.snapshot_id):
        store.load_snapshot(first.snapshot_id)


def test_a_snapshot_is_a_copy():
    state = {"progress": [1]}
    store = StateStore()
    snapshot = store.save_snapshot("처리", state)

    state["progress"].append(2)
    snapshot.execution_state["progress"].append(3)

    assert store.load_snapshot(snapshot.snapshot_id).execution_state == {"progress": [1]}


def test_what_is_no_data_cannot_be_kept():
    with pytest.raises(TypeError):
        StateStore().save_snapshot("처리", {"a": object()})


def test_snapshots_outlive_the_program_in_a_home(tmp_path: Path):
    kept = StateStore(tmp_path).save_snapshot("처리", {"a": 1})

    assert StateStore(tmp_path).load_snapshot(kept.snapshot_id) == kept


@pytest.mark.parametrize(
    ("save", "taken"),
    [
        ("each_step", [f"step_s{number}_complete" for number in range(1, 6)]),
        (2, ["checkpoint_2", "checkpoint_4"]),
        ("critical", ["critical_s3"]),
    ],
)
def test_executions_are_saved_as_the_strategy_says(save: Any, taken: list[str]):
    store = StateStore(save=save)

    five_steps().execute(1, store=store)

    assert names(store) == taken


def test_a_checkpoint_holds_the_whole_state_and_a_step_its_own():
    store = StateStore(save=2)
    five_steps().execute(1, store=store)

    checkpoint = store.load_snapshot(store.list_snapshots()[1]["snapshot_id"])

    results = checkpoint.execution_state["step_results"]
    assert {name: result["output"] for name, result in results.items()} == {"s1": 2, "s2": 4, "s3": 8, "s4": 16}


def test_the_state_of_a_failure_is_saved():
    def fail(_: Any) -> None:
        raise OSError("끊김")

    store = StateStore(save="critical")
    Workflow("실패").add_step("갑", fail).execute(1, store=store)

    assert names(store) == ["error_갑"]


def test_a_checkpoint_after_no_step_is_refused():
    with pytest.raises(ValueError, match="one step"):
        StateStore(save=0)


@pytest.mark.parametrize("save", ["each_step", 1])
def test_an_execution_that_only_snapshots_remember_is_gone_on_with(save: Any):
    calls: list[str] = []

    def first(value: int) -> int:
        calls.append("first")
        return value + 1

    def second(value: int) -> int:
        calls.append("second")
        if len(calls) < 3:
            raise OSError("끊김")
        return value * 10

    store = StateStore(save=save)
    workflow = Workflow("다시").add_step("첫째", first).add_step("둘째", second)
    failed = workflow.execute(4, store=store)

    result = workflow.execute(resume=store.load_snapshot(store.list_snapshots()[0]["snapshot_id"]), store=store)

    assert failed.status == "failed"
    assert (result.status, result.output) == ("completed", 50)
    assert calls == ["first", "second", "second"]


def test_a_snapshot_of_no_execution_cannot_be_gone_on_with():
    snapshot = StateStore().save_snapshot("손으로", {"a": 1})

    with pytest.raises(ValueError, match="손으로"):
        run_of(snapshot)
    assert Workflow("없음").add_step("갑", double).execute(resume="모름").status == "failed"
