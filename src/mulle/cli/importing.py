"""`mulle import`: a document made of somebody else's workflow, and what could not be carried over."""

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from mulle.cli.documents import write_file
from mulle.cli.printing import json_option, show, write
from mulle.document.ports import is_object
from mulle.document.reading import UnreadableDocument, read_data, workflow_data, write_json, write_yaml
from mulle.errors import MulleError
from mulle.interop import Imported
from mulle.interop.dify.assemble import import_dify
from mulle.interop.legacy import import_legacy

SOURCES: Mapping[str, Callable[[bytes], Imported]] = {"dify": import_dify, "legacy": import_legacy}


@click.command("import")
@click.argument("file")
@click.option("--from", "source", type=click.Choice(list(SOURCES)), help="Where it comes from; by default it is seen.")
@click.option("--out", metavar="FILE", help="Write the document to a file (.yaml or .json).")
@json_option
def import_(file: str, source: str | None, out: str | None, as_json: bool) -> int:
    """Make a document of a Dify export, or of an old chatbot's React Flow JSON."""
    try:
        text = Path(file).read_bytes()
    except OSError as error:
        raise UnreadableDocument(f"The file cannot be read: {error.strerror}.", at=file) from error
    try:
        made = SOURCES[source or seen(text)](text)
    except MulleError as error:
        error.at = f"{file}, {error.at}" if error.at else file
        raise
    written = write_json(made.workflow) + "\n" if out and out.endswith(".json") else write_yaml(made.workflow)
    if out:
        write_file(out, written)
    elif not as_json:
        write("".join(f"# {note}\n" for note in made.notes) + written)
        return 0
    shown = {"workflow": workflow_data(made.workflow), "notes": list(made.notes)}
    show(shown, as_json, lambda: for_people(out or "", made))
    return 0


def seen(text: bytes) -> str:
    """Where a file comes from, by what stands in it."""
    data = read_data(text, aliases=True)
    return "dify" if is_object(data) and ("app" in data or "workflow" in data) else "legacy"


def for_people(out: str, made: Imported) -> str:
    """Where the document is, and what is left to do."""
    lines = [click.style(f"✓ {out}", fg="green") + f"  {len(made.workflow.nodes)} nodes"]
    lines += [click.style("! ", fg="yellow") + note for note in made.notes]
    return "\n".join(lines)
