"""The command line. Each command lives in a module of its own that is imported when it is called, so help is quick."""

import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from mulle.cli.printing import OutputLost, complain
from mulle.errors import MulleError

COMMANDS: dict[str, tuple[str, str]] = {
    "author": ("author", "Turn a sentence into a workflow that is proved before anyone trusts it."),
    "edit": ("edit", "Change a workflow by a sentence; shows the difference."),
    "run": ("run", "Run a workflow until it ends or waits."),
    "validate": ("documents", "Say everything that is wrong with a document."),
    "schema": ("documents", "Print the document format's JSON Schema."),
    "export": ("documents", "Write a workflow as YAML or JSON."),
    "schedule": ("schedule", "Understand a schedule phrase."),
    "workflows": ("workflows", "List, save and remove the workflows of this home."),
    "schedules": ("workflows", "Show what fires when, and what was missed."),
    "worker": ("worker", "Go on with unfinished runs and fire due schedules."),
    "runs": ("runs", "List, show, resume, retry, fork, compare, cancel and pin runs."),
    "stats": ("stats", "Success, duration, causes of failure and cost of what ran."),
    "approvals": ("approvals", "See what waits for a person's word, and give it."),
    "demo": ("demo", "Watch a Korean sentence become a workflow that sends a mail."),
    "doctor": ("doctor", "Say what this machine offers and what is missing."),
    "secrets": ("secrets", "Keep secrets outside of documents."),
}
"""Name: module, what it does."""


class UnknownCommand(click.UsageError):
    """There is no such command; says which ones sound alike."""


class Commands(click.Group):
    """The commands by name; a module is imported when one of its commands is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"mulle.cli.{COMMANDS[cmd_name][0]}")
        return getattr(module, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            close = get_close_matches(args[0][:100], COMMANDS, n=1)
            meant = f" Did you mean '{close[0]}'?" if close else ""
            raise UnknownCommand(f"There is no command '{args[0]}'.{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mulle", prog_name="mulle")
def mulle() -> None:
    """물레 · Mulle spins a sentence into a workflow that runs.

    Every command prints for people; with --json one JSON object. Exit codes: 0 done (also waiting, needs answers),
    1 the work failed, 2 it could not be tried.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in given
    try:
        code: Any = mulle.main(args=given, prog_name="mulle", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        if as_json:
            complain(_misused(error, "A command is missing."), as_json=True)
        else:
            click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as error:
        complain(_misused(error, error.format_message()), as_json=as_json)
        sys.exit(2)
    except OutputLost as error:
        complain(error.to_dict(), as_json=as_json)
        sys.exit(1)
    except MulleError as error:
        complain(error.to_dict(), as_json=as_json)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the last door: a person gets a sentence and the place, no traceback.
        complain(_unforeseen(error), as_json=as_json)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _misused(error: click.UsageError, message: str) -> dict[str, str]:
    path = error.ctx.command_path if error.ctx else "mulle"
    return {"code": "usage", "message": message, "where": "", "hint": f"`{path} --help` shows how."}


def _unforeseen(error: Exception) -> dict[str, str]:
    """An error that we have no name for: what it says, and the line it comes from."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else ""
    hint = "This is a mistake in Mulle. Nothing that was kept is lost; please report it with the place above."
    return {"code": "internal", "message": f"{type(error).__name__}: {error}", "where": place, "hint": hint}
