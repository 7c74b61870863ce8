from typing import Any

import pytest

from mulle.document.reading import read_workflow
from mulle.document.validate import validate
from mulle.sdk.catalogue import Catalogue

AROUND = """
variables: {{environment: {{KEY: {{value: 1}}}}, conversation: {{seen: {{type: any}}}}}}
nodes:
  - {{id: start, type: start, ports: {{outputs: [{{name: items, type: any}}]}}}}
  - id: each
    type: map
    data: {{items: "{{{{ start.items }}}}", spread: {spread}}}
    body:
      nodes:
        - {work}
        - {{id: done, type: end}}
      edges: [{{source: work, target: done}}]
  - {{id: end, type: end}}
edges: [{{source: start, target: each}}, {{source: each, target: end}}]
"""


def found(work: str, spread: str = "true") -> list[tuple[str, str]]:
    problems = validate(read_workflow(AROUND.format(work=work, spread=spread)), Catalogue.installed().describe)
    return [(problem.code, problem.where) for problem in problems if problem.severity == "error"]


INSIDE = "nodes.each.body.nodes.work."
LOOP = (
    "{id: work, type: loop, data: {state: {n: 0}, until: 'state.n > 1'}, body: {nodes: ["
    "{id: step, type: assign, data: {writes: [{target: state.n, op: add, value: %s}]}}, {id: over, type: end}], "
    "edges: [{source: step, target: over}]}}"
)


@pytest.mark.parametrize("value", ["item", "index", "env.KEY", "sys.now"])
def test_a_spread_body_knows_its_item_and_what_every_run_knows(value: str):
    assert found(f'{{id: work, type: transform, data: {{value: "{{{{ {value} }}}}"}}}}') == []


def test_a_port_inside_may_be_fed_by_the_item():
    mapping = "{x: {source: {variable: item}}}"
    work = f"{{id: work, type: template, data: {{template: '{{{{ x }}}}'}}, variable_mappings: {mapping}}}"

    assert "spread.outside" not in dict(found(work))


def test_a_body_may_have_bodies_that_know_more():
    assert found(LOOP % '"{{ state.n + item }}"') == []


@pytest.mark.parametrize(
    ("work", "where"),
    [
        ('{id: work, type: transform, data: {value: "{{ start.items }}"}}', INSIDE + "data.value"),
        ('{id: work, type: transform, data: {value: "{{ conversation.seen }}"}}', INSIDE + "data.value"),
        (
            "{id: work, type: transform, data: {value: 1}, variable_mappings: {x: {source: {variable: start.items}}}}",
            INSIDE + "variable_mappings.x.source.variable",
        ),
        ("{id: work, type: assign, data: {writes: [{target: conversation.seen, op: set, value: 1}]}}", INSIDE + "data"),
        (LOOP % '"{{ start.items }}"', INSIDE + "body.nodes.step.data.writes[0].value"),
    ],
)
def test_it_cannot_use_what_belongs_to_the_run_around(work: str, where: str):
    assert ("spread.outside", where) in found(work)
    assert "spread.outside" not in dict(found(work, "false"))


def test_what_nobody_knows_is_reported_where_it_stands():
    assert dict(found("{id: work, type: no_such_type}")).keys() == {"document.unknown_node_type"}


def test_a_race_cannot_be_spread():
    document: Any = AROUND.format(work="{id: work, type: transform, data: {value: 1}}", spread="true, enough: 1")
    problems = validate(read_workflow(document), Catalogue.installed().describe)

    assert any("enough" in problem.message for problem in problems)
