import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulle.sdk.markup import plain_text, read_page, tokens


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<b>경제</b> &quot;성장률&quot; &amp; 금리", '경제 "성장률" & 금리'),
        ("첫째<br>둘째<p>셋째</p>", "첫째\n둘째\n셋째"),
        ("3 < 5, 7 > 2", "3 < 5, 7 > 2"),
        ("<script>if (a < b) { '</b>' }</script>글<style>b {}</style>", "글"),
        ("<!-- 주석 <b> -->글<!doctype html>", "글"),
        ('<a title="a > b">글</a>', "글"),
        ("<b>닫히지 않은 <i", "닫히지 않은 <i"),
        ("  빈   칸\n\n\n줄 ", "빈 칸\n줄"),
        ("", ""),
    ],
)
def test_plain_text_is_what_a_reader_would_see(markup: str, text: str):
    assert plain_text(markup) == text


PAGE = """<!doctype html><html><head><title>한국은행 &amp; 금리</title><style>p {color: red}</style></head>
<body><header><a href="/">홈</a></header><nav><ul><li>메뉴</li></ul></nav>
<article><h1>금리 동결</h1><p>한국은행이 기준금리를 동결했다. {long}</p><script>track()</script></article>
<aside>광고</aside><footer>저작권</footer></body></html>"""


def test_a_page_is_read_without_what_stands_around_it():
    page = read_page(PAGE.replace("{long}", "긴 문장. " * 50), "https://news.example/a/1")

    assert page.title == "한국은행 & 금리"
    assert page.text.startswith("금리 동결\n한국은행이 기준금리를 동결했다. 긴 문장.")
    assert not {"메뉴", "광고", "저작권", "track()"} & set(page.text.split())
    assert page.links == [{"text": "홈", "url": "https://news.example/"}]


def test_a_page_whose_navigation_is_never_closed_still_has_text():
    assert read_page("<body><nav>메뉴<p>본문</body>").text == "메뉴\n본문"


def test_links_without_words_or_address_are_left_out():
    page = '<p><a href="/1"><img></a><a href="#top">위로</a><a>글</a><a href=http://[>깨진</a><a href=/2>둘</a></p>'

    assert read_page(page, "https://a.example/").links == [
        {"text": "깨진", "url": "http://["},
        {"text": "둘", "url": "https://a.example/2"},
    ]


@given(st.text(alphabet="<>/!-'\"ab &;=", max_size=200))
def test_no_text_is_too_broken_to_be_read(text: str):
    plain_text(text)
    read_page(text)

    assert sum(len(token.text) for token in tokens(text)) <= len(text)


@pytest.mark.parametrize("part", ["<", "<!--", "<a ", '<a "', "<!", "</script", "<script>", "&amp", "<nav>"])
def test_a_hostile_page_takes_time_in_proportion(part: str):
    read_page(part * 100_000)
