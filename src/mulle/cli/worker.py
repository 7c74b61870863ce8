"""`mulle worker`: go on with what is unfinished, and fire what is due."""

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import click

from mulle.app import App
from mulle.app.alerting import Change
from mulle.app.door import open_door
from mulle.app.health import health_routes
from mulle.app.opening import settings
from mulle.app.retention import keep, keep_clean
from mulle.app.schedules import Scheduler
from mulle.cli.care import look_once, looked_after
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, show
from mulle.runtime.undriven import PASSING

PATIENCE, TRY_AGAIN = 600.0, 0.5
"""Seconds for which whoever drives a run alone waits for a store that fails, and between two looks whether it is back.
"""
GOES_WELL = 60.0
"""Seconds without a failure of the store after which the next one is another one."""


@click.command()
@click.option("--until-idle", is_flag=True, help="End when nothing can go on by itself.")
@click.option("--only", "only", metavar="RUN", hidden=True, help="Drive this one run and nothing else.")
@click.option(
    "--metrics", type=click.IntRange(0, 65535), metavar="PORT", help="Answer at http://127.0.0.1:PORT/metrics."
)
@click.option("--health", type=click.IntRange(0, 65535), metavar="PORT", help="Answer probes at /health/ready.")
@json_option
def worker(*, until_idle: bool, only: str | None, metrics: int | None, health: int | None, as_json: bool) -> int:
    """Go on with unfinished runs, recovered ones first, and fire due schedules, until stopped.

    SIGTERM lets steps that must not happen twice end (for five seconds at most) and gives all runs to others.
    """

    async def work(app: App) -> dict[str, Any]:
        if only:
            return {"run_id": only, "status": await _alone(app, only)}
        scheduler = Scheduler(app)
        if not until_idle:
            async with _answering(app, health, as_json=as_json), looked_after(app, scheduler, metrics):
                return await _until_stopped(app, scheduler, as_json=as_json)
        recovered = await app.recover()
        started = await scheduler.fire_due()
        await app.idle()
        while followed := await app.recover():  # What had waited for a place in a queue.
            recovered += followed
            await app.idle()
        return _told(recovered, started, scheduler, await look_once(app, scheduler))

    done = with_app(work, logs=None if until_idle or only else "info")
    show(done, as_json, lambda: _for_people(done))
    return 0


async def _alone(app: App, run: str) -> str:
    """Drive one run to its end or rest; gives its status. A store that fails is waited for: our end counts as death."""
    begun = time.monotonic()
    give_up = begun + PATIENCE
    while True:
        try:
            return (await app.go_on(run)).status
        except PASSING:
            now = time.monotonic()
            if now - begun > GOES_WELL:
                give_up = now + PATIENCE
            if now > give_up:
                raise
            await asyncio.sleep(TRY_AGAIN)
            begun = time.monotonic()


@contextlib.asynccontextmanager
async def _answering(app: App, port: int | None, *, as_json: bool) -> AsyncGenerator[None]:
    """Answer probes meanwhile, if somebody wants to ask."""
    if port is None:
        yield
        return
    host = settings().health_host
    async with open_door(health_routes(app), host, port) as chosen:
        click.echo(f"Health at http://{host}:{chosen}/health/ready", err=as_json)
        yield


async def _until_stopped(app: App, scheduler: Scheduler, *, as_json: bool) -> dict[str, Any]:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    gc.collect()
    gc.freeze()  # What the imports left stays anyway; walking it again and again costs a fifth of a busy worker's time.
    recovered = await app.recover()
    if not as_json:
        click.echo(f"Working. {len(recovered)} unfinished run(s) taken up. Ctrl+C stops.")
    await app.serve()
    firing = asyncio.create_task(scheduler.keep_firing())
    cleaning = asyncio.create_task(keep_clean(app, keep(settings())))
    await asyncio.wait([firing, asyncio.create_task(stopped.wait())], return_when=asyncio.FIRST_COMPLETED)
    if firing.done():
        firing.result()
    firing.cancel()
    cleaning.cancel()
    await asyncio.gather(firing, cleaning, return_exceptions=True)
    return _told(recovered, scheduler.started, scheduler)


def _told(
    recovered: list[str], started: list[str], scheduler: Scheduler, changes: Sequence[Change] = ()
) -> dict[str, Any]:
    problems = [{"workflow": workflow, **error.to_dict()} for workflow, error in scheduler.problems.items()]
    alerts = [{"rule": one.name, "firing": one.firing, "detail": one.detail} for one in changes]
    return {"recovered": recovered, "started": started, "problems": problems, "alerts": alerts}


def _for_people(done: dict[str, Any]) -> str:
    if "run_id" in done:
        return f"{done['run_id']}: {done['status']}"
    wrong = "".join(f"✗ {one['workflow']}: {one['message']}\n" for one in done["problems"])
    wrong += "".join(f"{'✗' if one['firing'] else '✓'} {one['rule']}: {one['detail']}\n" for one in done["alerts"])
    return f"{wrong}{len(done['recovered'])} unfinished run(s) went on, {len(done['started'])} schedule(s) fired."
