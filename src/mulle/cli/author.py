"""`mulle author`: a sentence becomes a workflow that is proved before anyone trusts it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from mulle.app import App
from mulle.app.opening import find_secret, secret_store, settings
from mulle.app.schedules import keep
from mulle.author.compose import Result, Tools, compose
from mulle.author.modelled import compose_with
from mulle.cli.documents import write_file
from mulle.cli.home import with_app
from mulle.cli.printing import is_terminal, json_option, show
from mulle.document.reading import parse_workflow, write_json, write_yaml
from mulle.errors import InputError, MulleError
from mulle.services.llm.builtin import Builtin
from mulle.services.llm.model import Model, language_model, problem_of
from mulle.settings import Settings

MOST_QUESTIONS = 10
"""Rounds of questions at the prompt; whoever is still asked after that uses --answer."""


class BadAnswer(InputError):
    """An answer on the command line is not of the form it must have."""

    code = "author.bad_answer"
    message = "'{text}' is not of the form KEY=VALUE."
    hint = "The keys stand in the questions: --answer to=me@example.com."


@click.command()
@click.argument("sentence")
@click.option("--answer", "given", metavar="KEY=VALUE", multiple=True, help="An answer to a question.")
@click.option("--yes", is_flag=True, help="Confirm what is dangerous beforehand.")
@click.option(
    "--model", help="Who drafts: a model's name or `builtin`; by default the model that is set up, if one is."
)
@click.option("--timezone", help="Whose clock the sentence means; by default MULLE_TIMEZONE.")
@click.option("--out", metavar="FILE", help="Write the workflow to a file.")
@click.option("--save", is_flag=True, help="Keep the workflow in this home; its schedule fires while a worker runs.")
@json_option
def author(
    *,
    sentence: str,
    given: Sequence[str],
    yes: bool,
    model: str | None,
    timezone: str | None,
    out: str | None,
    save: bool,
    as_json: bool,
) -> int:
    """Turn a sentence into a workflow that is proved before anyone trusts it."""
    drafter = language_model(settings(), name=model)
    missing = problem_of(drafter)
    if missing:
        raise missing
    answers = parsed_answers(given)

    async def work(app: App) -> tuple[Result, str | None]:
        zone = timezone or settings().timezone
        ask = not as_json and is_terminal()
        result = await _asked(app, sentence, answers, yes=yes, timezone=zone, ask=ask, drafter=drafter)
        for name, value in result.secrets.items():
            secret_store(settings()).set(name, value)
        return result, _kept(app, result, out, save=save)

    result, kept = with_app(work)
    show(result.to_dict() | ({"workflow_id": kept} if kept else {}), as_json, lambda: for_people(result, out, kept))
    return 1 if result.status == "not_understood" else 0


def parsed_answers(given: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` pairs; raises BadAnswer."""
    pairs = [text.partition("=") for text in given]
    for text, (key, sign, _) in zip(given, pairs, strict=True):
        if not sign or not key:
            raise BadAnswer(text=text)
    return {key: value for key, _, value in pairs}


async def composed(
    app: App,
    sentence: str,
    answers: Mapping[str, str],
    *,
    yes: bool,
    timezone: str,
    chosen: Settings | None = None,
    drafter: Builtin | Model | None = None,
) -> Result:
    """What the author makes of a sentence with this home's node types and secrets; without a drafter as `builtin`."""
    now = datetime.fromtimestamp(app.now(), ZoneInfo(timezone))
    tools = tools_of(app, chosen or settings())
    options: dict[str, Any] = {"answers": answers, "now": now, "timezone": timezone, "yes": yes, "tools": tools}
    if isinstance(drafter, Model):
        return await compose_with(drafter, sentence, **options)
    return await compose(sentence, **options)


def tools_of(app: App, home: Settings) -> Tools:
    """What the author may use in this home."""
    has_model = not isinstance(language_model(home), Builtin)
    return Tools(app.catalogue, has_secret=lambda name: _has_secret(home, name), has_model=has_model)


def _has_secret(home: Settings, name: str) -> bool:
    try:
        find_secret(home, name)
    except MulleError:
        return False
    return True


async def _asked(
    app: App,
    sentence: str,
    answers: dict[str, str],
    *,
    yes: bool,
    timezone: str,
    ask: bool,
    drafter: Builtin | Model,
) -> Result:
    """The author's result; at a terminal its questions are put until none is left."""
    result = await composed(app, sentence, answers, yes=yes, timezone=timezone, drafter=drafter)
    for _ in range(MOST_QUESTIONS):
        if not ask or not result.questions:
            break
        for question in result.questions:
            answers[question.key] = click.prompt(question.text, default=question.suggestion or None)
        result = await composed(app, sentence, answers, yes=yes, timezone=timezone, drafter=drafter)
    return result


def _kept(app: App, result: Result, out: str | None, *, save: bool) -> str | None:
    """Write and store a workflow that is ready; gives its id in this home."""
    if result.status != "ready" or result.workflow is None:
        return None
    document = parse_workflow(result.workflow)
    if out:
        text = write_json(document) if out.endswith(".json") else write_yaml(document)
        write_file(out, text)
    return keep(app, document).id if save else None


def for_people(result: Result, out: str | None = None, kept: str | None = None) -> str:
    """A result in words: the ladder, what was built and assumed, and what is left to do."""
    marks = {True: click.style("✓", fg="green"), False: click.style("✗", fg="red")}
    lines = [f"{result.status} ({result.mode})"]
    lines += [f"  {marks[check.ok]} {check.rung}" for check in result.checks]
    for check in result.checks:
        lines += [f"    {problem.where}: {problem.message}" for problem in check.problems]
    for mark, said in (("•", result.report.built), ("~", result.report.assumed), ("!", result.report.not_done)):
        lines += [f"  {mark} {sentence}" for sentence in said]
    for question in result.questions:
        lines.append(f"  ? {question.text}  --answer {question.key}={question.suggestion or '…'}")
    if out and result.status == "ready":
        lines.append(f"Written to {out}. `mulle run {out}` runs it now.")
    if kept:
        lines.append(f"Kept as {kept}. It fires while `mulle worker` runs.")
    return "\n".join(lines)
