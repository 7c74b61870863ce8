"""What the documents of a home and of a cluster promise, whatever they are kept in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgres_server import server

from mulle.document.reading import parse_workflow
from mulle.document.workflow import Workflow
from mulle.store.postgres_workflows import PostgresWorkflows
from mulle.store.sqlite_workflows import SqliteWorkflows
from mulle.store.workflows import AmbiguousWorkflow, Firing, UnknownWorkflow, Workflows


@pytest.fixture(params=["sqlite", "postgres"])
def workflows(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Workflows]:
    is_sqlite = request.param == "sqlite"
    kept = SqliteWorkflows(tmp_path / "mulle.db") if is_sqlite else PostgresWorkflows(server().schema())
    yield kept
    kept.close()


def document(name: str) -> Workflow:
    return parse_workflow({"mulle": 1, "name": name, "nodes": [{"id": "end", "type": "end"}], "edges": []})


def test_every_save_is_a_version_and_the_newest_counts(workflows: Workflows):
    first = workflows.save(document("아침"), 1.0)
    second = workflows.save(document("저녁"), 2.0, workflow_id=first.id)

    assert (first.version, second.version, second.id) == (1, 2, first.id)
    assert workflows.document(first.id).name == "저녁"
    assert workflows.document(first.id, version=1).name == "아침"
    assert [one.name for one in workflows.all()] == ["저녁"]


def test_a_workflow_is_found_by_id_or_name_and_two_of_a_name_are_told_apart(workflows: Workflows):
    one = workflows.save(document("아침"), 1.0)
    assert workflows.get("아침") == workflows.get(one.id) == one

    workflows.save(document("아침"), 2.0)

    assert workflows.get(one.id) == one
    with pytest.raises(AmbiguousWorkflow):
        workflows.get("아침")


@pytest.mark.parametrize("named", ["없음", "", "'; DROP TABLE workflows; --"])
def test_what_is_not_there_is_unknown(workflows: Workflows, named: str):
    with pytest.raises(UnknownWorkflow):
        workflows.get(named)
    with pytest.raises(UnknownWorkflow):
        workflows.save(document("아침"), 1.0, workflow_id=named)


def test_a_removed_workflow_takes_its_firings_along(workflows: Workflows):
    kept = workflows.save(document("아침"), 1.0)
    workflows.note([Firing(kept.id, "k", 5.0, "started", "r1")], kept.id, "k", 5.0, 6.0)

    workflows.remove("아침")

    assert workflows.all() == []
    assert workflows.firings() == []


def test_a_schedule_that_stays_is_looked_at_from_where_it_was(workflows: Workflows):
    kept = workflows.save(document("아침"), 1.0)
    workflows.keep_schedules(kept.id, ["a", "b"], 10.0)

    workflows.keep_schedules(kept.id, ["a", "c"], 20.0)
    workflows.keep_schedules(kept.id, ["a", "b"], 30.0)

    assert [workflows.looked_until(kept.id, key, 99.0) for key in ("a", "b")] == [10.0, 30.0]


def test_what_was_due_while_schedules_were_off_is_passed_over(workflows: Workflows):
    kept = workflows.save(document("아침"), 1.0)
    workflows.keep_schedules(kept.id, ["a"], 10.0)

    assert not workflows.enable(kept.id, 20.0, enabled=False).enabled
    assert workflows.looked_until(kept.id, "a", 99.0) == 10.0
    assert workflows.enable(kept.id, 30.0, enabled=True).enabled
    assert workflows.looked_until(kept.id, "a", 99.0) == 30.0
    workflows.enable(kept.id, 40.0, enabled=True)
    assert workflows.looked_until(kept.id, "a", 99.0) == 30.0


@pytest.mark.parametrize("order", [("skipped", "started"), ("started", "skipped")])
def test_of_two_who_noted_a_due_time_the_one_with_a_run_is_right(workflows: Workflows, order: tuple[str, str]):
    kept = workflows.save(document("아침"), 1.0)

    for outcome in order:
        run = "r1" if outcome == "started" else None
        workflows.note([Firing(kept.id, "k", 5.0, outcome, run)], kept.id, "k", 5.0, 6.0)

    assert workflows.firings(kept.id) == [Firing(kept.id, "k", 5.0, "started", "r1")]
    assert workflows.last_run(kept.id, "k") == "r1"
    assert workflows.last_run(kept.id, "other") is None


def test_workflows_are_kept_over_a_restart_of_the_server():
    workflows = PostgresWorkflows(server().schema())
    before = workflows.save(document("아침"), 1.0)

    server().restart()
    after = workflows.save(document("저녁"), 2.0, workflow_id=before.id)
    workflows.close()

    assert (after.name, after.version) == ("저녁", 2)
