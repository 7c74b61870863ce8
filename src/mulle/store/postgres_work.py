"""Which steps of a type are at work on all workers, where only so many may be; within the caller's transaction."""

from typing import TYPE_CHECKING

from mulle.store import postgres_writes as sql

if TYPE_CHECKING:
    from mulle.store.postgres_database import Connection


async def enter(db: "Connection", kind: str, holder: str, *, most: int, me: str) -> bool:
    """Whether a step may be at work: fewer than `most` of living workers asked before it."""
    key, who = sql.key_of(kind), sql.key_of(holder)
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || %s, 2))", (key,))
    await db.execute(
        "INSERT INTO at_work (kind, owner, holder) VALUES (%s, %s, %s) ON CONFLICT (owner, holder) DO NOTHING",
        (key, me, who),
    )
    counted = await db.execute(
        "SELECT count(*) FROM at_work a JOIN workers w ON w.id = a.owner WHERE a.kind = %s AND NOT w.dead"
        " AND w.lease_until >= clock_timestamp()"
        " AND a.number < (SELECT number FROM at_work WHERE owner = %s AND holder = %s)",
        (key, me, who),
    )
    before = await counted.fetchone()
    return before is not None and before[0] < most


async def leave(db: "Connection", holder: str, *, me: str) -> None:
    """Give a place back."""
    await db.execute("DELETE FROM at_work WHERE owner = %s AND holder = %s", (me, sql.key_of(holder)))
