"""Big values taken out of a fact when it is written. Knows no store, and never waits.

    packed(fact)     the fact as JSON with a preview in each big value's place, and the values by their hashes

A value is big when its JSON has more than `LIMIT` bytes. The innermost big ones are taken: of `{"page": {"text": big}}`
the text, so that the same text in ten facts is kept once. Where what is left around them is big itself, the outer one
is taken with all that is in it. `blobs.whole` puts them back.

`packing` does the same slice by slice, each at most about a millisecond, so that whoever drives many runs can let
others have their turn.
"""

import hashlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeGuard, TypeVar, cast

import msgspec

from mulle.document.glance import is_small_data
from mulle.document.ports import is_object
from mulle.engine.codec import encode_one
from mulle.engine.facts import AnyFact, BlobRef, NodeExpanded, Path

LIMIT = 1 << 16
"""Bytes of JSON; what is larger is kept elsewhere."""
PART = 1 << 18
"""Bytes of JSON about which the parts of a blob have."""
SMALL = 1 << 13
"""What weighs less is written in one go with its neighbours; even if every sign has to be escaped, it is not big."""
HEAVY = 1 << 18
"""What weighs more takes milliseconds to write."""
PREVIEW = 500
"""Characters of a big text that stay in its place."""

T = TypeVar("T")
Slices = Generator[None, None, T]
Blobs = dict[str, list[bytes]]
"""Values by hash. Each is a list of parts; every part is JSON of the value's own kind, and they follow each other."""

_SCALARS = frozenset({int, float, bool, type(None)})
_encoder = msgspec.json.Encoder()


class Packed(NamedTuple):
    """A fact as it is written."""

    data: bytes
    blobs: Blobs


def packed(fact: AnyFact) -> Packed:
    """A fact as JSON, and its big values. Raises TypeError, ValueError or OverflowError for a value that is no data."""
    data = encode_one(fact)
    return Packed(data, {}) if len(data) <= LIMIT else exhausted(packing(fact))


def exhausted(slices: Slices[T]) -> T:
    """What slices of work come to, without a pause."""
    while True:
        try:
            next(slices)
        except StopIteration as stop:
            return stop.value


def packing(fact: AnyFact) -> Slices[Packed]:
    """The same as `packed`, in slices, for a fact that is heavy."""
    box = _Box()
    fields = dict(_fields(fact))
    fields.pop("blobs", None)
    if isinstance(fact, NodeExpanded) and (items := _items_of(fact.scopes)):
        value = yield from box.value(items, ("scopes",))
        if value.parts:
            fields["scopes"] = ()
            (ref,) = value.refs
            box.refs.append(msgspec.structs.replace(ref, items=True))
    value = yield from box.container(fields.items(), (), b"{}", keep=True)
    box.refs += value.refs
    data = value.short
    if box.refs:
        data = b'%s,"blobs":%s}' % (data[:-1], _encoder.encode(box.refs))
    return Packed(data, {ref.hash: box.blobs[ref.hash] for ref in box.refs})


def is_heavy(values: Mapping[str, Any]) -> bool:
    """Whether writing these takes so long that it should be done in slices."""
    for value in values.values():
        kind = value.__class__
        if kind in _SCALARS or is_small_data(value) or (kind is tuple and len(value) == 1 and is_small_data(value[0])):
            continue
        if kind is str:
            if len(value) > HEAVY:
                return True
        elif weight(value, HEAVY) > HEAVY:
            return True
    return False


def weight(value: Any, most: int) -> int:
    """About how many bytes of JSON a value has, if that is not more than `most`; else some number above it."""
    total = 0
    waiting = [value]
    while waiting and total <= most:
        item = waiting.pop()
        kind: type = item.__class__  # Called for every answer of every step: four times as quick as asking politely.
        if kind is str:
            total += 2 + (len(item) if item.isascii() else 3 * len(item))
        elif kind is dict:
            total += 2 + 4 * len(item)
            if total <= most:
                waiting += item
                waiting += item.values()
        elif kind is list or kind is tuple:
            total += 2 + 2 * len(item)
            if total <= most:
                waiting += item
        elif isinstance(item, msgspec.Struct):
            waiting += [value for _, value in _fields(item)]
        else:
            total += 6
    return total


@dataclass(slots=True)
class _Value:
    """A value as JSON, in two forms."""

    kind: bytes
    """`""`, `[]` or `{}`: what stands around its pieces."""
    short: bytes = b""
    """As it stands in the fact, with previews in place of big ones; empty if that is big, too."""
    pieces: "list[tuple[bytes, bytes | _Value]]" = field(default_factory=list["tuple[bytes, bytes | _Value]"])
    """What it is made of, each with what goes before it; several small ones in one."""
    parts: list[bytes] = field(default_factory=list[bytes])
    """As it stands elsewhere, if it is big."""
    refs: list[BlobRef] = field(default_factory=list[BlobRef])
    """To it, or to what is big in it."""


class _Box:
    """Big values that were taken out of one fact."""

    def __init__(self) -> None:
        self.blobs: Blobs = {}
        self.refs: list[BlobRef] = []
        self._taken: dict[int, _Value] = {}
        """By the identity of the value: one that stands in a hundred places is written once."""

    def value(self, value: Any, at: Path) -> Slices[_Value]:
        """Write one value; take it out if it is big."""
        known = self._taken.get(id(value))
        if known is not None:
            refs = [msgspec.structs.replace(known.refs[0], at=at)]
            return _Value(known.kind, known.short, parts=known.parts, refs=refs)
        if isinstance(value, str):
            made = yield from _text(value)
        elif isinstance(value, msgspec.Struct):
            as_list = value.__struct_config__.array_like
            pairs = _fields(value)
            numbered = enumerate(one for _, one in pairs) if as_list else pairs
            return (yield from self.container(numbered, at, b"[]" if as_list else b"{}", keep=True))
        elif is_object(value):
            made = yield from self.container(value.items(), at, b"{}")
        else:  # Nothing but lists is left: numbers weigh little.
            rows: Sequence[Any] = value
            made = yield from self.container(enumerate(rows), at, b"[]")
        if not made.short:
            yield from self._take_out(made, value, at)
        return made

    def container(
        self, pairs: Iterable[tuple[str | int, Any]], at: Path, kind: bytes, *, keep: bool = False
    ) -> Slices[_Value]:
        """Write a list or a dictionary piece by piece: neighbours that are small together, the others one by one.

        With `keep` it is no value of a user, and stays in the fact however big it is.
        """
        made = _Value(kind)
        small: dict[str | int, Any] = {}
        room = PART // 4
        for key, item in pairs:
            size = weight(item, SMALL)
            if size <= SMALL:
                small[key] = item
                room -= size + 8
                if room <= 0:
                    made.pieces.append((b"", _batch(small, kind)))
                    small, room = {}, PART // 4
                    yield
                continue
            if small:
                made.pieces.append((b"", _batch(small, kind)))
                small = {}
            before = _encoder.encode(key) + b":" if kind == b"{}" else b""
            made.pieces.append((before, (yield from self.value(item, (*at, key)))))
        if small:
            made.pieces.append((b"", _batch(small, kind)))
        made.refs = [ref for _, piece in made.pieces if isinstance(piece, _Value) for ref in piece.refs]
        shorts = [before + (piece.short if isinstance(piece, _Value) else piece) for before, piece in made.pieces]
        if keep or sum(map(len, shorts)) <= LIMIT:
            made.short = kind[:1] + b",".join(shorts) + kind[1:]
        return made

    def _take_out(self, made: _Value, value: Any, at: Path) -> Slices[None]:
        made.parts = yield from _parts(made)
        made.pieces.clear()
        digest = hashlib.sha256()
        for part in made.parts:
            digest.update(part)
            yield
        name = digest.hexdigest()[:40]
        self.blobs[name] = made.parts
        made.refs = [BlobRef(at, name, sum(map(len, made.parts)))]
        made.short = _encoder.encode(preview(value))
        self._taken[id(value)] = made


def _text(text: str) -> Slices[_Value]:
    """A text in pieces; what has to be escaped is escaped sign by sign, so that it may be cut anywhere."""
    made = _Value(b'""')
    for begin in range(0, len(text), PART // 4):
        made.pieces.append((b"", _encoder.encode(text[begin : begin + PART // 4])[1:-1]))
        yield
    texts = cast("Sequence[bytes]", [piece for _, piece in made.pieces])
    if sum(map(len, texts)) <= LIMIT:
        made.short = b'"%s"' % b"".join(texts)
    return made


def _is_row(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple)


def _batch(small: dict[str | int, Any], kind: bytes) -> bytes:
    return _encoder.encode(small if kind == b"{}" else list(small.values()))[1:-1]


def _parts(made: _Value) -> Slices[list[bytes]]:
    """All of a value, what is big in it included, in parts of about `PART` bytes."""
    between = b"" if made.kind == b'""' else b","
    parts: list[bytes] = []
    held: list[bytes] = []
    room = PART
    for before, piece in made.pieces:
        text = piece if isinstance(piece, bytes) else (yield from _one_text(piece))
        held.append(before + text)
        room -= len(text)
        if room <= 0:
            parts.append(made.kind[:1] + between.join(held) + made.kind[1:])
            held, room = [], PART
            yield
    if held:
        parts.append(made.kind[:1] + between.join(held) + made.kind[1:])
    return parts


def _one_text(made: _Value) -> Slices[bytes]:
    """The whole JSON of a value that stands in another one."""
    parts = made.parts or ((yield from _parts(made)) if made.pieces else [made.short])
    if len(parts) == 1:
        return parts[0]
    between = b"" if made.kind == b'""' else b","
    return made.kind[:1] + between.join(part[1:-1] for part in parts) + made.kind[1:]


def _fields(one: msgspec.Struct) -> Iterable[tuple[str, Any]]:
    """A struct's fields as they stand in its JSON."""
    config = one.__struct_config__
    if config.tag is not None:
        yield str(config.tag_field), config.tag
    for name in one.__struct_fields__:
        yield name, getattr(one, name)


def _items_of(scopes: Sequence[Any]) -> list[Any]:
    """The items that a map's scopes stand for; nothing if they are anything else."""
    for index, scope in enumerate(scopes):
        if len(scope) != 2 or "item" not in scope or type(scope.get("index")) is not int or scope["index"] != index:
            return []
    return [scope["item"] for scope in scopes]


def preview(value: Any) -> Any:
    """The beginning of a big value: a small value of the same kind."""
    return _shortened(value, PREVIEW, 4)[0]


def _shortened(value: Any, room: int, levels: int) -> tuple[Any, int]:
    """The beginning of a value, and how much room is left behind it."""
    if isinstance(value, str):
        cut = value if len(value) <= max(room, 0) else value[: max(room, 0)] + "…"
        return cut, room - len(cut)
    if is_object(value):
        inner: dict[str, Any] = {}
        for key, item in islice(value.items(), 50 if levels else 0):
            if room <= 0 or len(key) > PREVIEW or isinstance(item, msgspec.Struct):
                break
            inner[key], room = _shortened(item, room - len(key), levels - 1)
        return inner, room
    if _is_row(value):
        items: list[Any] = []
        for item in islice(value, 50 if levels else 0):
            if room <= 0 or isinstance(item, msgspec.Struct):
                break
            shortened, room = _shortened(item, room, levels - 1)
            items.append(shortened)
        return items, room
    return value, room - 8
