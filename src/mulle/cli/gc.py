"""`mulle gc`: remove what is older than it is kept, and give the room back."""

from typing import Any

import click

from mulle.app import App
from mulle.app.monitoring import Monitoring
from mulle.app.opening import settings
from mulle.app.retention import Cleaned, clean, keep
from mulle.cli.home import with_app
from mulle.cli.printing import json_option, show


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option(
    "--older-than",
    metavar="DAYS",
    type=click.FloatRange(0),
    help="Instead of MULLE_KEEP_DAYS and MULLE_KEEP_FAILED_DAYS.",
)
@json_option
def gc(dry_run: bool, older_than: float | None, as_json: bool) -> int:
    """Remove old runs with all that is only theirs, pack the others tight, and give unused room back.

    Pinned runs and runs without an end are never removed.
    """

    async def work(app: App) -> Cleaned:
        if not dry_run:
            await _count(app)
        return await clean(app, keep(settings(), older_than), dry=dry_run, give_back=True)

    done = _data(with_app(work), dry_run=dry_run)
    show(done, as_json, lambda: _for_people(done))
    return 0


def _data(cleaned: Cleaned, *, dry_run: bool) -> dict[str, Any]:
    swept = cleaned.swept
    return {
        "dry_run": dry_run,
        "runs": swept.runs,
        "blobs": swept.blobs,
        "firings": cleaned.firings,
        "packed": swept.tightened,
        "freed_bytes": swept.freed,
        "bytes": swept.room.bytes,
        "unused_bytes": swept.room.free,
        "runs_left": swept.room.runs - (swept.runs if dry_run else 0),
        "busy": swept.busy,
    }


def _for_people(done: dict[str, Any]) -> str:
    if done["busy"]:
        return "Another process cleans up just now; one that was killed is taken for dead after a minute."
    removed = f"{done['runs']:,} run(s), {done['blobs']:,} big value(s)"
    if done["dry_run"]:
        return (
            f"Would remove {removed}: about {megabytes(done['freed_bytes'])}. {done['runs_left']:,} run(s) would stay."
        )
    free, size = megabytes(done["freed_bytes"]), megabytes(done["bytes"])
    return (
        f"Removed {removed}, {done['firings']:,} old firing(s); packed {done['packed']:,} run(s).\n"
        f"{free} came free; {size} are used for {done['runs_left']:,} run(s)."
    )


def megabytes(size: int) -> str:
    """A size as people read it."""
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


async def _count(app: App) -> None:
    """Let statistics take in what is going to be deleted."""
    monitoring = Monitoring(app, settings())
    try:
        await monitoring.index.catch_up()
    finally:
        monitoring.close()
