"""Turn a clear request into a document made of generic nodes. Asks nothing and runs nothing.

start → fetch → pick → found? → summarise → check? → approve? → list → mail → end
                         └ else → nothing (says so) ────────────────────┘
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mulle.author.calls import call_data, item_operations, limit_of, quoted
from mulle.author.domain import Connector, Language, connectors
from mulle.author.lexicon import actions, channels
from mulle.author.messages import address_of, body_of, nothing_text, subject_of, usable
from mulle.author.request import Delivery, Request, Source, Step, Test
from mulle.author.sayings import say
from mulle.author.sketch import Sketch, Way
from mulle.triggers.schedule import Schedule, trigger_dict

RETRIES = 3
SUMMARY_SENTENCES = 3
_SENDING = {"max": 3, "delay": "10s"}
_THINKING: dict[str, Any] = {"retry": {"max": 2, "delay": "5s"}, "timeout": "2m"}


@dataclass(frozen=True)
class Draft:
    """A document as plain data, and what it promises, for the last rung of the ladder."""

    document: dict[str, Any]
    triggers: tuple[dict[str, Any], ...]
    limit: int | None = None
    """At most so many items reach a delivery."""
    items_at: str | None = None
    """The node whose `value` holds the items."""
    deliveries: tuple[dict[str, Any], ...] = ()
    """What must go out when everything is found and holds: `{node, channel, to}`."""
    asked: tuple[str, ...] = ()
    """Node types that the sentence asks for by a verb."""
    fetches: Mapping[str, str] = field(default_factory=dict[str, str])
    """The connector by the node that calls it."""
    undecided: tuple[str, ...] = ()
    """Conditions that are understood and that nothing here can decide; what they guard is left out."""


def draft(request: Request) -> Draft:
    """The document for a request whose questions are answered; with open ones a sketch with gaps."""
    return _Drawing(request).done()


def triggers_of(request: Request) -> tuple[dict[str, Any], ...]:
    """The triggers of a request, as far as they are known."""
    if isinstance(request.schedule, Schedule):
        return tuple(trigger_dict(request.schedule))
    match request.trigger:
        case "event":
            return ({"type": "event", "event": request.event},)
        case "chat" | "webhook" | "manual":
            return ({"type": request.trigger},)
        case _:
            return ()


class _Drawing:
    """One request on its way to a document."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.language: Language = request.language
        self.sketch = Sketch()
        self.subject = subject_of(request)
        self.fetches: dict[str, str] = {}
        self.promised: list[dict[str, Any]] = []
        self.items_at: str | None = None
        self.facts_at: str | None = None
        self.limit = limit_of(request)
        self.text = ""
        """The template of what there is to tell so far."""
        self.summarised: bool = False
        self.nothing: list[Way] = []
        """Where the way leads on when nothing was found."""
        self.quiet: list[Way] = []
        """Ways that end without telling anybody, as was asked."""
        self.undecided: list[str] = []
        self.replied = False
        self.told: list[str] = []
        """Nodes whose receipts are results."""

    def done(self) -> Draft:
        """The whole document."""
        request = self.request
        self._start()
        self._sources()
        self._steps(request.steps)
        self._branches()
        self._reply(() if request.branches else request.steps)
        self._deliver(request.deliveries)
        self._nothing_found()
        self._on_failure()
        self._end()
        triggers = triggers_of(request)
        document: dict[str, Any] = {"mulle": 1, "name": self.subject, "description": request.sentence}
        document |= {"nodes": self.sketch.nodes, "edges": self.sketch.edges}
        if triggers:
            document["triggers"] = [dict(trigger) for trigger in triggers]
        return Draft(
            document=document,
            triggers=triggers,
            limit=self.limit,
            items_at=self.items_at,
            deliveries=tuple(self.promised),
            asked=tuple(sorted({_NODE_OF[step.kind] for step in request.steps if step.kind in _NODE_OF})),
            fetches=dict(self.fetches),
            undecided=tuple(self.undecided),
        )

    def _start(self) -> None:
        self.sketch.add("start", "start")
        if self.request.trigger in {"event", "chat", "webhook"}:
            ports = _EVENT_PORTS.get(self.request.event, _EVENT_PORTS["*"])
            self.sketch.nodes[0]["ports"] = {"outputs": [_port(name, kind) for name, kind in ports.items()]}
            told = [name for name, kind in ports.items() if kind in {"string", "any"} and name != "session_id"]
            joined = ' + "\\n" + '.join(f"string(start.{name})" for name in told)
            self.text = f"{{{{ {joined} }}}}"

    # ------------------------------------------------------------------ getting

    def _sources(self) -> None:
        lists = [made for source in self.request.sources if source.connector and (made := self._source(source))]
        if not lists:
            return
        if len(lists) > 1:
            self.limit = self.limit * len(lists) if self.limit else None  # 5개씩: so many of each.
            joined = " + ".join(f"{name}.value" for name in lists)
            self.items_at = self.sketch.add("together", "transform", {"value": f"{{{{ {joined} }}}}"})
        else:
            self.items_at = lists[0]
        self.text = f'{{{{ join(pluck({self.items_at}.value, "text"), "\\n") }}}}'
        found = {"name": "some", "when": f"length({self.items_at}.value) > 0"}
        node = self.sketch.add("found", "condition", {"cases": [found]})
        self.sketch.at([(node, "some")])
        self.nothing = [(node, "else")]

    def _source(self, source: Source) -> str | None:
        """Call one source; gives the node that holds its items, if it has items."""
        connector = connectors()[source.connector or ""]
        fetch = self.sketch.add("fetch", "http", call_data(connector, source, self.request), **self._policies())
        self.fetches[fetch] = connector.id
        answer = f"{{{{ {fetch}.json }}}}"
        if connector.page:
            self.text = f"{{{{ {fetch}.json.text }}}}"
            return None
        if connector.facts:
            self._facts(connector, answer)
            return None
        operations = item_operations(connector, self.request)
        return self.sketch.add("pick", "transform", {"value": answer, "operations": operations})

    def _facts(self, connector: Connector, answer: str) -> None:
        data = {"value": answer, "operations": [dict(operation) for operation in connector.facts or ()]}
        self.facts_at = self.sketch.add("facts", "transform", data)
        line = connector.line.of(self.language) if connector.line else "{{ json(facts) }}"
        self.text = re.sub(r"\bfacts\b", f"{self.facts_at}.value", line)

    def _policies(self) -> dict[str, Any]:
        policies: dict[str, Any] = {"retry": {"max": self.request.retries or RETRIES, "delay": "5s"}}
        if any(usable(one) for one in self.request.on_failure):
            policies["on_error"] = "branch"
        return policies

    # ------------------------------------------------------------------ working on it

    def _steps(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if step.kind == "summarise":
                sentences = step.settings.get("sentences") or SUMMARY_SENTENCES
                data = {"task": "summarize", "text": self.text, "sentences": sentences, "language": self.language}
                self.text = f"{{{{ {self.sketch.add('summarise', 'llm', data, **_THINKING)}.text }}}}"
                self.summarised = True
            elif step.kind == "model":
                self._model(step)

    def _model(self, step: Step) -> None:
        task = _TASKS.get(step.action, "generate")
        title = actions()[step.action].title.of(self.language)
        prompt = f"{title}: {step.settings.get('what', '')}\n{self.request.sentence}"
        data: dict[str, Any] = {"task": task, "prompt": prompt, "text": self.text, "language": self.language}
        if task == "classify":
            labels = [word for branch in self.request.branches for word in branch.test.words]
            data["labels"] = labels or list(_NO_LABELS)
        self.text = f"{{{{ {self.sketch.add(step.action, 'llm', data, **_THINKING)}.text }}}}"

    # ------------------------------------------------------------------ which way

    def _branches(self) -> None:
        tested = [(branch, when) for branch in self.request.branches if (when := self._when(branch.test))]
        decided = [branch for branch, _ in tested]
        filtered = [branch for branch in self.request.branches if branch.test.kind == "contains" and self.items_at]
        found = [branch for branch in self.request.branches if branch.test.kind == "exists" and self.items_at]
        known = [*decided, *filtered, *found]
        open_ones = [one for one in self.request.branches if one not in known and one.test.kind != "else"]
        self.undecided += [branch.test.text for branch in open_ones if branch.test.kind != "unknown"]
        if not tested:
            for branch in self.request.branches:
                self._steps(branch.steps)
                self._deliver(branch.deliveries)
            return
        names = ["holds"] if len(tested) == 1 else [f"case_{number}" for number, _ in enumerate(tested, 1)]
        cases = [{"name": name, "when": when} for name, (_, when) in zip(names, tested, strict=True)]
        node = self.sketch.add("check", "condition", {"cases": cases})
        before = (self.text, self.summarised)
        for name, (branch, _) in zip(names, tested, strict=True):
            self.sketch.at([(node, name)])
            self.text, self.summarised = before
            self._steps(branch.steps)
            self._deliver(branch.deliveries, branch.test)
            self._reply(branch.steps)
        self.sketch.at([(node, "else")])
        rest = next((branch for branch in self.request.branches if branch.test.kind == "else"), None)
        if rest:
            self.text, self.summarised = before
            self._steps(rest.steps)
            self._deliver(rest.deliveries)
            self._reply(rest.steps)
        else:
            self.quiet += self.sketch.tail
        self.sketch.at([(node, names[0])])

    def _when(self, test: Test) -> str:
        """A test as an expression; empty when nothing here can decide it."""
        match test.kind:
            case "situation":
                connector, _, name = test.name.partition("/")
                situation = connectors()[connector].situations[name]
                known = self.facts_at and connector in self.fetches.values()
                return re.sub(r"\bfacts\b", f"{self.facts_at}.value", situation.when) if known else ""
            case "compare" if self.fetches:
                return self._comparison(test)
            case "contains" | "is" if not (test.kind == "contains" and self.items_at):
                told = re.fullmatch(r"\{\{ ([^{}]*) \}\}", self.text)
                return " or ".join(f"{quoted(word)} in ({told[1]})" for word in test.words) if told else ""
            case _:
                return ""

    def _comparison(self, test: Test) -> str:
        sign = (">" if test.above else "<") + ("=" if test.inclusive else "")
        value = int(test.value) if test.value == int(test.value) else test.value
        place = next((str(one.parameters["field"]) for one in self.request.sources if one.parameters.get("field")), "")
        if place:
            return f"{next(iter(self.fetches))}.json.{place} {sign} {value}"
        name = _number(self.request, test)
        if not name:
            return ""
        held = f"{self.facts_at}.value.{name}" if self.facts_at else f"{self.items_at}.value[0].{name}"
        return f"{held} {sign} {value}"

    # ------------------------------------------------------------------ telling

    def _reply(self, steps: Sequence[Step]) -> None:
        """In a chat the answer goes back to whoever asked."""
        if self.request.trigger == "chat" and steps:
            self.sketch.add("reply", "answer", {"text": self.text})
            self.replied = True

    def _deliver(self, deliveries: Sequence[Delivery], test: Test | None = None) -> None:
        told = [one for one in deliveries if usable(one)]
        if not told:
            return
        if _approved(self.request):
            self._approve()
        listing = self._listing()
        behind = self.sketch.tail
        text = body_of(self.request, text=self.text, listing=listing, summarised=self.summarised, test=test)
        for delivery in told:
            self.sketch.at(behind)
            node = self._notification(channels()[delivery.channel or ""].id, delivery, self.subject, text)
            self.promised.append({"node": node, "channel": address_of(delivery)["channel"], "to": list(delivery.to)})
        self.sketch.at(behind)

    def _notification(self, wanted: str, delivery: Delivery, subject: str, text: str) -> str:
        data = address_of(delivery) | {"subject": subject, "text": text}
        node = self.sketch.add(wanted, "notification", data, retry=dict(_SENDING))
        self.told.append(node)
        return node

    def _approve(self) -> None:
        node = self.sketch.add("approve", "approval", {"title": say("approve", self.language, name=self.subject)})
        self.sketch.at([(node, "approved")])
        self.quiet.append((node, "rejected"))

    def _listing(self) -> str:
        """A reference to the items written as a list, where there are items."""
        if not self.items_at:
            return ""
        lines = ["{{ index + 1 }}. {{ item.title }}", "{{ item.link }}"]
        if not self.summarised:
            lines.insert(1, "{{ item.text }}")
        operation = {"op": "format", "template": "\n".join(lines), "separator": "\n\n"}
        data = {"value": f"{{{{ {self.items_at}.value }}}}", "operations": [operation]}
        return f"{{{{ {self.sketch.add('list', 'transform', data)}.value }}}}"

    def _nothing_found(self) -> None:
        """An empty answer is told, not hidden, unless the workflow waits for something to happen."""
        told = [one for one in self.request.deliveries if usable(one)]
        if self.request.branches or not told:
            self.quiet += self.nothing
            return
        for delivery in told if self.nothing else ():
            self.sketch.at(self.nothing)
            subject = say("subject.nothing", self.language, name=self.subject)
            self._notification("nothing", delivery, subject, nothing_text(self.request))

    def _on_failure(self) -> None:
        for delivery in self.request.on_failure if self.fetches else ():
            if usable(delivery):
                fetch = next(iter(self.fetches))
                self.sketch.at([(fetch, "error")])
                text = say("text.failed", self.language) + f"{{{{ {fetch}.error.message }}}}"
                self._notification("failed", delivery, say("subject.failed", self.language, name=self.subject), text)

    def _end(self) -> None:
        sketch, tail = self.sketch, self.sketch.tail
        sketch.at([])
        end = sketch.add("end", "end")
        written = re.fullmatch(r"\{\{ (\w+)\.text \}\}", self.text)
        if written and sketch.has(written[1]) and not self.replied:
            sketch.carry(written[1], "text", end, "text")
        elif self.items_at:
            sketch.carry(self.items_at, "value", end, "items")
        elif self.facts_at:
            sketch.carry(self.facts_at, "value", end, "facts")
            next(one for one in sketch.nodes if one["id"] == end)["data"] = {"outputs": {"text": self.text}}
        for node in self.told:
            sketch.carry(node, "receipt", end, node)
        if self.replied and not any(edge["target"] == end for edge in sketch.edges):
            sketch.nodes.remove(next(node for node in sketch.nodes if node["id"] == end))
        elif not any(edge["target"] == end for edge in sketch.edges):
            for node, port in tail:
                sketch.gate(node, port, end)
        for node, port in self.quiet:
            sketch.at([(node, port)])
            sketch.add("quiet", "end", {"outputs": {"told": False}})


_NODE_OF = {"summarise": "llm", "model": "llm", "approve": "approval"}
_TASKS = {"translate": "translate", "classify": "classify", "sentiment": "classify", "extract": "extract"}
_NO_LABELS = ("A", "B", "C")
_EVENT_PORTS: dict[str, dict[str, str]] = {
    "email.received": {"sender": "string", "subject": "string", "text": "string"},
    "chat.message": {"user_message": "string", "session_id": "string"},
    "file.uploaded": {"text": "string", "file": "file"},
    "*": {"payload": "any"},
}
"""What an event brings along."""


def _port(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "required": False}


def _approved(request: Request) -> bool:
    steps = [*request.steps, *(step for branch in request.branches for step in branch.steps)]
    return any(step.kind == "approve" for step in steps)


def _number(request: Request, test: Test) -> str:
    """The field that a comparison means: the connector's number whose word the sentence says, else its only one."""
    for source in request.sources:
        connector = connectors().get(source.connector or "")
        numbers = connector.numbers if connector else {}
        side = "above" if test.above else "below"
        fitting = [name for name, number in numbers.items() if number.sides in {"both", side}]
        said = [name for name in fitting if any(word in test.text for word in numbers[name].words.all)]
        if fitting:
            return (said or fitting)[0]
    return ""
