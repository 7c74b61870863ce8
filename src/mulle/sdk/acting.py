"""Whether a step may still act. Services ask in the last moment before they change anything outside: since the step
began, its process may have stood still or been cut off, and another one may drive the run by now.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

ASKED: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("mulle_may_act", default=None)
"""Whom a step's services ask; None: nobody can take the run over, or there is none."""


async def may_act() -> None:
    """Return when the run of the step at work is its driver's for sure; never if it is not: it will be stopped."""
    ask = ASKED.get()
    if ask is not None:
        await ask()
