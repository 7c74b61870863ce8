"""Domain packs: what YAML may say about an API, checked. Knows no sentence and no workflow.

A pack names the words that give its domain away, what its API is like, and typed connectors. A connector says how its
parameters are found in a sentence, which question is asked when one is missing, which `http` node it becomes, how the
answer becomes items of `{title, link, text, …}`, and what a recorded answer looks like.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mulle.document.places import place
from mulle.document.yaml_text import load_yaml
from mulle.errors import DocumentError

Language = Literal["ko", "en"]


class BadPack(DocumentError):
    """A domain pack is not as its schema asks."""

    code = "author.bad_pack"
    hint = "docs/author.md shows a pack, field by field."


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Model):
    """The same in both languages."""

    ko: str
    en: str

    def of(self, language: Language) -> str:
        return self.ko if language == "ko" else self.en


class Words(_Model):
    """What people write, Korean and English; spacing and inflection do not matter."""

    ko: list[str] = Field(default_factory=list[str])
    en: list[str] = Field(default_factory=list[str])

    @property
    def all(self) -> list[str]:
        return [*self.ko, *self.en]


class Parameter(_Model):
    """A gap of a connector's request, and how a sentence fills it."""

    find: Literal["topic", "count", "order", "region", "url"]
    """topic: what the asked-for things are about. count: how many. order: one of `choices` by the words for it."""
    required: bool = False
    default: str | int | None = None
    max: int | None = None
    choices: dict[str, str] = Field(default_factory=dict[str, str])
    """order: the API's word by `newest`, `popular`, `cheapest`, `dearest`, `nearest`."""
    ask: Text | None = None
    suggestion: Text | None = None


class Call(_Model):
    """The `http` node that a connector becomes; `{name}` is a parameter."""

    method: Literal["GET", "POST"] = "GET"
    url: str
    params: dict[str, Any] = Field(default_factory=dict[str, Any])
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    parse: Literal["auto", "json", "text", "feed", "html"] = "json"


class Answer(_Model):
    """A recorded answer, in the API's real shape."""

    status: int = 200
    json_data: Any = Field(default=None, alias="json")
    text: str | None = None


class Number(_Model):
    """A field of the items or facts that may be compared: "10,000원 넘으면"."""

    words: Words
    unit: Text
    sides: Literal["both", "above", "below"] = "both"
    """Which comparisons it is meant for: the day's high for "30도 넘으면", its low for "영하로 떨어지면"."""


class Situation(_Model):
    """A condition that people name by a word: "비 오면"."""

    words: Words
    title: Text
    when: str
    """Expression over `facts`."""


class Connector(_Model):
    """One thing that can be asked of an API."""

    id: str
    title: Text
    thing: Text
    """What its items are called."""
    words: Words
    default: bool = False
    """Meant when the sentence names the pack only."""
    hints: Words = Words()
    """Words that give it away where nothing else is named, and that belong to what is asked: 근처."""
    addresses: list[str] = Field(default_factory=list[str])
    """Parts of a URL that give it away."""
    parameters: dict[str, Parameter] = Field(default_factory=dict[str, Parameter])
    http: Call
    items: str | None = None
    """Where the list is in the answer: `items`, `documents`."""
    whole: bool = False
    """The answer is the list, or has one somewhere; its items keep their own fields."""
    page: bool = False
    """The answer is one text: `{title, text}`."""
    facts: list[dict[str, Any]] | None = None
    """Transform operations over the answer that give the facts: one object of numbers, texts and truths."""
    line: Text | None = None
    """facts: how they are told, a template over `facts`."""
    fields: dict[str, str] = Field(default_factory=dict[str, str])
    clean: list[str] = Field(default_factory=list[str])
    """Fields with HTML in them."""
    numbers: dict[str, Number] = Field(default_factory=dict[str, Number])
    situations: dict[str, Situation] = Field(default_factory=dict[str, Situation])
    sample: Answer
    error: Answer | None = None


class Shared(_Model):
    """What all connectors of a pack have in common."""

    headers: dict[str, str] = Field(default_factory=dict[str, str])
    parameters: dict[str, Parameter] = Field(default_factory=dict[str, Parameter])
    error: Answer | None = None


class Region(_Model):
    """A place that an API knows."""

    en: str
    values: dict[str, Any] = Field(default_factory=dict[str, Any])
    """The parameters that name it."""


class Pack(_Model):
    """One domain."""

    pack: str
    title: Text
    words: Words
    knowledge: list[str] = Field(default_factory=list[str])
    secrets: dict[str, Text] = Field(default_factory=dict[str, Text])
    """What a person is asked for, by the secret's name."""
    regions: dict[str, Region] = Field(default_factory=dict[str, Region])
    """Places that the API knows, by their Korean names."""
    shared: Shared = Shared()
    connectors: list[Connector]


def read_pack(text: str) -> Pack:
    """A pack from YAML text; raises BadPack or UnreadableDocument."""
    data = load_yaml(text)
    try:
        pack = Pack.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadPack(first["msg"], at=place(first["loc"])) from error
    return pack.model_copy(update={"connectors": [_whole(one, pack.shared) for one in pack.connectors]})


def _whole(connector: Connector, shared: Shared) -> Connector:
    return connector.model_copy(
        update={
            "http": connector.http.model_copy(update={"headers": {**shared.headers, **connector.http.headers}}),
            "parameters": connector.parameters or shared.parameters,
            "error": connector.error or shared.error,
        }
    )


@cache
def installed_packs() -> Mapping[str, Pack]:
    """The packs that come with Mulle, by name."""
    folder = files("mulle.author.packs")
    texts = sorted((entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    packs = [read_pack(text) for _, text in texts]
    return {pack.pack: pack for pack in packs}


@cache
def connectors() -> Mapping[str, Connector]:
    """All connectors by id: `naver.news`."""
    return {one.id: one for pack in installed_packs().values() for one in pack.connectors}


def pack_of(connector_id: str) -> Pack:
    """The pack that a connector belongs to."""
    return next(pack for pack in installed_packs().values() if any(one.id == connector_id for one in pack.connectors))
