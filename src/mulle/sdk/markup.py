"""Text out of HTML, in time linear in its length however broken it is. Runs nothing and fetches nothing."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


BLOCKS = _names(
    "address article aside blockquote br caption dd details div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr li main nav ol option p pre section summary table td th title tr ul"
)
"""Elements that stand on lines of their own."""
UNREAD = _names("script style noscript template svg math head iframe object select textarea button")
"""What is not for reading; its content is left out."""
RAW = frozenset({"script", "style", "textarea"})
"""Elements whose content is no markup."""
AROUND = frozenset({"nav", "footer", "aside", "form", "header"})
"""What stands around a page's own text."""
MAX_LINKS = 2000
ENOUGH = 200
"""Characters of a page's own text that are worth believing its markup."""


def plain_text(text: str) -> str:
    """A text without markup: tags off, entities read, white space tidied. A lone `<` stays: `3 < 5`."""
    if "<" not in text:
        return tidy(html.unescape(text))
    pieces: list[str] = []
    skipping = ""
    for token in tokens(text):
        if skipping:
            skipping = "" if token.end and token.name == skipping else skipping
        elif token.name in RAW:
            skipping = "" if token.end else token.name
        elif token.name:
            pieces.append("\n" if token.name in BLOCKS else "")
        else:
            pieces.append(html.unescape(token.text))
    return tidy("".join(pieces))


def tidy(text: str) -> str:
    """Spaces and empty lines, however many, become one; none at the ends of lines."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Token:
    """A tag, or the text between two."""

    text: str = ""
    name: str = ""
    """Of a tag, in lower case."""
    end: bool = False
    attributes: str = ""


def tokens(text: str) -> Iterator[Token]:
    """Tags and texts in turn; comments and declarations are left out."""
    begin = at = 0
    unclosed: set[str] = set()
    while (opening := text.find("<", at)) >= 0:
        at = opening + 1
        mark = _MARK.match(text, opening)
        closing = "-->" if mark and mark[0] == "<!--" else ">"
        # A search that failed once fails for all later places: so nobody makes it read the rest again and again.
        if mark is None or closing in unclosed:
            continue
        end = _tag_end(text, mark.end()) if mark[2] else text.find(closing, mark.end())
        if end < 0:
            unclosed.add(closing)
            continue
        if opening > begin:
            yield Token(text[begin:opening])
        begin = at = end + len(closing)
        if mark[2]:
            name = mark[2].lower()
            yield Token(name=name, end=bool(mark[1]), attributes=text[mark.end() : end])
            if name in RAW and not mark[1]:
                begin = at = _raw_end(text, name, at)
    if begin < len(text):
        yield Token(text[begin:])


_MARK = re.compile(r"<(?:(/?)([A-Za-z][A-Za-z0-9:-]{0,40})|!--|[!?])")


def _tag_end(text: str, at: int) -> int:
    """Where a tag's `>` stands: not one within quotes, as far as the quotes are closed within 2,000 characters."""
    quoted = _QUOTED.match(text, at, at + 2000)
    return quoted.end() - 1 if quoted else text.find(">", at)


_QUOTED = re.compile(r"""(?>[^"'>]+|"[^"]*"|'[^']*')*+>""")


def _raw_end(text: str, name: str, at: int) -> int:
    """Where the end tag of a script or the like begins; the end of the text if there is none."""
    found = re.compile(f"</{name}", re.IGNORECASE).search(text, at)
    return found.start() if found else len(text)


@dataclass(frozen=True)
class Page:
    """What there is to read on a web page."""

    title: str
    text: str
    links: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """`{"text", "url"}`, in their order; at most 2,000."""


def read_page(source: str, url: str = "") -> Page:
    """A page's title, its own text (that of `<main>` or `<article>` where it has one) and its links.

    Args:
        source: HTML.
        url: Where it came from, to complete the addresses of its links.
    """
    reader = _Reader(url)
    for token in tokens(source):
        reader.take(token)
    own, everything = tidy("".join(reader.own)), tidy("".join(reader.all))
    return Page(
        title=tidy("".join(reader.title)).replace("\n", " "),
        text=own if len(own) > ENOUGH else everything or plain_text(source),
        links=reader.links,
    )


class _Reader:
    """What was read of a page so far, and where in it we are."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.title: list[str] = []
        self.all: list[str] = []
        self.own: list[str] = []
        self.links: list[dict[str, str]] = []
        self._inside: dict[str, int] = {}
        self._link: tuple[str, list[str]] | None = None

    def take(self, token: Token) -> None:
        if token.name:
            self._tag(token)
            if token.name in BLOCKS:
                self._add("\n")
        elif self._in("title") and not self._in("svg"):
            self.title.append(html.unescape(token.text))
        else:
            self._add(html.unescape(token.text))

    def _tag(self, token: Token) -> None:
        if token.name == "a":
            self._anchor(token)
        elif token.name in UNREAD | AROUND | {"title", "main", "article"} and not token.attributes.endswith("/"):
            depth = self._inside.get(token.name, 0) + (-1 if token.end else 1)
            self._inside[token.name] = max(0, depth)
        elif token.name == "body":
            self._inside.pop("head", None)  # Its end tag may be left out.

    def _anchor(self, token: Token) -> None:
        if self._link:
            address, words = self._link
            text = " ".join("".join(words).split())
            if text and len(self.links) < MAX_LINKS:
                self.links.append({"text": text, "url": address})
        found = None if token.end else _HREF.search(token.attributes)
        address = html.unescape(found[1] or found[2] or found[3] or "").strip() if found else ""
        self._link = (joined_url(self.url, address), []) if address and not address.startswith("#") else None

    def _add(self, text: str) -> None:
        if any(self._in(name) for name in UNREAD):
            return
        if self._link:
            self._link[1].append(text)
        if not any(self._in(name) for name in AROUND):
            self.all.append(text)
            if self._in("main") or self._in("article"):
                self.own.append(text)

    def _in(self, name: str) -> bool:
        return self._inside.get(name, 0) > 0


_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)


def joined_url(base: str, address: str) -> str:
    """An address as seen from where it stands; as it is when it cannot be read."""
    try:
        return urljoin(base, address)
    except ValueError:
        return address
