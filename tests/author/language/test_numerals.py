import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.author.language.numerals import number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("1,400", 1400), ("2.5", 2.5), ("세", 3), ("열두", 12), ("스무", 20), ("이십", 20),
        ("십오", 15), ("백", 100),
        ("삼천오백", 3500), ("3만", 30_000), ("1억", 100_000_000), ("five", 5), ("Ten", 10),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text: str, value: float):
    assert number(text) == value


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_none(text: str):
    value = number(text)

    assert value is None or value >= 0
