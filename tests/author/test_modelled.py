import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.author.tools import MAIN_JOB, NOW, TOOLS, keys, made
from tests.services.llm.scripted import COMPLETIONS, KEY, refuses, says, told
from tests.services.site import Behaviour, Site

from mulle.author.compose import Result
from mulle.author.modelled import ROUNDS, compose_with
from mulle.services.llm.failures import ModelBusy
from mulle.services.llm.model import Model


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


async def drafted(site: Site, *behaviours: Behaviour, sentence: str = MAIN_JOB, **answers: str) -> Result:
    site.on(COMPLETIONS, *behaviours)
    model = Model("small", base_url=site.url("/v1"), key=KEY)
    return await compose_with(model, sentence, answers=answers, now=NOW, tools=TOOLS)


def proposes(workflow: dict[str, Any] | None, **more: Any) -> Behaviour:
    return says(json.dumps({"workflow": workflow, **more}, ensure_ascii=False))


async def good() -> dict[str, Any]:
    """A document that is right; the built-in mode's own."""
    workflow = (await made(MAIN_JOB, to="me@example.com")).workflow
    assert workflow is not None
    return workflow


async def test_a_draft_that_passes_is_ready_and_says_who_made_it(site: Site):
    result = await drafted(site, proposes(await good(), assumed=["최신순으로 봅니다."]), to="me@example.com")

    assert result.status == "ready"
    assert result.mode == "small-1"
    assert result.rounds == 1
    assert all(check.ok for check in result.checks)
    assert [check.rung for check in result.checks][-3:] == ["dry_run", "acceptance", "promises"]
    assert "최신순으로 봅니다." in result.report.assumed
    assert any("17" in line and "small-1" in line for line in result.report.assumed)
    assert result.triggers == ({"type": "cron", "cron": "0 9 * * *", "timezone": "Asia/Seoul"},)


async def test_the_model_is_told_node_types_connectors_and_what_is_understood(site: Site):
    await drafted(site, proposes(await good()), to="me@example.com")

    brief = json.loads(told(site)["user"])
    assert brief["sentence"] == MAIN_JOB
    assert {"http", "llm", "notification"} <= {one["type"] for one in brief["node_types"]}
    assert [one["id"] for one in brief["connectors"]] == ["naver.news"]
    assert brief["understood"]["status"] == "ready"


async def test_what_is_wrong_goes_back_to_the_model(site: Site):
    right = await good()
    wrong = {**right, "nodes": [{**node, "type": "lllm"} if node["type"] == "llm" else node for node in right["nodes"]]}

    result = await drafted(site, says("물론이죠! {"), proposes(wrong), proposes(right), to="me@example.com")

    assert result.status == "ready"
    assert result.rounds == 3
    assert json.loads(told(site, 1)["user"])["problems"][0]["code"] == "draft.unreadable"
    assert json.loads(told(site, 2)["user"])["problems"][0]["code"] == "document.unknown_node_type"


async def test_after_three_rounds_it_is_said_that_nothing_came_of_it(site: Site):
    result = await drafted(site, says("I cannot answer with JSON."), to="me@example.com")

    assert result.status == "not_understood"
    assert len(site.received) == ROUNDS
    assert result.workflow is None
    assert result.report.not_done


async def test_an_address_that_nobody_gave_is_never_mailed_to(site: Site):
    result = await drafted(site, proposes(await good()), to="you@example.com")

    assert result.status == "not_understood"
    assert any("me@example.com" in line for line in result.report.not_done)


async def test_a_document_that_runs_at_another_time_is_not_ready(site: Site):
    late = {**await good(), "triggers": [{"type": "cron", "cron": "0 10 * * *"}]}

    result = await drafted(site, proposes(late), to="me@example.com")

    assert result.status == "not_understood"
    assert json.loads(told(site, 1)["user"])["problems"][0]["code"] == "acceptance.wrong_time"


async def test_the_models_questions_are_put_and_an_answered_one_is_not_put_again(site: Site):
    asks = [{"key": "to", "text": "누구에게 보낼까요?"}, {"key": "tone", "text": "어떤 말투로?"}]

    result = await drafted(site, proposes(None, questions=asks), to="me@example.com")

    assert result.status == "needs_answers"
    assert keys(result) == ["tone"]


async def test_a_change_outside_is_confirmed_by_name(site: Site):
    call = {"id": "order", "type": "http", "data": {"method": "DELETE", "url": "https://shop.example.com/orders/1"}}
    workflow = {"nodes": [{"id": "start", "type": "start"}, call], "edges": [{"source": "start", "target": "order"}]}

    result = await drafted(site, proposes(workflow), to="me@example.com")
    declined = await drafted(site, proposes(workflow), to="me@example.com", confirm="아니요")

    assert keys(result) == ["confirm"]
    assert "DELETE shop.example.com" in result.questions[0].text
    assert declined.status == "not_understood"


async def test_secrets_are_stored_and_the_model_never_sees_them(site: Site):
    secrets = {"NAVER_CLIENT_ID": "abc-id-123", "MY_TOKEN": "abc-token-123"}

    result = await drafted(site, proposes(await good()), to="me@example.com", **secrets)

    assert result.secrets == secrets
    assert all(b"abc-" not in one.body for one in site.received)
    assert any("NAVER_CLIENT_SECRET" in line for line in result.report.not_done)


@pytest.mark.parametrize(
    "sentence", ["가끔 네이버 뉴스에서 경제 기사 3개를 메일로 보내줘", "알아서 고객 명단을 전부 삭제해줘"]
)
async def test_an_unclear_time_and_a_danger_are_no_matter_for_a_model(site: Site, sentence: str):
    result = await drafted(site, proposes(await good()), sentence=sentence)

    assert result.status != "ready"
    assert result.mode == "builtin"
    assert site.received == []


async def test_a_model_that_is_busy_is_an_error_and_no_draft(site: Site):
    with pytest.raises(ModelBusy):
        await drafted(site, refuses(429, "slow down"), to="me@example.com")


@pytest.mark.parametrize(
    "workflow",
    [
        {"nodes": "x"},
        {"nodes": [{"id": ["a"], "type": "http", "data": {"url": "https://openapi.naver.com/v1/search/news.json"}}]},
        {"nodes": [{"id": "f", "type": {"a": 1}, "data": {"url": 3}, "body": {"nodes": [None]}}]},
        {"nodes": [{"id": "f", "type": "http", "data": {"url": "http://[bad"}}], "triggers": 7},
    ],
)
async def test_a_document_of_any_shape_is_at_worst_not_understood(site: Site, workflow: dict[str, Any]):
    result = await drafted(site, proposes(workflow), to="me@example.com")

    assert result.status == "not_understood"
    assert result.report.not_done
