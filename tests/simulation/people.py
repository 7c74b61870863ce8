"""The people of a simulated world: they answer what waits, say what became of interrupted steps, and cancel at times.

They see what the store shows everybody, and look into the world outside before they say that something happened.
"""

import asyncio
import contextlib
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation.history import Effect, RunHistory

from mulle.engine import scope as at
from mulle.engine.facts import Path
from mulle.engine.journal import CANCEL, InboxSignal
from mulle.engine.scope import NodeState
from mulle.engine.signals import own_question_name
from mulle.errors import MulleError

if TYPE_CHECKING:
    from tests.simulation.world import World


class People:
    """Everybody who has something to say."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._chance = world.trouble.chance("people")
        self._number = 0
        self.cancelled: dict[str, float] = {}
        """Runs whose cancelling the store has taken, and when it said so."""

    async def answer(self) -> None:
        """Look again and again at what waits."""
        while True:
            await asyncio.sleep(self._chance.uniform(0.2, 1.5))
            for kept in list(self._world.history.runs.values()):
                if not kept.ended:
                    for path, node in list(kept.run.waiting().items()):
                        self._look_at(kept, path, node)

    def _look_at(self, kept: RunHistory, path: Path, node: NodeState) -> None:
        if self._chance.random() < 0.3:
            return
        payload: Any = "네"
        if node.status == at.ASKING:
            payload = self._decision(kept, path, node)
        name = node.listens_to
        if (
            node.status == at.ASKING and self._chance.random() < 0.5
        ):  # About this one alone, whatever became of the others.
            name = own_question_name(path)
            payload = self._decision(kept, path, node, alone=True)
        number = f"{kept.id}/{name}/{'-'.join(map(str, path))}/{node.turn}/{node.attempt}"
        if self._chance.random() < 0.1:  # Somebody who says it again, in a letter of its own.
            self._number += 1
            number += f"#{self._number}"
        for _ in range(1 + (self._chance.random() < 0.2)):
            self._send(kept.id, InboxSignal(number, name, payload))

    def _decision(self, kept: RunHistory, path: Path, node: NodeState, *, alone: bool = False) -> Any:
        """What a person says who has looked: it happened, do it again, or now and then: leave it.

        `alone`: the answer is about this node alone. One about all items of a map cannot be true of each.
        """
        alone = alone or all(isinstance(step, str) for step in path)
        effects = [*self._effects_before(kept), *kept.effects]
        happened = [one for one in effects if one.path == path and one.turn == node.turn and one.done]
        if self._chance.random() < 0.05:
            return {"decision": "fail"}
        if happened and happened[-1].outputs is not None and alone:
            return {"decision": "happened", "outputs": happened[-1].outputs}
        return {"decision": "again"}

    def _effects_before(self, kept: RunHistory) -> list[Effect]:
        """What was done in the run that one was forked from."""
        if not kept.new.forked:
            return []
        before = self._world.history.runs[kept.new.parent or ""]
        return [*self._effects_before(before), *before.effects]

    def _send(self, run: str, signal: InboxSignal) -> None:
        self._world.loop.spawn(self._world.loop.world, self._sent(run, signal))

    async def _sent(self, run: str, signal: InboxSignal) -> None:
        await asyncio.sleep(self._chance.random() * 0.5)
        for _ in range(20):
            try:
                await self._world.web.send(run, signal)
            except MulleError:
                await asyncio.sleep(1.0)
                continue
            if signal.name == CANCEL:
                self.cancelled[run] = self._world.loop.time()
            return

    def may_pin(self, kept: RunHistory, chance: Random) -> None:
        """Let somebody want to keep a run for ever, or not, where old ones go."""
        if self._world.trouble.sweep_every and chance.random() < 0.3:
            self._world.loop.spawn(self._world.loop.world, self._pinned(kept.id, chance.random() * 5.0))

    async def _pinned(self, run: str, pause: float) -> None:
        await asyncio.sleep(pause)
        with contextlib.suppress(MulleError):
            await self._world.web.pin(run)

    def may_cancel(self, kept: RunHistory, chance: Random) -> None:
        """Let somebody want to cancel a run at some time, or not."""
        if chance.random() < self._world.trouble.cancels:
            when = self._world.loop.time() + chance.random() ** 2 * self._world.trouble.lasts
            signal = InboxSignal(f"cancel/{kept.id}", CANCEL, {"reason": "그만"})
            self._world.loop.at(self._world.loop.world, when, self._send, kept.id, signal)
