"""Understand a sentence: when, from where, what is done with it, whom it goes to, and what is left over. No model."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mulle.author.conditions import read_event, read_test
from mulle.author.deliveries import read_deliveries
from mulle.author.domain import Language
from mulle.author.language.clauses import Clause, clauses
from mulle.author.language.tokens import tokens
from mulle.author.lexicon import actions, events, lexicon
from mulle.author.request import Branch, Delivery, Request, Source, Step, Test, TriggerKind, Unable
from mulle.author.sources import count_in, documents_in, read_sources
from mulle.errors import NotASchedule, ScheduleError
from mulle.triggers.phrases import find_schedule
from mulle.triggers.schedule import Schedule

LONGEST = 2000
"""Characters of a sentence that are read."""

_TELLING = frozenset({"send", "notify", "post", "save", "show"})
_MODEL_TASKS = frozenset({"translate", "classify", "sentiment", "analyse", "extract", "answer", "write", "recommend"})


def understand(sentence: str, *, now: datetime, timezone: str = "Asia/Seoul") -> Request:
    """What a sentence asks for. Never raises for a text, whatever it holds."""
    text = unicodedata.normalize("NFC", sentence)[:LONGEST]
    schedule, spans = _schedule(text, now, timezone)
    rest = _without(text, spans)
    language = language_of(text)
    parts = clauses(tokens(rest, lexicon()), korean=language == "ko")
    reading = _Reading(language, timed=bool(spans))
    for part in parts:
        reading.take(part)
    return reading.request(text, schedule, " ".join(text[start:end] for start, end in spans))


def language_of(text: str) -> Language:
    """Korean if there is any Hangul word in it, else English."""
    return "ko" if re.search(r"[가-힣]", text) else "en"


def _schedule(text: str, now: datetime, timezone: str) -> tuple[Schedule | ScheduleError | None, list[tuple[int, int]]]:
    schedule, spans = find_schedule(text, now=now, timezone=timezone)
    return (None, []) if isinstance(schedule, NotASchedule) else (schedule, spans)


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


class _Reading:
    """What the clauses read so far come to."""

    def __init__(self, language: Language, *, timed: bool) -> None:
        self.language: Language = language
        self.timed = timed
        """Whether the sentence names a time, so that telling something may be all it asks."""
        self.sources: list[Source] = []
        self.steps: list[Step] = []
        self.branches: list[Branch] = []
        self.deliveries: list[Delivery] = []
        self.on_failure: list[Delivery] = []
        self.unable: list[Unable] = []
        self.dangers: list[str] = []
        self.many: list[str] = []
        self.forbidden: list[str] = []
        self.leftovers: list[str] = []
        self.event = ""
        self.event_kind: TriggerKind = "manual"
        self.polls = False
        self.vague = False
        self.temporal: list[str] = []
        self.retries: int | None = None
        self.knowledge = ""
        self.failing = False
        self.used: set[int] = set()
        """Where tokens begin that something understood."""

    def take(self, clause: Clause) -> None:
        """Read one clause more."""
        self._warnings(clause)
        if clause.kind == "else":
            self.branches.append(Branch(Test("else", clause.said)))
        elif clause.kind == "if":
            self._condition(clause)
        else:
            self._order(clause)
        self.leftovers += leftovers(clause, self.used)

    # ------------------------------------------------------------------ conditions

    def _condition(self, clause: Clause) -> None:
        if clause.means("failure") and not (
            clause.means("what") and clause.means("does") and not self.steps and not self.unable and not self.sources
        ):
            self.failing = True
            self._cover(clause)
            return
        event = None if self.event else read_event(clause)
        if event:
            self.event, self.event_kind, self.polls = event.event, event.trigger, event.poll
            self._cover(clause)
            if event.poll:
                self.sources += read_sources(clause, self.language, self.used, bare=True)
        test = read_test(clause, self.language, with_event=event is not None)
        if test and test.kind != "unknown":
            self._branch(clause, test)
        elif event is None:
            self._branch(clause, Test("unknown", clause.said))

    def _branch(self, clause: Clause, test: Test) -> None:
        self.branches.append(Branch(test))
        self._cover(clause)
        if test.kind in {"compare", "situation"} and not self.sources and not self.event:
            self.sources += condition_sources(clause, test, self.language)

    # ------------------------------------------------------------------ orders

    def _containing(self, clause: Clause) -> Clause:
        """'반도체'가 들어간 것만, "mentioning 'chips'": a filter by words; the rest of the clause without it."""
        for number, token in enumerate(clause.tokens):
            if not token.means("contain") or (self.language == "ko" and token.ending != "modifier"):
                continue
            beside = clause.tokens[:number] if self.language == "ko" else clause.tokens[number + 1 :]
            worded = [one for one in beside if one.kind in {"quoted", "unknown"}]
            if self.language == "ko":
                worded = [one for one in worded if one.role == "subject"] or worded[-1:]
            if worded:
                words = tuple(one.text for one in worded[-1 if self.language == "ko" else 0 :][:1])
                self._step("filter", "filter", {"with": words})
                self.used |= {token.start, *(one.start for one in worded if one.text in words)}
                rest = tuple(one for one in clause.tokens if one is not token and one.text not in words)
                return Clause(clause.kind, rest)
        return clause

    def _order(self, clause: Clause) -> None:
        clause = self._containing(clause)
        named = [(token, name) for token, name in clause.means("action") if token.ending != "quote"]
        asked = {name for _, name in named}
        for token, name in named:
            self.used.add(token.start)
            self._action(name, clause)
        if self.failing and "retry" not in asked and not asked & _TELLING:
            self.failing = False
        only_tells = bool(asked & _TELLING) and not asked - _TELLING - {"retry", "approve"}
        if not only_tells or not (self.sources or self.event):
            self._sources(clause, asked)
        if not asked and self.branches and not self.branches[-1].deliveries and self._waiting(clause):
            return
        found = read_deliveries(clause, asked, self.language, self.used)
        if asked & {"notify"} and not asked & {"send", "post"} and not self._waits():
            # Whoever runs it by hand sees the result; nobody else is to be told.
            found = [one for one in found if one.channel or one.name or one.to]
        self._share(found)
        if found and self.failing:
            self.on_failure += found
            self.failing = False
        elif found and self.branches:
            last = self.branches[-1]
            self.branches[-1] = Branch(last.test, last.steps, (*last.deliveries, *found))
        else:
            self.deliveries += found

    def _waits(self) -> bool:
        """Whether it starts by itself: at a time, by an event, or when a condition holds."""
        return self.timed or bool(self.event) or bool(self.branches) or self.failing

    def _waiting(self, clause: Clause) -> bool:
        """Somebody named behind a condition, the verb still to come: "환불이면 A팀, …"."""
        people = [token for token in clause.tokens if token.kind in {"unknown", "word"} and not token.means("filler")]
        if not people:
            return False
        self._cover(clause)
        last = self.branches[-1]
        channel = next((name for _, name in clause.means("channel")), None)
        named = Delivery(channel, (), "" if channel else " ".join(token.text for token in people))
        self.branches[-1] = Branch(last.test, last.steps, (named,))
        return True

    def _share(self, found: list[Delivery]) -> None:
        """The channel of the verb that comes at last is that of all who waited for it."""
        channel = next((one.channel for one in found if one.channel), None)
        for number, branch in enumerate(self.branches):
            waiting = tuple(replace(one, channel=channel) if one.channel is None else one for one in branch.deliveries)
            self.branches[number] = Branch(branch.test, branch.steps, waiting)

    def _sources(self, clause: Clause, asked: set[str]) -> None:
        if self.event and not self.polls:
            words = documents_in(clause, self.language) if asked & {"answer", "collect"} else []
            if words:
                self.knowledge = " ".join(token.text for token in words)
                self.used |= {token.start for token in words}
        reminds = self.timed and _is_reminder(clause, asked)
        if reminds and not self.sources:
            self._cover(clause)  # The message is the sentence itself.
        bare = bool(asked) and not self.event and not self.sources and not reminds
        found = read_sources(clause, self.language, self.used, bare=bare)
        found = [one for one in found if not self._is_file(one, clause)]
        known = {source.connector for source in self.sources if source.connector}
        self.sources += [one for one in found if one.connector not in known]

    def _is_file(self, source: Source, clause: Clause) -> bool:
        """Files that lie somewhere cannot be read yet; that is said and not asked about."""
        filed = [token for token, name in clause.means("what") if name == "file.uploaded" and token.text in source.name]
        if source.connector is not None or not filed:
            return False
        self.unable.append(Unable("file_text", source.name))
        return True

    def _action(self, name: str, clause: Clause) -> None:
        action = actions()[name]
        if action.danger:
            self.dangers.append(clause.said)
        if action.needs == "missing":
            self.unable.append(Unable(name, clause.said))
        elif name == "retry":
            count = count_in(clause, {"번", "회", "차례", "time", "times"})
            self.retries = count or self.retries or 3
        elif name == "choose":
            number = count_in(clause)
            if number:
                self._step("take", name, {"count": number})
            elif not clause.means("connector"):
                self._step("model", "extract", {"what": _asked_parts(clause, self.used)})
        elif name == "summarise":
            self._step(
                "summarise",
                name,
                {"sentences": count_in(clause, {"줄", "문장", "line", "lines", "sentence", "sentences"})},
            )
        elif name in {"approve", "merge", "each", "sort", "filter"}:
            self._simple(name, clause)
        elif name in _MODEL_TASKS:
            self._step("model", name, {"what": clause.said})

    def _simple(self, name: str, clause: Clause) -> None:
        if name == "filter":
            words = tuple(
                one.text for one in clause.tokens if one.kind in {"quoted", "unknown"} and one.role in {"object", ""}
            )
            self.used |= {one.start for one in clause.tokens}
            if words:
                self._step("filter", name, {"without": words})
            return
        if name == "sort":
            self.used |= {one.start for one in clause.tokens}
        self._step(
            "approve" if name == "approve" else "merge" if name == "merge" else "each" if name == "each" else "sort",
            name,
            {},
        )

    def _step(self, kind: str, action: str, settings: dict[str, object]) -> None:
        step = Step(kind, action, settings)  # pyright: ignore[reportArgumentType]  # the callers name kinds only
        there = [*self.steps, *(self.branches[-1].steps if self.branches else ())]
        if any(one.kind == kind and one.action == action for one in there):
            return
        if self.branches:
            last = self.branches[-1]
            self.branches[-1] = Branch(last.test, (*last.steps, step), last.deliveries)
        else:
            self.steps.append(step)

    # ------------------------------------------------------------------ the whole

    def _warnings(self, clause: Clause) -> None:
        self.forbidden += [token.text for token, _ in clause.means("forbidden")]
        self.many += [token.text for token, _ in clause.means("many")]
        if clause.means("vague"):
            self.vague = True
        self.temporal += [token.text for token, _ in clause.means("temporal")]

    def _cover(self, clause: Clause) -> None:
        self.used |= {token.start for token in clause.tokens}

    def request(self, sentence: str, schedule: Schedule | ScheduleError | None, schedule_text: str) -> Request:
        """Everything together."""
        trigger = self._trigger(schedule)
        return Request(
            sentence=sentence,
            language=self.language,
            trigger=trigger,
            event="" if self.polls else self.event,
            schedule=schedule,
            schedule_text=schedule_text,
            sources=tuple(self.sources),
            steps=tuple(self.steps),
            branches=tuple(self.branches),
            deliveries=tuple(self.deliveries),
            retries=self.retries,
            on_failure=tuple(self.on_failure),
            knowledge=self.knowledge,
            unable=tuple(self.unable),
            dangers=tuple(self.dangers),
            many=tuple(self.many),
            forbidden=tuple(self.forbidden),
            temporal=tuple(self.temporal),
            vague=self.vague,
            leftovers=tuple(self.leftovers),
        )

    def _event_by_things(self) -> None:
        """Mails, reviews or orders that are told apart one by one are dealt with as they come."""
        if not any(branch.test.kind == "is" for branch in self.branches):
            return
        unknown = [source.name for source in self.sources if source.connector is None]
        said = " ".join([*unknown, *(branch.test.text for branch in self.branches)])
        named = [
            (said.rfind(word) + len(word), len(word), event.event)
            for event in events().values()
            for word in event.what.all
            if len(word) > 1 and word in said and not event.poll
        ]
        if named:
            # 고객 리뷰 is a review: of words next to each other the last one is meant.
            found = events()[max(named)[2]]
            self.event, self.event_kind = found.event, found.trigger

    def _trigger(self, schedule: Schedule | ScheduleError | None) -> TriggerKind:
        if schedule is not None:
            return "schedule"
        if not self.event:
            self._event_by_things()
        if self.event and not self.polls:
            return self.event_kind
        watches = any(branch.test.kind in {"compare", "situation"} for branch in self.branches)
        watches = watches or (bool(self.on_failure) and not self.deliveries)
        if self.polls or watches:
            return "poll"
        nothing = not self.sources and not self.steps and not self.unable and not self.deliveries
        return "unclear" if nothing else "manual"


def _is_reminder(clause: Clause, asked: set[str]) -> bool:
    """Whether a clause tells something that it says itself: "출근 알림", "물 마시라고 알려줘"."""
    if any(token.written.endswith(("라고", "자고")) for token in clause.tokens):
        return True
    if asked - {"notify", "send"}:
        return False
    nouns = [token for token, name in clause.means("action") if name == "notify" and token.kind == "word"]
    told = [token for token in clause.tokens if token.role in {"object", "subject"} and not token.means("action")]
    return bool(nouns) or (not told and "send" not in asked)


def leftovers(clause: Clause, used: set[int]) -> list[str]:
    """Words of a clause that nothing understood; what carries no wish of its own is not named."""
    return [
        token.text for token in clause.tokens if token.kind in {"unknown", "quoted", "url"} and token.start not in used
    ]


def _asked_parts(clause: Clause, used: set[int]) -> str:
    parts = [
        token
        for token in clause.tokens
        if token.role in {"object", "only", "and", ""} and token.kind in {"unknown", "word", "quoted"}
    ]
    used |= {token.start for token in parts}
    return ", ".join(token.text for token in parts if not token.means("filler"))


def condition_sources(clause: Clause, test: Test, language: Language) -> list[Source]:
    """What a condition looks at, when nothing before it named a source."""
    if test.kind == "situation":
        connector = test.name.partition("/")[0]
        return [Source(connector, clause.text)]
    found = read_sources(clause, language, set(), bare=True)
    return found or [Source(None, test.subject or clause.text)]
