"""Keep a cluster's database small: old runs go, one transaction each. One worker sweeps at a time.

Over a connection of its own, so that nobody's facts wait behind it. Facts of ended runs are not packed here: Postgres
compresses large rows by itself. The server uses the room again; it gives it back to the machine when it vacuums.
"""

from typing import TYPE_CHECKING, Any, LiteralString

from mulle.engine.journal import Keep, Room, Swept
from mulle.store import postgres_blobs
from mulle.store import postgres_writes as sql
from mulle.store.postgres_rows import told

if TYPE_CHECKING:
    from mulle.store.postgres_database import Connection

FOUND = 200
"""Runs that are looked for at a time."""
_ENTRY = 600
"""Bytes that a run takes beside its facts: its row, and its places in the indexes."""
_LOCK: LiteralString = "hashtextextended('mulle sweep ' || current_schema(), 0)"
_GONE: LiteralString = (
    "{0}.ended IS NOT NULL AND NOT {0}.pinned"
    " AND {0}.ended < CASE {0}.status WHEN 'failed' THEN %(failed)s::float8 ELSE %(succeeded)s::float8 END"
)
# A run waits for its children to end, and a child's story is part of its parent's. A fork stands for itself.
_OLD: LiteralString = (
    f"FROM runs AS run WHERE {_GONE.format('run')} AND NOT EXISTS (SELECT FROM runs AS child"
    " WHERE child.parent = run.id AND NOT child.forked AND child.ended IS NULL)"
    " AND (run.parent IS NULL OR run.forked OR NOT EXISTS (SELECT FROM runs AS parent"
    f" WHERE parent.id = run.parent AND NOT ({_GONE.format('parent')})))"
)
_FACTS: LiteralString = "SELECT coalesce(sum(octet_length(data)), 0)::bigint FROM facts WHERE facts.run = "
_FIND: LiteralString = f"SELECT run.id, ({_FACTS} run.id) {_OLD} LIMIT %(most)s"
_STILL: LiteralString = f"SELECT {_OLD} AND run.id = %(run)s FOR UPDATE OF run"


async def look(db: "Connection", keep: Keep, now: float) -> Swept:
    """What a sweep would do, and about how much room that frees."""
    limits = _limits(keep, now)
    runs, facts = await _one(db, f"SELECT count(*), coalesce(sum(({_FACTS} run.id)), 0)::bigint {_OLD}", limits)
    blobs, size = await _one(
        db,
        "SELECT count(*), coalesce(sum(size), 0)::bigint FROM blobs b WHERE NOT EXISTS (SELECT FROM blob_uses u"
        f" WHERE u.hash = b.hash AND u.run NOT IN (SELECT run.id {_OLD}))",
        limits,
    )
    return Swept(runs=runs, blobs=blobs, freed=runs * _ENTRY + facts + size, room=await room(db))


async def sweep(db: "Connection", keep: Keep, now: float, *, give_back: bool) -> Swept:
    """Remove runs that are older than they may be; with `give_back`, let the server look for room to give back."""
    (ours,) = await _one(db, f"SELECT pg_try_advisory_lock({_LOCK})")
    if not ours:
        return Swept(busy=True, room=await room(db))
    runs = blobs = freed = 0
    while True:
        found = await db.execute(_FIND, _limits(keep, now) | {"most": FOUND})
        old = await found.fetchall()
        before = runs
        for run, facts in old:
            async with db.transaction():
                still = await db.execute(_STILL, _limits(keep, now) | {"run": run})
                if await still.fetchone() is None:
                    continue  # It was pinned since we looked, or somebody else was quicker.
                gone, size = await sql.delete(db, told(run))
            runs, blobs, freed = runs + 1, blobs + gone, freed + facts + size + _ENTRY
        if not old or runs == before:
            break
    if give_back:
        for table in ("facts", "blob_parts", "inbox", "runs"):
            await db.execute(f"VACUUM {table}")
    return Swept(runs=runs, blobs=blobs, freed=freed, room=await room(db))


async def room(db: "Connection") -> Room:
    """How much room everything takes."""
    size, runs, blobs, blob_bytes = await _one(db, postgres_blobs.ROOM)
    return Room(bytes=size, runs=runs, blobs=blobs, blob_bytes=blob_bytes)


def _limits(keep: Keep, now: float) -> dict[str, float]:
    return {"succeeded": now - keep.succeeded, "failed": now - keep.failed}


async def _one(db: "Connection", query: LiteralString, values: dict[str, float] | None = None) -> tuple[Any, ...]:
    found = await (await db.execute(query, values)).fetchone()
    assert found is not None
    return found
