import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.errors import NotJson
from mulle.services.response import Response, decoded


def _response(content: bytes, content_type: str = "") -> Response:
    return Response(200, {"content-type": content_type}, content, "https://api.example/v1?key=hunter2", 0.0)


KOREAN = st.text(alphabet=st.sampled_from("가나다라힣뷁똠각하 abc<>&.,0129"), min_size=1)


@given(KOREAN, st.sampled_from(["euc-kr", "EUC-KR", "cp949", "ks_c_5601-1987", "MS949", "x-windows-949", '"euc-kr"']))
def test_korean_text_is_read_as_its_header_says(text: str, label: str):
    assert decoded(text.encode("cp949"), f"text/html; charset={label}") == text


@given(KOREAN)
def test_korean_text_is_read_without_being_told_how(text: str):
    assert decoded(text.encode(), "") == text
    assert decoded(text.encode("utf-16"), "text/plain") == text
    assert decoded(text.encode("utf-8-sig"), "text/plain; charset=euc-kr") == text


def test_a_page_may_say_its_encoding_itself():
    page = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=euc-kr"></head>똠방각하'
    xml = '<?xml version="1.0" encoding="EUC-KR"?><a>똠방각하</a>'

    assert decoded(page.encode("cp949"), "text/html") == page
    assert decoded(page.encode("cp949"), "text/html; charset=ISO-8859-1") == page
    assert decoded(xml.encode("cp949"), "text/xml") == xml


@pytest.mark.parametrize("header", ["text/html; charset=utf-8", "text/html", "text/html; charset=none", ""])
def test_korean_text_survives_a_header_that_is_wrong_or_silent(header: str):
    assert decoded("경제 뉴스입니다".encode("cp949"), header) == "경제 뉴스입니다"


def test_utf8_under_a_default_of_latin1_is_utf8():
    assert decoded("안녕".encode(), "text/plain; charset=ISO-8859-1") == "안녕"
    assert decoded("café".encode("latin-1"), "text/plain; charset=ISO-8859-1") == "café"


@pytest.mark.parametrize("label", ["punycode", "unicode_escape", "idna", "zlib", "rot13", "utf-7", "undefined", "hex"])
def test_no_stranger_chooses_an_odd_codec(label: str):
    assert decoded(b"\\x41-abc", f"text/plain; charset={label}") == "\\x41-abc"


@given(st.binary(), st.text(alphabet=st.characters(codec="ascii")))
def test_any_bytes_are_read_somehow(content: bytes, label: str):
    assert isinstance(decoded(content, f"text/html; charset={label}"), str)


def test_json_is_read():
    assert _response('{"제목": ["경제", 1, null]}'.encode()).json() == {"제목": ["경제", 1, None]}
    assert _response('{"제목": 1}'.encode("cp949"), "application/json; charset=euc-kr").json() == {"제목": 1}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("<!DOCTYPE html><html><title>로그인</title>", "web page"),
        ("<OpenAPI_ServiceResponse><cmmMsgHeader>SERVICE ERROR</cmmMsgHeader>", "XML"),
        ("SERVICE_KEY_IS_NOT_REGISTERED", "Expecting value"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1', "Expecting"),
        ("[" * 100_000, "nested"),
        ("1" * 5000, "Exceeds"),
    ],
)
def test_what_is_not_json_is_named(content: str, why: str):
    with pytest.raises(NotJson, match=why) as caught:
        _response(content.encode()).json()

    assert caught.value.advice
    assert "hunter2" not in str(caught.value.to_dict())
    assert len(caught.value.text) < 1000


def test_a_preview_is_one_short_line_without_markup():
    page = "<html><style>p {color: red}</style><script>if (a < b) {}</script><p>점검 <b>중</b>\n입니다\x1b[31m"

    assert _response(page.encode()).preview() == "점검 중 입니다 [31m"
    assert _response("가".encode() * 5000).preview(10) == "가" * 9 + "…"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_json_comes_through(data: object):
    assert _response(json.dumps(data).encode()).json() == data
