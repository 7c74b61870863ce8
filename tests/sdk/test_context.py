"""What a running node knows and may use."""

from typing import Any

import pytest

from mulle.document.expressions import parse
from mulle.errors import MissingReference
from mulle.sdk import Context, Services
from mulle.sdk.context import ServiceMissing
from mulle.sdk.testing import RecordingNotify


def test_a_node_knows_its_id():
    assert Context(path=("each", 3, "요약")).node_id == "요약"
    assert Context().node_id == ""


def test_each_call_of_a_turn_has_a_key_of_its_own_and_the_next_try_has_the_same():
    first, again, later = (Context(run_id="r", path=("each", 3, "send"), turn=turn) for turn in (1, 1, 2))

    keys = [first.idempotency_key(), first.idempotency_key()]

    assert keys == ["r/each/3/send/1/1", "r/each/3/send/1/2"]
    assert [again.idempotency_key(), again.idempotency_key()] == keys
    assert later.idempotency_key() == "r/each/3/send/2/1"


def test_expressions_and_templates_see_given_names_before_all_others():
    context = Context(lookup={"n": 5, "item": 1}.__getitem__)

    assert context.evaluate("n + item", item=10) == 15
    assert context.render("{{ n }}") == 5
    assert context.render("{{ n }}-{{ item }}", item="물레") == "5-물레"


def test_a_name_that_means_nothing_is_a_missing_reference():
    with pytest.raises(MissingReference, match="'start'"):
        Context().evaluate("start.topic")


@pytest.mark.parametrize("name", ["http", "notify", "sandbox", "llm", "knowledge"])
def test_a_service_that_was_not_given_is_named(name: str):
    with pytest.raises(ServiceMissing, match=name):
        getattr(Context(), name)


def test_a_service_that_was_given_is_there():
    notify = RecordingNotify()

    assert Context(services=Services(notify=notify)).notify is notify


async def test_what_nobody_watches_is_streamed_nowhere():
    await Context().stream("글자")


def test_data_is_filled_in_text_by_text():
    assert Context(lookup={"n": 5}.__getitem__).render_data([{"a": "{{ n }}"}, "{{ m }}"], m=1) == [{"a": 5}, 1]


FAILED = {"type": "x", "message": "m", "node": "ask"}


@pytest.mark.parametrize(
    ("expression", "ask", "answered"),
    [
        ("env.X", None, True),
        ("ask.text", None, False),
        ("ask.text", "whatever", True),
        ("ask.text", {"text": None}, True),
        ("ask.text", {"text": None, "error": FAILED}, False),
        ("ask.error", {"text": None, "error": FAILED}, True),
        ("ask.text", {"text": "a default", "error": FAILED}, True),
        ("ask.text", {"text": None, "error": {"code": 3}}, True),
        ("ask.text", {"text": None, "error": "its own output"}, True),
    ],
)
def test_a_step_that_was_skipped_or_left_by_its_error_branch_gave_no_answer(expression: str, ask: Any, answered: bool):
    context = Context(lookup={"ask": ask, "env": {}}.__getitem__)

    assert [context.answered(reference) for reference in parse(expression).references] == [answered]
