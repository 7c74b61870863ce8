"""Outputs that a document adds to a node's own."""

from tests.nodes.whole import document, opened, ran

from mulle.document.ports import Port
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.sdk.derived import with_derived

LIST = """
    nodes:
      - {id: start, type: start, ports: {outputs: [{name: items, type: array}]}}
      - id: list
        type: transform
        data: {value: "{{ start.items }}"}
        derived_outputs: {first: "DERIVED"}
      - {id: end, type: end, data: {outputs: {first: "{{ list.first }}", all: "{{ list.value }}"}}}
    edges: [{source: start, target: list}, {source: list, target: end}]
"""


async def test_a_derived_output_is_computed_from_the_nodes_own():
    run = await ran(LIST.replace("DERIVED", "value[0]"), {"items": ["가", "나"]})

    assert run.outputs == {"first": "가", "all": ["가", "나"]}


async def test_an_expression_that_cannot_be_computed_fails_the_step():
    run = await ran(LIST.replace("DERIVED", "value[7]"), {"items": ["가"]})

    assert run.error is not None
    assert (run.error["type"], run.error["node"]) == ("expression.missing_reference", "list")


async def test_an_expression_that_cannot_be_read_is_a_problem_at_its_place():
    async with opened() as app:
        problems = app.problems(document(LIST.replace("DERIVED", "value[")))

    assert [problem.where for problem in problems] == ["nodes.list.derived_outputs.first"]


async def test_a_pin_says_all_outputs_itself():
    run = await ran(LIST.replace("DERIVED", "value[0]"), {"items": []}, pins={"list": {"outputs": {"first": 1}}})

    assert run.outputs == {"first": 1, "all": None}


def test_a_silent_port_is_null():
    spec = NodeSpec(id="n", type="x", derived_outputs={"more": "is_null(quiet)"})

    assert with_derived({"said": 1}, spec, Signature(outputs=(Port(name="quiet"),))) == {"said": 1, "more": True}
