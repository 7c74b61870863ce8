"""The index over ended runs, in a SQLite file of its own: what days, workflows, graphs and nodes add up to.

It may be deleted while nothing runs: it is counted again, to the same figures, from the journals that are still there.
What is told of it is `report`'s business, what goes into it `reading`'s.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mulle.monitor.reading import Cause, Ended, Figures, Place, Tokens
from mulle.monitor.tally import Tally
from mulle.store.database import opened, storage, transaction

KEEP = 35 * 86_400.0
"""Seconds for which ended runs are kept one by one."""

_buckets = msgspec.msgpack.Decoder(dict[int, int])
_PLACE = "day = ? AND workflow = ? AND graph = ? AND node = ?"
_TALLY = "successes, failures, stopped, retries, total, squares, low, high, buckets"
_CAUSE = "error, message, count, retried, first, last, run"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which figures: whole days of the operator's time zone, and a workflow's names (none: all of them)."""

    since: str
    until: str
    workflows: tuple[str, ...] = ()

    def where(self) -> tuple[str, tuple[str, ...]]:
        names = f" AND workflow IN ({', '.join('?' * len(self.workflows))})" if self.workflows else ""
        return f"day BETWEEN ? AND ?{names}", (self.since, self.until, *self.workflows)


class Statistics:
    """The figures of one home. For one thread at a time; several processes may share the file."""

    def __init__(self, path: Path | str) -> None:
        """Open them; raises StoreUnavailable, StoreDamaged, StoreTooNew, StoreFull."""
        self._path = Path(path)
        self._db = opened(path, "statistics", synchronous="NORMAL")  # What a power cut takes away is counted again.

    def close(self) -> None:
        self._db.close()

    # ------------------------------------------------------------------ writing

    def cursor(self) -> str:
        """How far the ended runs were read."""
        with storage(self._path):
            return self._db.execute("SELECT cursor FROM position").fetchone()[0]

    def add(self, figures: Figures, before: str, after: str) -> bool:
        """Add what the runs from one cursor to another came to. False: somebody else has moved on from there."""
        with storage(self._path), transaction(self._db):
            if not self._db.execute("UPDATE position SET cursor = ? WHERE cursor = ?", (after, before)).rowcount:
                return False
            for place, tally in figures.tallies.items():
                self._add_tally(place, tally)
            for (place, mark), cause in figures.causes.items():
                self._add_cause(place, mark, cause)
            for (place, model), tokens in figures.tokens.items():
                self._db.execute(
                    "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                    " calls = calls + excluded.calls, input = input + excluded.input,"
                    " output = output + excluded.output",
                    (*_key(place), model, place.type, tokens.calls, tokens.input, tokens.output),
                )
            self._db.executemany(
                "INSERT OR REPLACE INTO ended VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        one.run,
                        one.workflow,
                        one.status,
                        one.detail,
                        one.created,
                        one.ended,
                        one.tokens,
                        one.cost,
                        one.empty,
                        one.unread,
                    )
                    for one in figures.ended
                ],
            )
        return True

    def _add_tally(self, place: Place, tally: Tally) -> None:
        found = self._db.execute(f"SELECT {_TALLY} FROM tallies WHERE {_PLACE}", _key(place)).fetchone()
        if found is not None:
            tally.add(_tally(found))
        self._db.execute(
            "INSERT OR REPLACE INTO tallies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *_key(place),
                place.type,
                tally.successes,
                tally.failures,
                tally.stopped,
                tally.retries,
                tally.total,
                str(tally.squares),
                tally.low,
                tally.high,
                msgspec.msgpack.encode(dict(sorted(tally.buckets.items()))),
            ),
        )

    def _add_cause(self, place: Place, mark: str, cause: Cause) -> None:
        found = self._db.execute(
            f"SELECT {_CAUSE} FROM causes WHERE {_PLACE} AND fingerprint = ?", (*_key(place), mark)
        ).fetchone()
        if found is not None:
            cause.add(Cause(*found))
        self._db.execute(
            "INSERT OR REPLACE INTO causes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *_key(place),
                mark,
                place.type,
                cause.error,
                cause.message,
                cause.count,
                cause.retried,
                cause.first,
                cause.last,
                cause.run,
            ),
        )

    def forget(self, now: float) -> None:
        """Let go of single runs that no window reaches any more; what they added up to stays."""
        with storage(self._path):
            self._db.execute("DELETE FROM ended WHERE ended < ?", (now - KEEP,))

    # ------------------------------------------------------------------ reading

    def tallies(self, choice: Choice) -> list[tuple[Place, Tally]]:
        """What was counted, place by place."""
        where, values = choice.where()
        with storage(self._path):
            rows = self._db.execute(
                f"SELECT day, workflow, graph, node, type, {_TALLY} FROM tallies WHERE {where}", values
            )
            return [(Place(*row[:5]), _tally(row[5:])) for row in rows]

    def tokens(self, choice: Choice) -> list[tuple[Place, str, Tokens]]:
        """What was asked of which model, place by place."""
        where, values = choice.where()
        with storage(self._path):
            rows = self._db.execute(
                f"SELECT day, workflow, graph, node, type, model, calls, input, output FROM tokens WHERE {where}",
                values,
            )
            return [(Place(*row[:5]), row[5], Tokens(*row[6:])) for row in rows]

    def causes(self, choice: Choice) -> dict[tuple[str, str, str, str], Cause]:
        """Failures by workflow, node, type of node and fingerprint."""
        where, values = choice.where()
        found: dict[tuple[str, str, str, str], Cause] = {}
        with storage(self._path):
            rows = self._db.execute(
                f"SELECT workflow, node, type, fingerprint, {_CAUSE} FROM causes WHERE {where}", values
            )
            for row in rows:
                cause = Cause(*row[4:])
                if row[:4] in found:
                    found[row[:4]].add(cause)
                else:
                    found[row[:4]] = cause
        return found

    def totals(self) -> dict[str, list[tuple[Any, ...]]]:
        """What everything that was ever counted comes to, without its distribution, for counters.

        Gives rows: `runs` and `types` of (name, succeeded, failed, cut short, retries, microseconds), `tokens` of
        (model, calls, input, output), `causes` of (error, count).
        """
        counts = "sum(successes), sum(failures), sum(stopped), sum(retries), sum(total)"
        with storage(self._path):
            return {
                name: self._db.execute(statement).fetchall()
                for name, statement in {
                    "runs": f"SELECT workflow, {counts} FROM tallies WHERE node = '' GROUP BY workflow",
                    "types": f"SELECT type, {counts} FROM tallies WHERE node != '' GROUP BY type",
                    "tokens": "SELECT model, sum(calls), sum(input), sum(output) FROM tokens GROUP BY model",
                    "causes": "SELECT error, sum(count) FROM causes GROUP BY error",
                }.items()
            }

    def ended(self, since: float, workflow: str | None = None) -> Iterable[Ended]:
        """Runs that ended after an instant, of one workflow or of all, the last first."""
        only = "" if workflow is None else " AND workflow = ?"
        with storage(self._path):
            rows = self._db.execute(
                "SELECT run, workflow, status, detail, created, ended, tokens, cost, empty != 0, unread FROM ended"
                f" WHERE ended > ?{only} ORDER BY ended DESC",
                (since,) if workflow is None else (since, workflow),
            ).fetchall()
        return [Ended(*row) for row in rows]

    def unread(self) -> list[tuple[str, str]]:
        """Runs whose facts could not be read, and why; their ends are counted, their nodes are not."""
        with storage(self._path):
            return self._db.execute("SELECT run, unread FROM ended WHERE unread != '' ORDER BY ended DESC").fetchall()


def _key(place: Place) -> tuple[str, str, str, str]:
    return place.day, place.workflow, place.graph, place.node


def _tally(row: tuple[Any, ...]) -> Tally:
    successes, failures, stopped, retries, total, squares, low, high, buckets = row
    return Tally(successes, failures, stopped, retries, total, int(squares), low, high, _buckets.decode(buckets))
