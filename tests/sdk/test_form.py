from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field, create_model
from tests.nodes.whole import BUILT_IN

from mulle.sdk.fields import SecretText
from mulle.sdk.form import docstrings, form
from mulle.sdk.node import Node, Settings


class Step(Settings):
    """A step."""

    known: ClassVar[int] = 1
    """No setting, and so no help."""
    op: Literal["step"]
    by: str = "item"
    """What to sort by."""


class Longer(Step):
    while_: str = Field(default="", alias="while")
    """Over
    two lines."""
    told: str = Field(default="", description="Told by itself.")
    """Not told twice."""
    steps: list[Annotated[Step, Field(title="One")]] = Field(default_factory=list[Step])
    """In this order."""
    token: SecretText = ""
    count: int = 3


def test_the_text_below_a_field_is_its_help():
    properties = form(Longer)["properties"]

    assert properties["while"]["description"] == "Over\ntwo lines."
    assert properties["by"]["description"] == "What to sort by."
    assert properties["told"]["description"] == "Told by itself."
    assert "description" not in properties["count"]


def test_models_inside_have_theirs():
    assert form(Longer)["$defs"]["Step"]["properties"]["by"]["description"] == "What to sort by."


def test_a_text_says_what_kind_it_is():
    assert form(Longer)["properties"]["token"]["x-text"] == "secret"
    assert "x-text" not in form(Longer)["properties"]["while"]


def test_a_model_without_source_has_no_help_and_a_form_all_the_same():
    made: Any = create_model("Made", n=(int, 3))

    assert docstrings(made) == {}
    assert form(made)["properties"]["n"]["default"] == 3


@pytest.mark.parametrize("node", BUILT_IN, ids=lambda node: node.type)
def test_every_built_in_node_has_a_form_and_names_in_both_languages(node: type[Node]):
    assert form(node.Config)["type"] == "object"
    assert node.title.keys() >= {"en", "ko"}
    assert node.__doc__
