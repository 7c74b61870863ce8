"""A workflow that runs another one of its home inside."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.program import mulle_said

import mulle
from mulle.app import App
from mulle.app.schedules import keep
from mulle.document.reading import read_workflow
from mulle.document.workflow import Workflow

INNER = """
name: 두 배
nodes:
  - {{id: start, type: start, ports: {{outputs: [{{name: n, type: number, required: true}}]}}}}
  - {{id: times, type: transform, data: {{value: "{{{{ start.n * {factor} }}}}"}}}}
  - {{id: end, type: end}}
edges:
  - {{source: start, target: times}}
  - {{source: times, source_port: value, target: end, target_port: result}}
"""
OUTER = """
nodes:
  - {id: start, type: start, ports: {outputs: [{name: n, type: number, required: true}]}}
  - {id: inner, type: subflow, data: {workflow: 두 배, inputs: {n: "{{ start.n }}"}}}
  - {id: end, type: end}
edges:
  - {source: start, target: inner}
  - {source: inner, source_port: result, target: end, target_port: result}
"""


def inner(factor: int) -> Workflow:
    return read_workflow(INNER.format(factor=factor))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = mulle.open(tmp_path)
    yield app
    app.close_sync()


def test_the_newest_version_runs_unless_another_is_asked_for(app: App):
    stored = keep(app, inner(2))
    keep(app, inner(3), stored.id)
    fixed = read_workflow(OUTER.replace("workflow: 두 배", "workflow: 두 배, version: 1"))

    newest, first = app.run_sync(read_workflow(OUTER), {"n": 5}), app.run_sync(fixed, {"n": 5})

    assert (newest.outputs, first.outputs) == ({"result": 15}, {"result": 10})


def test_a_run_that_waits_keeps_the_version_it_began_with(app: App):
    waiting = INNER.format(factor=2).replace("edges:", "  - {id: ask, type: wait, data: {signal: go}}\nedges:")
    stored = keep(
        app, read_workflow(waiting.replace("target: times}", "target: ask}\n  - {source: ask, target: times}"))
    )
    run = app.run_sync(read_workflow(OUTER), {"n": 5})
    keep(app, inner(3), stored.id)

    app.blocking(lambda app: app.signal(run.id, "go"))

    assert app.blocking(lambda app: app.go_on(run.id)).outputs == {"result": 10}


def test_the_same_document_follows_a_new_version_in_its_next_run(app: App):
    stored, document = keep(app, inner(2)), read_workflow(OUTER)
    before = app.run_sync(document, {"n": 5}).outputs
    keep(app, inner(4), stored.id)

    assert (before, app.run_sync(document, {"n": 5}).outputs) == ({"result": 10}, {"result": 20})


def test_a_missing_workflow_is_a_problem_at_its_node(app: App):
    problems = app.problems(read_workflow(OUTER))

    assert [(one.code, one.where) for one in problems] == [("workflow.unknown", "nodes.inner.data.workflow")]


def test_validate_looks_into_the_home_only_for_what_is_named(tmp_path: Path):
    file = tmp_path / "outer.yaml"
    file.write_text(OUTER, "utf-8")

    said = mulle_said(tmp_path / "home", "validate", str(file), "--json")

    assert said.code == 1
    assert said.data["problems"][0]["code"] == "workflow.unknown"


def test_the_inner_start_gives_its_defaults_and_asks_for_what_is_required(app: App):
    keep(app, read_workflow(INNER.format(factor=2).replace("required: true", "default_value: 21")))
    bare = OUTER.replace(', inputs: {n: "{{ start.n }}"}', "")
    with_default = app.run_sync(read_workflow(bare), {"n": 5})
    keep(app, read_workflow(INNER.format(factor=2).replace("두 배", "꼭 필요")))
    without = app.run_sync(read_workflow(bare.replace("두 배", "꼭 필요")), {"n": 5})

    assert with_default.outputs == {"result": 42}
    assert without.error is not None
    assert "'n' needs a value" in without.error["message"]
