from typing import Any

import pytest
from tests.nodes.alone import outputs
from tests.nodes.whole import ran

from mulle.nodes.aggregate import Aggregate

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
