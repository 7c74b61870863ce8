from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.errors import RequestUnusable
from mulle.services.notify.message import Attachment, Destination, Message
from mulle.services.notify.wanted import wanted


@pytest.mark.parametrize(
    ("channel", "settings", "message", "to"),
    [
        (
            "mail",
            {"to": "홍 <hong@example.com>", "subject": "뉴스", "body": "3개"},
            Message("3개", "뉴스"),
            Destination("mail", ("홍 <hong@example.com>",)),
        ),
        (
            "mail",
            {
                "to": ["a@b.c"],
                "cc": None,
                "attachments": [{"name": "a", "base64": "AP8="}, {"name": "b", "text": "가"}],
            },
            Message("", attachments=(Attachment("a", b"\0\xff"), Attachment("b", "가".encode()))),
            Destination("mail", ("a@b.c",)),
        ),
        ("webhook", {"url": "https://x", "data": [1]}, Message("", data=[1]), Destination("webhook", ("https://x",))),
        (
            "telegram",
            {"chat_id": 7, "message": "x", "token": "t"},
            Message("x"),
            Destination("telegram", ("7",), token="t"),
        ),
        ("file", {"path": "a.md", "mode": "write"}, Message(""), Destination("file", ("a.md",), mode="write")),
        ("console", {"text": 3}, Message("3"), Destination("console")),
    ],
)
def test_a_step_says_it_in_plain_data(channel: str, settings: dict[str, Any], message: Message, to: Destination):
    assert wanted(channel, settings) == (message, to)


@pytest.mark.parametrize(
    ("channel", "settings", "words"),
    [
        ("pigeon", {}, "pigeon"),
        ("mail", {"to": {"a": 1}}, "to"),
        ("mail", {"receiver": "x"}, "receiver"),
        ("mail", {"attachments": [{"name": "a", "base64": "!"}]}, "base64"),
        ("file", {"mode": "delete"}, "mode"),
        ("telegram", {"token": ["hunter2"]}, "token"),
    ],
)
def test_what_cannot_be_read_is_named_and_a_secret_is_not_repeated(channel: str, settings: dict[str, Any], words: str):
    with pytest.raises(RequestUnusable, match=words) as caught:
        wanted(channel, settings)

    assert not caught.value.sent
    assert "hunter2" not in str(caught.value.to_dict())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)
KEYS = st.sampled_from(["to", "cc", "text", "data"])


@given(st.sampled_from(["mail", "webhook", "file", "다른"]), st.dictionaries(KEYS, JSON))
def test_any_data_is_read_or_refused(channel: str, settings: dict[str, Any]):
    try:
        message, to = wanted(channel, settings)
    except RequestUnusable:
        return

    assert isinstance(message.text, str)
    assert all(isinstance(one, str) for one in to.to)
