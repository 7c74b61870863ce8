"""What a run has learnt: folded at once, and on disk with the next save. Knows nothing of what is to be done."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from mulle.engine.children import Sent, cancelling, reporting
from mulle.engine.codec import encode_one
from mulle.engine.facts import AnyFact, Failure, NodeDone, NodeFailed, NodeStarted, Path, RunEnded, Signalled
from mulle.engine.journal import Batch, Journal
from mulle.engine.packing import LIMIT, Blobs, packed, packing
from mulle.engine.run import Run
from mulle.errors import StepError, StoreError
from mulle.runtime.heavy import in_slices, is_heavy_fact
from mulle.sdk.fit import NOT_DATA, NoData

SNAPSHOT_EVERY = 10_000
"""Facts after which the fold is kept beside them, so that whoever goes on with the run need not read them all."""


ENDINGS = frozenset({NodeDone, NodeFailed})
"""Facts that show that a run gets on."""


class Published(msgspec.Struct, frozen=True, eq=False):
    """Something that watchers of a run may show: facts that are on disk, or a piece of streamed text."""

    run: str
    facts: Sequence[AnyFact] = ()
    path: Path = ()
    text: str = ""


@dataclass(slots=True)
class Unwritten:
    """What a run has learnt and the store would not take."""

    epoch: int
    after: int
    """The head these facts were decided on."""
    facts: Sequence[AnyFact]


class Ahead(msgspec.Struct, frozen=True):
    """What a run has learnt before it is on disk, to be written together with its first fact."""

    facts: Sequence[AnyFact] = ()
    encoded: Sequence[bytes] = ()
    blobs: Mapping[str, Sequence[bytes]] = {}


NOTHING = Ahead()


class Ledger:
    """The facts of one run on their way to the journal, written by the holder of its claim."""

    def __init__(self, run: Run, epoch: int, journal: Journal, publish: Callable[[Published], None]) -> None:
        assert run.started is not None
        self._run = run
        self._id = run.started.run
        self._epoch = epoch
        self._journal = journal
        self._publish = publish
        self.facts: list[AnyFact] = []
        """What is not written yet."""
        self._batch = self._batch_after(run.head)
        """The same, as it will be written, with all that goes with it."""
        self._heavy: tuple[int, ...] = ()
        """Which of them are encoded only when they are saved, because that takes long."""
        self._kept: dict[str, None] = {}
        """Big values that were written before, by hash."""
        self._snapshot_at = run.head
        self._writing = False
        self._await_disk: tuple[asyncio.Future[None], ...] = ()

    @property
    def unwritten(self) -> Unwritten:
        """What the store did not take; `bring` it to the next driver of this run."""
        return Unwritten(self._epoch, self._batch.after, self.facts)

    def bring(self, facts: Sequence[AnyFact]) -> None:
        """Take in what a driver before learnt and could not write."""
        for fact in facts:
            if isinstance(fact, Signalled):
                self.takes(fact.id)
            if not isinstance(fact, RunEnded):  # A cancel may have come before it could be written: it wins.
                self.record(fact)

    def record(self, fact: AnyFact, *, light: bool = False) -> None:
        """Fold a fact and keep it for the next save. What cannot be kept as data becomes the node's failure.

        `light`: the outputs in it are known to be data, and small.
        """
        if type(fact) is NodeStarted:  # Every second fact, and there is nothing of anybody's in it.
            encoded = encode_one(fact)
        elif light and type(fact) is NodeDone and not fact.writes:
            encoded = self._packed(fact)
        else:
            fact, encoded = self._taken_in(fact)
        self._batch.alive |= type(fact) in ENDINGS
        self._run.apply(fact)
        self.facts.append(fact)
        self._batch.facts.append(encoded)

    def _taken_in(self, fact: AnyFact) -> tuple[AnyFact, bytes]:
        """A fact as it can be kept, and as JSON; no JSON if that takes long. Notes what else goes out with it."""
        try:
            self._run.check(fact)
            encoded = b"" if is_heavy_fact(fact) else self._packed(fact)
        except NOT_DATA as error:
            fact = _refused(fact, NoData(problem=str(error)))
            encoded = self._packed(fact)
        except StepError as error:
            fact = _refused(fact, error)
            encoded = self._packed(fact)
        if not encoded:
            self._heavy = (*self._heavy, len(self.facts))
        match fact:
            case NodeFailed() if fact.retry_at is None or fact.from_turn is not None:
                self._send(cancelling(self._id, self._run.at(fact.path)[2].memo))
            case RunEnded() if self._run.started is not None:
                self._send(reporting(self._run.started, fact))
            case _:
                pass
        return fact, encoded

    def _packed(self, fact: AnyFact) -> bytes:
        encoded = encode_one(fact)
        if len(encoded) > LIMIT:
            encoded, blobs = packed(fact)
            self._take_out(blobs)
        return encoded

    def _take_out(self, blobs: Blobs) -> None:
        self._batch.blobs = {**self._batch.blobs, **{name: blobs[name] for name in blobs if name not in self._kept}}

    def _send(self, signals: Sequence[Sent]) -> None:
        """What other runs are to hear of these facts."""
        if signals:
            self._batch.signals = [*self._batch.signals, *signals]

    def takes(self, signal: str) -> bool:
        """Let a signal leave the inbox with the next save; False: it does already."""
        if signal in self._batch.consumed:
            return False
        self._batch.consumed = [*self._batch.consumed, signal]
        return True

    def ahead(self) -> Ahead:
        """Hand over what was learnt so far, if it is nothing but facts: it counts as written when it has `arrived`."""
        facts, batch = self.facts, self._batch
        if self._heavy or batch.signals or batch.consumed or self._run.ended:
            return NOTHING
        self.facts, self._batch, self._writing = [], self._batch_after(batch.after + len(facts)), True
        self._kept |= dict.fromkeys(batch.blobs)
        return Ahead(facts, batch.facts, batch.blobs)

    def arrived(self) -> None:
        """What was handed over is on disk."""
        self._writing = False
        if self._await_disk:
            self._tell_who_awaits_the_disk()

    async def save(self) -> bool:
        """Write what the run has learnt, before the world sees anything of it; whether that was waited for.

        Raises JournalConflict when another driver took over, StoreFull, StoreUnavailable; nothing is lost then.
        """
        if self._heavy:
            await self._encode_heavy()
        facts, batch, ended = self.facts, self._batch, self._run.ended
        if ended is not None:
            batch.status, batch.detail, batch.ended = ended.status, ended.detail, ended.at
        self.facts, self._batch = [], self._batch_after(batch.after + len(facts))
        self._writing = True
        try:
            written = self._journal.append(batch)
            at_once = not isinstance(written, asyncio.Future) or written.done()
            await written
        except StoreError:
            self.facts, self._batch = facts, batch
            raise
        finally:
            self._writing = False
        if batch.blobs:
            self._kept |= dict.fromkeys(batch.blobs)
        if self._batch.after - self._snapshot_at >= SNAPSHOT_EVERY and not ended:
            self._snapshot_at = self._batch.after
            self._journal.save_snapshot(self._id, self._run.snapshot())
        self._publish(Published(self._id, facts))
        if self._await_disk:
            self._tell_who_awaits_the_disk()
        return not at_once

    def _batch_after(self, head: int) -> Batch:
        return Batch(run=self._id, epoch=self._epoch, after=head, facts=[], awaited=True)

    async def _encode_heavy(self) -> None:
        while self._heavy:
            number = self._heavy[0]
            self._batch.facts[number], blobs = await in_slices(packing(self.facts[number]))
            self._take_out(blobs)
            self._heavy = self._heavy[1:]

    def _tell_who_awaits_the_disk(self) -> None:
        waiting, self._await_disk = self._await_disk, ()
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def show(self, path: Path, text: str) -> None:
        """Show a streamed text, after everything that led to it is on disk."""
        if self.facts or self._writing:
            on_disk = asyncio.get_running_loop().create_future()
            self._await_disk = (*self._await_disk, on_disk)
            await on_disk
        self._publish(Published(self._id, path=path, text=text))


def _refused(fact: AnyFact, error: StepError) -> NodeFailed:
    """What stands in the journal instead of an answer that cannot stand there."""
    path: Path = getattr(fact, "path", ())
    return NodeFailed(
        at=fact.at,
        path=path,
        kind="error",
        error=Failure(error.code, error.text, "".join(map(str, path[-1:])), hint=error.advice),
    )
