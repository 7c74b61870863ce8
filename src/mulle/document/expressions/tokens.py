"""Cut the text of an expression into tokens. Knows characters, not grammar."""

import re
import unicodedata
from typing import Any, NamedTuple

from mulle.errors import ExpressionTooLarge, UnreadableExpression

MAX_BYTES = 4096
"""The longest text of one expression, in UTF-8."""

LARGEST_NUMBER = 1e300
"""No number that is written or computed may be further from zero."""


class Token(NamedTuple):
    """One word of an expression; `kind` is `name`, `number`, `text`, `sign` or `end`."""

    kind: str
    text: str
    """The characters as written; of a name in NFC."""
    value: Any
    """What a number or a text stands for."""
    start: int
    end: int


def tokenise(text: str) -> list[Token]:
    """Every token of `text`, closed by one of kind `end`; `text` is in NFC.

    Raises UnreadableExpression at the first character that has no meaning.
    """
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _unknown_character(text, place)
        place = match.end()
        kind = match.lastgroup
        if kind == "sign":
            tokens.append(Token("sign", match[0], None, match.start(), place))
        elif kind == "name":
            place = _name_end(text, match)
            tokens.append(Token("name", text[match.start() : place], None, match.start(), place))
        elif kind == "number":
            tokens.append(Token("number", match[0], _number(text, match), match.start(), place))
        elif kind == "text":
            tokens.append(Token("text", match[0], _unescaped(text, match), match.start(), place))
        elif kind == "foreign":
            raise unreadable(f"`{match[0]}` has no meaning here.", text, match.start(), _FOREIGN[match[0]])
    tokens.append(Token("end", "", None, len(text), len(text)))
    return tokens


def readable(text: str) -> str:
    """`text` in NFC, so that Korean names are one however they were typed.

    Raises ExpressionTooLarge beyond `MAX_BYTES`.
    """
    try:
        size = len(text) if len(text) > MAX_BYTES else len(text.encode())
    except UnicodeEncodeError as error:
        raise unreadable("half a character stands here.", text, error.start, "Remove it.") from None
    if size > MAX_BYTES:
        raise unreadable(f"an expression has at most {MAX_BYTES} bytes of text.", text, 0, kind=ExpressionTooLarge)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_name(text: str) -> bool:
    """Whether `text` can be written as it is: after a point, or as the first name of a reference."""
    return _NAME.fullmatch(text) is not None and text.isidentifier()


def unreadable(
    detail: str, text: str, offset: int, hint: str = "", kind: type[UnreadableExpression] = UnreadableExpression
) -> UnreadableExpression:
    """An error of class `kind` that names line and column of `text[offset]`; it keeps `offset` among its facts."""
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    place = f"Line {line}, column {column}" if "\n" in text else f"Column {column}"
    return kind(detail, place=place, line=line, column=column, offset=offset, hint=hint or None)


_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<name>[^\W\d]\w*)
    | (?P<number>(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<text>"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')
    | (?P<foreign>===|!==|<>|&&|\|\||\*\*|=(?!=)|!(?!=)|[|?&“”‘’$\#~^;])
    | (?P<sign>==|!=|<=|>=|//|[-+*/%<>()\[\]{},.:])
    """,
    re.VERBOSE | re.DOTALL,
)

_NAME = re.compile(r"[^\W\d]\w*")

_PLAIN_QUOTES = "Use plain quotes: \"…\" or '…'."
_PLAIN_NAMES = "A reference is written node.port, without any sign around it."
_FOREIGN = {
    "===": "Write `==`.",
    "!==": "Write `!=`.",
    "<>": "Write `!=`.",
    "=": "To compare, write `==`.",
    "!": "Write `not`.",
    "&&": "Write `and`.",
    "&": "Write `and`; to join texts, write `+`.",
    "||": "Write `or`.",
    "|": "A function is called by name: `upper(x)` instead of `x | upper`.",
    "**": "There are no powers; write the multiplication out.",
    "?": "Write `a if condition else b`.",
    "“": _PLAIN_QUOTES,
    "”": _PLAIN_QUOTES,
    "‘": _PLAIN_QUOTES,
    "’": _PLAIN_QUOTES,
    "$": _PLAIN_NAMES,
    "#": _PLAIN_NAMES,
    "~": "To join texts, write `+`.",
    "^": "There are no powers; write the multiplication out.",
    ";": "One field holds one expression.",
}

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'"}


def _unknown_character(text: str, place: int) -> UnreadableExpression:
    character = text[place]
    if character in "\"'":
        return unreadable("this text is never closed.", text, place, f"Close it with {character}.")
    name = unicodedata.name(character, "unnamed").lower()
    return unreadable(
        f"the character U+{ord(character):04X} ({name}) has no meaning here.",
        text,
        place,
        "Remove it, or put it between quotes.",
    )


def _name_end(text: str, match: re.Match[str]) -> int:
    r"""Where the name ends: `\w` knows letters, but not the vowel signs that belong to letters of Hindi or Thai."""
    end = match.end()
    while end < len(text) and ("a" + text[end]).isidentifier():
        end += 1
    if not text[match.start() : end].isidentifier():
        odd = next((i for i in range(match.start(), end) if not ("a" + text[i]).isidentifier()), match.start())
        raise _unknown_character(text, odd)
    return end


def _number(text: str, match: re.Match[str]) -> int | float:
    digits = match[0]
    following = text[match.end() : match.end() + 1]
    if following.isalnum() or following == "_":
        raise unreadable(
            "a number runs into a name or another number.",
            text,
            match.start(),
            'An id that begins with a digit is written nodes["…"]; a text stands between quotes.',
        )
    number = int(digits) if digits.isdecimal() else float(digits)
    if number > LARGEST_NUMBER:
        raise unreadable("this number is too large.", text, match.start(), "Numbers go up to 1e300.")
    return number


def _unescaped(text: str, match: re.Match[str]) -> str:
    """What stands between the quotes; raises UnreadableExpression for an unknown escape."""
    inner = match[0][1:-1]
    if "\\" not in inner:
        return inner

    def meaning(escape: re.Match[str]) -> str:
        if len(escape[1]) == 5:
            return chr(int(escape[1][1:], 16))
        if escape[1] not in _ESCAPED:
            raise unreadable(
                f"`{escape[0]}` is not an escape.",
                text,
                match.start() + 1 + escape.start(),
                r"A backslash itself is written \\.",
            )
        return _ESCAPED[escape[1]]

    plain = _ESCAPE.sub(meaning, inner)
    try:  # Two \u escapes may make one character, as in JSON.
        return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise unreadable(
            "half a character stands in this text.", text, match.start(), r"Write both of its \u escapes."
        ) from None
