"""Facts as bytes, one JSON array a batch. Readable with any tool, and by every later release."""

from collections.abc import Sequence

import msgspec

from mulle.engine.facts import AnyFact
from mulle.errors import StoreError

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[AnyFact])


class UnreadableJournal(StoreError):
    """A stored batch of facts cannot be read."""

    code = "journal.unreadable"
    hint = "It may come from a newer release, or the file was damaged; restore a backup or upgrade."


def encode_one(fact: AnyFact) -> bytes:
    """One fact as JSON. Raises TypeError, ValueError or OverflowError for a value that is no data."""
    return _encoder.encode(fact)


def joined(facts: Sequence[bytes]) -> bytes:
    """Encoded facts as a batch."""
    return b"[" + b",".join(facts) + b"]"


def encode(facts: Sequence[AnyFact]) -> bytes:
    """A batch as JSON. Raises TypeError or ValueError for a value that is no data."""
    return _encoder.encode(facts)


def decode(batch: bytes | str) -> list[AnyFact]:
    """The facts of a batch; raises UnreadableJournal."""
    try:
        return _decoder.decode(batch)
    except msgspec.MsgspecError as error:
        raise UnreadableJournal(f"A batch of facts cannot be read: {error}.") from error
