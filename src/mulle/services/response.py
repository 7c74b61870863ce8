"""What a server answered: bytes, and the text and JSON that they are. Knows no network.

Korean pages say EUC-KR and mean CP949, say UTF-8 in the header and EUC-KR in the page, or say nothing. The text is read
with the first of these that fits without error: byte order mark, header, <meta> or <?xml?>, UTF-8, CP949.
"""

import codecs
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mulle.errors import NotJson

_CODECS = re.compile(
    r"utf-8|utf-16(-[lb]e)?|ascii|cp949|euc_kr|johab|iso2022_(kr|jp)|shift_jis|cp932|euc_jp|gb2312|gbk|gb18030|big5"
    r"|iso8859-\d+|cp125\d|koi8-[ru]"
)
"""Python also has codecs such as punycode and unicode_escape: not for bytes of strangers."""


@dataclass(frozen=True)
class Response:
    """An answer of a server."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; several of one name are joined by commas."""
    content: bytes
    """As it was before Content-Encoding."""
    url: str
    """Where it came from in the end, behind all redirects."""
    elapsed: float
    """Seconds from the call to the last byte, retries and redirects included."""

    @property
    def ok(self) -> bool:
        """Whether the status says that it worked (below 400)."""
        return self.status < 400

    @property
    def text(self) -> str:
        """The content as text; what cannot be read becomes U+FFFD."""
        return self._text

    @functools.cached_property
    def _text(self) -> str:
        return decoded(self.content, self.headers.get("content-type", ""))

    def json(self) -> Any:
        """The content as JSON data. Raises NotJson, which says what came instead."""
        try:
            return json.loads(self.text, parse_constant=_no_constant)
        except RecursionError as error:
            raise self._not_json("it is nested too deeply") from error
        except ValueError as error:
            raise self._not_json(str(error)) from error

    def preview(self, length: int = 300) -> str:
        """The beginning of the text on one line, for people; markup is left out."""
        beginning = self.text[: length * 20]
        if _looks_like_markup(beginning):
            beginning = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<[^>]*>", " ", beginning)
        words = " ".join("".join(c if c.isprintable() else " " for c in beginning).split())
        return words if len(words) <= length else words[: length - 1] + "…"

    def _not_json(self, why: str) -> NotJson:
        start = self.text[:200].lstrip().lower()
        if not start:
            why, hint = "it is empty", "Perhaps this address answers only to another method, or has nothing to say."
        elif re.match(r"<!doctype html|<html|<head|<body", start):
            why = "it is a web page"
            hint = "Check the URL: an API often answers with a page when the path, the key or the login is wrong."
        elif start.startswith("<"):
            why = "it is XML"
            hint = "Look at the text: it may be an error message; some APIs need a parameter to answer in JSON."
        else:
            hint = "Look at the text, or ask the server for JSON with the header Accept: application/json."
        return NotJson(place=self.url.partition("?")[0], why=why, preview=self.preview(), hint=hint)


def decoded(content: bytes, content_type: str) -> str:
    """`content` as text, by the rules above; `content_type` is the header's value, possibly empty."""
    candidates = list(_encodings(content, content_type.lower()))
    for encoding in candidates:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode(candidates[0], "replace")


def _encodings(content: bytes, content_type: str) -> Iterator[str]:
    if content.startswith(codecs.BOM_UTF8):
        yield "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield "utf-16"
    named = [re.search(r"charset\s*=\s*[\"']?([\w.:+-]+)", content_type)]
    if _looks_like_markup(content[:4096].decode("latin-1")) or re.search(r"\b(html|xml)\b", content_type):
        beginning = content[:4096].decode("latin-1").lower()
        named.append(re.search(r"<meta\b[^>]*charset\s*=\s*[\"']?\s*([\w.:+-]+)", beginning))
        named.append(re.search(r"<\?xml\b[^>]*encoding\s*=\s*[\"']([\w.:+-]+)", beginning))
    encodings = [_codec(found[1]) for found in named if found]
    # Latin-1 fits any bytes, and servers send it as a default that nobody chose: it is believed last.
    yield from (encoding for encoding in encodings if encoding and encoding != "cp1252")
    yield "utf-8"
    if "cp1252" in encodings:
        yield "cp1252"
    yield "cp949"


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        name = "cp949" if re.fullmatch(r"(x-)?windows-949|ks_?c_?5601.*", label) else ""
    if name in {"euc_kr", "cp949"}:
        return "cp949"  # All of EUC-KR and the 8,822 syllables it lacks.
    if name in {"iso8859-1", "ascii"}:
        return "cp1252"  # What browsers do.
    return name if _CODECS.fullmatch(name) else None


def _looks_like_markup(text: str) -> bool:
    return text.lstrip("\ufeffï»¿ \t\r\n").startswith("<")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
