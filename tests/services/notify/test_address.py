import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.errors import BadAddress
from mulle.services.notify.address import Address, mail_address, mail_addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hong@example.com", Address("hong@example.com")),
        (" Hong.Gil+dong@Example.COM ", Address("Hong.Gil+dong@example.com")),
        ("홍길동 <hong@example.com>", Address("hong@example.com", "홍길동")),
        ('"홍, 길동 \\"대리\\"" <hong@example.com>', Address("hong@example.com", '홍, 길동 "대리"')),
        ("<hong@example.com>", Address("hong@example.com")),
        ("hong＠naver.com", Address("hong@naver.com")),
        ("hong@한국.kr", Address("hong@xn--3e0b707e.kr")),
        ("root@localhost", Address("root@localhost")),
        ("o'neil@a-b.example", Address("o'neil@a-b.example")),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, address: Address):
    assert mail_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "홍길동",
        "hong",
        "@example.com",
        "hong@",
        "hong@@example.com",
        "홍@example.com",
        ".hong@example.com",
        "ho..ng@example.com",
        "hong @example.com",
        "hong@exa mple.com",
        "hong@example..com",
        "hong@-example.com",
        "hong@127.0.0.1",
        "hong@[127.0.0.1]",
        "hong@exam_ple.com",
        "a@b.com c@d.com",
        "hong@example.com\r\nBcc: all@example.com",
        "홍\n길동 <hong@example.com>",
        "hong@example.com>",
        "x" * 65 + "@example.com",
        "x" * 600,
    ],
)
def test_what_reaches_nobody_is_refused_before_anything_is_sent(text: str):
    with pytest.raises(BadAddress) as caught:
        mail_address(text)

    assert not caught.value.sent
    assert "name@example.com" in caught.value.advice
    assert len(caught.value.text) < 700


def test_several_in_one_text_are_each_taken_once():
    found = mail_addresses(['"Kim, C." <kim@a.example>, lee@b.example; 박 <park@c.example>', "KIM@a.example", " ,"])

    assert [address.email for address in found] == ["kim@a.example", "lee@b.example", "park@c.example"]


@given(st.text(max_size=60) | st.from_regex(r'\A[가a"<> ]*[ab.@＠]+[.a-z<>",;]*\Z'))
def test_any_text_gives_sound_addresses_or_is_refused(text: str):
    try:
        found = mail_addresses([text])
    except BadAddress:
        return

    assert all(one.email.isascii() and one.email.count("@") == 1 and one.email.isprintable() for one in found)
    assert all(one.name.isprintable() and " " not in one.email for one in found)
