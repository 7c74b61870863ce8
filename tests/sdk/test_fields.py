from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from mulle.errors import MissingReference
from mulle.sdk.fields import (
    Expression,
    ItemExpression,
    ItemTemplate,
    RawText,
    SecretText,
    is_static,
    references,
    rendered,
    shape_of,
)
from mulle.sdk.node import Settings


class Keep(Settings):
    op: Literal["keep"]
    fields: dict[str, ItemExpression]


class Tidy(Settings):
    op: Literal["tidy"]
    fields: list[str]


class Sample(Settings):
    text: str = ""
    when: Expression = "true"
    line: ItemTemplate = ""
    code: RawText = ""
    token: SecretText | None = None
    to: list[SecretText] | SecretText = ""
    steps: list[Annotated[Keep | Tidy, Field(discriminator="op")]] = Field(default_factory=list["Keep | Tidy"])
    named: dict[str, Any] = Field(default_factory=dict[str, Any], alias="with")


DATA = {
    "text": "{{ a.text }}",
    "when": "b.n > 1",
    "line": "{{ item.x }} {{ c.y }}",
    "code": "{{ nobody.reads }}",
    "token": "{{ secret.TOKEN }}",
    "to": ["{{ secret.HOOK }}"],
    "steps": [{"op": "keep", "fields": {"x": "item.x + d.x"}}, {"op": "tidy", "fields": ["x"]}],
    "with": {"deep": [{"er": "{{ e.z }}"}]},
}


def test_every_reference_is_found_where_it_stands():
    found, problems = references(DATA, shape_of(Sample))

    assert problems == []
    assert [(str(item.reference), item.where, item.secret_allowed) for item in found] == [
        ("a.text", "data.text", False),
        ("b.n", "data.when", False),
        ("c.y", "data.line", False),
        ("secret.TOKEN", "data.token", True),
        ("secret.HOOK", "data.to[0]", True),
        ("d.x", "data.steps[0].fields.x", False),
        ("e.z", "data.with.deep[0].er", False),
    ]


@pytest.mark.parametrize(
    ("data", "where"),
    [({"when": "1 +"}, "data.when"), ({"text": "{{ a"}, "data.text"), ({"line": "{{ item. }}"}, "data.line")],
)
def test_what_cannot_be_read_is_a_problem_at_its_place(data: dict[str, Any], where: str):
    _, problems = references(data, shape_of(Sample))

    assert [problem.where for problem in problems] == [where]


NAMES = {"a": {"text": 3}, "e": {"z": [1]}}
OPEN = NAMES | {"secret": {"TOKEN": "t", "HOOK": "h"}}


def test_templates_are_filled_in_and_what_the_node_reads_itself_is_left():
    made = rendered(DATA, shape_of(Sample), NAMES.__getitem__, OPEN.__getitem__)

    assert made == DATA | {"text": 3, "token": "t", "to": ["h"], "with": {"deep": [{"er": [1]}]}}


def test_a_secret_stays_shut_where_it_may_not_stand():
    with pytest.raises(MissingReference):
        rendered({"text": "{{ secret.TOKEN }}"}, shape_of(Sample), NAMES.__getitem__, OPEN.__getitem__)


@pytest.mark.parametrize(
    ("data", "static"),
    [({"text": "plain"}, True), ({"when": "a > 1", "line": "{{ item }}", "code": "{{ x }}"}, True), (DATA, False)],
)
def test_settings_without_templates_are_the_same_in_every_run(data: dict[str, Any], static: bool):
    assert is_static(data, shape_of(Sample)) is static


def test_models_that_nothing_tells_apart_are_refused():
    class One(Settings):
        a: int = 1

    class Two(Settings):
        b: int = 1

    class Either(Settings):
        it: One | Two

    with pytest.raises(TypeError, match="One and its alternatives need a field that tells them apart"):
        shape_of(Either)
