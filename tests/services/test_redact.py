import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from mulle.services.redact import Redactor


def test_a_secret_is_replaced_by_its_name():
    assert Redactor({"NAVER_KEY": "hunter22"}).text("key=hunter22!") == "key=[secret NAVER_KEY]!"


def test_what_is_short_is_left_alone():
    assert Redactor({"PIN": "12345"}).text("12345") == "12345"


def test_the_longer_of_two_secrets_wins():
    redactor = Redactor({"A": "password", "B": "password-of-b"})

    assert redactor.text("password-of-b password") == "[secret B] [secret A]"


def test_without_secrets_nothing_changes():
    assert Redactor({}).text("안녕") == "안녕"


def test_a_secret_inside_a_basic_header_is_replaced():
    header = "Basic " + base64.b64encode("user:나의 비밀번호".encode()).decode()

    assert "[secret P" in Redactor({"P": "나의 비밀번호"}).text(header)


def test_data_is_cleaned_in_every_corner():
    redactor = Redactor({"K": "hunter22"})

    assert redactor.data({"a": ["hunter22", 1, None, True], "hunter22": {"b": "x hunter22"}}) == {
        "a": ["[secret K]", 1, None, True],
        "[secret K]": {"b": "x [secret K]"},
    }


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40))
def test_no_usual_spelling_of_a_secret_gets_through(secret: str):
    spellings = [
        secret,
        quote(secret, safe=""),
        re.sub("%..", lambda code: code[0].lower(), quote(secret, safe="")),
        quote_plus(secret),
        json.dumps(secret),
        json.dumps({"k": secret}, ensure_ascii=False),
        html.escape(secret),
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode(),
    ]

    texts = [Redactor({"K": secret}).text(spelling) for spelling in spellings]

    assert all("[secret K]" in text for text in texts)


@given(st.binary(max_size=9), st.text(alphabet="abc가/+_ ", min_size=10), st.binary(max_size=9))
def test_base64_hides_no_secret_wherever_it_stands(before: bytes, secret: str, after: bytes):
    encoded = base64.b64encode(before + secret.encode() + after).decode()

    assert "[secret K]" in Redactor({"K": secret}).text(encoded)
