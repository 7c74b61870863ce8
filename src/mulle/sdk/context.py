"""What a node may know and use while it runs: its place, its memory and the services it was given."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from mulle.document.expressions import Reference, evaluate, parse, parse_template, render, render_data
from mulle.document.ports import is_object
from mulle.document.signature import ERROR_PORT
from mulle.errors import MissingReference, SetupError


class ServiceMissing(SetupError):
    """The node needs a service that this program was not given."""

    code = "setup.service_missing"
    message = "This step needs the service {name!r}, which is not set up here."


class Response(Protocol):
    """An HTTP answer."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def text(self) -> str: ...
    def json(self) -> Any: ...
    def preview(self, length: int = 300) -> str:
        """The beginning of the text on one line, for people."""
        ...


class HttpService(Protocol):
    """The only way out."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        body: bytes | str | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109 - the service itself keeps it, per request.
        idempotency_key: str | None = None,
        raise_for_status: bool = True,
    ) -> Response:
        """Make one request; raises NetworkError, for a status of 400 or above too unless that is turned off."""
        ...


class NotifyService(Protocol):
    """Tells people something: mail, webhook, chat, file."""

    async def send(self, channel: str, settings: Mapping[str, Any], *, idempotency_key: str) -> Mapping[str, Any]:
        """Send one message.

        Args:
            channel: mail, webhook, slack, discord, telegram, apprise, console or file.
            settings: `to`, `cc`, `bcc` (lists of text), `text`, `subject`, `html`, `data`, `attachments`, `token`,
                `headers`, `mode`; any may be absent.
            idempotency_key: The same for the same message, so that whoever gets it twice can notice.

        Returns:
            The receipt: `{"channel", "to", "delivered", "recipients", "refused", "reference", "detail"}`.
        """
        ...


class CodeAnswer(Protocol):
    """What came of a call into the sandbox."""

    @property
    def value(self) -> Any: ...
    @property
    def stdout(self) -> str: ...


class SandboxService(Protocol):
    """Runs code that nobody trusts."""

    async def call(
        self,
        source: str,
        function: str = "main",
        arguments: dict[str, Any] | None = None,
        *,
        timeout: float = 10.0,  # noqa: ASYNC109 - the service itself kills what overstays.
    ) -> CodeAnswer: ...

    async def render(self, template: str, variables: dict[str, Any], *, strict: bool = True) -> str: ...


class LlmService(Protocol):
    """Language models, or the honest built-in mode."""

    async def complete(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer one request.

        Args:
            request: `task` (generate, summarize, translate, classify, extract), `prompt`, `system`, `text`,
                `sentences`, `language`, `labels`, `schema`, `model`, `temperature`, `max_tokens`; what is not set is
                absent.

        Returns:
            `{"text", "model", "usage"}`, with a schema or labels `json` too.
        """
        ...


class KnowledgeService(Protocol):
    async def search(self, query: str, *, domain: str | None = None, limit: int = 5) -> Sequence[Mapping[str, Any]]: ...


class ChildRuns(Protocol):
    """Runs that do a part of a container's work, on whichever machine is free."""

    async def possible(self, run: str, path: tuple[str | int, ...]) -> bool:
        """Whether the work of this node can be given to child runs."""
        ...

    async def start(
        self,
        run: str,
        path: tuple[str | int, ...],
        child: str,
        *,
        settings: Mapping[str, Any],
        inputs: Mapping[str, Any],
        signal: str,
    ) -> None:
        """Start a run of the node's body with its own settings, unless it was started before.

        Its end is told to the run by `signal`, with `{"run", "status"}`.
        """
        ...

    async def ending(self, child: str) -> "Ending | None":
        """How a child ended; None: it has not."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What this program offers to nodes. A stand-in takes the place of any of them."""

    http: HttpService | None = None
    notify: NotifyService | None = None
    sandbox: SandboxService | None = None
    llm: LlmService | None = None
    knowledge: KnowledgeService | None = None
    secret: Callable[[str], str] | None = None
    """A secret's value; raises SetupError when there is none."""
    children: ChildRuns | None = None
    """None: all work is done within the run."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


class ScopeFailure(Protocol):
    """Why a scope failed."""

    @property
    def type(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def node(self) -> str:
        """The node that failed."""
        ...

    @property
    def cause(self) -> str:
        """What went wrong in its own words, without where; empty where `message` is that already."""
        ...


class Ending(Protocol):
    """How one scope that a node asked for ended."""

    @property
    def succeeded(self) -> bool: ...
    @property
    def outputs(self) -> dict[str, Any]: ...
    @property
    def state(self) -> Any: ...
    @property
    def error(self) -> ScopeFailure | None: ...
    @property
    def stopped(self) -> bool: ...


async def _nowhere(_path: tuple[str | int, ...], _text: str) -> None:
    """Where streamed text goes when nobody listens."""


def _nothing(name: str) -> Any:
    raise MissingReference(f"'{name}' means nothing here.", hint="Refer to a node by its id: node.port.")


class Context(msgspec.Struct):
    """One turn of one node."""

    run_id: str = ""
    path: tuple[str | int, ...] = ()
    turn: int = 1
    attempt: int = 1
    now: float = 0.0
    """When this turn started, seconds since 1970. Use it instead of a clock and the run stays repeatable."""
    memo: Any = None
    endings: Sequence[Ending] = ()
    """How the scopes of the last `Expand` ended, in their order."""
    signal: Mapping[str, Any] | None = None
    """What ended the last `Wait`: `{"id", "name", "payload"}`; None: the time."""
    services: Services = msgspec.field(default_factory=Services)
    lookup: Callable[[str], Any] = _nothing
    """What the first word of a reference means here."""
    show: Callable[[tuple[str | int, ...], str], Awaitable[None]] = _nowhere
    """Shows whoever watches the run a piece of text that the node at a path wrote."""
    _calls: int = 0

    @property
    def node_id(self) -> str:
        return str(self.path[-1]) if self.path else ""

    def idempotency_key(self) -> str:
        """A key for the next call outside: the same when this turn runs again, another for each call in it."""
        self._calls += 1
        return f"{self.run_id}/{'/'.join(map(str, self.path))}/{self.turn}/{self._calls}"

    def stream(self, text: str) -> Awaitable[None]:
        """Show a piece of text to whoever watches the run; await it."""
        return self.show(self.path, text)

    def evaluate(self, expression: str, **names: Any) -> Any:
        """The value of an expression here; `names` come before everything else. Raises ExpressionError."""
        lookup = self.lookup
        return evaluate(parse(expression), lambda name: names[name] if name in names else lookup(name))

    def answered(self, reference: Reference) -> bool:
        """Whether the step that a reference means has an answer: it was not skipped, nor left by its error branch."""
        if reference.node is None:
            return True
        found = self.lookup(reference.node)
        if not is_object(found) or reference.port == ERROR_PORT.name:
            return found is not None
        failure = found.get(ERROR_PORT.name)
        others = any(value is not None for name, value in found.items() if name != ERROR_PORT.name)
        return others or not is_object(failure) or not failure.keys() >= {"type", "message", "node"}

    def render(self, template: str, **names: Any) -> Any:
        """A template filled in here: the value itself when it is one `{{ … }}`, else text. Raises ExpressionError."""
        lookup = self.lookup
        return render(parse_template(template), lambda name: names[name] if name in names else lookup(name))

    def render_data(self, data: Any, **names: Any) -> Any:
        """Data with every text in it filled in; see `render`."""
        lookup = self.lookup
        return render_data(data, lambda name: names[name] if name in names else lookup(name))

    @property
    def http(self) -> HttpService:
        return _given("http", self.services.http)

    @property
    def notify(self) -> NotifyService:
        return _given("notify", self.services.notify)

    @property
    def sandbox(self) -> SandboxService:
        return _given("sandbox", self.services.sandbox)

    @property
    def llm(self) -> LlmService:
        return _given("llm", self.services.llm)

    @property
    def knowledge(self) -> KnowledgeService:
        return _given("knowledge", self.services.knowledge)


T = TypeVar("T")


def _given(name: str, service: T | None) -> T:
    if service is None:
        raise ServiceMissing(name=name)
    return service
