from typing import Any

import pytest
from tests.nodes.alone import problems, references, turn
from tests.nodes.whole import document, opened, ran

from mulle.nodes.assign import Assign
from mulle.sdk.fit import WrongType

VISITS = """
    variables:
      conversation: {count: {type: number, value: 0}, seen: {type: array, value: []}}
    nodes:
      - {id: start, type: start, ports: {outputs: [{name: name, type: string}]}}
      - id: note
        type: assign
        data:
          writes:
            - {target: conversation.count, op: add, value: 1}
            - {target: conversation.seen, op: append}
      - {id: end, type: end, data: {outputs: {count: "{{ conversation.count }}", after: "{{ note }}"}}}
    edges:
      - {source: start, source_port: name, target: note, target_port: value}
"""


async def test_what_is_written_outlives_the_run():
    run = await ran(VISITS, {"name": "김"}, conversation={"count": 4, "seen": ["이"]})

    assert run.conversation == {"count": 5, "seen": ["이", "김"]}
    assert run.outputs["count"] == 5


async def test_a_variable_that_nobody_declared_is_found_before_a_run():
    async with opened() as app:
        found = app.problems(document(VISITS.replace("target: conversation.seen", "target: conversation.sen")))

    assert [problem.message for problem in found if problem.severity == "error"] == ["There is no 'conversation.sen'."]


@pytest.mark.parametrize("target", ["count", "env.REGION", "conversation.a.b", "conversation"])
def test_only_variables_can_be_written(target: str):
    assert len(problems(Assign(), {"writes": [{"target": target, "value": 1}]})) == 1


def test_a_target_counts_as_a_reference():
    assert references(Assign(), {"writes": [{"target": "state.n"}]}) == ["state.n"]


async def test_a_change_sees_what_the_one_before_it_wrote():
    writes = [
        {"target": "conversation.a", "value": "{{ x }}"},
        {"target": "conversation.b", "value": ["{{ conversation.a }}!"]},
        {"target": "conversation.b", "op": "append", "value": "{{ conversation.b[0] }}"},
    ]

    answer = await turn(Assign(), {"writes": writes}, names={"x": "X", "conversation": {"a": "1"}})

    assert [write.value for write in answer.writes] == ["X", ["X!"], "X!"]


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({"value": "text", "type": "string"}, True),
        ({"value": 5, "type": "string"}, False),
        ({"value": None, "type": "string"}, False),
        ({"value": [1], "type": "array[string]"}, False),
        ({"op": "append", "value": 5, "type": "array[number]"}, True),
        ({"op": "append", "value": 5, "type": "array[string]"}, False),
        ({"op": "append", "value": 5, "type": "array"}, True),
        ({"op": "extend", "value": [5, "6"], "type": "array[number]"}, False),
        ({"op": "clear", "type": "number"}, True),
    ],
)
async def test_a_change_of_a_typed_variable_takes_that_type_only(change: dict[str, Any], fits: bool):
    asked = turn(Assign(), {"writes": [{"target": "conversation.v", **change}]}, names={"conversation": {"v": None}})

    if fits:
        assert len((await asked).writes) == 1
    else:
        with pytest.raises(WrongType):
            await asked
