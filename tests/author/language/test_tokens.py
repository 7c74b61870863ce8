import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.author.language.clauses import clauses
from mulle.author.language.tokens import Token, tokens
from mulle.author.lexicon import lexicon


def cut(sentence: str) -> list[Token]:
    return tokens(sentence, lexicon())


def pieces(sentence: str) -> list[str]:
    return [token.text for token in cut(sentence)]


def test_spaces_are_a_help_and_no_condition():
    spaced = "네이버 뉴스에서 경제 기사 3개 요약해서 메일로 보내줘"

    assert pieces(spaced.replace(" ", "")) == pieces(spaced)


@pytest.mark.parametrize(
    ("text", "word", "role"),
    [
        ("환율을", "환율", "object"), ("재무팀에게", "재무팀", "at"), ("슬랙으로", "슬랙", "by"),
        ("뉴스에서", "뉴스", "from"),
        ("고객사가", "고객사", "subject"), ("반도체의", "반도체", "of"), ("속도", "속도", ""), ("물가", "물가", ""),
    ],
)  # fmt: skip
def test_particles_say_what_a_noun_is_to_its_verb(text: str, word: str, role: str):
    (token,) = cut(text)

    assert (token.text, token.role) == (word, role)


@pytest.mark.parametrize(
    ("text", "action", "ending"),
    [
        ("요약해서", "summarise", "then"), ("요약하고", "summarise", "then"), ("요약해줘", "summarise", "final"),
        ("요약해 주세요", "summarise", "final"), ("보내면", "send", "if"), ("골라", "choose", "final"),
        ("모은", "collect", "modifier"),
        ("확인받고", "approve", "then"), ("저장했다가", "save", "then"), ("번역해 줄래요", "translate", "final"),
    ],
)  # fmt: skip
def test_verbs_are_known_in_every_form(text: str, action: str, ending: str):
    found = cut(text)

    assert found[0].means("action") == action
    assert found[0].ending == ending or action == "save"


def test_what_no_word_covers_is_kept():
    assert [token.text for token in cut("블라블라를 요약해줘") if token.kind == "unknown"] == ["블라블라"]


@pytest.mark.parametrize(
    ("text", "kind", "inner"),
    [
        ("'반도체'", "quoted", "반도체"),
        ("a@b.co", "email", "a@b.co"),
        ("#공지", "hashtag", "#공지"),
        ("https://a.b/c", "url", "https://a.b/c"),
    ],
)
def test_addresses_and_quotations_are_taken_as_they_stand(text: str, kind: str, inner: str):
    (token,) = cut(text)

    assert (token.kind, token.text) == (kind, inner)


def test_clauses_end_with_korean_verbs_and_begin_with_english_ones():
    korean = clauses(cut("뉴스를 모아서 요약하고 비 오면 메일로 보내줘"), korean=True)
    english = clauses(cut("if it rains, fetch the news and email me"), korean=False)

    assert [clause.kind for clause in korean] == ["do", "do", "if", "do"]
    assert [clause.kind for clause in english] == ["if", "do", "do"]


@given(st.text(max_size=60))
def test_every_letter_of_any_text_lies_in_at_most_one_token(text: str):
    place = 0
    for token in cut(text):
        assert token.start >= place
        assert token.end > token.start
        place = token.end
