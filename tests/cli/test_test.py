"""`mulle test`: one node alone."""

from pathlib import Path

import pytest
from tests.cli.program import Program

FLOW = """
name: 하나만
nodes:
  - {id: start, type: start, ports: {outputs: [{name: n, type: number, required: true}, {name: url, default_value: "http://127.0.0.1:9/"}]}}
  - {id: one, type: transform, data: {value: "{{ start.n + 1 }}"}}
  - {id: post, type: http, data: {method: POST, url: "{{ start.url }}", json: {n: "{{ one.value }}"}}}
  - {id: tell, type: notification, data: {channel: mail, to: a@example.com}}
  - id: each
    type: map
    data: {items: "{{ [1, 2, 3] }}", collect: value}
    body:
      nodes:
        - {id: times, type: transform, data: {value: "{{ item * one.value }}"}}
        - {id: end, type: end}
      edges: [{source: times, source_port: value, target: end, target_port: value}]
  - {id: end, type: end}
edges:
  - {source: start, target: one}
  - {source: one, target: each}
  - {source: each, source_port: results, target: end, target_port: results}
  - {source: end, target: post}
  - {source: one, source_port: value, target: tell, target_port: text}
"""


@pytest.fixture
def flow(tmp_path: Path) -> str:
    file = tmp_path / "하나만.yaml"
    file.write_text(FLOW)
    return str(file)


def test_a_node_runs_alone_with_what_is_given(program: Program, flow: str):
    one = program.json("test", flow, "one", "-i", "start.n=4").data
    times = program.json("test", flow, "each/times", "-i", "item=3", "-i", "one.value=7").data
    whole = program.json("test", flow, "each", "-i", "one.value=2").data

    assert (one["status"], one["outputs"], one["steps"]) == ("succeeded", {"value": 5}, 1)
    assert [node["path"] for node in one["nodes"]] == ["one"]
    assert times["outputs"] == {"value": 21}
    assert whole["outputs"]["results"] == [2, 4, 6]
    assert not program.json("runs", "list").data["runs"]


def test_a_node_sees_what_it_saw_in_an_earlier_run_and_may_be_changed_meanwhile(program: Program, flow: str):
    run = program.json("run", flow, "-i", "n=9", "--pins", _pins(flow)).data["run_id"]
    Path(flow).write_text(FLOW.replace("item * one.value", "item + one.value"))

    first = program.json("test", flow, "each/0/times", "--from", run).data
    last = program.json("test", flow, "each/times", "--from", run, "-i", "item=100").data

    assert first["outputs"] == {"value": 11}
    assert last["outputs"] == {"value": 110}


def _pins(flow: str) -> str:
    file = Path(flow).with_name("pins.json")
    file.write_text('{"post": {"outputs": {"status": 200}}, "tell": {"outputs": {"delivered": true}}}')
    return str(file)


def test_what_it_does_to_the_outside_is_only_played(program: Program, flow: str):
    told = program.json("test", flow, "tell", "-i", "text=안녕")

    assert told.data["outputs"]["delivered"] is True
    assert told.data["outputs"]["receipt"]["where"] == "stand-in"
    assert not list(program.home.glob("outbox/*"))


def test_live_really_asks_and_warns_of_what_is_not_undone(program: Program, flow: str):
    said = program("test", flow, "post", "-i", "start.url=http://127.0.0.1:9/", "-i", "one.value=1", "--live")

    assert said.code == 1
    assert "really acts on the world outside" in said.err


def test_what_is_missing_is_named(program: Program, flow: str):
    missing = program.json("test", flow, "one").error
    unknown = program.json("test", flow, "on").error
    run = program.json("run", flow, "-i", "n=9", "--pins", _pins(flow)).data["run_id"]
    never = program.json("test", flow, "each/7/times", "--from", run).error

    assert (missing["code"], "start.PORT" in missing["message"]) == ("test.not_given", True)
    assert unknown["code"] == "test.unknown_node"
    assert never["code"] == "test.never_began"


def test_a_port_that_is_not_there_and_a_node_somewhere_else_are_named(program: Program, flow: str):
    port = program.json("test", flow, "each/times", "-i", "item=1", "-i", "one.value=1", "-i", "vlaue=1").error
    inside = program.json("test", flow, "times").error

    assert (port["code"], port["message"]) == ("test.unknown_input", "'each/times' has no input 'vlaue'.")
    assert inside["hint"].endswith("There is: each/times.")


def test_nodes_whose_ids_are_numbers_are_found(program: Program, tmp_path: Path):
    file = tmp_path / "수.yaml"
    file.write_text("""
nodes:
  - {id: "1", type: start, ports: {outputs: [{name: n, type: number}]}}
  - id: "2"
    type: map
    data: {items: "{{ [5] }}"}
    body: {nodes: [{id: "3", type: transform, data: {value: '{{ item + nodes["1"].n }}'}}]}
edges: [{source: "1", target: "2"}]
""")
    run = program.json("run", str(file), "-i", "n=1").data["run_id"]

    places = ("2/3", "2/0/3")
    said = [program.json("test", str(file), place, "--from", run).data["outputs"] for place in places]

    assert said == [{"value": 6}] * 2
    assert program.json("test", str(file), "2", "--from", run).data["status"] == "succeeded"
