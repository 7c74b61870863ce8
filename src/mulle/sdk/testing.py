"""Try one node without a run, its settings, ports and answer checked as a run does it; and services to try it on."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mulle.document.plain_data import plain_data
from mulle.document.ports import accepts, type_of
from mulle.document.problem import errors
from mulle.document.signature import ERROR_PORT, Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import MissingReference, NetworkError, StepError
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.context import Context, Ending, Services
from mulle.sdk.fields import rendered, shape_of
from mulle.sdk.fit import BadSettings, NoData, fill_port, plain, validated
from mulle.sdk.node import Answer, Done, Expand, Node, Wait

_NODE = "node"
"""The id that a node has here."""


class UndeclaredOutput(StepError):
    """A node answered on a port that it does not have, or with a value that the port does not give."""

    code = "node.undeclared_output"
    message = "The node answered {got} on '{port}', and its outputs are: {there}."
    hint = "Add the field to its `Outputs`, or answer on another port."


async def try_node(
    node: Node,
    config: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    *,
    services: Services | None = None,
    names: Mapping[str, Any] | None = None,
    memo: Any = None,
    endings: Sequence[Ending] = (),
    signal: Mapping[str, Any] | None = None,
    now: float = 0.0,
    turn: int = 1,
    stream: Callable[[str], Awaitable[None]] | None = None,
) -> Answer:
    """One turn of a node: what it answers, as the journal would keep it.

    Args:
        node: An instance of its type.
        config: Its settings as a document has them, templates and all.
        inputs: What arrives at its ports.
        services: What it may use; see the stand-ins below.
        names: What references mean: `{"start": {"topic": "경제"}, "item": 3}`.
        memo: The note that its turn before left.
        endings: How the scopes of its last `Expand` ended; see `Ended`.
        signal: What ended its last `Wait`.
        now: When the turn starts, seconds since 1970.
        turn: The first is 1.
        stream: Gets the texts that it shows while it works.

    Raises:
        BadSettings: The settings are not what its `Config` takes.
        InputMissing, WrongType: The inputs are not what its `Inputs` take.
        ExpressionError: A template refers to what `names` does not have.
        UndeclaredOutput, NoData: Its answer is not what its `Outputs` or a journal take.
        Exception: Whatever the node itself raises.
    """
    services = services or Services()
    spec = NodeSpec(id=_NODE, type=node.type, data=plain_data(dict(config or {})))
    signature = Catalogue({node.type: node}).describe(spec)
    for problem in errors(list(signature.problems)):
        raise BadSettings(where=problem.where.removeprefix(f"nodes.{_NODE}."), problem=problem.message.rstrip("."))
    known = _Names(names or {}, signature, services)
    context = Context(
        run_id="try",
        path=(_NODE,),
        turn=turn,
        now=now,
        memo=plain(memo),
        endings=endings,
        signal=signal,
        services=services,
        lookup=known,
    )
    if stream is not None:
        context.show = lambda _, text: stream(text)
    settings = validated(node.Config, rendered(spec.data, shape_of(node.Config), known, known.with_secrets))
    answer = await node.run(settings, _arrived(node, signature, inputs or {}), context)
    return _kept(answer, signature)


def _arrived(node: Node, signature: Signature, inputs: Mapping[str, Any]) -> Any:
    values = dict(plain(inputs))
    for port in signature.inputs:
        fill_port(port, values, _NODE, lambda: "the test", node.Inputs)
    return values if node.Inputs is None else validated(node.Inputs, values)


def _kept(answer: Any, signature: Signature) -> Answer:
    """The answer as plain data; raises NoData, UndeclaredOutput."""
    try:
        kept = _plain(answer)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise NoData(problem=str(error)) from error
    if isinstance(kept, Done):
        for name, value in kept.outputs.items():
            _check_output(name, value, signature)
    return kept


def _plain(answer: Any) -> Answer:
    match answer:
        case Done():
            return msgspec.structs.replace(answer, outputs=plain(answer.outputs))
        case Expand():
            scopes = [plain(scope) for scope in answer.scopes]
            return msgspec.structs.replace(answer, scopes=scopes, plan=plain(answer.plan), memo=plain(answer.memo))
        case Wait():
            return msgspec.structs.replace(answer, form=plain(answer.form), memo=plain(answer.memo))
        case _:
            raise TypeError(f"a node answers Done, Expand or Wait, not {type(answer).__name__}")


def _check_output(name: str, value: Any, signature: Signature) -> None:
    port = signature.output(name)
    fits = signature.open_outputs or name == ERROR_PORT.name if port is None else value is None or accepts(port, value)
    if not fits:
        there = ", ".join(f"{one.name} ({one.type})" for one in signature.outputs) or "none"
        raise UndeclaredOutput(port=name, got=type_of(value), there=there)


class _Names:
    """What the first word of a reference means in a test."""

    def __init__(self, names: Mapping[str, Any], signature: Signature, services: Services) -> None:
        self._names = names
        secrets = (item.reference for item in signature.references if item.reference.root == "secret")
        self._secrets = sorted({str(reference.path[0]) for reference in secrets if reference.path})
        self._services = services

    def __call__(self, name: str) -> Any:
        if name not in self._names:
            raise MissingReference(f"'{name}' means nothing in this test.", hint=f"Give it: names={{{name!r}: …}}.")
        return self._names[name]

    def with_secrets(self, name: str) -> Any:
        """The same for fields that may name secrets."""
        reveal = self._services.secret
        if name != "secret" or reveal is None:
            return self(name)
        return {one: reveal(one) for one in self._secrets}


# ---------------------------------------------------------------------- stand-ins


@dataclass(frozen=True, slots=True)
class Ended:
    """How one scope ended, for `endings=`."""

    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    state: Any = None
    error: Any = None
    """What failed: `{"type", "message", "node"}`; None: nothing."""
    stopped: bool = False

    @property
    def succeeded(self) -> bool:
        return self.error is None and not self.stopped


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that would have gone out."""

    channel: str
    settings: Mapping[str, Any]
    idempotency_key: str


class RecordingNotify:
    """Takes every message and sends none."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    async def send(self, channel: str, settings: Mapping[str, Any], *, idempotency_key: str) -> Mapping[str, Any]:
        self.sent.append(Sent(channel, settings, idempotency_key))
        to: Any = settings.get("to", [])
        return {
            "channel": channel,
            "where": "test",
            "delivered": True,
            "recipients": to if isinstance(to, list) else [to],
            "refused": [],
            "reference": f"test-{len(self.sent)}",
            "note": "",
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer written beforehand."""

    body: Any = ""
    """Text, or data that is answered as JSON."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def text(self) -> str:
        return self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)

    def json(self) -> Any:
        return json.loads(self.text)

    def preview(self, length: int = 300) -> str:
        return " ".join(self.text.split())[:length]


class ScriptedHttp:
    """Answers requests by a script, in its order; an exception in it is raised. The last one repeats."""

    def __init__(self, *replies: Reply | Exception) -> None:
        self._replies = replies or (Reply(),)
        self.requests: list[dict[str, Any]] = []
        """What was asked: `method`, `url`, and whatever else was given."""

    async def request(self, method: str, url: str, *, raise_for_status: bool = True, **more: Any) -> Reply:
        reply = self._replies[min(len(self.requests), len(self._replies) - 1)]
        self.requests.append({"method": method, "url": url, **more})
        if isinstance(reply, Exception):
            raise reply
        if raise_for_status and reply.status >= 400:
            raise NetworkError(f"{url} answered {reply.status}: {reply.preview(80)}")
        return reply


class ScriptedLlm:
    """Answers requests by a script, in its order; the last one repeats."""

    def __init__(self, *answers: str | Mapping[str, Any]) -> None:
        self._answers = answers or ("",)
        self.requests: list[Mapping[str, Any]] = []

    async def complete(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
        self.requests.append(request)
        said = {"text": answer} if isinstance(answer, str) else answer
        return {"text": "", "model": "scripted", "usage": {"input_tokens": 0, "output_tokens": 0}} | dict(said)
