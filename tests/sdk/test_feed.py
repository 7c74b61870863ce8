import pytest

from mulle.sdk.feed import NoFeed, read_feed

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>경제 &amp; 금융</title><link>https://news.example/</link>
<item><title><![CDATA[<b>금리</b> 동결]]></title><link>https://news.example/1</link><guid>1</guid>
<description>짧은 글&nbsp;하나</description><content:encoded><![CDATA[<p>긴</p><p>글</p>]]></content:encoded>
<pubDate>Fri, 01 Mar 2024 09:30:00 +0900</pubDate><dc:creator>홍길동</dc:creator></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>소식</title><link rel="self" href="https://a.example/feed"/>
<link href="https://a.example/"/><entry><title type="html">하나 &amp;amp; 둘</title><id>urn:1</id>
<link rel="alternate" href="https://a.example/1"/><updated>2024-03-01T09:30:00Z</updated>
<author><name>김</name></author><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>본문</p></div></content>
</entry></feed>"""

RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://r.example/"><title>옛 형식</title></channel>
<item rdf:about="https://r.example/1"><title>글</title><link>https://r.example/1</link></item></rdf:RDF>"""


def test_rss_gives_its_items_as_plain_text():
    feed = read_feed(RSS)

    assert (feed["title"], feed["link"]) == ("경제 & 금융", "https://news.example/")
    assert feed["items"] == [
        {
            "title": "금리 동결",
            "link": "https://news.example/1",
            "text": "긴\n글",
            "published": "Fri, 01 Mar 2024 09:30:00 +0900",
            "author": "홍길동",
            "id": "1",
        }
    ]


def test_atom_gives_the_same():
    feed = read_feed(ATOM)

    assert (feed["title"], feed["link"]) == ("소식", "https://a.example/")
    assert feed["items"] == [
        {
            "title": "하나 & 둘",
            "link": "https://a.example/1",
            "text": "본문",
            "published": "2024-03-01T09:30:00Z",
            "author": "김",
            "id": "urn:1",
        }
    ]


def test_the_items_of_rdf_stand_beside_its_channel():
    feed = read_feed(RDF)

    assert feed["title"] == "옛 형식"
    assert [item["id"] for item in feed["items"]] == ["https://r.example/1"]


def test_an_entry_may_lack_everything():
    feed = read_feed('<feed><entry/><entry><link rel="enclosure" href="/a.mp3"/><link/></entry></feed>')

    assert feed["items"][0] == {"title": "", "link": "", "text": "", "published": "", "author": "", "id": ""}
    assert feed["items"][1]["link"] == "/a.mp3"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaa"><!ENTITY b "&a;&a;&a;">]><rss><channel><title>&b;</title></channel></rss>'


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("<html><body>글</body></html>", "it begins with <html>"),
        ("그냥 글", "it is no well-formed XML"),
        ("", "it is no well-formed XML"),
        (BOMB, "it declares entities of its own"),
        ("<rss>" + "<a>" * 200 + "</a>" * 200 + "</rss>", "it is nested too deeply"),
    ],
)
def test_what_is_no_feed_is_refused_with_a_reason(source: str, problem: str):
    with pytest.raises(NoFeed, match=problem):
        read_feed(source)
