"""The log of a program: one line a thing that happened, with its run and its node, without secrets.

`mulle` is an ordinary logger of the standard library. As a library we give it nothing but a NullHandler: what becomes
of its lines is the host program's business. Only the command line calls `write_log`.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

from mulle.engine.facts import RunEnded
from mulle.monitor.telling import Redact, Telling, local_time, without_secrets
from mulle.runtime.driver import Published

LOGGER = logging.getLogger("mulle")
LOGGER.addHandler(logging.NullHandler())

MOST_RUNS = 10_000
"""Runs whose beginnings are remembered at most, to tell how long their steps took."""
LONGEST = 300
"""Characters of a value in a line for people."""

Event = MutableMapping[str, Any]


class FactLog:
    """Logs the facts of runs that this process drives: give it to `App.listen`."""

    def __init__(self) -> None:
        self._runs: dict[str, Telling] = {}

    def __call__(self, published: Published) -> None:
        for fact in published.facts:
            telling = self._runs.get(published.run)
            if telling is None:
                if len(self._runs) >= MOST_RUNS:
                    del self._runs[next(iter(self._runs))]
                telling = self._runs[published.run] = Telling()
            for line in telling.lines(fact):
                level = logging.getLevelNamesMapping()[line.level.upper()]
                if LOGGER.isEnabledFor(level):
                    log(level, line.said, at=line.at, run=published.run, node=line.node, **_apart(line.readable()))
            if isinstance(fact, RunEnded):
                self._runs.pop(published.run, None)


def log(level: int, said: str, **more: Any) -> None:
    """Say something on the logger `mulle`; `at` is its time, by default now."""
    LOGGER.log(level, said, extra={"_mulle": {key: value for key, value in more.items() if value not in (None, "")}})


def write_log(level: str, *, redact: Redact, stream: TextIO | None = None, as_json: bool | None = None) -> None:
    """Write the log: readable lines on a terminal, else one JSON object a line. For the command line alone.

    Args:
        level: debug, info, warning or error: this and what is worse.
        redact: Takes secrets out of text.
        stream: Where; by default stderr, since stdout belongs to results.
        as_json: None: unless it is a terminal.
    """
    out = stream or sys.stderr
    in_json = not out.isatty() if as_json is None else as_json

    def clean(_logger: Any, _method: str, event: Event) -> Event:
        return without_secrets(dict(event), redact)

    if in_json:
        render: Any = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    else:
        render = structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0, sort_keys=False)
    shape = [_taken_out, ProcessorFormatter.remove_processors_meta, clean]
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        ProcessorFormatter(processors=[*shape, *([] if in_json else [_cut]), render], foreign_pre_chain=[])
    )
    for other in LOGGER.handlers.copy():
        if not isinstance(other, logging.NullHandler):
            LOGGER.removeHandler(other)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(level.upper())
    LOGGER.propagate = False


def _taken_out(_logger: Any, _method: str, event: Event) -> Event:
    """The record's own parts in the order in which they are read."""
    record: logging.LogRecord = event["_record"]
    more: dict[str, Any] = dict(getattr(record, "_mulle", {}))
    at = local_time(more.pop("at", record.created))
    shaped: Event = {"timestamp": at, "level": record.levelname.lower()}
    shaped |= {"event": event["event"]} | more
    if record.exc_info:
        shaped["exception"] = logging.Formatter().formatException(record.exc_info)
    return shaped | {"_record": record, "_from_structlog": False}


def _cut(_logger: Any, _method: str, event: Event) -> Event:
    """Values that a person can take in at a glance."""
    kept = ("timestamp", "level", "event")
    return {key: value if key in kept else _short(value) for key, value in event.items()}


def _short(value: Any) -> Any:
    if isinstance(value, int | float | bool):
        return value
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _apart(more: dict[str, Any]) -> dict[str, Any]:
    """`at` is a line's time; where an error stands is told as `where`."""
    return {"where" if key == "at" else key: value for key, value in more.items()}
