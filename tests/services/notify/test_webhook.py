import json
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.services.site import Site, reply

from mulle.errors import HttpStatusError, RequestUnusable
from mulle.services.http import Http
from mulle.services.notify.message import Channel, Destination, Message
from mulle.services.notify.webhook import LONGEST, post, posts

MESSAGE = Message("<@here> 기사 3개 & 더", "오늘의 뉴스")


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
async def http(site: Site) -> AsyncIterator[Http]:
    async with Http(site.guard(), backoff=0.001) as http:
        yield http


async def _told(site: Site, http: Http, message: Message, to: Destination) -> list[object]:
    await post(http, message, to, key="run/send/1/1", telegram=site.url(""))
    return [json.loads(received.body) for received in site.received]


async def test_a_webhook_gets_subject_and_text(site: Site, http: Http):
    url = site.on("/hook", reply())

    told = await _told(site, http, MESSAGE, Destination("webhook", (url,), headers={"X-Key": "k"}))

    assert told == [{"subject": "오늘의 뉴스", "text": "<@here> 기사 3개 & 더"}]
    assert site.received[0].headers["x-key"] == "k"
    assert site.received[0].headers["idempotency-key"] == "run/send/1/1"


async def test_a_webhook_gets_data_as_it_is(site: Site, http: Http):
    url = site.on("/hook", reply())

    assert await _told(site, http, Message("", data=[1, {"가": None}]), Destination("webhook", (url,))) == [
        [1, {"가": None}]
    ]


async def test_slack_gets_text_that_calls_nobody(site: Site, http: Http):
    told = await _told(site, http, MESSAGE, Destination("slack", (site.on("/s", reply("ok")),)))

    assert told == [{"text": "*오늘의 뉴스*\n&lt;@here&gt; 기사 3개 &amp; 더"}]


async def test_discord_gets_text_that_calls_nobody(site: Site, http: Http):
    told = await _told(site, http, MESSAGE, Destination("discord", (site.on("/d", reply(status=204)),)))

    assert told == [{"content": "**오늘의 뉴스**\n<@here> 기사 3개 & 더", "allowed_mentions": {"parse": []}}]


async def test_telegram_gets_a_message_for_each_chat(site: Site, http: Http):
    site.on("/bot12:ab/sendMessage", reply('{"ok": true}'))

    told = await _told(site, http, Message("안녕"), Destination("telegram", ("7", "@channel"), token="12:ab"))

    assert told == [{"chat_id": "7", "text": "안녕"}, {"chat_id": "@channel", "text": "안녕"}]
    assert [received.headers["idempotency-key"] for received in site.received] == ["run/send/1/1/0", "run/send/1/1/1"]


async def test_the_receipt_names_the_host_but_not_the_secret(site: Site, http: Http):
    url = site.on("/hook/hunter2", reply())

    receipt = await post(http, MESSAGE, Destination("webhook", (url, url)), key="k", telegram="")

    assert (receipt.delivered, receipt.recipients, receipt.to) == (True, 2, f"http://127.0.0.1:{site.port}")


@pytest.mark.parametrize("channel", ["webhook", "slack", "discord", "telegram"])
async def test_an_error_does_not_tell_the_secret(site: Site, http: Http, channel: Channel):
    url = site.on("/hunter2", reply("channel_not_found", status=404))
    to = ("7",) if channel == "telegram" else (url,)

    with pytest.raises(HttpStatusError, match="404") as caught:
        await post(http, MESSAGE, Destination(channel, to, token="hunter2"), key="k", telegram=site.url(""))

    assert "hunter2" not in str(caught.value.to_dict())


async def test_a_failure_behind_a_success_says_that_something_was_sent(site: Site, http: Http):
    good = site.on("/good", reply())
    with Site() as gone:
        bad = gone.url("/")
    http = Http(site.guard().allowing(f"127.0.0.1:{gone.port}"), backoff=0.001)

    async with http:
        for to, sent in [((bad,), False), ((good, bad), True)]:
            with pytest.raises(Exception, match="cannot be reached") as caught:
                await post(http, MESSAGE, Destination("webhook", to), key="k", telegram="")
            assert getattr(caught.value, "sent", None) is sent


@pytest.mark.parametrize("channel", ["slack", "discord", "telegram"])
async def test_what_is_too_long_is_shortened_and_said_so(site: Site, http: Http, channel: Channel):
    to = Destination(channel, (site.on("/x", reply()),), token="1:a")
    site.on("/bot1:a/sendMessage", reply())

    receipt = await post(http, Message("가" * 50_000), to, key="k", telegram=site.url(""))

    told = json.loads(site.received[0].body)
    assert len(told.get("text") or told["content"]) == LONGEST[channel]
    assert "shortened" in receipt.detail


@pytest.mark.parametrize(
    "to", [Destination("slack"), Destination("webhook", ()), Destination("telegram", ("7",)), Destination("telegram")]
)
def test_a_message_with_nowhere_to_go_is_refused(to: Destination):
    with pytest.raises(RequestUnusable) as caught:
        posts(MESSAGE, to, telegram="https://api.telegram.org")

    assert not caught.value.sent
