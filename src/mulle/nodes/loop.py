"""The same steps again and again, until something holds."""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from mulle.document.ports import Port, PortType, is_object
from mulle.document.signature import Signature
from mulle.document.workflow import NodeSpec
from mulle.errors import BodyFailed
from mulle.sdk import Context, Done, Expand, Node, RoundExpression, Settings
from mulle.sdk.checks import Checks, holds


class Loop(Node):
    """Run my body round after round on a state: what a round writes, and what its End receives, is the next state."""

    type = "loop"
    title = {"en": "Loop", "ko": "반복"}
    effect = "pure"

    class Config(Settings):
        state: dict[str, Any] = Field(default_factory=dict[str, Any])
        """What the first round begins with, beside what arrives at ports of any name. Inside: `state.count`."""
        while_: RoundExpression | None = Field(default=None, alias="while")
        """Looked at before each round: `state.page < 5 and index < 10`."""
        until: RoundExpression | Checks | None = None
        """Looked at after each round: `state.done`. `index` counts the rounds from 0."""
        until_first: bool = False
        """Look at `until` before the first round, too."""
        max_iterations: int = Field(default=100, ge=1, le=1_000_000)
        """After so many rounds it is enough; that is a success."""

    class Outputs(BaseModel):
        state: dict[str, Any]
        """The last state; each of its values is at a port of its own name, too."""
        iterations: int
        completed_reason: str
        """`until`, `while` or `max_iterations`."""

    async def run(self, config: Config, inputs: Any, ctx: Context) -> Done | Expand:
        done: int = ctx.memo or 0
        state = _state_after(ctx) if done else config.state | inputs
        looked_at = config.until if done or config.until_first else None
        if looked_at and holds(looked_at, ctx, state=state, index=max(done - 1, 0)):
            return _ended(state, done, "until")
        if config.while_ and not holds(config.while_, ctx, state=state, index=done):
            return _ended(state, done, "while")
        if done >= config.max_iterations:
            return _ended(state, done, "max_iterations")
        return Expand([{"state": state, "index": done}], limit=1, memo=done + 1)

    def signature(self, spec: NodeSpec) -> Signature:
        signature = super().signature(spec)
        state = spec.data.get("state")
        own = {port.name for port in signature.outputs}
        names = [name for name in state if name not in own] if is_object(state) else []
        return replace(
            signature,
            outputs=(*signature.outputs, *(Port(name=name, type=PortType.ANY) for name in names)),
            open_outputs=True,
            container=True,
            body_names=frozenset({"state", "index"}),
        )


def _state_after(ctx: Context) -> dict[str, Any]:
    """The state that a round leaves: as its nodes wrote it, then what its End received. Raises BodyFailed."""
    (ending,) = ctx.endings
    if not ending.succeeded:
        message = ending.error.message if ending.error else "it was stopped"
        node = ending.error.node if ending.error else ""
        cause = ending.error.cause or message if ending.error else ""
        raise BodyFailed(f"Round {ctx.memo} failed at '{node}': {message}", cause=cause)
    state: dict[str, Any] = ending.state or {}
    return state | ending.outputs


def _ended(state: dict[str, Any], rounds: int, reason: str) -> Done:
    return Done(state | {"state": state, "iterations": rounds, "completed_reason": reason})
