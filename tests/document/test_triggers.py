"""A trigger that cannot fire is found before it is trusted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mulle.document.ports import Port, PortType
from mulle.document.problem import Problem
from mulle.document.signature import Signature
from mulle.document.triggers import trigger_problems
from mulle.document.workflow import Trigger

CRON = {"type": "cron", "cron": "0 9 * * *"}
triggers: TypeAdapter[Trigger] = TypeAdapter(Trigger)


def problems(trigger: dict[str, Any], start: Signature | None = None) -> list[Problem]:
    return list(trigger_problems([triggers.validate_python(trigger)], start))


@pytest.mark.parametrize(
    "trigger",
    [
        CRON,
        {"type": "cron", "cron": "30 9 L * *", "timezone": "America/New_York"},
        {"type": "cron", "cron": "0 0 29 2 *"},
        {"type": "rrule", "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"},
        {"type": "rrule", "rrule": "DTSTART:20260105T090000\nRRULE:FREQ=DAILY;COUNT=3"},
        {"type": "at", "at": "2026-12-24T18:00:00+09:00"},
        {"type": "at", "at": "2026-12-24"},
        CRON | {"filter": "business_days", "roll": "following", "nth": 3, "start": "2026-01-01", "until": "2027-01-01"},
        {"type": "webhook"},
        {"type": "event", "event": "file.created"},
        {"type": "manual"},
        {"type": "chat"},
    ],
)
def test_a_trigger_that_fires_is_no_problem(trigger: dict[str, Any]):
    assert problems(trigger) == []


@pytest.mark.parametrize(
    ("trigger", "code", "field"),
    [
        ({"type": "cron", "cron": "0 9 * *"}, "trigger.bad_cron", "cron"),
        ({"type": "cron", "cron": "0 0 9 * * *"}, "trigger.bad_cron", "cron"),
        ({"type": "cron", "cron": "61 9 * * *"}, "trigger.bad_cron", "cron"),
        ({"type": "cron", "cron": "매일 아침 아홉 시 에"}, "trigger.bad_cron", "cron"),
        ({"type": "cron", "cron": "@daily"}, "trigger.bad_cron", "cron"),
        ({"type": "cron", "cron": "x" * 1_000_000}, "trigger.bad_cron", "cron"),
        ({"type": "cron", "cron": "0 0 30 2 *"}, "trigger.bad_cron", "cron"),
        (CRON | {"timezone": "Asia/Soul"}, "trigger.bad_timezone", "timezone"),
        (CRON | {"timezone": "../../etc/passwd"}, "trigger.bad_timezone", "timezone"),
        (CRON | {"timezone": "Asia"}, "trigger.bad_timezone", "timezone"),
        (CRON | {"timezone": "x" * 5000}, "trigger.bad_timezone", "timezone"),
        (CRON | {"timezone": ""}, "trigger.bad_timezone", "timezone"),
        (CRON | {"start": "tomorrow"}, "trigger.bad_time", "start"),
        (CRON | {"until": "내일"}, "trigger.bad_time", "until"),
        (CRON | {"roll": "following"}, "trigger.roll_without_filter", "roll"),
        (CRON | {"filter": "holidays", "nth": 2}, "trigger.nth_without_roll", "nth"),
        ({"type": "rrule", "rrule": "every day"}, "trigger.bad_rrule", "rrule"),
        ({"type": "rrule", "rrule": "FREQ=OFTEN"}, "trigger.bad_rrule", "rrule"),
        ({"type": "rrule", "rrule": ""}, "trigger.bad_rrule", "rrule"),
        ({"type": "rrule", "rrule": "FREQ=DAILY;" * 1000}, "trigger.bad_rrule", "rrule"),
        ({"type": "at", "at": "tomorrow at nine"}, "trigger.bad_time", "at"),
    ],
)
def test_a_trigger_that_cannot_fire(trigger: dict[str, Any], code: str, field: str):
    found = problems(trigger)

    assert [(problem.code, problem.where) for problem in found] == [(code, f"triggers[0].{field}")]
    assert found[0].hint
    assert len(found[0].message) < 400


@given(st.text(max_size=40) | st.text("FREQ=DAILYWKMOBSTUNR;0123456789,-:T\n", max_size=60))
def test_no_text_at_all_is_beyond_the_checks(text: str):
    for trigger in (
        {"type": "cron", "cron": text, "timezone": text},
        {"type": "rrule", "rrule": text},
        {"type": "rrule", "rrule": f"DTSTART:{text}\nRRULE:FREQ=DAILY;{text}"},
        {"type": "at", "at": text, "start": text},
    ):
        assert all(problem.code.startswith("trigger.") for problem in problems(trigger))


# ---------------------------------------------------------------------- inputs

START = Signature(
    outputs=(
        Port(name="topic", type=PortType.STRING, required=True),
        Port(name="count", type=PortType.NUMBER, required=True, default_value=3),
        Port(name="note", type=PortType.STRING),
    ),
    start=True,
)


def test_what_fires_by_itself_brings_what_the_start_requires():
    assert problems(CRON | {"inputs": {"topic": "경제"}}, START) == []
    assert [(one.code, one.severity) for one in problems(CRON, START)] == [("trigger.missing_input", "warning")]
    assert problems({"type": "chat"}, START) == []


@pytest.mark.parametrize(
    ("inputs", "code", "where"),
    [
        ({"topic": 5}, "trigger.wrong_input", "triggers[0].inputs.topic"),
        ({"topic": "경제", "cuont": 5}, "trigger.unknown_input", "triggers[0].inputs.cuont"),
    ],
)
def test_inputs_that_the_start_would_refuse(inputs: dict[str, Any], code: str, where: str):
    found = problems(CRON | {"inputs": inputs}, START)

    assert [(problem.code, problem.where) for problem in found] == [(code, where)]
    assert found[0].hint


def test_a_start_that_says_nothing_takes_everything():
    assert problems(CRON | {"inputs": {"anything": 1}}, Signature(start=True)) == []
