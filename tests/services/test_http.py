import asyncio
import gzip
import socket
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from tests.services.certificates import server_and_client_tls
from tests.services.site import Site, Visit, drip, hang_up, rebinding, redirect, reply, resolver, stop_halfway

from mulle.errors import (
    AddressRefused,
    AnswerTooLarge,
    AnswerUnreadable,
    CertificateRefused,
    ConnectionLost,
    HttpStatusError,
    NetworkError,
    NotJson,
    RedirectRefused,
    TimedOut,
    UnknownHost,
    UnreachableHost,
)
from mulle.sdk.context import HttpService
from mulle.services.guard import Guard
from mulle.services.http import Http


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
async def http(site: Site) -> AsyncIterator[Http]:
    async with Http(site.guard("site.example"), backoff=0.001) as http:
        yield http


async def _asked_by_a_step(service: HttpService, url: str) -> Any:
    response = await service.request("GET", url, params={"query": "경제", "display": 3})
    return response.status, response.json(), response.headers["x-a"]


async def test_an_answer_comes_back_whole(site: Site, http: Http):
    url = site.on("/뉴스", reply('{"제목": "경제"}', headers={"Content-Type": "application/json", "X-A": "b"}))

    assert await _asked_by_a_step(http, url) == (200, {"제목": "경제"}, "b")
    assert site.received[0].target.endswith("?query=%EA%B2%BD%EC%A0%9C&display=3")


async def test_what_is_sent_arrives(site: Site, http: Http):
    url = site.on("/in", reply(status=201))

    await http.request("POST", url, json={"글": "안녕"}, headers={"X-Key": "비밀"}, idempotency_key="run/보내기/1/1")

    got = site.received[0]
    assert got.body == '{"글":"안녕"}'.encode()
    assert got.headers["x-key"].encode("latin-1").decode() == "비밀"
    assert got.headers["idempotency-key"] == "run/%EB%B3%B4%EB%82%B4%EA%B8%B0/1/1"
    assert got.headers["host"] == f"127.0.0.1:{site.port}"


async def test_a_korean_page_in_an_old_encoding_is_read(site: Site, http: Http):
    page = "<html><meta charset=euc-kr><body>똠방각하</body></html>"
    url = site.on("/old", reply(page.encode("cp949"), headers={"Content-Type": "text/html"}))

    assert (await http.request("GET", url)).text == page


# What a server may answer


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_a_bad_status_is_an_error_with_the_beginning_of_the_body(site: Site, http: Http, status: int):
    url = site.on("/bad", reply("<html><b>인증 실패</b></html>", status=status, headers={"Retry-After": "7"}))

    with pytest.raises(HttpStatusError, match=rf"answered {status} .*인증 실패") as caught:
        await http.request("POST", url + "?key=hunter2")

    assert (caught.value.status, caught.value.retry_after, caught.value.sent) == (status, 7.0, True)
    assert caught.value.advice
    assert "hunter2" not in str(caught.value.to_dict())


async def test_a_bad_status_can_be_an_answer(site: Site, http: Http):
    response = await http.request("GET", site.url("/nowhere"), raise_for_status=False)

    assert (response.status, response.ok) == (404, False)


async def test_a_page_instead_of_json_is_told_apart(site: Site, http: Http):
    url = site.on("/page", reply("<!DOCTYPE html><title>점검 중</title>"))

    with pytest.raises(NotJson, match=r"web page.*점검 중"):
        (await http.request("GET", url)).json()


async def test_the_path_of_a_secret_url_is_not_told(site: Site, http: Http):
    url = site.on("/hooks/hunter2", reply(status=404))

    with pytest.raises(HttpStatusError) as caught:
        await http.request("POST", url, secret_url=True)

    assert "hunter2" not in str(caught.value.to_dict())


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_compressed_answer_is_unpacked(site: Site, http: Http, coding: str):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress}[coding]
    url = site.on("/packed", reply(pack("안녕".encode()), headers={"Content-Encoding": coding}))

    assert (await http.request("GET", url)).text == "안녕"


async def test_what_is_packed_wrongly_is_an_error(site: Site, http: Http):
    url = site.on("/packed", reply(b"not gzip", headers={"Content-Encoding": "gzip"}))

    with pytest.raises(AnswerUnreadable):
        await http.request("GET", url)


# Too much, too slow


async def test_a_huge_answer_is_refused_when_announced(site: Site, http: Http):
    url = site.on("/huge", reply(b"", headers={"Content-Length": str(10**12)}))

    with pytest.raises(AnswerTooLarge, match="1,000 bytes"):
        await http.request("GET", url, max_bytes=1000)


async def test_a_huge_answer_is_refused_while_it_comes(site: Site, http: Http):
    def endless(visit: Visit) -> None:
        visit.send_response(200)
        visit.end_headers()
        while True:
            visit.wfile.write(b"x" * 65536)

    with pytest.raises(AnswerTooLarge):
        await http.request("GET", site.on("/endless", endless), max_bytes=1_000_000)


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip"])
async def test_a_bomb_is_refused_after_little_of_it_is_unpacked(site: Site, http: Http, coding: str):
    bomb = gzip.compress(b"\0" * 50_000_000, 9)
    if "," in coding:
        bomb = gzip.compress(bomb, 9)
    url = site.on("/bomb", reply(bomb, headers={"Content-Encoding": coding}))

    with pytest.raises(AnswerTooLarge):
        await http.request("GET", url, max_bytes=1_000_000)


async def test_a_huge_error_page_is_cut_and_still_an_error_of_its_status(site: Site, http: Http):
    url = site.on("/bad", reply("엉망" * 100_000, status=500))

    with pytest.raises(HttpStatusError, match="500"):
        await http.request("POST", url, max_bytes=1000)


async def test_a_server_that_drips_is_given_up(site: Site, http: Http):
    with pytest.raises(TimedOut, match="reading its answer") as caught:
        await http.request("GET", site.on("/drip", drip), timeout=0.3)

    assert caught.value.sent


async def test_a_server_that_does_not_speak_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        async with Http(Guard([f"127.0.0.1:{port}"])) as http:
            with pytest.raises(TimedOut, match="waiting for its answer") as caught:
                await http.request("POST", f"http://127.0.0.1:{port}/", timeout=0.2)

    assert caught.value.sent


async def test_a_timeout_before_anything_was_sent_says_so():
    async def never(_name: str, _port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    async with Http(Guard(resolve=never)) as http:
        with pytest.raises(NetworkError) as caught:
            await http.request("POST", "http://slow.example/", timeout=0.2)

    assert not caught.value.sent


async def test_after_many_timeouts_there_are_still_connections(site: Site, http: Http):
    slow = site.on("/drip", drip)
    await asyncio.gather(*(http.request("GET", slow, timeout=0.2) for _ in range(120)), return_exceptions=True)

    assert (await http.request("GET", site.on("/ok", reply("ok")))).text == "ok"


# Broken connections and repetition


async def test_nobody_there_is_unreachable_and_nothing_was_sent():
    with Site() as gone:
        url = gone.url("/")
        guard = gone.guard()
    async with Http(guard, backoff=0.001) as http:
        with pytest.raises(UnreachableHost, match="nothing listens") as caught:
            await http.request("POST", url)

    assert not caught.value.sent


async def test_an_unknown_host_is_not_asked_for_twice():
    asked: list[str] = []

    async def resolve(name: str, _port: int) -> list[str]:
        asked.append(name)
        return []

    async with Http(Guard(resolve=resolve)) as http:
        with pytest.raises(UnknownHost, match="nobody"):
            await http.request("GET", "https://nobody.example/")

    assert asked == ["nobody.example"]


@pytest.mark.parametrize("break_off", [hang_up, stop_halfway])
async def test_a_get_is_repeated_when_the_connection_breaks(site: Site, http: Http, break_off: object):
    url = site.on("/flaky", break_off, break_off, reply("ok"))  # pyright: ignore[reportArgumentType]  # parametrized

    assert (await http.request("GET", url)).text == "ok"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_may_have_arrived_is_not_sent_again(site: Site, http: Http, method: str):
    url = site.on("/once", hang_up)

    with pytest.raises(ConnectionLost) as caught:
        await http.request(method, url, json={})

    assert caught.value.sent
    assert len(site.received) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_get_is_repeated_on_statuses_that_pass(site: Site, http: Http, status: int):
    url = site.on("/busy", reply(status=status), reply(status=status), reply("ok"))

    assert (await http.request("GET", url)).text == "ok"


async def test_a_post_is_not_repeated_on_any_status(site: Site, http: Http):
    url = site.on("/busy", reply(status=503), reply("ok"))

    with pytest.raises(HttpStatusError):
        await http.request("POST", url)
    assert len(site.received) == 1


async def test_a_post_is_repeated_when_surely_nothing_was_sent(site: Site):
    attempts: list[str] = []

    async def resolve(name: str, _port: int) -> list[str]:
        attempts.append(name)
        if len(attempts) < 3:
            raise OSError("the network is down")
        return ["127.0.0.1"]

    guard = Guard([f"127.0.0.1:{site.port}"], resolve=resolve)
    url = site.on("/in", reply("ok"))
    async with Http(guard, backoff=0.001) as http:
        assert (await http.request("POST", url.replace("127.0.0.1", "site.example"))).text == "ok"

    assert (len(attempts), len(site.received)) == (3, 1)


async def test_retries_end(site: Site, http: Http):
    url = site.on("/busy", reply(status=503))

    with pytest.raises(HttpStatusError, match="503"):
        await http.request("GET", url, retries=3)
    assert len(site.received) == 4


async def test_retry_after_is_kept(site: Site, http: Http):
    url = site.on("/busy", reply(status=429, headers={"Retry-After": "1"}), reply("ok"))
    loop = asyncio.get_running_loop()
    started = loop.time()

    assert (await http.request("GET", url)).text == "ok"
    assert loop.time() - started >= 1


@pytest.mark.parametrize("retry_after", ["120", formatdate(1_000_120, usegmt=True)])
async def test_a_wait_beyond_the_timeout_is_left_to_the_caller(site: Site, retry_after: str):
    url = site.on("/busy", reply(status=429, headers={"Retry-After": retry_after}))

    async with Http(site.guard(), now=lambda: 1_000_000.0) as http:
        with pytest.raises(HttpStatusError) as caught:
            await http.request("GET", url, timeout=30)

    assert caught.value.retry_after == 120
    assert len(site.received) == 1


@pytest.mark.parametrize("retry_after", ["soon", "", "-1", "9" * 400, "Wed, 99 Foo 2026"])
async def test_a_retry_after_that_says_nothing_is_ignored(site: Site, http: Http, retry_after: str):
    url = site.on("/busy", reply(status=429, headers={"Retry-After": retry_after}), reply("ok"))

    assert (await http.request("GET", url)).text == "ok"


async def test_a_kept_connection_that_the_server_closed_costs_nothing(site: Site, http: Http):
    def answer_and_close(visit: Visit) -> None:
        reply("ok")(visit)
        visit.close_connection = True

    url = site.on("/closing", answer_and_close)

    answers = [(await http.request("POST", url)).text for _ in range(5)]

    assert answers == ["ok"] * 5


async def test_a_connection_is_used_again(site: Site, http: Http):
    url = site.on("/ok", reply("ok"))

    for _ in range(3):
        await http.request("GET", url)

    assert len({received.client for received in site.received}) == 1


# Where requests may go


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.0.0.1:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://0.0.0.0:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::]:{port}/",
        "http://１２７.0.0.1:{port}/",
        "http://user@127.0.0.1:{port}/",
        "http://a.example@127.0.0.1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
async def test_a_private_address_is_not_even_connected_to(site: Site, url: str):
    async with Http() as http:
        with pytest.raises(NetworkError) as caught:
            await http.request("GET", url.format(port=site.port))

    assert not caught.value.sent
    assert site.received == []


async def test_a_redirect_to_a_private_address_is_refused(site: Site):
    with Site() as inner:
        secret = inner.on("/secret", reply("keys"))
        url = site.on("/go", redirect(secret))
        async with Http(site.guard()) as http:
            with pytest.raises(AddressRefused) as caught:
                await http.request("GET", url)

        assert inner.received == []
        assert caught.value.sent  # The first server did get a request.


async def test_a_name_is_judged_by_the_very_answer_that_is_connected_to(site: Site):
    url = site.on("/", reply("ok")).replace("127.0.0.1", "rebind.example")
    allow = [f"127.0.0.1:{site.port}"]

    # Whoever looked the name up a second time would get the other address.
    async with Http(Guard(allow, resolve=rebinding(["127.0.0.1"], ["10.9.9.9"]))) as http:
        assert (await http.request("GET", url)).text == "ok"
    async with Http(Guard(allow, resolve=rebinding(["10.9.9.9"], ["127.0.0.1"]))) as http:
        with pytest.raises(AddressRefused, match=r"10\.9\.9\.9"):
            await http.request("GET", url)

    assert len(site.received) == 1


async def test_an_allowed_name_reaches_its_address_under_its_own_name(site: Site, http: Http):
    url = site.on("/", reply("ok")).replace("127.0.0.1", "site.example")

    assert (await http.request("GET", url)).text == "ok"
    assert site.received[0].headers["host"] == f"site.example:{site.port}"


async def test_tls_checks_the_name_not_the_address(tmp_path: Path):
    server, client = server_and_client_tls(tmp_path, "site.example")
    with Site(tls=server) as site:
        url = site.on("/", reply("ok")).replace("127.0.0.1", "site.example")
        other = url.replace("site.example", "other.example")
        async with Http(site.guard("site.example", "other.example"), tls=client, backoff=0.001) as http:
            assert (await http.request("GET", url)).text == "ok"
            with pytest.raises(CertificateRefused, match="Hostname mismatch") as caught:
                await http.request("POST", other)
        async with Http(site.guard("site.example"), backoff=0.001) as stranger:
            with pytest.raises(CertificateRefused, match="self-signed"):
                await stranger.request("GET", url)

    assert not caught.value.sent
    assert "SSL_CERT_FILE" in caught.value.advice


async def test_https_to_a_server_without_tls_is_named(site: Site, http: Http):
    with pytest.raises(UnreachableHost, match="no TLS") as caught:
        await http.request("POST", site.url("/").replace("http:", "https:"))

    assert not caught.value.sent
    assert "http://" in caught.value.advice


async def test_proxies_of_the_environment_are_ignored(site: Site, http: Http, monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert (await http.request("GET", site.on("/", reply("ok")))).text == "ok"


async def test_a_proxy_that_the_owner_chose_carries_everything():
    with Site() as proxy:
        proxy.behaviours["/page"] = [reply("by proxy")]
        async with Http(proxy=proxy.url("").replace("//", "//user:pass@")) as http:
            response = await http.request("GET", "http://nobody.example/page")
            with pytest.raises(AddressRefused):
                await http.request("GET", "http://127.0.0.1/page")

    assert response.text == "by proxy"
    assert [received.target for received in proxy.received] == ["http://nobody.example/page"]
    assert proxy.received[0].headers["proxy-authorization"].startswith("Basic ")


# Redirects


async def test_redirects_are_followed_to_the_end(site: Site, http: Http):
    site.on("/a", redirect("/b?x=1", 301))
    site.on("/b", redirect(site.url("/c"), 307))
    site.on("/c", reply("here"))

    response = await http.request("GET", site.url("/a"))

    assert (response.text, response.url) == ("here", site.url("/c"))


async def test_a_redirect_can_be_the_answer(site: Site, http: Http):
    response = await http.request("GET", site.on("/a", redirect("/b")), follow_redirects=False)

    assert (response.status, response.headers["location"]) == (302, "/b")


async def test_redirects_without_end_are_refused(site: Site, http: Http):
    url = site.on("/a", redirect("/a"))

    with pytest.raises(RedirectRefused, match="no end"):
        await http.request("GET", url)
    assert len(site.received) == 11


async def test_a_cookie_lasts_for_the_redirects_of_one_request(site: Site, http: Http):
    site.on("/a", redirect("/b", headers={"Set-Cookie": "session=1"}))
    site.on("/b", reply("ok"))

    await http.request("GET", site.url("/a"))
    await http.request("GET", site.url("/b"))

    assert [received.headers.get("cookie") for received in site.received] == [None, "session=1", None]


async def test_keys_are_not_shown_to_another_server(site: Site):
    with Site() as other:
        url = site.on("/a", redirect(other.on("/b", reply("ok"))))
        guard = site.guard().allowing(f"127.0.0.1:{other.port}")
        async with Http(guard) as http:
            await http.request("GET", url, headers={"X-Naver-Client-Secret": "s", "Authorization": "s"})

        assert not {"x-naver-client-secret", "authorization"} & set(other.received[0].headers)


async def test_a_head_request_has_no_body_to_be_too_large(site: Site, http: Http):
    url = site.on("/big", reply("x" * 5000))

    response = await http.request("HEAD", url, max_bytes=100)

    assert (response.headers["content-length"], response.content) == ("5000", b"")


async def test_many_requests_at_once_each_get_their_own_answer(site: Site, http: Http):
    for number in range(50):
        site.on(f"/{number}", reply(f"{number}"))

    answers = await asyncio.gather(*(http.request("GET", site.url(f"/{number}")) for number in range(50)))

    assert [answer.text for answer in answers] == [f"{number}" for number in range(50)]


async def test_names_resolve_by_the_given_resolver_only(site: Site):
    url = site.on("/", reply("ok")).replace("127.0.0.1", "intern.example")
    guard = Guard([f"intern.example:{site.port}"], resolve=resolver({"intern.example": ["127.0.0.1"]}))

    async with Http(guard) as http:
        assert (await http.request("GET", url)).text == "ok"


def test_one_client_serves_one_event_loop_after_the_other(site: Site):
    url = site.on("/", reply("ok"))
    http = Http(site.guard())

    async def ask() -> str:
        text = (await http.request("GET", url)).text
        await http.aclose()
        return text

    assert [asyncio.run(ask()) for _ in range(3)] == ["ok"] * 3


async def test_a_cancelled_request_leaves_nothing_open(site: Site, http: Http):
    task = asyncio.create_task(http.request("GET", site.on("/drip", drip)))
    await asyncio.sleep(0.05)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await http.request("GET", site.on("/ok", reply("ok")))).text == "ok"


def test_what_is_heavy_is_imported_only_when_used():
    heavy = "{'httpx2', 'httpcore2', 'aiosmtplib', 'apprise'} & set(sys.modules)"
    code = f"import sys, mulle.services.http, mulle.services.notify, mulle.services.secrets; print({heavy})"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
