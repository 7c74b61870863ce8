"""`mulle alerts`, and what a worker does with them."""

from tests.cli.program import EXAMPLES, Program


def test_a_rule_is_kept_judged_and_forgotten(program: Program):
    kept = program.json("alerts", "add", "runs > 0 over 1h", "--to", "console:").data
    program("run", str(EXAMPLES / "answer.yaml"), "-i", "name=물레")

    checked = program.json("alerts", "check")
    again = program.json("alerts", "check")
    listed = program.json("alerts", "list").data
    removed = program.json("alerts", "rm", kept["id"])

    assert (checked.code, checked.data["changes"][0]["rule"]) == (1, "runs > 0 over 1h")
    assert "ALERT: runs > 0 over 1h" in checked.err
    assert (again.code, again.data["changes"]) == (1, [])
    assert listed["rules"][0]["firing"] is True
    assert removed.code == 0
    assert program.json("alerts", "check").code == 0


def test_a_worker_judges_the_rules_too(program: Program):
    program("alerts", "add", "runs > 0 over 1h")
    program("run", str(EXAMPLES / "answer.yaml"), "-i", "name=물레")

    worked = program.json("worker", "--until-idle").data

    assert [alert["rule"] for alert in worked["alerts"]] == ["runs > 0 over 1h"]
    assert "FIRES" in program("alerts", "list").out


def test_what_is_no_rule_is_a_wrong_use(program: Program):
    said = program.json("alerts", "add", "whatever")

    assert (said.code, said.error["code"]) == (2, "alert.bad_rule")
    assert "failure_rate > 30 over 1h" in said.error["hint"]


def test_an_address_that_is_none_is_a_wrong_use(program: Program):
    said = program.json("alerts", "add", "runs > 0", "--to", "pigeon:home")

    assert (said.code, said.error["code"]) == (2, "alert.bad_address")
