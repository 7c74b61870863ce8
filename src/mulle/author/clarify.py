"""Fill a request's gaps with answers, and ask for what is still missing: as little as changes the draft."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mulle.author.domain import Connector, Language, connectors, installed_packs, pack_of
from mulle.author.language.clauses import Clause
from mulle.author.language.tokens import tokens
from mulle.author.lexicon import channels, lexicon
from mulle.author.request import Branch, Delivery, Request, Source
from mulle.author.sayings import say
from mulle.author.sources import connector_of
from mulle.author.understand import understand
from mulle.errors import ImpossibleSchedule, ScheduleError, UnsupportedSchedule
from mulle.triggers.phrases import find_schedule
from mulle.triggers.schedule import Schedule

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,24}")
_FIELD = re.compile(r"[A-Za-z_가-힣][\w가-힣]*(?:\.[A-Za-z_가-힣][\w가-힣]*|\[\d+\])*")
_URL = re.compile(r"https?://\S+")
_YES = frozenset({"yes", "y", "ok", "okay", "예", "네", "응", "그래", "맞아", "true", "확인"})


@dataclass(frozen=True, slots=True)
class Question:
    """Something that only the person knows."""

    key: str
    text: str
    suggestion: str = ""

    def to_dict(self) -> dict[str, str]:
        return {"key": self.key, "text": self.text, "suggestion": self.suggestion}


@dataclass(frozen=True, slots=True)
class Clarified:
    """A request as far as it is clear now."""

    request: Request
    questions: tuple[Question, ...] = ()
    secrets: Mapping[str, str] = ()  # pyright: ignore[reportAssignmentType]  # never left at its default
    declined: bool = False
    """The person said no to something dangerous."""


def clarify(
    request: Request, answers: Mapping[str, str], *, now: datetime, timezone: str, yes: bool = False
) -> Clarified:
    """The request with the answers in it, the questions that are left, and secrets to store.

    Args:
        request: What `understand` made of the sentence.
        answers: By a question's key; secrets by their name.
        now: For answers that name a time.
        timezone: The same.
        yes: Everything dangerous is confirmed beforehand.
    """
    return _Dialogue(request, answers, now, timezone, yes=yes).run()


class _Dialogue:
    def __init__(
        self, request: Request, answers: Mapping[str, str], now: datetime, timezone: str, *, yes: bool
    ) -> None:
        self.request = request
        self.language: Language = request.language
        self.answers = {key: value.strip() for key, value in answers.items()}
        self.now = now
        self.timezone = timezone
        self.yes = yes
        self.questions: list[Question] = []
        self.secrets: dict[str, str] = {}

    def run(self) -> Clarified:
        """Everything in the order in which a person would ask."""
        self._what()
        if self.questions:
            return self._result()
        if self._dangers():
            return replace(self._result(), declined=True)
        if self.questions:
            return self._result()
        if _hopeless(self.request):
            return self._result()
        self._secret_answers()
        self._time()
        self.request = replace(
            self.request, sources=tuple(self._source(number, one) for number, one in enumerate(self.request.sources))
        )
        self._knowledge()
        self._deliveries()
        return self._result()

    def _result(self) -> Clarified:
        return Clarified(self.request, tuple(self.questions), self.secrets)

    def _ask(self, key: str, text: str, suggestion: str = "") -> None:
        if all(question.key != key for question in self.questions):
            self.questions.append(Question(key, text, suggestion))

    def _say(self, key: str, **gaps: object) -> str:
        return say(key, self.language, **gaps)

    # ------------------------------------------------------------------ what, and whether at all

    def _what(self) -> None:
        empty = self.request.trigger == "unclear" or (
            self.request.vague and not self.request.sources and not self.request.deliveries and not self.request.steps
        )
        if not empty:
            return
        told = self.answers.get("what", "")
        if told:
            again = understand(
                f"{self.request.sentence} {told}" if self.request.schedule else told,
                now=self.now,
                timezone=self.timezone,
            )
            self.request = replace(again, vague=False)
            if again.trigger != "unclear":
                return
        if self.request.vague or self.request.schedule is not None or told:
            self._ask("what", self._say("ask.what"), self._say("suggest.what"))

    def _dangers(self) -> bool:
        """Ask to confirm by name; True when the person said no."""
        named = " / ".join(self.request.dangers)
        many = ", ".join(dict.fromkeys(self.request.many))
        if (not named and not many) or self.yes:
            return False
        answer = self.answers.get("confirm")
        if answer is None:
            text = self._say("ask.confirm", what=named) if named else self._say("ask.confirm_many", what=many)
            self._ask("confirm", text, self._say("suggest.no"))
            return False
        return answer.lower().rstrip(".!") not in _YES

    def _secret_answers(self) -> None:
        known = {name for pack in installed_packs().values() for name in pack.secrets}
        known |= {channel.secret for channel in channels().values() if channel.secret}
        self.secrets |= {name: value for name, value in self.answers.items() if name in known and value}

    # ------------------------------------------------------------------ when

    def _time(self) -> None:
        request = self.request
        schedule = request.schedule
        if request.trigger == "poll" and schedule is None:
            self._poll()
        elif request.trigger == "manual" and request.temporal:
            self._named_time()
        elif isinstance(schedule, ScheduleError) and not isinstance(schedule, (UnsupportedSchedule,)):
            self._incomplete(schedule)

    def _poll(self) -> None:
        answer = self.answers.get("every") or self.answers.get("schedule")
        found = self._schedule_of(answer) if answer else None
        if found:
            self.request = replace(self.request, schedule=found, schedule_text=answer or "")
            return
        again = self._say("again.time", given=answer) if answer else ""
        self._ask("every", again + self._say("ask.every"), self._say("suggest.every"))

    def _named_time(self) -> None:
        """A time was meant, and no schedule can be made of its words: 생일."""
        answer = self.answers.get("schedule")
        found = self._schedule_of(answer) if answer else None
        if found:
            self.request = replace(self.request, schedule=found, schedule_text=answer or "", trigger="schedule")
            return
        again = self._say("again.time", given=answer or ", ".join(dict.fromkeys(self.request.temporal)))
        self._ask("schedule", again + self._say("ask.schedule"), self._say("suggest.schedule_whole"))

    def _incomplete(self, error: ScheduleError) -> None:
        answer = self.answers.get("schedule")
        if answer:
            text = self.request.schedule_text
            for attempt in (f"{text.removesuffix('에')} {answer}", f"{text} {answer}", answer, f"{answer} {text}"):
                found = self._schedule_of(attempt)
                if found:
                    self.request = replace(self.request, schedule=found, schedule_text=attempt)
                    return
        again = self._say("again.time", given=answer) if answer else ""
        candidates = error.facts.get("candidates")
        suggestion = (
            str(candidates[0])
            if candidates
            else ""
            if isinstance(error, ImpossibleSchedule)
            else self._say("suggest.schedule")
        )
        self._ask("schedule", again + (error.advice or self._say("ask.schedule")), suggestion)

    def _schedule_of(self, text: str) -> Schedule | None:
        found, _ = find_schedule(text, now=self.now, timezone=self.timezone)
        return found if isinstance(found, Schedule) else None

    # ------------------------------------------------------------------ from where

    def _source(self, number: int, source: Source) -> Source:
        if source.connector is None:
            return self._unknown(number, source)
        connector = connectors()[source.connector]
        values = dict(source.parameters)
        for name, parameter in connector.parameters.items():
            key = name if number == 0 else f"{name}_{number + 1}"
            answer = self.answers.get(key)
            if answer:
                values[name] = answer
            if name not in values and parameter.required and parameter.ask:
                suggestion = parameter.suggestion.of(self.language) if parameter.suggestion else ""
                self._ask(key, parameter.ask.of(self.language), suggestion)
        self._private(values)
        self._field(source, values)
        return replace(source, parameters=self._regions(connector, values))

    def _field(self, source: Source, values: dict[str, Any]) -> None:
        """Where in a JSON that nobody described the value stands that a condition compares."""
        compared = any(branch.test.kind == "compare" for branch in self.request.branches)
        if source.connector != "generic.json" or not compared:
            return
        answer = self.answers.get("field", "")
        if _FIELD.fullmatch(answer):
            values["field"] = answer
        else:
            self._ask("field", self._say("ask.field", name=source.name))

    def _private(self, values: dict[str, Any]) -> None:
        """What only the person can place: "회사 근처" is asked for by name."""
        query = values.get("query")
        named = next((token for token in tokens(str(query or ""), lexicon()) if token.means("private")), None)
        if named is None:
            return
        answer = self.answers.get("place")
        if answer:
            values["query"] = str(query).replace(named.text, answer)
        else:
            self._ask("place", self._say("ask.place", name=named.text))

    def _regions(self, connector: Connector, values: dict[str, Any]) -> dict[str, Any]:
        """A region as the API knows it; one that it does not know is asked for again."""
        regions = pack_of(connector.id).regions
        for name, parameter in connector.parameters.items():
            if parameter.find != "region" or name not in values or values[name] in regions:
                continue
            said = str(values[name]).lower()
            known = next((one for one, region in regions.items() if one in said or region.en.lower() in said), None)
            if known:
                values[name] = known
            else:
                names = [one if self.language == "ko" else region.en for one, region in regions.items()]
                question = parameter.ask.of(self.language) if parameter.ask else name
                self._ask(name, f"{question} ({', '.join(names)})", names[0])
        return values

    def _unknown(self, number: int, source: Source) -> Source:
        key = "source" if number == 0 else f"source_{number + 1}"
        answer = self.answers.get(key)
        if self.request.trigger in {"event", "chat", "webhook"}:
            if not answer:
                self._ask(key, self._say("ask.input", name=source.name))
            return source
        url = _URL.search(answer) if answer else None
        if url:
            return Source(connector_of(url[0]), source.name, {"url": url[0]})
        again = self._say("again.url", given=answer) if answer else ""
        self._ask(key, again + self._say("ask.source", name=source.name), "https://")
        return source

    def _knowledge(self) -> None:
        if not self.request.knowledge:
            return
        answer = self.answers.get("knowledge")
        if answer:
            self.request = replace(self.request, knowledge=answer)
        else:
            self._ask("knowledge", self._say("ask.knowledge", name=self.request.knowledge), self.request.knowledge)

    # ------------------------------------------------------------------ to whom

    def _deliveries(self) -> None:
        request = self.request
        if not request.all_deliveries and _runs_unseen(request):
            request = replace(request, deliveries=(Delivery(None),))
        asked = [0]
        deliveries = tuple(self._delivery(one, asked) for one in request.deliveries)
        branches = tuple(
            Branch(branch.test, branch.steps, tuple(self._delivery(one, asked) for one in branch.deliveries))
            for branch in request.branches
        )
        failing = tuple(self._delivery(one, asked) for one in request.on_failure)
        self.request = replace(request, deliveries=deliveries, branches=branches, on_failure=failing)

    def _delivery(self, delivery: Delivery, asked: list[int]) -> Delivery:
        if delivery.channel is None:
            if delivery.name and not delivery.to:
                return self._addressed(replace(delivery, channel="mail"), asked)
            delivery = self._channelled(delivery)
            if delivery.channel is None:
                return delivery
        elif not channels()[delivery.channel].channel and delivery.channel != "knowledge":
            delivery = self._replaced(delivery)
            if delivery.channel is None or not channels()[delivery.channel].channel:
                return delivery
        return self._addressed(delivery, asked)

    def _replaced(self, delivery: Delivery) -> Delivery:
        """Another channel for one that nothing here can use; the first wish stays on record."""
        piece = channels()[delivery.channel or ""]
        if "channel" not in self.answers:
            text = self._say("ask.other_channel", channel=piece.title.of(self.language))
            self._ask("channel", text, self._say("suggest.file"))
            return delivery
        return self._channelled(replace(delivery, channel=None))

    def _channelled(self, delivery: Delivery) -> Delivery:
        answer = self.answers.get("channel")
        if answer:
            emails = tuple(_EMAIL.findall(answer))
            found = Clause("do", tuple(tokens(answer, lexicon()))).means("channel")
            if found:
                return replace(delivery, channel=found[0][1], to=emails)
            if emails:
                return replace(delivery, channel="mail", to=emails)
        elif self.answers.get("to"):
            return replace(delivery, channel="mail")
        again = self._say("again.channel", given=answer) if answer else ""
        self._ask("channel", again + self._say("ask.channel"), self._say("suggest.channel"))
        return delivery

    def _addressed(self, delivery: Delivery, asked: list[int]) -> Delivery:
        piece = channels()[delivery.channel or "mail"]
        if delivery.to or piece.address == "none":
            return delivery
        if piece.address == "secret":
            self._webhook_address(piece.secret or "")
            return delivery
        if piece.address == "name":
            return replace(
                delivery,
                to=(self.answers.get("to") or (piece.suggestion.of(self.language) if piece.suggestion else "out.txt"),),
            )
        asked[0] += 1
        key = "to" if asked[0] == 1 else f"to_{asked[0]}"
        answer = self.answers.get(key, self.answers.get("to", "") if not delivery.name else "")
        given = self._valid(answer, piece.address)
        if given:
            return replace(delivery, to=given)
        again = self._say("again.address", given=answer) if answer else ""
        question = (
            self._say("ask.to_named", name=delivery.name)
            if delivery.name and piece.address == "email"
            else piece.ask.of(self.language)
            if piece.ask
            else ""
        )
        self._ask(key, again + question, self._say("suggest.address") if piece.address == "email" else "")
        return delivery

    @staticmethod
    def _valid(answer: str, address: str) -> tuple[str, ...]:
        if address == "email":
            return tuple(dict.fromkeys(_EMAIL.findall(answer)))
        if address == "url":
            return tuple(_URL.findall(answer))
        return (answer,) if answer else ()

    def _webhook_address(self, secret: str) -> None:
        """The address of a Slack or Discord webhook is a secret, however it was given."""
        url = _URL.search(self.answers.get("to", "")) or _URL.search(self.answers.get("channel", ""))
        if url and secret not in self.secrets:
            self.secrets[secret] = url[0]


def _runs_unseen(request: Request) -> bool:
    """Whether it runs by itself and what it finds would reach nobody."""
    gets = any(source.connector for source in request.sources)
    return request.trigger in {"schedule", "poll"} and gets and not request.unable


def _hopeless(request: Request) -> bool:
    """Whether nothing but pieces that do not exist was asked for, so that no answer could help."""
    gets = any(source.connector for source in request.sources)
    works = request.steps or request.all_deliveries or any(branch.steps for branch in request.branches)
    return bool(request.unable) and not gets and not works and not request.dangers
