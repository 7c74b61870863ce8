"""Let a model draft. Its word counts for nothing: only a document that climbs the whole ladder is ready.

What must not be guessed stays with the program: what is forbidden, what is confirmed by name, an unclear time, secrets
(which the model never sees), and addresses that nobody gave.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mulle.author.briefing import briefing
from mulle.author.clarify import Clarified, Question, clarify
from mulle.author.compose import Result, Tools, compose, inert
from mulle.author.domain import connectors, installed_packs
from mulle.author.draft import Draft
from mulle.author.lexicon import channels
from mulle.author.report import Report
from mulle.author.request import Request
from mulle.author.sayings import say
from mulle.author.understand import understand
from mulle.author.verify import Check, Verdict, verify
from mulle.document.ports import is_array, is_object
from mulle.document.problem import Problem
from mulle.sdk.context import LlmService
from mulle.triggers.readback import readback
from mulle.triggers.schedule import schedule_from_trigger

ROUNDS = 3
"""Drafts that a model may make of one sentence."""
OURS = frozenset({"confirm", "schedule", "every"})
"""Questions of the built-in mode that no model may answer."""
_YES = frozenset({"yes", "y", "ok", "예", "네", "응", "그래"})
_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_SECRET = re.compile(r"secret\.([A-Za-z_]\w*)")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}")
_TIMED = frozenset({"cron", "rrule", "at"})


class _Asked(BaseModel):
    key: str = Field(pattern=r"^[a-z][a-z0-9_.]{0,60}$")
    text: str = Field(min_length=1, max_length=500)
    suggestion: str = Field(default="", max_length=200)


class Proposal(BaseModel):
    """What a model answers."""

    model_config = ConfigDict(extra="ignore")

    questions: list[_Asked] = Field(default_factory=list[_Asked], max_length=10)
    workflow: dict[str, Any] | None = None
    assumed: list[str] = Field(default_factory=list[str], max_length=20)


@dataclass
class _Talk:
    """One sentence's way to a workflow with a model."""

    model: LlmService
    request: Request
    clear: Clarified
    answers: Mapping[str, str]
    tools: Tools
    now: datetime
    yes: bool
    used: dict[str, Any] = field(default_factory=dict[str, Any])


async def compose_with(
    model: LlmService,
    sentence: str,
    *,
    answers: Mapping[str, str] | None = None,
    now: datetime,
    timezone: str = "Asia/Seoul",
    yes: bool = False,
    tools: Tools,
) -> Result:
    """As `compose`, drafted by a model; `mode` is the model's name. Raises what `model.complete` raises."""
    known = await compose(sentence, answers=answers, now=now, timezone=timezone, yes=yes, tools=tools)
    given = {key: inert(str(value)) for key, value in (answers or {}).items()}
    clear = clarify(understand(inert(sentence), now=now, timezone=timezone), given, now=now, timezone=timezone, yes=yes)
    ours = tuple(question for question in known.questions if question.key in OURS)
    if clear.declined or clear.request.forbidden:
        return known
    if ours:
        return replace(known, questions=ours)
    secrets = {**clear.secrets, **{key: value for key, value in given.items() if _SECRET_NAME.fullmatch(key)}}
    told = {key: one for key, one in given.items() if key not in secrets and one not in secrets.values()}
    talk = _Talk(model, clear.request, replace(clear, secrets=secrets), told, tools, now, yes)
    return await _drafted(talk, briefing(clear.request, told, known, tools.catalogue, now=now))


async def _drafted(talk: _Talk, brief: Mapping[str, Any]) -> Result:
    """At most ROUNDS drafts; the problems of one are told with the wish for the next."""
    verdict = Verdict((), None)
    proposal = Proposal()
    for number in range(1, ROUNDS + 1):
        text = await _asked(talk, brief)
        try:
            proposal = Proposal.model_validate_json(_bare(text))
        except ValidationError as error:
            verdict = Verdict((Check("parse", (_unreadable(error),)),), None)
            brief = {**brief, "last_answer": text[:2000], "problems": _told(verdict)}
            continue
        questions = _questions(talk, proposal)
        if questions or proposal.workflow is None:
            return _open(talk, proposal, questions, number)
        document = {**proposal.workflow, "mulle": 1, "description": talk.request.sentence}
        verdict = await _verdict(talk, document)
        if verdict.ok:
            return _ready(talk, proposal, document, verdict, number)
        brief = {**brief, "last_answer": proposal.model_dump(), "problems": _told(verdict)}
    broken = tuple(problem["message"] for problem in _told(verdict))
    said = Report(assumed=_assumed(talk, proposal), not_done=broken)
    return _result(talk, Result("not_understood", checks=verdict.checks, report=said, rounds=ROUNDS))


async def _asked(talk: _Talk, brief: Mapping[str, Any]) -> str:
    rules = files("mulle.author").joinpath("prompts", "draft.md").read_text("utf-8")
    prompt = json.dumps(brief, ensure_ascii=False, default=str)
    answer = await talk.model.complete({"task": "generate", "system": rules, "prompt": prompt})
    usage: Mapping[str, Any] = answer.get("usage") or {}
    spent = int(usage.get("input_tokens", 0)) + int(usage.get("output_tokens", 0))
    talk.used = {"model": str(answer.get("model", "")), "tokens": talk.used.get("tokens", 0) + spent}
    return str(answer["text"])


def _bare(text: str) -> str:
    return text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")


def _unreadable(error: ValidationError) -> Problem:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return Problem("draft.unreadable", ".".join(map(str, first["loc"])), f"The answer is not as asked: {first['msg']}")


def _told(verdict: Verdict) -> list[dict[str, Any]]:
    found = [problem for check in verdict.checks for problem in check.problems if problem.severity == "error"]
    return [problem.to_dict() for problem in found]


# ---------------------------------------------------------------------- checks


async def _verdict(talk: _Talk, document: dict[str, Any]) -> Verdict:
    """The ladder, and what a model may not make up."""
    draft = Draft(document, (), fetches=_fetches(document))
    verdict = await verify(draft, talk.request, talk.tools.catalogue, now=talk.now)
    if verdict.workflow is None:
        return verdict
    return replace(verdict, checks=(*verdict.checks, Check("promises", tuple(_promises(talk, document)))))


def _promises(talk: _Talk, document: Mapping[str, Any]) -> Iterator[Problem]:
    said = " ".join([talk.request.sentence, *talk.answers.values()])
    channels_used: set[str] = set()
    for node in _nodes(document):
        data = node.get("data")
        if str(node.get("type")) not in {"notification", "NOTIFICATION"} or not is_object(data):
            continue
        channels_used.add(str(data.get("channel")))
        for address in _EMAIL.findall(json.dumps(data, ensure_ascii=False)):
            if address not in said:
                message = f"Nobody gave the address {address}: ask for it."
                yield Problem("acceptance.invented", f"nodes.{node.get('id')}", message)
    for delivery in talk.request.all_deliveries:
        wanted = channels()[delivery.channel].channel if delivery.channel else None
        if wanted and wanted not in channels_used:
            yield Problem("acceptance.delivery", "nodes", f"It should be delivered by {wanted}, and no step does it.")


def _nodes(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All nodes, those inside of others too; of a document that may be anything."""
    nodes = body.get("nodes")
    for node in nodes if is_array(nodes) else ():
        if is_object(node):
            yield node
            inner = node.get("body")
            yield from _nodes(inner) if is_object(inner) else ()


def _calls(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Id, method and URL of every call outside."""
    for node in _nodes(document):
        data = node.get("data")
        if str(node.get("type")) in {"http", "API_CALL"} and is_object(data):
            yield str(node.get("id")), str(data.get("method", "GET")).upper(), str(data.get("url", ""))


def _fetches(document: Mapping[str, Any]) -> dict[str, str]:
    """The connector by the node that calls its address."""
    known = {(urlsplit(one.http.url).netloc, urlsplit(one.http.url).path): one.id for one in connectors().values()}
    places = {node: _place(url) for node, _, url in _calls(document)}
    return {node: known[place] for node, place in places.items() if place in known}


def _place(url: str) -> tuple[str, str]:
    try:
        target = urlsplit(url)
    except ValueError:
        return "", ""
    return target.netloc, target.path


# ---------------------------------------------------------------------- results


def _questions(talk: _Talk, proposal: Proposal) -> tuple[Question, ...]:
    """The model's questions that are not answered yet, and ours: a change outside is confirmed by name."""
    asked = [Question(one.key, one.text, one.suggestion) for one in proposal.questions if one.key not in talk.answers]
    changes = [
        f"{method} {_place(url)[0]}"
        for _, method, url in _calls(proposal.workflow or {})
        if method not in {"GET", "HEAD"}
    ]
    answer = talk.answers.get("confirm", "")
    if changes and not talk.yes and answer.strip().lower().rstrip(".!") not in _YES:
        language = talk.request.language
        text = say("ask.confirm", language, what=" / ".join(changes))
        asked.append(Question("confirm", text, say("suggest.no", language)))
    return tuple(asked)


def _open(talk: _Talk, proposal: Proposal, questions: tuple[Question, ...], rounds: int) -> Result:
    declined = bool(talk.answers.get("confirm")) and any(question.key == "confirm" for question in questions)
    if not questions or declined:
        said = Report(assumed=_assumed(talk, proposal), not_done=(say("not_done.nothing", talk.request.language),))
        return _result(talk, Result("not_understood", report=said, rounds=rounds))
    said = Report(assumed=_assumed(talk, proposal))
    return _result(talk, Result("needs_answers", questions, report=said, rounds=rounds))


def _ready(talk: _Talk, proposal: Proposal, document: dict[str, Any], verdict: Verdict, rounds: int) -> Result:
    assert verdict.workflow is not None
    triggers = tuple(one.model_dump(mode="json", exclude_unset=True) for one in verdict.workflow.triggers)
    said = Report(
        built=tuple(_built(talk, verdict)),
        assumed=(*_assumed(talk, proposal), *_hosts(talk, document)),
        not_done=tuple(_not_done(talk, document, triggers)),
    )
    return _result(talk, Result("ready", (), document, triggers, verdict.checks, said, rounds))


def _result(talk: _Talk, result: Result) -> Result:
    mode = talk.used.get("model") or "model"
    return replace(result, mode=mode, language=talk.request.language, secrets=talk.clear.secrets)


def _built(talk: _Talk, verdict: Verdict) -> Iterator[str]:
    assert verdict.workflow is not None
    language = talk.request.language
    for trigger in verdict.workflow.triggers:
        data = trigger.model_dump(mode="json", exclude_none=True)
        if data["type"] in _TIMED:
            yield say("report.when", language, when=readback(schedule_from_trigger(data), language))
    for node in verdict.workflow.nodes:
        title = talk.tools.catalogue.node(node).title.get(language, node.type)
        yield f"{node.name or node.id} ({title})"


def _assumed(talk: _Talk, proposal: Proposal) -> tuple[str, ...]:
    first = say("report.drafted", talk.request.language, model=talk.used["model"], tokens=talk.used["tokens"])
    return (first, *(" ".join(text.split())[:300] for text in proposal.assumed))


def _hosts(talk: _Talk, document: Mapping[str, Any]) -> Iterator[str]:
    """Servers that the model chose, and that neither the person named nor a pack knows."""
    known = {urlsplit(one.http.url).netloc for one in connectors().values()}
    said = " ".join([talk.request.sentence, *talk.answers.values()])
    for host in sorted({_place(url)[0] for _, _, url in _calls(document)} - known - {""}):
        if host not in said:
            yield say("assumed.host", talk.request.language, host=host)


def _not_done(talk: _Talk, document: Mapping[str, Any], triggers: tuple[dict[str, Any], ...]) -> Iterator[str]:
    language = talk.request.language
    if any(trigger["type"] != "manual" for trigger in triggers):
        yield say("report.not_serving", language)
    about = {name: text.of(language) for pack in installed_packs().values() for name, text in pack.secrets.items()}
    for name in sorted(set(_SECRET.findall(json.dumps(document, ensure_ascii=False)))):
        if name not in talk.clear.secrets and not talk.tools.has_secret(name):
            yield say("not_done.secret", language, name=name, about=about.get(name, name))
