"""One turn of one node: bind it, run it, and say what became of it as a fact. Decides nothing about the run."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from mulle.document.variables import Write
from mulle.document.workflow import NodeSpec
from mulle.engine.facts import (
    AnyFact,
    Effect,
    Execute,
    Failure,
    Kind,
    NodeDone,
    NodeExpanded,
    NodeFailed,
    NodeWaiting,
    Path,
)
from mulle.engine.retry import verdict
from mulle.engine.run import Run
from mulle.errors import BodyFailed, MulleError, SetupError, StepError
from mulle.runtime.binding import Bound, bind
from mulle.sdk.catalogue import Catalogue
from mulle.sdk.context import Context, Services
from mulle.sdk.fit import NoData, plain
from mulle.sdk.node import Answer, Done, Expand, Wait


class TimedOut(StepError):
    """A step took longer than it may."""

    code = "step.timed_out"
    message = "The step did not finish within {seconds:g} s."
    hint = "Give the node a longer `timeout`, or make its work smaller."


@dataclass(slots=True)
class Turn:
    """One turn of one node, ready to run."""

    command: Execute
    spec: NodeSpec
    bound: Bound
    effect: Effect
    context: Context


Streamed = Callable[[Path, str], Awaitable[None]]


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
    ) -> None:
        self.catalogue = catalogue
        self.services = services
        self.clock = clock
        self._chance = chance
        self._redact = redact
        self._waits: set[type] = set()
        """Pure types that were seen to wait: these go to a task at once."""

    def prepare(self, run: Run, command: Execute, streamed: Streamed) -> Turn:
        """Bind a node's inputs and settings; raises MulleError when they do not fit."""
        bound = bind(run, command.path, self.catalogue, self._secret)
        _, plan, state = run.at(command.path)
        assert run.started is not None
        context = Context(
            run_id=run.started.run,
            path=command.path,
            turn=command.turn,
            attempt=command.attempt,
            now=self.clock(),
            memo=state.memo,
            endings=state.expansion.in_order() if state.expansion else (),
            signal=state.signal,
            services=self.services,
            lookup=bound.lookup,
            stream=lambda text: streamed(command.path, text),
        )
        effect = plan.spec.effect or bound.type.effect_of(bound.config)
        return Turn(command, plan.spec, bound, effect, context)

    def _secret(self, name: str) -> str:
        if self.services.secret is None:
            raise SetupError(f"The secret '{name}' is needed, and there is no secret store here.")
        return self.services.secret(name)

    def at_once(self, turn: Turn) -> AnyFact | None:
        """Run a pure node in place, without a task. None: it waits for something; run it as a task.

        What is pure may be recomputed, so a coroutine that turns out to wait is closed and begun again.
        """
        kind = type(turn.bound.type)
        if kind in self._waits or turn.spec.timeout is not None:
            return None
        coroutine = self._start(turn)
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return self._answered(turn, stop.value)
        except Exception as error:  # noqa: BLE001 - whatever a node raises is the node's failure.
            return self.failed(turn, error)
        coroutine.close()
        self._waits.add(kind)
        return None

    async def execute(self, turn: Turn) -> AnyFact:
        """Run a node's turn to its fact. Cancelling it gives `stopped`, or `interrupted` for a `once` node."""
        try:
            answer = await (self._start(turn) if turn.spec.timeout is None else self._in_time(turn, turn.spec.timeout))
        except asyncio.CancelledError as error:
            return self.failed(turn, error, "interrupted" if turn.effect == "once" else "stopped")
        except TimedOut as error:
            return self.failed(turn, error, "interrupted" if turn.effect == "once" else "timeout")
        except Exception as error:  # noqa: BLE001 - whatever a node raises is the node's failure.
            return self.failed(turn, error)
        return self._answered(turn, answer)

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

    def _answered(self, turn: Turn, answer: Any) -> AnyFact:
        try:
            return answer_fact(turn.command.path, answer, self.clock())
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            return self.failed(turn, NoData(problem=str(error)))

    def failed(self, turn: Turn, error: BaseException, kind: Kind = "error") -> NodeFailed:
        """A turn's failure as a fact, its retry decided."""
        return self.failure(turn.spec, turn.command, error, kind=kind, effect=turn.effect)

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
            text, hint = self._redact(error.text), self._redact(error.advice)
            return Failure(error.code, text, spec.id, hint=hint, where=error.at)
        if isinstance(error, asyncio.CancelledError):
            return Failure("stopped", "The step was stopped.", spec.id)
        return Failure(type(error).__name__, self._redact(str(error)) or type(error).__name__, spec.id)


def answer_fact(path: Path, answer: Any, now: float) -> AnyFact:
    """A node's answer as a fact, made of plain data only; raises TypeError or ValueError for what is no data."""
    match answer:
        case Done():
            return NodeDone(
                at=now, path=path, outputs=plain(answer.outputs), writes=_writes(answer), usage=answer.usage
            )
        case Expand():
            return NodeExpanded(
                at=now,
                path=path,
                scopes=tuple(plain(scope) for scope in answer.scopes),
                limit=answer.limit,
                enough=answer.enough,
                tolerant=answer.tolerant,
                plan=plain(answer.plan),
                memo=plain(answer.memo),
            )
        case Wait():
            until, memo = answer.until, plain(answer.memo)
            return NodeWaiting(at=now, path=path, until=until, signal=answer.signal, form=plain(answer.form), memo=memo)
        case _:
            raise TypeError(f"a node answers Done, Expand or Wait, not {type(answer).__name__}")


def _writes(answer: Done) -> tuple[Write, ...]:
    return tuple(Write(write.op, write.target, plain(write.value)) for write in answer.writes)
