"""Who drives which run: what is said to Postgres about workers, their leases, and runs that change hands.

A worker lives while its lease does, by the clock of the server. A worker whose lease has run out is first *declared
dead*, on its own row: whoever renews the lease in the same instant waits for that row, or the declarer waits for him,
so there is never a moment in which both are right. Only runs of the declared dead change hands.

A killed process need not be waited for that long. The kernel closes its connections, and the server knows at once: a
worker whose session is gone, and who did not come back with another one within `SILENCE`, is dead too. That is no
evidence when the server itself was restarted: then all sessions are gone, and leases alone decide.

Leases are no evidence for a worker that was out of touch himself: the server may have been away for everybody. He gives
the others the time of a lease to come back as well.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from mulle.engine.journal import Claim
from mulle.store import postgres_queues as queues
from mulle.store.postgres_rows import RUN_COLUMNS, WOKEN, kept, run_row

if TYPE_CHECKING:
    from mulle.store.postgres_database import Connection

SILENCE: LiteralString = "interval '700 milliseconds'"
"""How long a worker without a session may be silent: more than one heartbeat and a new connection take. No worker that
was heard of since is declared dead, so workers count on it: `postgres_lease.SURE` is shorter.
"""

_KILLED: LiteralString = f"""(
    w.beat < clock_timestamp() - {SILENCE} AND w.session_began >= pg_postmaster_start_time()
    AND NOT EXISTS (SELECT FROM pg_stat_get_activity(w.session))
)"""
_GONE: LiteralString = f"(w.dead OR w.lease_until < clock_timestamp() OR {_KILLED})"
_DECLARE: LiteralString = f"UPDATE workers w SET dead = true WHERE NOT w.dead AND w.id <> %s AND {_GONE}"
_DECLARE_KILLED: LiteralString = f"UPDATE workers w SET dead = true WHERE NOT w.dead AND w.id <> %s AND {_KILLED}"
_TAKE: LiteralString = f"""
UPDATE runs r SET status = 'running', owner = %s, epoch = r.epoch + 1, wake_at = NULL, debounce = NULL FROM chosen
WHERE r.id = chosen.id RETURNING {RUN_COLUMNS}, chosen.owner IS NOT NULL, r.in_queues"""
_CLAIM: LiteralString = f"""
WITH chosen AS MATERIALIZED (
    SELECT r.id, r.owner FROM runs r WHERE r.id = %s AND r.ended IS NULL
    AND (r.owner IS NULL OR r.owner IN (SELECT id FROM workers WHERE dead)) FOR UPDATE
) {_TAKE}"""
_CLAIM_DUE: LiteralString = f"""
WITH left_behind AS MATERIALIZED (
    SELECT r.id, r.owner, 1 AS rank, 0 AS since FROM runs r
    WHERE r.owner IN (SELECT id FROM workers WHERE dead) AND r.id <> ALL(%(besides)s)
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), woken AS MATERIALIZED (
    SELECT r.id, r.owner, 2 AS rank, 0 AS since FROM runs r
    WHERE {WOKEN} AND NOT r.in_queues AND r.id <> ALL(%(besides)s) LIMIT %(limit)s FOR UPDATE OF r SKIP LOCKED
), due AS MATERIALIZED (
    SELECT r.id, r.owner, 3 AS rank, r.wake_at AS since FROM runs r
    WHERE r.wake_at <= %(now)s AND NOT r.in_queues AND r.id <> ALL(%(besides)s)
    ORDER BY r.wake_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), chosen AS MATERIALIZED (
    SELECT id, max(owner) AS owner FROM (TABLE left_behind UNION ALL TABLE woken UNION ALL TABLE due) found
    GROUP BY id ORDER BY min(rank), min(since) LIMIT %(limit)s
) {_TAKE.replace("%s", "%(me)s", 1)}"""

_CLAIM_AGAIN: LiteralString = f"""
UPDATE runs r SET epoch = r.epoch + 1 WHERE r.owner = %s AND r.id <> ALL(%s)
RETURNING {RUN_COLUMNS}, false, r.in_queues"""

IN_QUEUES: LiteralString = f"""
SELECT r.id FROM runs r WHERE r.in_queues AND r.owner IS NULL AND (r.wake_at <= %(now)s OR ({WOKEN}))
AND r.id <> ALL(%(besides)s) ORDER BY r.wake_at LIMIT %(limit)s"""
"""Runs that may begin if they get their places: each is to be claimed by itself."""
CLAIMABLE: LiteralString = f"""
SELECT id FROM (
    (SELECT id, 1 AS rank, 0 AS since FROM runs WHERE owner IN (SELECT w.id FROM workers w WHERE {_GONE})
        LIMIT %(limit)s)
    UNION ALL (SELECT id, 2, 0 FROM runs r WHERE {WOKEN} LIMIT %(limit)s)
    UNION ALL (SELECT id, 3, wake_at FROM runs WHERE wake_at <= %(now)s ORDER BY wake_at LIMIT %(limit)s)
) found GROUP BY id ORDER BY min(rank), min(since) LIMIT %(limit)s"""
NEXT_WAKE: LiteralString = "SELECT min(wake_at) FROM runs WHERE wake_at > %s"
LOOK_AROUND: LiteralString = f"""
SELECT ARRAY(SELECT id FROM runs WHERE woken > 0 AND owner = %s),
    EXISTS (SELECT FROM runs r WHERE {WOKEN})
    OR EXISTS (SELECT FROM runs WHERE owner IN (SELECT w.id FROM workers w WHERE {_GONE})),
    (SELECT min(wake_at) FROM runs WHERE wake_at IS NOT NULL)"""
"""A worker's own runs that have signals waiting; whether a run has work and no driver; when the next one is due."""

BEAT: LiteralString = """
UPDATE workers SET lease_until = clock_timestamp() + make_interval(secs => %s), beat = clock_timestamp(),
    session = %s,
    session_began = CASE WHEN session IS NOT DISTINCT FROM %s THEN session_began ELSE clock_timestamp() END
WHERE id = %s AND NOT dead RETURNING pg_backend_pid()"""


async def enter(db: "Connection", owner: str, name: str, lease: float) -> None:
    """Become a worker, with a lease of so many seconds. Those who are dead and own nothing any more are forgotten."""
    await db.execute(
        "DELETE FROM workers w WHERE w.dead AND NOT EXISTS (SELECT FROM runs WHERE owner = w.id)"
        " AND w.beat < clock_timestamp() - interval '1 hour'"
    )
    await db.execute(
        "INSERT INTO workers (id, name, lease_until, beat)"
        " VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s), clock_timestamp())",
        (owner, kept(name), lease),
    )


async def lives(db: "Connection", owner: str) -> bool:
    """Whether nobody has declared a worker dead."""
    return await (await db.execute("SELECT FROM workers WHERE id = %s AND NOT dead", (owner,))).fetchone() is not None


async def leave(db: "Connection", owner: str) -> None:
    """Be a worker no more; every run was let go of before."""
    await db.execute("DELETE FROM workers WHERE id = %s", (owner,))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim, and whether the run stands in queues."""

    claim: Claim
    in_queues: bool


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who takes runs over."""

    id: str
    judges: bool
    """He has been in touch long enough to take those for dead whose leases have run out."""


async def _declare(db: "Connection", me: Claimant) -> None:
    await db.execute(_DECLARE if me.judges else _DECLARE_KILLED, (me.id,), prepare=True)


async def claim(db: "Connection", run: str, me: Claimant) -> Claimed | None:
    """Take a run over, unless it has ended, its owner lives or it has no place in a queue; None if there is none."""
    await _declare(db, me)
    asked = await db.execute("SELECT in_queues FROM runs WHERE id = %s", (kept(run),), prepare=True)
    if await asked.fetchone() == (True,):
        await queues.hold(db)
        return await _claim_queued(db, run, me.id)
    row = await (await db.execute(_CLAIM, (kept(run), me.id), prepare=True)).fetchone()
    return None if row is None else _claimed(row)


async def claim_queued(db: "Connection", runs: Sequence[str], me: Claimant) -> list[Claimed]:
    """Take over runs that stand in queues, as many as have their places."""
    await _declare(db, me)
    await queues.hold(db)
    return [claimed for run in runs if (claimed := await _claim_queued(db, run, me.id)) is not None]


async def _claim_queued(db: "Connection", run: str, me: str) -> Claimed | None:
    asked = await db.execute(
        "SELECT owner IS NULL, ended IS NULL FROM runs WHERE id = %s FOR UPDATE", (kept(run),), prepare=True
    )
    if await asked.fetchone() == (True, True) and not await queues.may_begin(db, run):
        return None
    row = await (await db.execute(_CLAIM, (kept(run), me), prepare=True)).fetchone()
    return None if row is None else _claimed(row)


async def claim_due(db: "Connection", now: float, limit: int, besides: Collection[str], me: Claimant) -> list[Claimed]:
    """Take over what the dead left, what was woken and what is due, but for what needs places in queues.

    Runs that others are looking at are passed over.
    """
    await _declare(db, me)
    values: dict[str, Any] = {"now": now, "limit": limit, "besides": [kept(run) for run in besides], "me": me.id}
    return [_claimed(row) for row in await (await db.execute(_CLAIM_DUE, values, prepare=True)).fetchall()]


async def claim_again(db: "Connection", besides: Collection[str], me: str) -> list[Claimed]:
    """Claim once more what is ours, but for some."""
    found = await db.execute(_CLAIM_AGAIN, (me, [kept(run) for run in besides]))
    return [_claimed(row) for row in await found.fetchall()]


def _claimed(values: tuple[Any, ...]) -> Claimed:
    *row, unclean, in_queues = values
    return Claimed(Claim(row=run_row(row), unclean=unclean), in_queues)
