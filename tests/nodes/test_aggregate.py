from typing import Any

import pytest
from tests.nodes.alone import outputs, problems
from tests.nodes.whole import ran

from mulle.document.workflow import NodeSpec
from mulle.nodes.aggregate import Aggregate

FAILED = {"type": "x", "message": "고장", "node": "a"}
ARRIVED = {"values": [[1, 2], None, "셋"], "extra": {"가": 4}}


@pytest.mark.parametrize(
    ("mode", "value"),
    [
        ("list", [[1, 2], None, "셋", {"가": 4}]),
        ("object", {"extra": {"가": 4}, "values": [[1, 2], None, "셋"]}),
        ("first", [1, 2]),
        ("concat", [1, 2, "셋", {"가": 4}]),
        ("text", '[1,2]\n셋\n{"가":4}'),
    ],
)
async def test_values_become_one(mode: str, value: Any):
    assert await outputs(Aggregate(), {"mode": mode}, ARRIVED) == {"value": value}


async def test_branches_meet_again_whichever_was_taken():
    run = await ran(
        """
        nodes:
          - {id: start, type: start, ports: {outputs: [{name: n, type: number}]}}
          - {id: fork, type: condition, data: {cases: [{name: big, when: start.n > 10}]}}
          - {id: a, type: transform, data: {value: 큰 수}}
          - {id: b, type: transform, data: {value: 작은 수}}
          - {id: meet, type: aggregate, data: {mode: first}}
          - {id: end, type: end}
        edges:
          - {source: start, target: fork}
          - {source: fork, source_port: big, target: a}
          - {source: fork, source_port: else, target: b}
          - {source: a, source_port: value, target: meet, target_port: values}
          - {source: b, source_port: value, target: meet, target_port: values}
          - {source: meet, source_port: value, target: end, target_port: text}
        """,
        {"n": 3},
    )

    assert run.outputs == {"text": "작은 수"}


FIRST = {"first_of": ["a.text", "b.text"], "groups": {"lines": ["a.lines", "b.lines"], "nothing": ["a.x"]}}


@pytest.mark.parametrize(
    ("names", "made"),
    [
        ({"a": None, "b": {"text": "둘", "lines": [2]}}, {"value": "둘", "lines": [2]}),
        ({"a": {"text": None, "lines": [1]}, "b": {"text": "둘", "lines": [2]}}, {"value": None, "lines": [1]}),
        ({"a": {"lines": [1]}, "b": {"text": "", "lines": []}}, {"value": "", "lines": [1]}),
        ({"a": None, "b": None}, {}),
        (
            {"a": {"text": None, "lines": None, "error": FAILED}, "b": {"text": "둘", "lines": [2]}},
            {"value": "둘", "lines": [2]},
        ),
    ],
)
async def test_the_first_whose_step_answered_is_taken(names: dict[str, Any], made: dict[str, Any]):
    assert await outputs(Aggregate(), FIRST, names=names) == made


def test_a_group_is_a_port_of_its_own():
    assert problems(Aggregate(), FIRST) == []
    ports = Aggregate().signature(NodeSpec(id="x", type="aggregate", data=FIRST)).outputs

    assert [port.name for port in ports] == ["value", "lines", "nothing"]
