"""What the fields of a Config are, what their texts refer to, and which ports the fields of a model are."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from mulle.document.ports import PortType
from mulle.errors import MissingReference
from mulle.sdk import Expression, ItemExpression, ItemTemplate, LateTemplate, Raw, RawText, SecretData, SecretText
from mulle.sdk.fields import TEMPLATE, Shape, is_static, port_type, ports_of, references, rendered, shape_of, texts


class Rule(BaseModel):
    """Rules may hold rules."""

    when: Expression = "true"
    both: list["Rule"] = []


class Mail(BaseModel):
    kind: Literal["mail"] = "mail"
    password: SecretText = ""
    line: ItemTemplate = ""


class Hook(BaseModel):
    kind: Literal["hook"] = "hook"
    url: SecretText = ""
    body: dict[str, Any] = {}


class Keep(BaseModel):
    op: Literal["keep"]
    fields: dict[str, ItemExpression]


class Tidy(BaseModel):
    op: Literal["tidy", "trim"]
    fields: list[str]


class Config(BaseModel):
    steps: list[Annotated[Keep | Tidy, Field(discriminator="op")]] = []
    plain: str = ""
    listed: list[str] = []
    code: Raw = None
    source: RawText = ""
    late: LateTemplate = ""
    headers: dict[str, SecretText] = {}
    mapped: Mapping[str, SecretText] = {}
    secrets: Sequence[SecretText] = ()
    pair: tuple[Expression, SecretText] = ("1", "")
    anything: SecretData = None
    by: ItemExpression | None = None
    marked: Annotated[Annotated[str, Field(min_length=0)], "other"] = ""
    to: Mail | Hook | list[Hook] | None = None
    rule: Rule = Rule()
    named: Expression = Field(default="1", alias="as")
    bare: dict = {}  # type: ignore[type-arg]  # pyright: ignore[reportMissingTypeArgument]  # As a node's author may write it.


def kind(*path: str | int) -> str:
    shape = shape_of(Config)
    for step in path:
        shape = shape.inside(step)
    return shape.kind


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("plain",), "template"),
        (("listed", 0), "template"),
        (("unknown", "deeper"), "template"),
        (("code",), "raw"),
        (("code", "deep", 0), "raw"),
        (("source",), "raw"),
        (("late",), "late"),
        (("headers", "X-Key"), "secret"),
        (("mapped", "X-Key"), "secret"),
        (("secrets", 0), "secret"),
        (("pair", 0), "expression"),
        (("anything", "deep", 0), "secret"),
        (("by",), "expression"),
        (("marked",), "template"),
        (("to", "password"), "secret"),
        (("to", "url"), "secret"),
        (("to", 0, "url"), "secret"),
        (("to", "line"), "late"),
        (("to", "body", "x"), "template"),
        (("to", "kind"), "template"),
        (("rule", "both", 0, "both", 5, "when"), "expression"),
        (("as",), "expression"),
        (("named",), "expression"),
        (("as", "inside"), "template"),
        (("bare", "x"), "template"),
    ],
)
def test_a_place_of_the_settings_is_one_kind_of_text(path: tuple[str | int, ...], expected: str):
    assert kind(*path) == expected


def test_every_text_has_its_place():
    data = {"plain": "a", "listed": ["b", {"x": "c"}], "n": 5, "none": None}

    assert [(text, where) for text, where, _ in texts(data, shape_of(Config))] == [
        ("a", "data.plain"),
        ("b", "data.listed[0]"),
        ("c", "data.listed[1].x"),
    ]


def test_references_are_found_where_texts_are_read_and_only_there():
    found, problems = references(
        {
            "plain": "{{ 요약.text }} and {{ env.X }}",
            "code": "{{ not.read }}",
            "source": "{{",
            "by": "item.score + index + other.n",
            "to": {"kind": "mail", "password": "{{ secret.KEY }}", "line": "{{ item.title }} {{ start.topic }}"},
            "as": "a.b > 1",
        },
        shape_of(Config),
    )

    assert problems == []
    assert {(str(item.reference), item.where, item.secret_allowed) for item in found} == {
        ("요약.text", "data.plain", False),
        ("env.X", "data.plain", False),
        ("other.n", "data.by", False),
        ("secret.KEY", "data.to.password", True),
        ("start.topic", "data.to.line", False),
        ("a.b", "data.as", False),
    }


def test_one_name_in_two_models_means_what_its_own_model_says():
    steps = [
        {"op": "keep", "fields": {"x": "item.x + d.x"}},
        {"op": "trim", "fields": ["{{ e.y }}"]},
    ]

    found, problems = references({"steps": steps}, shape_of(Config))

    assert problems == []
    assert [(str(item.reference), item.where) for item in found] == [
        ("d.x", "data.steps[0].fields.x"),
        ("e.y", "data.steps[1].fields[0]"),
    ]


def test_what_cannot_be_read_is_a_problem_at_its_place():
    _, problems = references({"plain": "{{ 1 + }}", "as": "1 +"}, shape_of(Config))

    assert [problem.where for problem in problems] == ["data.plain", "data.as"]


@pytest.mark.parametrize(
    ("data", "static"),
    [
        ({"plain": "a", "listed": ["b"]}, True),
        ({"listed": ["{{ a.b }}"]}, False),
        ({"headers": {"X": "{{ secret.K }}"}}, False),
        ({"code": "{{ a }}", "late": "{{ a.b }}", "as": '"{{"'}, True),
    ],
)
def test_settings_without_templates_are_static(data: dict[str, Any], static: bool):
    assert is_static(data, shape_of(Config)) is static


def test_templates_are_filled_in_and_everything_else_stays():
    names = {"a": {"n": 5, "title": "물가"}}
    secrets = names | {"secret": {"K": "s3cret"}}
    data = {
        "plain": "{{ a.n }}",
        "listed": ["제목: {{ a.title }}", 1, None],
        "headers": {"X": "Bearer {{ secret.K }}"},
        "code": "{{ a.n }}",
        "late": "{{ a.n }}",
        "as": "a.n",
    }

    assert rendered(data, shape_of(Config), names.__getitem__, secrets.__getitem__) == {
        "plain": "5",
        "listed": ["제목: 물가", 1, None],
        "headers": {"X": "Bearer s3cret"},
        "code": "{{ a.n }}",
        "late": "{{ a.n }}",
        "as": "a.n",
    }


class Written(BaseModel):
    text: str
    maybe: str | None = None
    some: str | list[str] = ""
    named: dict[str, SecretText] = {}
    any: Any = None
    either: str | int = 0
    word: Literal["5"] | int = 0


@pytest.mark.parametrize(("value", "text"), [(5, "5"), (2.0, "2"), (0.5, "0.5"), (True, "true")])
def test_a_number_is_written_where_only_a_text_may_stand(value: Any, text: str):
    data = dict.fromkeys(Written.model_fields, "{{ n }}") | {"named": {"X-N": "{{ n }}"}}

    assert rendered(data, shape_of(Written), {"n": value}.__getitem__, {"n": value}.__getitem__) == {
        "text": text,
        "maybe": text,
        "some": text,
        "named": {"X-N": text},
        "any": value,
        "either": value,
        "word": value,
    }


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, "글"])
def test_nothing_else_is_made_a_text(value: Any):
    assert rendered({"text": "{{ n }}"}, shape_of(Written), {"n": value}.__getitem__, str) == {"text": value}


def test_a_secret_is_nothing_where_it_is_not_allowed():
    def lookup(name: str) -> Any:
        raise MissingReference(f"'{name}' means nothing here.")

    with pytest.raises(MissingReference):
        rendered({"plain": "{{ secret.K }}"}, shape_of(Config), lookup, {"secret": {"K": "s3cret"}}.__getitem__)


def test_a_plain_annotation_is_a_template():
    assert shape_of(int) == shape_of(list) == shape_of(list[int]) == shape_of(Any) == TEMPLATE
    assert Shape().inside("x").inside(0) == TEMPLATE


# ---------------------------------------------------------------------- ports


class Colour(StrEnum):
    RED = "red"


class Level(Enum):
    LOW = 1


@pytest.mark.parametrize(
    ("annotation", "port"),
    [
        (str, PortType.STRING),
        (Colour, PortType.STRING),
        (date, PortType.STRING),
        (Literal["a", "b"], PortType.STRING),
        (Literal["a", 1], PortType.ANY),
        (int, PortType.NUMBER),
        (float | int, PortType.NUMBER),
        (bool, PortType.BOOLEAN),
        (Annotated[bool, "x"], PortType.BOOLEAN),
        (list[int], PortType.ARRAY),
        (tuple[int, ...], PortType.ARRAY),
        (set[str], PortType.ARRAY),
        (Sequence[str], PortType.ARRAY),
        (dict[str, int], PortType.OBJECT),
        (Mapping[str, int], PortType.OBJECT),
        (Rule, PortType.OBJECT),
        (str | None, PortType.STRING),
        (str | int, PortType.ANY),
        (Level, PortType.ANY),
        (Any, PortType.ANY),
        (None, PortType.ANY),
    ],
)
def test_an_annotation_stands_for_a_port_type(annotation: Any, port: PortType):
    assert port_type(annotation) is port


class Ports(BaseModel):
    text: str
    count: int = Field(default=3, description="How many.", title="개수")
    tags: tuple[str, ...] = ("a",)
    made: list[int] = Field(default_factory=lambda: [1])
    parts: list[Any] = Field(default=[], json_schema_extra={"multiple": True})
    rejected: bool = Field(default=False, json_schema_extra={"branch": True})
    out: str = Field(default="", alias="출력")


def test_the_fields_of_a_model_are_ports():
    ports = {port.name: port for port in ports_of(Ports)}

    assert list(ports) == ["text", "count", "tags", "made", "parts", "rejected", "출력"]
    assert ports["text"].required
    assert (ports["count"].default_value, ports["count"].description, ports["count"].display_name) == (
        3,
        "How many.",
        "개수",
    )
    assert (ports["tags"].default_value, ports["made"].default_value) == (["a"], [1])
    assert [name for name, port in ports.items() if port.multiple] == ["parts"]
    assert [name for name, port in ports.items() if port.branch] == ["rejected"]
