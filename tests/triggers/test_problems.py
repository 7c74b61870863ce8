"""What a document takes as a schedule is what a schedule can say, and what cannot be kept is told beforehand."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.document.reading import parse_workflow
from mulle.document.validate import validate
from mulle.document.workflow import DayFilter, Workflow
from mulle.sdk.catalogue import Catalogue
from mulle.triggers.problems import schedule_problems
from mulle.triggers.schedule import Schedule, next_firings, schedule_from_trigger, trigger_dict
from mulle.triggers.workdays import FILTERS

CRON = {"type": "cron", "cron": "0 9 * * *"}


def triggered(*triggers: dict[str, Any]) -> Workflow:
    nodes = [{"id": "start", "type": "start"}, {"id": "end", "type": "end"}]
    return parse_workflow({"nodes": nodes, "edges": [{"source": "start", "target": "end"}], "triggers": [*triggers]})


def test_the_filters_of_a_document_are_those_of_the_calendar():
    assert set(get_args(DayFilter)) == set(FILTERS)


moments = st.integers(1_767_000_000, 1_900_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(
    schedule=st.builds(
        Schedule,
        crons=st.sampled_from([(), ("0 9 * * 1-5",), ("0 9 * * *", "30 18 1 * *")]),
        rrule=st.sampled_from([None, "FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=18;BYMINUTE=0"]),
        at=st.none() | moments,
        filter=st.none() | st.sampled_from(sorted(FILTERS)),
        roll=st.sampled_from([None, "following", "preceding"]),
        nth=st.integers(1, 5),
        country=st.sampled_from([None, "KR", "US"]),
        start=st.none() | moments,
        until=st.none() | moments,
    )
)
def test_every_schedule_comes_back_from_a_document_as_it_was(schedule: Schedule):
    workflow = triggered(*trigger_dict(schedule))

    again = [trigger_dict(schedule_from_trigger(one.model_dump(exclude_none=True)))[0] for one in workflow.triggers]

    assert again == trigger_dict(schedule)


@pytest.mark.parametrize(
    ("trigger", "code", "field"),
    [
        ({"type": "rrule", "rrule": "FREQ=HOURLY;BYDAY=MO"}, "schedule.bad_rrule", ".rrule"),
        ({"type": "rrule", "rrule": "FREQ=HOURLY;INTERVAL=5"}, "schedule.bad_rrule", ".rrule"),
        (CRON | {"filter": "business_days", "timezone": "UTC"}, "schedule.unknown_calendar", ".filter"),
        (CRON | {"filter": "holidays", "country": "ZZ"}, "schedule.unknown_calendar", ".country"),
        (CRON | {"start": "2026-01-01", "until": "2025-01-01"}, "trigger.never_fires", ""),
        ({"type": "at", "at": "2026-01-01", "start": "2027-01-01"}, "trigger.never_fires", ""),
    ],
)
def test_a_schedule_that_cannot_be_kept(catalogue: Catalogue, trigger: dict[str, Any], code: str, field: str):
    workflow = triggered({"type": "manual"}, trigger)

    found = schedule_problems(workflow)

    assert validate(workflow, catalogue.describe) == []
    assert [(problem.code, problem.where) for problem in found] == [(code, f"triggers[1]{field}")]
    assert found[0].hint


def test_what_the_document_itself_reports_is_not_said_again():
    assert schedule_problems(triggered({"type": "cron", "cron": "61 9 * * *"}, CRON | {"timezone": "Nowhere"})) == []


def test_a_good_schedule_is_no_problem():
    workflow = triggered(CRON, {"type": "chat"}, CRON | {"filter": "business_days", "roll": "following", "nth": 3})

    assert schedule_problems(workflow) == []
    assert next_firings(schedule_from_trigger(workflow.triggers[0].model_dump()), datetime(2026, 1, 1, tzinfo=UTC), 1)
