"""What differs between two documents, place by place, as people name places: nodes by their ids. Knows no author."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mulle.document.expressions import as_text
from mulle.document.ports import is_array, is_object

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One place that differs; what is not there is None."""

    path: str
    old: Any
    new: Any

    def to_dict(self) -> dict[str, Any]:
        return {"path": self.path, "old": self.old, "new": self.new}

    @property
    def text(self) -> str:
        """`nodes.mail.data.channel: mail → slack`; what came or went has a sign in front."""
        if self.old is None:
            return f"+ {self.path}: {_short(self.new)}"
        if self.new is None:
            return f"- {self.path}: {_short(self.old)}"
        return f"{self.path}: {_short(self.old)} → {_short(self.new)}"


def changes(old: Any, new: Any, path: str = "") -> Iterator[Change]:
    """Every difference between two pieces of plain data, in the order of the old one."""
    if old is not _NOTHING and new is not _NOTHING and type(old) is type(new):
        if old == new:
            return
        if is_object(old) and is_object(new):
            yield from _fields(old, new, path)
            return
        if is_array(old) and is_array(new) and _named([*old, *new]):
            yield from _fields({one["id"]: one for one in old}, {one["id"]: one for one in new}, path)
            return
        if is_array(old) and is_array(new) and any(is_object(one) for one in [*old, *new]):
            yield from _listed(old, new, path)
            return
    yield Change(path, None if old is _NOTHING else old, None if new is _NOTHING else new)


def _fields(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Change]:
    for name in {**old, **new}:
        inner = f"{path}.{name}" if path else name
        yield from changes(old.get(name, _NOTHING), new.get(name, _NOTHING), inner)


def _listed(old: list[Any], new: list[Any], path: str) -> Iterator[Change]:
    """Edges and triggers have no ids: those of one side only came or went, when the lists are of different length."""
    if len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from changes(before, after, f"{path}[{number}]")
        return
    yield from (Change(f"{path}[{number}]", one, None) for number, one in _beyond(old, new))
    yield from (Change(f"{path}[{number}]", None, one) for number, one in _beyond(new, old))


def _beyond(some: list[Any], others: list[Any]) -> Iterator[tuple[int, Any]]:
    """What one list has beyond the other, equal items counted."""
    left = list(others)
    for number, one in enumerate(some):
        if one in left:
            left.remove(one)
        else:
            yield number, one


def _named(items: list[Any]) -> bool:
    return bool(items) and all(is_object(one) and isinstance(one.get("id"), str) for one in items)


def _short(value: Any) -> str:
    text = as_text(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
