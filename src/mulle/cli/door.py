"""The last door of a command line: whatever happens inside, a person gets a sentence and the shell an exit code.

0: done. 1: the work failed. 2: it could not be tried. 130: interrupted.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mulle.cli.printing import OutputLost, complain
from mulle.errors import InputError, MulleError


class NotText(InputError):
    """An argument on the command line is no text."""

    code = "input.not_text"
    message = "'{text}' is not UTF-8 text."
    hint = "Write it in UTF-8; a terminal speaks it with LANG=C.UTF-8, for example."


def enter(group: click.Group, name: str, arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in given
    try:
        _check_text(given)
        code: Any = group.main(args=given, prog_name=name, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        if as_json:
            complain(_misused(error, "A command is missing.", name), as_json=True)
        else:
            click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as error:
        complain(_misused(error, error.format_message(), name), as_json=as_json)
        sys.exit(2)
    except OutputLost as error:
        complain(error.to_dict(), as_json=as_json)
        sys.exit(1)
    except MulleError as error:
        complain(error.to_dict(), as_json=as_json)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - a person gets a sentence and the place, no traceback.
        complain(_unforeseen(error), as_json=as_json)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _check_text(arguments: Sequence[str]) -> None:
    """What is no text names a file at most, and nothing that could be kept; raises NotText."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            if not Path(argument).exists():
                shown = argument.encode("utf-8", "replace").decode()
                raise NotText(text=shown) from None


def _misused(error: click.UsageError, message: str, name: str) -> dict[str, str]:
    path = error.ctx.command_path if error.ctx else name
    return {"code": "usage", "message": message, "where": "", "hint": f"`{path} --help` shows how."}


def _unforeseen(error: Exception) -> dict[str, str]:
    """An error that we have no name for: what it says, and the line it comes from."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else ""
    hint = "This is a mistake in Mulle. Nothing that was kept is lost; please report it with the place above."
    return {"code": "internal", "message": f"{type(error).__name__}: {error}", "where": place, "hint": hint}
