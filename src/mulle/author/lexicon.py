"""The author's vocabulary: actions, channels, events, things and small words, and the lexicon made of all of them."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from mulle.author.domain import Text, Words, installed_packs
from mulle.author.language.words import Lexicon, Meaning
from mulle.document.yaml_text import load_yaml


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Action(_Model):
    """Something that a sentence asks to be done."""

    id: str
    title: Text
    ko: list[str] = Field(default_factory=list[str])
    en: list[str] = Field(default_factory=list[str])
    nouns: Words = Words()
    needs: Literal["model", "missing"] | None = None
    danger: bool = False
    """Changes or spends something outside that cannot be taken back."""


class ChannelPiece(_Model):
    """A way to tell somebody."""

    id: str
    channel: str | None = None
    """The notification node's word; None: nothing here can use it."""
    store: bool = False
    """A place where things are kept, rather than a person."""
    title: Text
    ko: list[str] = Field(default_factory=list[str])
    en: list[str] = Field(default_factory=list[str])
    address: Literal["email", "secret", "chat", "url", "name", "none"] = "none"
    secret: str | None = None
    about: Text | None = None
    ask: Text | None = None
    suggestion: Text | None = None


class EventPiece(_Model):
    """What starts a workflow besides a time."""

    event: str
    trigger: Literal["event", "chat", "webhook"] = "event"
    poll: bool = False
    """Has to be looked for again and again."""
    title: Text
    what: Words
    does: Words


T = TypeVar("T", bound=BaseModel)


def _read(name: str) -> Any:
    return load_yaml(files("mulle.author.vocabulary").joinpath(f"{name}.yaml").read_text("utf-8"))


@cache
def actions() -> Mapping[str, Action]:
    return {one.id: one for one in map(Action.model_validate, _read("actions"))}


@cache
def channels() -> Mapping[str, ChannelPiece]:
    return {one.id: one for one in map(ChannelPiece.model_validate, _read("channels"))}


@cache
def events() -> Mapping[str, EventPiece]:
    return {one.event: one for one in map(EventPiece.model_validate, _read("events"))}


@cache
def lexicon() -> Lexicon:
    """Every word that this author knows."""
    book = Lexicon()
    for action in actions().values():
        meaning = Meaning("action", action.id)
        book.add([*action.ko, *action.en], meaning, verb=True)
        book.add(action.nouns.all, meaning)
    for channel in channels().values():
        book.add([*channel.ko, *channel.en], Meaning("channel", channel.id))
    for event in events().values():
        book.add(event.what.all, Meaning("what", event.event))
        book.add(event.does.all, Meaning("does", event.event), verb=True)
    for group, words in _read("words").items():
        _add_small_words(book, group, Words.model_validate(words))
    book.add(Words.model_validate(_read("things")).all, Meaning("thing", "thing"))
    for pack in installed_packs().values():
        book.add(pack.words.all, Meaning("pack", pack.pack))
        for name, region in pack.regions.items():
            book.add([name, region.en], Meaning("region", name))
        for connector in pack.connectors:
            book.add(connector.words.all, Meaning("connector", connector.id))
            book.add(connector.hints.all, Meaning("hint", connector.id))
            for name, number in connector.numbers.items():
                book.add(number.words.all, Meaning("number", f"{connector.id}.{name}"))
            for name, situation in connector.situations.items():
                meaning = Meaning("situation", f"{connector.id}/{name}")
                book.add([word for word in situation.words.all if not _is_verb(word)], meaning)
                book.add([word for word in situation.words.all if _is_verb(word)], meaning, verb=True)
    return book


_VERBAL = frozenset({"failure", "above", "below"})
"""Groups whose English words are verbs too."""


def _add_small_words(book: Lexicon, group: str, words: Words) -> None:
    meaning = Meaning(group, group)
    book.add([word for word in words.ko if not _is_verb(word)], meaning)
    book.add([word for word in words.ko if _is_verb(word)], meaning, verb=True)
    book.add(words.en, meaning, verb=group in _VERBAL)


def _is_verb(word: str) -> bool:
    return len(word) > 1 and word.endswith("다")
