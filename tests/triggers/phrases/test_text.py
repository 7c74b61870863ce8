import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from mulle.triggers.phrases.text import plain_text


def test_letters_dashes_and_digits_become_plain():
    text = plain_text(unicodedata.normalize("NFD", "매일") + " ９：３０〜１８시 MON–FRI")

    assert text.plain == "매일 9:30~18시 mon-fri"


def test_places_are_those_of_the_original():
    original = unicodedata.normalize("NFD", "매월 말일")
    text = plain_text(original)

    start, end = text.span(3, 5)

    assert unicodedata.normalize("NFC", original[start:end]) == "말일"


def test_gaps_of_any_size_are_one_space():
    text = plain_text("매일 \t\n  9시")

    assert text.plain == "매일 9시"
    assert text.span(3, 5) == (7, 9)


@given(st.text())
def test_every_letter_has_a_place(original: str):
    text = plain_text(original)

    assert len(text.plain) == len(text.begins) == len(text.ends)
    assert list(text.begins) == sorted(text.begins)
