"""Child runs, which do a part of another run's work: how they are called, who is told of their end, what cancels them.

A node's children are listed under `children` in its memo. Their ids begin with the run's own id, so that no memo, a
fork's neither, can name the children of another run.
"""

import hashlib
from typing import Any

from mulle.document.ports import is_array, is_object
from mulle.engine.facts import Path, RunEnded, RunStarted
from mulle.engine.journal import CANCEL, InboxSignal

Sent = tuple[str, InboxSignal]
"""A signal and the run that it is for."""


def child_ids(run: str, path: Path, attempt: int, count: int) -> list[str]:
    """The ids of a node's children: the same whenever they are asked for, so that none is started twice."""
    place = hashlib.sha256("/".join(map(str, (*path, attempt))).encode()).hexdigest()[:12]
    return [f"{run}.{place}-{number}" for number in range(count)]


def children_in(run: str, memo: Any) -> list[str]:
    """The children of a run that a memo lists."""
    listed = memo.get("children") if is_object(memo) else None
    return [one for one in listed if isinstance(one, str) and one.startswith(f"{run}.")] if is_array(listed) else []


def cancelling(run: str, memo: Any) -> list[Sent]:
    """What the children in a memo are sent when nobody waits for them any more."""
    told = {"reason": f"Run {run}, which it belongs to, goes on without it."}
    return [(child, InboxSignal(f"cancel/{child}", CANCEL, told)) for child in children_in(run, memo)]


def reporting(started: RunStarted, ended: RunEnded) -> list[Sent]:
    """What a run's caller is sent with its end."""
    if started.caller is None:
        return []
    told = {"run": started.run, "status": ended.status}
    return [(started.caller.run, InboxSignal(f"ended/{started.run}", started.caller.signal, told))]
