import pytest

from mulle.author.language.conjugation import ends_in_consonant, stems


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("모으다", {"모으", "모아", "모은", "모을", "모았"}),
        ("고르다", {"고르", "골라", "고른", "고를", "골랐"}),
        ("보내다", {"보내", "보낸", "보낼", "보냈"}),
        ("올리다", {"올리", "올려", "올린", "올릴", "올렸"}),
        ("찾다", {"찾", "찾아", "찾은", "찾을", "찾았"}),
        ("만들다", {"만들", "만들어", "만든", "만드", "만들었"}),
        ("나누다", {"나누", "나눠", "나눈", "나눌", "나눴"}),
        ("쓰다", {"쓰", "써", "쓴", "쓸", "썼"}),
        ("오다", {"오", "와", "온", "올", "왔"}),
        ("요약하다", {"요약하", "요약해", "요약한", "요약할", "요약했", "요약되"}),
    ],
)
def test_a_verb_has_the_stems_that_endings_are_put_on(verb: str, forms: set[str]):
    assert forms <= {stem.text for stem in stems(verb)}


def test_final_consonants_are_heard():
    assert ends_in_consonant("책")
    assert not ends_in_consonant("뉴스")
    assert not ends_in_consonant("AI")
