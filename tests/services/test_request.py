import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.errors import RedirectRefused, RequestUnusable
from mulle.services.request import Request


def test_parameters_join_the_query_and_nothing_is_lost():
    request = Request.build(
        "get", "https://a.example/s?x&k=a%2Bb", params={"query": "경제 뉴스", "n": [1, 2], "none": None}
    )

    assert request.method == "GET"
    assert str(request.url) == "https://a.example/s?x&k=a%2Bb&query=%EA%B2%BD%EC%A0%9C+%EB%89%B4%EC%8A%A4&n=1&n=2"


def test_user_and_password_in_the_url_become_a_header():
    request = Request.build("GET", "https://me:p%40ss@a.example/")

    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert "me" not in str(request.url).partition("//")[2].partition("/")[0].replace("example", "")


def test_json_goes_out_in_utf8():
    request = Request.build("POST", "https://a.example/", json={"제목": "안녕"})

    assert request.body == '{"제목":"안녕"}'.encode()
    assert request.headers["content-type"] == "application/json"


def test_own_headers_win_over_ours_whatever_their_case():
    request = Request.build("POST", "https://a.example/", json={}, headers={"Content-Type": "application/vnd.api+json"})

    assert [value for name, value in request.headers.multi_items() if name == "content-type"] == [
        "application/vnd.api+json"
    ]


def test_a_korean_idempotency_key_is_written_in_ascii():
    request = Request.build("POST", "https://a.example/", idempotency_key="run/보내기/1/1")

    assert request.headers["idempotency-key"] == "run/%EB%B3%B4%EB%82%B4%EA%B8%B0/1/1"


@pytest.mark.parametrize(
    ("method", "url", "more"),
    [
        ("CONNECT", "https://a.example/", {}),
        ("GE T", "https://a.example/", {}),
        ("GET", "", {}),
        ("GET", "a.example/path", {}),
        ("GET", "file:///etc/passwd", {}),
        ("GET", "gopher://a.example/", {}),
        ("GET", "http://", {}),
        ("GET", "http://a.example:99999/", {}),
        ("GET", "http://a.example:0/", {}),
        ("GET", "http://[::1/", {}),
        ("GET", "http://a.example/", {"headers": {"Host": "b.example"}}),
        ("GET", "http://a.example/", {"headers": {"Transfer-Encoding": "chunked"}}),
        ("GET", "http://a.example/", {"headers": {"X": "a\r\nY: b"}}),
        ("GET", "http://a.example/", {"headers": {"X\r\nY": "b"}}),
        ("GET", "http://a.example/", {"headers": {"": "b"}}),
        ("POST", "http://a.example/", {"json": {1, 2}}),
        ("POST", "http://a.example/", {"json": float("nan")}),
        ("POST", "http://a.example/", {"json": 1, "body": "x"}),
    ],
)
def test_what_cannot_be_a_request_is_refused_before_anything_is_sent(method: str, url: str, more: dict[str, object]):
    with pytest.raises(RequestUnusable) as caught:
        Request.build(method, url, **more)  # pyright: ignore[reportArgumentType]  # wrong on purpose

    assert not caught.value.sent


@given(st.text(max_size=40))
def test_any_text_is_a_url_or_refused(text: str):
    shown = ""
    try:
        shown = Request.build("GET", text).shown
    except RequestUnusable:
        return

    assert shown.startswith(("http://", "https://"))


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_header_is_usable_or_refused(name: str, value: str):
    try:
        request = Request.build("GET", "http://a.example/", headers={name: value})
    except RequestUnusable:
        return

    assert not any(byte in raw for pair in request.headers.raw for raw in pair for byte in (b"\r", b"\n", b"\0"))


def test_errors_show_neither_query_nor_password_nor_a_secret_path():
    url = "https://me:hunter2@a.example:8443/hook/token?key=hunter2#hunter2"

    assert Request.build("GET", url).shown == "https://a.example:8443/hook/token"
    assert Request.build("GET", url, secret_url=True).shown == "https://a.example:8443"


def _posted(url: str = "https://a.example/in", **more: object) -> Request:
    headers = {"Authorization": "Bearer x", "X-Naver-Client-Secret": "x", "Cookie": "a=b", "Accept-Language": "ko"}
    return Request.build("POST", url, body="text", headers=headers, **more)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_a_redirect_turns_a_post_as_browsers_do(status: int, method: str):
    turned = _posted().redirected(status, "/out?x=1")

    assert (turned.method, str(turned.url)) == (method, "https://a.example/out?x=1")
    assert turned.body == (b"text" if method == "POST" else b"")
    assert turned.headers["authorization"] == "Bearer x"


@pytest.mark.parametrize(
    "target", ["https://b.example/", "https://a.example:444/", "http://a.example/", "//b.example/"]
)
def test_no_credential_goes_to_another_origin(target: str):
    turned = _posted().redirected(302, target)

    assert set(turned.headers) == {"accept", "accept-encoding", "accept-language", "user-agent"}


def test_a_move_to_https_on_the_same_host_keeps_them():
    turned = _posted("http://a.example/in").redirected(302, "https://a.example/in")

    assert turned.headers["authorization"] == "Bearer x"


def test_a_password_in_a_redirect_is_not_used():
    turned = _posted().redirected(302, "https://root:toor@b.example/")

    assert str(turned.url) == "https://b.example/"
    assert "authorization" not in turned.headers


@pytest.mark.parametrize("target", ["file:///etc/passwd", "javascript:alert(1)", "data:,x", "http://[::1/", "http://"])
def test_a_redirect_off_the_web_is_refused(target: str):
    with pytest.raises(RedirectRefused):
        _posted().redirected(302, target)


def test_a_body_is_not_passed_on_to_another_server():
    with pytest.raises(RedirectRefused, match="passed on"):
        _posted().redirected(307, "https://b.example/")
