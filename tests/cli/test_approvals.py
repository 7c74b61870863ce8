"""Questions to people, and their answers, from a terminal."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.program import Program

FORM = """
name: 출금
nodes:
  - {id: start, type: start}
  - id: 출금 확인
    type: approval
    data:
      title: 보낼까요?
      form: [{name: 금액, type: number, required: true}, {name: 색, options: [빨강, 파랑]}]
  - id: end
    type: end
    data: {outputs: {values: '{{ nodes["출금 확인"].values }}', by: '{{ nodes["출금 확인"].by }}'}}
edges:
  - {source: start, target: 출금 확인}
  - {source: 출금 확인, source_port: approved, target: end}
"""

ORDERS = """
name: 주문
nodes:
  - {{id: start, type: start}}
  - id: each
    type: map
    data: {{items: "{{{{ [1, 2] }}}}", collect: n}}
    body:
      nodes:
        - {{id: 주문, type: http, data: {{method: POST, url: "http://{host}/"}}, timeout: 300ms}}
        - {{id: end, type: end, data: {{outputs: {{n: "{{{{ 주문.json.n }}}}"}}}}}}
      edges: [{{source: 주문, target: end}}]
  - {{id: end, type: end}}
edges:
  - {{source: start, target: each}}
  - {{source: each, source_port: results, target: end, target_port: all}}
"""


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def written(folder: Path, text: str) -> str:
    file = folder / "문서.yaml"
    file.write_text(text)
    return str(file)


def test_a_form_is_filled_in_from_the_command_line(program: Program, tmp_path: Path):
    run = program.json("run", written(tmp_path, FORM)).data["run_id"]

    listed = program("approvals", "list").out
    empty = program.json("approvals", "approve", run)
    unknown = program.json("approvals", "approve", run, "--set", "금앵=5")
    wrong = program.json("approvals", "approve", run, "--set", "금액=많이")
    filled = program.json("approvals", "approve", run, "--set", "금액=5", "--set", "색=파랑", "--by", "김")

    assert "보낼까요? (금액: number, 색: 빨강|파랑, or nothing)" in listed
    assert (empty.code, empty.error["code"], empty.error["message"], empty.error["where"]) == (
        2,
        "approval.not_filled_in",
        "'금액' must be filled in.",
        "출금 확인",
    )
    assert "금액, 색" in unknown.error["hint"]
    assert (wrong.code, wrong.error["where"]) == (2, "금액")
    assert filled.data["outputs"] == {"values": {"금액": 5, "색": "파랑"}, "by": "김"}


def test_an_answer_that_does_not_decide_says_why_the_question_is_still_open(program: Program, tmp_path: Path):
    run = program.json("run", written(tmp_path, FORM)).data["run_id"]

    said = program("runs", "signal", run, "출금 확인", '{"decision": "approved"}')

    assert said.code == 0
    assert f"mulle approvals approve|reject {run} '출금 확인'  ('금액' must be filled in.)" in said.out


def test_the_interrupted_steps_of_a_map_make_one_question_that_can_be_answered_with_outputs(
    program: Program, tmp_path: Path, silent: str
):
    file, allowed = written(tmp_path, ORDERS.format(host=silent)), {"MULLE_ALLOW_HOSTS": silent}

    said = program("run", file, variables=allowed)
    [asked] = program.json("approvals", "list").data["approvals"]
    run = asked["run_id"]
    astray = program.json("approvals", "interrupted", run, "--decision", "again", "--set", "json=1")
    unknown = program.json("approvals", "interrupted", run, "--decision", "happened", "--set", "jsn=1")
    told = program.json("approvals", "interrupted", run, "--decision", "happened", "--set", 'json={"n": 7}')

    assert said.out.count("mulle approvals interrupted") == 1
    assert "each/0/주문 and 1 more was cut off" in said.out
    assert (asked["paths"], asked["question"]) == (
        ["each/0/주문", "each/1/주문"],
        "each/0/주문 and 1 more was cut off and may have happened",
    )
    assert astray.error["code"] == "usage"
    assert "it has: status, headers, body, json" in unknown.error["message"]
    assert told.data["outputs"] == {"all": [7, 7]}


def test_the_interrupted_items_of_a_map_are_listed_and_can_be_answered_each_for_itself(
    program: Program, tmp_path: Path, silent: str
):
    file, allowed = written(tmp_path, ORDERS.format(host=silent)), {"MULLE_ALLOW_HOSTS": silent}

    said = program("run", file, variables=allowed)
    listed = program("approvals", "list").out
    [asked] = program.json("approvals", "list").data["approvals"]
    run, names = asked["run_id"], [item["signal"] for item in asked["items"]]
    happened = ("interrupted", run, names[1], "--decision", "happened")
    first = program.json("approvals", *happened, "--set", 'json={"n": 2}')
    [left] = program.json("approvals", "list").data["approvals"]
    twice = program.json("approvals", *happened)
    second = program.json("approvals", "interrupted", run, "--decision", "happened", "--set", 'json={"n": 1}')

    assert "for each: mulle approvals list" in said.out
    assert names == ["interrupted/each/0/주문", "interrupted/each/1/주문"]
    assert [item["item"] for item in asked["items"]] == [1, 2]
    assert all(name in listed for name in names)
    assert (first.data["status"], left["paths"]) == ("waiting", ["each/0/주문"])
    assert twice.error["code"] == "approval.unknown"
    assert second.data["outputs"] == {"all": [1, 2]}
