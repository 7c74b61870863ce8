"""What the outside answered, written down; and the same answers given once more, with nothing leaving the machine.

A recording is a file of JSON lines: how the run began, when each turn saw which time, and each call with what was asked
and answered. Secrets stand in it by their names. The sandbox is not recorded: it is local, and its code runs again.
"""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Protocol

import msgspec

from mulle.document.ports import is_object
from mulle.engine.facts import Execute, RunStarted
from mulle.engine.journal import NewRun
from mulle.errors import InputError, MulleError, NetworkError
from mulle.sdk.context import Services
from mulle.services.response import Response

FORMAT = 1


class Unrecorded(NetworkError):
    """A step asks something of the outside that it was not asked when the recording was made."""

    code = "replay.unrecorded"
    message = "Nothing is recorded for {asked} of '{place}'. {closest}"
    hint = "Record the run once more with `--record`, or let the step go out without `--replay`."
    sent = False


class BadRecording(InputError):
    """A file is no recording that this release can use."""

    code = "replay.bad_recording"
    message = "The recording cannot be used: {why}."
    hint = "`mulle run WORKFLOW --record FILE` makes one."


class Again(NetworkError):
    """A call failed when it was recorded, and fails so again."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(
            str(told.get("message", "")),
            sent=told.get("sent") is not False,
            at=str(told.get("where", "")),
            hint=str(told.get("hint", "")),
        )
        self.code = str(told.get("type", "error"))  # pyright: ignore[reportAttributeAccessIssue]  # Its own, not its class's.


@dataclass(frozen=True, slots=True)
class Asked:
    """A call: what tells it from others, and how people name it."""

    service: str
    shown: str
    about: dict[str, Any]

    def without_secrets(self, redact: Callable[[str], str]) -> "tuple[Asked, bool]":
        """The call with secrets named, and whether there were any."""
        clean = _each_text(self.about, redact)
        return Asked(self.service, redact(self.shown), clean), clean != self.about

    @property
    def fingerprint(self) -> str:
        text = json.dumps([self.service, self.about], sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


class Tape(Protocol):
    """What every call goes through."""

    async def through(self, place: str, asked: Asked, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer to a call, as plain data; `ask` makes it."""
        ...


# ---------------------------------------------------------------------- writing it down


class Recorder:
    """Lets calls through and writes down what came back."""

    def __init__(
        self, file: Path, services: Services, *, clock: Callable[[], float], redact: Callable[[str], str]
    ) -> None:
        """Record into a file, which is begun anew; raises OSError."""
        self._file = file
        self._services = services
        self._clock = clock
        self._redact = redact
        file.write_text("", encoding="utf-8")
        file.chmod(0o600)

    @property
    def inputs(self) -> dict[str, Any] | None:
        return None

    def begin(self, new: NewRun, first: RunStarted) -> tuple[NewRun, RunStarted]:
        """Note how the run begins."""
        inputs = _each_text(first.inputs, self._redact)
        began = {"mulle_recording": FORMAT, "run": first.run, "now": first.at, "graph": first.graph, "inputs": inputs}
        self._write(began)
        return new, first

    def now(self, command: Execute) -> float:
        """The time that a turn sees."""
        now = self._clock()
        self._write({"turn": place_of(command), "now": now})
        return now

    def services(self, command: Execute) -> Services:
        """What a turn may use."""
        return taped(self._services, self, place_of(command))

    async def through(self, place: str, asked: Asked, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Make a call, and write down what came of it."""
        clean, secret = asked.without_secrets(self._redact)
        line: dict[str, Any] = {
            "at": place,
            "service": asked.service,
            "shown": clean.shown,
            "asked": {"sha256": clean.fingerprint} if secret else clean.about,
            "fingerprint": clean.fingerprint,
            "secret": secret,
        }
        try:
            answer = await ask()
        except Exception as error:
            self._write(line | {"error": _each_text(_told(error), self._redact)})
            raise
        self._write(line | {"answer": _each_text(answer, self._redact)})
        return answer

    def _write(self, line: dict[str, Any]) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")


def _told(error: Exception) -> dict[str, Any]:
    if isinstance(error, MulleError):
        told = {"type": error.code, "message": error.text, "where": error.at, "hint": error.advice}
        return told | {"sent": getattr(error, "sent", True)}
    return {"type": type(error).__name__, "message": str(error), "sent": True}


# ---------------------------------------------------------------------- giving it again


@dataclass(slots=True)
class _Call:
    place: str
    service: str
    shown: str
    fingerprint: str
    secret: bool
    answer: Any
    error: dict[str, Any] | None
    used: bool = False


@dataclass(slots=True)
class Player:
    """Answers calls out of a recording."""

    run: str
    began: float
    inputs: dict[str, Any] | None
    local: Services
    """What a run may use of this machine, with secrets known by their names only."""
    _times: dict[str, float] = field(default_factory=dict[str, float])
    _calls: list[_Call] = field(default_factory=list[_Call])
    _clock: Callable[[], float] = field(default=lambda: 0.0)

    @classmethod
    def of(cls, file: Path, services: Services, clock: Callable[[], float]) -> "Player":
        """Read a recording; `services` gives what is local. Raises BadRecording."""
        try:
            lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
            first = lines[0]
            if first["mulle_recording"] != FORMAT:
                raise BadRecording(at=str(file), why="it comes from another release")
            local = Services(sandbox=services.sandbox, secret=lambda name: f"[secret {name}]")
            player = cls(str(first["run"]), float(first["now"]), first.get("inputs"), local, _clock=clock)
            for line in lines[1:]:
                player._take(line)
        except OSError as error:
            raise BadRecording(at=str(file), why=error.strerror or str(error)) from error
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise BadRecording(at=str(file), why="it is damaged, or something else") from error
        return player

    def _take(self, line: dict[str, Any]) -> None:
        if "turn" in line:
            self._times[line["turn"]] = float(line["now"])
            return
        error = line.get("error")
        self._calls.append(
            _Call(
                place=line["at"],
                service=line["service"],
                shown=line["shown"],
                fingerprint=line["fingerprint"],
                secret=bool(line["secret"]),
                answer=line.get("answer"),
                error=error if is_object(error) else None,
            )
        )

    def begin(self, new: NewRun, first: RunStarted) -> tuple[NewRun, RunStarted]:
        """Let the run be the recorded one: the same id at the same time."""
        return msgspec.structs.replace(new, id=self.run), msgspec.structs.replace(first, run=self.run, at=self.began)

    def now(self, command: Execute) -> float:
        """The time that a turn saw when it was recorded; what was not recorded sees the clock."""
        return self._times.get(place_of(command)) or self._clock()

    def services(self, command: Execute) -> Services:
        """What a turn may use: everything outside is out of the recording, secrets are known by name only."""
        absent = replace(self.local, http=_NOBODY, notify=_NOBODY, llm=_NOBODY, knowledge=_NOBODY)
        return taped(absent, self, place_of(command))

    async def through(self, place: str, asked: Asked, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The recorded answer; raises what was raised then, and Unrecorded for a call that is new."""
        del ask
        call = self._found(place, asked)
        if call is None:
            raise Unrecorded(asked=asked.shown, place=_node_of(place), closest=self._closest(asked))
        call.used = True
        if call.error is not None:
            raise Again(call.error)
        return call.answer

    def _found(self, place: str, asked: Asked) -> _Call | None:
        """The same call of the same turn; else the same call of any other, one that is not used yet first."""
        same = [call for call in self._calls if _is_same(call, asked)]
        here = [call for call in same if call.place == place]
        unused = [call for call in (*here, *same) if not call.used]
        return next(iter([*unused, *here, *same]), None)

    def _closest(self, asked: Asked) -> str:
        def likeness(call: _Call) -> float:
            return SequenceMatcher(None, call.shown, asked.shown).ratio()

        alike = sorted((call for call in self._calls if call.service == asked.service), key=likeness)
        if not alike:
            return f"The recording has no {asked.service} call at all."
        closest = f"The closest one is {alike[-1].shown} of '{_node_of(alike[-1].place)}'"
        return f"{closest}, with something else in it." if alike[-1].shown == asked.shown else f"{closest}."


def _is_same(call: _Call, asked: Asked) -> bool:
    """Where secrets were part of what was asked, only what people see of it is compared: they are not known here."""
    if call.service != asked.service:
        return False
    return call.fingerprint == asked.fingerprint or (call.secret and call.shown == asked.shown)


def place_of(command: Execute) -> str:
    """A turn as recordings name it: `each/3/fetch#1.2`, the second attempt of its first turn."""
    return f"{'/'.join(map(str, command.path))}#{command.turn}.{command.attempt}"


def _node_of(place: str) -> str:
    return place.rpartition("#")[0]


# ---------------------------------------------------------------------- the services on tape


def taped(services: Services, tape: Tape, place: str) -> Services:
    """Services whose calls go through a tape."""
    return replace(
        services,
        http=_Http(tape, place, services.http) if services.http else None,
        notify=_Notify(tape, place, services.notify) if services.notify else None,
        llm=_Llm(tape, place, services.llm) if services.llm else None,
        knowledge=_Knowledge(tape, place, services.knowledge) if services.knowledge else None,
    )


_NOBODY: Any = object()
"""Takes the place of a service that is never called."""


@dataclass(frozen=True, slots=True)
class _Http:
    tape: Tape
    place: str
    inner: Any

    async def request(self, method: str, url: str, **options: Any) -> Response:
        about = {name: options.get(name) for name in ("params", "json", "body") if options.get(name) is not None}
        body = about.get("body")
        if isinstance(body, bytes):
            about["body"] = _text_of(body)
        asked = Asked("http", f"{method} {url.partition('?')[0]}", {"method": method, "url": url, **about})

        async def ask() -> dict[str, Any]:
            response = await self.inner.request(method, url, **options)
            content = _text_of(response.content) if isinstance(response, Response) else {"text": response.text}
            headers = {name: value for name, value in response.headers.items() if name.lower() != "set-cookie"}
            return {"status": response.status, "headers": headers, "url": getattr(response, "url", url), **content}

        answer = await self.tape.through(self.place, asked, ask)
        content = answer["text"].encode() if "text" in answer else base64.b64decode(answer["base64"])
        return Response(answer["status"], answer["headers"], content, answer["url"], 0.0)


@dataclass(frozen=True, slots=True)
class _Notify:
    tape: Tape
    place: str
    inner: Any

    async def send(self, channel: str, settings: Mapping[str, Any], *, idempotency_key: str) -> Mapping[str, Any]:
        asked = Asked("notify", f"{channel} to {settings.get('to', '')}", {"channel": channel, "settings": settings})
        return await self.tape.through(
            self.place, asked, lambda: _plain(self.inner.send(channel, settings, idempotency_key=idempotency_key))
        )


@dataclass(frozen=True, slots=True)
class _Llm:
    tape: Tape
    place: str
    inner: Any

    async def complete(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        words = str(request.get("prompt") or request.get("text") or "")[:60]
        asked = Asked("llm", f"{request.get('task', 'generate')} “{words}”", {"request": dict(request)})
        return await self.tape.through(self.place, asked, lambda: _plain(self.inner.complete(request)))


@dataclass(frozen=True, slots=True)
class _Knowledge:
    tape: Tape
    place: str
    inner: Any

    async def search(self, query: str, *, domain: str | None = None, limit: int = 5) -> Sequence[Mapping[str, Any]]:
        asked = Asked("knowledge", f"search “{query[:60]}”", {"query": query, "domain": domain, "limit": limit})

        async def ask() -> list[dict[str, Any]]:
            return [dict(one) for one in await self.inner.search(query, domain=domain, limit=limit)]

        return await self.tape.through(self.place, asked, ask)


async def _plain(answer: Awaitable[Mapping[str, Any]]) -> dict[str, Any]:
    return dict(await answer)


def _text_of(content: bytes) -> dict[str, str]:
    """Bytes as JSON has them: text if that is all they are."""
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case Mapping():
            return {change(str(key)): _each_text(item, change) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
        case list() | tuple():
            return [_each_text(item, change) for item in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
        case _:
            return value
