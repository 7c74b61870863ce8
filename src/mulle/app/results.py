"""A run as its caller sees it: how it ended, what it gave, and what each node did, in words and as a picture."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from mulle.document.drawing import as_svg, picture_of
from mulle.document.workflow import Workflow
from mulle.runtime.history import History, NodeRecord
from mulle.runtime.pins import pin_key


@dataclass(frozen=True)
class Records:
    """What runs did, for those who have no loop to await it on."""

    blocking: Callable[[Coroutine[Any, Any, Any]], Any]
    """Waits for something in a thread of its own."""
    history: Callable[[str], Coroutine[Any, Any, History]]
    """What a run did, by its id."""
    document: Callable[[str], Coroutine[Any, Any, Workflow]]
    """What it followed."""

    def history_of(self, run_id: str) -> History:
        return self.blocking(self.history(run_id))

    def document_of(self, run_id: str) -> Workflow:
        return self.blocking(self.document(run_id))


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
    _records: Records = field(repr=False, compare=False)

    @property
    def output(self) -> Any:
        """The one output, or all of them by name; None if there is none."""
        return next(iter(self.outputs.values())) if len(self.outputs) == 1 else self.outputs or None

    @property
    def nodes(self) -> list[NodeRecord]:
        """What each node did, in the order in which they began."""
        return list(self._records.history_of(self.id).records.values())

    def _repr_svg_(self) -> str:
        document, history = self._records.document_of(self.id), self._records.history_of(self.id)
        return as_svg(picture_of(document, statuses(history)))


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
