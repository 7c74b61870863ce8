"""The queues of runs in Postgres: who is at work, who waits for a place, who is next.

Within the caller's transaction, so that a place is given on in the same instant in which it is given up. One lock a
database keeps whoever changes queues apart: a run may stand in several, and who is next depends on all of them. Only
runs that stand in queues pay for it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, LiteralString

from mulle.engine.journal import CANCEL, Batch, NewRun, superseded
from mulle.errors import JournalConflict
from mulle.store import postgres_blobs
from mulle.store import postgres_writes as sql
from mulle.store.postgres_items import Creation, InQueues, Release, Sending, payload_text
from mulle.store.postgres_rows import kept

if TYPE_CHECKING:
    from mulle.store.postgres_database import Connection

AWAY, AT_WORK, QUEUED = 0, 1, 2

_FULL: LiteralString = """
SELECT FROM queues mine WHERE mine.run = {run}
AND (SELECT count(*) FROM queues theirs WHERE theirs.queue = mine.queue AND theirs.state = 1) >= mine.most"""
_NEXT: LiteralString = f"""
SELECT -priority, number, run FROM queues AS first WHERE queue = %s AND state = 2
AND NOT EXISTS ({_FULL.format(run="first.run")}) ORDER BY priority DESC, number LIMIT 1"""


async def write(db: "Connection", items: Sequence[InQueues], owner: str) -> list[Any]:
    """Do one after another what changes queues, within one transaction; gives an outcome each."""
    await hold(db)
    outcomes: list[Any] = []
    for each in items:
        match each.item:
            case Creation() as item:
                outcomes.append(await _create(db, item, owner))
            case Batch() as item:
                outcomes.append(await _append(db, item, owner))
            case item:
                outcomes.append(await _release(db, item, owner))
    return outcomes


async def _create(db: "Connection", item: Creation, owner: str) -> bool:
    """A new run that waits its turn, or is somebody's child; False: its `dedup` exists, or its parent has ended."""
    if item.new.is_child:  # Its parent's end waits for us, and tells our run; or we see it, and are too late.
        parent = (kept(item.new.parent or ""),)
        asked = await db.execute("SELECT ended IS NOT NULL FROM runs WHERE id = %s FOR SHARE", parent)
        if await asked.fetchone() == (True,):
            return False
    if item.document:
        await sql.keep_graphs(db, {item.new.graph: item.document})
    (made,) = await (await sql.create(db, [item], None if item.new.waits_its_turn else owner))()
    if made and item.blobs:
        await postgres_blobs.keep(db, [(item.run, item.blobs)])
    if made and item.new.waits_its_turn:
        await _enter(db, item.new)
    return made


async def _enter(db: "Connection", run: NewRun) -> None:
    """Let a run stand in its queues, and say when it may begin: now, when others make room, or after a pause."""
    names = [sql.key_of(queue.name) for queue in run.queues]
    await db.execute(
        "INSERT INTO queues (run, queue, most, state, priority, number) SELECT r.id, q.name, q.most, 0, %s, r.number"
        " FROM runs r, unnest(%s::text[], %s::int[]) AS q (name, most) WHERE r.id = %s",
        (run.priority, names, [queue.most for queue in run.queues], kept(run.id)),
    )
    if run.debounce is None:
        wake_at = run.created if await take(db, run.id) else None
        await db.execute("UPDATE runs SET wake_at = %s WHERE id = %s", (wake_at, kept(run.id)))
    else:
        await _debounce(db, run)


async def hold(db: "Connection") -> None:
    """Keep all others from changing queues until this transaction ends. Comes before any lock on a run's row."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended('mulle queues ' || current_schema(), 0))")


async def take(db: "Connection", run: str) -> bool:
    """A place in every queue of a run, if there is one in all of them; else it is queued. True without queues."""
    found = await (await db.execute("SELECT state FROM queues WHERE run = %s LIMIT 1", (kept(run),))).fetchone()
    if found is None or found[0] == AT_WORK:
        return True
    full = await (await db.execute(f"{_FULL.format(run='%s')} LIMIT 1", (kept(run),))).fetchone() is not None
    await db.execute("UPDATE queues SET state = %s WHERE run = %s", (QUEUED if full else AT_WORK, kept(run)))
    return not full


async def may_begin(db: "Connection", run: str) -> bool:
    """Whether a run that nobody drives may be driven; one that may not is `queued`, and nothing is due for it."""
    if await take(db, run) or await _is_to_be_cancelled(db, run):
        return True
    await db.execute("UPDATE runs SET status = 'queued', wake_at = NULL WHERE id = %s", (kept(run),))
    return False


async def _append(db: "Connection", batch: Batch, owner: str) -> JournalConflict | None:
    """The last batch of a run in queues: whoever is next has its places."""
    (refused,) = await (await sql.append(db, [batch], owner))()
    if refused is not None:
        return refused
    if batch.blobs:
        await postgres_blobs.keep(db, [(batch.run, batch.blobs)])
    await _leave(db, batch.run, for_good=True)
    return None


async def _release(db: "Connection", item: Release, owner: str) -> bool | JournalConflict:
    """Let go of a run, and of its places."""
    (released,) = await (await sql.release(db, [item], owner))()
    if released is True:
        await _leave(db, item.run, for_good=False)
    return released


async def _leave(db: "Connection", run: str, *, for_good: bool) -> None:
    """Give a run's places to whoever is next: that one is due at once."""
    freed = await db.execute("SELECT queue FROM queues WHERE run = %s AND state = 1", (kept(run),))
    places = await freed.fetchall()
    if for_good:
        await db.execute("DELETE FROM queues WHERE run = %s", (kept(run),))
    else:
        await db.execute("UPDATE queues SET state = 0 WHERE run = %s", (kept(run),))
    # Who is first in one queue may stand behind somebody else in another one: the first of all goes first.
    while first := [row for queue in places if (row := await (await db.execute(_NEXT, queue)).fetchone())]:
        following = min(first)[-1]
        await db.execute("UPDATE queues SET state = 1 WHERE run = %s", (following,))
        await db.execute("UPDATE runs SET wake_at = 0 WHERE id = %s AND owner IS NULL", (following,))


async def _debounce(db: "Connection", run: NewRun) -> None:
    """Let a new run take the place of queued ones with the same key, and tell these."""
    assert run.debounce is not None
    asked = await db.execute(
        "SELECT id, debounced_since FROM runs WHERE debounce = %s AND id <> %s ORDER BY id FOR UPDATE",
        (sql.key_of(run.debounce.key), kept(run.id)),
    )
    pending = await asked.fetchall()
    since = min((since for _, since in pending), default=run.created)
    begins = run.created + run.debounce.wait
    if run.debounce.at_most is not None:
        begins = min(begins, since + run.debounce.at_most)
    await db.execute(
        "UPDATE runs SET debounce = %s, debounced_since = %s, wake_at = %s WHERE id = %s",
        (sql.key_of(run.debounce.key), since, begins, kept(run.id)),
    )
    older = [sql.told(each) for each, _ in pending]
    await db.execute("UPDATE runs SET debounce = NULL WHERE id = ANY(%s)", ([each for each, _ in pending],))
    told = [superseded(each, run.id) for each in older]
    signals = [Sending(each, one, payload_text(one)) for each, one in zip(older, told, strict=True)]
    if signals:
        await (await sql.send(db, signals))()


async def _is_to_be_cancelled(db: "Connection", run: str) -> bool:
    asked = await db.execute(
        "SELECT FROM inbox WHERE run = %s AND NOT consumed AND name = %s LIMIT 1", (kept(run), CANCEL)
    )
    return await asked.fetchone() is not None


# ---------------------------------------------------------------------- allowances


async def reserve(db: "Connection", name: str, holder: str, *, most: int, per: float, now: float) -> float:
    """When a holder may use an allowance: not before `per` seconds after the use that came `most` uses earlier."""
    key, who = sql.key_of(name), sql.key_of(holder)
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || %s, 1))", (key,))
    asked = await db.execute("SELECT at FROM allowances WHERE name = %s AND holder = %s", (key, who))
    known = await asked.fetchone()
    if known is not None:
        return known[0]
    counted = await (await db.execute("SELECT max(number) FROM allowances WHERE name = %s", (key,))).fetchone()
    last: int = (counted[0] if counted else None) or 0
    asked = await db.execute("SELECT at FROM allowances WHERE name = %s AND number = %s", (key, last + 1 - most))
    earlier = await asked.fetchone()
    begins = now if earlier is None else max(now, earlier[0] + per)
    await db.execute(
        "INSERT INTO allowances (name, number, holder, at) VALUES (%s, %s, %s, %s)", (key, last + 1, who, begins)
    )
    # Only the last `most` count; what lies in the future is still its holder's.
    await db.execute(
        "DELETE FROM allowances WHERE name = %s AND number <= %s AND at < %s", (key, last + 1 - most, now - per)
    )
    return begins
