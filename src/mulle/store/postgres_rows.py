"""How the journal's rows stand in Postgres, and how they are asked for. Knows tables; changes nothing."""

import hashlib
from collections.abc import Sequence
from typing import Any, LiteralString, cast

import msgspec

from mulle.engine.journal import CANCEL, RunRow

COLUMNS = RunRow.__struct_fields__
RUN_COLUMNS = cast("LiteralString", ", ".join(f"r.{column}" for column in COLUMNS))
LONG_KEY = 500
"""Characters: longer ones are too long for an index, and a hash stands for them."""


def kept(text: str) -> str:
    """A text as Postgres keeps it: it takes any character but NUL."""
    return text if "\0" not in text and "\x1a" not in text else text.replace("\x1a", "\x1a1").replace("\0", "\x1a0")


def told(text: str) -> str:
    """A kept text as it was."""
    return text if "\x1a" not in text else text.replace("\x1a0", "\0").replace("\x1a1", "\x1a")


def key_of(text: str) -> str:
    """What an index finds a text by."""
    return kept(text) if len(text) <= LONG_KEY else "sha256 " + hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------------- reading

SELECT_RUN: LiteralString = f"SELECT {RUN_COLUMNS} FROM runs r"
ROW: LiteralString = f"{SELECT_RUN} WHERE r.id = %s"
RUN_WITH: LiteralString = "SELECT id FROM runs WHERE dedup = %s"
GRAPH: LiteralString = "SELECT document FROM graphs WHERE hash = %s"
SNAPSHOT: LiteralString = "SELECT data FROM snapshots WHERE run = %s"
INBOX: LiteralString = "SELECT id, name, payload FROM inbox WHERE run = %s AND NOT consumed ORDER BY number"
ENDED_SINCE: LiteralString = f"""
SELECT {RUN_COLUMNS}, r.ending, r.number, r.ending < pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM runs r
WHERE (r.ending, r.number) > (%s, %s) ORDER BY r.ending, r.number LIMIT %s"""
"""Ended runs in the order of the transactions that ended them. One that is older than every transaction under way
(the last column) keeps its place: none can come before it any more."""
WOKEN: LiteralString = f"""r.woken > 0 AND r.owner IS NULL AND (r.status <> 'queued' OR EXISTS (
    SELECT FROM inbox i WHERE i.run = r.id AND NOT i.consumed AND i.name = '{CANCEL}'
))"""
"""What is queued hears signals when it has its place; but it can be cancelled at once."""
BACKLOG: LiteralString = f"""
SELECT (SELECT count(*) FROM runs WHERE status = 'queued'), (SELECT count(*) FROM runs WHERE status = 'running'),
    (SELECT count(*) FROM runs WHERE status = 'waiting'),
    (SELECT count(*) FROM runs WHERE wake_at <= %s AND woken = 0) + (SELECT count(*) FROM runs r WHERE {WOKEN}),
    (SELECT min(created) FROM runs WHERE status IN ('queued', 'running', 'waiting'))"""
FACTS: LiteralString = """
SELECT r.head, f.seq, f.data FROM runs r LEFT JOIN LATERAL (
    SELECT seq, data FROM facts WHERE run = r.id
    AND seq >= coalesce((SELECT max(seq) FROM facts WHERE run = r.id AND seq <= %s), 0) ORDER BY seq LIMIT %s
) f ON true WHERE r.id = %s ORDER BY f.seq"""


def rows_query(
    status: str | None, workflow: str | None, limit: int, before: float | None, behind: str | None
) -> tuple[LiteralString, list[Any]]:
    """Runs, newest first."""
    where: list[LiteralString] = []
    values: list[Any] = []
    if status is not None:
        where.append("r.status = %s")
        values.append(status)
    if workflow is not None:
        where.append("left(r.workflow, 100) = %s AND r.workflow = %s")
        values += [kept(workflow)[:100], kept(workflow)]
    if before is not None:
        where.append("r.created < %s")
        values.append(before)
    if behind is not None:
        where.append("(r.created, r.number) < (SELECT created, number FROM runs WHERE id = %s)")
        values.append(kept(behind))
    condition: LiteralString = f"WHERE {' AND '.join(where)}" if where else ""
    query: LiteralString = f"{SELECT_RUN} {condition} ORDER BY r.created DESC, r.number DESC LIMIT %s"
    return query, [*values, max(0, limit)]


def run_row(values: Sequence[Any]) -> RunRow:
    """A row as everybody reads it."""
    row = RunRow(**dict(zip(COLUMNS, values, strict=True)))
    texts = (row.id, row.workflow, row.detail, row.parent or "", row.session or "")
    if not any("\x1a" in text for text in texts):
        return row
    changed = {name: told(value) for name in COLUMNS if isinstance(value := getattr(row, name), str)}
    return msgspec.structs.replace(row, **changed)
