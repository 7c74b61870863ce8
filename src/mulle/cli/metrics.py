"""`mulle metrics`: counters and gauges for a Prometheus, once or at a port."""

import asyncio

import click

from mulle.app import App
from mulle.app.door import Reply, open_door
from mulle.app.monitoring import Monitoring
from mulle.app.opening import settings
from mulle.cli.home import with_app
from mulle.cli.printing import write
from mulle.monitor.metrics import CONTENT_TYPE


@click.command()
@click.option("--serve", type=click.IntRange(0, 65535), metavar="PORT", help="Answer at http://…:PORT/metrics.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 lets others in.")
def metrics(serve: int | None, host: str) -> int:
    """Print what a Prometheus scrapes, or serve it."""

    async def work(app: App) -> None:
        monitoring = Monitoring(app, settings())
        try:
            if serve is None:
                write(await monitoring.metrics())
                return
            async with open_door({"/metrics": lambda: metrics_page(monitoring)}, host, serve) as port:
                click.echo(f"http://{host}:{port}/metrics", err=True)
                await asyncio.Event().wait()
        finally:
            monitoring.close()

    with_app(work)
    return 0


async def metrics_page(monitoring: Monitoring) -> Reply:
    """What is scraped, up to date."""
    return Reply(await monitoring.metrics(), type=CONTENT_TYPE)
