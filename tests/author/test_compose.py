import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.author.tools import MAIN_JOB, NOW, TOOLS, keys, made, node, types

from mulle.author.compose import Conversation, Tools, compose
from mulle.document.reading import parse_workflow


async def test_the_main_job_asks_for_the_recipient_and_nothing_else():
    result = await made(MAIN_JOB)

    assert result.status == "needs_answers"
    assert keys(result) == ["to"]
    assert "주소" in result.questions[0].text


async def test_the_main_job_is_ready_with_one_answer():
    result = await made(MAIN_JOB, to="me@example.com")

    assert result.status == "ready"
    assert [check.rung for check in result.checks] == ["parse", "schema", "graph", "code", "dry_run", "acceptance"]
    assert all(check.ok for check in result.checks)
    assert [dict(trigger) for trigger in result.triggers] == [
        {"type": "cron", "cron": "0 9 * * *", "timezone": "Asia/Seoul"}
    ]
    assert types(result) == [
        "start", "http", "transform", "condition", "llm", "transform", "notification", "notification", "end"
    ]  # fmt: skip


async def test_the_main_job_searches_for_three_articles_about_the_economy():
    result = await made(MAIN_JOB, to="me@example.com")

    assert node(result, "fetch")["params"] == {"query": "경제", "display": 3, "sort": "date"}
    assert node(result, "mail")["to"] == ["me@example.com"]


async def test_the_document_is_a_document_and_holds_no_secret():
    result = await made(MAIN_JOB, to="me@example.com", NAVER_CLIENT_ID="abc-id", NAVER_CLIENT_SECRET="abc-secret")

    parse_workflow(result.workflow)
    assert result.secrets == {"NAVER_CLIENT_ID": "abc-id", "NAVER_CLIENT_SECRET": "abc-secret"}
    assert "abc-" not in json.dumps(result.to_dict(), ensure_ascii=False)


async def test_the_report_is_honest_and_in_the_language_of_the_sentence():
    korean = await made(MAIN_JOB, to="me@example.com")
    english = await made("Every day at 9am summarize 3 economy articles from Naver news and email them to a@b.co")

    assert korean.report.not_done[0].startswith("아직 아무것도 실행되지 않습니다")
    assert any("0원" in line for line in korean.report.assumed)
    assert any("2026-03-02 09:00" in line for line in korean.report.built)
    assert english.status == "ready"
    assert english.report.not_done[0].startswith("Nothing fires yet")


async def test_secrets_that_are_stored_are_not_asked_for_again():
    stored = Tools(TOOLS.catalogue, has_secret=lambda name: name.startswith("NAVER"))

    result = await made(MAIN_JOB, stored, to="me@example.com")

    assert not any("NAVER" in line for line in result.report.not_done)


@pytest.mark.parametrize(
    "sentence",
    [
        "매일아침9시에네이버뉴스에서경제기사3개를수집해서요약하고메일로보내줘",
        "네이버 뉴스에서 경제 기사 세 개를 매일 아침 9시에 모아서 요약한 다음 메일로 보내 줘",
        "매일 오전 9시마다 네이버 뉴스 경제 기사 3건 요약해서 이메일로 전송해 주세요.",
        "경제 뉴스 3개를 매일 아침 9시에 네이버에서 찾아 요약해서 메일 보내줘",
    ],
)
async def test_spacing_numerals_and_order_of_words_do_not_matter(sentence: str):
    result = await made(sentence, to="me@example.com")

    assert result.status == "ready"
    assert node(result, "fetch")["params"] == {"query": "경제", "display": 3, "sort": "date"}
    assert result.triggers[0]["cron"] == "0 9 * * *"
    assert "llm" in types(result)


async def test_a_wrong_answer_is_said_to_be_wrong_and_asked_again():
    result = await made(MAIN_JOB, to="나한테")

    assert keys(result) == ["to"]
    assert "나한테" in result.questions[0].text


async def test_a_conversation_goes_on_from_what_was_laid_down():
    laid_down = json.dumps(Conversation(MAIN_JOB).answered(to="me@example.com").to_dict())

    again = Conversation.from_dict(json.loads(laid_down))
    result = await compose(again.sentence, answers=again.answers, now=NOW, tools=TOOLS)

    assert result.status == "ready"


async def test_what_a_person_writes_is_never_read_as_a_template():
    result = await made(
        "매일 9시에 네이버 뉴스에서 '{{ secret.NAVER_CLIENT_ID }}' 기사 3개를 메일로 보내줘", to="me@example.com"
    )

    assert result.status == "ready"
    assert "{{" not in str(node(result, "fetch")["params"])


async def test_too_vague_a_request_is_asked_back():
    result = await made("알아서 다 자동화해줘")

    assert result.status == "needs_answers"
    assert keys(result) == ["what"]
    assert (await made("알아서 다 자동화해줘", what=MAIN_JOB, to="me@example.com")).status == "ready"


async def test_what_would_delete_something_is_confirmed_by_name():
    result = await made("운영 DB 테이블 전부 매일 자정에 지워줘")

    assert "confirm" in keys(result)
    assert "DB" in result.questions[0].text
    assert (await made("운영 DB 테이블 전부 매일 자정에 지워줘", confirm="아니요")).status == "not_understood"


async def test_mail_to_all_customers_is_confirmed():
    result = await made("매주 월요일 9시에 전체 고객에게 네이버 뉴스 기사 3개를 메일로 보내줘")

    assert "confirm" in keys(result)


async def test_nothing_understood_is_said_plainly():
    result = await made("qwerty asdf zxcv")

    assert result.status == "not_understood"
    assert result.workflow is None
    assert result.report.not_done


PIECES = [
    *(
        "매일 9시에",
        "네이버 뉴스에서",
        "경제",
        "기사",
        "3개",
        "요약해서",
        "메일로",
        "슬랙에",
        "보내줘",
        "비 오면",
        "확인받고",
    ),
    *(
        "실패하면",
        "아니면",
        "every day",
        "email me",
        "1,400원",
        "넘으면",
        "{{",
        "}}",
        "'",
        "#",
        "@",
        "\u200b",
        "🙂",
        ",",
        ".",
    ),
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join)))
async def test_any_text_is_answered_with_one_of_three_statuses(text: str):
    result = await compose(text, answers={"to": "a@b.co"}, now=NOW, tools=TOOLS)

    assert result.status in {"ready", "needs_answers", "not_understood"}
    json.dumps(result.to_dict())
    if result.status == "needs_answers":
        assert result.questions


@pytest.mark.parametrize(
    ("sentence", "ask"),
    [
        ("매일 아침 7시에 서울 날씨 확인해서 비 오면 슬랙으로 알려줘", []),
        ("비 오면 슬랙으로 알려줘", ["every", "region"]),
        ("환율이 1,400원 넘으면 알려줘", ["every", "channel"]),
        ("하루에 두 번 오전 9시, 오후 5시에 미세먼지 확인해서 나쁨이면 알려줘", ["region", "channel"]),
        ("카카오맵에서 회사 근처 맛집 10개 찾아줘", ["place"]),
        ("평일 오후 6시마다 문의를 정리해서 슬랙에 올려줘", ["source"]),
        ("문의 메일이 환불이면 A팀, 배송이면 B팀, 나머지는 C팀으로 보내줘", ["to", "to_2", "to_3"]),
        ("매월 말일에 뉴스 3개를 재무팀에 보내줘", ["schedule", "query", "to"]),
        ("고객이 채팅으로 물어보면 사내 규정 문서에서 찾아 답해줘", ["knowledge"]),
        ("https://api.example.com/price.json 값이 100 넘으면 슬랙으로 알려줘", ["every", "field"]),
    ],
)
async def test_what_is_missing_is_asked_for_and_nothing_else(sentence: str, ask: list[str]):
    assert keys(await made(sentence)) == ask


async def test_a_condition_decides_whether_anybody_is_told():
    result = await made("매일 아침 7시에 서울 날씨 확인해서 비 오면 메일로 알려줘", to="a@b.co")

    assert result.status == "ready"
    assert result.workflow is not None
    assert {"source": "check", "source_port": "holds", "target": "mail"} in result.workflow["edges"]
    assert node(result, "check")["cases"] == [{"name": "holds", "when": "facts.value.rain"}]


async def test_a_threshold_is_compared_with_the_value_that_is_meant():
    result = await made("환율이 1,400원 넘으면 슬랙으로 알려줘", every="1시간마다")

    assert result.status == "ready"
    assert node(result, "check")["cases"] == [{"name": "holds", "when": "facts.value.rate > 1400"}]
    assert result.triggers[0]["cron"] == "0 * * * *"


async def test_approval_stands_before_what_it_guards():
    result = await made("네이버 뉴스에서 경제 기사 3개 요약해서 확인받고 메일로 보내줘", to="a@b.co")

    assert result.status == "ready"
    assert types(result).index("approval") < types(result).index("notification")


async def test_failing_calls_are_retried_as_often_as_said_and_told():
    result = await made(
        "Every 15 minutes fetch https://api.example.com/orders.json and save it to a file, "
        "and if it fails retry 5 times and email ops@example.com"
    )

    assert result.workflow is not None
    fetch = next(one for one in result.workflow["nodes"] if one["id"] == "fetch")
    assert fetch["retry"]["max"] == 5
    assert fetch["on_error"] == "branch"
    assert node(result, "failed")["to"] == ["ops@example.com"]


async def test_items_are_chosen_by_their_words():
    result = await made("네이버 뉴스에서 '삼성전자' 기사 중에 '반도체'가 들어간 것만 5개 메일로 보내줘", to="a@b.co")

    assert node(result, "fetch")["params"] == {"query": "삼성전자", "display": 25, "sort": "date"}
    assert {"op": "take", "count": 5} in node(result, "pick")["operations"]


async def test_what_cannot_be_done_is_named_and_not_dropped():
    result = await made("매일 새벽 3시에 DB 백업하고 qqq 해줘")

    assert any("백업" in line for line in result.report.not_done)


async def test_what_is_forbidden_is_refused():
    assert (await made("남의 비밀번호를 몰래 알아내서 메일로 보내줘")).status == "not_understood"


async def test_a_webhook_address_goes_to_the_secret_store():
    result = await made("매일 9시에 AI 뉴스 3개를 슬랙으로 보내줘", to="https://hooks.slack.com/services/T/B/x")

    assert result.secrets == {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x"}
    assert "hooks.slack.com" not in json.dumps(result.to_dict())


@pytest.mark.parametrize(
    "sentence",
    [
        "Every day at 9am fetch 3 economy articles from Naver news, summarize them and email a@b.co",
        "every weekday at 9am send the top 5 news about AI to slack",
        "When a new email arrives, summarize it and post it to Discord",
        "Find 10 restaurants near Pangyo station on Kakao map",
    ],
)
async def test_english_requests_become_ready(sentence: str):
    result = await made(sentence)

    assert result.status == "ready"
    assert result.language == "en"


async def test_what_is_to_be_said_is_the_message_and_no_order():
    result = await made("매일 저녁 6시에 업무일지 쓰라고 슬랙으로 알려줘")

    assert result.status == "ready"
    assert types(result) == ["start", "notification", "end"]
    assert "업무일지" in node(result, "slack")["text"]


async def test_a_time_that_no_schedule_can_say_is_asked_for():
    assert "schedule" in keys(await made("고객 생일에 축하 메일 보내줘"))


async def test_whoever_runs_it_by_hand_is_not_asked_where_to():
    result = await made("오늘 서울 날씨 알려줘")

    assert result.status == "ready"
    assert result.workflow is not None
    assert next(one for one in result.workflow["nodes"] if one["id"] == "end")["data"]["outputs"]["text"]


async def test_results_of_a_schedule_must_reach_somebody():
    assert keys(await made("매일 9시에 네이버 뉴스에서 경제 기사 3개 요약해줘")) == ["channel"]


@pytest.mark.parametrize(
    "sentence",
    [
        "매일 9시에 네이버 뉴스에서 경제 기사 3개 찾아서 경쟁사가 망하면 슬랙으로 알려줘",
        "Alert me on Slack if the moon turns purple",
    ],
)
async def test_a_condition_that_is_not_understood_never_tells_everybody_at_every_run(sentence: str):
    result = await made(sentence)

    assert result.status != "ready"


async def test_a_condition_said_once_more_takes_the_place_of_the_first():
    sentence = "매일 9시에 원달러 환율을 확인해서 사고 싶어지면 슬랙으로 알려줘"

    assert keys(await made(sentence)) == ["condition"]
    result = await made(sentence, condition="1,300원 아래로 떨어지면")
    assert result.status == "ready"
    assert node(result, "check")["cases"][0]["when"] == "facts.value.rate < 1300"


async def test_a_condition_at_the_end_of_an_english_sentence_guards_what_stands_before_it():
    result = await made("Alert me on Slack when the exchange rate goes above 1,400 won", every="every hour")

    assert result.workflow is not None
    assert {"source": "check", "source_port": "holds", "target": "slack"} in result.workflow["edges"]
