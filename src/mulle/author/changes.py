"""The changes that a sentence can ask of a document, each a function that says whether it understood.

They work on plain data and find nodes by what they are, so that documents drawn by hand can be changed as well.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mulle.author.clarify import Question
from mulle.author.domain import Language, connectors
from mulle.author.language.clauses import Clause
from mulle.author.language.tokens import Token, tokens
from mulle.author.lexicon import ChannelPiece, actions, channels, lexicon
from mulle.author.messages import address_of
from mulle.author.request import Delivery
from mulle.author.sayings import say
from mulle.author.sources import ITEM_UNITS
from mulle.triggers.phrases import find_schedule
from mulle.triggers.schedule import Schedule, trigger_dict

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,24}")
_CLOCK = re.compile(
    r"(?:오전|오후|아침|낮|저녁|밤|새벽|정오|자정)?\s*(?:\d{1,2}|[한두세네]|다섯|여섯|일곱|여덟|아홉|열|열한|열두)\s?시(?:\s?반|\s?\d{1,2}\s?분)?"
    r"|\b\d{1,2}(?::\d{2})?\s?(?:am|pm)\b|\b\d{1,2}:\d{2}\b",
    re.IGNORECASE,
)
"""A time of day that stands alone: 10시, 오후 3시 반, 10am, 15:30."""
_TIMED = frozenset({"cron", "rrule", "at"})


@dataclass
class Asked:
    """A document on its way to what a sentence asks for."""

    document: dict[str, Any]
    sentence: str
    language: Language
    answers: Mapping[str, str]
    now: datetime
    timezone: str
    questions: list[Question] = field(default_factory=list[Question])
    done: list[str] = field(default_factory=list[str])
    """What was changed, for the report."""
    refused: list[str] = field(default_factory=list[str])
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    used: set[int] = field(default_factory=set[int])
    """Where tokens begin that a change understood."""

    def __post_init__(self) -> None:
        self.rest = self.sentence
        """The sentence without its times."""
        self.words = Clause("do", tuple(tokens(self.sentence, lexicon())))

    def say(self, key: str, **gaps: object) -> str:
        return say(key, self.language, **gaps)

    def nodes(self, kind: str) -> Iterator[dict[str, Any]]:
        """The nodes of a type, changed in place by who asks for them."""
        return (node for node in self.document["nodes"] if node["type"] == kind)


def apply_all(asked: Asked) -> None:
    """Every change that the sentence asks for, the more particular ones first."""
    for change in _CHANGES:
        change(asked)


# ---------------------------------------------------------------------- when


def change_time(asked: Asked) -> None:
    """10시로 바꿔줘: another time, the days as they were; 매주 월요일 10시: another schedule."""
    found, spans = find_schedule(asked.sentence, now=asked.now, timezone=asked.timezone)
    clock = _CLOCK.search(asked.sentence)
    if not spans and clock:
        spans = [clock.span()]
    if not spans or not any(one["type"] in _TIMED for one in asked.document.get("triggers", ())):
        return
    said = " ".join(asked.sentence[start:end] for start, end in spans)
    timed = [one for one in asked.document["triggers"] if one["type"] in _TIMED]
    new = _moved(said, timed[0], asked)
    if new is None and isinstance(found, Schedule) and not found.at:
        new = trigger_dict(found)
    if new is None:
        return
    for start, end in spans:
        asked.rest = asked.rest[:start] + " " * (end - start) + asked.rest[end:]
    asked.words = Clause("do", tuple(tokens(asked.rest, lexicon())))
    others = [one for one in asked.document["triggers"] if one["type"] not in _TIMED]
    if new != timed:
        asked.document["triggers"] = [*new, *others]
    asked.done.append(asked.say("edit.time", said=said.strip()))


def _moved(said: str, trigger: dict[str, Any], asked: Asked) -> list[dict[str, Any]] | None:
    """The trigger with the time of day that was said, or with the days that were said and its old time."""
    if trigger["type"] != "cron":
        return None
    minute, hour, *days = trigger["cron"].split()
    daily = _schedule(f"매일 {said}" if asked.language == "ko" else f"every day {said}", asked)
    if daily and len(daily.crons) == 1 and daily.crons[0].endswith(" * * *") and not _says_days(said):
        new_minute, new_hour = daily.crons[0].split()[:2]
        return [trigger | {"cron": " ".join([new_minute, new_hour, *days])}]
    if hour.isdigit() and minute.isdigit():
        clock = f"{hour}시 {minute}분" if asked.language == "ko" else f"at {hour}:{minute:0>2}"
        whole = _schedule(f"{said.removesuffix('에')} {clock}", asked)
        if whole and _schedule(said, asked) is None:
            return trigger_dict(whole)
    return None


def _says_days(said: str) -> bool:
    words = r"매일|매주|매월|매달|매년|평일|주말|요일|격주|마다|every|daily|week|month|\w+days?\b"
    return bool(re.search(words, said, re.IGNORECASE))


def _schedule(text: str, asked: Asked) -> Schedule | None:
    found, _ = find_schedule(text, now=asked.now, timezone=asked.timezone)
    return found if isinstance(found, Schedule) else None


# ---------------------------------------------------------------------- where to


def change_channel(asked: Asked) -> None:
    """메일 말고 슬랙으로; instead of email use Slack."""
    named = [(token, channels()[name]) for token, name in asked.words.means("channel")]
    told = list(asked.nodes("notification"))
    if not named or not told:
        return
    old, new = _exchange(named, asked)
    if new is None or (old is None and any(node["data"].get("channel") == new.channel for node in told)):
        return
    if new.channel is None:
        asked.refused.append(asked.say("not_done.channel", channel=new.title.of(asked.language)))
        return
    wanted = [node for node in told if old is None or node["data"].get("channel") == old.channel]
    if not wanted:
        return
    asked.used |= {token.start for token, _ in named}
    delivery = _addressed(new, asked)
    if delivery is None:
        return
    for node in wanted:
        kept = {name: node["data"][name] for name in ("subject", "text", "html") if name in node["data"]}
        node["data"] = address_of(delivery) | kept
    asked.done.append(asked.say("edit.channel", channel=new.title.of(asked.language)))


def _exchange(
    named: Sequence[tuple[Token, ChannelPiece]], asked: Asked
) -> tuple[ChannelPiece | None, ChannelPiece | None]:
    """What goes and what comes instead."""
    instead = [token.start for token, _ in asked.words.means("instead")]
    if not instead:
        return None, named[-1][1]
    before = [piece for token, piece in named if token.start < instead[0]]
    after = [piece for token, piece in named if token.start > instead[0]]
    if asked.language == "ko":
        return (before or [None])[-1], (after or [None])[0]
    return (after or [None])[0], (before or after[1:] or [None])[0]


def _addressed(piece: ChannelPiece, asked: Asked) -> Delivery | None:
    """A delivery by a channel; None when its address is asked for."""
    given = asked.answers.get("to", "")
    if piece.address == "email":
        to = tuple(_EMAIL.findall(f"{asked.sentence} {given}"))
        if not to:
            asked.questions.append(
                Question("to", piece.ask.of(asked.language) if piece.ask else "", asked.say("suggest.address"))
            )
            return None
        return Delivery(piece.id, to)
    if piece.address in {"chat", "url"} and not given:
        asked.questions.append(Question("to", piece.ask.of(asked.language) if piece.ask else "", ""))
        return None
    if piece.address == "secret" and given.startswith("https://") and piece.secret:
        asked.secrets[piece.secret] = given
    if piece.address == "name":
        return Delivery(piece.id, (given or (piece.suggestion.of(asked.language) if piece.suggestion else "out.txt"),))
    return Delivery(piece.id, (given,) if given and piece.address != "secret" else ())


def change_recipient(asked: Asked) -> None:
    """kim@example.com으로 보내줘."""
    emails = [token for token in asked.words.tokens if token.kind == "email"]
    mails = [node for node in asked.nodes("notification") if node["data"].get("channel") == "mail"]
    if not emails or not mails:
        return
    to = [token.text for token in emails]
    asked.used |= {token.start for token in emails}
    if all(node["data"].get("to") == to for node in mails):
        return
    for node in mails:
        node["data"]["to"] = to
    asked.done.append(asked.say("edit.to", to=", ".join(to)))


# ---------------------------------------------------------------------- what


def change_count(asked: Asked) -> None:
    """5개로: how many items go on, and how many sentences a summary has."""
    for token in asked.words.tokens:
        if token.kind != "count":
            continue
        if token.unit in {"문장", "줄", "sentence", "sentences", "line", "lines"}:
            for node in asked.nodes("llm"):
                if node["data"].get("task") == "summarize":
                    node["data"]["sentences"] = int(token.value)
                    asked.done.append(asked.say("edit.sentences", count=int(token.value)))
        elif token.unit in ITEM_UNITS and _counted(asked, max(1, int(token.value))):
            asked.done.append(asked.say("edit.count", count=int(token.value)))


def _counted(asked: Asked, count: int) -> bool:
    taken = [
        operation
        for node in asked.nodes("transform")
        for operation in node["data"].get("operations", ())
        if operation.get("op") == "take"
    ]
    old = taken[0]["count"] if taken else None
    for operation in taken:
        operation["count"] = count
    changed = bool(taken)
    for node in asked.nodes("http"):
        params = node["data"].get("params", {})
        for name in ("display", "size"):
            if isinstance(params.get(name), int) and (params[name] < count or params[name] == old):
                params[name] = min(count, _most(node, name) or count)
                changed = True
    return changed


def _most(node: dict[str, Any], name: str) -> int | None:
    """The most that the API behind a node gives at once."""
    for connector in connectors().values():
        if connector.http.url == node["data"].get("url"):
            gap = str(connector.http.params.get(name, "")).strip("{}")
            parameter = connector.parameters.get(gap)
            return parameter.max if parameter else None
    return None


def change_topic(asked: Asked) -> None:
    """경제 말고 IT로; change the topic to IT."""
    fetches = [node for node in asked.nodes("http") if isinstance(node["data"].get("params", {}).get("query"), str)]
    if not fetches:
        return
    old = fetches[0]["data"]["params"]["query"]
    new = _new_topic(asked, old)
    if not new or new == old:
        return
    for node in fetches:
        if node["data"]["params"]["query"] == old:
            node["data"]["params"]["query"] = new
    asked.document["name"] = str(asked.document.get("name", "")).replace(old, new)
    for node in asked.nodes("notification"):
        for name in ("subject", "text"):
            if isinstance(node["data"].get(name), str):
                node["data"][name] = node["data"][name].replace(old, new)
    asked.done.append(asked.say("edit.topic", old=old, new=new))


def _new_topic(asked: Asked, old: str) -> str:
    """What is said beside the old topic, or behind the word "topic"."""
    words = [one for one in asked.words.tokens if one.start not in asked.used and _may_be_topic(one)]
    olds = [one for one in words if one.text.lower() in old.lower()]
    news = [one for one in words if one not in olds]
    instead = bool(asked.words.means("instead"))
    named = re.search(r"주제|검색어|키워드|topic|query|keyword|search for", asked.sentence, re.IGNORECASE)
    if not news or not (olds or instead or named):
        return ""
    asked.used |= {one.start for one in words}
    return " ".join(one.text for one in news)


_TOPIC_WORDS = frozenset({"주제", "검색어", "키워드", "topic", "query", "keyword", "topics"})


def _may_be_topic(token: Token) -> bool:
    if token.text.lower() in _TOPIC_WORDS:
        return False
    return token.kind in {"unknown", "quoted"} or (token.kind == "word" and token.means("thing") is not None)


# ---------------------------------------------------------------------- steps that come and go


def remove_step(asked: Asked) -> None:
    """요약은 빼줘: a step goes, and what it was between is joined."""
    if not any(name in {"filter", "delete"} for _, name in asked.words.means("action")):
        return
    for _, name in asked.words.means("action"):
        kind = {"summarise": "summarize", "translate": "translate"}.get(name)
        for node in [one for one in asked.document["nodes"] if _is_step(one, name, kind)]:
            _bridge(asked.document, node)
            asked.done.append(asked.say("edit.removed", action=actions()[name].title.of(asked.language)))


def _is_step(node: dict[str, Any], action: str, task: str | None) -> bool:
    if action == "approve":
        return node["type"] == "approval"
    return node["type"] == "llm" and task is not None and node["data"].get("task") == task


def _bridge(document: dict[str, Any], node: dict[str, Any]) -> None:
    """Take a node out: edges into it go on to what came behind it, references to its text to the text it worked on."""
    name = node["id"]
    before = [edge for edge in document["edges"] if edge["target"] == name]
    behind = [edge for edge in document["edges"] if edge["source"] == name]
    kept = [edge for edge in document["edges"] if edge not in before and edge not in behind]
    for one in before:
        for other in behind:
            if other.get("target_port") is None:
                joined = {"source": one["source"], "target": other["target"]}
                port = one.get("source_port")
                kept.append(joined | ({"source_port": port} if port else {}))
    document["edges"] = kept
    quiet = {edge["target"] for edge in behind if edge.get("source_port") == "rejected"}
    document["nodes"] = [one for one in document["nodes"] if one["id"] != name and one["id"] not in quiet]
    document["edges"] = [edge for edge in kept if edge["target"] not in quiet]
    text = str(node["data"].get("text", ""))
    reference = f"{{{{ {name}.text }}}}"
    for one in document["nodes"]:
        if one["type"] == "notification":
            one["data"]["text"] = _without_paragraph(str(one["data"].get("text", "")), reference)
    for one in document["nodes"]:
        one["data"] = _replaced(one["data"], reference, text) if "data" in one else {}
        if not one["data"]:
            del one["data"]


def _without_paragraph(text: str, reference: str) -> str:
    """A message without the paragraph that shows a step's text, if something else is left to say."""
    kept = [part for part in text.split("\n\n") if reference not in part]
    return "\n\n".join(kept) if kept else text


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, dict):
        return {key: _replaced(inner, old, new) for key, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]  # JSON-like
    if isinstance(value, list):
        return [_replaced(inner, old, new) for inner in value]  # pyright: ignore[reportUnknownVariableType]  # JSON-like
    return value


def add_approval(asked: Asked) -> None:
    """보내기 전에 확인받고: a person's word before anything goes out."""
    named = [name for _, name in asked.words.means("action")]
    told = list(asked.nodes("notification"))
    if "approve" not in named or {"filter", "delete"} & set(named) or any(asked.nodes("approval")) or not told:
        return
    title = asked.say("approve", name=asked.document.get("name", ""))
    asked.document["nodes"].append({"id": "approve", "type": "approval", "data": {"title": title}})
    first = told[0]["id"]
    for edge in asked.document["edges"]:
        if edge["target"] == first and edge.get("target_port") is None:
            edge["target"] = "approve"
    asked.document["edges"].append({"source": "approve", "source_port": "approved", "target": first})
    asked.done.append(asked.say("report.approve"))


_CHANGES: Sequence[Callable[[Asked], None]] = (
    change_time,
    change_channel,
    change_recipient,
    change_count,
    remove_step,
    add_approval,
    change_topic,
)
