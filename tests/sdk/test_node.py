"""A node type by its models, and what a document adds to it."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from mulle.document.reading import read_workflow
from mulle.document.workflow import NodeSpec
from mulle.sdk import Context, Done, Expand, Node, Settings, Wait
from mulle.sdk.node import NoSettings, with_ports


class Summarise(Node):
    type = "summarise"

    class Inputs(BaseModel):
        text: str

    class Outputs(BaseModel):
        summary: str


class Free(Node):
    type = "free"


def spec(ports: str = "{}") -> NodeSpec:
    return read_workflow(f"nodes: [{{id: a, type: summarise, ports: {ports}}}]").nodes[0]


def test_models_make_the_ports():
    signature = Summarise().signature(spec())

    assert [port.name for port in signature.inputs] == ["text"]
    assert [port.name for port in signature.outputs] == ["summary"]
    assert not signature.open_inputs
    assert not signature.open_outputs


def test_without_models_everything_is_taken_and_given():
    signature = Free().signature(spec())

    assert signature.open_inputs
    assert signature.open_outputs


def test_the_document_adds_ports_and_overrules_them_in_their_place():
    signature = Summarise().signature(
        spec("{inputs: [{name: extra}, {name: text, type: any}], outputs: [{name: more}]}")
    )

    assert [(port.name, port.type) for port in signature.inputs] == [("text", "any"), ("extra", "any")]
    assert [port.name for port in signature.outputs] == ["summary", "more"]
    assert with_ports(signature, spec()) == signature


def test_every_node_has_an_error_branch_unless_it_uses_that_name_for_data():
    class Own(Node):
        type = "own"

        class Outputs(BaseModel):
            error: str

    assert Free().signature(spec()).branches == {"error"}
    assert Own().signature(spec()).branches == frozenset()


def test_a_type_is_repeatable_unless_it_says_more():
    assert Free().effect_of(None) == "repeatable"
    assert isinstance(Free.title, dict)


async def test_a_type_without_run_cannot_run():
    with pytest.raises(NotImplementedError):
        await Free().run(None, {}, Context())


def test_misspelt_settings_are_refused():
    class Config(Settings):
        question: str = ""

    for model in (Config, NoSettings):
        with pytest.raises(ValidationError):
            model.model_validate({"quesiton": "?"})


def test_answers_are_values():
    answers: list[Any] = [Done({"a": 1}), Wait(until=5.0), Expand([{"item": 1}])]

    assert answers == [Done({"a": 1}), Wait(until=5.0), Expand([{"item": 1}])]
