"""Reach a Postgres server: connections, this release's schema, and errors a person can act on.

Knows addresses, schema versions and what Postgres's error codes mean; knows nothing of runs. The library is imported
when the first connection is opened: who keeps everything in SQLite needs none.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString, cast

from mulle.errors import (
    SetupError,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreTooNew,
    StoreUnavailable,
)

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.AsyncConnection[tuple[Any, ...]]

MIGRATIONS = Path(__file__).parent / "migrations"
"""One folder a part of the schema, in it one numbered SQL file a version."""

DEFAULTS = {
    "application_name": "mulle",
    # A server that is gone without a word is noticed within seconds, not after TCP's quarter of an hour.
    "connect_timeout": "5",
    "tcp_user_timeout": "5000",
    "keepalives_idle": "3",
    "keepalives_interval": "1",
    "keepalives_count": "3",
}
"""What holds unless the address says otherwise."""

SHUTTING_DOWN = {"57P01", "57P02", "57P03", "57P05"}
"""The server ended the session, crashed or is not up yet: what was in flight is to be tried again."""


class PostgresMissing(SetupError):
    """The library that speaks with Postgres is not installed."""

    code = "setup.postgres_missing"
    message = "MULLE_DATABASE_URL names a Postgres server, and the library that speaks with it is not installed."
    hint = "pip install 'mulle[cluster]'"


class Address:
    """Where a server is, and how to open connections to it."""

    def __init__(self, url: str) -> None:
        """Parse a `postgresql://` address; raises PostgresMissing, StoreUnavailable."""
        library = psycopg_library()
        logging.getLogger("psycopg").setLevel(
            logging.ERROR
        )  # It warns of connections that broke: that is our business.
        plain = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)
        try:
            self._parameters: dict[str, Any] = DEFAULTS | library.conninfo.conninfo_to_dict(plain)
        except library.Error as error:
            raise StoreUnavailable(
                "the address of the database cannot be read", at="MULLE_DATABASE_URL", hint=HINT
            ) from error
        self.url = url

    @property
    def place(self) -> str:
        """Where it is, without the password."""
        parts = self._parameters
        host, port = parts.get("host", "localhost"), parts.get("port", "5432")
        return f"{host}:{port}/{parts.get('dbname', '')}"

    async def connect(self) -> "Connection":
        """A connection in autocommit mode; raises a StoreError."""
        library = psycopg_library()
        try:
            return await library.AsyncConnection.connect(**self._parameters, autocommit=True)
        except library.Error as error:
            raise storage_error(error, self.place) from error

    def connect_blocking(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection for a thread of its own; raises psycopg's errors."""
        return psycopg_library().Connection.connect(**self._parameters, autocommit=True)


HINT = "Check MULLE_DATABASE_URL (postgresql://user:password@host/database), and that the server runs."


def psycopg_library() -> Any:
    """The library; raises PostgresMissing. Without types, because it is optional."""
    try:
        import psycopg  # noqa: PLC0415 - 100 ms, and only needed with Postgres.
    except ImportError as error:
        raise PostgresMissing(at="MULLE_DATABASE_URL") from error
    return psycopg


def migrate(address: Address, part: str) -> None:
    """Bring one part of the schema up to this release. Blocks; for a thread, or for who has nothing else to do.

    Several processes may try at once: the first one does it. Raises StoreTooNew for a newer release's schema, and
    other StoreErrors.
    """
    steps = sorted((MIGRATIONS / f"postgres_{part}").glob("*.sql"))
    try:
        with address.connect_blocking() as connection:
            found = _version(connection, part)
            if found < len(steps):
                with connection.transaction():
                    found = _bring_up(connection, part, steps)
    except psycopg_library().Error as error:
        raise storage_error(error, address.place) from error
    if found > len(steps):
        raise StoreTooNew(found=found, known=len(steps), part=part, at=address.place)


def _bring_up(connection: "psycopg.Connection[tuple[Any, ...]]", part: str, steps: Sequence[Path]) -> int:
    """Take the steps that are missing; gives the version that was found, once nobody else was at it."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('mulle schema ' || current_schema(), 0))")
    connection.execute("CREATE TABLE IF NOT EXISTS meta (key text NOT NULL PRIMARY KEY, value integer NOT NULL)")
    found = _version(connection, part)
    for step in steps[found:]:
        connection.execute(cast("LiteralString", step.read_text("utf-8")))
    connection.execute(
        "INSERT INTO meta VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = greatest(meta.value, excluded.value)",
        (f"schema.{part}", len(steps)),
    )
    return found


def _version(connection: "psycopg.Connection[tuple[Any, ...]]", part: str) -> int:
    there = connection.execute("SELECT to_regclass('meta')").fetchone()
    if there is None or there[0] is None:
        return 0
    row = connection.execute("SELECT value FROM meta WHERE key = %s", (f"schema.{part}",)).fetchone()
    return row[0] if row else 0


def is_lost(error: BaseException) -> bool:
    """Whether an error means that the connection is gone, so that nobody knows what became of what was under way."""
    library = psycopg_library()
    if not isinstance(error, library.Error):
        return False
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        return isinstance(error, library.OperationalError | library.InterfaceError)
    return state in SHUTTING_DOWN or state.startswith("08")


def storage_error(error: Exception, place: str) -> StoreError:
    """What an error of the server, or of the way to it, means to a person."""
    state: str = getattr(error, "sqlstate", None) or ""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0].removesuffix(".")
    text = text.removeprefix("connection failed: ").removeprefix("connection is bad: ")
    if state == "53100":
        hint = "Free space on the database server. What was written is safe; unfinished runs go on afterwards."
        return StoreFull("the disk of the database server is full", at=place, hint=hint)
    if state == "53300":
        hint = "Raise max_connections of the server, or start fewer workers: each holds four connections."
        return StoreUnavailable("the server takes no more connections", at=place, hint=hint)
    if state.startswith("XX0"):
        return StoreDamaged(text, at=place, hint="Restore a backup of the database; its server's log says more.")
    refused = _why_refused(error, state, text)
    return StoreRefused(text, at=place, hint=refused) if refused else StoreUnavailable(text, at=place, hint=HINT)


def _why_refused(error: Exception, state: str, text: str) -> str:
    """What to do when the server does not let us in; empty: it does, or it is not there.

    An attempt to connect that failed has no code: of a missing database or user only the server's words tell.
    """
    if state == "42501":
        return "Let its user make tables there (GRANT CREATE ON SCHEMA …), or give Mulle a schema of its own."
    attempt: Any = getattr(error, "pgconn", None)
    if state or attempt is None:
        return ""
    if attempt.used_password or attempt.needs_password:
        return "Check the user and the password in MULLE_DATABASE_URL; in it `@ : / %` are written %40 %3A %2F %25."
    if "FATAL" in text and "database" in text and "does not exist" in text:
        return "Make the database (`createdb NAME`), or name another one in MULLE_DATABASE_URL."
    if "FATAL" in text and ("role" in text or "pg_hba" in text or "authentication" in text):
        return "Check the user in MULLE_DATABASE_URL, and whether the server lets it in from here (pg_hba.conf)."
    return ""
