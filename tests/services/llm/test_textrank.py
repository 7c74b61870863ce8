from hypothesis import given
from hypothesis import strategies as st

from mulle.services.llm.sentences import sentences
from mulle.services.llm.textrank import summary

NEWS = """한국은행이 올해 성장률 전망을 2.1%로 올렸다. 반도체 수출이 늘어난 까닭이라고 했다. 점심은 맛있었다.
지난달 수출이 12% 늘었다. 반도체 수출이 증가분의 절반을 넘었다.
소비자 심리 지수가 올랐다. 금리가 내려갈 것이라는 기대가 컸다."""


def test_a_summary_keeps_the_order_of_the_text_and_its_own_words():
    made = summary(NEWS, 3)

    assert len(made) == 3
    assert [line for line in sentences(NEWS) if line in made] == made


def test_each_paragraph_has_its_say():
    made = summary(NEWS, 3)

    assert all(any(line in part for line in made) for part in NEWS.splitlines()[:2])


def test_a_decimal_point_ends_no_sentence():
    assert sentences("성장률은 2.1%다. Dr. Kim said so.") == ["성장률은 2.1%다.", "Dr. Kim said so."]


def test_a_short_text_is_its_own_summary():
    assert summary("한 문장뿐이다.", 3) == ["한 문장뿐이다."]
    assert summary("", 3) == []


@given(st.text(max_size=600), st.integers(min_value=1, max_value=5))
def test_any_text_is_summarised_in_at_most_so_many_of_its_sentences(text: str, count: int):
    made = summary(text, count)

    assert len(made) <= count
    assert set(made) <= set(sentences(text))
