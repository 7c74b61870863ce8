"""The document's own models: ids, types, durations, policies and triggers, and how mistakes in them are told."""

import unicodedata
from typing import Any

import pytest
from pydantic import TypeAdapter

from mulle.document.problem import Problem
from mulle.document.reading import InvalidDocument, parse_workflow, read_workflow, workflow_data
from mulle.document.workflow import (
    RESERVED_NAMES,
    TYPE_ALIASES,
    CronTrigger,
    Duration,
    NodeSpec,
    Retry,
    Trigger,
    Workflow,
)

durations: TypeAdapter[float] = TypeAdapter(Duration)


def refused(text: str) -> Problem:
    """The one mistake of a document."""
    with pytest.raises(InvalidDocument) as error:
        read_workflow(text)
    assert len(error.value.problems) == 1
    return error.value.problems[0]


@pytest.mark.parametrize(
    "id", ["summary", "요약", "1711067409646", "a b", "🚀", "a-b_c", "x" * 200, "on", "null", "[0]"]
)
def test_an_id_is_any_readable_text(id: str):  # noqa: A002 - the document's own word.
    assert NodeSpec(id=id, type="end").id == id


@pytest.mark.parametrize(
    ("id", "why"),
    [
        ("", "1 to 200 characters"),
        ("x" * 201, "1 to 200 characters"),
        ("x" * 100_000, "1 to 200 characters"),
        ("a.b", "no dot and no slash"),
        ("a/b", "no dot and no slash"),
        ("a\nb", "no line breaks"),
        ("a\u200b", "no line breaks"),
        (" a", "no space around it"),
        *((name, "already means something") for name in sorted(RESERVED_NAMES)),
    ],
)
def test_an_id_that_references_could_not_name_is_refused(id: str, why: str):  # noqa: A002 - the document's own word.
    with pytest.raises(InvalidDocument) as error:
        parse_workflow({"nodes": [{"id": id, "type": "end"}]})

    assert why in error.value.problems[0].message
    assert len(error.value.text) < 400


def test_an_id_typed_in_pieces_is_the_same_id():
    assert NodeSpec(id=unicodedata.normalize("NFD", "요약"), type="end").id == "요약"


@pytest.mark.parametrize(("alias", "type"), [*TYPE_ALIASES.items()])
def test_the_seven_step_kinds_of_people_are_types(alias: str, type: str):  # noqa: A002 - the document's own word.
    assert NodeSpec(id="a", type=alias).type == type


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(30, 30), (0.5, 0.5), ("500ms", 0.5), ("30s", 30), (" 5 m ", 300), ("1.5h", 5400), ("7d", 604800), ("1w", 604800)],
)
def test_a_duration_is_a_number_or_text(written: Any, seconds: float):
    assert durations.validate_python(written) == seconds


@pytest.mark.parametrize(
    "written", ["soon", "5", "5 minutes", "-1s", "", True, None, [], float("nan"), -1, "11000d", "٣s"]
)
def test_what_is_no_duration_is_refused(written: Any):
    with pytest.raises(ValueError, match=r"Input should|a duration is"):
        durations.validate_python(written)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, 0), (0.25, 0.25), (90, "90s"), (120, "2m"), (7200, "2h"), (86400, "1d"), (604800, "1w")]
)
def test_a_duration_is_written_as_people_write_it(seconds: float, text: Any):
    assert durations.dump_python(float(seconds)) == text


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("nodes: [{id: a, type: x, on_eror: fail}]", "nodes.a.on_eror", "Unknown key 'on_eror'.", "'on_error'?"),
        ("nodes: [{id: a, type: x, retry: {maxx: 1}}]", "nodes.a.retry.maxx", "Unknown key 'maxx'.", "'max'?"),
        ("nodes: [{id: a, type: x, body: {nods: []}}]", "nodes.a.body.nods", "Unknown key 'nods'.", "'nodes'?"),
        ("variables: {enviroment: {}}", "variables.enviroment", "Unknown key 'enviroment'.", "'environment'?"),
        (
            "variables: {environment: {A: {vlaue: 1}}}",
            "variables.environment.A.vlaue",
            "Unknown key 'vlaue'.",
            "'value'?",
        ),
        ("triggers: [{type: crn}]", "triggers[0]", "does not match any of the expected tags", "'cron'?"),
        ("triggers: [{cron: '* * * * *'}]", "triggers[0]", "Unable to extract tag", ""),
        ("triggers: [{type: cron}]", "triggers[0].cron", "The key 'cron' is missing.", ""),
        ("triggers: [{type: at, at: x, filtre: x}]", "triggers[0].filtre", "Unknown key", "'filter'?"),
        (
            "triggers: [{type: at, at: x, filter: busines_days}]",
            "triggers[0].filter",
            "Input should",
            "'business_days'?",
        ),
        ("triggers: [{type: cron, cron: x, nth: 0}]", "triggers[0].nth", "greater than or equal to 1", ""),
        ("triggers: [{type: cron, cron: x, country: Korea}]", "triggers[0].country", "match pattern", ""),
        ("triggers: [{type: manual, cron: x}]", "triggers[0].cron", "Unknown key 'cron'.", "'cron'?"),
        ("nodes: [{id: a, type: x, on_error: fial}]", "nodes.a.on_error", "Input should be 'fail'", "'fail'?"),
        ("nodes: [{id: a, type: x, on_error: 5}]", "nodes.a.on_error", "Input should be 'fail'", ""),
        ("nodes: [{id: a, type: 5}]", "nodes.a.type", "This must be text.", "Put it in quotes."),
        ("nodes: [{id: a, type: []}]", "nodes.a.type", "This must be text.", ""),
        ("nodes: [{id: a, type: x, timeout: 0}]", "nodes.a.timeout", "longer than nothing", ""),
        ("nodes: [{id: a, type: x, data: 5}]", "nodes.a.data", "a mapping of keys to values", ""),
        ("nodes: 5", "nodes", "This must be a list.", ""),
        ("nodes: [5]", "nodes[0]", "a mapping of keys to values", ""),
        ("nodes: [{id: a, type: x, retry: {max: many}}]", "nodes.a.retry.max", "a whole number", ""),
        ("nodes: [{id: a, type: x, ports: {inputs: [{name: p, required: maybe}]}}]", "", "true or false", ""),
        ("mulle: 2", "mulle", "Input should be 1.", "a newer one"),
        ("edges: [{source: '', target: b}]", "edges[0].source", "at least 1 character", ""),
        ("nodes: [{id: a, type: x, qqqqq: 1}]", "nodes.a.qqqqq", "Unknown key 'qqqqq'.", "There is: body"),
    ],
)
def test_a_mistake_is_told_at_its_place_with_the_word_that_was_meant(text: str, where: str, message: str, hint: str):
    found = refused(text)

    assert where in found.where
    assert message in found.message
    assert hint in found.hint
    assert (found.code, found.severity) == ("document.schema", "error")


def test_a_trigger_takes_exactly_what_a_schedule_has():
    taken = {
        "filter": "business_days",
        "roll": "following",
        "nth": 3,
        "country": "KR",
        "start": "2026-01-01T00:00:00+09:00",
        "until": "2026-12-31T00:00:00+09:00",
    }
    adapter: TypeAdapter[Trigger] = TypeAdapter(Trigger)

    for kind in (
        {"type": "cron", "cron": "0 9 * * *"},
        {"type": "rrule", "rrule": "FREQ=DAILY"},
        {"type": "at", "at": "2026-01-01"},
    ):
        trigger = adapter.validate_python(kind | taken)
        assert adapter.dump_python(trigger, exclude_defaults=True) == kind | taken


def test_what_is_left_out_has_its_default_and_is_not_written():
    node = read_workflow("nodes: [{id: a, type: end}]").nodes[0]

    assert node.retry == Retry(max=0)
    assert (node.on_error, node.on_interrupted, node.timeout) == ("fail", "ask", None)
    assert workflow_data(Workflow(nodes=(node,))) == {"mulle": 1, "nodes": [{"id": "a", "type": "end"}]}


def test_a_cron_trigger_follows_korean_time_and_is_made_up_for_six_hours():
    trigger = CronTrigger(type="cron", cron="0 9 * * *")

    assert (trigger.timezone, trigger.catch_up, trigger.enabled) == ("Asia/Seoul", 21600, True)
