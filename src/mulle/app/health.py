"""Whether this worker lives, and whether it can work: what probes ask for.

/health/live     the event loop turns; anything else means: start it anew
/health/ready    the database answers and our lease holds; anything else means: send it nothing for now
"""

import asyncio
import json
import time

from mulle.app.door import Reply, Routes
from mulle.app.running import App
from mulle.errors import StoreError

PATIENCE = 2.0
"""Seconds that the database has for an answer."""


def health_routes(app: App) -> Routes:
    """The pages that probes ask for."""

    async def live() -> Reply:
        return Reply(json.dumps({"status": "live"}))

    async def ready() -> Reply:
        begun = time.perf_counter()
        why = await _what_is_wrong(app)
        took = round((time.perf_counter() - begun) * 1000, 1)
        state = {
            "database": why is None or why == LEASE,
            "lease": why is None or app.journal.holds(),
            "database_ms": took,
        }
        if why is None:
            return Reply(json.dumps({"status": "ready", **state}))
        return Reply(json.dumps({"status": "not ready", **state, "why": why}, ensure_ascii=False), 503)

    return {"/health/live": live, "/health/ready": ready}


LEASE = "The lease has run out: others may go on with our runs."


async def _what_is_wrong(app: App) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE):
            await app.journal.next_wake()
            holds = await app.journal.confirmed()
    except TimeoutError:
        return f"The database did not answer within {PATIENCE:g} seconds."
    except StoreError as error:
        return error.text
    return None if holds else LEASE
