"""`flowctl`: project folders from the terminal. Every command takes --json."""

import click
from click.shell_completion import get_completion_class

from mulle.cli.door import enter
from mulle.cli.flowctl.keeping import backup, cache, history, memory, restore, undo
from mulle.cli.flowctl.places import BadShell, ls, new, switch
from mulle.cli.flowctl.running import graph, run
from mulle.cli.flowctl.tasks import add_task, next_tasks, rm_task, status, update_task
from mulle.cli.printing import write

SHELLS = ("bash", "zsh", "fish")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mulle", prog_name="flowctl")
def flowctl() -> None:
    """Project folders: tasks with dependencies that can be run.

    The projects are in ./projects, or where MULLE_PROJECTS says. `switch` chooses the active one; --project NAME names
    another for one command.
    """


@flowctl.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes the shell complete our words: flowctl completion bash >> ~/.bashrc."""
    found = get_completion_class(shell)
    if found is None:
        raise BadShell(shell=shell)
    write(found(flowctl, {}, "flowctl", "_FLOWCTL_COMPLETE").source() + "\n")


for _command in (
    new, switch, ls, add_task, update_task, rm_task, status, next_tasks, run, graph, history, undo, backup, restore,
    cache, memory,
):  # fmt: skip
    flowctl.add_command(_command)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    enter(flowctl, "flowctl", arguments)
