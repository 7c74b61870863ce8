"""One turn of one node: bind it, run it, and say what became of it as a fact. Decides nothing about the run."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol

import msgspec

from mulle.document.glance import is_small_data
from mulle.document.ports import is_array, is_object
from mulle.document.variables import Write
from mulle.document.workflow import NodeSpec
from mulle.engine.facts import (
    Effect,
    Execute,
    Failure,
    Kind,
    NodeDone,
    NodeExpanded,
    NodeFailed,
    NodeWaiting,
    Outcome,
    Path,
)
from mulle.engine.packing import is_heavy
from mulle.engine.plan import PlanNode
from mulle.engine.retry import verdict
from mulle.engine.run import Run
from mulle.engine.scope import NodeState
from mulle.engine.tree import Place
from mulle.errors import BodyFailed, ExpressionError, MulleError, SetupError, StepError
from mulle.runtime.binding import Bound, bind
from mulle.runtime.heavy import plain_slices, to_the_end
from mulle.runtime.limits import Limits
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.context import Context, Services
from mulle.sdk.derived import with_derived
from mulle.sdk.fit import NOT_DATA, NoData, copied, plain
from mulle.sdk.node import Answer, Done, Expand, Wait

LONGEST_CAUSE = 4_000
"""Characters of an error's own words that are kept beside its message; longer ones stand in the message only."""


class TimedOut(StepError):
    """A step took longer than it may."""

    code = "step.timed_out"
    message = "The step did not finish within {seconds:g} s."
    hint = "Give the node a longer `timeout`, or make its work smaller."


class Turn(msgspec.Struct, eq=False, gc=False):
    """One turn of one node, ready to run."""

    command: Execute
    plan: PlanNode
    bound: Bound
    effect: Effect
    context: Context
    began: float
    """By the clock; a repeated turn sees the time of the recorded one instead."""
    answer: Done | None = None
    """What it answered, if that is too heavy to be taken in in place."""


Streamed = Callable[[Path, str], Awaitable[None]]
"""Shows a piece of text that the node at a path wrote."""


class Tape(Protocol):
    """What a recorded or repeated run sees of the world, turn by turn."""

    def now(self, command: Execute) -> float: ...
    def services(self, command: Execute) -> Services: ...


class Executor:
    """Runs nodes of installed types with the services it was given."""

    def __init__(
        self,
        catalogue: Catalogue,
        services: Services,
        *,
        clock: Callable[[], float],
        chance: Callable[[], float],
        redact: Callable[[str], str] = lambda text: text,
        limits: Limits | None = None,
        tape: Tape | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.limits = limits or Limits()
        self.services = services
        self.clock = clock
        self._chance = chance
        self._redact = redact
        self._tape = tape

    def prepare(self, run: Run, command: Execute, place: Place, streamed: Streamed) -> Turn:
        """Bind a node's inputs and settings; raises MulleError when they do not fit."""
        _, plan, state = place
        bound = bind(run, command.path, place, self.catalogue, self._secret)
        assert run.started is not None
        began = self.clock()
        context = Context(  # In the order of its fields: names would take three times as long.
            run.started.run,
            command.path,
            command.turn,
            command.attempt,
            self._tape.now(command) if self._tape else began,
            state.memo,
            state.expansion.in_order() if state.expansion else (),
            state.signal,
            self._tape.services(command) if self._tape else self.services,
            bound.lookup,
            partial(self._redacted, streamed) if bound.knows_secrets else streamed,
        )
        effect = bound.prepared.effect or bound.type.effect_of(bound.config)
        return Turn(command, plan, bound, effect, context, began)

    def _secret(self, name: str) -> str:
        if self.services.secret is None:
            raise SetupError(f"The secret '{name}' is needed, and there is no secret store here.")
        return self.services.secret(name)

    def at_once(self, turn: Turn) -> Outcome | None:
        """Run a pure node in place, without a task. None: it waits for something; run it as a task.

        What is pure may be recomputed, so a coroutine that turns out to wait is closed and begun again.
        """
        if turn.bound.prepared.waits or turn.plan.timeout is not None:
            return None
        coroutine = self._start(turn)
        try:
            coroutine.send(None)
        except StopIteration as stop:
            small = _is_small(turn, stop.value)
            return None if turn.answer is not None else self._answered(turn, stop.value, small=small)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a node raises is the node's failure.
            return self.failed(turn, error)
        coroutine.close()
        turn.bound.prepared.waits = True
        return None

    async def execute(self, turn: Turn) -> Outcome:
        """Run a node's turn to its fact. Cancelling it gives `stopped`, or `interrupted` for a `once` node."""
        if turn.answer is not None:
            return await self._answered_heavily(turn, turn.answer)
        bound = turn.bound
        try:
            if turn.plan.timeout is None:
                answer = await bound.type.run(bound.config, bound.inputs, turn.context)
            else:
                answer = await self._in_time(turn, turn.plan.timeout)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or not task.cancelling():  # The node cancelled itself; nobody asked it to stop.
                return self.failed(turn, error)
            return self.cut_off(turn, error, "stopped")
        except TimedOut as error:
            return self.cut_off(turn, error, "timeout")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a node raises, SystemExit too, is the node's failure.
            return self.failed(turn, error)
        small = _is_small(turn, answer)
        if turn.answer is not None:
            return await self._answered_heavily(turn, turn.answer)
        return self._answered(turn, answer, small=small)

    async def _answered_heavily(self, turn: Turn, answer: Done) -> Outcome:
        """The fact of an answer that takes long to copy; others have their turn meanwhile."""
        try:
            outputs = await to_the_end(plain_slices(answer.outputs))
        except NOT_DATA as error:
            return self.failed(turn, NoData(problem=_readable(str(error))))
        if turn.bound.knows_secrets or turn.bound.prepared.derives:
            return self._answered(turn, msgspec.structs.replace(answer, outputs=outputs))
        fact = self._answered(turn, msgspec.structs.replace(answer, outputs={}))
        return msgspec.structs.replace(fact, outputs=outputs) if isinstance(fact, NodeDone) else fact

    async def _in_time(self, turn: Turn, seconds: float) -> Answer:
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await self._start(turn)
        except TimeoutError as error:
            if limit.expired():
                raise TimedOut(seconds=seconds) from error
            raise

    def _start(self, turn: Turn) -> Coroutine[Any, Any, Answer]:
        return turn.bound.type.run(turn.bound.config, turn.bound.inputs, turn.context)

    def _answered(self, turn: Turn, answer: Any, *, small: bool = False) -> Outcome:
        """An answer as a fact. `small`: its outputs are known to be data, and small."""
        clean = plain
        if turn.bound.knows_secrets:
            clean = self._without_secrets
        elif small and not (answer.writes or answer.usage or turn.bound.prepared.derives):  # As nearly all are.
            return NodeDone(at=self.clock(), path=turn.command.path, outputs=copied(answer.outputs))
        try:
            if turn.bound.prepared.derives and isinstance(answer, Done):
                answer = msgspec.structs.replace(
                    answer, outputs=with_derived(answer.outputs, turn.plan.spec, turn.plan.signature)
                )
            return answer_fact(turn.command.path, answer, self.clock(), clean)
        except NOT_DATA as error:
            return self.failed(turn, NoData(problem=_readable(str(error))))
        except ExpressionError as error:
            return self.failed(turn, error)

    def _without_secrets(self, value: Any) -> Any:
        """Plain data in which secrets are named, not told: a site may send back what it was sent."""
        return _each_text(plain(value), self._redact)

    async def _redacted(self, streamed: Streamed, path: Path, text: str) -> None:
        await streamed(path, self._redact(text))

    def cut_off(self, turn: Turn, error: BaseException, kind: Kind) -> NodeFailed:
        """The failure of a turn that was ended from outside: nobody knows what became of a `once` node."""
        return self.failed(turn, error, "interrupted" if turn.effect == "once" else kind)

    def overdue(self, turn: Turn) -> NodeFailed:
        """The failure of a turn that goes on although its time is up."""
        return self.cut_off(turn, TimedOut(seconds=turn.plan.timeout or 0), "timeout")

    def late(self, spec: NodeSpec, path: Path, state: NodeState) -> NodeFailed:
        """The failure of a node whose time is up while its body is at work or it waits. It would begin anew."""
        command, error = Execute(path, state.turn, state.attempt), TimedOut(seconds=spec.timeout or 0)
        fact = self.failure(spec, command, error, kind="timeout", effect=state.effect)
        return msgspec.structs.replace(fact, from_turn=1)

    def failed(self, turn: Turn, error: BaseException, kind: Kind = "error") -> NodeFailed:
        """A turn's failure as a fact, its retry decided."""
        return self.failure(turn.plan.spec, turn.command, error, kind=kind, effect=turn.effect)

    def failure(
        self, spec: NodeSpec, command: Execute, error: BaseException, *, kind: Kind = "error", effect: Effect = "pure"
    ) -> NodeFailed:
        """What a failed node leaves in the journal: why, and when it is tried again."""
        now = self.clock()
        decided = verdict(
            spec,
            kind=kind,
            attempt=command.attempt,
            effect=effect,
            sent=getattr(error, "sent", True),
            now=now,
            chance=self._chance(),
        )
        return NodeFailed(
            at=now,
            path=command.path,
            kind=kind,
            error=self._described(error, spec),
            retry_at=decided.retry_at,
            from_turn=1 if isinstance(error, BodyFailed) else None,
            ask_until=decided.ask_until,
        )

    def _described(self, error: BaseException, spec: NodeSpec) -> Failure:
        if isinstance(error, MulleError):
            text, hint, cause = self._told(error.text), self._told(error.advice), self._told(error.cause)
            cause = cause if len(cause) <= LONGEST_CAUSE else ""
            return Failure(error.code, text, spec.id, hint=hint, where=error.at, cause=cause)
        if isinstance(error, asyncio.CancelledError):
            return Failure("stopped", "The step was stopped.", spec.id)
        return Failure(type(error).__name__, self._told(_text_of(error)) or type(error).__name__, spec.id)

    def _told(self, text: str) -> str:
        """A text that may be kept and shown; nothing of it if the secrets in it cannot be found."""
        try:
            return _readable(self._redact(text))
        except MulleError as error:
            return f"(withheld, because secrets cannot be taken out of it: {_readable(error.text)})"


def _is_small(turn: Turn, answer: Any) -> bool:
    """Whether an answer's outputs are small data at a glance. One that takes long to copy is kept with its turn."""
    if not isinstance(answer, Done):
        return False
    small = is_small_data(answer.outputs)
    if not small and is_heavy(answer.outputs):
        turn.answer = answer
    return small


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error of somebody else's making may be unable to say what it is.
        return ""


def _readable(text: str) -> str:
    """A text without halves of characters, which no file can keep."""
    return text.encode("utf-8", "replace").decode()


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if is_object(value):
        return {change(key): _each_text(item, change) for key, item in value.items()}
    return [_each_text(item, change) for item in value] if is_array(value) else value


def answer_fact(path: Path, answer: Any, now: float, clean: Callable[[Any], Any] = plain) -> Outcome:
    """A node's answer as a fact, made of plain data only, everything of its type: nobody could read it later otherwise.

    Raises one of `NOT_DATA`.
    """
    match answer:
        case Done():
            outputs, usage = clean(answer.outputs), answer.usage and plain(answer.usage)
            if not is_object(outputs) or not (usage is None or is_object(usage)):
                raise TypeError("outputs are a dictionary, from port to value")
            writes: tuple[Write, ...] = ()
            if answer.writes:
                writes = tuple(Write(write.op, write.target, clean(write.value)) for write in answer.writes)
            return NodeDone(at=now, path=path, outputs=outputs, writes=writes, usage=usage)
        case Expand():
            fact = NodeExpanded(
                at=now,
                path=path,
                scopes=tuple([clean(scope) for scope in answer.scopes]),
                limit=answer.limit,
                enough=answer.enough,
                tolerant=answer.tolerant,
                plan=plain(answer.plan),
                memo=clean(answer.memo),
            )
            numbers = (fact.limit, fact.enough)
            if not (
                all(map(is_object, fact.scopes))
                and all(number is None or type(number) is int for number in numbers)
                and type(fact.tolerant) is bool
                and (fact.plan is None or is_object(fact.plan))
            ):
                raise TypeError("`scopes` are dictionaries, `limit` and `enough` whole numbers, `plan` is a graph")
            return fact
        case Wait():
            form, memo, until = clean(answer.form), clean(answer.memo), answer.until
            if not (until is None or (type(until) in (int, float) and math.isfinite(until))):
                raise TypeError("`until` is a time in seconds since 1970")
            if not (answer.signal is None or type(answer.signal) is str):
                raise TypeError("`signal` is a name")
            return NodeWaiting(at=now, path=path, until=until, signal=plain(answer.signal), form=form, memo=memo)
        case _:
            raise TypeError(f"a node answers Done, Expand or Wait, not {type(answer).__name__}")
