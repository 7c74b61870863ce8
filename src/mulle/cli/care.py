"""How a worker looks after its home while it works: statistics, alerts, log, and a door for a Prometheus."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator

from mulle.app import App
from mulle.app.alerting import Alerting, Change
from mulle.app.door import open_door
from mulle.app.monitoring import DATABASE, Monitoring
from mulle.app.opening import settings
from mulle.app.schedules import Scheduler
from mulle.app.watching import Watching
from mulle.cli.metrics import metrics_page
from mulle.monitor.logs import log


@contextlib.asynccontextmanager
async def looked_after(app: App, scheduler: Scheduler, port: int | None) -> AsyncGenerator[None]:
    """Keep statistics, alerts and logs going while this lasts; `port`: answer there at /metrics. Raises DoorTaken."""
    with _watching(app, scheduler) as (monitoring, watching):
        async with contextlib.AsyncExitStack() as stack:
            if port is not None:
                routes = {"/metrics": lambda: metrics_page(monitoring)}
                await stack.enter_async_context(open_door(routes, settings().health_host, port))
            task = asyncio.create_task(watching.keep_watching(), name="mulle-watch")
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


async def look_once(app: App, scheduler: Scheduler) -> list[Change]:
    """Count what ended and judge the alerts once."""
    with _watching(app, scheduler) as (_, watching):
        return await watching.look()


@contextlib.contextmanager
def _watching(app: App, scheduler: Scheduler) -> Generator[tuple[Monitoring, Watching]]:
    chosen = settings()
    monitoring = Monitoring(app, chosen)
    try:
        alerting = Alerting(monitoring, chosen, path=chosen.make_home() / DATABASE)
        try:
            yield monitoring, Watching(monitoring, alerting, scheduler, log)
        finally:
            alerting.close()
    finally:
        monitoring.close()
