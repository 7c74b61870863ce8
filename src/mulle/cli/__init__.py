"""The command line. Each command lives in a module of its own that is imported when it is called, so help is quick."""

from difflib import get_close_matches
from importlib import import_module

import click

from mulle.cli.door import enter

COMMANDS: dict[str, tuple[str, str]] = {
    "author": ("author", "Turn a sentence into a workflow that is proved before anyone trusts it."),
    "edit": ("edit", "Change a workflow by a sentence; shows the difference."),
    "run": ("run", "Run a workflow until it ends or waits."),
    "test": ("test", "Run one node alone, on stand-ins."),
    "validate": ("documents", "Say everything that is wrong with a document."),
    "schema": ("documents", "Print the document format's JSON Schema."),
    "import": ("importing", "Make a document of a Dify export, or of an old chatbot's JSON."),
    "export": ("documents", "Write a workflow as YAML, JSON or a Python program."),
    "schedule": ("schedule", "Understand a schedule phrase."),
    "workflows": ("workflows", "List, save and remove the workflows of this home."),
    "publish": ("publishing", "Make a document the newest version of its workflow."),
    "versions": ("versions", "List the versions of a workflow."),
    "diff": ("versions", "Say what changed between two versions of a workflow."),
    "restore": ("versions", "Make an older version of a workflow its newest."),
    "schedules": ("workflows", "Show what fires when, and what was missed."),
    "worker": ("worker", "Go on with unfinished runs and fire due schedules."),
    "runs": ("runs", "List, show, resume, retry, fork, compare, cancel and pin runs."),
    "stats": ("stats", "Success, duration, causes of failure and cost of what ran."),
    "top": ("top", "Watch what runs now, what fails and what is slow."),
    "alerts": ("alerts", "Rules that tell somebody when runs go wrong, or do not go at all."),
    "metrics": ("metrics", "Counters and gauges for a Prometheus."),
    "approvals": ("approvals", "See what waits for a person's word, and give it."),
    "demo": ("demo", "Watch a Korean sentence become a workflow that sends a mail."),
    "gc": ("gc", "Remove old runs and give their room back."),
    "doctor": ("doctor", "Say what this machine offers and what is missing."),
    "secrets": ("secrets", "Keep secrets outside of documents."),
}
"""Name: module, what it does."""


ATTRIBUTES = {"import": "import_"}
"""Commands whose function is called otherwise, because Python keeps the word for itself."""


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
        return getattr(module, ATTRIBUTES.get(cmd_name, cmd_name))

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
    enter(mulle, "mulle", arguments)
