import json
from typing import Any

import pytest
from tests.author.tools import MAIN_JOB, NOW, TOOLS, made

from mulle.author.edit import Edited, edit
from mulle.document.reading import parse_workflow


async def main_job() -> dict[str, Any]:
    workflow = (await made(MAIN_JOB, to="me@example.com")).workflow
    assert workflow is not None
    return workflow


async def edited(sentence: str, **answers: str) -> Edited:
    return await edit(await main_job(), sentence, answers=answers, now=NOW, tools=TOOLS)


def places(result: Edited) -> set[str]:
    return {change.path for change in result.diff}


@pytest.mark.parametrize("sentence", ["메일 말고 슬랙으로", "Slack instead of email", "슬랙으로 바꿔줘"])
async def test_another_channel_changes_the_notifications_and_nothing_else(sentence: str):
    result = await edited(sentence)

    assert result.status == "ready"
    assert places(result) == {
        "nodes.mail.data.channel", "nodes.mail.data.to", "nodes.nothing.data.channel", "nodes.nothing.data.to"
    }  # fmt: skip
    assert "SLACK_WEBHOOK_URL" in json.dumps(result.workflow)


@pytest.mark.parametrize(
    ("sentence", "cron"),
    [
        ("10시로 바꿔줘", "0 10 * * *"),
        ("오후 3시 반으로 바꿔줘", "30 15 * * *"),
        ("change it to 10am", "0 10 * * *"),
        ("평일에만 보내줘", "0 9 * * 1-5"),
        ("매주 월요일 8시로 바꿔줘", "0 8 * * 1"),
    ],
)
async def test_another_time_changes_the_trigger_and_nothing_else(sentence: str, cron: str):
    result = await edited(sentence)

    assert result.status == "ready"
    assert [(change.path, change.new) for change in result.diff] == [("triggers[0].cron", cron)]


@pytest.mark.parametrize("sentence", ["5개로", "make it 5 articles", "기사 다섯 개로 늘려줘"])
async def test_another_number_changes_what_is_asked_for_and_what_is_kept(sentence: str):
    result = await edited(sentence)

    assert places(result) == {"nodes.fetch.data.params.display", "nodes.pick.data.operations[3].count"}
    assert {change.new for change in result.diff} == {5}


@pytest.mark.parametrize("sentence", ["경제 말고 IT로", "IT instead of 경제"])
async def test_another_topic_is_searched_for_and_told(sentence: str):
    result = await edited(sentence)

    assert result.status == "ready"
    assert result.workflow is not None
    assert "경제" not in json.dumps(result.workflow["nodes"], ensure_ascii=False)


@pytest.mark.parametrize("sentence", ["요약은 빼줘", "remove the summary"])
async def test_a_step_that_goes_leaves_the_others_joined(sentence: str):
    result = await edited(sentence)

    assert result.status == "ready"
    assert result.workflow is not None
    assert "llm" not in [node["type"] for node in result.workflow["nodes"]]
    parse_workflow(result.workflow)


async def test_approval_comes_before_the_mail():
    result = await edited("보내기 전에 내 확인받고 보내줘")

    assert result.status == "ready"
    assert result.workflow is not None
    assert {"source": "approve", "source_port": "approved", "target": "mail"} in result.workflow["edges"]


async def test_two_changes_in_one_sentence():
    result = await edited("10시로 바꾸고 5개로 해줘")

    assert "triggers[0].cron" in places(result)
    assert "nodes.fetch.data.params.display" in places(result)


async def test_what_a_new_channel_needs_is_asked_for():
    result = await edited("텔레그램으로 바꿔줘")

    assert result.status == "needs_answers"
    assert [question.key for question in result.result.questions] == ["to"]
    assert (await edited("텔레그램으로 바꿔줘", to="12345")).status == "ready"


@pytest.mark.parametrize("sentence", ["안녕하세요", "메일 말고 시트로", "", "{{ secret.X }}"])
async def test_what_is_not_understood_changes_nothing(sentence: str):
    result = await edited(sentence)

    assert result.status == "not_understood"
    assert result.diff == ()
    assert result.workflow == await main_job()
    assert result.result.report.not_done
