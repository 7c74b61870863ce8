"""`mulle run`, as the contract for the command line has it."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from tests.cli.program import EXAMPLES, Program

from mulle.cli.printing import width
from mulle.cli.run import NumberTooLarge, UnreadableInput, parsed_value
from mulle.document.ports import Port, PortType

KEYS = {
    "run_id", "status", "detail", "outputs", "error", "steps", "elapsed_ms", "nodes", "streamed_text", "conversation",
}  # fmt: skip


def written(folder: Path, name: str, content: Any) -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), "utf-8")
    return str(path)


def test_a_result_has_the_keys_of_the_contract_and_skipped_nodes_their_reason(program: Program):
    said = program.json("run", str(EXAMPLES / "condition.yaml"), "-i", "forecast=오후에 비")

    assert (said.code, said.err) == (0, "")
    assert said.data.keys() == KEYS
    assert said.data["outputs"] == {"say": "우산을 챙기세요"}
    assert said.data["error"] is None
    assert said.data["steps"] == 3
    assert [(node["path"], node["status"]) for node in said.data["nodes"]] == [
        ("start", "succeeded"),
        ("rain", "succeeded"),
        ("enjoy", "skipped"),
        ("umbrella", "succeeded"),
    ]
    skipped = said.data["nodes"][2]
    whatever_became_of_it = {"path", "type", "status", "outputs", "error", "attempts", "elapsed_ms"}
    assert skipped.keys() == whatever_became_of_it | {"is_truncated", "truncated_fields", "reason"}
    assert skipped["reason"]


def test_without_json_a_person_reads_lines(program: Program):
    said = program("run", str(EXAMPLES / "answer.yaml"), "-i", "name=물레")

    assert said.code == 0
    assert said.out.startswith("반가워요, 물레님! 이름은 2글자네요.\n")
    assert "succeeded" in said.out
    assert "\x1b" not in said.out


def test_what_streamed_and_the_conversation_stand_in_the_result_and_no_file_is_rewritten(
    program: Program, tmp_path: Path
):
    before = {"visits": 41, "guests": ["이순신"]}
    file = written(tmp_path, "대화.json", before)

    said = program.json("run", str(EXAMPLES / "assign.yaml"), "-i", "name=김물레", "--conversation", file)

    assert said.data["streamed_text"] == said.data["outputs"]["answer"] == "42번째 손님, 김물레님!"
    assert said.data["conversation"] == {"visits": 42, "guests": ["이순신", "김물레"]}
    assert json.loads(Path(file).read_text("utf-8")) == before


def test_a_pinned_container_does_not_run_its_body(program: Program, tmp_path: Path):
    pins = written(tmp_path, "pins.json", {"each": {"outputs": {"results": ["핀"], "errors": []}}})

    said = program.json("run", str(EXAMPLES / "map.yaml"), "-i", "amounts=[1, 2]", "--pins", pins)

    assert said.data["outputs"]["won"] == ["핀"]
    assert [node["path"] for node in said.data["nodes"]] == ["start", "each", "end"]


def test_pins_in_a_body_are_used_up_one_after_the_other(program: Program, tmp_path: Path):
    runs = [{"outputs": {"value": 1}}, {"error": {"type": "network", "message": "끊김"}}, {"outputs": {"value": 3}}]
    pins = written(tmp_path, "pins.json", {"each/convert": {"runs": runs}})

    said = program.json("run", str(EXAMPLES / "map.yaml"), "-i", "amounts=[9, 9, 9, 9]", "--pins", pins)

    assert said.data["outputs"] == {"won": [1, 3, 3], "left_out": 1}


def test_a_pin_for_a_node_that_is_not_there_is_told(program: Program, tmp_path: Path):
    pins = written(tmp_path, "pins.json", {"each/convert": {"outputs": {"value": 1}}, "echa": {"outputs": {}}})

    said = program("run", str(EXAMPLES / "map.yaml"), "-i", "amounts=[9]", "--pins", pins)

    assert said.code == 0
    assert "There is no node 'echa'" in said.err
    assert "convert" not in said.err


def test_inputs_come_from_a_file_and_single_ones_win(program: Program, tmp_path: Path):
    file = written(tmp_path, "inputs.json", {"amounts": [1]})

    said = program.json("run", str(EXAMPLES / "map.yaml"), "--inputs", file, "-i", "amounts=[2]")

    assert said.data["outputs"]["won"] == [2700]


def test_at_most_a_thousand_nodes_are_listed_and_the_count_is_said(program: Program):
    amounts = json.dumps(list(range(600)))

    said = program.json("run", str(EXAMPLES / "map.yaml"), "-i", f"amounts={amounts}")

    assert len(said.data["nodes"]) == 1000
    assert said.data["nodes_truncated"] == 3 + 2 * 600
    assert len(said.data["outputs"]["won"]) == 600


def test_a_failed_run_is_exit_1_and_its_result_is_still_on_stdout(program: Program, tmp_path: Path):
    file = written(
        tmp_path,
        "실패.yaml",
        dedent("""
            mulle: 1
            nodes:
              - {id: 나누기, type: transform, data: {value: "{{ 1 / 0 }}"}}
              - {id: end, type: end}
            edges: [{source: 나누기, target: end}]
        """),
    )

    said, for_people = program.json("run", file), program("run", file)

    assert (said.code, for_people.code) == (1, 1)
    assert said.data["status"] == "failed"
    assert said.data["error"]["node"] == "나누기"
    assert said.data["error"].keys() == {"type", "message", "node", "hint"}
    assert "✗ 나누기" in for_people.out


def test_a_waiting_run_is_exit_0_and_says_what_it_waits_for(program: Program):
    said, for_people = program.json("run", str(EXAMPLES / "wait.yaml")), program("run", str(EXAMPLES / "wait.yaml"))

    assert (said.code, said.data["status"]) == (0, "waiting")
    assert [one["signal"] for one in said.data["waiting_for"]] == ["paid"]
    assert "mulle runs signal" in for_people.out


def test_a_short_timer_is_waited_for(program: Program, tmp_path: Path):
    nodes = "nodes: [{id: rest, type: wait, data: {for: 1s}}, {id: end, type: end}]"
    file = written(tmp_path, "rest.yaml", f"mulle: 1\n{nodes}\nedges: [{{source: rest, target: end}}]\n")

    assert program.json("run", file).data["status"] == "succeeded"


def test_what_a_console_step_says_does_not_disturb_the_json(program: Program):
    said = program.json("run", str(EXAMPLES / "notification.yaml"), "-i", "text=안녕하세요")

    assert said.data["outputs"] == {"delivered": True}
    assert "안녕하세요" in said.err


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (PortType.STRING, "12", "12"),
        (PortType.NUMBER, "12", 12),
        (PortType.BOOLEAN, "true", True),
        (PortType.ARRAY, '["가"]', ["가"]),
        (PortType.OBJECT, '{"키": null}', {"키": None}),
        (PortType.ANY, "12", 12),
        (PortType.ANY, "열둘", "열둘"),
        (PortType.ANY, "NaN", "NaN"),
        (PortType.ANY, "9" * 30, "9" * 30),
        (PortType.NUMBER, "18446744073709551615", 2**64 - 1),
        (PortType.ANY, "", ""),
    ],
)
def test_an_input_is_read_by_the_type_of_its_port(kind: PortType, text: str, value: Any):
    assert parsed_value(text, Port(name="값", type=kind)) == value


@pytest.mark.parametrize("text", ["열둘", "NaN", "1e999", "-Infinity", "[" * 100_000])
def test_what_is_no_json_is_refused_where_the_port_takes_no_text(text: str):
    with pytest.raises(UnreadableInput):
        parsed_value(text, Port(name="값", type=PortType.NUMBER))


@pytest.mark.parametrize("text", ["18446744073709551616", "9" * 5000, "1e999", "[1, 9e400]"])
def test_a_number_that_is_too_large_is_told_shortly(text: str):
    port = Port(name="n", type=PortType.ARRAY if text[0] == "[" else PortType.NUMBER)

    with pytest.raises(NumberTooLarge) as refused:
        parsed_value(text, port)

    assert refused.value.at == "n"
    assert len(refused.value.text) < 200


def test_a_run_that_was_cut_off_says_what_to_do_and_a_cancelled_one_why(program: Program, tmp_path: Path):
    file = tmp_path / "w.yaml"
    steps = "nodes: [{id: a, type: wait, data: {for: 1h}}, {id: b, type: wait, data: {for: 1h}}]\n"
    file.write_text(f"{steps}budget: {{steps: 1}}")
    over = program.json("run", str(file)).data
    file.write_text(f"name: 길다\n{steps}")
    waiting = program.json("run", str(file)).data["run_id"]
    program("runs", "cancel", waiting, "--reason", "필요 없어짐")
    shown = program("runs", "show", waiting).out

    assert over["error"]["hint"].startswith(f"`mulle runs retry {over['run_id']}` goes on")
    assert "cancelled  run" in shown
    assert "because: 필요 없어짐" in shown
    assert program.json("runs", "show", waiting).data["reason"] == "필요 없어짐"


def test_paths_of_any_width_stand_in_one_column(program: Program, tmp_path: Path):
    file = tmp_path / "w.yaml"
    file.write_text("nodes: [{id: 물레가 아주 빨리 돌아가는 걸음, type: end}, {id: b, type: end}]")

    lines = program("run", str(file)).out.splitlines()[:2]

    assert len({width(line.partition(" end ")[0]) for line in lines}) == 1
