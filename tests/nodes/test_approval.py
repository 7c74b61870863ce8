from typing import Any

import pytest
from tests.nodes.alone import turn
from tests.nodes.whole import document, opened

from mulle.nodes.approval import Approval, NobodyAnswered
from mulle.sdk.node import Done, Wait

ASK = """
    nodes:
      - id: ask
        type: approval
        data: {title: 메일을 보낼까요?, show: {건수: 3}}
      - {id: send, type: transform, data: {value: sent}}
      - {id: keep, type: transform, data: {value: kept}}
      - {id: end, type: end}
    edges:
      - {source: ask, source_port: approved, target: send}
      - {source: ask, source_port: rejected, target: keep}
      - {source: send, source_port: value, target: end, target_port: done}
      - {source: keep, source_port: value, target: end, target_port: done}
      - {source: ask, source_port: comment, target: end, target_port: comment}
"""


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"decision": "approved", "comment": "좋아요", "by": "kim"}, {"done": "sent", "comment": "좋아요"}),
        ({"decision": "거절"}, {"done": "kept", "comment": ""}),
        ("승인", {"done": "sent", "comment": ""}),
        ({"decision": True}, {"done": "sent", "comment": ""}),
    ],
)
async def test_a_persons_word_decides_the_way(payload: Any, expected: dict[str, Any]):
    async with opened() as app:
        run = await app.run(document(ASK))
        assert run.status == "waiting"
        await app.signal(run.id, "ask", payload)
        run = await app.go_on(run.id)

    assert run.outputs == expected


async def test_what_is_no_decision_asks_again():
    async with opened() as app:
        run = await app.run(document(ASK))
        await app.signal(run.id, "ask", {"decision": "글쎄요"})
        run = await app.go_on(run.id)
        assert run.status == "waiting"
        await app.signal(run.id, "ask", {"decision": "no"})
        run = await app.go_on(run.id)

    assert run.outputs["done"] == "kept"


async def test_the_question_shows_what_there_is_to_know():
    answer = await turn(
        Approval(),
        {"title": "보낼까요?", "message": "{{ a.n }}건", "show": "{{ a }}", "expires": "1h"},
        names={"a": {"n": 3}},
        now=100.0,
    )

    assert answer == Wait(
        until=3700.0,
        form={
            "kind": "approval",
            "title": "보낼까요?",
            "message": "3건",
            "show": {"n": 3},
            "fields": [],
            "problem": "",
        },
        memo={"until": 3700.0},
    )


FORM = {"form": [{"name": "amount", "type": "number", "required": True}, {"name": "team", "options": ["영업", "개발"]}]}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, "'amount' must be filled in."),
        ({"amount": "셋"}, "'amount' takes a number."),
        ({"amount": True}, "'amount' takes a number."),
        ({"amount": 3, "team": "재무"}, "'team' is one of: 영업, 개발."),
    ],
)
async def test_a_form_that_is_not_filled_in_right_asks_again(values: dict[str, Any], problem: str):
    signal = {"id": "s", "name": "ask", "payload": {"decision": "approved", "values": values}}

    answer = await turn(Approval(), FORM, memo={"until": 5.0}, signal=signal)

    assert isinstance(answer, Wait)
    assert answer.until == 5.0
    assert answer.form["problem"] == problem


async def test_what_was_filled_in_is_an_output():
    signal = {"payload": {"decision": "approved", "values": {"amount": 3, "team": "개발"}, "by": "lee"}}

    answer = await turn(Approval(), FORM, memo={"until": 5.0}, signal=signal)

    assert answer == Done(
        {
            "approved": True,
            "decision": "approved",
            "comment": "",
            "by": "lee",
            "values": {"amount": 3, "team": "개발"},
            "expired": False,
        }
    )


@pytest.mark.parametrize("means", ["rejected", "approved"])
async def test_silence_means_what_the_settings_say(means: str):
    answer = await turn(Approval(), {"on_expiry": means}, memo={"until": 5.0}, now=6.0)

    assert answer.outputs[means] is True
    assert answer.outputs["expired"] is True


async def test_silence_may_fail_the_step():
    with pytest.raises(NobodyAnswered, match="Nobody answered '보낼까요\\?' in time"):
        await turn(Approval(), {"title": "보낼까요?", "on_expiry": "fail"}, memo={"until": 5.0}, now=6.0)
