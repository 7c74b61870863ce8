"""Open a home: everything that the settings name, wired together."""

import asyncio
import os
import sys
import uuid
from asyncio.subprocess import DEVNULL
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mulle.app.running import App
from mulle.document.policies import Rate
from mulle.document.reading import UnreadableDocument, read_workflow
from mulle.document.workflow import Workflow
from mulle.engine.journal import Journal
from mulle.errors import SecretMissing
from mulle.runtime.limits import Limits
from mulle.runtime.memory_journal import MemoryJournal
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.context import Services
from mulle.services.guard import Guard, place
from mulle.services.llm.model import language_model
from mulle.services.notify import Notify
from mulle.services.redact import Redactor
from mulle.services.sandbox import Sandbox
from mulle.services.secrets import Secrets
from mulle.services.stand_ins import StandInHttp
from mulle.settings import Settings
from mulle.store.database import MEMORY
from mulle.store.owners import Owners
from mulle.store.postgres_journal import PostgresJournal
from mulle.store.postgres_workflows import PostgresWorkflows
from mulle.store.sqlite_journal import SqliteJournal
from mulle.store.sqlite_workflows import SqliteWorkflows

if TYPE_CHECKING:
    from mulle.services.http import Http
    from mulle.store.workflows import Workflows

DATABASE = "mulle.db"


def load(file: str | Path) -> Workflow:
    """A document from a YAML or JSON file; raises UnreadableDocument, InvalidDocument."""
    try:
        text = Path(file).read_bytes()
    except OSError as error:
        raise UnreadableDocument(f"The file cannot be read: {error.strerror}.", at=str(file)) from error
    try:
        return read_workflow(text)
    except UnreadableDocument as error:
        error.at = error.at or str(file)
        raise


def settings() -> Settings:
    """What the environment says; raises BadSetting."""
    return Settings.from_environ(os.environ)


def secret_store(chosen: Settings) -> Secrets:
    """The secrets of a home, which is made if it is not there."""
    return Secrets(chosen.make_home(), chosen.master_key)


def find_secret(chosen: Settings, name: str) -> str:
    """A stored secret; else the environment's variable of that name, if it is one of Mulle's own.

    Raises SecretMissing, WrongMasterKey, SecretsDamaged.
    """
    try:
        return secret_store(chosen).get(name)
    except SecretMissing:
        value = chosen.variable(name)
        if value is None:
            raise
        return value


def open_app(home: str | Path | None = None, *, given: Settings | None = None, by_itself: bool = True) -> App:
    """Open a home.

    Args:
        home: Its folder; None: MULLE_HOME, else ~/.mulle. ":memory:" keeps nothing, for tests.
        given: Settings instead of the environment's.
        by_itself: Go on with unfinished runs, due timers and signals by itself, from the app's first use on.

    Raises:
        BadSetting: A variable of the environment cannot be used.
        StoreError: The home's database cannot be used.
    """
    chosen = given or settings()
    if home == MEMORY:
        shelf = MemoryJournal()
        return App(
            shelf,
            Catalogue.installed(),
            Outside(chosen),
            SqliteWorkflows(MEMORY),
            again=lambda: shelf.as_owner(uuid.uuid4().hex),
            by_itself=by_itself,
            limits=_limits(chosen),
        )
    if home is not None:
        chosen = replace(chosen, home=Path(home).expanduser().absolute())
    folder = chosen.make_home()

    def journal() -> Journal:
        if chosen.database_url:
            return PostgresJournal(chosen.database_url)
        return SqliteJournal(folder / DATABASE, Owners(folder / "owners"))

    async def alone(run_id: str) -> None:
        command = (sys.executable, "-m", "mulle.cli", "worker", "--only", run_id, "--json")
        environment = os.environ | {"MULLE_HOME": str(folder), "MULLE_DATABASE_URL": chosen.database_url or ""}
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
        await process.wait()

    outside = Outside(chosen)
    workflows: Workflows = (
        PostgresWorkflows(chosen.database_url) if chosen.database_url else SqliteWorkflows(folder / DATABASE)
    )
    return App(
        journal(),
        Catalogue.installed(),
        outside,
        workflows,
        alone=alone,
        again=journal,
        by_itself=by_itself,
        home=folder,
        limits=_limits(chosen),
    )


def _limits(chosen: Settings) -> Limits:
    rates = {kind: Rate(most=most, per=seconds) for kind, (most, seconds) in chosen.limits.rates.items()}
    return Limits(rates, chosen.limits.at_once)


class Outside:
    """Everything through which a home's nodes touch the world, by its settings. Made and connected when first used."""

    def __init__(self, chosen: Settings) -> None:
        stand_ins = {place(host, port) for host, port in (_host_and_port(origin) for _, origin in chosen.stand_ins)}
        guard = Guard(chosen.allow_hosts | stand_ins)
        self.settings = chosen
        self._http = OnDemandHttp(guard, chosen.proxy)
        self._sandbox = Sandbox(mode=chosen.sandbox, timezone=chosen.timezone)
        http = StandInHttp(self._http, dict(chosen.stand_ins)) if chosen.stand_ins else self._http
        self.services = Services(
            http=http,
            notify=Notify.configured(chosen, http, guard),
            sandbox=self._sandbox,
            llm=language_model(chosen),
            secret=self.secret,
        )
        self._redactor: Redactor | None = None

    def secret(self, name: str) -> str:
        """As `find_secret`."""
        return find_secret(self.settings, name)

    def redact(self, text: str) -> str:
        """A text without the values of known secrets."""
        if self._redactor is None:
            self._redactor = Redactor(self.settings.secrets() | secret_store(self.settings).values())
        return self._redactor.text(text)

    async def close(self) -> None:
        """Close connections and stop child processes."""
        await self._sandbox.close()
        await self._http.aclose()


class OnDemandHttp:
    """`services.http.Http`, imported when the first request is made: it takes 200 ms, and many workflows make none."""

    def __init__(self, guard: Guard, proxy: str | None) -> None:
        self._guard = guard
        self._proxy = proxy
        self._client: Http | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def request(self, method: str, url: str, **options: Any) -> Any:
        """As `Http.request`; a client belongs to one event loop."""
        from mulle.services.http import Http  # noqa: PLC0415 - see the class.

        if self._client is None or self._loop is not asyncio.get_running_loop():
            self._client, self._loop = Http(self._guard, proxy=self._proxy), asyncio.get_running_loop()
        return await self._client.request(method, url, **options)

    async def aclose(self) -> None:
        if self._client is not None and self._loop is asyncio.get_running_loop():
            await self._client.aclose()
            self._client = None


def _host_and_port(origin: str) -> tuple[str, int]:
    parts = urlsplit(origin)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
