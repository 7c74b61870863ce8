"""The ladder that a draft climbs before it counts as ready: parse, schema, graph, code, dry run, acceptance.

Each rung gives problems of the one class that editor, API and command line show. A rung that fails ends the climb.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mulle.author.code_check import code_problems
from mulle.author.domain import Answer, connectors
from mulle.author.draft import Draft
from mulle.author.request import Request
from mulle.author.stand_ins import StandIns
from mulle.author.trial import Trial, tried
from mulle.document.ports import is_array, is_object
from mulle.document.problem import Problem, errors
from mulle.document.reading import InvalidDocument, parse_workflow, read_data
from mulle.document.validate import validate
from mulle.document.workflow import Workflow
from mulle.document.yaml_text import UnreadableDocument, dump_yaml
from mulle.errors import MulleError
from mulle.sdk.catalogue import Catalogue
from mulle.triggers.schedule import Schedule, next_firings, schedule_from_trigger

FIRINGS = 5
"""Firings that are compared."""


@dataclass(frozen=True)
class Check:
    """One rung, climbed or not."""

    rung: str
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        return not errors(list(self.problems))

    def to_dict(self) -> dict[str, Any]:
        return {"rung": self.rung, "ok": self.ok, "problems": [problem.to_dict() for problem in self.problems]}


@dataclass(frozen=True)
class Verdict:
    """How far a draft came."""

    checks: tuple[Check, ...]
    workflow: Workflow | None

    @property
    def ok(self) -> bool:
        return self.workflow is not None and all(check.ok for check in self.checks)


async def verify(draft: Draft, request: Request, catalogue: Catalogue, *, now: datetime) -> Verdict:
    """Climb the whole ladder."""
    verdict = _static(draft.document, catalogue)
    if verdict.workflow is None or not verdict.ok:
        return verdict
    return Verdict(
        (*verdict.checks, *await _trials(verdict.workflow, draft, request, catalogue, now)), verdict.workflow
    )


async def climb(document: Mapping[str, Any], catalogue: Catalogue, *, now: datetime) -> Verdict:
    """Climb the ladder with a document that no request stands behind: everything but acceptance."""
    verdict = _static(document, catalogue)
    if verdict.workflow is None or not verdict.ok:
        return verdict
    try:
        usual = await tried(verdict.workflow, catalogue, StandIns({}), now=now.timestamp())
        run = Check("dry_run", tuple(_run_problems(usual, None, None)))
    except (MulleError, TimeoutError) as error:
        run = Check("dry_run", (_stopped(error),))
    return Verdict((*verdict.checks, run), verdict.workflow)


def _static(document: Mapping[str, Any], catalogue: Catalogue) -> Verdict:
    """The rungs that run nothing."""
    try:
        data = read_data(dump_yaml(dict(document)))
        workflow = parse_workflow(data)
    except UnreadableDocument as error:
        return Verdict((Check("parse", (Problem.of(error),)),), None)
    except InvalidDocument as error:
        return Verdict((Check("parse"), Check("schema", tuple(error.problems))), None)
    graph = Check("graph", tuple(validate(workflow, catalogue.describe)))
    return Verdict((Check("parse"), Check("schema"), graph, Check("code", tuple(code_problems(workflow)))), workflow)


def _stopped(error: MulleError | TimeoutError) -> Problem:
    text = error.text if isinstance(error, MulleError) else "The trial did not come to an end."
    return Problem("trial.failed", "", text)


async def _trials(
    workflow: Workflow, draft: Draft, request: Request, catalogue: Catalogue, now: datetime
) -> list[Check]:
    at = now.timestamp()
    homes = {
        node["data"]["url"]: draft.fetches[node["id"]]
        for node in draft.document["nodes"]
        if node["id"] in draft.fetches
    }
    try:
        usual = await tried(workflow, catalogue, StandIns({}, homes), now=at)
        empty = await tried(workflow, catalogue, StandIns(_emptied(draft), homes), now=at) if draft.items_at else None
        broken = await tried(workflow, catalogue, StandIns(_broken(draft), homes), now=at) if _broken(draft) else None
    except (MulleError, TimeoutError) as error:
        return [Check("dry_run", (_stopped(error),))]
    run = Check("dry_run", tuple(_run_problems(usual, empty, broken)))
    if not run.ok:
        return [run]
    found = [*_firings(workflow, request, now), *_acceptance(workflow, usual, empty, draft, request)]
    return [run, Check("acceptance", tuple(found))]


def _emptied(draft: Draft) -> Mapping[str, Answer]:
    """The recorded answers with nothing in their lists."""
    return {one: _without_items(connectors()[one].sample) for one in draft.fetches.values()}


def _without_items(sample: Answer) -> Answer:
    if sample.text is not None:
        return sample.model_copy(update={"text": '<rss version="2.0"><channel><title>-</title></channel></rss>'})
    data = sample.json_data
    if is_array(data):
        return sample.model_copy(update={"json_data": []})
    nothing: list[Any] = []
    emptied = {key: nothing if is_array(value) else value for key, value in data.items()} if is_object(data) else data
    return sample.model_copy(update={"json_data": emptied})


def _broken(draft: Draft) -> Mapping[str, Answer]:
    """The recorded errors."""
    return {one: error for one in draft.fetches.values() if (error := connectors()[one].error)}


# ---------------------------------------------------------------------- dry run


def _run_problems(usual: Trial, empty: Trial | None, broken: Trial | None) -> Iterator[Problem]:
    yield from _failure(usual, "with the recorded answers")
    if empty is not None:
        yield from _failure(empty, "when nothing is found")
    if broken is not None and broken.ending.status == "succeeded" and not broken.stand_ins.told:
        yield Problem("trial.silent_error", "", "An error of the API is taken for a success, and nobody is told.")
    for trial in (usual, empty):
        for channel, settings in trial.stand_ins.told if trial else ():
            if not str(settings.get("text", "")).strip():
                yield Problem("trial.empty_message", "", f"A message with no text would go out by {channel}.")


def _failure(trial: Trial, when: str) -> Iterator[Problem]:
    if trial.ending.status != "succeeded":
        error = trial.ending.error
        text = f"{error.node}: {error.message}" if error else trial.ending.detail
        yield Problem(
            "trial.failed",
            f"nodes.{error.node}" if error else "",
            f"The trial {when} ended as {trial.ending.status}: {text}",
            error.hint if error else "",
        )


# ---------------------------------------------------------------------- acceptance


def _acceptance(
    workflow: Workflow, usual: Trial, empty: Trial | None, draft: Draft, request: Request
) -> Iterator[Problem]:
    if draft.items_at and draft.limit is not None:
        items = (usual.outputs(draft.items_at) or {}).get("value")
        if is_array(items) and len(items) > draft.limit:
            message = f"{len(items)} items go on, but {draft.limit} were asked for."
            yield Problem("acceptance.too_many", f"nodes.{draft.items_at}", message)
    yield from _deliveries(usual, draft)
    if empty is not None and draft.deliveries and not request.branches:
        yield from _told_about_nothing(empty, draft)
    types = {node.type for node in workflow.nodes}
    for kind in draft.asked:
        if kind not in types:
            message = f"The sentence asks for a step of type '{kind}', and there is none."
            yield Problem("acceptance.step_missing", "nodes", message)


def _firings(workflow: Workflow, request: Request, now: datetime) -> Iterator[Problem]:
    schedule = request.schedule
    if not isinstance(schedule, Schedule):
        return
    asked = next_firings(schedule, now, FIRINGS)
    built: set[datetime] = set()
    for trigger in workflow.triggers:
        data = trigger.model_dump(mode="json", exclude_none=True)
        if data["type"] in {"cron", "rrule", "at"}:
            built |= set(next_firings(schedule_from_trigger(data), now, FIRINGS))
    if sorted(built)[: len(asked)] != asked:
        yield Problem("acceptance.wrong_time", "triggers", "The triggers do not fire when the sentence says.")


def _deliveries(usual: Trial, draft: Draft) -> Iterator[Problem]:
    told = [(channel, sorted(map(str, settings.get("to", [])))) for channel, settings in usual.stand_ins.told]
    for promise in draft.deliveries:
        node, wanted = promise["node"], promise["to"]
        if usual.status(node) != "succeeded":
            continue  # On a way that the recorded answer does not take.
        matching = [one for one in told if one[0] == promise["channel"] and (not wanted or one[1] == sorted(wanted))]
        if len(matching) != 1:
            yield Problem(
                "acceptance.delivery",
                f"nodes.{node}",
                f"It was delivered {len(matching)} times, and once was asked for.",
            )


def _told_about_nothing(empty: Trial, draft: Draft) -> Iterator[Problem]:
    sent = [promise["node"] for promise in draft.deliveries if empty.status(promise["node"]) == "succeeded"]
    if sent:
        yield Problem(
            "acceptance.empty_delivery", f"nodes.{sent[0]}", "With nothing found, a message of nothing goes out."
        )
    if not empty.stand_ins.told:
        yield Problem("acceptance.silent", "nodes", "With nothing found, nobody is told.")
