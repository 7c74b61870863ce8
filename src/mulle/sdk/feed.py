"""Read RSS (0.9 to 2.0, RDF) and Atom. Entities that a feed declares itself are refused; nothing is fetched."""

import html
import re
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from mulle.errors import StepError
from mulle.sdk.markup import plain_text

MAX_ENTRIES = 5000
MAX_DEPTH = 100


class NoFeed(StepError):
    """What came is no RSS or Atom."""

    code = "feed.unreadable"
    message = "This is no feed: {problem}."
    hint = "Check the address; a page's feed is often named in its <link rel=alternate>."


@dataclass(slots=True)
class Element:
    """One element, its name without prefix and in lower case."""

    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list[str])
    inside: "list[Element]" = field(default_factory=list["Element"])

    def all(self, *names: str) -> "list[Element]":
        return [element for name in names for element in self.inside if element.name == name]

    def content(self, *names: str) -> str:
        """The text of the first child of these names that has some."""
        texts = ("".join(_texts(element)).strip() for element in self.all(*names))
        return next((text for text in texts if text), "")


def read_feed(source: str) -> dict[str, Any]:
    """`{"title", "link", "items": [{"title", "link", "text", "published", "author", "id"}]}`.

    Texts are plain; dates stay as the feed has them. Raises NoFeed.
    """
    root = _parsed(source)
    channel = next(iter(root.all("channel")), root)
    entries = channel.all("item", "entry") or root.all("item", "entry")
    if root.name not in ("rss", "rdf", "feed"):
        raise NoFeed(problem=f"it begins with <{root.name[:40]}>")
    return {
        "title": plain_text(channel.content("title")),
        "link": _link(channel),
        "items": [_item(entry) for entry in entries[:MAX_ENTRIES]],
    }


def _item(entry: Element) -> dict[str, str]:
    person = next(iter(entry.all("author")), None)
    return {
        "title": plain_text(entry.content("title")),
        "link": _link(entry),
        "text": plain_text(entry.content("encoded", "content", "description", "summary")),
        "published": entry.content("pubdate", "published", "date", "updated"),
        "author": (person and person.content("name")) or entry.content("creator", "author"),
        "id": entry.content("guid", "id") or entry.attributes.get("about", ""),
    }


def _link(element: Element) -> str:
    """RSS writes the address as text, Atom as an attribute of one of several links."""
    links = element.all("link")
    for link in links:
        if link.attributes.get("rel", "alternate") == "alternate":
            address = link.attributes.get("href") or "".join(link.text).strip()
            if address:
                return address
    return links[0].attributes.get("href", "") if links else ""


def _texts(element: Element) -> list[str]:
    """The texts in an element and in all inside it (Atom's XHTML)."""
    return element.text + [text for inner in element.inside for text in _texts(inner)]


def _parsed(source: str) -> Element:
    """The tree of an XML text; raises NoFeed."""
    document = Element("", {})
    path = [document]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path) > MAX_DEPTH:
            raise NoFeed(problem="it is nested too deeply")
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        path[-1].inside.append(element)
        path.append(element)

    def end(_name: str) -> None:
        path.pop()

    def declared(*_: Any) -> None:
        raise NoFeed(problem="it declares entities of its own")

    def said(text: str) -> None:
        path[-1].text.append(text)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = said
    parser.EntityDeclHandler = declared
    try:
        parser.Parse(_without_html_entities(_undeclared(source)), True)
    except expat.ExpatError as error:
        raise NoFeed(problem=f"it is no well-formed XML ({error})") from error
    return document.inside[0]


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _undeclared(source: str) -> str:
    """The text without its XML declaration, whose encoding was already followed."""
    return re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", source.lstrip("\ufeff"), count=1)


def _without_html_entities(source: str) -> str:
    """`&nbsp;` and the like are known to HTML only, and feeds have them all the same."""
    return re.sub(r"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z][A-Za-z0-9]{1,30};", _as_character, source)


def _as_character(found: re.Match[str]) -> str:
    character = html.unescape(found[0])
    return found[0].replace("&", "&amp;") if character == found[0] or character in "<&" else character
