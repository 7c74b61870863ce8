from typing import Any

import pytest
from tests.nodes.whole import ran

from mulle.document.reading import read_workflow
from mulle.nodes.map import Map, flat

EACH = """
    name: each
    nodes:
      - {{id: start, type: start, ports: {{outputs: [{{name: items, type: any}}]}}}}
      - id: each
        type: map
        data: {{items: "{{{{ start.items }}}}"{more}}}
        body:
          nodes:
            - {{id: half, type: transform, data: {{value: "{{{{ 100 / item }}}}"}}}}
            - {{id: done, type: end}}
          edges: [{{source: half, source_port: value, target: done, target_port: half}}]
      - {{id: end, type: end}}
    edges:
      - {{source: start, target: each}}
      - {{source: each, source_port: results, target: end, target_port: results}}
      - {{source: each, source_port: errors, target: end, target_port: errors}}
"""


async def test_results_stand_in_the_order_of_the_items():
    run = await ran(EACH.format(more=", concurrency: 3"), {"items": list(range(1, 51))})

    assert [result["half"] for result in run.outputs["results"]] == [100 / n for n in range(1, 51)]
    assert run.outputs["errors"] == []


@pytest.mark.parametrize(
    ("collect", "warned"), [("half", False), ("hlaf", True), ("", False), ("{{ start.x }}", False)]
)
def test_a_value_that_no_end_inside_receives_is_warned_of(collect: str, warned: bool):
    document = read_workflow(EACH.format(more=f", collect: '{collect}'"))

    problems = Map().signature(document.nodes[1]).problems

    assert [(one.code, one.severity, one.hint) for one in problems if one.code.startswith("map.")] == (
        [("map.collects_nothing", "warning", "There is: half.")] if warned else []
    )


async def test_one_value_of_the_end_can_be_the_result():
    run = await ran(EACH.format(more=", collect: half"), {"items": [4, 5]})

    assert run.outputs["results"] == [25.0, 20.0]


async def test_no_items_are_no_work():
    run = await ran(EACH.format(more=""), {"items": []})

    assert run.status == "succeeded"
    assert run.outputs == {"results": [], "errors": []}


async def test_a_failed_item_fails_the_map():
    run = await ran(EACH.format(more=""), {"items": [1, 0, 2]})

    assert run.status == "failed"
    assert run.error is not None
    assert run.error["type"] == "body.failed"
    assert run.error["message"].startswith("Item 1 failed at 'half': ")


async def test_a_failed_item_may_be_null():
    run = await ran(EACH.format(more=", on_item_error: 'null', collect: half"), {"items": [1, 0, 2]})

    assert run.outputs["results"] == [100.0, None, 50.0]
    assert [(error["index"], error["node"]) for error in run.outputs["errors"]] == [(1, "half")]


async def test_a_failed_item_may_be_dropped():
    run = await ran(EACH.format(more=", on_item_error: drop, collect: half"), {"items": [1, 0, 2]})

    assert run.outputs["results"] == [100.0, 50.0]
    assert len(run.outputs["errors"]) == 1


async def test_what_is_no_list_says_so():
    run = await ran(EACH.format(more=""), {"items": {"a": 1}})

    assert run.error is not None
    assert run.error["message"] == "A map goes through a list, and `items` is object."


async def test_maps_nest_and_the_inner_item_is_the_nearer():
    run = await ran(
        """
        nodes:
          - id: rows
            type: map
            data: {items: [[1, 2], [3]], collect: row}
            body:
              nodes:
                - id: cells
                  type: map
                  data: {items: "{{ item }}", collect: text}
                  body:
                    nodes:
                      - {id: cell, type: end, data: {outputs: {text: "{{ item * 10 }}"}}}
                - {id: row, type: end}
              edges: [{source: cells, source_port: results, target: row, target_port: row}]
          - {id: end, type: end}
        edges: [{source: rows, source_port: results, target: end, target_port: rows}]
        """
    )

    assert run.outputs == {"rows": [[10, 20], [30]]}


RACE = """
nodes:
  - id: race
    type: map
    data: {{items: {items}, enough: {enough}, collect: won}}
    body:
      nodes:
        - {{id: think, type: transform, data: {{value: "{{{{ 10 / item }}}}"}}}}
        - {{id: end, type: end}}
      edges: [{{source: think, source_port: value, target: end, target_port: won}}]
  - {{id: end, type: end}}
edges:
  - {{source: race, source_port: results, target: end, target_port: results}}
"""


async def test_a_race_ends_when_enough_items_succeeded_whatever_failed_before():
    run = await ran(RACE.format(items="[0, 5, 0, 2, 1]", enough=2))

    assert run.outputs == {"results": [2.0, 5.0]}


async def test_a_race_that_too_few_finish_fails_with_the_first_reason():
    run = await ran(RACE.format(items="[0, 5]", enough=2))

    assert run.error is not None
    assert run.error["message"].startswith("1 of the items succeeded and 2 were asked for; item 0 failed at 'think'")


@pytest.mark.parametrize(
    ("results", "made"),
    [
        ([[1], [2, 3]], [1, 2, 3]),
        ([[1], None, []], [1]),
        ([[1], 2], [[1], 2]),
        ([None], [None]),
        ([], []),
    ],
)
def test_lists_become_one_list_where_nothing_else_is_among_them(results: list[Any], made: list[Any]):
    assert flat(results) == made
