"""Facts as bytes, one JSON array a batch. Readable with any tool, and by every later release.

What an ended run left may be packed tight: the same JSON in fewer, compressed batches.
"""

import zlib
from collections.abc import Callable, Sequence

import msgspec

from mulle.engine.facts import AnyFact
from mulle.errors import StoreError

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[AnyFact])


TIGHT = b"x"
"""How a compressed batch begins; one that is not begins with a bracket."""
TIGHT_SIZE = 1 << 18
"""Bytes of JSON that are compressed together at most, so that reading stays a matter of slices."""


class UnreadableJournal(StoreError):
    """A stored batch of facts cannot be read."""

    code = "journal.unreadable"
    hint = "It may come from a newer release, or the file was damaged; restore a backup or upgrade."


encode_one: Callable[[AnyFact], bytes] = _encoder.encode
"""One fact as JSON. Raises TypeError, ValueError or OverflowError for a value that is no data."""


def joined(facts: Sequence[bytes]) -> bytes:
    """Encoded facts as a batch."""
    return b"[%s]" % b",".join(facts)


def text_of(facts: Sequence[bytes]) -> str:
    """Encoded facts as a batch, as stores keep it: text, so that any tool can read it."""
    return f"[{b','.join(facts).decode()}]"


def encode(facts: Sequence[AnyFact]) -> bytes:
    """A batch as JSON. Raises TypeError or ValueError for a value that is no data."""
    return _encoder.encode(facts)


def decode(batch: bytes | str) -> list[AnyFact]:
    """The facts of a batch; raises UnreadableJournal."""
    try:
        return _decoder.decode(zlib.decompress(batch) if isinstance(batch, bytes) and batch[:1] == TIGHT else batch)
    except (msgspec.MsgspecError, zlib.error) as error:
        raise UnreadableJournal(f"A batch of facts cannot be read: {error}.") from error


def tight(batches: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Batches that follow each other, with their positions, as few compressed ones."""
    packed: list[tuple[int, bytes]] = []
    held: list[bytes] = []
    first = size = 0
    for position, batch in batches:
        if held and size + len(batch) > TIGHT_SIZE:
            packed.append((first, zlib.compress(joined(held))))
            held, size = [], 0
        if not held:
            first = position
        held.append(batch[1:-1])
        size += len(batch)
    return [*packed, (first, zlib.compress(joined(held)))] if held else packed
