"""`mulle validate`, `schema` and `export`: documents, without running them."""

import json
from functools import partial
from pathlib import Path

import click

from mulle.agents.steps import describing
from mulle.agents.written import written
from mulle.app import App
from mulle.app.opening import load
from mulle.cli.home import named_document, with_app
from mulle.cli.printing import json_option, show, write
from mulle.document.composed import names_others
from mulle.document.problem import Problem, errors
from mulle.document.reading import InvalidDocument, json_schema, write_json, write_yaml
from mulle.document.validate import validate as find_problems
from mulle.document.workflow import Workflow
from mulle.errors import InputError
from mulle.interop.python_script import as_script
from mulle.sdk.catalogue import Catalogue
from mulle.triggers.problems import schedule_problems


class Unwritable(InputError):
    """A file that was named for the result cannot be written."""

    code = "output.unwritable"
    message = "The file cannot be written: {why}."
    hint = "Name a file in a folder that is there and that you may write."


@click.command()
@click.argument("file")
@json_option
def validate(file: str, as_json: bool) -> int:
    """Say everything that is wrong with a document."""
    try:
        document = load(file)
        problems = with_app(partial(_seen_at_home, document)) if names_others(document) else _seen_alone(document)
    except InvalidDocument as error:
        problems = error.problems
    show({"problems": [problem.to_dict() for problem in problems]}, as_json, lambda: listed(problems))
    return 1 if errors(problems) else 0


def _seen_alone(document: Workflow) -> list[Problem]:
    return [*find_problems(document, describing(Catalogue.installed()).describe), *schedule_problems(document)]


async def _seen_at_home(document: Workflow, app: App) -> list[Problem]:
    """Problems of a document with the workflows of this home that it runs inside."""
    return app.problems(document)


def listed(problems: list[Problem]) -> str:
    """Problems for people, each with what to do about it."""
    if not problems:
        return click.style("✓ no problems", fg="green")
    return "\n".join(_line(problem) for problem in problems)


def _line(problem: Problem) -> str:
    mark = click.style("✗", fg="red") if problem.severity == "error" else click.style("!", fg="yellow")
    hint = f"\n    → {problem.hint}" if problem.hint else ""
    return f"{mark} {click.style(problem.where, bold=True)}: {problem.message}{hint}"


@click.command()
def schema() -> int:
    """Print the document format's JSON Schema."""
    write(json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n")
    return 0


@click.command()
@click.argument("workflow", metavar="FILE|ID[@VERSION]")
@click.option(
    "--to", "form", type=click.Choice(["yaml", "json", "python", "builder"]), default="yaml", show_default=True
)
@click.option("--out", metavar="FILE", help="Write to a file instead of the terminal.")
@json_option
def export(*, workflow: str, form: str, out: str | None, as_json: bool) -> int:
    """Write a workflow as YAML or JSON, as a Python program that runs it, or as the Python that builds it."""
    document = named_document(workflow)
    match form:
        case "python":
            text = as_script(document, Path(out).name if out else "workflow.py")
        case "builder":
            text = written(document)
        case "json":
            text = write_json(document) + "\n"
        case _:
            text = write_yaml(document)
    if out:
        write_file(out, text)
    if as_json:
        show({"to": form, "out": out, "text": text}, as_json, lambda: text)
    elif not out:
        write(text)
    return 0


def write_file(name: str, text: str) -> None:
    """Write a text where a person wants it; raises Unwritable."""
    try:
        Path(name).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise Unwritable(at=name, why=why) from error
