"""Texts with `{{ expression }}` in them, and data that holds such texts. Knows no loops: the template node does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mulle.errors import ExpressionError, ExpressionTooLarge, UnreadableExpression, WrongValue

from .evaluate import SHORT, Expression, Lookup, evaluate, parse
from .tokens import MAX_BYTES, unreadable
from .tree import Reference
from .values import MAX_LEVELS, MAX_SIZE, as_text, joined, shape_of


@dataclass(frozen=True)
class Template:
    """A text that has been read; two with the same text are equal."""

    text: str
    pieces: tuple[str | Expression, ...] = field(compare=False, repr=False)
    """Plain text and expressions in turn, in the order of the text."""
    references: tuple[Reference, ...] = field(compare=False, repr=False)
    """What it needs, each once, in the order of the text."""

    @property
    def is_single(self) -> bool:
        """Whether the text is one expression and nothing else, line breaks around it aside."""
        return len(self.pieces) == 1 and isinstance(self.pieces[0], Expression)


def parse_template(text: str, *, at: str = "") -> Template:
    """Read a text; one that was read lately is not read again.

    Raises UnreadableExpression with line and column in `text` for an expression that cannot be read or a `{{` that is
    never closed. `{{ "{{" }}` stands for two plain braces.
    """
    try:
        return (_short if len(text) <= SHORT else _long if len(text) <= LONG else _read)(text)
    except UnreadableExpression as error:
        error.at = at
        raise


def render(template: Template, lookup: Lookup, *, at: str = "") -> Any:
    """The value itself of a single expression, else the text with the values in it (at most 1 MB).

    Null is empty text, 3.0 is 3, true is true, lists and objects are compact JSON. Raises as `evaluate` does.
    """
    if template.is_single:
        (only,) = template.pieces
        return evaluate(only, lookup, at=at) if isinstance(only, Expression) else only
    try:
        return joined(
            piece if isinstance(piece, str) else as_text(evaluate(piece, lookup)) for piece in template.pieces
        )
    except ExpressionError as error:
        error.at = error.at or at
        raise


def render_data(value: Any, lookup: Lookup, *, at: str = "") -> Any:
    """A copy of `value` with every text in its lists and objects rendered; keys stay as they are.

    Raises as `parse_template` and `render` do, with `at.key[0]` as the place.
    """
    return _rendered(value, lookup, at, MAX_LEVELS)


def data_references(value: Any, *, at: str = "") -> tuple[Reference, ...]:
    """What all the texts in `value` need, each once, in document order. Raises as `parse_template` does."""
    found: dict[Reference, None] = {}
    for text, place in _texts(value, at, MAX_LEVELS):
        found.update(dict.fromkeys(parse_template(text, at=place).references))
    return tuple(found)


LONG = 16_000
"""Characters of the longest template that is kept."""


def _read(text: str) -> Template:
    if len(text) > MAX_SIZE:
        raise unreadable("a text with references has at most 1 MB.", text, 0, kind=ExpressionTooLarge)
    pieces = tuple(_pieces(text))
    expressions = [piece for piece in pieces if isinstance(piece, Expression)]
    if len(expressions) == 1 and not "".join(piece for piece in pieces if isinstance(piece, str)).strip("\r\n"):
        pieces = tuple(expressions)  # YAML's `|` ends a text with a line break that nobody meant.
    needed = dict.fromkeys(reference for expression in expressions for reference in expression.references)
    return Template(text, pieces, tuple(needed))


_short = lru_cache(maxsize=1024)(_read)
_long = lru_cache(maxsize=64)(_read)


def _pieces(text: str) -> Iterator[str | Expression]:
    place = 0
    while (start := text.find("{{", place)) >= 0:
        if start > place:
            yield text[place:start]
        place = _closing(text, start)
        yield _expression(text, start + 2, place - 2)
    if place < len(text):
        yield text[place:]


_MARKS = re.compile(r""" "[^"\\]*(?:\\.[^"\\]*)*" | '[^'\\]*(?:\\.[^'\\]*)*' | [{}] """, re.VERBOSE | re.DOTALL)


def _closing(text: str, start: int) -> int:
    """Where the `}}` ends that closes the `{{` at `start`: not one within quotes, nor the end of an object."""
    depth = 0
    for mark in _MARKS.finditer(text, start + 2, start + MAX_BYTES + 6):
        if mark[0] == "{":
            depth += 1
        elif mark[0] == "}" and depth:
            depth -= 1
        elif mark[0] == "}" and text.startswith("}}", mark.start()):
            return mark.start() + 2
    raise unreadable(
        "this `{{` is never closed.", text, start, 'Close it with `}}`; two plain braces are written {{ "{{" }}.'
    )


def _expression(text: str, start: int, end: int) -> Expression:
    inner = text[start:end]
    try:
        return parse(inner.strip())
    except UnreadableExpression as error:
        offset = start + len(inner) - len(inner.lstrip()) + int(error.facts["offset"])
        raise unreadable(str(error.facts["detail"]), text, min(offset, end), error.advice, kind=type(error)) from None


def _rendered(value: Any, lookup: Lookup, at: str, levels: int) -> Any:
    if isinstance(value, str):
        return render(parse_template(value, at=at), lookup, at=at) if "{{" in value else value
    shape = shape_of(value)
    inner = ((key, _rendered(item, lookup, place, levels - 1)) for key, item, place in _inside(value, at, levels))
    if shape is dict:
        return dict(inner)
    return [item for _, item in inner] if shape is list else value


def _texts(value: Any, at: str, levels: int) -> Iterator[tuple[str, str]]:
    """Every text in `value` that may hold references, with its place."""
    if isinstance(value, str) and "{{" in value:
        yield value, at
    for _, item, place in _inside(value, at, levels):
        yield from _texts(item, place, levels - 1)


def _inside(value: Any, at: str, levels: int) -> Iterator[tuple[Any, Any, str]]:
    """Key, item and place of everything right inside an object or a list; of anything else, nothing."""
    shape = shape_of(value)
    if not levels and shape in {dict, list}:
        raise WrongValue(f"data nested more than {MAX_LEVELS} levels deep cannot hold references.", at=at)
    if shape is dict:
        data: dict[Any, Any] = value
        for key, item in data.items():
            yield key, item, f"{at}.{key}" if at else str(key)
    elif shape is list:
        items: list[Any] = value
        for index, item in enumerate(items):
            yield index, item, f"{at}[{index}]"
