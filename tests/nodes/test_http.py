from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.nodes.alone import outputs, problems
from tests.services.site import Site, reply

from mulle.errors import HttpStatusError, NotJson
from mulle.nodes.http import Http as HttpNode
from mulle.nodes.http import UnexpectedStatus
from mulle.sdk.context import Services
from mulle.sdk.feed import NoFeed
from mulle.services.http import Http


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
async def services(site: Site) -> AsyncIterator[Services]:
    async with Http(site.guard("127.0.0.1"), backoff=0.01) as http:
        yield Services(http=http)


def replying(content: str, kind: str, *, status: int = 200) -> Any:
    return reply(content, status=status, headers={"Content-Type": kind})


async def test_an_api_is_asked_with_secrets_and_its_answer_taken_apart(site: Site, services: Services):
    url = site.on("/v1/search/news.json", replying('{"items": [{"title": "경제"}]}', "application/json;charset=utf-8"))
    settings = {
        "url": url,
        "params": {"query": "{{ start.word }}", "display": 3, "start": None},
        "headers": {"X-Naver-Client-Secret": "{{ secret.NAVER_CLIENT_SECRET }}"},
    }

    made = await outputs(
        HttpNode(),
        settings,
        names={"start": {"word": "경제"}},
        secrets={"NAVER_CLIENT_SECRET": "s3cret"},
        services=services,
    )

    assert made["status"] == 200
    assert made["json"] == {"items": [{"title": "경제"}]}
    assert made["headers"]["content-type"] == "application/json;charset=utf-8"
    (request,) = site.received
    assert request.target.endswith("?query=%EA%B2%BD%EC%A0%9C&display=3")
    assert request.headers["x-naver-client-secret"] == "s3cret"


async def test_what_is_posted_carries_a_key_that_a_repetition_shares(site: Site, services: Services):
    url = site.on("/orders", replying('{"id": 7}', "application/json"))

    for _ in range(2):
        await outputs(HttpNode(), {"method": "POST", "url": url, "json": {"수량": 2}}, services=services)

    first, second = site.received
    assert first.body == '{"수량":2}'.encode()
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "run1/step/1/1"


async def test_a_status_of_failure_fails_the_step(site: Site, services: Services):
    url = site.on("/gone", replying('{"errorMessage": "Not Exist"}', "application/json", status=404))

    with pytest.raises(HttpStatusError, match="Not Exist"):
        await outputs(HttpNode(), {"url": url}, services=services)


async def test_a_status_that_is_expected_is_an_answer(site: Site, services: Services):
    url = site.on("/gone", replying('{"errorMessage": "Not Exist"}', "application/json", status=404))

    made = await outputs(HttpNode(), {"url": url, "expect": [200, 404]}, services=services)

    assert made["status"] == 404
    assert made["json"] == {"errorMessage": "Not Exist"}


async def test_a_success_that_is_not_expected_fails_the_step(site: Site, services: Services):
    url = site.on("/ok", reply("fine"))

    with pytest.raises(UnexpectedStatus, match="The server answered with 200: fine") as caught:
        await outputs(HttpNode(), {"url": url, "expect": [201]}, services=services)

    assert caught.value.advice == "Statuses that are fine stand in `expect`; it has 201."


async def test_a_page_instead_of_json_fails_a_step_that_wants_json(site: Site, services: Services):
    url = site.on("/login", replying("<html><body>로그인하세요</body></html>", "text/html; charset=utf-8"))

    with pytest.raises(NotJson, match="it is a web page"):
        await outputs(HttpNode(), {"url": url, "parse": "json"}, services=services)

    made = await outputs(HttpNode(), {"url": url}, services=services)
    assert made["json"] is None
    assert "로그인하세요" in made["body"]


@pytest.mark.parametrize(
    ("content", "kind", "found"),
    [
        ("[1, 2]", "text/plain", [1, 2]),
        ("[1, 2", "text/plain", None),
        ("", "application/json", None),
        ("그냥 글", "text/plain; charset=utf-8", None),
    ],
)
async def test_auto_finds_json_where_there_is_some(site: Site, services: Services, content: str, kind: str, found: Any):
    url = site.on("/x", replying(content, kind))

    assert (await outputs(HttpNode(), {"url": url}, services=services))["json"] == found


async def test_a_feed_becomes_items(site: Site, services: Services):
    rss = (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>경제</title><item><title>금리</title>'
        "<link>https://n.news/1</link></item></channel></rss>"
    )
    url = site.on("/rss", replying(rss, "application/rss+xml; charset=utf-8"))

    made = await outputs(HttpNode(), {"url": url, "parse": "feed"}, services=services)

    assert made["json"]["title"] == "경제"
    assert made["json"]["items"][0]["link"] == "https://n.news/1"


async def test_what_is_no_feed_says_so(site: Site, services: Services):
    url = site.on("/rss", replying("<html><body>없음</body></html>", "text/html; charset=utf-8"))

    with pytest.raises(NoFeed, match="it begins with <html>"):
        await outputs(HttpNode(), {"url": url, "parse": "feed"}, services=services)


async def test_a_page_becomes_readable_text(site: Site, services: Services):
    page = "<title>공지</title><body><nav>메뉴</nav><p>본문 <b>글</b></p><a href='/2'>다음</a></body>"
    url = site.on("/page", replying(page, "text/html; charset=utf-8"))

    made = await outputs(HttpNode(), {"url": url, "parse": "html"}, services=services)

    assert made["json"] == {
        "title": "공지",
        "text": "본문 글\n다음",
        "links": [{"text": "다음", "url": site.url("/2")}],
    }


async def test_cookies_of_the_answer_stay_out_of_the_record(site: Site, services: Services):
    url = site.on("/x", reply("ok", headers={"Set-Cookie": "session=abc"}))

    made = await outputs(HttpNode(), {"url": url}, services=services)

    assert "set-cookie" not in made["headers"]


@pytest.mark.parametrize(
    ("method", "effect"),
    [
        ("GET", "repeatable"),
        ("HEAD", "repeatable"),
        ("PUT", "repeatable"),
        ("DELETE", "repeatable"),
        ("POST", "once"),
        ("PATCH", "once"),
    ],
)
def test_only_what_may_be_repeated_may_run_twice(method: str, effect: str):
    config = HttpNode.Config.model_validate({"url": "https://example.com", "method": method})

    assert HttpNode().effect_of(config) == effect


def test_a_wrong_setting_is_found_before_a_run():
    found = problems(HttpNode(), {"url": "{{ start.url }}", "method": "FETCH", "header": {}})

    assert [problem.split(":")[0] for problem in found] == ["nodes.step.data.method", "nodes.step.data.header"]


async def test_any_status_may_be_fine(site: Site, services: Services):
    url = site.on("/gone", replying("없음", "text/plain; charset=utf-8", status=404))

    assert (await outputs(HttpNode(), {"url": url, "expect": "any"}, services=services))["status"] == 404


@pytest.mark.parametrize(
    ("multipart", "kind"), [(False, "application/x-www-form-urlencoded"), (True, "multipart/form-data")]
)
async def test_a_form_is_sent_as_a_browser_sends_it(site: Site, services: Services, *, multipart: bool, kind: str):
    url = site.on("/form", replying("{}", "application/json"))
    settings = {"method": "POST", "url": url, "form": {"q": "{{ a.q }}", "none": None}, "multipart": multipart}

    await outputs(
        HttpNode(),
        settings | {"headers": {"content-type": "text/plain", "X-A": "1"}},
        names={"a": {"q": "경제 3"}},
        services=services,
    )

    (request,) = site.received
    assert request.headers["content-type"].partition(";")[0] == kind
    assert request.headers["x-a"] == "1"
    assert ("경제 3".encode() if multipart else b"q=%EA%B2%BD%EC%A0%9C+3") in request.body
