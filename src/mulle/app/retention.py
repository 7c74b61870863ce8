"""How long this home keeps what has happened, and who sees to it."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from mulle.app.running import App
from mulle.engine.journal import Keep, Swept
from mulle.errors import StoreError
from mulle.settings import Settings

DAY = 86_400.0
FIRST_AFTER = 60.0
"""Seconds after which a worker sweeps for the first time."""
EVERY = 900.0
"""Seconds between two sweeps."""
NOW_AND_THEN = 0.02
"""How likely a run from the command line is followed by a little cleaning: without a worker nobody else does it."""
A_LITTLE = 0.3
"""Seconds that it takes at most."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What went, or would go."""

    swept: Swept
    firings: int = 0
    """What became of due times of schedules, long ago."""


def keep(chosen: Settings, older_than: float | None = None) -> Keep:
    """How long runs are kept: by the settings, or so many days whatever became of them."""
    days = (chosen.keep_days, chosen.keep_failed_days) if older_than is None else (older_than, older_than)
    return Keep(succeeded=days[0] * DAY, failed=days[1] * DAY)


async def clean(app: App, limits: Keep, *, dry: bool = False, give_back: bool = False) -> Cleaned:
    """Remove what is older than it is kept; raises StoreError."""
    swept = await app.journal.sweep(limits, app.now(), dry=dry, give_back=give_back)
    forgotten = 0
    while not dry and not swept.busy:
        some = app.workflows.forget_firings(app.now() - max(limits.succeeded, limits.failed))
        forgotten += some
        if not some:
            break
        await asyncio.sleep(0)
    return Cleaned(swept, forgotten)


async def keep_clean(app: App, limits: Keep, told: Callable[[StoreError], None] = lambda _: None) -> None:
    """Sweep now and then, for as long as a worker lives. What goes wrong is told, and tried again next time."""
    await asyncio.sleep(FIRST_AFTER)
    while True:
        try:
            await clean(app, limits)
        except StoreError as error:
            told(error)
        await asyncio.sleep(EVERY)


async def clean_a_little(app: App, limits: Keep, chance: float) -> None:
    """Sweep for a moment if chance (from 0 to 1) has it. What goes wrong is for `mulle gc` to say."""
    if chance < NOW_AND_THEN:
        with contextlib.suppress(StoreError, TimeoutError):
            await asyncio.wait_for(clean(app, limits), A_LITTLE)
