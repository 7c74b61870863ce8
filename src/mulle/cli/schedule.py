"""`mulle schedule parse`: what a phrase means, and when it comes next."""

from datetime import datetime
from zoneinfo import ZoneInfo

import click

from mulle.cli.printing import json_option, show
from mulle.errors import InputError
from mulle.triggers.phrases import parse_phrase
from mulle.triggers.schedule import timezone as zone_of


class BadTime(InputError):
    """A time on the command line cannot be read."""

    code = "input.bad_time"
    message = "'{text}' is no point in time."
    hint = "Write it as 2026-01-01T00:00:00+09:00."


@click.group()
def schedule() -> None:
    """Understand a schedule phrase."""


@schedule.command()
@click.argument("phrase")
@click.option("--timezone", default="Asia/Seoul", show_default=True)
@click.option("--after", metavar="ISO-TIME", help="Count the next times from here instead of from now.")
@json_option
def parse(phrase: str, timezone: str, after: str | None, as_json: bool) -> int:
    """Say what a phrase such as "매주 월요일 아침 9시" or "weekdays at 8:30" means."""
    now = _moment(after, zone_of(timezone))
    found = parse_phrase(phrase, now=now, timezone=timezone)
    shown = found.to_dict(now)
    show(shown, as_json, lambda: "\n".join([shown["readback"]["ko"], shown["readback"]["en"], *shown["next"]]))
    return 0


def _moment(text: str | None, zone: ZoneInfo) -> datetime:
    if text is None:
        return datetime.now(zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadTime(text=text) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
