"""Big values in Postgres, each once by the hash of its content, and how much room all takes.

Within the caller's transaction. A value and its parts are there together or not at all. Who refers to one holds its row
while he notes that; who takes the last reference away holds it while he looks whether there is another.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, LiteralString

from mulle.store.postgres_rows import kept

if TYPE_CHECKING:
    from mulle.store.postgres_database import Connection

PARTS: LiteralString = "SELECT data FROM blob_parts WHERE hash = %s ORDER BY part"
ROOM: LiteralString = """
SELECT (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r')::bigint,
    (SELECT count(*) FROM runs), (SELECT count(*) FROM blobs), (SELECT coalesce(sum(size), 0) FROM blobs)::bigint"""


async def keep(db: "Connection", blobs: Sequence[tuple[str, Mapping[str, Sequence[bytes]]]]) -> None:
    """Store what runs bring and is not there, and note that they refer to all of it."""
    values = {name: parts for _, brought in blobs for name, parts in brought.items()}
    names = sorted(values)
    if not names:
        return
    held: list[str] = []
    while len(held) < len(names):  # One that was there may go before we hold it.
        made = await db.execute(
            "INSERT INTO blobs (hash, size) SELECT * FROM unnest(%s::text[], %s::int8[]) ON CONFLICT DO NOTHING"
            " RETURNING hash",
            (names, [sum(map(len, values[name])) for name in names]),
        )
        parts = [(name, n, part) for (name,) in await made.fetchall() for n, part in enumerate(values[name])]
        await db.execute(
            "INSERT INTO blob_parts (hash, part, data) SELECT * FROM unnest(%s::text[], %s::int4[], %b::bytea[])",
            ([name for name, _, _ in parts], [n for _, n, _ in parts], [part for _, _, part in parts]),
        )
        asked = await db.execute("SELECT hash FROM blobs WHERE hash = ANY(%s) ORDER BY hash FOR KEY SHARE", (names,))
        held = [name for (name,) in await asked.fetchall()]
    uses = [(kept(run), name) for run, brought in blobs for name in brought]
    await db.execute(
        "INSERT INTO blob_uses (run, hash) SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING",
        ([run for run, _ in uses], [name for _, name in uses]),
    )


async def forget(db: "Connection", run: str) -> tuple[int, int]:
    """Take away a run's references, and every value that nobody refers to then; how many values, and bytes."""
    gone = await db.execute("DELETE FROM blob_uses WHERE run = %s RETURNING hash", (kept(run),))
    names = sorted(name for (name,) in await gone.fetchall())
    if not names:
        return 0, 0
    await db.execute("SELECT FROM blobs WHERE hash = ANY(%s) ORDER BY hash FOR UPDATE", (names,))
    removed = await db.execute(
        "DELETE FROM blobs b WHERE hash = ANY(%s) AND NOT EXISTS (SELECT FROM blob_uses u WHERE u.hash = b.hash)"
        " RETURNING size",
        (names,),
    )
    sizes = [size for (size,) in await removed.fetchall()]
    return len(sizes), sum(sizes)
