"""Big values put back into a fact when it is read. Knows no store, and never waits.

    wanted(fact)            the values that its store has to look up
    whole(fact, value_of)   the fact as it was

`packing` takes them out. A blob is a value's JSON in parts, kept by the hash of its content.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from mulle.document.ports import is_object
from mulle.engine.codec import UnreadableJournal
from mulle.engine.facts import AnyFact, BlobRef
from mulle.errors import StoreError

_encoder = msgspec.json.Encoder()


class BlobLost(StoreError):
    """A big value of a run is not in the store, or is not what was written."""

    code = "journal.blob_lost"
    message = "A big value of the run cannot be read: {problem} ({hash})."
    hint = "The database is incomplete or damaged; restore a backup. The rest of the run can still be looked at."


_FOR_EYES = frozenset({"outputs", "inputs", "pins", "payload", "usage", "environment", "memo"})
"""Fields whose inner values a fold only hands on: for looking at a run, previews of them will do."""


def only_shown(ref: BlobRef) -> bool:
    """Whether a run can be folded, for looking at it, with a preview in this value's place."""
    field_, deep = ref.at[0], len(ref.at) > 1
    return (field_ in _FOR_EYES and (deep or field_ in {"payload", "memo", "inputs", "pins"})) or (
        (field_ == "scopes" and len(ref.at) > 2) or ref.at == ("error", "message")
    )


def wanted(fact: AnyFact, *, previews: bool = False) -> list[BlobRef]:
    """The values that have to be there for a fact to be made whole, or as whole as looking at it needs."""
    return [ref for ref in fact.blobs if not (previews and only_shown(ref))]


def whole(fact: AnyFact, value_of: Callable[[str], Any], *, previews: bool = False) -> AnyFact:
    """A fact with its big values in their places.

    Args:
        fact: As it was stored.
        value_of: A value by its hash; asked for those that are `wanted`.
        previews: Leave previews where a look at the run can do with them; `blobs` says where they are.

    Raises UnreadableJournal when the fact does not fit its values.
    """
    refs = wanted(fact, previews=previews)
    if not refs:
        return fact
    tree = msgspec.json.decode(_encoder.encode(fact))
    tree["blobs"] = [msgspec.to_builtins(ref) for ref in fact.blobs if ref not in refs]
    try:
        for ref in refs:
            value = value_of(ref.hash)
            inner = tree
            for step in ref.at[:-1]:
                inner = inner[step]
            if ref.items:
                value = [{"item": item, "index": index} for index, item in enumerate(value)]
            inner[ref.at[-1]] = value
        return msgspec.convert(tree, AnyFact)
    except (KeyError, IndexError, TypeError, msgspec.ValidationError) as error:
        raise UnreadableJournal(f"A fact does not fit its big values: {error}.") from error


class Unpacked:
    """A value that comes out of its parts, one by one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._digest = hashlib.sha256()
        self._kind: type | None = None
        self._texts: list[str] = []
        self._value: Any = None

    def add(self, part: bytes) -> None:
        """Take the next part in; raises BlobLost if it is damaged."""
        self._digest.update(part)
        try:
            piece = msgspec.json.decode(part)
        except msgspec.MsgspecError as error:
            raise BlobLost(problem="it is damaged", hash=self._name) from error
        if self._kind is None:
            self._kind, self._value = type(piece), piece
            self._texts = [piece] if isinstance(piece, str) else []
        elif type(piece) is not self._kind:
            raise BlobLost(problem="it is damaged", hash=self._name)
        elif isinstance(piece, str):
            self._texts.append(piece)
        elif is_object(piece):
            self._value |= piece
        else:
            self._value += piece

    def value(self) -> Any:
        """All of it; raises BlobLost if there is nothing, or something else than was written."""
        if self._kind is None:
            raise BlobLost(problem="it is not there", hash=self._name)
        if self._digest.hexdigest()[:40] != self._name:
            raise BlobLost(problem="it is damaged", hash=self._name)
        return "".join(self._texts) if self._kind is str else self._value
