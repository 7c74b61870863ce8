"""What a command prints: one JSON object for machines, a few plain lines for people. Errors go to stderr."""

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from mulle.errors import MulleError

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def show(result: Mapping[str, Any], as_json: bool, people: Callable[[], str]) -> None:
    """Print a result in the form that was asked for; raises OutputLost."""
    write((json.dumps(result, ensure_ascii=False, default=str) if as_json else people()) + "\n")


class OutputLost(MulleError):
    """What a command has to say cannot be written; what it did stays done."""

    code = "output.lost"
    message = "The result cannot be written: {why}."
    hint = "What the command did stays done. Make room where its output goes; `mulle runs show RUN` shows a run again."


def write(text: str) -> None:
    """Put a text on stdout as it is; raises OutputLost. A reader that has gone away wants no more, and that is fine."""
    try:
        click.echo(text.encode("utf-8", "backslashreplace").decode(), nl=False)
    except OSError as error:
        # What Python still holds would fail once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise OutputLost(why=error.strerror) from error


def complain(error: Mapping[str, str], *, as_json: bool) -> None:
    """Print an error to stderr: `{"error": {"code", "message", "where", "hint"}}`, or what a person needs of it."""
    if as_json:
        click.echo(json.dumps({"error": dict(error)}, ensure_ascii=False), err=True)
        return
    where = f" ({error['where']})" if error.get("where") else ""
    click.secho(f"✗ {error['message']}{where}", err=True, fg="red", bold=True)
    if error.get("hint"):
        click.echo(f"  → {error['hint']}", err=True)


def table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    """Rows under heads, aligned by how wide the characters really are."""
    widths = [max([width(row[column]) for row in [heads, *rows]]) for column in range(len(heads))]
    lines = [click.style(_line(heads, widths), bold=True)] + [_line(row, widths) for row in rows]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (size - width(cell)) for cell, size in zip(cells, widths, strict=True)).rstrip()


def width(text: str) -> int:
    """How many columns a text takes in a terminal; Hangul takes two each."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in unicodedata.normalize("NFC", text))


def short(value: Any, size: int = 100) -> str:
    """A value in one line, cut to a size."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= size else text[: size - 1] + "…"


def is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
