"""Say honestly, in the request's language, what was built, what was assumed, and what was not done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mulle.author.calls import limit_of
from mulle.author.domain import connectors, pack_of
from mulle.author.draft import RETRIES, SUMMARY_SENTENCES, Draft
from mulle.author.lexicon import actions, channels, events
from mulle.author.request import Delivery, Request, Source, Step
from mulle.author.sayings import say
from mulle.errors import UnsupportedSchedule
from mulle.triggers.readback import readback
from mulle.triggers.schedule import Schedule, next_firings


@dataclass(frozen=True)
class Report:
    """Sentences for a person."""

    built: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, list[str]]:
        return {"built": list(self.built), "assumed": list(self.assumed), "not_done": list(self.not_done)}


def report(
    request: Request, draft: Draft | None, *, has_secret: Callable[[str], bool], has_model: bool, now: datetime
) -> Report:
    """The report on a draft, or on why there is none."""
    return Report(
        built=tuple(_built(request, draft, now, has_model=has_model)) if draft else (),
        assumed=tuple(_assumed(request, draft, has_model=has_model)),
        not_done=tuple(dict.fromkeys(_not_done(request, draft, has_secret, has_model=has_model))),
    )


# ---------------------------------------------------------------------- built


def _built(request: Request, draft: Draft, now: datetime, *, has_model: bool) -> Iterator[str]:
    language = request.language
    yield from _when(request, now)
    for source in request.sources:
        yield from _source(request, source)
    for step in request.steps:
        yield from _step(request, step, has_model=has_model)
    for branch in request.branches:
        if branch.test.kind not in {"else", "unknown"}:
            yield say("report.test", language, test=branch.test.text)
        for step in branch.steps:
            yield from _step(request, step, has_model=has_model)
        for delivery in branch.deliveries:
            yield from _delivery(request, delivery)
    for delivery in request.deliveries:
        yield from _delivery(request, delivery)
    if any(node["id"] == "nothing" for node in draft.document["nodes"]):
        yield say("report.empty", language)
    if draft.fetches:
        yield say("report.errors", language, retries=request.retries or RETRIES)
    for delivery in request.on_failure:
        if delivery.channel:
            yield say("report.on_failure", language, channel=channels()[delivery.channel].title.of(language))


def _step(request: Request, step: Step, *, has_model: bool) -> Iterator[str]:
    language = request.language
    match step.kind:
        case "filter":
            wanted, unwanted = step.settings.get("with", ()), step.settings.get("without", ())
            key = "report.filter_with" if wanted else "report.filter"
            yield say(key, language, words=", ".join(wanted or unwanted))
        case "summarise":
            key = "report.summarise_model" if has_model else "report.summarise"
            yield say(key, language, sentences=step.settings.get("sentences") or SUMMARY_SENTENCES)
        case "approve":
            yield say("report.approve", language)
        case "model":
            yield say("report.model_step", language, action=actions()[step.action].title.of(language))
        case _:
            pass  # `take` is told with the source, the others have no step of their own.


def _when(request: Request, now: datetime) -> Iterator[str]:
    language = request.language
    if isinstance(request.schedule, Schedule):
        yield say("report.when", language, when=readback(request.schedule, language))
        first = next_firings(request.schedule, now, 1)
        if first:
            yield say("report.first", language, when=f"{first[0]:%Y-%m-%d %H:%M} ({request.schedule.timezone})")
    elif request.event:
        yield say("report.event", language, event=events()[request.event].title.of(language))
    elif request.trigger == "manual":
        yield say("report.manual", language)


def _source(request: Request, source: Source) -> Iterator[str]:
    language = request.language
    connector = connectors().get(source.connector or "")
    if connector is None:
        return
    title = connector.title.of(language)
    query, count = source.parameters.get("query"), limit_of(request) or _default_count(source)
    if query and count:
        yield say("report.source", language, title=title, thing=connector.thing.of(language), count=count, query=query)
    else:
        detail = source.parameters.get("url") or source.parameters.get("region") or query
        yield say("report.source_plain", language, title=title, detail=f" ({detail})" if detail else "")


def _default_count(source: Source) -> int | None:
    connector = connectors()[source.connector or ""]
    counts = [one.default for one in connector.parameters.values() if one.find == "count"]
    return int(counts[0]) if counts and counts[0] else None


def _delivery(request: Request, delivery: Delivery) -> Iterator[str]:
    if delivery.channel and channels()[delivery.channel].channel:
        to = f" ({', '.join(delivery.to)})" if delivery.to else f" ({delivery.name})" if delivery.name else ""
        yield say(
            "report.deliver", request.language, channel=channels()[delivery.channel].title.of(request.language), to=to
        )


# ---------------------------------------------------------------------- assumed


def _assumed(request: Request, draft: Draft | None, *, has_model: bool) -> Iterator[str]:
    language = request.language
    model = draft is not None and any(_costs(node, has_model=has_model) for node in draft.document["nodes"])
    yield say("report.mode_model" if model else "report.mode", language)
    if isinstance(request.schedule, Schedule):
        yield say("assumed.timezone", language, timezone=request.schedule.timezone)
        yield from (getattr(note, language) for note in request.schedule.notes)
    if any(branch.test.kind in {"compare", "situation"} for branch in request.branches):
        yield say("assumed.every_time", language)
    for source in request.sources:
        connector = connectors().get(source.connector or "")
        if connector is None:
            continue
        pack = pack_of(connector.id)
        said = request.sentence.lower()
        if pack.words.all and not any(word.lower() in said for word in pack.words.all):
            yield say("assumed.connector", language, title=connector.title.of(language))
        if connector.id == "naver.news" and source.parameters.get("query"):
            yield say("assumed.section", language, query=source.parameters["query"])
        if (
            "sort" in connector.parameters
            and "sort" not in source.parameters
            and connector.parameters["sort"].default == "date"
        ):
            yield say("assumed.order", language)
        if connector.items and limit_of(request) is None and _default_count(source):
            yield say("assumed.count", language, count=_default_count(source))


def _costs(node: dict[str, Any], *, has_model: bool) -> bool:
    """Whether a node asks a model at every run."""
    return node["type"] == "llm" and (has_model or node["data"].get("task") != "summarize")


# ---------------------------------------------------------------------- not done


def _not_done(
    request: Request, draft: Draft | None, has_secret: Callable[[str], bool], *, has_model: bool
) -> Iterator[str]:
    language = request.language
    if draft is not None and draft.triggers and draft.triggers[0]["type"] != "manual":
        yield say("report.not_serving", language)
    yield from _left_out(request)
    for step in (*request.steps, *(step for branch in request.branches for step in branch.steps)):
        if step.kind == "model" and not has_model:
            yield say("not_done.model", language, action=actions()[step.action].title.of(language))
    for text in draft.undecided if draft else ():
        yield say("not_done.test", language, text=text)
    if request.trigger == "poll" and any(
        connectors()[one.connector or ""].items for one in request.sources if one.connector
    ):
        yield say("not_done.seen", language)
    if request.knowledge:
        yield say("not_done.knowledge", language, name=request.knowledge)
    if request.event and draft is not None:
        yield say("not_done.event", language, event=events()[request.event].title.of(language))
    for name, about in secrets_of(request):
        if not has_secret(name):
            yield say("not_done.secret", language, name=name, about=about)
    if request.leftovers:
        yield say("not_done.leftover", language, words=", ".join(dict.fromkeys(request.leftovers)))
    if draft is None and not request.forbidden and not request.unable:
        yield say("not_done.nothing", language)


def _left_out(request: Request) -> Iterator[str]:
    """What is understood and cannot be built."""
    language = request.language
    for what in request.forbidden:
        yield say("not_done.forbidden", language, what=what)
    for one in request.unable:
        yield say("not_done.missing", language, action=actions()[one.action].title.of(language), text=one.text)
    for delivery in (*request.all_deliveries, *request.on_failure):
        if delivery.channel and not channels()[delivery.channel].channel:
            yield say("not_done.channel", language, channel=channels()[delivery.channel].title.of(language))
    for branch in request.branches:
        if branch.test.kind == "unknown":
            yield say("not_done.test", language, text=branch.test.text)
    if isinstance(request.schedule, UnsupportedSchedule):
        yield say("not_done.schedule", language, why=request.schedule.text)


def secrets_of(request: Request) -> Iterator[tuple[str, str]]:
    """The secrets that a request's workflow uses: name, and what it is."""
    for source in request.sources:
        if source.connector:
            pack = pack_of(source.connector)
            used = " ".join(connectors()[source.connector].http.headers.values()) + str(
                connectors()[source.connector].http.params
            )
            yield from ((name, about.of(request.language)) for name, about in pack.secrets.items() if name in used)
    for delivery in (*request.all_deliveries, *request.on_failure):
        piece = channels().get(delivery.channel or "")
        if piece and piece.secret and piece.about:
            yield piece.secret, piece.about.of(request.language)
