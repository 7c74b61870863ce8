from typing import Any

import pytest
from tests.nodes.whole import document, opened, ran

from mulle.engine.facts import NodeExpanded

COUNT = """
    nodes:
      - {id: start, type: start, ports: {outputs: [{name: least, type: number, default_value: 3}]}}
      - id: rounds
        type: loop
        data: DATA
        body:
          nodes:
            - {id: more, type: assign, data: {writes: [{target: state.n, op: add, value: 1}]}}
            - {id: seen, type: assign, data: {writes: [{target: state.seen, op: append, value: "{{ index }}"}]}}
      - {id: end, type: end, data: {outputs: {reason: "{{ rounds.completed_reason }}", n: "{{ rounds.n }}"}}}
    edges:
      - {source: start, target: rounds}
      - {source: rounds, source_port: state, target: end, target_port: state}
      - {source: rounds, source_port: iterations, target: end, target_port: iterations}
"""


@pytest.mark.parametrize(
    ("data", "rounds", "reason"),
    [
        ('{state: {n: 0, seen: []}, until: "state.n >= start.least"}', 3, "until"),
        ('{state: {n: 0, seen: []}, while: "state.n < start.least"}', 3, "while"),
        ('{state: {n: 0, seen: []}, while: "false"}', 0, "while"),
        ('{state: {n: 0, seen: []}, until: "index == 1"}', 2, "until"),
        ('{state: {n: 0, seen: []}, until: "state.n == 0", until_first: true}', 0, "until"),
        ('{state: {n: 0, seen: []}, until: {checks: [{left: state.n, operator: "==", right: "2"}]}}', 2, "until"),
        ("{state: {n: 0, seen: []}, max_iterations: 4}", 4, "max_iterations"),
    ],
)
async def test_a_loop_goes_on_until_something_holds(data: str, rounds: int, reason: str):
    run = await ran(COUNT.replace("DATA", data))

    assert run.status == "succeeded"
    assert run.outputs == {
        "reason": reason,
        "n": rounds,
        "iterations": rounds,
        "state": {"n": rounds, "seen": list(range(rounds))},
    }


async def test_what_the_end_receives_comes_after_what_was_written():
    run = await ran(
        """
        nodes:
          - id: rounds
            type: loop
            data: {state: {n: 1}, max_iterations: 3}
            body:
              nodes:
                - {id: spoil, type: assign, data: {writes: [{target: state.n, value: -1}]}}
                - {id: next, type: end, data: {outputs: {n: "{{ state.n * 2 }}"}}}
              edges: [{source: spoil, target: next}]
          - {id: end, type: end}
        edges: [{source: rounds, source_port: n, target: end, target_port: n}]
        """
    )

    assert run.outputs == {"n": -2}


FAILING: Any = """
    nodes:
      - id: rounds
        type: loop
        data: {state: {n: 2}, max_iterations: 5}
        body:
          nodes:
            - {id: divide, type: transform, data: {value: "{{ 1 / state.n }}"}}
            - {id: next, type: end, data: {outputs: {n: "{{ state.n - 1 }}"}}}
      - {id: end, type: end}
    edges: [{source: rounds, target: end}]
"""


async def test_a_failed_round_fails_the_loop():
    run = await ran(FAILING)

    assert run.error is not None
    assert run.error["type"] == "body.failed"
    assert run.error["message"].startswith("Round 3 failed at 'divide'")


async def test_a_long_loop_keeps_nothing_of_its_rounds():
    async with opened() as app:
        run = await app.run(
            document(
                """
                nodes:
                  - id: rounds
                    type: loop
                    data: {state: {n: 0}, until: "state.n == 500", max_iterations: 1000}
                    body:
                      nodes: [{id: next, type: end, data: {outputs: {n: "{{ state.n + 1 }}"}}}]
                  - {id: end, type: end}
                edges: [{source: rounds, source_port: iterations, target: end, target_port: rounds}]
                """
            )
        )

        assert run.outputs == {"rounds": 500}
        expanded = [fact for fact in await app.journal.read(run.id) if isinstance(fact, NodeExpanded)]

    assert len(expanded) == 500
    assert {len(fact.scopes) for fact in expanded} == {1}
