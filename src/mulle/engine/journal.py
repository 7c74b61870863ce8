"""The journal: where facts are kept, and who may write them. One protocol, several stores, one contract suite.

A run has one writer at a time. Whoever drives it has *claimed* it: the claim raises the run's epoch, and every batch
names that epoch and the head it was decided on. A batch whose epoch or head no longer matches is refused with
`JournalConflict`; whoever is refused lost the run and stops at once.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from mulle.engine.facts import AnyFact


class Queue(msgspec.Struct, frozen=True):
    """A line of runs of which only some are at work at a time: a workflow's, a customer's, a chat's."""

    name: str
    most: int
    """How many runs of it may be at work."""


class Debounce(msgspec.Struct, frozen=True):
    """One of several calls of which only the last becomes a run that does something."""

    key: str
    """Calls with the same key belong together."""
    wait: float
    """Seconds without a further call after which the last one begins."""
    at_most: float | None = None
    """Seconds after the first call at which the last one so far begins anyway."""


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run before its first fact."""

    id: str
    workflow: str
    """The id or name of the workflow it belongs to, for lists."""
    graph: str
    """The content hash of its graph; `save_graph` came before."""
    created: float
    parent: str | None = None
    """The run that it was forked from, or the run whose child it is."""
    forked: bool = False
    """`parent` says where its first facts come from; what becomes of the parent does not concern it."""
    session: str | None = None
    dedup: str | None = None
    """At most one run with this key exists: a schedule's due time, a caller's key."""
    queues: tuple[Queue, ...] = ()
    """It works only while it has a place in each of them. Without a place it is `queued`."""
    priority: int = 0
    """Of those queued the highest goes first, and of equal ones the oldest."""
    debounce: Debounce | None = None

    @property
    def is_child(self) -> bool:
        """It does a part of its parent's work."""
        return self.parent is not None and not self.forked

    @property
    def waits_its_turn(self) -> bool:
        """It does not begin with its creation: whoever finds it claimable begins it."""
        return bool(self.queues) or self.debounce is not None


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the store knows of a run without reading its facts."""

    id: str
    workflow: str
    graph: str
    status: str
    """queued, running, waiting, succeeded, failed, cancelled."""
    detail: str = ""
    created: float
    ended: float | None = None
    head: int
    epoch: int
    owner: str | None = None
    wake_at: float | None = None
    """When it has something to do again; None: only a signal moves it."""
    deaths: int = 0
    """Unclean ends of its drivers since a node of it last ended; of one that drives it under suspicion, beforehand."""
    parent: str | None = None
    """The run that it was forked from, or the run whose child it is."""
    forked: bool = False
    """`parent` is what it was forked from."""
    session: str | None = None
    pinned: bool = False
    """A person wants it kept for ever: no retention deletes it."""


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """The runs that have not ended, counted."""

    queued: int = 0
    """Without a place in a queue, or waiting for a quiet moment."""
    running: int = 0
    waiting: int = 0
    due: int = 0
    """Of those that wait, how many have something to do by now and nobody who does it."""
    oldest: float | None = None
    """When the oldest of all began."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """How much room a store takes."""

    bytes: int
    """All of it, indexes and logs included."""
    free: int = 0
    """Of these, what is unused and can be given back."""
    runs: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    """Of all, what big values take."""


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """How long runs are kept after their end, in seconds. Pinned and unfinished ones are always kept."""

    succeeded: float
    """Cancelled ones, too."""
    failed: float


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep took away, or would."""

    runs: int = 0
    blobs: int = 0
    tightened: int = 0
    """Ended runs whose facts were packed."""
    freed: int = 0
    """In bytes: given back, or free to be used again."""
    busy: bool = False
    """Somebody else sweeps; nothing was done."""
    room: Room
    """How much everything takes afterwards."""


class InboxSignal(msgspec.Struct, frozen=True):
    """A signal on its way to a run: an approval, a webhook's answer, a cancel."""

    id: str
    """Unique over all time; the same id twice is one signal."""
    name: str
    payload: Any = None


_NONE: Mapping[str, Sequence[bytes]] = MappingProxyType({})


class Batch(msgspec.Struct, kw_only=True, gc=False):
    """Facts to be written together, and what they change on the run's row."""

    run: str
    epoch: int
    after: int
    """The head they were decided on: how many facts the journal holds already."""
    facts: list[bytes]
    """Each one encoded."""
    blobs: Mapping[str, Sequence[bytes]] = _NONE
    """Big values that these facts refer to, by hash, in parts. One that the run wrote before may be left out."""
    consumed: Sequence[str] = ()
    """Ids of inbox signals that these facts journal; they leave the inbox in the same transaction."""
    status: str | None = None
    """The row's new status: waiting, running, or the run's end."""
    detail: str = ""
    ended: float | None = None
    alive: bool = False
    """A node ended in it: the count of deaths starts again."""
    awaited: bool = False
    """Its writer sends nothing more before it is written: if nobody else sends, there is no group to wait for."""
    signals: Sequence[tuple[str, InboxSignal]] = ()
    """Signals to other runs, by run: sent in the same transaction, once each; runs that are gone are passed over."""


class Claim(msgspec.Struct, frozen=True):
    """The right to write a run's facts, until someone else claims it."""

    row: RunRow
    unclean: bool
    """The owner before died without letting go."""


CANCEL = "cancel"
"""The name of the signal that cancels a run."""


def superseded(older: str, newer: str) -> InboxSignal:
    """What an earlier call is sent when a later one takes its place."""
    payload = {"detail": "superseded", "reason": f"A later call took its place: run {newer}."}
    return InboxSignal(f"superseded/{older}", CANCEL, payload)


class Journal(Protocol):
    """Keeps runs, facts, graphs and the inbox. Futures are resolved on the event loop that uses it."""

    def save_graph(self, graph: str, document: bytes) -> None:
        """Keep a graph under its content hash; again is nothing. Written with the next batch."""
        ...

    async def graph(self, graph: str) -> bytes:
        """Raises UnknownGraph."""
        ...

    def create(
        self, run: NewRun, facts: list[bytes], blobs: Mapping[str, Sequence[bytes]] | None = None
    ) -> Awaitable[bool]:
        """Write a run's row, claimed by this process at epoch 1, with its first facts and the big values they refer to.

        False: its `dedup` exists, or it is the child of a run that has ended, and nothing was written. One that waits
        its turn is written as `queued` and not claimed. With a debounce it takes the place of a queued one with the
        same key, which is sent `superseded` in the same transaction.
        """
        ...

    async def run_with(self, dedup: str) -> str:
        """The id of the run that has this `dedup` key; raises UnknownRun."""
        ...

    def append(self, batch: Batch) -> Awaitable[None]:
        """Write facts. Batches that gather while one commit is under way share the next one.

        Raises JournalConflict (this batch alone), StoreFull, StoreUnavailable.
        """
        ...

    async def read(
        self, run: str, after: int = 0, limit: int | None = None, *, previews: bool = False
    ) -> list[AnyFact]:
        """A run's facts from position `after` on, at most `limit` of them, whole.

        With `previews`, big values that a look at the run can do without stay shortened, and each fact's `blobs` says
        which. Raises UnknownRun, and BlobLost when a value is missing or damaged.
        """
        ...

    def save_snapshot(self, run: str, data: bytes) -> None:
        """Keep the fold of a run's facts so far, instead of an earlier one. A cache: it may be lost."""
        ...

    async def snapshot(self, run: str) -> bytes | None:
        """The last snapshot of a run, if there is one."""
        ...

    async def row(self, run: str) -> RunRow:
        """Raises UnknownRun."""
        ...

    async def rows(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        limit: int = 50,
        before: float | None = None,
        behind: str | None = None,
    ) -> list[RunRow]:
        """Newest first. `before` is a time of creation; `behind` is the run that the page before ended with.

        Raises UnknownRun when that one is gone.
        """
        ...

    async def ended_since(self, cursor: str, limit: int) -> tuple[list[RunRow], str]:
        """Ended runs from behind `cursor` on ("" is the beginning), and the cursor behind the last of them.

        Their order never changes: whoever comes back with the cursor misses no run and sees none twice.
        """
        ...

    async def backlog(self, now: float) -> Backlog:
        """How many runs are unfinished."""
        ...

    async def claim(self, run: str) -> Claim | None:
        """Become the writer of a run that has no living owner.

        None when it has one, when it has ended, or when a queue of it has no place free: it is `queued` then, and
        becomes claimable with the end or release of another. A run that is to be cancelled needs no place.
        """
        ...

    async def claimable(self, now: float, limit: int = 40) -> list[str]:
        """Unfinished runs without a living owner that have something to do: due, woken, or left by the dead."""
        ...

    async def claim_due(self, now: float, limit: int = 40, besides: Collection[str] = ()) -> list[Claim]:
        """Claim runs that are claimable, as many at a time; those in `besides` are left alone."""
        ...

    async def claim_again(self, besides: Collection[str]) -> list[Claim]:
        """Claim what is ours already, but for what is known to be: the answer to an earlier claim may have been lost.

        Only runs that this process owns under its present name; nobody is taken for dead.
        """
        ...

    has_leases: bool
    """Whether what we claimed can be taken over while we live."""

    def holds(self) -> bool:
        """Whether what we claimed is ours for sure. Asked just before an effect: a lease may have run out by then."""
        ...

    async def confirmed(self) -> bool:
        """Whether it is, after the store was asked if that is not known. False: others may have taken it over."""
        ...

    def on_loss(self, listener: Callable[[], None]) -> None:
        """Call back when everything we claimed may be taken over by others, because our lease ran out; more than once
        if more was claimed since.
        """
        ...

    async def next_wake(self, after: float | None = None) -> float | None:
        """The earliest `wake_at` of all released runs, or of those that are due after a time."""
        ...

    async def release(self, run: str, epoch: int, wake_at: float | None) -> bool:
        """Let go of a run that has nothing to do before `wake_at`; its status becomes `waiting` until it is claimed.

        Its places in queues go to the next ones in the same transaction, as they do with the end of a run.

        False, and still ours, when a signal came meanwhile.
        """
        ...

    async def reserve(self, name: str, holder: str, most: int, per: float, now: float) -> float:
        """When `holder` may use an allowance of `most` uses in every `per` seconds, shared by all who name it.

        The same holder is given the same time again, until it has passed long ago. Seconds since 1970.
        """
        ...

    async def enter(self, kind: str, holder: str, most: int) -> bool:
        """Whether `holder` may be at work as one of `most` of its kind, over all processes; asked again until it may.

        Asking takes a place in the line, and the first ones in it are at work. Those of dead processes count for
        nothing, and nobody else's is ever taken.
        """
        ...

    def leave(self, kind: str, holder: str) -> None:
        """Give the place back, or no longer wait for one. If it cannot be written, it is given back with our end."""
        ...

    async def count_death(self, run: str, epoch: int, known: int) -> int:
        """Note that the last driver died with nodes in flight, after `known` others; gives the new count.

        Said again, it is the same death.
        """
        ...

    async def send(self, run: str, signal: InboxSignal) -> bool:
        """Put a signal into a run's inbox and wake the run. False: that id was sent before. Raises UnknownRun."""
        ...

    async def inbox(self, run: str) -> list[InboxSignal]:
        """Signals that no fact has taken in yet, oldest first."""
        ...

    def on_signal(self, listener: Callable[[str | None], None]) -> None:
        """Call back when a run of ours may have new signals, with its id; or with None when another driver or process
        changed what is claimable or due.
        """
        ...

    async def pin(self, run: str, *, pinned: bool) -> None:
        """Keep a run for ever, or let it grow old again; ended or not. Raises UnknownRun."""
        ...

    async def room(self) -> Room:
        """How much room everything takes."""
        ...

    async def sweep(self, keep: Keep, now: float, *, dry: bool = False, give_back: bool = False) -> Swept:
        """Remove ended runs that are older than they are kept, with all that is only theirs, and pack the others tight.

        In slices, so that nobody who writes waits long, and one at a time over all processes. A run whose children have
        not ended stays, and so does a child as long as its parent; a fork stands for itself.

        Args:
            keep: How long runs are kept.
            now: Seconds since 1970.
            dry: Only say what would be done.
            give_back: Make the store as small as it can be, even where the room would soon be used again.
        """
        ...

    async def delete(self, run: str) -> None:
        """Remove an ended run with all that belongs to it. Raises UnknownRun, RunUnfinished."""
        ...

    async def close(self) -> None:
        """Write what is pending and let go of every run that is still ours: due at once, and no death is counted."""
        ...
