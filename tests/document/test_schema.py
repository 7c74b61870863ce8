"""Forms and editors show the sentence under a field."""

import sys
from types import ModuleType

import pytest
from pydantic import BaseModel, Field

from mulle.document.places import place, schema_problems
from mulle.document.schema import described_schema, field_docs


class Parent(BaseModel):
    inherited: int = 0
    """From above."""


class Model(Parent):
    """Something."""

    first: str = ""
    """The first
    of all."""
    bare: int = 0
    said: int = Field(default=0, description="In words.")
    """Not this."""
    aliased: int = Field(default=0, alias="other")
    """By another name."""


def test_the_sentence_under_a_field_is_its_description():
    found = described_schema(Model)["properties"]

    assert {name: field.get("description") for name, field in found.items()} == {
        "inherited": "From above.",
        "first": "The first\nof all.",
        "bare": None,
        "said": "In words.",
        "other": "By another name.",
    }


async def test_classes_inside_of_functions_and_classes_are_found():
    class Local(BaseModel):
        class Part(BaseModel):
            x: int = 0
            """Inside."""

        part: Part = Part()

    assert field_docs(Local.Part) == {"x": "Inside."}


def test_without_a_source_there_are_no_descriptions(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "made_up", ModuleType("made_up"))
    made = type("Made", (BaseModel,), {"__module__": "made_up", "__annotations__": {"x": int}})

    assert field_docs(made) == {}


def test_a_model_without_a_schema_still_tells_its_mistakes():
    class Odd(BaseModel):
        model_config = {"arbitrary_types_allowed": True, "extra": "forbid"}

        thing: object = None
        module: ModuleType = sys

    with pytest.raises(ValueError, match="Extra") as error:
        Odd.model_validate({"thingy": 1})

    found = schema_problems(error.value, {"thingy": 1}, "data.", Odd)  # pyright: ignore[reportArgumentType]  # It is one.

    assert [(problem.where, problem.hint) for _, problem in found] == [("data.thingy", "Check the spelling.")]


def test_a_place_is_told_with_ids_and_without_the_tags_of_unions():
    data = {"nodes": [{"id": "mail", "data": {"to": 5}}, {"id": "x" * 500}], "n": 1}

    assert place(("nodes", 0, "data", "to", "str"), data) == "nodes.mail.data.to"
    assert place(("nodes", 1, "type"), data) == "nodes[1].type"
    assert place(("nodes", 7, "type"), data) == "nodes[7]"
    assert place(("a", 0, "b")) == "a[0].b"
    assert place(("k" * 500,)) == "k" * 80
