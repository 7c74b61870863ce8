"""`mulle runs log`, `mulle top` and `mulle metrics`, as people and scripts read them."""

import json

from tests.cli.program import EXAMPLES, Program


def test_a_run_s_log_is_told_line_by_line(program: Program):
    run = program.json("run", str(EXAMPLES / "answer.yaml"), "-i", "name=물레").data["run_id"]

    people = program("runs", "log", run)
    machines = [json.loads(line) for line in program("runs", "log", run, "--follow", "--json").out.splitlines()]

    assert "run began" in people.out
    assert "물레" in people.out
    assert machines[0]["event"] == "run began"
    assert machines[-1]["event"] == "run succeeded"
    assert {line["run"] for line in machines} == {run}
    assert next(line["node"] for line in machines if line["event"] == "node done") == "start"


def test_the_log_of_a_run_that_is_not_there_is_a_wrong_use(program: Program):
    said = program.json("runs", "log", "nobody")

    assert (said.code, said.error["code"]) == (2, "run.unknown")


def test_top_shows_one_picture_to_a_script(program: Program):
    program("run", str(EXAMPLES / "answer.yaml"), "-i", "name=물레")

    seen = program.json("top", "--once").data
    picture = program("top", "--once").out

    assert seen["workflows"][0]["executions"] == 1
    assert seen["now"]["running"] == 0
    assert "Last hour" in picture
    assert "\x1b" not in picture


def test_metrics_are_printed_for_a_prometheus(program: Program):
    program("run", str(EXAMPLES / "answer.yaml"), "-i", "name=물레")

    said = program("metrics")

    assert said.code == 0
    assert 'mulle_nodes_total{outcome="succeeded",type="answer"} 1.0' in said.out
