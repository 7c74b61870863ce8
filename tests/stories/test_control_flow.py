"""The whole control flow in one document, through the real command line."""

import json
from pathlib import Path
from typing import Any

from tests.cli.program import mulle_said

NESTED = """
mulle: 1
name: 겹겹이
budget: {steps: 500, seconds: 60}
queue: {concurrency: 1, key: "{{ start.customer }}"}
nodes:
  - {id: start, type: start, ports: {outputs: [{name: numbers, type: array}, {name: customer, default_value: 갑}]}}
  - id: work
    type: subflow
    data: {inputs: {numbers: "{{ start.numbers }}"}}
    retry: {max: 1, delay: 0}
    body:
      nodes:
        - {id: begin, type: start, ports: {outputs: [{name: numbers, type: array}]}}
        - id: rounds
          type: loop
          data:
            state: {numbers: "{{ begin.numbers }}", dropped: 0}
            until: "length(state.numbers) < 2"
            max_iterations: 9
          body:
            nodes:
              - id: each
                type: map
                data: {items: "{{ state.numbers }}", concurrency: 3, on_item_error: drop, collect: half}
                body:
                  nodes:
                    - {id: half, type: transform, data: {value: "{{ item // 2 }}"}}
                    - {id: gone, type: condition, data: {cases: [{name: zero, when: "half.value == 0"}]}}
                    - {id: fail, type: transform, data: {value: "{{ 1 / half.value }}"}}
                    - {id: done, type: end}
                  edges:
                    - {source: half, target: gone}
                    - {source: gone, source_port: zero, target: fail}
                    - {source: half, source_port: value, target: done, target_port: half}
              - id: next
                type: end
                data:
                  outputs:
                    numbers: "{{ each.results }}"
                    dropped: "{{ state.dropped + length(each.errors) }}"
            edges:
              - {source: each, target: next}
        - {id: end, type: end}
      edges:
        - {source: begin, target: rounds}
        - {source: rounds, source_port: state, target: end, target_port: state}
  - id: race
    type: map
    data: {items: [9, 0, 0.001], enough: 1, collect: won}
    body:
      nodes:
        - {id: sleep, type: wait, data: {for: "{{ item }}"}}
        - {id: quick, type: transform, data: {value: "{{ 1 / item }}"}}
        - {id: end, type: end, data: {outputs: {won: "{{ quick.value }}"}}}
      edges: [{source: sleep, target: quick}, {source: quick, target: end}]
  - id: late
    type: code
    data: {code: "def main() -> dict:\\n    while True: pass"}
    timeout: 0.5
    on_error: branch
  - {id: sorry, type: answer, data: {text: "{{ late.error.type }}"}}
  - {id: end, type: end}
edges:
  - {source: start, target: work}
  - {source: start, target: race}
  - {source: start, target: late}
  - {source: late, source_port: error, target: sorry}
  - {source: work, source_port: state, target: end, target_port: state}
  - {source: race, source_port: results, target: end, target_port: won}
"""


def ran(folder: Path, text: str, **inputs: Any) -> dict[str, Any]:
    (folder / "w.yaml").write_text(text, "utf-8")
    (folder / "inputs.json").write_text(json.dumps(inputs), "utf-8")
    said = mulle_said(folder / "home", "run", str(folder / "w.yaml"), "--inputs", str(folder / "inputs.json"), "--json")
    return said.data


def test_a_map_in_a_loop_in_a_subflow_a_race_and_a_time_out_come_to_one_end(tmp_path: Path):
    run = ran(tmp_path, NESTED, numbers=[20, 3, 1])

    assert run["status"] == "succeeded", run["error"]
    assert run["outputs"]["state"] == {"numbers": [5], "dropped": 2}
    assert run["outputs"]["won"] == [1000.0]
    assert "timed_out" in run["outputs"]["answer"]
    stopped = [node for node in run["nodes"] if node["path"].startswith("race/0/")]
    assert {node["status"] for node in stopped} <= {"stopped", "skipped"}


def test_what_fails_inside_of_all_that_is_the_outermost_ones_to_retry(tmp_path: Path):
    run = ran(tmp_path, NESTED.replace("on_item_error: drop", "on_item_error: fail"), numbers=[1])

    work = next(node for node in run["nodes"] if node["path"] == "work")
    assert (run["status"], work["attempts"]) == ("failed", 2)


def test_a_run_that_is_too_expensive_is_cut_off_wherever_it_is(tmp_path: Path):
    run = ran(tmp_path, NESTED.replace("steps: 500", "steps: 10"), numbers=[1000] * 5)

    assert (run["status"], run["error"]["type"]) == ("failed", "run.over_budget")
