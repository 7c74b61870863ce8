from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.nodes.alone import outputs
from tests.nodes.test_llm import Scripted

from mulle.nodes.extract import PATTERNS, Extract, FieldWanted, NoData, NotFound, by_form
from mulle.sdk.context import Services

MAIL = """2026년 3월 1일, 총 1,234,500원을 입금해 주세요.
문의: kim.chulsoo@example.co.kr, 010-1234-5678 (또는 02-345-6789).
https://pay.example.com/a?b=1 에서도 됩니다. 2026-03-05까지. 수수료 1.5, -3도."""


@pytest.mark.parametrize(
    ("like", "kind", "found"),
    [
        ("email", "string", "kim.chulsoo@example.co.kr"),
        ("phone", "array", ["010-1234-5678", "02-345-6789"]),
        ("url", "string", "https://pay.example.com/a?b=1"),
        ("date", "array", ["2026년 3월 1일", "2026-03-05"]),
        ("amount", "string", "1,234,500원"),
        ("amount", "number", 1234500),
    ],
)
def test_what_has_a_form_is_found_without_a_model(like: Any, kind: Any, found: Any):
    assert by_form(MAIL, FieldWanted(name="x", like=like, type=kind)) == found


async def test_each_field_is_at_its_own_port():
    fields = [{"name": "메일", "like": "email"}, {"name": "팩스", "like": "phone"}]

    made = await outputs(Extract(), {"fields": fields}, {"text": "a@b.kr"})

    assert made == {"메일": "a@b.kr", "팩스": None, "values": {"메일": "a@b.kr", "팩스": None}}


async def test_a_required_field_that_is_not_there_fails_the_step():
    with pytest.raises(NotFound, match="The text has no '메일'"):
        await outputs(Extract(), {"fields": [{"name": "메일", "like": "email", "required": True}]}, {"text": "없음"})


async def test_a_model_finds_what_has_no_form():
    model = Scripted({"text": "", "json": {"이름": "김철수", "나이": None}, "model": "m", "usage": {"input_tokens": 9}})
    fields: list[Any] = [{"name": "이름"}, {"name": "나이", "type": "number", "description": "만 나이"}]

    made = await outputs(Extract(), {"fields": fields, "text": "김철수입니다"}, services=Services(llm=model))

    assert made["values"] == {"이름": "김철수", "나이": None}
    assert model.asked[0]["schema"]["properties"]["나이"] == {"type": ["number", "null"], "description": "만 나이"}


async def test_talk_instead_of_data_fails_the_step():
    model = Scripted({"text": "이름이 없네요", "model": "m"})

    with pytest.raises(NoData, match="이름이 없네요"):
        await outputs(Extract(), {"fields": [{"name": "이름"}]}, services=Services(llm=model))


@pytest.mark.parametrize("like", sorted(PATTERNS))
@given(text=st.text(alphabet="0123456789.,-+@ah:/ 원만₩년월일", max_size=300))
def test_any_text_can_be_looked_through(like: Any, text: str):
    by_form(text, FieldWanted(name="x", like=like, type="number"))


@pytest.mark.parametrize("like", sorted(PATTERNS))
@pytest.mark.parametrize("part", ["1", "1,111", "a", "a.", "@a", "a@a.", "https://", "010-", "1 만 ", "-1", "2026."])
def test_a_hostile_text_takes_time_in_proportion(like: Any, part: str):
    by_form(part * (100_000 // len(part)), FieldWanted(name="x", like=like, type="array"))


@pytest.mark.parametrize(
    ("like", "text", "value"),
    [
        ("email", ".@0.0", 0.0),
        ("phone", "010-1234-5678", 1012345678),
        ("number", "-1,234.5", -1234.5),
        ("date", "2024.3.1", 202431),
    ],
)
def test_whatever_was_found_is_a_number_where_one_is_wanted(like: Any, text: str, value: float):
    assert by_form(text, FieldWanted(name="x", type="number", like=like)) == value
