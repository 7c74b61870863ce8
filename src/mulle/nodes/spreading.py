"""Work given to child runs: started, waited for, and what they came to. Knows no store: `ctx.services.children` does.

turn 1          lists the children in the memo, so that whatever becomes of the node reaches them
a timed turn    starts those that were not started, and looks after the others
a signal        one of them has ended
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mulle.document.ports import is_object
from mulle.engine.children import child_ids, children_in
from mulle.errors import BodyFailed
from mulle.sdk import Context, Wait
from mulle.sdk.context import ChildRuns, Ending

LOOK_AFTER = 60.0
"""Seconds after which children are looked after, should nothing be heard of them."""


async def spreading(ctx: Context) -> ChildRuns | None:
    """What starts child runs for this node; None: its work stays within the run."""
    runs = ctx.services.children
    if runs is None or (ctx.memo is None and not await runs.possible(ctx.run_id, ctx.path)):
        return None
    return runs


class Spread:
    """One node's work on its way through child runs."""

    def __init__(
        self, runs: ChildRuns, ctx: Context, inputs: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]
    ) -> None:
        """Give work to child runs, one for each of `inputs`; all follow the node's body with these settings of it."""
        self._runs = runs
        self._ctx = ctx
        self._inputs = inputs
        self._settings = settings
        self._signal = f"children/{'/'.join(map(str, ctx.path))}"
        self._all = child_ids(ctx.run_id, ctx.path, ctx.attempt, len(inputs))

    async def go_on(self, *, tolerant: bool) -> Wait | list[Ending]:
        """What to wait for, or how all children ended; raises BodyFailed for the first failure unless `tolerant`."""
        ctx = self._ctx
        if ctx.memo is None or ctx.memo.get("run") != ctx.run_id:  # A fork does its own work.
            return self._wait(self._all, ctx.now)
        left = children_in(ctx.run_id, ctx.memo)
        if ctx.signal is None:
            await self._start(set(left))
        left = await self._without_ended(left, tolerant=tolerant)
        if left:
            return self._wait(left, ctx.now + LOOK_AFTER)
        endings = [await self._runs.ending(child) for child in self._all]
        return [ending for ending in endings if ending is not None]

    def _wait(self, left: list[str], until: float) -> Wait:
        return Wait(until=until, signal=self._signal, memo={"run": self._ctx.run_id, "children": left})

    async def _start(self, left: set[str]) -> None:
        run, path = self._ctx.run_id, self._ctx.path
        for child, inputs in zip(self._all, self._inputs, strict=True):
            if child in left:
                await self._runs.start(run, path, child, settings=self._settings, inputs=inputs, signal=self._signal)

    async def _without_ended(self, left: list[str], *, tolerant: bool) -> list[str]:
        """Those that have not ended. What a signal says is only a hint where to look."""
        payload = self._ctx.signal["payload"] if self._ctx.signal else None
        told = payload.get("run") if is_object(payload) else None
        ended: set[str] = set()
        for child in left if told is None else [child for child in left if child == told]:
            ending = await self._runs.ending(child)
            if ending is not None:
                ended.add(child)
                if not (tolerant or ending.succeeded):
                    hint = f"`mulle runs show {child}` has all that this child run did."
                    raise BodyFailed(ending.error.message if ending.error else "A child run was cancelled.", hint=hint)
        return [child for child in left if child not in ended]
