"""A run as its caller sees it: how it ended, what it gave, and what each node did, in words and as a picture."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mulle.document.drawing import as_svg, picture_of
from mulle.document.workflow import Workflow
from mulle.runtime.history import History, NodeRecord
from mulle.runtime.pins import pin_key


@dataclass(frozen=True)
class RunResult:
    """A run as its caller sees it; in a notebook it shows itself as a picture."""

    id: str
    status: str
    """succeeded, failed, cancelled or waiting."""
    detail: str
    outputs: dict[str, Any]
    error: dict[str, str] | None
    conversation: dict[str, Any]
    _history: Callable[[], History] = field(repr=False, compare=False)
    _document: Callable[[], Workflow] = field(repr=False, compare=False)

    @property
    def output(self) -> Any:
        """The one output, or all of them by name; None if there is none."""
        return next(iter(self.outputs.values())) if len(self.outputs) == 1 else self.outputs or None

    @property
    def nodes(self) -> list[NodeRecord]:
        """What each node did, in the order in which they began."""
        return list(self._history().records.values())

    def _repr_svg_(self) -> str:
        return as_svg(picture_of(self._document(), statuses(self._history())))


def statuses(history: History) -> dict[str, str]:
    """How nodes fared, by their place in the document; of several rounds the gravest counts."""
    found: dict[str, str] = {}
    for record in history.records.values():
        place = pin_key(record.path)
        status = "failed" if record.error is not None and record.status == "succeeded" else record.status
        if place not in found or _GRAVITY.get(status, 1) >= _GRAVITY.get(found[place], 1):
            found[place] = status
    return found


_GRAVITY = {
    "skipped": 0,
    "succeeded": 1,
    "stopped": 2,
    "running": 3,
    "expanded": 3,
    "waiting": 4,
    "retrying": 4,
    "failed": 5,
}
