"""A node type, and the three things it can answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import msgspec
from pydantic import BaseModel, ConfigDict

from mulle.document.ports import Port
from mulle.document.signature import Signature
from mulle.document.variables import Write
from mulle.document.workflow import NodeSpec
from mulle.sdk.context import Context
from mulle.sdk.fields import ports_of

Model = type[BaseModel]

Effect = Literal["pure", "repeatable", "once"]
"""`pure` may be recomputed, `repeatable` may run twice, `once` must never silently run twice."""


class Done(msgspec.Struct, frozen=True):
    """These ports have a value (null is a value); ports that are not set stay silent."""

    outputs: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    writes: Sequence[Write] = ()
    usage: dict[str, Any] | None = None
    """What it cost, for the record: `{"input_tokens": …, "output_tokens": …, "model": …}`."""


class Expand(msgspec.Struct, frozen=True):
    """Run my body once for each of these scopes, then call me again with `ctx.endings`."""

    scopes: Sequence[Mapping[str, Any]]
    """For each scope the names its nodes may refer to: `{"item": …, "index": 0}`."""
    limit: int | None = None
    """How many are open at a time; None: all."""
    enough: int | None = None
    """Stop the rest when so many succeeded."""
    tolerant: bool = False
    """A failed scope does not stop the others."""
    plan: dict[str, Any] | None = None
    """A graph (`{"nodes": …, "edges": …}`) to run instead of my own body."""
    memo: Any = None
    """My note to my next turn: `ctx.memo`."""


class Wait(msgspec.Struct, frozen=True):
    """Call me again when the time comes or a signal arrives (`ctx.signal`)."""

    until: float | None = None
    """Seconds since 1970."""
    form: Any = None
    """What a person is asked."""
    signal: str | None = None
    """The name I listen to; None: my own path."""
    memo: Any = None


Answer = Done | Expand | Wait


class Settings(BaseModel):
    """What a node type's `Config`, and a part of it, is made of: a misspelt setting is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)


class NoSettings(Settings):
    """The settings of a type that has none."""


class Node:
    """A node type. One instance serves every node of its type and keeps no state."""

    type: ClassVar[str]
    """The word in the document: `condition`."""
    title: ClassVar[Mapping[str, str]] = {}
    """What people call it: `{"en": "Condition", "ko": "조건"}`."""
    effect: ClassVar[Effect] = "repeatable"
    """May it run twice? See `effect_of` when that depends on the settings."""

    Config: ClassVar[Model] = NoSettings
    """A model of the node's `data`."""
    Inputs: ClassVar[Model | None] = None
    """A model whose fields are the input ports; None: a plain dict of whatever arrives."""
    Outputs: ClassVar[Model | None] = None
    """A model whose fields are the output ports; None: see `signature`."""

    async def run(self, config: Any, inputs: Any, ctx: Context) -> Answer:
        """Do the work of one turn. Raise a `StepError` to fail with words a person can use."""
        raise NotImplementedError

    def effect_of(self, config: Any) -> Effect:
        """Whether this node may run twice, given its settings."""
        del config
        return self.effect

    def waits(self, spec: NodeSpec) -> bool:
        """Whether a turn of this node is sure to wait for something, such as a thread.

        A pure node that may not is tried without a task first, and begun again as one if it does wait after all.
        """
        del spec
        return False

    def signature(self, spec: NodeSpec) -> Signature:
        """The openings of one node of this type: those of the models, overruled by those in the document."""
        declared = Signature(
            inputs=ports_of(self.Inputs) if self.Inputs else (),
            outputs=ports_of(self.Outputs) if self.Outputs else (),
            open_inputs=self.Inputs is None,
            open_outputs=self.Outputs is None,
        )
        return with_ports(declared, spec)


def with_ports(signature: Signature, spec: NodeSpec) -> Signature:
    """A signature with the ports that the document itself declares for this node."""
    return replace(
        signature,
        inputs=_merged(signature.inputs, spec.ports.inputs),
        outputs=_merged(signature.outputs, spec.ports.outputs),
    )


def _merged(declared: tuple[Port, ...], written: tuple[Port, ...]) -> tuple[Port, ...]:
    named = {port.name: port for port in declared} | {port.name: port for port in written}
    return tuple(named.values())
