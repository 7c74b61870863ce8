"""Triggers of a Dify export become triggers here, and what they bring becomes inputs."""

from typing import Any

import pytest
from tests.interop.exports import end, export, node, problems, ran, start

from mulle.interop.dify.assemble import import_dify


def begun(**settings: Any) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The triggers and notes of a workflow that begins with a schedule."""
    made = import_dify(export([node("s", "trigger-schedule", **settings), end()], "s>end"))
    return [one.model_dump(include={"type", "cron", "timezone"}) for one in made.workflow.triggers], made.notes


@pytest.mark.parametrize(
    ("settings", "cron"),
    [
        ({"mode": "cron", "cron_expression": "0 9 * * 1-5"}, "0 9 * * 1-5"),
        ({"frequency": "hourly", "visual_config": {"on_minute": 30}}, "30 * * * *"),
        ({"frequency": "daily", "visual_config": {"time": "9:05 PM"}}, "5 21 * * *"),
        ({"frequency": "daily", "visual_config": {"time": "12:00 AM"}}, "0 0 * * *"),
        ({"frequency": "weekly", "visual_config": {"time": "9:00 AM", "weekdays": ["mon", "fri"]}}, "0 9 * * 1,5"),
        ({"frequency": "monthly", "visual_config": {"time": "9:00 AM", "monthly_days": [1, "last"]}}, "0 9 1,L * *"),
    ],
)
def test_a_schedule_is_a_cron_trigger(settings: dict[str, Any], cron: str):
    triggers, notes = begun(timezone="Asia/Seoul", **settings)

    assert triggers == [{"type": "cron", "cron": cron, "timezone": "Asia/Seoul"}]
    assert notes == ()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"frequency": "weekly", "visual_config": {"weekdays": []}},
        {"frequency": "monthly", "visual_config": {"monthly_days": [0, True, "x"]}},
        {"frequency": "daily", "visual_config": {"time": "soon"}},
    ],
)
def test_a_schedule_that_cannot_be_read_is_a_note(settings: dict[str, Any]):
    triggers, notes = begun(**settings)

    assert triggers == []
    assert any("trigger of your own" in note for note in notes)


async def test_what_a_webhook_is_sent_are_the_inputs():
    hook = node(
        "hook",
        "trigger-webhook",
        body=[{"name": "msg", "type": "string"}],
        headers=[{"name": "X-Id"}],
        params=[{"name": "q"}],
    )
    text = export([hook, end(msg="hook.msg", id="hook.X_Id")], "hook>end")
    run = await ran(text, {"msg": "안녕", "X_Id": "7"})

    assert run.outputs == {"msg": "안녕", "id": "7"}
    assert [one.type for one in run.imported.workflow.triggers] == ["webhook"]
    assert await problems(text) == []


async def test_of_several_beginnings_the_first_is_carried_over_and_the_rest_noted():
    text = export([start("a"), node("w", "trigger-webhook"), end(a="start.a")], "start>end w>end")
    run = await ran(text, {"a": 1})

    assert run.outputs == {"a": 1}
    assert any("too; only start 'start' does here" in note for note in run.imported.notes)


async def test_the_question_may_be_named_by_the_start():
    """As Dify's own templates do: `[start, sys.query]`."""
    classes = [{"id": "1", "name": "a"}]
    asks = node("qc", "question-classifier", query_variable_selector=["start", "sys.query"], classes=classes)
    text = export(
        [start(), asks, node("a", "answer", answer="{{#qc.class_id#}}")], "start>qc qc:1>a", mode="advanced-chat"
    )
    run = await ran(text, {"query": "q"}, pins={"qc": {"outputs": {"class_name": "a", "1": True}}})

    assert run.outputs["answer"] == "1"
    assert not any("sys.query" in note for note in run.imported.notes)
