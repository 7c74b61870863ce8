"""What the journal writes to Postgres, statement by statement: many runs in one go, each with an outcome of its own.

Knows tables; knows nothing of connections that break, event loops and leases. Every function works within the caller's
transaction, or is one statement and so its own.

A row lock decides between two who touch the same run; a statement that waited for one sees the row as it is then, but
everything else as it was when the statement began. So signals are *counted* on the row: a flag computed from the inbox
would lose the one that was sent meanwhile.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, LiteralString

from mulle.engine.codec import text_of
from mulle.engine.journal import Batch, InboxSignal
from mulle.errors import JournalConflict, RunUnfinished, UnknownRun
from mulle.store import postgres_blobs
from mulle.store.postgres_items import Creation, InQueues, Release, Sending, payload_text
from mulle.store.postgres_rows import kept, key_of, told

if TYPE_CHECKING:
    from mulle.store.postgres_database import Connection

Answers = Callable[[], Awaitable[list[Any]]]
"""An outcome an item, once the statements are done: in a pipeline many are sent before the first answer is read."""


# ---------------------------------------------------------------------- creating

_HOLD_GRAPHS: LiteralString = "SELECT FROM graphs WHERE hash = ANY(%s) FOR KEY SHARE"
"""Whoever deletes a graph with its last run waits for us, and we for him."""
_KEEP_GRAPHS: LiteralString = (
    "INSERT INTO graphs (hash, document) SELECT * FROM unnest(%s::text[], %s::bytea[]) ON CONFLICT DO NOTHING"
)
_CREATE: LiteralString = """
WITH n AS (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::float8[], %s::int8[], %s::text[], %s::bool[],
        %s::text[], %s::text[], %s::bool[])
        WITH ORDINALITY AS n (id, workflow, graph, created, head, parent, forked, session, dedup, in_queues, nth)
), owning AS (
    SELECT %s::text AS owner
), made AS (
    INSERT INTO runs (
        id, workflow, graph, status, created, head, epoch, owner, parent, forked, session, dedup, in_queues
    )
    SELECT id, workflow, graph, CASE WHEN owner IS NULL THEN 'queued' ELSE 'running' END, created, head,
        CASE WHEN owner IS NULL THEN 0 ELSE 1 END, owner, parent, forked, session, dedup, in_queues
    FROM n, owning ORDER BY nth
    ON CONFLICT (dedup) WHERE dedup IS NOT NULL DO NOTHING RETURNING id
), written AS (
    INSERT INTO facts (run, seq, data) SELECT f.run, f.seq, f.data
    FROM unnest(%s::text[], %s::int8[], string_to_array(%s, E'\\x1e')) AS f (run, seq, data)
    JOIN made ON made.id = f.run
)
SELECT id FROM made"""
PARTED = "\x1e"
"""Between the facts of one run and of the next. No JSON contains it, so they are sent as they are: in the text of an
array every quote would be escaped on its way out, and unescaped on its way in."""


async def keep_graphs(db: "Connection", graphs: dict[str, bytes]) -> None:
    """Store graphs unless they are there, and keep them there until this transaction ends."""
    hashes = sorted(graphs)
    await db.execute(_HOLD_GRAPHS, (hashes,), prepare=True)
    await db.execute(_KEEP_GRAPHS, (hashes, [graphs[graph] for graph in hashes]), prepare=True)


async def create(db: "Connection", items: Sequence[Creation], owner: str | None) -> Answers:
    """New runs with their first facts, owned or `queued`; False: its `dedup` exists."""
    runs = [item.new for item in items]
    made = await db.execute(
        _CREATE,
        (
            [kept(run.id) for run in runs],
            [kept(run.workflow) for run in runs],
            [run.graph for run in runs],
            [run.created for run in runs],
            [item.head for item in items],
            [_maybe(run.parent) for run in runs],
            [run.forked for run in runs],
            [_maybe(run.session) for run in runs],
            [None if run.dedup is None else key_of(run.dedup) for run in runs],
            [bool(run.queues) for run in runs],
            owner,
            *_columns([(kept(item.run), seq) for item in items for seq, _ in item.facts], 2),
            PARTED.join([data for item in items for _, data in item.facts]),
        ),
        prepare=True,
    )

    async def answers() -> list[Any]:
        found = {told(run) for (run,) in await made.fetchall()}
        return [run.id in found for run in runs]

    return answers


def _maybe(text: str | None) -> str | None:
    return None if text is None else kept(text)


# ---------------------------------------------------------------------- appending

_BATCHES: LiteralString = """
WITH b AS (
    SELECT * FROM unnest(%s::text[], %s::int8[], %s::int8[], %s::int8[], %s::bool[], %s::text[], %s::text[],
        %s::float8[], string_to_array(%s, E'\\x1e')) AS b (run, epoch, after, head, alive, status, detail, ended, data)
)"""
_ADVANCED: LiteralString = """
advanced AS (
    UPDATE runs r SET head = b.head, deaths = CASE WHEN b.alive THEN 0 ELSE r.deaths END,
        status = coalesce(b.status, r.status), detail = CASE WHEN b.status IS NULL THEN r.detail ELSE b.detail END,
        ended = b.ended, ending = CASE WHEN b.ended IS NOT NULL THEN pg_current_xact_id()::text::bigint END,
        owner = CASE WHEN b.ended IS NULL THEN r.owner END,
        woken = CASE WHEN b.ended IS NULL THEN r.woken - {taken} ELSE 0 END
    FROM b WHERE r.id = b.run AND r.head = b.after AND r.epoch = b.epoch AND r.owner = %s
    RETURNING r.id, b.after, b.data
), written AS (
    INSERT INTO facts (run, seq, data) SELECT id, after, data FROM advanced WHERE data <> ''
)"""
_APPEND: LiteralString = f"{_BATCHES}, {_ADVANCED.format(taken='0')} SELECT id FROM advanced"
_APPEND_ALL: LiteralString = f"""{_BATCHES}, c AS (
    SELECT DISTINCT * FROM unnest(%s::text[], %s::text[]) AS c (run, key)
), taken AS (
    SELECT i.run, count(*)::int AS n FROM inbox i JOIN c USING (run, key) WHERE NOT i.consumed GROUP BY i.run
), {_ADVANCED.format(taken="coalesce((SELECT n FROM taken t WHERE t.run = r.id), 0)")}, emptied AS (
    UPDATE inbox i SET consumed = true, payload = NULL FROM c JOIN advanced a ON a.id = c.run
    WHERE i.run = c.run AND i.key = c.key AND NOT i.consumed
), sent AS (
    INSERT INTO inbox (run, key, id, name, payload) SELECT s.run, s.key, s.id, s.name, s.payload
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
        WITH ORDINALITY AS s (sender, run, key, id, name, payload, nth)
    JOIN advanced a ON a.id = s.sender JOIN runs r ON r.id = s.run ORDER BY nth ON CONFLICT DO NOTHING
)
SELECT id FROM advanced"""
_HOLD_RUNS: LiteralString = "SELECT FROM runs WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
_COUNT_SIGNALS: LiteralString = (
    "UPDATE runs r SET woken = (SELECT count(*) FROM inbox i WHERE i.run = r.id AND NOT i.consumed)"
    " WHERE id = ANY(%s) AND ended IS NULL"
)


async def append(db: "Connection", items: Sequence[Batch], owner: str) -> Answers:
    """Facts of many runs, one batch a run; JournalConflict for one that is stale, and nothing of that one is written.

    Signals to other runs need a transaction around this: locks are taken in one order before anything is changed, and
    what waits for those runs is counted once they are held.
    """
    values = _batch_values(items)
    targets = sorted({kept(run) for item in items for run, _ in item.signals})
    if not targets and not any(item.consumed for item in items):
        advanced = await db.execute(_APPEND, (*values, owner), prepare=True)
    else:
        if targets:
            await db.execute(_HOLD_RUNS, (sorted({*targets, *values[0]}),), prepare=True)
        taken = [(kept(item.run), key_of(signal)) for item in items for signal in item.consumed]
        sent = [(kept(item.run), *_signal_values(*each)) for item in items for each in item.signals]
        advanced = await db.execute(
            _APPEND_ALL, (*values, *_columns(taken, 2), owner, *_columns(sent, 6)), prepare=True
        )
        if targets:
            await db.execute(_COUNT_SIGNALS, (targets,), prepare=True)

    async def answers() -> list[Any]:
        found = {told(run) for (run,) in await advanced.fetchall()}
        return [None if item.run in found else JournalConflict(run=item.run) for item in items]

    return answers


def _batch_values(items: Sequence[Batch]) -> tuple[Any, ...]:
    ended = [item.ended is not None for item in items]
    return (
        [kept(item.run) for item in items],
        [item.epoch for item in items],
        [item.after for item in items],
        [item.after + len(item.facts) for item in items],
        [item.alive for item in items],
        [item.status or ("succeeded" if end else None) for item, end in zip(items, ended, strict=True)],
        [kept(item.detail) for item in items],
        [item.ended for item in items],
        PARTED.join([text_of(item.facts) if item.facts else "" for item in items]),
    )


def _signal_values(run: str, signal: InboxSignal) -> tuple[str, ...]:
    return kept(run), key_of(signal.id), kept(signal.id), kept(signal.name), payload_text(signal)


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


async def is_written(db: "Connection", item: Batch | Creation | Release | InQueues, owner: str) -> bool:
    """Whether something was written by us already: the connection broke before we heard of it."""
    if isinstance(item, InQueues):
        item = item.item
    run = kept(item.run)
    found = await (await db.execute("SELECT epoch, owner, ended FROM runs WHERE id = %s", (run,))).fetchone()
    if found is None:
        return False
    epoch, now_owned_by, ended = found
    if isinstance(item, Creation):
        return (epoch, now_owned_by) == (0, None) if item.new.waits_its_turn else epoch == 1 and now_owned_by == owner
    if isinstance(item, Release):
        return epoch == item.epoch and now_owned_by is None and ended is None
    if epoch != item.epoch or now_owned_by != (owner if ended is None else None):
        return False
    written = await db.execute("SELECT data FROM facts WHERE run = %s AND seq = %s", (run, item.after))
    data = await written.fetchone()
    return data is not None and data[0] == text_of(item.facts)


# ---------------------------------------------------------------------- signals

_SEND: LiteralString = """
WITH s AS (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
        WITH ORDINALITY AS s (run, key, id, name, payload, nth)
), sent AS (
    INSERT INTO inbox (run, key, id, name, payload)
    SELECT s.run, s.key, s.id, s.name, s.payload FROM s JOIN runs r ON r.id = s.run ORDER BY nth
    ON CONFLICT DO NOTHING RETURNING run, key
), woke AS (
    UPDATE runs r SET woken = r.woken + w.n FROM (SELECT run, count(*)::int AS n FROM sent GROUP BY run) w
    WHERE r.id = w.run AND r.ended IS NULL
)
SELECT s.nth, r.id IS NOT NULL, sent.run IS NOT NULL
FROM s LEFT JOIN runs r ON r.id = s.run LEFT JOIN sent ON sent.run = s.run AND sent.key = s.key"""


async def send(db: "Connection", items: Sequence[Sending]) -> Answers:
    """Signals into inboxes, each waking its run; False: its id is known there, UnknownRun: there is no such run."""
    values = [(*_signal_values(item.run, item.signal)[:4], item.payload) for item in items]
    answered = await db.execute(_SEND, _columns(values, 5), prepare=True)

    async def answers() -> list[Any]:
        outcomes: list[Any] = [None] * len(items)
        for nth, known, sent in await answered.fetchall():
            outcomes[nth - 1] = sent if known else UnknownRun(run=items[int(nth) - 1].run)
        seen: set[tuple[str, str]] = set()
        for number, (run, key, *_) in enumerate(values):  # The same one twice in a group: the first is the one.
            if outcomes[number] is True:
                outcomes[number] = (run, key) not in seen
                seen.add((run, key))
        return outcomes

    return answers


# ---------------------------------------------------------------------- letting go

_RELEASE: LiteralString = """
WITH b AS (
    SELECT * FROM unnest(%s::text[], %s::int8[], %s::float8[]) WITH ORDINALITY AS b (run, epoch, wake_at, nth)
), gone AS (
    UPDATE runs r SET status = 'waiting', owner = NULL, wake_at = b.wake_at FROM b
    WHERE r.id = b.run AND r.epoch = b.epoch AND r.owner = %s AND r.woken = 0 RETURNING r.id
)
SELECT b.nth, gone.id IS NOT NULL, r.epoch = b.epoch, r.owner = %s, r.ended IS NOT NULL
FROM b LEFT JOIN gone ON gone.id = b.run LEFT JOIN runs r ON r.id = b.run"""


async def release(db: "Connection", items: Sequence[Release], owner: str) -> Answers:
    """Let go of runs; False: signals are waiting, JournalConflict: it is not ours."""
    values = [(kept(item.run), item.epoch, item.wake_at) for item in items]
    answered = await db.execute(_RELEASE, (*_columns(values, 3), owner, owner), prepare=True)

    async def answers() -> list[Any]:
        outcomes: list[Any] = [None] * len(items)
        for nth, gone, same_epoch, ours, ended in await answered.fetchall():
            held = same_epoch and (ours or ended)
            outcomes[nth - 1] = gone or (bool(ended) if held else JournalConflict(run=items[int(nth) - 1].run))
        return outcomes

    return answers


async def let_go(db: "Connection", owner: str, besides: Collection[str] = ()) -> None:
    """Release all runs of an owner but these: whoever comes next goes on with them at once, and no death is counted."""
    await db.execute(
        "UPDATE runs SET status = 'waiting', owner = NULL, wake_at = 0 WHERE owner = %s AND id <> ALL(%s)",
        (owner, [kept(run) for run in besides]),
    )


async def count_death(db: "Connection", run: str, epoch: int, known: int, owner: str) -> int:
    """One death more than is known. Raises JournalConflict when the run is not ours."""
    count: LiteralString = "UPDATE runs SET deaths = %s WHERE id = %s AND epoch = %s AND owner = %s"
    if not (await db.execute(count, (known + 1, kept(run), epoch, owner))).rowcount:
        raise JournalConflict(run=run)
    return known + 1


async def pin(db: "Connection", run: str, *, pinned: bool) -> None:
    """Keep a run for ever, or no longer. Raises UnknownRun."""
    if not (await db.execute("UPDATE runs SET pinned = %s WHERE id = %s", (pinned, kept(run)))).rowcount:
        raise UnknownRun(run=run)


async def delete(db: "Connection", run: str) -> tuple[int, int]:
    """Remove an ended run, and what was only its own: its graph, and its big values, whose number and bytes it gives.

    Raises UnknownRun, RunUnfinished.
    """
    asked = await db.execute("SELECT graph, ended FROM runs WHERE id = %s FOR UPDATE", (kept(run),))
    found = await asked.fetchone()
    if found is None:
        raise UnknownRun(run=run)
    graph, ended = found
    if ended is None:
        raise RunUnfinished(run=run)
    await db.execute("SELECT FROM graphs WHERE hash = %s FOR UPDATE", (graph,))
    await db.execute("DELETE FROM facts WHERE run = %s", (kept(run),))
    forgotten = await postgres_blobs.forget(db, run)
    await db.execute("DELETE FROM runs WHERE id = %s", (kept(run),))  # Takes the inbox and the snapshot with it.
    await db.execute(
        "DELETE FROM graphs WHERE hash = %s AND NOT EXISTS (SELECT FROM runs WHERE graph = %s)", (graph, graph)
    )
    return forgotten


async def keep_snapshot(db: "Connection", run: str, data: bytes) -> None:
    """Store what a run's facts come to; nothing if the run is gone."""
    await db.execute(
        "INSERT INTO snapshots (run, data) SELECT id, %s FROM runs WHERE id = %s"
        " ON CONFLICT (run) DO UPDATE SET data = excluded.data",
        (data, kept(run)),
    )
